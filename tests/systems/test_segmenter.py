"""The segmenter: the paper's equations, the port's layout, its losses and measures, pieces without seams, its tasks."""

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from potmeter.core.random import RandomStream
from potmeter.core.training.loop import build_system
from potmeter.data.mask_data import VOID
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.systems.vision.segmenter import Config, MobileUNet, Segmenter, UNet
from potmeter.systems.vision.segmenter.augment import augment, flip, turn_and_scale
from potmeter.systems.vision.segmenter.loss import boundary_f, cross_entropy, dice_loss, outline, overlap
from potmeter.systems.vision.segmenter.measure import judge
from potmeter.systems.vision.segmenter.predict import predict
from potmeter.systems.vision.segmenter.recolour import parse_colour, recolour

TINY = replace(Segmenter.presets["tiny"], classes=("background", "disc"))
FEW = settings(deadline=None, max_examples=25)


@pytest.fixture
def system():
    torch.manual_seed(0)
    return randomise(Segmenter(TINY)).eval()


def randomise(network):
    """Normalisations as if trained, so that nothing is 0 or 1 by chance."""
    for name, value in network.state_dict().items():
        if "running_mean" in name or name.endswith(".bias"):
            value.normal_(0, 0.1)
        elif "running_var" in name:
            value.uniform_(0.5, 1.5)
    return network


# The paper's equations and the port's layout ------------------------------------------------------------------------


def unet(state, x, levels, transposed):
    """U-Net written from the paper's figure 1 and the port's state dict, apart from our modules."""

    def double(x, name):
        for conv, norm in ((0, 1), (3, 4)):
            x = F.conv2d(x, state[f"{name}.{conv}.weight"], state.get(f"{name}.{conv}.bias"), padding=1)
            mean, var, scale, shift = (state[f"{name}.{norm}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias"))  # fmt: skip
            x = torch.relu((x - mean) / (var + 1e-5).sqrt() * scale + shift)
        return x

    seen = [double(x, "inc.double_conv")]
    for level in range(1, levels + 1):
        seen.append(double(F.max_pool2d(seen[-1], 2), f"down{level}.maxpool_conv.1.double_conv"))
    x = seen.pop()
    for level in range(1, levels + 1):
        if transposed:
            x = F.conv_transpose2d(x, state[f"up{level}.up.weight"], state[f"up{level}.up.bias"], stride=2)
        else:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        x = double(torch.cat([seen.pop(), x], 1), f"up{level}.conv.double_conv")
    return F.conv2d(x, state["outc.conv.weight"], state["outc.conv.bias"])


@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_logits_and_gradients_are_those_of_the_equations(transposed, bias):
    torch.manual_seed(0)
    network = randomise(UNet(3, widths=(4, 8, 16, 32), transposed=transposed, bias=bias).double()).eval()
    x, other = (torch.rand(2, 3, 32, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in "ab")  # fmt: skip
    ours, theirs = network(x), unet(network.state_dict(), other, 3, transposed)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)
    gradients = (torch.autograd.grad(y.square().sum(), of)[0] for y, of in ((ours, x), (theirs, other)))
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-9)


SIZES = {(True, False): 31_037_698, (True, True): 31_043_586, (False, False): 17_263_042, (False, True): 17_267_458}


@pytest.mark.parametrize("transposed, bias", SIZES)
def test_the_paper_s_network_has_the_port_s_parameters(transposed, bias):
    with torch.device("meta"):
        network = UNet(2, transposed=transposed, bias=bias)
    assert sum(p.numel() for p in network.parameters()) == SIZES[transposed, bias]
    doubles = ["inc.double_conv", *(f"down{n}.maxpool_conv.1.double_conv" for n in range(1, 5))]
    doubles += [f"up{n}.conv.double_conv" for n in range(1, 5)]
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = {f"{block}.{n}.{part}" for block in doubles for n in (1, 4) for part in norm}
    names |= {f"{block}.{n}.{part}" for block in doubles for n in (0, 3) for part in ("weight", "bias")[: 1 + bias]}
    names |= {"outc.conv.weight", "outc.conv.bias"}
    names |= {f"up{n}.up.{part}" for n in range(1, 5) for part in ("weight", "bias")} if transposed else set()
    assert set(network.state_dict()) == names


