"""The attacks that search: each finds what its paper says, on networks where that can be known."""

from inspect import unwrap

import pytest
import torch

from potmeter.core.random import RandomStream
from potmeter.errors import UserError
from potmeter.probes.attack import carlini_wagner, deepfool, fgsm, pgd, square, universal_perturbation
from potmeter.probes.attack.criterion import margin
from potmeter.probes.attack.square import random_signs, random_squares, square_area

from .networks import curved, errors, linear, pictures_of

MODEL = curved()
X, Y = pictures_of(MODEL)
OTHER = (Y + 1) % 5


def lengths(change):
    return change.flatten(1).norm(dim=1)


# DeepFool -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 4, 12])
def test_on_a_linear_map_deepfool_goes_the_distance_to_the_nearest_boundary(classes):
    model = linear(classes)
    x, y = pictures_of(model)
    weight = model.network[1].weight
    with torch.no_grad():
        gaps = model.logits(x).gather(1, y[:, None]) - model.logits(x)  # (B, classes)
        ways = (weight[y][:, None] - weight[None]).norm(dim=2)
        expected = (gaps / ways).scatter(1, y[:, None], torch.inf).amin(1)
    found = deepfool(model, x, y, candidates=classes)
    torch.testing.assert_close(lengths(found - x), 1.02 * expected, rtol=1e-3, atol=1e-6)
    assert errors(model, found, y) == 1
    closer = x + (found - x) / 1.02 * 0.98
    assert errors(model, closer, y) == 0, "just before the boundary nothing has changed"


def test_deepfool_deceives_a_curved_network_with_less_than_fgsm():
    found = deepfool(MODEL, X, Y)
    assert errors(MODEL, found, Y) == 1 and found.min() >= 0 and found.max() <= 1
    assert lengths(found - X).mean() < smallest_fgsm().mean()


def test_deepfool_leaves_what_is_wrong_already():
    assert torch.equal(deepfool(MODEL, X, OTHER), X)


# Carlini and Wagner -------------------------------------------------------------------------------------------------


def smallest_fgsm():
    """The L2 size of the smallest FGSM change that deceives, for each picture."""
    size = torch.full((len(X),), torch.inf)
    for eps in torch.linspace(0.002, 0.3, 150).tolist():
        worse = fgsm(MODEL, X, Y, eps)
        with torch.no_grad():
            wrong = MODEL.logits(worse).argmax(1) != Y
        size = torch.where(wrong, size.minimum(lengths(worse - X)), size)
    assert size.isfinite().all()
    return size


def test_carlini_and_wagner_find_a_smaller_change_than_fgsm_for_every_picture():
    found = carlini_wagner(MODEL, X, Y, searches=9, steps=200)
    assert errors(MODEL, found, Y) == 1 and found.min() >= 0 and found.max() <= 1
    assert (lengths(found - X) < smallest_fgsm()).all()


def test_on_a_linear_map_carlini_and_wagner_come_near_the_least_distance():
    model = linear(3)
    x, y = pictures_of(model)
    least = lengths(deepfool(model, x, y) - x) / 1.02
    found = lengths(carlini_wagner(model, x, y, searches=9, steps=300) - x)
    assert (found >= least * 0.99).all() and (found <= least * 1.1 + 0.01).all()


def test_carlini_and_wagner_reach_a_target():
    found = carlini_wagner(MODEL, X, OTHER, targeted=True, searches=9, steps=200)
    assert errors(MODEL, found, OTHER) == 0


def test_confidence_is_a_lead_in_logits():
    found = carlini_wagner(MODEL, X, Y, searches=9, steps=200, confidence=1.0)
    with torch.no_grad():
        assert margin(MODEL.logits(found), Y).max() <= -0.99


def test_where_nothing_is_found_carlini_and_wagner_return_the_original():
    assert torch.equal(carlini_wagner(MODEL, X, Y, searches=1, steps=1, constant=1e-9), X)


# Square -------------------------------------------------------------------------------------------------------------


def test_the_square_attack_deceives_and_stays_within_eps():
    found = square(MODEL, X, Y, 0.2, queries=300)
    assert errors(MODEL, found, Y) > 0.9
    assert (found - X).abs().max() <= 0.2 + 2**-23 and found.min() >= 0 and found.max() <= 1


def test_the_square_attack_needs_no_gradient():
    class Steps(torch.nn.Module):  # rounds: its gradient is 0 everywhere
        classes, input_shape = MODEL.classes, MODEL.input_shape

        def logits(self, images):
            return (MODEL.logits(images) * 10).round() / 10

    assert errors(Steps(), square(Steps(), X, Y, 0.2, queries=300), Y) > 0.9


def test_more_queries_never_do_worse_and_beat_noise():
    wrong = [errors(MODEL, square(MODEL, X, Y, 0.08, queries=n), Y) for n in (1, 30, 300)]
    noise = (X + 0.08 * random_signs(RandomStream(0), *X.shape)).clamp(0, 1)
    assert wrong == sorted(wrong) and wrong[-1] > errors(MODEL, noise, Y)


def test_the_square_attack_reaches_a_target():
    assert errors(MODEL, square(MODEL, X, OTHER, 0.4, queries=800, targeted=True), OTHER) < 0.2


def test_squares_shrink_as_in_the_paper():
    sizes = [square_area(n / 10_000, 0.8) for n in (0, 10, 11, 60, 300, 700, 1500, 3000, 5000, 7000, 9000)]
    assert sizes == [0.8, 0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125, 0.0015625]


