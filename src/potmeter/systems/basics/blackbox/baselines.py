"""What simpler methods make of the same points: linear models, and the nearest neighbour."""

from __future__ import annotations

import numpy as np

from potmeter.data.splits import Splits

from .model import Network


def classification_baselines(network: Network, splits: Splits) -> dict[str, float]:
    """Logistic regression (loss, accuracy) and the nearest neighbour's class (accuracy), on standardised inputs."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    (x, y), (test_x, test_y) = (
        (network.standardize(part.tensors["x"]).numpy(), part.tensors["label"].numpy())
        for part in (splits.train, splits.test)
    )
    linear = LogisticRegression(C=1e3, max_iter=1000).fit(x, y)
    probabilities = linear.predict_proba(test_x)[np.arange(len(test_y)), test_y]
    nearest = KNeighborsClassifier(1).fit(x, y)
    return {
        "logistic_regression_loss": float(-np.log(np.maximum(probabilities, 1e-12)).mean()),
        "logistic_regression_accuracy": float(linear.score(test_x, test_y)),
        "nearest_neighbour_accuracy": float(nearest.score(test_x, test_y)),
    }


def regression_baselines(network: Network, splits: Splits) -> dict[str, float]:
    """Squared error, in variances of the target, of linear regression and of the nearest neighbour's value."""
    from sklearn.linear_model import LinearRegression
    from sklearn.neighbors import KNeighborsRegressor

    (x, y), (test_x, test_y) = (
        (network.standardize(part.tensors["x"]).numpy(), part.tensors["y"].numpy()[:, 0])
        for part in (splits.train, splits.test)
    )
    std = network.mean_and_std[1][1]
    methods = {"linear_regression_loss": LinearRegression(), "nearest_neighbour_loss": KNeighborsRegressor(1)}
    return {
        name: float(((method.fit(x, y).predict(test_x) - test_y) ** 2).mean() / std**2)
        for name, method in methods.items()
    }