@pytest.mark.parametrize("classes", [1, 2, 4])
@pytest.mark.parametrize("transposed, bias", SIZES)
def test_a_checkpoint_of_the_port_runs_as_it_did(tmp_path, classes, transposed, bias):
    torch.manual_seed(0)
    network = randomise(UNet(classes, widths=(4, 8, 16, 32, 64), transposed=transposed, bias=bias)).eval()
    torch.save(network.state_dict() | {"mask_values": [0, 7, 8, 9][: max(2, classes)]}, tmp_path / "checkpoint.pth")
    system = Segmenter.from_pretrained(tmp_path / "checkpoint.pth")
    x = torch.rand(2, 3, 40, 56)
    logits = network(x)
    expected = torch.cat([1 - logits.sigmoid(), logits.sigmoid()], 1) if classes == 1 else logits.softmax(1)
    torch.testing.assert_close(system.masks(x), expected, rtol=1e-4, atol=1e-5)
    assert system.classes[:2] == ("background", "value 7") and system.config.conv_bias == bias
    assert system.run(Image.from_tensor(x[0])).labels.size == (56, 40)


def test_a_file_that_holds_no_unet_is_told(tmp_path):
    state = UNet(2, widths=(4, 8, 16)).state_dict()
    wrong = {
        "nothing": ({}, "holds no U-Net of the port"),
        "a key less": ({k: v for k, v in state.items() if k != "up1.up.bias"}, "up1.up.bias is missing"),
        "a key more": (state | {"more": torch.zeros(1)}, "more is unknown"),
        "a shape": (state | {"inc.double_conv.1.bias": torch.zeros(5)}, "should be"),
        "channels": (state | {"inc.double_conv.0.weight": torch.zeros(4, 5, 3, 3)}, "of 5 channels"),
    }
    for content, says in wrong.values():
        torch.save(content, tmp_path / "net.pth")
        with pytest.raises(UserError, match=f"{says}.*Received: "):
            Segmenter.from_pretrained(tmp_path / "net.pth")
    (tmp_path / "net.pth").write_text("It was a truth")
    with pytest.raises(UserError, match="is no file of tensors"):
        Segmenter.from_pretrained(tmp_path / "net.pth")


# Losses and measures ------------------------------------------------------------------------------------------------

masks = st.integers(0, 2**32 - 1).map(lambda seed: torch.randint(0, 3, (2, 5, 7), generator=torch.Generator().manual_seed(seed)))  # fmt: skip


@FEW
@given(masks)
def test_the_truth_has_no_loss_and_dice_is_twice_the_overlap_over_the_sizes(mask):
    sure = 40 * F.one_hot(mask, 3).permute(0, 3, 1, 2).float()
    assert cross_entropy(sure, mask).max() < 1e-6 and abs(float(dice_loss(sure.softmax(1), mask))) < 1e-5
    probs = torch.rand(2, 3, 5, 7).softmax(1)
    by_hand = []
    for c in (1, 2):
        p, t = probs[:, c], (mask == c).float()
        by_hand.append((2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))
    torch.testing.assert_close(dice_loss(probs, mask), 1 - sum(by_hand) / 2)


@FEW
@given(masks, masks)
def test_overlaps_are_counted_as_by_hand_and_are_symmetric(one, other):
    both, either = overlap(one, other, 3)
    for c in range(3):
        a, o = (one == c).numpy(), (other == c).numpy()
        assert int(both[c]) == (a & o).sum() and int(either[c]) == (a | o).sum()
    assert all(torch.equal(x, y) for x, y in zip(overlap(other, one, 3), (both, either), strict=True))
    assert torch.equal(*overlap(one, one, 3))


