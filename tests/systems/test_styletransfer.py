"""Style transfer: the papers' equations, the layout of pytorch/examples, strips without seams, measures, tasks."""

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from potmeter.core.machine import call_memory
from potmeter.core.random import RandomStream
from potmeter.errors import UserError
from potmeter.media import Image, Video
from potmeter.nn import strips
from potmeter.nn.augmentation import crop_and_flip
from potmeter.nn.colour_transfer import colour_statistics, transfer_colours
from potmeter.nn.image_transformation import InstanceNorm
from potmeter.systems.generative.styletransfer import Config, StyleTransfer, paint
from potmeter.systems.generative.styletransfer.bench import paint_4k
from potmeter.systems.generative.styletransfer.criterion import Criterion
from potmeter.systems.generative.styletransfer.gatys import optimise
from potmeter.systems.generative.styletransfer.loss import gram_matrix, total_variation
from potmeter.systems.generative.styletransfer.measure import center_crop, flicker
from potmeter.systems.generative.styletransfer.model import TransformerNet
from potmeter.systems.generative.styletransfer.strips import paint_in_strips

TINY = StyleTransfer.presets["tiny"]
FEW = settings(deadline=None, max_examples=15)


def noise(height, width, seed=0):
    """A picture of noise."""
    return Image(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def randomise(network):
    """Normalisations as if trained, so that nothing is 0 or 1 by chance."""
    for name, value in network.named_parameters():
        if ".in" in f".{name}":
            nn.init.uniform_(value, 0.5, 1.5)
    return network.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return randomise(TransformerNet(8, 2)).to(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def system():
    torch.manual_seed(0)
    system = StyleTransfer(TINY)
    system.fit_assets(StyleTransfer.data(TINY))
    randomise(system.model)
    return system.eval()


# The network ----------------------------------------------------------------------------------------------------------


def example_network(state, x):
    """The network of pytorch/examples, written from its layout: colours from 0 to 255, before and after."""

    def conv(x, name, stride=1, up=False):
        weight = state[f"{name}.conv2d.weight"]
        x = x.repeat_interleave(2, 2).repeat_interleave(2, 3) if up else x
        p = weight.shape[-1] // 2
        return F.conv2d(F.pad(x, (p, p, p, p), mode="reflect"), weight, state[f"{name}.conv2d.bias"], stride)

    def norm(x, name):
        mean = x.mean((2, 3), keepdim=True)
        var = (x - mean).square().mean((2, 3), keepdim=True)
        scale, shift = (state[f"{name}.{part}"][:, None, None] for part in ("weight", "bias"))
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift

    for name, stride in (("1", 1), ("2", 2), ("3", 2)):
        x = norm(conv(x, f"conv{name}", stride), f"in{name}").relu()
    for block in (f"res{n}" for n in range(1, 6)):
        y = norm(conv(x, f"{block}.conv1"), f"{block}.in1").relu()
        x = x + norm(conv(y, f"{block}.conv2"), f"{block}.in2")
    for name, n in (("deconv1", "in4"), ("deconv2", "in5")):
        x = norm(conv(x, name, up=True), n).relu()
    return conv(x, "deconv3")


def test_the_paper_preset_has_the_originals_parameters():
    paper = StyleTransfer.presets["paper"]
    network = TransformerNet(paper.width, paper.residual_blocks)
    assert sum(p.numel() for p in network.parameters()) == 1_679_235
    assert len(network.state_dict()) == 62


def test_a_checkpoint_of_pytorch_examples_gives_the_same_pictures(tmp_path):
    torch.manual_seed(1)
    state = dict(randomise(TransformerNet()).state_dict())
    state["conv1.conv2d.weight"] = state["conv1.conv2d.weight"] / 64
    state["deconv3.conv2d.weight"] = 60 * state["deconv3.conv2d.weight"]
    state["deconv3.conv2d.bias"] = torch.tensor([110.0, 120.0, 130.0])
    old = {"in1.running_mean": torch.zeros(32), "res1.in2.running_var": torch.ones(128)}
    torch.save(state | old, tmp_path / "candy.pth")
    system = StyleTransfer.from_pretrained(tmp_path / "candy.pth")
    x = torch.rand(2, 3, 40, 52)
    with torch.no_grad():
        theirs = example_network(state, 255 * x) / 255
        torch.testing.assert_close(system(x), theirs, rtol=0, atol=2e-5)
    assert theirs.std() > 0.05


@pytest.mark.parametrize("break_it", ["a key less", "a key more", "another shape"])
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path, break_it):
    state = dict(TransformerNet(4, 1).state_dict())
    if break_it == "a key less":
        del state["in5.bias"]
    elif break_it == "a key more":
        state["in6.bias"] = torch.zeros(3)
    else:
        state["in5.bias"] = torch.zeros(3)
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(UserError, match="does not fit.*Received"):
        StyleTransfer.from_pretrained(tmp_path / "x.pth")


def test_instance_norm_is_torchs():
    ours, theirs = InstanceNorm(6), nn.InstanceNorm2d(6, affine=True)
    nn.init.uniform_(ours.weight, 0.5, 2.0)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 6, 7, 5)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)


