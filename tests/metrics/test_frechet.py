"""The Fréchet distance is the closed form's, and scipy's matrix root's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from potmeter.errors import UserError
from potmeter.metrics.frechet import frechet_distance


def cloud(n, d, seed, stretch=1.0):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=rng, dtype=torch.float64) @ torch.randn(d, d, generator=rng).double() * stretch


@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 60), m=st.integers(2, 60), d=st.integers(1, 12), seed=st.integers(0, 99))
def test_it_is_what_the_matrix_root_gives(n, m, d, seed):
    x, y = cloud(n, d, seed), cloud(m, d, seed + 1, 2.0) + 3
    a, b = (np.atleast_2d(np.cov(v.numpy(), rowvar=False)) for v in (x, y))
    values = np.linalg.eigvals(a @ b)  # the root's trace: the roots of the eigenvalues, which are real and not negative
    root = np.sqrt(values.real.clip(0)).sum()
    expected = float((x.mean(0) - y.mean(0)).square().sum()) + np.trace(a) + np.trace(b) - 2 * root
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_scipys_root_agrees():
    x, y = cloud(200, 6, 0), cloud(300, 6, 1) - 1
    a, b = (np.cov(v.numpy(), rowvar=False) for v in (x, y))
    expected = float((x.mean(0) - y.mean(0)).square().sum()) + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)


def test_of_gaussians_that_share_their_axes_it_is_the_closed_form():
    x = cloud(500, 3, 0)
    mean, root = x.mean(0), torch.linalg.inv(torch.linalg.cholesky(x.T.cov())).T
    white = (x - mean) @ root  # covariance exactly 1
    scale, shift = torch.tensor([1.0, 2.0, 5.0]).double(), torch.tensor([1.0, 0.0, -2.0]).double()
    assert frechet_distance(white, white * scale + shift) == pytest.approx(float(((scale - 1) ** 2 + shift**2).sum()))


@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 40), d=st.integers(1, 20), seed=st.integers(0, 99))
def test_it_is_symmetric_and_nothing_between_a_cloud_and_itself(n, d, seed):
    x, y = cloud(n, d, seed), cloud(n + 3, d, seed + 1)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-6, abs=1e-6)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6 * float(x.square().sum() + 1))
    assert frechet_distance(x, x[torch.randperm(n)]) == pytest.approx(0, abs=1e-6 * float(x.square().sum() + 1))


def test_few_samples_are_told():
    with pytest.raises(UserError, match="at least two pictures.*Received: 1"):
        frechet_distance(torch.zeros(1, 3), torch.zeros(5, 3))
    with pytest.raises(UserError, match="features of one kind"):
        frechet_distance(torch.zeros(4, 3), torch.zeros(5, 2))