def test_metrics_are_over_all_pixels_and_unseen_styles_count_apart():
    predicted, truth = torch.zeros(3, 4, 4, dtype=torch.long), torch.zeros(3, 4, 4, dtype=torch.long)
    truth[0, :2], predicted[0, :1] = 1, 1  # 4 of 8
    truth[1, 0, 0], predicted[1, 0, 0] = 1, 1  # 1 of 1
    truth[2, :2], predicted[2, :2] = 2, 2
    metrics = judge(predicted, truth, torch.tensor([False, False, True]), ("background", "hair", "skin"))
    assert float(metrics["iou"]) == float(metrics["iou_hair"]) == pytest.approx(5 / 9), "not the mean of 1/2 and 1"
    assert float(metrics["iou_unseen_style"]) == float(metrics["iou_skin_unseen_style"]) == 1
    assert "iou_skin" not in metrics and metrics["boundary_f"].shape == (2,)


def test_pixels_whose_class_is_not_said_count_for_nothing():
    mask = torch.randint(0, 3, (2, 6, 6), generator=torch.Generator().manual_seed(0))
    mask[:, :, 4:] = VOID
    logits, other = (torch.randn(2, 3, 6, 6) for _ in "ab")
    other[..., :4] = logits[..., :4]
    assert torch.equal(cross_entropy(logits, mask), cross_entropy(other, mask))
    torch.testing.assert_close(dice_loss(logits.softmax(1), mask), dice_loss(other.softmax(1), mask))
    assert all(map(torch.equal, *(overlap(x.argmax(1), mask, 3) for x in (logits, other))))
    assert cross_entropy(logits, torch.full_like(mask, VOID)).tolist() == [0, 0]


def test_the_outline_s_f_measure_knows_a_shift_from_a_gap():
    square = torch.zeros(1, 20, 20, dtype=torch.bool)
    square[:, 5:15, 5:15] = True
    said = torch.ones_like(square)
    assert int(outline(square).sum()) == 36, "four sides of ten pixels"
    assert not outline(torch.ones_like(square)).any(), "the picture's edge is no outline"
    assert float(boundary_f(square, square, said, 0)) == 1
    assert float(boundary_f(square.roll(1, 2), square, said, 1)) == 1
    assert float(boundary_f(square.roll(4, 2), square, said, 1)) < 0.7
    assert float(boundary_f(torch.zeros_like(square), square, said, 1)) == 0
    assert boundary_f(torch.zeros_like(square), torch.zeros_like(square), said, 1).isnan().all()


# Variation ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vary", [flip, turn_and_scale])
def test_masks_move_as_their_pictures_do(vary):
    mask = torch.zeros(6, 32, 32, dtype=torch.long)
    mask[:, 8:20, 10:25] = 1
    moved, labels = vary(mask[:, None].float(), mask, RandomStream(3))
    assert labels.dtype == torch.long and set(labels.unique().tolist()) <= {0, 1, VOID}
    said = labels != VOID
    assert ((moved[:, 0] > 0.5).long() == labels)[said].float().mean() > 0.98
    assert not torch.equal(labels, mask)


def test_two_processes_vary_pictures_as_one_does():
    x, mask = torch.rand(8, 3, 32, 32), torch.randint(0, 3, (8, 32, 32))
    whole = augment(x, mask, "people", RandomStream(3))
    halves = [augment(x[4 * r : 4 * r + 4], mask[4 * r : 4 * r + 4], "people", RandomStream(3, r, 2)) for r in range(2)]
    for one, both in zip(whole, zip(*halves, strict=True), strict=True):
        torch.testing.assert_close(one, torch.cat(both))
    assert whole[0].min() >= 0 and whole[0].max() <= 1


# Pictures of any size -----------------------------------------------------------------------------------------------


def networks():
    torch.manual_seed(0)
    return {
        "unet": randomise(UNet(3, widths=(4, 8, 16, 32))).eval(),
        "mobilenet": randomise(MobileUNet(3)).eval(),
    }


@pytest.mark.parametrize("kind", ["unet", "mobilenet"])
@pytest.mark.parametrize("height, width", [(200, 333), (77, 150)])
def test_there_are_no_seams_between_pieces(kind, height, width):
    network = networks()[kind]
    picture = Image(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))
    facts = {"channels": 3, "size": 0, "stride": network.stride, "reach": network.reach}
    whole = predict(picture, network, (1,), **facts, tile=1024)
    pieces = predict(picture, network, (1,), **facts, tile=64)
    difference = np.abs(whole.share.astype(int) - pieces.share).max()
    assert difference <= 1 and (whole.share != pieces.share).mean() < 0.01, "rounding at most: less than 1/255"
    assert (whole.labels == pieces.labels).mean() > 0.999
    assert whole.share.std() > 0


