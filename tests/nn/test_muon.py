"""Muon: equal to torch's, and its steps go equally far in all directions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from potmeter.nn.muon import Muon, move_to_muon, orthogonalize

SHAPES = ((24, 8), (8, 24), (16, 16), (1, 5))


def trained(optimizer, steps=4, **settings):
    torch.manual_seed(0)
    matrices = [nn.Parameter(torch.randn(shape)) for shape in SHAPES]
    chosen = optimizer(matrices, lr=0.02, weight_decay=0.1, **settings)
    for _ in range(steps):
        for p in matrices:
            p.grad = torch.randn_like(p)
        chosen.step()
    return matrices, chosen


def test_it_is_torchs_but_for_the_rounding():
    for ours, theirs in zip(trained(Muon)[0], trained(torch.optim.Muon)[0], strict=True):
        moved = theirs - trained(Muon, steps=0)[0][SHAPES.index(tuple(theirs.shape))]
        assert (ours - theirs).norm() < 0.02 * moved.norm(), "which rounds to three digits"


def test_it_goes_on_from_a_state_of_torchs():
    matrices, theirs = trained(torch.optim.Muon)
    ours = Muon(matrices, lr=0.02)
    ours.load_state_dict(theirs.state_dict())
    for p in matrices:
        assert torch.equal(ours.state[p]["momentum_buffer"], theirs.state[p]["momentum_buffer"])


@given(st.integers(1, 20), st.integers(1, 20), st.floats(-6, 6), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_matrix_becomes_nearly_orthogonal_whatever_its_size(rows, columns, magnitude, seed):
    rng = torch.Generator().manual_seed(seed)
    left, right = (torch.linalg.qr(torch.randn(n, n, generator=rng)).Q for n in (rows, columns))
    values = torch.linspace(0.05, 1, min(rows, columns))
    matrix = 10**magnitude * left[:, : len(values)] * values @ right[: len(values)]
    found = orthogonalize(matrix)
    singular = torch.linalg.svdvals(found)
    assert 0.6 < singular.min() and singular.max() < 1.25
    assert (found * matrix).sum() > 0.6 * matrix.norm(p="nuc"), "it is the nearest such matrix, not any"


def test_a_gradient_of_zero_moves_nothing():
    p = nn.Parameter(torch.eye(3))
    p.grad = torch.zeros(3, 3)
    Muon([p], lr=0.1).step()
    assert torch.equal(p, torch.eye(3))


def test_what_moves_to_muon_is_trained_by_it_alone_in_the_given_order():
    first, bias, last = (nn.Parameter(torch.ones(shape)) for shape in ((3, 4), (3,), (2, 3)))
    adam = torch.optim.AdamW([{"params": [first, last]}, {"params": [bias]}])
    muon = move_to_muon([last, first], adam, lr=0.1, weight_decay=0.2)
    assert [[id(p) for p in group["params"]] for group in adam.param_groups] == [[], [id(bias)]]
    assert [id(p) for p in muon.param_groups[0]["params"]] == [id(last), id(first)]
    assert (muon.defaults["lr"], muon.defaults["weight_decay"]) == (0.1, 0.2)


def test_it_takes_matrices_only():
    with pytest.raises(ValueError, match=r"Muon takes matrices. Received: \(3,\)"):
        Muon([nn.Parameter(torch.zeros(3))])
