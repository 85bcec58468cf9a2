"""Feature visualisation agrees with its formulas, finds what was planted, and leaves the network as it was."""

import math

import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from potmeter.core.networks import ClassifierAdapter
from potmeter.core.random import RandomStream
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.probes.featurevis import FeatureVisualisation
from potmeter.probes.featurevis import objectives as aims
from potmeter.probes.featurevis.layers import activations, find_layer, list_layers
from potmeter.probes.featurevis.parametrisation import COLOURS, FourierImage, PixelImage, colour_matrix
from potmeter.probes.featurevis.photos import crop_receptive_field, extreme_images
from potmeter.probes.featurevis.planted_filters import recovery_cosine
from potmeter.probes.featurevis.redirect import RedirectedReLU
from potmeter.probes.featurevis.render import render
from potmeter.probes.featurevis.transforms import NONE, Transforms

GREY = torch.full((3, 1, 1), 0.5)


def small(channels=3):
    """A network with a residual connection and batch normalisation, in training mode."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.Conv2d(8, 6, 3, stride=2, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(6, 4),
    )  # fmt: skip


# Parametrisation ----------------------------------------------------------------------------------------------------


def test_first_pictures_have_a_spectrum_that_falls_as_one_over_the_frequency():
    parametrisation = FourierImage((64, 1, 64, 64), rng=RandomStream(0))
    power = torch.fft.rfft2(parametrisation.values().detach(), norm="ortho").abs().square().mean((0, 1))
    f = torch.hypot(torch.fft.fftfreq(64)[:, None], torch.fft.rfftfreq(64)[None])
    inner = (f > 1 / 64) & (f < 0.45)
    inner[:, 0] = False  # there the coefficients come in conjugate pairs
    product = (power.sqrt() * f)[inner]
    assert product.std() / product.mean() < 0.15
    assert product.mean() == pytest.approx(0.01 * math.sqrt(2) / 4, rel=0.05)


def test_a_single_coefficient_is_a_wave_of_its_frequency():
    parametrisation = FourierImage((1, 1, 32, 32), rng=RandomStream(0), deviation=0)
    with torch.no_grad():
        parametrisation.spectrum[0, 0, 0, 4, 0] = 1.0
    wave = (2 * math.pi * 4 * torch.arange(32) / 32).cos() * 2 / 32 / (4 / 32) / 4
    torch.testing.assert_close(parametrisation.values()[0, 0], wave.expand(32, 32))


def test_colours_are_the_published_ones():
    torch.testing.assert_close(colour_matrix() * 0.4619524, COLOURS, atol=1e-6, rtol=0)
    assert colour_matrix().norm(dim=0).max() == pytest.approx(1)
    u, s, _ = torch.linalg.svd(COLOURS @ COLOURS.T)
    assert s[0] > 10 * s[1] > 10 * s[2], "lightness varies most"
    assert (u[:, 0].abs() - 3**-0.5).abs().max() < 0.05, "and is nearly grey"


def test_nothing_is_the_background():
    background = torch.tensor([0.2, 0.5, 0.7])
    for parametrisation in (
        FourierImage((2, 3, 9, 12), background, rng=RandomStream(0), deviation=0),
        PixelImage((2, 3, 9, 12), background, rng=RandomStream(0), deviation=0),
    ):
        torch.testing.assert_close(parametrisation(), background[:, None, None].expand(2, 3, 9, 12))


def test_gradients_are_right():
    parametrisation = FourierImage((1, 3, 5, 6), rng=RandomStream(0)).double()
    weights = torch.rand(1, 3, 5, 6, dtype=torch.double)

    def value(spectrum):
        return (torch.func.functional_call(parametrisation, {"spectrum": spectrum}, ()) * weights).sum()

    assert torch.autograd.gradcheck(value, parametrisation.spectrum.detach().requires_grad_(), atol=1e-6)


# Transforms -----------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_one_affine_map_is_the_whole_sequence_of_movements(seed):
    transforms = Transforms()
    x, y = torch.meshgrid(torch.linspace(0, 3, 64), torch.linspace(0, 3, 64), indexing="xy")
    image = (0.5 + 0.3 * (x + 0.5 * y).sin())[None, None]
    moved = transforms(image, RandomStream(seed), torch.full((1, 1, 1), 0.5))
    draws = RandomStream(seed).uniform(1, 6)[0].tolist()
    s, turn = 0.9 + 0.2 * draws[4], math.radians(20 * draws[5] - 10)
    side = 64 + transforms.border
    row, column = 31, 36
    # one pixel of what the network sees, taken back step by step: last shift, turn, scale, first shift
    u, v = column + 0.5 - side / 2 + (draws[2] - 0.5) * 4, row + 0.5 - side / 2 + (draws[3] - 0.5) * 4
    u, v = (u * math.cos(turn) + v * math.sin(turn)) / s, (v * math.cos(turn) - u * math.sin(turn)) / s
    u, v = u + (draws[0] - 0.5) * 8 + 32, v + (draws[1] - 0.5) * 8 + 32
    expected = 0.5 + 0.3 * math.sin(3 * (u - 0.5) / 63 + 1.5 * (v - 0.5) / 63)
    assert float(moved[0, 0, row, column]) == pytest.approx(expected, abs=2e-3)


def test_no_movement_leaves_the_picture():
    x = torch.rand(2, 3, 17, 17)
    torch.testing.assert_close(NONE(x, RandomStream(0), GREY), x, atol=1e-5, rtol=0)
    assert Transforms()(torch.rand(1, 3, 128, 128), RandomStream(0), GREY).shape[-1] == 128 + 24 - 8 - 4


# Objectives -----------------------------------------------------------------------------------------------------------

GIVEN = {"a": torch.randn(3, 4, 5, 5, generator=torch.Generator().manual_seed(1)), "b": torch.rand(3, 7)}


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_objectives_obey_the_laws_of_algebra(p, q):
    x, y, z = aims.channel("a", 1), aims.neuron("a", 2), aims.channel("b", 6)
    for left, right in [
        (x + y, y + x), ((x + y) + z, x + (y + z)), (x * (y + z), x * y + x * z), (p * (x + y), p * x + p * y),
        (x - y, x + -y), (q - x, -(x - q)), (x * p * q, x * (p * q)), (-x, -1 * x),
    ]:  # fmt: skip
        torch.testing.assert_close(left(GIVEN), right(GIVEN), atol=1e-4, rtol=1e-4)
        assert left.layers == right.layers


def test_channel_neuron_and_direction_are_what_they_say():
    a = GIVEN["a"]
    torch.testing.assert_close(aims.channel("a", 1)(GIVEN), a[:, 1].mean((1, 2)))
    torch.testing.assert_close(aims.neuron("a", 1)(GIVEN), a[:, 1, 2, 2])
    torch.testing.assert_close(aims.channel("a", [0, 1, 2])(GIVEN), torch.stack([a[i, i].mean() for i in range(3)]))
    torch.testing.assert_close(aims.direction("a", torch.eye(4)[1])(GIVEN), a[:, 1].mean((1, 2)))
    signs = aims.channel("a", 1) * torch.tensor([1.0, -1.0, 0.0])
    torch.testing.assert_close(signs(GIVEN), a[:, 1].mean((1, 2)) * torch.tensor([1.0, -1.0, 0.0]))


def test_diversity_is_least_for_equal_pictures_and_nothing_for_one():
    same = {"a": GIVEN["a"][:1].expand(3, -1, -1, -1)}
    torch.testing.assert_close(aims.diversity("a")(same), torch.full((3,), -1.0))
    assert (aims.diversity("a")(GIVEN) > -1).all()
    assert float(aims.diversity("a")({"a": GIVEN["a"][:1]})) == pytest.approx(0, abs=1e-6)


def test_a_redirected_relu_lets_dead_units_live_and_others_alone():
    x = torch.tensor([[-1.0, -2.0], [3.0, -1.0]], requires_grad=True)
    with RedirectedReLU():
        out = F.relu(x)
    assert torch.equal(out, x.clamp(min=0))
    (gradient,) = torch.autograd.grad((-out[:, 0] + out[:, 1]).sum(), x)
    assert gradient.tolist() == [[-1, 0], [-1, 0]], "upwards only, and where all are dead"
    y = torch.tensor([[7.0, 3.0]], requires_grad=True)
    with RedirectedReLU():
        (gradient,) = torch.autograd.grad(F.relu6(y * 1, inplace=True).sum(), y)
    assert gradient.tolist() == [[0, 1]]


# Layers ---------------------------------------------------------------------------------------------------------------


def test_receptive_fields_are_what_gradients_reach():
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(2, 2, 5, padding=4, dilation=2), nn.AvgPool2d(3, 2),
        nn.Conv2d(2, 1, 3),
    ).double()  # fmt: skip
    for p in network.parameters():
        nn.init.constant_(p, 0.1)
    network = network.float()
    for layer in list_layers(network, (1, 96, 96)):
        x = torch.rand(1, 1, 96, 96).requires_grad_()
        with torch.enable_grad():
            out = activations(network, x, [layer.name])[layer.name]
            columns = torch.autograd.grad(out[0, 0, out.shape[2] // 2, out.shape[3] // 2], x)[0][0, 0].abs().sum(0) > 0
        reached = columns.nonzero()
        span = int(reached.max() - reached.min()) + 1
        if layer.kind != "MaxPool2d" and layer.name in ("0", "1"):
            assert layer.receptive_field == span
        assert span <= layer.receptive_field <= span + 1 + (layer.name != "0"), (
            "a maximum passes one pixel's gradient only"
        )
    assert [layer.receptive_field for layer in list_layers(network, (1, 96, 96))] == [3, 4, 20, 24, 32]


def test_a_linear_layer_sees_all():
    fields = [layer.receptive_field for layer in list_layers(small(), (3, 16, 16))]
    assert fields[:5] == [3, 3, 3, 5, 5] and all(map(math.isinf, fields[5:]))


def test_mobilenets_listing_has_the_known_receptive_fields():
    network = torchvision.models.mobilenet_v2(weights=None)
    known = {layer.name: layer for layer in list_layers(network, (3, 224, 224))}
    assert known["features.13"].shape == (96, 14, 14) and known["features.18"].receptive_field == 491
    assert find_layer("features[13]", list(known.values())).name == "features.13"


def test_rendering_leaves_the_network_as_it_was():
    network = small().train()
    network[1].eval()
    network[0].weight.requires_grad_(False)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    modes, asking = [m.training for m in network.modules()], [p.requires_grad for p in network.parameters()]
    FeatureVisualisation(network).run(layer="3", channel=1, steps=3, size=16)
    with pytest.raises(UserError):
        FeatureVisualisation(network).run(layer="3", channel=6, steps=3, size=16)
    assert [m.training for m in network.modules()] == modes
    assert [p.requires_grad for p in network.parameters()] == asking
    assert all(p.grad is None for p in network.parameters())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(m._forward_hooks for m in network.modules())


def test_what_a_later_layer_does_in_place_does_not_change_what_is_seen():
    network, x = small().eval(), torch.rand(1, 3, 16, 16)
    seen = activations(network, x, ["1", "4"])
    torch.testing.assert_close(seen["1"], network[1](network[0](x)))
    assert seen["1"].min() < 0 <= seen["4"].min()


# It works ---------------------------------------------------------------------------------------------------------------


def test_the_objective_rises_far_above_random_pictures():
    network = small().eval().requires_grad_(False)
    objective = aims.channel("3", list(range(6)))
    parametrisation = FourierImage((6, 3, 32, 32), rng=RandomStream(0))
    made = render(
        network,
        objective,
        parametrisation,
        steps=60,
        transforms=Transforms().rescale(0.25),
        rng=RandomStream(1),
        background=GREY,
    )
    reached = objective(activations(network, made, ["3"]))
    noise = activations(network, torch.rand(200, 3, 32, 32), ["3"])["3"].mean((2, 3))
    assert (reached > noise.mean(0) + 5 * noise.std(0)).all()
    assert made.min() >= 0 and made.max() <= 1


@pytest.mark.slow
def test_a_planted_filter_is_found_again():
    found, pixels = recovery_cosine("fourier", 512), recovery_cosine("pixels", 128)
    assert found >= 0.9 and found > pixels + 0.1 and recovery_cosine("random") < 0.3


def test_the_same_seed_gives_the_same_picture():
    probe = FeatureVisualisation(small())
    one, same, other = (probe.run(layer="3", steps=4, size=16, seed=s).pixels for s in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_pictures_at_both_ends_are_the_weakest_and_the_strongest():
    network = small(1).eval()
    images = torch.rand(30, 1, 24, 24)
    (layer,) = [x for x in list_layers(network, (1, 24, 24)) if x.name == "7"]
    found = extreme_images(network, layer, 2, images, 3)
    with torch.no_grad():
        order = network(images)[:, 2].argsort()
    assert torch.equal(found.lowest, images[order[:3]]) and torch.equal(found.highest, images[order[-3:].flip(0)])
    assert (found.low.max() <= found.high.min()) and crop_receptive_field(images[0], 0, (24, 24), 5).shape == (1, 5, 5)


@pytest.mark.parametrize("make", ["torchvision", "timm"])
def test_it_works_on_public_networks(make):
    if make == "torchvision":
        network = torchvision.models.squeezenet1_1(weights=None, num_classes=5)
    else:
        network = pytest.importorskip("timm").create_model("test_vit.r160_in1k", pretrained=False)
    shape = (3, 64, 64) if make == "torchvision" else (3, 160, 160)
    probe = FeatureVisualisation(ClassifierAdapter(network, None, shape))
    last = probe.all_layers[-1]
    assert isinstance(probe.run(layer=last.name, steps=2), Image)
    assert isinstance(probe.overview(channels=[0, 1], steps=2), Image)
    assert len(probe.layers().rows) == len(probe.all_layers)


def test_a_folder_of_pictures_and_all_the_tasks(tmp_path):
    for n in range(4):
        Image.from_tensor(torch.rand(3, 20, 30)).save(tmp_path / f"{n}.png")
    probe = FeatureVisualisation(ClassifierAdapter(small(), tuple("abcd"), (3, 32, 32)))
    assert isinstance(probe.panel(data=str(tmp_path), steps=2), Image)
    ends = probe.dataset_examples(data=str(tmp_path), count=2)
    assert ends.lowest.size == ends.highest.size
    assert isinstance(probe.category("b", steps=2), Image)
    assert isinstance(probe.run(count=3, steps=2, aim="neuron", negative=True), Image)


# Mistakes -----------------------------------------------------------------------------------------------------------------


class Odd(nn.Module):
    """Gives what is no tensor, and cuts the gradient."""

    def __init__(self):
        super().__init__()
        self.first, self.pair, self.cut = nn.Conv2d(3, 4, 3), Pair(), Cut()

    def forward(self, x):
        return {"logits": self.cut(self.pair(self.first(x))[0])}


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Cut(nn.Module):
    def forward(self, x):
        return x.detach().mean((2, 3))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p, _: p.run(layer="frist"), "Did you mean first"),
        (lambda p, _: p.run(layer="first", channel=4), "first has channels 0 to 3"),
        (lambda p, _: p.run(layer="pair"), "There is no layer"),
        (lambda p, _: p.run(layer="cut", steps=1), "no gradient"),
        (lambda p, _: p.run(size=7), "size must lie between 8"),
        (lambda p, _: p.run(seed=-1), "seed must not be negative"),
        (lambda p, _: p.category("toasterr"), "no class of that name"),
        (lambda p, _: p.dataset_examples(data="nowhere"), "no folder of pictures"),
        (lambda p, t: p.dataset_examples(data=str(t / "empty")), "There are no pictures"),
        (lambda p, t: p.dataset_examples(data=str(t / "broken")), "not a picture"),
    ],
)
def test_mistakes_are_told_in_one_line(call, words, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=f"{words}.*Received: "):
        call(FeatureVisualisation(ClassifierAdapter(Odd(), tuple("abcd"), (3, 32, 32))), tmp_path)


def test_a_network_of_one_size_and_one_without_pictures_are_told():
    fixed = FeatureVisualisation(ClassifierAdapter(nn.Sequential(nn.Flatten(), nn.Linear(48, 3)), None, (3, 4, 4)))
    assert isinstance(fixed.run(layer="1", steps=1), Image)
    with pytest.raises(UserError, match="takes pictures of 4 pixels only. Received: 32"):
        fixed.run(layer="1", size=32, steps=1)
    with pytest.raises(UserError, match="name a folder with --data"):
        fixed.dataset_examples(layer="1")
    with pytest.raises(UserError, match="does not take a picture of this shape"):
        FeatureVisualisation(nn.Sequential(nn.Flatten(), nn.Linear(5, 3))).layers()


def test_activations_that_are_no_tensor_are_told():
    with pytest.raises(UserError, match="pair gives no tensor.*Received: tuple"):
        activations(Odd(), torch.rand(1, 3, 32, 32), ["pair"])