@pytest.mark.parametrize("kind", ["unet", "mobilenet"])
def test_nothing_beyond_its_reach_changes_a_logit(kind):
    network = networks()[kind].double()
    side = 2 * network.reach + 96
    side -= side % network.stride
    x = torch.rand(1, 3, 32, side, dtype=torch.float64)
    changed = x.clone()
    changed[..., 0] = 1 - changed[..., 0]
    with torch.no_grad():
        apart = (network(x) - network(changed)).abs().amax((0, 1, 2)) > 0
    reached = int(apart.nonzero().max())
    assert 0 < reached <= network.reach


def test_a_picture_of_one_pixel_and_a_thin_one_have_masks(system):
    for height, width in ((1, 1), (1, 300), (700, 2)):
        picture = Image(np.zeros((height, width, 3), np.uint8))
        for size in (None, 0, 64):
            assert system.run(picture, size=size).labels.size == (width, height)


def test_a_large_picture_takes_no_more_memory_than_its_pieces():
    from resource import RUSAGE_SELF, getrusage

    def logits(images):
        assert images[0, 0].numel() <= 600 * 600
        return torch.cat([images.mean(1, keepdim=True), 1 - images.mean(1, keepdim=True)], 1)

    picture = Image(np.zeros((4_000, 6_000, 3), np.uint8))
    before = getrusage(RUSAGE_SELF).ru_maxrss
    found = predict(picture, logits, (1,), channels=3, size=0, stride=8, reach=40)
    assert found.labels.shape == (4_000, 6_000) and (found.labels == 1).all()
    assert (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024 < 250, "MiB: 48 for the two results"


def test_the_copy_that_is_looked_at_is_enlarged_smoothly():
    ramp = torch.linspace(-4, 4, 10).expand(1, 1, 10, 10)
    picture = Image(np.zeros((1000, 1000, 3), np.uint8))
    found = predict(picture, lambda x: torch.cat([0 * ramp, ramp], 1), (1,), channels=3, size=10, stride=1, reach=0)
    expected = F.interpolate(ramp, (1000, 1000), mode="bilinear", align_corners=False)[0, 0].sigmoid() * 255
    np.testing.assert_allclose(found.share, expected.round().numpy(), atol=1)


# Use ----------------------------------------------------------------------------------------------------------------


def test_another_colour_keeps_the_light_and_leaves_the_rest_alone():
    from skimage.color import rgb2lab

    rng = np.random.default_rng(0)
    picture = Image((120 + 40 * rng.random((20, 20, 1)) + rng.random((20, 20, 3)) * 5).astype(np.uint8))
    share = np.zeros((20, 20), np.uint8)
    share[:, 10:] = 255
    dyed = recolour(picture, share, parse_colour("#b03060"))
    assert np.array_equal(dyed.pixels[:, :10], picture.pixels[:, :10])
    before, after = (rgb2lab(p.pixels[:, 10:]) for p in (picture, dyed))
    np.testing.assert_allclose(after[..., 0], before[..., 0], atol=3)
    assert after[..., 1].mean() > 30, "it is red now"
    lighter = rgb2lab(recolour(picture, share, parse_colour("gold"), 15.0).pixels[:, 10:])
    np.testing.assert_allclose(lighter[..., 0].mean() - before[..., 0].mean(), 15, atol=2)


@pytest.mark.parametrize("colour", ["", "no such colour", "#12", "rgb(1"])
def test_what_is_no_colour_is_told(system, colour):
    with pytest.raises(UserError, match="A colour is a name such as purple"):
        system.recolour(Image(np.zeros((8, 8, 3), np.uint8)), colour=colour)


def test_a_class_is_named_and_everything_is_all_but_the_ground():
    many = Segmenter(replace(TINY, classes=("background", "hair", "skin"))).eval()
    assert many.subjects == ("hair", "skin", "everything") and Segmenter(TINY).subjects == ("disc",)
    picture = Image(np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8))
    hair, skin, both = (many.cutout(picture, what=what).alpha.astype(int) for what in ("hair", "skin", None))
    assert np.abs(hair + skin - both).max() <= 1 and np.array_equal(many.cutout(picture).pixels, picture.pixels)
    with pytest.raises(UserError, match="what is one of hair, skin, everything. Received: hat"):
        many.cutout(picture, what="hat")


