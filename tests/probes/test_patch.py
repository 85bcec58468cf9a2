"""A patch covers the share it is asked for, can be printed, learns what it is for, and works on any classifier."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from potmeter import registry
from potmeter.cli import execute
from potmeter.core.capabilities import class_index
from potmeter.core.loading import load
from potmeter.core.networks import ClassifierAdapter
from potmeter.core.random import RandomStream
from potmeter.data.samples import sample
from potmeter.data.sets.mnist import sklearn_digits
from potmeter.data.sets.wheel_photos import PHOTOS
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.probes.fusion import fuse_batch_norms
from potmeter.probes.patch import (
    Patch,
    Placement,
    TrainablePatch,
    artefact,
    fixed_placement,
    paste_patch,
    random_placements,
    trials,
)
from potmeter.probes.patch.expectation import GAIN, MAX_ROTATION, OFFSET
from potmeter.probes.patch.inks import PRIMARIES, mix_inks, separate_inks
from potmeter.probes.patch.trainable_patch import total_variation

pytestmark = pytest.mark.xdist_group("patch")  # one patch is trained for all

FEW = settings(deadline=None, max_examples=25)


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# Pasting ------------------------------------------------------------------------------------------------------------


@FEW
@given(
    share=st.floats(0.01, 0.45),
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    angle=st.floats(-180, 180),
    size=st.tuples(st.integers(64, 160), st.integers(64, 160)).filter(lambda s: max(s) < 1.5 * min(s)),
)
def test_the_patch_covers_the_share_it_is_asked_for(share, x, y, angle, size):
    patched = paste_patch(torch.zeros(1, 3, *size), torch.ones(3, 20, 20), fixed_placement(share, x, y, angle))
    radius = math.sqrt(share * math.prod(size) / math.pi)
    wanted = share * math.prod(size)
    # the rim may reach half a pixel over the picture's edge where the disc touches it
    assert float(patched[0, 0].sum()) == pytest.approx(wanted, abs=0.5 + 0.8 * math.sqrt(radius))


def test_a_turn_by_a_quarter_is_a_turn_by_a_quarter():
    size = 40
    patch, photo = noise(3, size, size), torch.zeros(1, 3, size, size)
    whole = math.pi / 4 - 1e-9  # the largest disc
    upright = paste_patch(photo, patch, fixed_placement(whole))
    inside = paste_patch(photo, torch.ones(3, 2, 2), fixed_placement(whole)) == 1
    torch.testing.assert_close(upright[inside], patch[None][inside])
    for quarter in (1, 2, 3, -1):
        turned = paste_patch(photo, patch, fixed_placement(whole, angle=90.0 * quarter))
        torch.testing.assert_close(turned, upright.rot90(quarter, (2, 3)), atol=1e-4, rtol=0)


def test_what_the_patch_does_not_cover_stays_to_the_bit():
    photos, patch = noise(4, 3, 60, 70), noise(3, 30, 30, seed=1)
    where = random_placements(4, 0.2, RandomStream(3))
    patched, ones = paste_patch(photos, patch, where), paste_patch(0 * photos, torch.ones(3, 2, 2), where)
    outside = ones == 0
    assert outside.float().mean() == pytest.approx(0.8, abs=0.03)
    assert torch.equal(patched[outside], photos[outside]) and patched.min() >= 0 and patched.max() <= 1


def test_the_corners_of_the_room_are_the_corners_of_the_picture():
    for x in (0.0, 1.0):
        for y in (0.0, 1.0):
            covered = (
                paste_patch(torch.zeros(1, 1, 50, 80), torch.ones(3, 2, 2), fixed_placement(0.2, x, y))[0, 0] > 0.5
            )
            rows, columns = covered.any(1).nonzero().flatten(), covered.any(0).nonzero().flatten()
            assert (rows[0] <= 1) == (y == 0) and (rows[-1] >= 48) == (y == 1)
            assert (columns[0] <= 1) == (x == 0) and (columns[-1] >= 78) == (x == 1)


def test_gradients_reach_every_pixel_of_the_disc_and_are_right():
    patch = noise(3, 24, 24).requires_grad_()
    where = Placement(0.3, *(torch.tensor(v) for v in ([0.2, 0.9], [0.5, 0.1], [13.0, -40.0], [0.9, 1.0], [0.0, 0.02])))
    (gradient,) = torch.autograd.grad(paste_patch(torch.zeros(2, 3, 48, 48), patch, where).sum(), patch)
    axis = torch.arange(24) - 11.5
    inside = (axis.square() + axis[:, None].square()).sqrt() < 11
    assert (gradient[:, inside] > 0).all()
    small = noise(3, 6, 6).double().mul(0.5).add(0.25).requires_grad_()
    torch.autograd.gradcheck(
        lambda p: paste_patch(torch.zeros(1, 3, 12, 12).double(), p, fixed_placement(0.3, 0.3, 0.6, 20.0)), small
    )


def test_a_grey_picture_wears_the_patchs_luminance():
    patch = Image((noise(16, 16, 3) * 255).byte().numpy())
    patched = paste_patch(torch.zeros(1, 1, 16, 16), patch.tensor(), fixed_placement(0.5))
    coloured = paste_patch(torch.zeros(1, 3, 16, 16), patch.tensor(), fixed_placement(0.5))
    grey = Image.from_tensor(coloured[0]).tensor(channels=1)
    assert patched.shape == (1, 1, 16, 16) and (patched[0] - grey).abs().max() < 0.005


def test_random_placements_keep_to_their_bounds_and_are_reproducible():
    where, again, other = (random_placements(2000, 0.1, RandomStream(seed)) for seed in (1, 1, 2))
    assert (
        torch.equal(where.x, again.x) and torch.equal(where.offset, again.offset) and not torch.equal(where.x, other.x)
    )
    bounds = {
        "x": (0, 1),
        "y": (0, 1),
        "angle": (-MAX_ROTATION, MAX_ROTATION),
        "gain": (1 - GAIN, 1 + GAIN),
        "offset": (-OFFSET, OFFSET),
    }
    for name, (low, high) in bounds.items():
        values = getattr(where, name)
        assert low <= values.min() and values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.05 * (high - low)), name


def test_a_disc_that_does_not_fit_is_told():
    with pytest.raises(UserError, match=r"must fit into 100 × 50 pixels. Received: 0.5"):
        paste_patch(torch.zeros(1, 3, 50, 100), torch.zeros(3, 8, 8), fixed_placement(0.5))


# Printing -----------------------------------------------------------------------------------------------------------


def test_full_inks_print_the_eight_primaries():
    corners = torch.tensor([[n & 1, n >> 1 & 1, n >> 2] for n in range(8)]).float()
    torch.testing.assert_close(mix_inks(corners.T[..., None])[..., 0].T, PRIMARIES)


def test_what_was_mixed_can_be_separated_and_what_cannot_be_printed_becomes_the_nearest():
    printable = mix_inks(noise(3, 12, 12))
    assert (mix_inks(separate_inks(printable)) - printable).abs().max() < 0.02
    green = torch.tensor([0.0, 1.0, 0.0]).view(3, 1, 1)
    printed = mix_inks(separate_inks(green))
    among = mix_inks(torch.cartesian_prod(*[torch.linspace(0, 1, 21)] * 3).T[..., None])
    nearest = (among - green).square().sum(0).min()
    assert (printed - green).square().sum() == pytest.approx(float(nearest), rel=0.02)


def test_a_disguised_patch_begins_as_its_disguise_and_stays_within_eps_of_it():
    disguise = mix_inks(0.1 + 0.8 * noise(3, 24, 24))
    trainable = TrainablePatch(24, disguise, 0.2)
    inner = slice(8, 16)
    assert (trainable() - disguise)[:, inner, inner].abs().max() < 0.02
    inks = separate_inks(disguise)
    for push in (-1e3, 1e3):
        nn.init.constant_(trainable.grids[0], push)
        drawn = separate_inks(trainable().detach())
        assert (drawn - inks)[:, inner, inner].abs().max() < 0.22
    assert torch.equal(trainable()[:, 0, 0], torch.ones(3)), "white around the disc"


def test_training_goes_on_from_a_patch():
    patch = TrainablePatch(32)
    for number, grid in enumerate(patch.grids):
        nn.init.normal_(grid, std=0.5, generator=torch.Generator().manual_seed(number))
    saved = Image.from_tensor(patch()).tensor()
    again = TrainablePatch(32, initial=saved)()
    assert (again - saved).abs().mean() < 0.02


def test_roughness_is_the_mean_difference_of_neighbours():
    stripes = torch.tensor([0.0, 1.0]).repeat(4).expand(3, 6, 8)
    assert total_variation(stripes) == 1 and total_variation(torch.ones(3, 4, 4)) == 0


@pytest.mark.parametrize(("cm", "sheet"), [(4.0, (21.0, 29.7)), (12.0, (21.0, 29.7)), (25.0, (29.7, 42.0))])
def test_the_pdf_has_the_size_asked_for(tmp_path, digits, cm, sheet):
    noise_picture(tmp_path / "patch.png")
    page = digits.pdf(patch=str(tmp_path / "patch.png"), cm=cm)
    boxes, widths = measures(page.save(tmp_path / "page.pdf").read_bytes())
    assert boxes == [pytest.approx([0, 0, *(72 / 2.54 * side for side in sheet)])]
    assert widths == [pytest.approx(72 / 2.54 * cm, abs=0.01)]
    assert page.picture.size[0] / cm == pytest.approx(60, abs=1), "pixels a centimetre"


def measures(pdf: bytes):
    """Page boxes, and the widths at which pictures are drawn, in points."""
    import re
    import zlib

    boxes = [[float(n) for n in m.split()] for m in re.findall(rb"MediaBox \[([^\]]*)\]", pdf)]
    drawn = b""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S):
        try:
            drawn += zlib.decompress(stream)
        except zlib.error:
            continue
    return boxes, [float(m) for m in re.findall(rb"([\d.]+) 0 0\s+-?[\d.]+ 0 [\d.]+ cm /\w+ Do", drawn)]


# The same network, faster -------------------------------------------------------------------------------------------


def test_fusing_changes_nothing_but_the_number_of_layers():
    model = load("classifier.digits")
    quick, x = fuse_batch_norms(model), noise(3, *model.input_shape)
    torch.testing.assert_close(quick.logits(x), model.logits(x), atol=1e-4, rtol=1e-4)
    norms = [sum(isinstance(m, nn.BatchNorm2d) for m in one.modules()) for one in (model, quick)]
    assert norms[1] < norms[0] and not any(p.requires_grad for p in quick.parameters())


def test_fusing_leaves_alone_what_it_cannot_be_sure_of():
    class Backwards(nn.Sequential):
        def forward(self, x):
            return self[0](self[1](x))

    for module in (Backwards(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)), nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False))):  # fmt: skip
        x = noise(4, 3, 5, 5)
        nn.init.constant_(module[1].weight, 3.0)
        torch.testing.assert_close(fuse_batch_norms(module)(x), module.eval()(x))


# Learning -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return Patch("classifier.digits")


@pytest.fixture(scope="module")
def handwriting():
    """Digits that are not eights: to train on, and others to judge by."""
    splits = sklearn_digits()

    def some(part, count):
        labels = part.tensors["label"]
        return [Image.from_tensor(part[int(i)]["image"]) for i in (labels != 8).nonzero().flatten()[:count]]

    return some(splits.train, 60), some(splits.test, 30)


def last(results):
    return list(results)[-1]


@pytest.fixture(scope="module")
def eight(digits, handwriting):
    """A patch that makes digits an eight, learned in seconds."""
    return last(digits.make(handwriting[0], target="8", steps=150))


def test_a_patch_beats_a_picture_of_the_class_on_samples_that_were_not_trained_on(digits, handwriting, eight):
    photos, number = (
        trials.centre_squares(handwriting[1], digits.model.input_shape),
        class_index(digits.model.classes, "8"),
    )
    plain = sample("digit-8").tensor()

    def success(patch):
        return float(trials.run_trials(digits.model, photos, patch, number, 0.25).float().mean())

    assert success(eight.pixels) > success(plain) + 0.3
    assert success(eight.pixels) > 0.5 > 0.2 > success(None)


def test_what_is_made_is_printable_and_says_how_it_was_made(eight):
    pixels = eight.pixels
    assert pixels.shape[1] == pixels.shape[2] == 20
    assert (mix_inks(separate_inks(pixels)) - pixels).abs().max() < 0.03
    facts = eight.card.facts
    assert (facts["target"], facts["model"], facts["photos"]) == ("8", "classifier", "own photos")
    assert facts["training"]["steps"] == 150 and facts["training"]["seed"] == 0


def test_the_same_seed_makes_the_same_patch(digits, handwriting):
    one, same, other = (last(digits.make(handwriting[0][:5], target="3", steps=4, seed=s)) for s in (1, 1, 2))
    assert (one.patch.pixels == same.patch.pixels).all() and (one.patch.pixels != other.patch.pixels).any()


def test_it_is_shown_while_it_becomes_better(digits, handwriting, monkeypatch):
    monkeypatch.setattr("potmeter.probes.patch.probe.PREVIEW_INTERVAL", 2)
    steps = [made.card.facts["training"]["steps"] for made in digits.make(handwriting[0][:5], target="3", steps=5)]
    assert steps == [2, 4, 5]


def test_a_run_can_go_on_from_a_patch_and_stay_in_disguise(digits, handwriting, eight):
    disguise = Image.from_tensor(mix_inks(0.2 + 0.6 * noise(3, 20, 20)))
    made = last(digits.make(handwriting[0][:5], target="8", steps=3, start=eight.patch))
    assert (made.pixels - eight.pixels).abs().mean() < 0.1, "three steps do not lead far"
    hidden = last(digits.make(handwriting[0][:5], target="8", steps=30, disguise=disguise, eps=0.1))
    assert (separate_inks(hidden.pixels) - separate_inks(disguise.tensor()))[:, 6:14, 6:14].abs().max() < 0.13
    assert hidden.card.facts["disguise_eps"] == 0.1


def test_training_does_not_touch_the_network(handwriting):
    model = load("classifier.digits")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    last(Patch(model).make(handwriting[0][:5], target="8", steps=2))
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_a_loss_that_is_no_number_is_told(handwriting):
    class Broken(nn.Module):
        classes, input_shape, name = ("a", "b"), (1, 28, 28), "broken"

        def logits(self, images):
            return images.mean((1, 2, 3))[:, None] * torch.tensor([math.nan, 1.0])

        def input_loss(self, x, target):
            return nn.functional.cross_entropy(self.logits(x), target, reduction="none")

    with pytest.raises(UserError, match="no number any more"):
        last(Patch(Broken()).make(handwriting[0][:2], target="a", steps=2))


# At work ------------------------------------------------------------------------------------------------------------


def test_it_says_what_the_network_sees_before_and_after(digits, eight, tmp_path):
    eight.patch.save(tmp_path / "patch.png")
    eight.card.save(tmp_path / "card.json")
    three = sample("digit-3")
    seen = digits.run(three, patch=str(tmp_path), share=0.3, x=0.5, y=1.0, top=3)
    assert next(iter(seen.before.values)) == "3" and len(seen.after.values) == 3
    assert seen.before.values != seen.after.values and seen.picture.size[0] > 600
    patched = digits.paste(three, patch=str(tmp_path), share=0.3, x=0.5, y=1.0)
    assert digits.bars(patched, 3).values == seen.after.values, "the saved picture says the same"


def test_a_photo_is_shown_as_the_network_crops_it():
    probe = Patch(ClassifierAdapter(Corner(), input_shape=(3, 20, 30)))
    assert probe.crop_for_display(sample("coffee")).size == (690, 460)
    assert probe.run(sample("coffee"), patch="toaster").before.values.keys() == {"0", "1", "2"}


class Corner(nn.Module):
    """Looks at the mean colour."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(5.0))

    def forward(self, x):
        return (x.mean((2, 3)) * self.scale,)


