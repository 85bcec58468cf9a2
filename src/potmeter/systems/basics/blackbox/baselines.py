"""What simpler methods make of the same points: the box must beat the linear ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from potmeter.data.splits import Splits

if TYPE_CHECKING:
    from .system import Blackbox


def classification(box: Blackbox, splits: Splits) -> dict[str, float]:
    """Logistic regression (loss, accuracy) and the nearest neighbour's class (accuracy)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    (x, y), (test_x, test_y) = (
        (box.scaled(p.tensors["x"].to(box.device)).cpu().numpy(), p.tensors["label"].numpy())
        for p in (splits.train, splits.test)
    )
    linear = LogisticRegression(C=1e3, max_iter=1000).fit(x, y)
    chances = linear.predict_proba(test_x)[np.arange(len(test_y)), test_y]
    near = KNeighborsClassifier(1).fit(x, y)
    return {
        "logistic_regression_loss": float(-np.log(np.maximum(chances, 1e-12)).mean()),
        "logistic_regression_accuracy": float(linear.score(test_x, test_y)),
        "nearest_neighbour_accuracy": float(near.score(test_x, test_y)),
    }


def regression(box: Blackbox, splits: Splits) -> dict[str, float]:
    """Squared error of linear regression and of the nearest neighbour's value, in the box's units."""
    from sklearn.linear_model import LinearRegression
    from sklearn.neighbors import KNeighborsRegressor

    (x, y), (test_x, test_y) = (
        (p.tensors["x"].numpy(), p.tensors["y"].numpy()[:, 0]) for p in (splits.train, splits.test)
    )
    unit = float(box.scale[1])
    methods = {"linear_regression_loss": LinearRegression(), "nearest_neighbour_loss": KNeighborsRegressor(1)}
    return {
        name: float((((m.fit(x, y).predict(test_x)) - test_y) ** 2).mean() / unit**2) for name, m in methods.items()
    }