# Strips ---------------------------------------------------------------------------------------------------------------


@FEW
@given(height=st.integers(5, 90), width=st.integers(5, 90), strip=st.sampled_from([2**10, 2**13, 2**15]))
def test_strips_give_the_whole_picture(network, height, width, strip):
    pixels = noise(height, width, height * width).pixels
    whole = paint.paint_whole(network, pixels)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strips, "STRIP_BYTES", strip)
        pieces = paint_in_strips(network, pixels)
    assert whole.std() > 10 and np.abs(whole.astype(int) - pieces).max() <= 1


def test_strips_whose_layers_lie_in_a_file_are_the_same(network, monkeypatch):
    pixels = noise(70, 60).pixels
    monkeypatch.setattr(strips, "STRIP_BYTES", 2**13)
    in_memory = paint_in_strips(network, pixels)
    monkeypatch.setattr(strips, "MEMORY_BYTES", 0)
    assert np.array_equal(paint_in_strips(network, pixels), in_memory)


def test_pieces_painted_one_by_one_would_have_seams(network):
    """That is why there are strips: each half alone has other statistics."""
    pixels = noise(64, 64).pixels.copy()
    pixels[:32] //= 4
    halves = np.concatenate([paint.paint_whole(network, half) for half in (pixels[:32], pixels[32:])])
    assert np.abs(halves.astype(int) - paint.paint_whole(network, pixels)).max() > 20


def test_a_large_picture_goes_in_strips(network, monkeypatch):
    monkeypatch.setattr(paint, "WHOLE_PIXELS", 100)
    seen = []
    monkeypatch.setattr(paint, "paint_in_strips", lambda network, pixels: seen.append(pixels.shape) or pixels)
    paint.paint(network, noise(20, 20))
    paint.paint(network, noise(9, 9))
    assert seen == [(52, 52, 3)]  # with the margins


@pytest.mark.slow
def test_a_4k_picture_takes_less_than_a_gibibyte_above_the_process_that_has_it():
    assert call_memory(paint_4k) < 2**30 / 1e6


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 5), (33, 2)])
def test_the_smallest_pictures_keep_their_size(network, size):
    assert paint.paint(network, noise(*size)).pixels.shape == (*size, 3)


# Losses ---------------------------------------------------------------------------------------------------------------


def test_a_gram_matrix_is_the_sum_over_places():
    features = torch.randn(2, 3, 4, 5)
    expected = torch.zeros(2, 3, 3)
    for y in range(4):
        for x in range(5):
            expected += features[:, :, y, x, None] * features[:, None, :, y, x]
    torch.testing.assert_close(gram_matrix(features), expected / (3 * 4 * 5))


def test_total_variation_is_the_mean_squared_difference_of_neighbours():
    board = (torch.arange(6)[:, None] + torch.arange(6)) % 2
    assert torch.equal(total_variation(board.float().expand(2, 3, 6, 6)), torch.full((2,), 2.0))
    assert torch.equal(total_variation(torch.full((1, 3, 6, 6), 0.3)), torch.zeros(1))