def test_it_works_on_a_plain_network_and_on_a_users_file(tmp_path):
    probe = Patch(ClassifierAdapter(Corner(), ("red", "green", "blue"), (3, 32, 48)))
    made = last(probe.make([sample("coffee"), sample("cat")], target="blue", steps=60))
    red, green, blue = made.pixels[:, 4:19, 4:19].mean((1, 2)).tolist()
    assert made.pixels.shape == (3, 23, 23) and blue > red and blue > green
    (tmp_path / "mine.py").write_text(
        "import torch\ndef net():\n    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 5))\n"
    )
    assert last(Patch(f"{tmp_path}/mine.py:net").make([sample("coffee")], target="4", steps=1)).pixels.shape[1] == 160


# Files --------------------------------------------------------------------------------------------------------------


def noise_picture(path, size=24):
    return Image((noise(size, size, 3) * 255).byte().numpy()).save(path)


def test_what_is_made_on_the_command_line_can_be_worn(elsewhere, handwriting, capsys):
    for number, image in enumerate(handwriting[0][:4]):
        image.save(elsewhere / "photos" / f"{number}.png")
    three = handwriting[1][0].save(elsewhere / "three.png")
    words = [
        "run",
        "patch:make",
        "photos",
        "--model",
        "classifier.digits",
        "--target",
        "8",
        "--steps",
        "2",
        "--out",
        "mine",
    ]
    assert execute(words) == 0
    assert sorted(path.name for path in (elsewhere / "mine").iterdir()) == ["card.json", "patch.png"]
    assert execute(["run", "patch", str(three), "--patch", "mine", "--model", "classifier.digits", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed["result"].keys() == {"picture", "before", "after"}
    assert artefact.load_patch("mine").target == "8"


def test_eight_bits_are_enough(eight, tmp_path):
    back = artefact.load_patch(str(eight.patch.save(tmp_path / "any.png")))
    assert (back.patch.pixels == eight.patch.pixels).all() and back.target is None
    assert (back.pixels - eight.pixels).abs().max() == 0


def test_a_picture_that_is_not_square_is_worn_by_its_middle(tmp_path):
    Image(np.zeros((10, 30, 3), np.uint8)).save(tmp_path / "wide.png")
    assert artefact.load_patch(str(tmp_path / "wide.png")).pixels.shape == (3, 10, 10)


@pytest.mark.parametrize("name", ["toaster", "crab"])
def test_the_shipped_patches_are_small_round_and_printable(name):
    made, folder = artefact.load_patch(name), artefact.shipped_patches()[name]
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2**20
    assert made.target == "toaster" and {"command", "training", "metrics"} <= made.card.facts.keys()
    assert (made.pixels[:, 0, 0] == 1).all() and made.pixels.shape == (3, 160, 160)
    assert (mix_inks(separate_inks(made.pixels)) - made.pixels).abs().max() < 0.05
    assert folder.parent == registry.WEIGHTS


def test_nothing_is_judged_by_that_was_trained_on():
    assert not {"panda"} & set(trials.TEST_PHOTOS), "GCompris's photos are for training"
    assert set(trials.TEST_PHOTOS) & set(PHOTOS) and len(set(trials.TEST_PHOTOS)) == len(trials.TEST_PHOTOS) == 27


# Mistakes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"share": 0.0}, "share must lie between 0.01 and 0.75. Received: 0"),
        ({"share": 1.5}, "share must lie between 0.01 and 0.75. Received: 1.5"),
        ({"x": -0.1}, "x must lie between 0 and 1"),
        ({"patch": "toster"}, "no patch of that name, nor such a file. Did you mean toaster\\?"),
        ({"patch": "x" * 5000}, "no patch of that name"),
        ({"patch": "{here}"}, "no patch of that name"),
        ({"patch": "{here}/broken.png"}, "is not a picture of a known format"),
        ({"patch": "{here}/half.png"}, "is a broken picture"),
        ({"patch": "{here}/card"}, "The card is no JSON"),
        ({"patch": "{here}/list"}, "The card must be one JSON object"),
    ],
)
def test_wrong_inputs_are_told(digits, tmp_path, inputs, says):
    (tmp_path / "broken.png").write_bytes(b"It was a truth")
    noise_picture(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:300])
    for name, text in (("card", "{"), ("list", "[]")):
        noise_picture(tmp_path / name / "patch.png")
        (tmp_path / name / "card.json").write_text(text)
    inputs = {key: v.format(here=tmp_path) if isinstance(v, str) else v for key, v in inputs.items()}
    with pytest.raises(UserError, match=says):
        digits.run(sample("digit-3"), **inputs)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"target": "toaster"}, "no class of that name. There are 0, 1, 2, 3, 4 … Received: toaster"),
        ({"target": ""}, "no class of that name"),
        ({"steps": 0}, "steps must lie between 1"),
        ({"eps": 0.0}, "eps must lie between 0.02 and 1"),
        ({"photos": []}, "At least one photo is needed"),
        ({"photos": "empty"}, "holds no file of kind"),
    ],
)
def test_a_patch_that_cannot_be_made_is_told(digits, elsewhere, inputs, says):
    (elsewhere / "empty").mkdir()
    with pytest.raises(UserError, match=says):
        digits.make(**{"photos": [sample("digit-3")], "target": "8", "steps": 1} | inputs)


def test_a_misspelt_class_gets_the_nearest_name():
    probe = Patch(ClassifierAdapter(Corner(), ("espresso", "toaster", "cat"), (3, 32, 32)))
    with pytest.raises(UserError, match=r"Did you mean toaster\? Received: toster"):
        probe.make([sample("coffee")], target="toster", steps=1)


# The bars -----------------------------------------------------------------------------------------------------------


@pytest.mark.network
@pytest.mark.slow
def test_the_toaster_reaches_its_bars_on_photos_it_was_not_trained_on():
    probe = Patch()
    metrics = probe.evaluate()
    assert metrics["success_10"] >= 0.75 and metrics["success_25"] >= 0.98
    assert metrics["success_25"] >= probe.baselines()["control_success_25"] + 0.5
