"""Principal components, what every autoencoder must beat."""

from __future__ import annotations

from jaxtyping import Float
from sklearn.decomposition import PCA
from torch import Tensor


def pca_mse(train: Float[Tensor, "n values"], test: Float[Tensor, "m values"], components: int) -> float:
    """Mean squared error of vectors rebuilt from their principal components (Pearson 1901), taken from ``train``."""
    x, y = train.cpu().numpy(), test.cpu().numpy()
    pca = PCA(min(components, *x.shape), random_state=0).fit(x)
    return float(((pca.inverse_transform(pca.transform(y)) - y) ** 2).mean())