def test_the_painting_has_no_style_loss_and_the_photograph_no_content_loss(system):
    criterion = system.criterion
    painting, photograph = criterion.painting[None], torch.rand(1, 3, 64, 64)
    losses = criterion.losses(painting, criterion.content_features(painting))
    assert losses["style"] == 0 and losses["content"] == 0
    assert criterion.losses(photograph, criterion.content_features(photograph))["content"] == 0
    assert criterion.losses(photograph, criterion.content_features(photograph))["style"] > 0.1


def test_losses_are_of_each_picture_by_itself(system):
    pictures = torch.rand(3, 3, 64, 64)
    together = system.criterion.losses(pictures, system.criterion.content_features(pictures.flip(0)))
    alone = [system.criterion.losses(p[None], system.criterion.content_features(q[None])) for p, q in zip(pictures, pictures.flip(0), strict=True)]  # fmt: skip
    for name, values in together.items():
        torch.testing.assert_close(values, torch.cat([one[name] for one in alone]), rtol=1e-4, atol=1e-6)


def test_the_painting_that_a_user_names_is_learned(tmp_path):
    noise(40, 60).save(tmp_path / "mine.png")
    splits = StyleTransfer.data(TINY, style=tmp_path / "mine.png")
    config = StyleTransfer.fit_config(TINY, splits)
    assert config.painting == "own painting" and splits.fingerprint() != StyleTransfer.data(TINY).fingerprint()
    system = StyleTransfer(config)
    system.fit_assets(splits)
    assert np.array_equal(system.painting.pixels, noise(40, 60).pixels)
    again = StyleTransfer.from_pretrained(system.save_pretrained(tmp_path / "weights"))
    assert np.array_equal(again.painting.pixels, system.painting.pixels)
    again.fit_assets(StyleTransfer.data(config))  # as `--from` does: the painting is beside the weights
    with pytest.raises(UserError, match="name it with --style"):
        StyleTransfer(config).fit_assets(StyleTransfer.data(config))


def test_a_photograph_is_cut_anywhere():
    images = torch.arange(2 * 3 * 20 * 30).reshape(2, 3, 20, 30).float()
    pieces = torch.cat([crop_and_flip(images, 20, RandomStream(seed).uniform(len(images), 3)) for seed in range(20)])
    assert pieces.shape == (40, 3, 20, 20) and len({float(piece[0, 0, 0]) for piece in pieces}) > 20


def test_stability_is_of_the_moved_picture(system):
    """A painter that does nothing is as unstable as the noise."""
    still = StyleTransfer(replace(TINY, noise_weight=1.0))
    still.model = nn.Identity()
    x = torch.rand(1, 3, 64, 64)
    assert 0.9 < float(still.stability_loss(x, x)) < 1.1


# Optimisation, and what is measured -----------------------------------------------------------------------------------


def test_muon_gets_the_inner_convolutions_and_adam_all_else():
    system = StyleTransfer(replace(TINY, muon_lr=0.01))
    optimizers = system.optimizers()
    inner = {n for n, p in system.model.named_parameters() if p.ndim == 4} - {
        "conv1.conv2d.weight",
        "deconv3.conv2d.weight",
    }
    named = {id(p): n for n, p in system.model.named_parameters()}
    trained = {
        name: [named[id(p)] for g in each.param_groups for p in g["params"]] for name, each in optimizers.items()
    }
    assert set(trained["convolutions"]) == inner
    assert sorted(trained["model"] + trained["convolutions"]) == sorted(named.values())
    assert set(StyleTransfer(TINY).optimizers()) == {"model"}