def test_squares_are_squares_and_reach_every_pixel():
    inside = random_squares(RandomStream(1), 400, 3, 7, 9)
    assert inside.shape == (400, 1, 7, 9) and (inside.sum((1, 2, 3)) == 9).all() and inside.any(0).all()


# Universal ----------------------------------------------------------------------------------------------------------


def test_one_change_turns_more_unseen_answers_than_noise_of_its_size():
    x, y = pictures_of(MODEL, 200)
    change = universal_perturbation(MODEL, x[:100], y[:100], 0.08)
    assert change.shape == x.shape[1:] and change.abs().max() <= 0.08 + 2**-23
    noise = 0.08 * random_signs(RandomStream(0), *change.shape)
    turned, by_noise = (errors(MODEL, (x[100:] + d).clamp(0, 1), y[100:]) for d in (change, noise))
    assert turned > by_noise + 0.2


def test_a_targeted_change_turns_answers_to_the_target():
    x, y = pictures_of(MODEL, 100)
    target = torch.full_like(y, (int(y[0]) + 1) % 5)
    change = universal_perturbation(MODEL, x, target, 0.3, targeted=True)
    assert errors(MODEL, (x + change).clamp(0, 1), target) < errors(MODEL, x, target) - 0.3


# All ----------------------------------------------------------------------------------------------------------------

ATTACKS = {
    "fgsm": lambda model, x, y, eps=0.1: fgsm(model, x, y, eps),
    "pgd": lambda model, x, y, eps=0.1: pgd(model, x, y, eps, steps=3),
    "pgd_l2": lambda model, x, y, eps=0.1: pgd(model, x, y, eps, steps=3, norm="l2"),
    "square": lambda model, x, y, eps=0.1: square(model, x, y, eps, queries=20),
    "universal": lambda model, x, y, eps=0.1: universal_perturbation(model, x, y, eps, epochs=1),
    "deepfool": lambda model, x, y: deepfool(model, x, y, steps=3),
    "carlini_wagner": lambda model, x, y: carlini_wagner(model, x, y, searches=2, steps=5, constant=1.0),
}
each = pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
sized = pytest.mark.parametrize("attack", list(ATTACKS.values())[:5], ids=list(ATTACKS)[:5])


@each
def test_it_gives_the_same_twice_and_leaves_its_inputs(attack):
    x, y = X.clone(), Y.clone()
    torch.manual_seed(1)
    one = attack(MODEL, x, y)
    torch.manual_seed(2)
    assert torch.equal(attack(MODEL, x, y), one), "nothing but its seed decides"
    assert torch.equal(x, X) and torch.equal(y, Y) and not one.requires_grad


@each
def test_it_takes_a_single_picture(attack):
    assert attack(MODEL, X[:1], Y[:1]).shape[-3:] == (1, 8, 8)


@each
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[..., :-1], y), "x must have the shape"),
        (lambda x, y: (x[0], y), "x must have the shape"),
        (lambda x, y: (x[:0], y[:0]), "At least one image"),
        (lambda x, y: (255 * x, y), "x must lie between 0 and 1"),
        (lambda x, y: (x - 1, y), "x must lie between 0 and 1"),
        (lambda x, y: (x * torch.nan, y), "x must lie between 0 and 1"),
        (lambda x, y: (x.byte(), y), "x must hold numbers"),
        (lambda x, y: (x, y[:-1]), "y must hold a class number for each of 16"),
        (lambda x, y: (x, y.float()), "y must hold whole numbers"),
        (lambda x, y: (x, y + 5), "y must lie between 0 and 4"),
        (lambda x, y: (x, y - 9), "y must lie between 0 and 4"),
    ],
)
def test_inputs_it_cannot_take_are_told(attack, change, message, monkeypatch):
    for name in ("fgsm", "pgd", "square", "universal_perturbation", "deepfool", "carlini_wagner"):
        monkeypatch.setitem(globals(), name, unwrap(globals()[name]))  # as users call them: only tests check shapes
    with pytest.raises(UserError, match=f"{message}.*Received: "):
        attack(MODEL, *change(X, Y))


@sized
def test_no_room_changes_nothing(attack):
    found = attack(MODEL, X, Y, 0.0)
    assert torch.equal(found, X) or (found.ndim == 3 and not found.any())


@sized
@pytest.mark.parametrize("eps", [-0.1, float("nan"), float("inf"), 1.5])
def test_a_size_out_of_bounds_is_told(attack, eps):
    if eps == 1.5 and attack is ATTACKS["pgd_l2"]:
        return  # an L2 ball may be larger
    with pytest.raises(UserError, match="eps must .*Received: "):
        attack(MODEL, X, Y, eps)


@pytest.mark.parametrize("attack", [a for name, a in ATTACKS.items() if name != "square"])
def test_a_network_without_a_gradient_is_told(attack):
    class Flat(torch.nn.Module):
        classes, input_shape = MODEL.classes, MODEL.input_shape

        def logits(self, images):
            return MODEL.logits(images).detach()

        def input_loss(self, x, target):
            return torch.nn.functional.cross_entropy(self.logits(x), target, reduction="none")

    with pytest.raises(UserError, match="must be differentiable in its input. Received: "):
        attack(Flat(), X, Y)
