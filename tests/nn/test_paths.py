"""Ways through a latent space keep what they promise."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from potmeter.nn.interpolation import interpolate_path, lerp, slerp

FEW = settings(deadline=None, max_examples=60)
NUMBER = st.floats(-5, 5, width=32)
SHARES = torch.linspace(0, 1, 11)


def codes(low=2, high=8):
    return st.integers(low, high).flatmap(lambda d: st.tuples(*[st.lists(NUMBER, min_size=d, max_size=d)] * 2))


@FEW
@given(codes(1))
def test_every_way_begins_and_ends_where_it_should_and_is_finite(pair):
    a, b = map(torch.tensor, pair)
    for way in (lerp, slerp):
        path = way(a, b, SHARES)
        assert path.shape == (11, len(a)) and path.isfinite().all()
        assert torch.equal(path[0], a)
        torch.testing.assert_close(path[-1], b)


@FEW
@given(codes())
def test_slerp_stays_on_the_sphere_of_two_codes_on_it(pair):
    a, b = (torch.tensor(x, dtype=torch.double) for x in pair)
    if min(a.norm(), b.norm()) > 0.1:
        a, b = 3 * a / a.norm(), 3 * b / b.norm()
        near = abs(float(a @ b) / 9) > 1 - 1e-7
        torch.testing.assert_close(slerp(a, b, SHARES.double()).norm(dim=1), torch.full((11,), 3.0).double(), atol=1e-3 if near else 1e-9, rtol=0)  # fmt: skip


@FEW
@given(codes())
def test_slerp_goes_at_constant_angular_speed(pair):
    a, b = (torch.tensor(x, dtype=torch.double) for x in pair)
    if min(a.norm(), b.norm()) > 0.1 and abs(float(a @ b) / float(a.norm() * b.norm())) < 0.999:
        path = slerp(a, b, SHARES.double())
        path = path / path.norm(dim=1, keepdim=True)
        turns = (path[:-1] * path[1:]).sum(1).clamp(-1, 1).acos()
        torch.testing.assert_close(turns, turns.mean().expand(10), atol=1e-6, rtol=1e-6)


@FEW
@given(codes())
def test_slerp_back_is_the_same_way(pair):
    a, b = (torch.tensor(x, dtype=torch.double) for x in pair)
    if min(a.norm(), b.norm()) > 0.1 and float(a @ b) / float(a.norm() * b.norm()) > -0.999:
        torch.testing.assert_close(slerp(a, b, SHARES.double()), slerp(b, a, 1 - SHARES.double()).double())


def test_slerp_is_scipys():
    from scipy.spatial import geometric_slerp

    a, b = torch.randn(2, 7, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    a, b = a / a.norm(), b / b.norm()
    expected = torch.from_numpy(geometric_slerp(a.numpy(), b.numpy(), SHARES.double().numpy()))
    torch.testing.assert_close(slerp(a, b, SHARES.double()), expected)


@pytest.mark.parametrize("dimensions", [2, 3, 64])
@pytest.mark.parametrize("stretch", [1.0, 2.5])
def test_between_opposite_codes_the_way_goes_round_the_origin_not_through_it(dimensions, stretch):
    a = torch.randn(dimensions, generator=torch.Generator().manual_seed(dimensions))
    path = slerp(a, -stretch * a, torch.linspace(0, 1, 101))
    assert path.isfinite().all() and torch.equal(path[0], a) and torch.equal(path[-1], -stretch * a)
    assert path.norm(dim=1).min() >= 0.999 * a.norm() * min(1, stretch), "plat's returns 0 here"
    steps = (path[1:] - path[:-1]).norm(dim=1)
    assert steps.max() < 1.5 * math.pi / 100 * a.norm() * max(1, stretch) * 1.2, "and it has no gap"


@pytest.mark.parametrize("b", [[0.0, 0.0], [2.0, 4.0], [1.0, 2.0]])
def test_where_there_is_no_angle_the_way_is_straight(b):
    a, b = torch.tensor([1.0, 2.0]), torch.tensor(b)
    torch.testing.assert_close(slerp(a, b, SHARES), lerp(a, b, SHARES))


def test_a_way_leads_through_its_stops():
    stops = torch.randn(4, 5)
    for way in ("slerp", "lerp"):
        path = interpolate_path(stops, 6, way)
        assert len(path) == 19 and torch.equal(path[::6], stops)


def test_many_ways_at_once_are_each_what_they_are_alone():
    a, b = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))
    b[1], b[2], b[3], shares = -a[1], 2 * a[2], 0.0, torch.linspace(0, 1, 6)
    for way in (lerp, slerp):
        alone = torch.cat([way(a[i], b[i], shares[i : i + 1]) for i in range(6)])
        torch.testing.assert_close(way(a, b, shares), alone)


def test_halfway_between_two_directions_is_their_mean():
    a, b = torch.nn.functional.normalize(torch.randn(2, 10, 4), dim=2)
    middle = slerp(a, b, torch.full((10,), 0.5))
    torch.testing.assert_close(middle, torch.nn.functional.normalize(a + b, dim=1), atol=1e-5, rtol=0)
