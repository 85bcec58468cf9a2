"""StyleGAN: the paper's sizes, each layer by its definition, growth without a jump, and styles that mix."""

import inspect
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from core.helpers import same, state, stop_after, trainer
from potmeter.core.random import RandomStream
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.systems.generative.mode_collapse import Collapsed
from potmeter.systems.generative.stylegan import Config, Discriminator, Generator, StyleGAN
from potmeter.systems.generative.stylegan.demo import DISPLAY_SIDE, GAP, SEED, START, demo
from potmeter.systems.generative.stylegan.growth import downsample_to, growth_stage, upsample_to
from potmeter.systems.generative.stylegan.layers import EqualConv2d, EqualLinear, blur, pixel_norm
from potmeter.systems.generative.stylegan.model import LayerEpilogue, mix_styles
from potmeter.systems.generative.stylegan.sheets import style_bands

SMALL = Config(
    height=16,
    width=24,
    latent_dim=8,
    mapping_layers=2,
    filters=(4, 6, 8),
    first_level=0,
    stable_kimg=1.0,
    fade_kimg=1.0,
)


@pytest.fixture
def generator():
    torch.manual_seed(0)
    made = Generator(SMALL).eval()
    for layer in made.modules():
        if isinstance(layer, LayerEpilogue):
            torch.nn.init.normal_(layer.noise_scale, std=0.3)
    made.w_avg.normal_()
    return made.requires_grad_(False)


def shapes(n=40):
    """Bright squares on the left or on the right."""
    rng = torch.Generator().manual_seed(0)
    images = torch.zeros(n, 1, 28, 28)
    for i in range(n):
        x, y, side = (int(torch.randint(a, b, (), generator=rng)) for a, b in ((2, 18), (2, 18), (4, 8)))
        images[i, :, y : y + side, x : x + side] = 1
    data = TensorData(image=(images * 255).byte())
    return Splits(data, data, data, dataset="digits")


# The paper's facts ----------------------------------------------------------------------------------------------------


def test_the_paper_presets_generator_has_exactly_the_papers_parameters():
    with torch.device("meta"):
        generator, discriminator = Generator(StyleGAN.presets["paper"]), Discriminator(StyleGAN.presets["paper"])
    assert sum(p.numel() for p in generator.parameters()) == 26_219_627
    assert sum(p.numel() for p in generator.mapping.parameters()) == 8 * (512 * 512 + 512)
    assert generator.synthesis.blocks[0].constant.shape == (1, 512, 4, 4) and len(generator.synthesis.to_rgb) == 9
    assert discriminator.conv.weight.shape == (512, 513, 3, 3)


def test_the_paper_preset_has_the_papers_settings():
    c = StyleGAN.presets["paper"]
    assert (c.mapping_layers, c.latent_dim, c.mapping_lr_multiplier, c.style_mixing, c.w_avg_beta) == (
        8,
        512,
        0.01,
        0.9,
        0.995,
    )
    assert (c.r1, c.r1_interval, c.minibatch_std_group, c.size(c.first_level)) == (10.0, 1, 4, (8, 8))
    assert c.ema ** (10_000 / c.batch_size) == pytest.approx(0.5)
    small = StyleGAN(StyleGAN.presets["tiny"])
    for optimizer in small.optimizers().values():
        assert optimizer.defaults["betas"] == (0.0, 0.99) and optimizer.defaults["eps"] == 1e-8
    assert (c.lr, c.stable_kimg, c.fade_kimg, c.instance_noise, c.noise_strength) == (1e-3, 600.0, 600.0, 0.0, 1.0)
    assert c.layers == 18 and inspect.signature(Generator.truncate).parameters["layers"].default == 8