def test_a_table_says_how_much_of_each_picture_belongs_to_each_class(system):
    pictures = [Image(np.random.default_rng(n).integers(0, 255, (20, 30, 3), np.uint8)) for n in range(3)]
    table = system.batch(pictures)
    assert table.columns == ("picture", "background", "disc") and len(table.rows) == 3
    assert all(sum(row[1:]) == pytest.approx(1) for row in table.rows)


def test_weights_are_fine_tuned_to_a_folder_of_other_classes(tmp_path):
    for n in range(12):
        rng = np.random.default_rng(n)
        for kind, values in (("images", rng.integers(0, 255, (32, 32, 3), np.uint8)), ("masks", rng.integers(0, 3, (32, 32)).astype(np.uint8))):  # fmt: skip
            (tmp_path / kind).mkdir(exist_ok=True)
            PIL.Image.fromarray(values).save(tmp_path / kind / f"{n}.png")
    origin = Segmenter(TINY)
    config = Segmenter.fine_tune_config(origin.config)
    splits = Segmenter.data(config, str(tmp_path))
    tuned = build_system(Segmenter, Segmenter.fit_config(config, splits), 0, origin)
    assert tuned.classes == ("background", "class 1", "class 2")
    changed = {k for k, v in tuned.state_dict().items() if v.shape != origin.state_dict()[k].shape}
    assert changed == {"model.outc.conv.weight", "model.outc.conv.bias"}
    loss = tuned.loss(splits.train.__getitems__([0, 1]))
    assert loss["loss"].isfinite() and 0 <= loss["dice"] <= 1


def test_the_paper_s_preset_takes_whatever_classes_a_folder_has(tmp_path):
    for n in range(12):
        for kind, values in (("images", np.full((32, 40, 3), 9 * n, np.uint8)), ("masks", np.eye(32, 40, dtype=np.uint8) * 2)):  # fmt: skip
            (tmp_path / kind).mkdir(exist_ok=True)
            PIL.Image.fromarray(values).save(tmp_path / kind / f"{n}.png")
    config = replace(Segmenter.presets["paper"], image_size=32)
    splits = Segmenter.data(config, str(tmp_path))
    assert Segmenter.fit_config(config, splits).classes == ("background", "class 1", "class 2")
    assert splits.train[0]["image"].shape == (3, 32, 32)
    with pytest.raises(UserError, match="name them with --data"):
        Segmenter.data(config)


def test_data_of_other_classes_are_refused():
    with pytest.raises(
        UserError, match="knows background, hair, not the data's classes. Received: anything else, disc"
    ):
        Segmenter.data(replace(TINY, classes=("background", "hair")))


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ("one",)},
        {"channels": 1},
        {"widths": (8, 20, 40)},
        {"widths": (8,)},
        {"architecture": "mobilenet", "widths": (8, 16)},
        {"image_size": 8},
        {"classes": tuple(map(str, range(256)))},
    ],
    ids=str,
)
def test_a_config_that_fits_nothing_is_refused(changes):
    with pytest.raises(UserError, match="Received: "):
        Segmenter(replace(TINY, **changes))


def test_the_encoder_s_weights_are_public_ones_only_where_asked(monkeypatch):
    from potmeter.systems.vision.segmenter import system as module

    loaded = []
    monkeypatch.setattr(module, "load_imagenet_weights", loaded.append)
    for pretrained in (True, False):
        config = Config(classes=("background", "hair"), pretrained=pretrained)
        system = build_system(Segmenter, config, 0)
        assert loaded == ([system.model.encoder] if pretrained else loaded)
    assert len(loaded) == 1
