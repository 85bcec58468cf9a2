"""Unpaired translation: the papers' sizes and losses, the authors' checkpoints, data that are no pairs, strips, tasks."""

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.helpers import same, state, stop_after, trainer
from potmeter.data.two_styles import TwoStyles, load_two_styles
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.nn import strips
from potmeter.nn.gan_losses import discriminator_loss, generator_loss
from potmeter.nn.image_pool import ImagePool
from potmeter.systems.generative.unit import UNIT, Config
from potmeter.systems.generative.unit.bench import PlainGenerator
from potmeter.systems.generative.unit.model import Discriminator, Translator
from potmeter.systems.generative.unit.translate import translate, translate_in_strips, translate_whole

TINY = UNIT.presets["tiny"]
SMALL = Config(width=4, residual_blocks=3, shared_blocks=0, architecture="cyclegan")
FEW = settings(deadline=None, max_examples=12)


def noise(height, width, seed=0):
    """A picture of noise."""
    return Image(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def count(module):
    return sum(p.numel() for p in module.parameters())


# The papers' sizes ----------------------------------------------------------------------------------------------------


def test_the_paper_preset_has_the_papers_sizes():
    with torch.device("meta"):
        translator, discriminator = Translator(UNIT.presets["paper"]), Discriminator(UNIT.presets["paper"])
    for source, target in ((0, 1), (1, 0)):
        assert count(translator.encoders[source]) + count(translator.decoders[target]) == 11_378_179
    assert count(translator) == 2 * 11_378_179
    assert count(discriminator) == 2_764_737


def test_a_logit_of_the_paper_preset_sees_70_pixels():
    discriminator = Discriminator(replace(UNIT.presets["paper"], discriminator_width=2))
    for module in discriminator.modules():
        if isinstance(module, nn.InstanceNorm2d):
            module.forward = lambda x: x  # which would look at the whole picture
    x = torch.rand(1, 3, 128, 128, requires_grad=True)
    discriminator(x)[0, 0, 7, 7].backward()
    seen = x.grad.abs().sum((0, 1)).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [70, 70]


def test_unit_shares_the_middle_and_cyclegan_nothing():
    unit = Translator(Config(width=4, residual_blocks=4, shared_blocks=2))
    assert len(unit.shared_encoder) == len(unit.shared_decoder) == 1
    assert all(len(part.blocks) == 1 for part in (*unit.encoders, *unit.decoders))
    cyclegan = Translator(SMALL)
    assert len(cyclegan.shared_encoder) == len(cyclegan.shared_decoder) == 0


# The authors' checkpoints ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("blocks", "dropout"), [(9, False), (6, True)])
def test_a_generator_of_the_authors_gives_the_same_pictures(tmp_path, blocks, dropout):
    theirs = PlainGenerator(6, blocks, dropout).eval()
    stored = theirs.state_dict() | {"model.2.running_mean": torch.zeros(6)}
    torch.save(stored, tmp_path / "horse2zebra.pth")
    ours = UNIT.from_pretrained(tmp_path / "horse2zebra.pth")
    assert (ours.config.architecture, ours.config.residual_blocks, ours.config.width) == ("cyclegan", blocks, 6)
    x = torch.rand(2, 3, 64, 48)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
    with pytest.raises(UserError, match=r"no way back.*Received"):
        ours.run(noise(20, 20), to=ours.styles[0])
    with pytest.raises(UserError, match=r"no way back.*Received"):
        ours.cycle(noise(20, 20))


@pytest.mark.parametrize("change", ["missing", "unknown", "shape", "other"])
def test_a_file_that_does_not_fit_is_told(tmp_path, change):
    stored = dict(PlainGenerator(4, 3).state_dict())
    if change == "missing":
        del stored["model.13.bias"]
    elif change == "unknown":
        stored["model.99.weight"] = torch.zeros(1)
    elif change == "shape":
        stored["model.4.weight"] = torch.zeros(8, 4, 5, 5)
    else:
        stored = {"fc.weight": torch.zeros(2, 2)}
    torch.save(stored, tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"(does not fit|no generator).*Received"):
        UNIT.from_pretrained(tmp_path / "x.pth")


# Losses ---------------------------------------------------------------------------------------------------------------


def test_least_squares_are_the_papers():
    real, fake = torch.tensor([[0.5, 1.0]]), torch.tensor([[0.5, 0.0]])
    assert float(discriminator_loss("least-squares", real, fake)) == pytest.approx((0.125 + 0.125) / 2)
    assert float(generator_loss("least-squares", fake)) == pytest.approx((0.25 + 1) / 2)


@pytest.mark.parametrize(("architecture", "details"), [("unit", False), ("unit", True), ("cyclegan", False)])
def test_the_loss_is_the_papers_sum_of_what_run_gives(architecture, details):
    torch.manual_seed(0)
    system = UNIT(replace(TINY, architecture=architecture, details=details, kl_weight=0.25)).eval()
    first, second = torch.rand(2, 2, 3, 32, 32)
    if architecture == "unit":
        system.sample_latent = lambda z, parts: (parts["kl"].append(z.square().mean() / 2), z)[1]
    losses = system.loss({"first": first, "second": second})
    net, judges = system.translator, system.discriminators
    there, back = net(first, 0, 1), net(second, 1, 0)
    adversarial = (1 - judges[1](there)).square().mean() + (1 - judges[0](back)).square().mean()
    cycle = F.l1_loss(net(there, 1, 0), first) + F.l1_loss(net(back, 0, 1), second)
    if architecture == "cyclegan":
        rest = 5 * (F.l1_loss(net(second, 0, 1), second) + F.l1_loss(net(first, 1, 0), first))
    else:
        z = [net.encode(x, style) for x, style in ((first, 0), (there, 1), (second, 1), (back, 0))]
        rest = 10 * (F.l1_loss(*net.decode(z[0], 0), first) + F.l1_loss(*net.decode(z[2], 1), second))
        rest = rest + 0.25 * sum(x.square().mean() / 2 for x in z)
    torch.testing.assert_close(losses["loss"], adversarial + 10 * cycle + rest, rtol=1e-4, atol=1e-4)


def test_details_that_no_decoder_draws_stay():
    torch.manual_seed(0)
    net = Translator(Config(width=4, residual_blocks=4, details=True))
    x = torch.rand(1, 3, 30, 41)
    with torch.no_grad():
        same, other = net.decode(net.encode(x, 0), 0, 1)
        torch.testing.assert_close(net(x, 0, 1), x + (other - same)[:, :, :30, :41])
        torch.testing.assert_close(net(x, 0, 0), x)
    cyclegan = Translator(Config(width=4, residual_blocks=4, details=True, architecture="cyclegan"))
    with torch.no_grad():  # which does not know what a picture is in its own style
        (expected,) = cyclegan.decode(cyclegan.encode(x, 0), 1)
        assert torch.equal(cyclegan(x, 0, 1), expected[:, :, :30, :41])


def test_a_pool_gives_half_of_the_time_what_was_before():
    pool = ImagePool(3)
    stored = torch.arange(3.0).view(3, 1, 1, 1)
    assert torch.equal(pool.exchange(stored, torch.zeros(3, 2)), stored)  # while it fills, the new ones
    new = torch.tensor([7.0, 8.0]).view(2, 1, 1, 1)
    given = pool.exchange(new, torch.tensor([[0.2, 0.5], [0.7, 0.5]]))
    assert given.flatten().tolist() == [1.0, 8.0]
    assert pool.images.flatten().tolist() == [0.0, 7.0, 2.0]
    assert torch.equal(ImagePool(0).exchange(new, torch.zeros(2, 2)), new)


def test_both_generators_begin_as_one_autoencoder():
    system = UNIT(TINY)
    system.translator.tie()
    x = torch.rand(1, 3, 32, 32)
    net = system.translator
    with torch.no_grad():
        assert torch.equal(net(x, 0, 1), net(x, 1, 0))
        assert torch.equal(net(x, 0, 0), net(x, 1, 1))


# Data -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path):
    """Sixty small pictures in each of two folders, of mixed sizes and modes, one of them animated."""
    rng = np.random.default_rng(0)
    for folder, low in (("ink", 0), ("paint", 100)):
        (tmp_path / folder).mkdir()
        for n in range(60):
            shape = (20 + n % 7, 50 - n % 11)
            picture = PIL.Image.fromarray(rng.integers(low, low + 100, (*shape, 3), np.uint8))
            picture = picture.convert(("RGB", "L", "RGBA", "P", "CMYK")[n % 5]) if n % 5 != 4 else picture
            picture.save(tmp_path / folder / f"{n}.png")
        frames = [PIL.Image.fromarray(rng.integers(low, low + 100, (30, 30, 3), np.uint8)) for _ in range(3)]
        frames[0].save(tmp_path / folder / "moving.gif", save_all=True, append_images=frames[1:])
    return tmp_path


def test_two_folders_are_two_styles(folders):
    splits = load_two_styles(str(folders / "ink"), folders / "paint", 16)
    assert splits.train.styles == ("ink", "paint")
    assert not splits.test.paired
    assert splits.train.__getitems__([0, 1])["second"].shape == (2, 3, 16, 16)
    together = load_two_styles(str(folders), None, 16)
    assert together.fingerprint() == splits.fingerprint()


def test_folders_in_cyclegans_layout_keep_their_test_pictures(folders):
    for name, new in (("ink", "trainA"), ("paint", "trainB")):
        (folders / name).rename(folders / new)
        (folders / new.replace("train", "test")).mkdir()
        noise(20, 20, len(new)).save(folders / new.replace("train", "test") / "only.png")
    splits = load_two_styles(str(folders), None, 16)
    assert splits.test.first.names == ("only.png",)
    assert splits.train.styles == ("trainA", "trainB")


def test_a_folder_beside_is_for_testing_by_cyclegans_names_only(folders):
    (folders / "ink").rename(folders / "trains")
    (folders / "tests").mkdir()
    noise(20, 20).save(folders / "tests" / "only.png")
    assert len(load_two_styles(str(folders / "trains"), folders / "paint", 16).test.first.names) > 1


def test_folders_that_cannot_be_two_styles_are_told(folders):
    (folders / "none").mkdir()
    one = folders / "one"
    one.mkdir()
    noise(20, 20).save(one / "x.png")
    copy = folders / "copy"
    copy.mkdir()
    for path in (folders / "ink").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    for target, message in (
        ("ink", "same folder"),
        ("none", "no pictures"),
        ("one", "too few"),
        ("copy", "same pictures"),
    ):
        with pytest.raises(UserError, match=rf"{message}.*Received"):
            load_two_styles(str(folders / "ink"), folders / target, 16)
    with pytest.raises(UserError, match=r"Two folders.*--target.*Received"):
        load_two_styles(str(folders), None, 16)


def test_every_picture_of_the_longer_set_is_seen():
    first, second = (UNIT.data(TINY).test.first.head(n) for n in (5, 3))
    data = TwoStyles(first, second, ("a", "b"))
    batch = data.__getitems__(list(range(len(data))))
    assert torch.equal(batch["first"], first.__getitems__(list(range(5)))["image"])
    assert torch.equal(batch["second"][3:], second.__getitems__([0, 1])["image"])
    with pytest.raises(UserError, match=r"as many.*Received"):
        TwoStyles(first, second, ("a", "b"), paired=True)


# Any size -------------------------------------------------------------------------------------------------------------


@pytest.fixture(
    scope="module",
    params=[("transposed", "everywhere", False), ("nearest", "everywhere", True), ("nearest", "in blocks", True)],
)
def translator(request):
    torch.manual_seed(0)
    upsampling, norm, details = request.param
    config = Config(width=4, residual_blocks=4, upsampling=upsampling, instance_norm=norm, details=details)
    network = Translator(config).eval()
    for p in network.parameters():
        nn.init.normal_(p, std=0.3)
    return network


@FEW
@given(height=st.integers(5, 90), width=st.integers(5, 90), strip=st.sampled_from([2**10, 2**13, 2**15]))
def test_strips_give_the_whole_picture(translator, height, width, strip):
    pixels = noise(height, width, height * width).pixels
    whole = translate_whole(translator, pixels, 0, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strips, "STRIP_BYTES", strip)
        pieces = translate_in_strips(translator, pixels, 0, 1)
    assert whole.std() > 5
    assert np.abs(whole.astype(int) - pieces).max() <= 1


@FEW
@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_a_picture_keeps_its_size(translator, height, width):
    assert translate(translator, noise(height, width), 1, 0).size == (width, height)


# Use ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def system():
    torch.manual_seed(0)
    return UNIT(replace(TINY, styles=("even", "shaded"))).eval()


def test_a_picture_goes_both_ways(system):
    picture = noise(30, 41)
    assert system.run(picture).size == (41, 30)
    assert not np.array_equal(system.run(picture).pixels, system.run(picture, to="even").pixels)
    assert system.run(picture, size=20).size == (20, 15)
    album = system.folder([picture, noise(9, 8)], to="even")
    assert [image.size for image in album.images] == [(41, 30), (8, 9)]


def test_there_and_back_tells_the_error(system):
    picture = noise(24, 24)
    cycle = system.cycle(picture)
    assert np.array_equal(cycle.there.pixels, system.run(picture).pixels)
    assert np.array_equal(cycle.back.pixels, system.run(cycle.there, to="even").pixels)
    error = np.abs(cycle.back.pixels.astype(int) - picture.pixels).mean()
    assert f"{error:.1f}" in cycle.error.text


def test_between_begins_and_ends_at_the_pictures(system):
    a, b = noise(32, 32, 1), noise(32, 32, 2)
    sheet = system.between(a, b, steps=3).pixels
    alone = system.between(a, a, steps=3).pixels
    assert np.array_equal(sheet[:, :100], alone[:, :100])
    assert not np.array_equal(sheet, alone)


def test_only_unit_has_a_shared_space():
    system = UNIT(replace(TINY, architecture="cyclegan"))
    with pytest.raises(UserError, match=r"Only UNIT.*Received"):
        system.between(noise(32, 32), noise(32, 32))


def test_sizes_that_do_not_fit_are_told():
    for change, message in (
        ({"image_size": 30}, "divisible by 4"),
        ({"image_size": 96}, "at most load_size"),
        ({"load_size": 32, "image_size": 16}, "at least 32"),
        ({"shared_blocks": 0}, "shares at least one"),
        ({"styles": ("a", "a")}, "two names"),
    ):
        with pytest.raises(UserError, match=rf"{message}.*Received"):
            Config(**change)


@pytest.mark.parametrize("architecture", ["unit", "cyclegan"])
def test_a_run_goes_on_to_the_bit_with_the_pictures_of_the_past(tmp_path, architecture):
    config = replace(TINY, architecture=architecture, autoencoder_steps=1, pool_size=3)
    splits = UNIT.data(config)
    whole = trainer(UNIT, config, tmp_path / "whole", splits, steps=6, eval_every=100)
    whole.fit()
    after = state(whole)
    stop_after(3, trainer(UNIT, config, tmp_path / "parts", splits, steps=6, eval_every=100))
    again = trainer(UNIT, config, tmp_path / "parts", splits, steps=6, eval_every=100, resume=True)
    again.fit()
    assert same(state(again), after)
    assert all(len(pool.images) == 3 for pool in again.system.pools)