def test_optimisation_lowers_the_loss_from_the_photograph_on(system):
    photograph = torch.rand(3, 48, 40)
    start = system.criterion.total(
        system.criterion.losses(photograph[None], system.criterion.content_features(photograph[None]))
    )
    steps = list(optimise(system.criterion, photograph, 25))
    assert [done for done, _, _ in steps] == [10, 20, 25]
    losses = [float(start), *(told["loss"] for _, _, told in steps)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.5 * losses[0]
    assert all(0 <= float(picture.min()) and float(picture.max()) <= 1 for _, picture, _ in steps)


def test_flicker_of_the_film_itself_is_its_noise():
    photographs = 0.25 + 0.5 * F.interpolate(torch.rand(4, 3, 8, 8), (80, 80), mode="bilinear")
    assert torch.allclose(flicker(lambda x: x, photographs), torch.tensor(4 * 2**0.5), rtol=0.03)
    assert torch.equal(flicker(torch.zeros_like, photographs), torch.zeros(4))


def test_colour_transfer_gives_the_paintings_mean_and_covariance():
    photographs, painting = 0.4 + 0.2 * torch.rand(2, 3, 30, 30), 0.3 + 0.3 * torch.rand(3, 20, 20)
    moved = transfer_colours(photographs, painting)
    for picture in moved:
        for ours, theirs in zip(colour_statistics(picture)[:2], colour_statistics(painting)[:2], strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.01)


def test_a_center_crop_is_the_middle():
    assert center_crop(torch.arange(36.0).reshape(1, 1, 6, 6), 2).flatten().tolist() == [14, 15, 20, 21]


# Tasks ----------------------------------------------------------------------------------------------------------------


def test_strength_mixes_the_painting_with_the_photograph(system):
    photograph = noise(40, 30)
    whole = system.run(photograph).pixels.astype(float)
    assert np.array_equal(system.run(photograph, strength=0.0).pixels, photograph.pixels)
    half = system.run(photograph, strength=0.5).pixels
    assert np.abs(half - (whole + photograph.pixels) / 2).max() <= 1


def test_own_colours_are_the_photographs(system):
    photograph = noise(64, 64)
    chroma = [np.asarray(p.pil().convert("YCbCr"))[..., 1:].astype(int) for p in (photograph, system.run(photograph, own_colours=True))]  # fmt: skip
    inside = np.abs(chroma[0] - chroma[1]).max(2)
    assert np.median(inside) <= 2  # colours beyond the cube are clipped


def test_a_smaller_copy_is_painted_on_request(system):
    assert system.run(noise(90, 60), size=30).size == (20, 30)


def test_a_film_is_painted_frame_by_frame(system):
    frames = np.stack([noise(24, 32, seed).pixels for seed in range(3)])
    film = system.video(Video(frames, fps=7.0, sound=b"as it was coded"))
    assert film.frames.shape == frames.shape and film.fps == 7.0 and film.sound == b"as it was coded"
    assert np.array_equal(film.frames[1], system.run(Image(frames[1])).pixels)
    assert len(system.video(Video(frames[:1])).frames) == 1


def test_a_folder_becomes_an_album_with_the_files_names(system, tmp_path):
    for name, mode in (("b.png", "RGB"), ("a.gif", "P"), ("c.jpg", "L")):
        PIL.Image.fromarray(noise(20, 30).pixels).convert(mode).save(tmp_path / name)
    album = system.folder(str(tmp_path))
    folder = album.save(tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.png", "c.png"]
    expected = system.run(Image.open(tmp_path / "b.png"))
    assert np.array_equal(Image.open(folder / "b.png").pixels, expected.pixels)


def test_gatys_streams_the_picture_and_the_loss(system):
    results = list(system.gatys(noise(40, 50), noise(30, 30, 5), steps=12, size=40))
    assert results[-1].painting.size == (40, 32) and len(results[-1].curve.lines["loss"]) == 2
    with pytest.raises(UserError, match="shorter side"):
        list(system.gatys(noise(2, 50), steps=1, size=40))


@pytest.mark.parametrize(
    ("field", "value"),
    [("painting", "mona-lisa"), ("style_layers", ()), ("content_layer", "relu9_1"), ("image_size", 500)],
)
def test_a_config_of_nonsense_is_refused(field, value):
    with pytest.raises(UserError, match="Received"):
        replace(Config(), **{field: value})


def test_the_criterion_is_the_same_every_time():
    torch.manual_seed(5)
    one = Criterion(TINY, noise(64, 64))
    torch.manual_seed(6)
    other = Criterion(TINY, noise(64, 64))
    assert all(torch.equal(a, b) for a, b in zip(one.style.grams.values(), other.style.grams.values(), strict=True))
