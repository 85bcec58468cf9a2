"""FGSM and PGD are foolbox's and cleverhans' to the last bit, stay in their ball, and do what they are for."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from potmeter.core.random import RandomStream
from potmeter.errors import UserError
from potmeter.nn import gradient_attacks
from potmeter.probes.attack import fgsm, pgd

from .networks import curved, errors, pictures_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # foolbox imports from an old name of scipy's
    import foolbox
    from eagerpy import astensor

MODEL = curved()
X, Y = pictures_of(MODEL)
OTHER = (Y + 1) % 5


def theirs(attack, y, eps, targeted, start=None):
    """What foolbox makes, from our start where it has one."""
    if start is not None:
        attack.get_random_start = lambda x0, epsilon: astensor(start)
    criterion = foolbox.criteria.TargetedMisclassification(y) if targeted else foolbox.criteria.Misclassification(y)
    network = foolbox.PyTorchModel(MODEL, bounds=(0, 1), device="cpu")
    return attack.run(network, X, criterion, epsilon=eps)


@pytest.mark.parametrize("eps", [0.0, 0.003, 0.1, 0.77])
def test_fgsm_equals_foolbox_to_the_bit(eps):
    assert torch.equal(fgsm(MODEL, X, Y, eps), theirs(foolbox.attacks.FGSM(), Y, eps, False))


@pytest.mark.parametrize("targeted", [False, True])
def test_fgsm_follows_its_equation(targeted):
    y, sign = (OTHER, -1) if targeted else (Y, 1)
    (gradient,) = torch.autograd.grad(MODEL.input_loss(leaf := X.clone().requires_grad_(), y).sum(), leaf)
    assert torch.equal(fgsm(MODEL, X, y, 0.1, targeted=targeted), (X + sign * 0.1 * gradient.sign()).clamp(0, 1))


@pytest.mark.parametrize("eps", [0.003, 0.1, 0.5])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("random_start", [False, True])
def test_linf_pgd_equals_foolbox_to_the_bit(eps, targeted, random_start):
    y = OTHER if targeted else Y
    start = gradient_attacks.random_start(X, eps, "linf", RandomStream(5).uniform(*X.shape)) if random_start else None
    attack = foolbox.attacks.LinfPGD(abs_stepsize=eps / 30, steps=20, random_start=random_start)
    expected = theirs(attack, y, eps, targeted, start)
    ours = pgd(MODEL, X, y, eps, steps=20, step_size=eps / 30, targeted=targeted, random_start=random_start, seed=5)
    assert torch.equal(ours, expected)


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("random_start", [False, True])
def test_l2_pgd_equals_foolbox_to_the_bit(targeted, random_start):
    y, rng = OTHER if targeted else Y, RandomStream(5)
    start = (
        gradient_attacks.random_start(X, 0.8, "l2", rng.uniform(len(X)), rng.normal(*X.shape)) if random_start else None
    )
    attack = foolbox.attacks.L2PGD(abs_stepsize=0.1, steps=20, random_start=random_start)
    expected = theirs(attack, y, 0.8, targeted, start)
    options = {
        "steps": 20,
        "step_size": 0.1,
        "norm": "l2",
        "targeted": targeted,
        "random_start": random_start,
        "seed": 5,
    }
    assert torch.equal(pgd(MODEL, X, y, 0.8, **options), expected)


def test_pgd_equals_cleverhans_to_the_bit():
    """On pictures, sizes and steps that are binary fractions: cleverhans clips once more, which else rounds once more."""
    fast = pytest.importorskip("cleverhans.torch.attacks.fast_gradient_method").fast_gradient_method
    projected = pytest.importorskip("cleverhans.torch.attacks.projected_gradient_descent").projected_gradient_descent
    x = (X * 256).round() / 256
    for eps in (1 / 64, 1 / 4):
        assert torch.equal(fgsm(MODEL, x, Y, eps), fast(MODEL, x, eps, float("inf"), 0.0, 1.0, Y))
        expected = projected(MODEL, x, eps, eps / 8, 20, float("inf"), 0.0, 1.0, Y, rand_init=False)
        assert torch.equal(pgd(MODEL, x, Y, eps, steps=20, step_size=eps / 8, random_start=False), expected)


def test_pgd_follows_its_equation():
    """x ← clip(centre + clip(x + a·sign(∇) − centre, −ε, ε), 0, 1), written out (Madry et al. 2018, equation 2)."""
    x = X.clone()
    for _ in range(15):
        leaf = x.clone().requires_grad_()
        torch.nn.functional.cross_entropy(MODEL(leaf), Y, reduction="sum").backward()
        x = (X + (x + 0.02 * leaf.grad.sign() - X).clamp(-0.1, 0.1)).clamp(0, 1)
    assert torch.equal(pgd(MODEL, X, Y, 0.1, steps=15, step_size=0.02, random_start=False), x)
    MODEL.zero_grad()


@settings(deadline=None, max_examples=25)
@given(
    levels=st.lists(st.integers(0, 256), min_size=64, max_size=64),
    eps=st.integers(0, 256),
    seed=st.integers(0, 2**31),
    targeted=st.booleans(),
)
def test_the_change_stays_within_eps_and_the_picture_within_0_and_1(levels, eps, seed, targeted):
    x, eps = torch.tensor(levels).float().view(1, 1, 8, 8) / 256, eps / 256  # binary fractions: no rounding
    for worse in (
        fgsm(MODEL, x, Y[:1], eps, targeted=targeted),
        pgd(MODEL, x, Y[:1], eps, steps=3, step_size=eps / 2, seed=seed, targeted=targeted, random_start=False),
    ):
        assert (worse - x).abs().max() <= eps and worse.min() >= 0 and worse.max() <= 1
    drawn = pgd(MODEL, x, Y[:1], eps, steps=3, seed=seed, targeted=targeted)
    assert (drawn - x).abs().max() <= eps + 2**-23 and drawn.min() >= 0 and drawn.max() <= 1
    far = pgd(MODEL, x, Y[:1], 4 * eps, steps=3, norm="l2", seed=seed)
    assert (far - x).norm() <= 4 * eps + 1e-5 and far.min() >= 0 and far.max() <= 1


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_random_starts_fill_the_ball(norm):
    rng, x = RandomStream(0), torch.full((2000, 1, 1, 2), 0.5)
    start = gradient_attacks.random_start(
        x, 0.25, norm, rng.uniform(*x.shape if norm == "linf" else (len(x),)), rng.normal(*x.shape)
    )
    change = (start - x).flatten(1)
    size = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    assert size.max() <= 0.25 + 1e-6
    assert (size < 0.125).float().mean() == pytest.approx(0.25, abs=0.03), (
        "a quarter of the area within half the radius"
    )
    assert change.mean(0).abs().max() < 0.02


@pytest.mark.parametrize("steps", [1, 2, 5, 40])
def test_however_few_the_steps_they_reach_the_edge_of_the_ball(steps):
    change = (pgd(MODEL, X, Y, 0.02, steps=steps) - X).abs()
    inside = (X > 0.05) & (X < 0.95)
    assert (change[inside] > 0.0199).float().mean() > 0.5
    assert steps == 1 or errors(MODEL, pgd(MODEL, X, Y, 0.02, steps=steps), Y) >= errors(
        MODEL, fgsm(MODEL, X, Y, 0.01), Y
    )


def test_pgd_harms_more_than_fgsm_and_that_more_than_noise():
    eps = 0.05
    noise = (X + eps * torch.randn_like(X).sign()).clamp(0, 1)
    with torch.no_grad():
        losses = [
            MODEL.input_loss(worse, Y)
            for worse in (X, noise, fgsm(MODEL, X, Y, eps), pgd(MODEL, X, Y, eps, step_size=0.01, restarts=3))
        ]
    assert max(losses[0].mean(), losses[1].mean()) < losses[2].mean() < losses[3].mean()
    assert (losses[3] >= losses[2] - 1e-5).all()


def test_more_starts_never_do_worse():
    with torch.no_grad():
        losses = [
            MODEL.input_loss(pgd(MODEL, X, Y, 0.03, steps=3, step_size=0.02, restarts=starts), Y)
            for starts in (2, 3, 6)
        ]
    wrong = [errors(MODEL, pgd(MODEL, X, Y, 0.03, steps=3, step_size=0.02, restarts=n), Y) for n in (2, 3, 6)]
    assert wrong == sorted(wrong) and (losses[1] >= losses[0]).all() and (losses[2] >= losses[1]).all()


def test_a_target_is_reached():
    worse = pgd(MODEL, X, OTHER, 0.4, targeted=True)
    assert errors(MODEL, worse, OTHER) == 0
    assert errors(MODEL, fgsm(MODEL, X, OTHER, 0.05, targeted=True), Y) <= errors(MODEL, worse, Y)


def test_the_seed_decides():
    assert torch.equal(pgd(MODEL, X, Y, 0.1, steps=2, seed=4), pgd(MODEL, X, Y, 0.1, steps=2, seed=4))
    assert not torch.equal(pgd(MODEL, X, Y, 0.1, steps=2, seed=4), pgd(MODEL, X, Y, 0.1, steps=2, seed=5))


def test_a_batch_of_one_and_no_room():
    assert torch.equal(pgd(MODEL, X[:1], Y[:1], 0.1, random_start=False), pgd(MODEL, X, Y, 0.1, random_start=False)[:1])
    assert torch.equal(pgd(MODEL, X, Y, 0.0), X) and torch.equal(fgsm(MODEL, X, Y, 0.0), X)


def test_the_network_is_left_as_it_was():
    MODEL.zero_grad()  # foolbox, in other tests, leaves gradients in it
    pgd(MODEL, X, Y, 0.1, steps=2)
    assert all(p.grad is None and p.requires_grad for p in MODEL.parameters())


def test_a_loss_without_a_gradient_is_told():
    with pytest.raises(UserError, match="must be differentiable in its input. Received: "):
        gradient_attacks.fgsm(lambda x: x.round().detach().sum(1), torch.rand(2, 3), 0.1)
    weight = torch.ones(1, requires_grad=True)
    with pytest.raises(UserError, match="must use its input. Received: "):
        gradient_attacks.fgsm(lambda x: weight.expand(2), torch.rand(2, 3), 0.1)