# Layers ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(c=st.integers(1, 4), h=st.integers(1, 6), w=st.integers(1, 6))
def test_doubling_and_convolving_in_one_step_is_the_same_as_in_two(c, h, w):
    layer, x = EqualConv2d(c, 3, resample="up"), torch.randn(2, c, h, w)
    two = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), layer.weight * layer.scale, padding=1)
    torch.testing.assert_close(layer(x), two, rtol=1e-4, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(c=st.integers(1, 4), h=st.integers(1, 5), w=st.integers(1, 5))
def test_convolving_and_halving_in_one_step_is_the_same_as_in_two(c, h, w):
    layer, x = EqualConv2d(c, 3, resample="down"), torch.randn(2, c, 2 * h, 2 * w)
    two = F.avg_pool2d(F.conv2d(x, layer.weight * layer.scale, padding=1), 2)
    torch.testing.assert_close(layer(x), two, rtol=1e-4, atol=1e-5)


def test_the_blur_is_1_2_1_both_ways():
    x = torch.zeros(1, 2, 5, 5)
    x[0, 1, 2, 2] = 16
    line = torch.tensor([1.0, 2.0, 1.0])
    assert torch.equal(blur(x)[0, 1, 1:4, 1:4], torch.outer(line, line)) and blur(x)[0, 0].abs().max() == 0


def test_weights_are_of_one_size_and_outputs_too():
    torch.manual_seed(0)
    for inputs in (16, 400):
        layer = EqualLinear(inputs, 2000)
        assert float(layer.weight.detach().std()) == pytest.approx(1, abs=0.03)
        out = F.leaky_relu(layer(torch.randn(200, inputs)), 0.2).detach()
        assert float(out.square().mean()) == pytest.approx(1.04, abs=0.08), "√2 makes up for what the ReLU takes"


def test_the_mapping_network_learns_at_its_own_rate(tmp_path):
    run = trainer(StyleGAN, replace(GROWING, lr=1e-3, mapping_lr_multiplier=0.01, ema=0.0), tmp_path, shapes(), steps=1)
    before = {name: p.detach().clone() for name, p in run.system.named_parameters()}
    run.fit()
    moved = {name: float((p.detach() - before[name]).abs().max()) for name, p in run.system.named_parameters()}
    assert moved["generator.mapping.0.weight"] == pytest.approx(1e-5, rel=0.05), "Adam's first step is the rate"
    assert moved["generator.synthesis.blocks.0.constant"] == pytest.approx(1e-3, rel=0.05)


def test_a_style_is_noise_bias_relu_instance_norm_scale_and_shift():
    torch.manual_seed(0)
    layer, x, w, noise = LayerEpilogue(6, 8), torch.randn(3, 6, 5, 4), torch.randn(3, 8), torch.randn(3, 1, 5, 4)
    torch.nn.init.normal_(layer.noise_scale)
    torch.nn.init.normal_(layer.bias)
    h = x + layer.noise_scale.view(1, -1, 1, 1) * noise + layer.bias.view(1, -1, 1, 1)
    h = F.instance_norm(F.leaky_relu(h, 0.2), eps=1e-8)
    scale, shift = layer.affine(w)[:, :, None, None].chunk(2, 1)
    torch.testing.assert_close(layer(x, w, noise), h * (scale + 1) + shift, rtol=1e-4, atol=1e-5)


def test_the_mapping_sees_only_the_direction_of_z(generator):
    z = torch.randn(4, 8)
    torch.testing.assert_close(generator.mapping(z), generator.mapping(7 * z), rtol=1e-4, atol=1e-5)
    assert pixel_norm(z).square().mean(1).sub(1).abs().max() < 1e-5


# Styles ---------------------------------------------------------------------------------------------------------------


def test_truncation_goes_from_the_picture_through_the_mean_to_its_opposite(generator):
    w = torch.randn(2, 8)
    torch.testing.assert_close(generator.truncate(w, 0.0, 6), generator.w_avg.expand(2, 6, 8))
    torch.testing.assert_close(generator.truncate(w, -1.0, 6)[0, 0], 2 * generator.w_avg - w[0])
    some = generator.truncate(w, 0.7, 2)
    torch.testing.assert_close(some[:, 1], generator.w_avg + 0.7 * (w - generator.w_avg))
    assert torch.equal(some[:, 2:], w[:, None].expand(-1, 4, -1)), "fine layers stay"


def test_mixed_styles_are_one_source_before_the_cut_and_the_other_after(generator):
    a, b = torch.randn(2, 8), torch.randn(2, 8)
    every = mix_styles(a, b, torch.tensor([2, 6]), 6)
    assert torch.equal(every[0, :2], a[:1].expand(2, -1)) and torch.equal(every[0, 2:], b[:1].expand(4, -1))
    assert torch.equal(every[1], a[1:].expand(6, -1))


def test_fine_styles_leave_coarse_features_alone(generator):
    a, b = torch.randn(1, 8), torch.randn(1, 8)
    seen, features = [], generator.synthesis.blocks[0]
    hook = features.register_forward_hook(lambda *call: seen.append(call[-1].clone()))
    pictures = [generator.synthesis(mix_styles(a, fine, torch.tensor([2]), 6), level=2) for fine in (a, b)]
    hook.remove()
    assert torch.equal(*seen) and not torch.equal(*pictures)


def test_noise_changes_pixels_only_where_the_layer_lets_it(generator):
    every = generator.truncate(torch.randn(2, 8))
    plain = generator.synthesis(every, [None] * 6)
    assert not torch.allclose(plain, generator.synthesis(every))
    assert torch.equal(generator.synthesis(every), generator.synthesis(every)), "where none is given, it is fixed"
    for layer in generator.modules():
        if isinstance(layer, LayerEpilogue):
            torch.nn.init.zeros_(layer.noise_scale)
    torch.testing.assert_close(generator.synthesis(every), plain)


def test_noise_is_as_strong_as_is_asked_for(generator):
    every = generator.truncate(torch.randn(2, 8))
    assert torch.equal(generator.synthesis(every, generator.constant_noise(1.0)), generator.synthesis(every))
    assert torch.equal(
        generator.synthesis(every, generator.constant_noise(0.0)), generator.synthesis(every, [None] * 6)
    )
    system = StyleGAN(replace(GROWING, noise_strength=0.0)).eval()
    assert (system.run(count=2, seed=0).pixels == system.run(count=2, seed=0, noise=0.0).pixels).all()


@settings(max_examples=20, deadline=None)
@given(levels=st.integers(1, 9))
def test_the_coarse_middle_and_fine_styles_are_all_there_are(levels):
    config = Config(height=2**levels, width=2**levels, filters=(4,) * levels, first_level=0)
    layers = [layer for start, stop in style_bands(config) for layer in range(start, stop)]
    assert sorted(set(layers)) == list(range(2 * levels)) and (levels < 3 or len(layers) == 2 * levels)


# By hand --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sliders():
    torch.manual_seed(0)
    system = StyleGAN(replace(GROWING, height=32, width=32, filters=(4, 8, 8), mapping_lr_multiplier=1.0)).eval()
    system.generator.w_avg.normal_(std=0.1)
    system.images_seen.fill_(10**9)
    return demo(system.requires_grad_(False)), system


def seen(shown, number=None, side=32):
    """The mixed picture in its own size, or one of the three that lend their styles: (32, 32, 3)."""
    factor = DISPLAY_SIDE // side
    if number is None:
        return shown.pixels[:: 3 * factor, factor * side + GAP :: 3 * factor].astype(int)
    return shown.pixels[number * factor * side : (number + 1) * factor * side : factor, : factor * side : factor]


def alike(a, b):
    """Whether no value of two pictures differs by more than rounding does."""
    return np.abs(np.asarray(a, int) - np.asarray(b, int)).max() <= 1


def test_the_sliders_mix_the_pictures_that_run_draws(sliders):
    knobs, system = sliders
    w = system.generator.mapping(system.sample(40, RandomStream(SEED)))
    for place in (1.0, 5.0, 21.0):
        shown = knobs.show((place,) * 3 + (1.0,))
        assert alike(seen(shown), Image.from_tensor(system.draw(w[int(place) - 1][None])[0]).pixels)
        assert all(alike(seen(shown), seen(shown, n)) for n in range(3)), "one picture with its own styles"
    styles = torch.cat([w[n].expand(2, -1) for n in (2, 6, 8)])[None]  # three resolutions, one for each
    expected = system.render(system.generator.w_avg.lerp(styles, 0.5))[0]
    assert alike(seen(knobs.show((3.0, 7.0, 9.0, 0.5))), Image.from_tensor(expected).pixels)


def test_each_slider_changes_the_picture_and_the_same_places_give_the_same_one(sliders):
    knobs, _ = sliders
    assert knobs.names == ("coarse styles of", "middle styles of", "fine styles of", "truncation ψ")
    assert knobs.bounds == [(1, 21)] * 3 + [(-1, 1)]
    assert all(low <= value <= high for (low, high), value in zip(knobs.bounds, knobs.start, strict=True))
    start = knobs.show(knobs.check(list(knobs.start)))
    assert np.array_equal(start.pixels, knobs.show(knobs.start).pixels), "the same every time"
    for number in range(4):
        moved = list(knobs.start)
        moved[number] -= 0.4  # between two pictures, or nearer to the mean
        shown = knobs.show(tuple(moved))
        assert not alike(seen(shown), seen(start))
        same_lenders = [alike(seen(shown, n), seen(start, n)) for n in range(3)]
        assert same_lenders == [n != number and number < 3 for n in range(3)], "only the one whose slider it is changes"


def test_at_0_there_is_only_the_mean_picture(sliders):
    knobs, system = sliders
    mean = Image.from_tensor(system.draw(system.generator.w_avg[None])[0]).pixels
    shown = knobs.show((1.0, 8.3, 21.0, 0.0))
    assert alike(seen(shown), mean) and all(alike(seen(shown, n), mean) for n in range(3))


def test_places_beyond_the_last_picture_are_the_last_one(sliders):
    knobs, _ = sliders
    shown = knobs.show((99.0, 21.0, -5.0, 1.0))
    assert np.array_equal(shown.pixels, knobs.show((21.0, 21.0, 1.0, 1.0)).pixels)
    with pytest.raises(UserError, match="takes 4 numbers"):
        knobs.check([1.0, 2.0, 3.0])


def test_a_button_takes_three_others(sliders):
    knobs, _ = sliders
    ((new, shown),) = knobs.actions["Three others"](knobs.start)
    assert len(set(new[:3])) == 3 and new[3] == knobs.start[3] and all(1 <= v <= 21 and v == int(v) for v in new[:3])
    assert np.array_equal(shown.pixels, knobs.show(new).pixels)


@pytest.mark.parametrize(("size", "factor"), [((28, 28), 4), ((28, 56), 2), ((256, 256), 1)])
def test_pictures_of_other_shapes_and_with_two_resolutions_have_sliders_too(size, factor):
    height, width = size
    system = StyleGAN(replace(GROWING, height=height, width=width, filters=(4, 4))).eval()
    assert demo(system).show(START).size == (4 * factor * width + GAP, 3 * factor * height)


# Growth ---------------------------------------------------------------------------------------------------------------


def test_resolutions_are_learned_then_faded_in_one_after_the_other():
    told = [growth_stage(SMALL, shown) for shown in (0, 999, 1000, 1250, 2000, 3500, 4000, 99_999)]
    assert told == [(0, 1.0), (0, 1.0), (0, 1.0), (1, 0.25), (1, 1.0), (2, 0.5), (2, 1.0), (2, 1.0)]
    assert growth_stage(replace(SMALL, stable_kimg=0.0, fade_kimg=0.0), 0) == (2, 1.0), (
        "without time to grow, all at once"
    )
    assert growth_stage(replace(SMALL, fade_kimg=0.0), 1000) == (1, 1.0)


def test_a_new_resolution_begins_as_the_one_before_doubled(generator):
    every = generator.truncate(torch.randn(2, 8))
    noise = [getattr(generator.synthesis, f"noise{i}") for i in range(6)]
    before = generator.synthesis(every, noise[:4], 1)
    torch.testing.assert_close(
        generator.synthesis(every, noise, 2, 0.0), F.interpolate(before, scale_factor=2), rtol=1e-4, atol=1e-5
    )
    net, images = Discriminator(SMALL), torch.rand(4, 3, 16, 24)
    torch.testing.assert_close(net(images, 2, 0.0), net(F.avg_pool2d(images, 2), 1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        downsample_to(images, SMALL, 2, 0.0), F.interpolate(downsample_to(images, SMALL, 1, 1.0), scale_factor=2)
    )


def test_pictures_need_not_be_square(generator):
    assert generator(torch.randn(2, 8)).shape == (2, 3, 16, 24)
    assert generator.synthesis.blocks[0].constant.shape == (1, 8, 4, 6)
    for level, size in enumerate(((4, 6), (8, 12), (16, 24))):
        images = generator.synthesis(generator.truncate(torch.randn(2, 8)), level=level)
        assert images.shape[-2:] == size and upsample_to(images, (16, 24)).shape[-2:] == (16, 24)
        assert Discriminator(SMALL)(images, level).shape == (2,)


# Training -------------------------------------------------------------------------------------------------------------

GROWING = replace(
    StyleGAN.presets["tiny"],
    first_level=0,
    stable_kimg=0.032,
    fade_kimg=0.032,
    filters=(4, 8, 8),
    latent_dim=8,
    batch_size=16,
)


def test_it_grows_and_goes_on_to_the_bit_in_the_middle_of_it(tmp_path):
    whole = trainer(StyleGAN, GROWING, tmp_path / "whole", shapes(), steps=8, eval_every=100)
    whole.fit()
    assert int(whole.system.images_seen) == 8 * 16 and whole.system.growth_stage == (2, 1.0)
    after = state(whole)
    stop_after(3, trainer(StyleGAN, GROWING, tmp_path / "parts", shapes(), steps=8, eval_every=100))
    again = trainer(StyleGAN, GROWING, tmp_path / "parts", shapes(), steps=8, eval_every=100, resume=True)
    again.fit()
    assert same(state(again), after)


def test_the_mean_style_follows_the_mapping(tmp_path):
    run = trainer(StyleGAN, replace(GROWING, w_avg_beta=0.5), tmp_path, shapes(), steps=30)
    for _ in range(30):
        run.system.draw_styles(run.rng, 2, 64)
    expected = run.system.generator.mapping(run.rng.normal(2000, 8)).mean(0)
    torch.testing.assert_close(run.system.generator.w_avg, expected.detach(), atol=0.25, rtol=0)


def test_a_checkpoints_mean_style_is_that_of_its_own_mapping(tmp_path):
    """Truncation to ψ = 0 then gives the mean picture, though the average of weights lags behind those being trained."""
    config = replace(GROWING, ema=0.9, mapping_lr_multiplier=1.0, lr=0.05)
    run = trainer(StyleGAN, config, tmp_path, shapes(), steps=8, eval_every=100)
    run.fit()
    expected = run.system.generator.mapping(RandomStream(1).normal(20_000, 8)).mean(0).detach()
    torch.testing.assert_close(run.system.generator.w_avg, expected, atol=0.05, rtol=0)


def test_as_many_pictures_are_mixed_as_should_be():
    torch.manual_seed(0)
    system = StyleGAN(replace(GROWING, style_mixing=0.6))
    drawn = system.draw_styles(RandomStream(0), 2, 600).detach()
    two = (drawn[:, 0] != drawn[:, -1]).any(1).float().mean().item()
    assert two == pytest.approx(0.6, abs=0.06)


def test_a_collapse_ends_the_training_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("potmeter.systems.generative.mode_collapse.FIRST_CHECK", 0)
    run = trainer(StyleGAN, GROWING, tmp_path, shapes(), steps=10)
    for colour in run.system.generator.synthesis.to_rgb:
        torch.nn.init.zeros_(colour.weight)  # whatever the style, one picture
    with pytest.raises(Collapsed, match="collapsed at step 0.*Received: 0"):
        run.fit()


# Use ------------------------------------------------------------------------------------------------------------------


def test_most_pictures_it_made_are_found_again_in_w():
    torch.manual_seed(0)
    system = StyleGAN(replace(StyleGAN.presets["tiny"], latent_dim=8)).eval().requires_grad_(False)
    system.images_seen.fill_(10**9)
    w = system.generator.mapping(system.sample(5, RandomStream(5)))
    images = system.decode(w, "w")
    errors = (system.decode(system.encode(images, "w", steps=150), "w") - images).square().mean((1, 2, 3))
    assert errors.median() < 1e-4 * images.var() and errors.max() < images.var()
    sheet = system.project([Image.from_tensor(image) for image in images], steps=3)
    assert isinstance(sheet, Image)


def test_a_vector_of_another_size_or_space_is_told():
    system = StyleGAN(GROWING).eval()
    with pytest.raises(UserError, match=r"shape \(B, 8\).*Received: \(2, 9\)"):
        system.decode(torch.zeros(2, 9), "w")
    with pytest.raises(UserError, match="The latent spaces are z, w. Received: x"):
        system.encode(torch.zeros(1, 1, 28, 28), "x")


def test_pictures_of_any_shape_and_kind_come_in():
    system = StyleGAN(replace(GROWING, height=28, width=56)).eval()
    wide = Image.from_tensor(torch.rand(3, 40, 200))
    high = Image.from_tensor(torch.rand(1, 70, 30))
    assert system.inputs([wide, high]).shape == (2, 1, 28, 56)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"height": 30}, "height must be divisible by 256"),
        ({"filters": ()}, "filters must not be empty"),
        ({"first_level": 9}, "first_level must lie between 0 and 8"),
        ({"style_mixing": 1.5}, "style_mixing must lie between 0 and 1"),
        ({"stable_kimg": -1.0}, "stable_kimg must be at least 0"),
        ({"mapping_lr_multiplier": 0.0}, "mapping_lr_multiplier must be positive"),
        ({"w_avg_beta": 1.0}, "w_avg_beta must be at least 0"),
        ({"height": 256, "width": 256}, "has more than one pixel: give fewer filters"),
    ],
)
def test_nonsense_is_refused(change, words):
    with pytest.raises(UserError, match=f"{words}.*Received"):
        Config(**change)
