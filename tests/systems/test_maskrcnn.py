"""Mask R-CNN: torchvision's numbers and names, what it learns from, a user's own pictures, its tasks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.detection import maskrcnn_resnet50_fpn

from potmeter.cli import execute
from potmeter.core.random import RandomStream
from potmeter.core.training.loop import build_system
from potmeter.data.objects import ObjectData, Scene
from potmeter.data.splits import OWN_DATA, Splits
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.masks import paste_all
from potmeter.systems.vision.maskrcnn import MaskRCNN, ObjectDetector
from potmeter.systems.vision.maskrcnn.augment import flip
from potmeter.systems.vision.maskrcnn.measure import box_mask_ap, find_all, measure

TINY = replace(ObjectDetector.presets["tiny"], classes=("disc", "triangle", "cross"))
PAPER = replace(ObjectDetector.presets["paper"], classes=tuple(f"class {n}" for n in range(1, 91)))


def randomise(network):
    """Normalisations with statistics that are not 0 and 1, as after a training."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_mean"):
                value.uniform_(-0.1, 0.1)
            elif name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
    return network


# torchvision's network ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm, parameters, tensors", [("frozen", 44_401_393, 307), ("batch", 44_454_513, 360)])
def test_the_paper_s_network_has_torchvision_s_parameters(norm, parameters, tensors):
    with torch.device("meta"):
        network = MaskRCNN(replace(PAPER, norm=norm))
        theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91)
    assert sum(p.numel() for p in network.parameters()) == parameters
    names = {key for key in theirs.state_dict() if norm == "batch" or not key.endswith("num_batches_tracked")}
    assert set(network.state_dict()) == names and len(names) == tensors


@pytest.fixture(scope="module")
def both():
    """torchvision's network with random weights that find something, and ours with the same, in double precision."""
    torch.manual_seed(0)
    theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=91, min_size=128, max_size=256)
    norms = [module for module in theirs.modules() if isinstance(module, nn.BatchNorm2d)]
    theirs.backbone.body.train()
    for norm in norms:
        norm.momentum = None  # the mean over all it has seen
    with torch.no_grad():
        for _ in range(2):
            theirs.backbone(torch.randn(2, 3, 128, 160))
        for name, weight in theirs.named_parameters():
            factor = (
                30
                if "cls_score.weight" in name
                else 10
                if any(s in name for s in ("bbox_pred.w", "cls_logits.w"))
                else 1
            )
            weight.mul_(factor)
    ours = MaskRCNN(replace(PAPER, norm="batch", frozen=0, image_size=128, max_size=256))
    ours.load_state_dict(theirs.state_dict())
    theirs, ours = theirs.double().eval(), ours.double().eval()
    for name, values in (("mean", theirs.transform.image_mean), ("std", theirs.transform.image_std)):
        setattr(ours, name, torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1))
    return theirs, ours


@torch.no_grad()
def test_boxes_scores_and_masks_are_torchvision_s(both):
    theirs, ours = both
    x = torch.rand(2, 3, 128, 160, dtype=torch.float64)
    for expected, found in zip(theirs([*x]), ours(x), strict=True):
        assert len(found) > 10 and torch.equal(found.labels, expected["labels"])
        torch.testing.assert_close(found.boxes, expected["boxes"], rtol=0, atol=1e-4)
        torch.testing.assert_close(found.scores, expected["scores"], rtol=0, atol=1e-4)
        torch.testing.assert_close(paste_all(found, 128, 160), expected["masks"][:, 0], rtol=0, atol=1e-4)


@torch.no_grad()
def test_pictures_of_different_sizes_are_padded_as_torchvision_does(both):
    theirs, ours = both
    large, small = torch.rand(3, 128, 200, dtype=torch.float64), torch.rand(3, 128, 140, dtype=torch.float64)
    expected = theirs([large, small])
    padded = torch.stack(
        [large, nn.functional.pad(small, (0, 60), value=0.7)]
    )  # what the padding holds does not matter
    for theirs_of, found in zip(expected, ours.detect(padded, [(128, 200), (128, 140)]), strict=True):
        torch.testing.assert_close(found.boxes, theirs_of["boxes"], rtol=0, atol=1e-4)
        torch.testing.assert_close(found.scores, theirs_of["scores"], rtol=0, atol=1e-4)


def test_losses_and_gradients_are_torchvision_s(both):
    theirs, ours = both
    every = 10**6  # all anchors and regions are learnt from, so that none need be drawn
    theirs.rpn.fg_bg_sampler.batch_size_per_image = theirs.roi_heads.fg_bg_sampler.batch_size_per_image = every
    ours.rpn.rules = replace(ours.rpn.rules, sampled=every)
    ours.roi_heads.rules = replace(ours.roi_heads.rules, sampled=every)
    x = torch.rand(2, 3, 128, 160, dtype=torch.float64)
    boxes = torch.tensor([[[10.0, 20, 60, 90], [50, 30, 140, 110]], [[5, 5, 40, 30], [20, 60, 150, 120]]]).double()
    y, x_ = torch.meshgrid(torch.arange(128), torch.arange(160), indexing="ij")
    centre, half = (boxes[..., :2] + boxes[..., 2:]) / 2, (boxes[..., 2:] - boxes[..., :2]) / 2
    masks = ((x_ - centre[..., :1, None]) / half[..., :1, None]).square() + ((y - centre[..., 1:, None]) / half[..., 1:, None]).square() < 1  # fmt: skip
    labels = torch.tensor([[1, 5], [7, 90]])
    theirs.train(), ours.train()
    for network in both:
        network.backbone.body.eval()
    targets = [{"boxes": boxes[n], "labels": labels[n], "masks": masks[n].byte()} for n in range(2)]
    truths = [Instances(boxes[n], labels[n], None, masks[n]) for n in range(2)]
    expected = theirs([*x], targets)
    found = ours.losses(x, [(128, 160)] * 2, truths, [torch.Generator()] * 2)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value.item(), rel=1e-6), name
    sum(expected.values()).backward(), sum(found.values()).backward()
    gradients = dict(ours.named_parameters())
    for name, weight in theirs.named_parameters():
        scale = weight.grad.abs().max() + 1e-12
        torch.testing.assert_close(gradients[name].grad / scale, weight.grad / scale, rtol=0, atol=1e-5)
    theirs.eval(), ours.eval()


OLD = (
    ("mask_head.{n}.0.", "mask_head.mask_fcn{m}."),
    ("rpn.head.conv.0.0.", "rpn.head.conv."),
    ("inner_blocks.{n}.0.", "inner_blocks.{n}."),
    ("layer_blocks.{n}.0.", "layer_blocks.{n}."),
)
"""Names of today, and those of torchvision's first release with this network."""


def with_old_names(state):
    for new, old in OLD:
        for n in range(4):
            state = {key.replace(new.format(n=n), old.format(n=n, m=n + 1)): value for key, value in state.items()}
    return state


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["frozen", "batch"])
@pytest.mark.parametrize("old", [False, True])
def test_checkpoints_of_torchvision_run_as_they_are(tmp_path, norm, old):
    torch.manual_seed(0)
    network = randomise(MaskRCNN(replace(PAPER, norm=norm)))
    state = with_old_names(network.state_dict()) if old else network.state_dict()
    torch.save(state, tmp_path / "net.pth")
    system = ObjectDetector.from_pretrained(tmp_path / "net.pth")
    assert all(torch.equal(value, system.model.state_dict()[key]) for key, value in network.state_dict().items())
    assert system.config.norm == norm and system.config.norm_eps == 0 and system.classes[:2] == ("person", "bicycle")
    assert system.classes[-1] == "toothbrush" and system.classes[11] == "class 12" and len(set(system.classes)) == 90


def test_a_file_that_holds_no_such_network_is_told(tmp_path):
    torch.save({"weight": torch.zeros(2)}, tmp_path / "net.pth")
    with pytest.raises(UserError, match="holds no Mask R-CNN of torchvision's.*Received: weight"):
        ObjectDetector.from_pretrained(tmp_path / "net.pth")
    with torch.device("meta"):
        names = MaskRCNN(PAPER).state_dict()
    state = {key: torch.zeros(value.shape[:1]) for key, value in names.items()}
    torch.save(state, tmp_path / "net.pth")
    with pytest.raises(UserError, match="does not fit: .* should be"):
        ObjectDetector.from_pretrained(tmp_path / "net.pth")


# What it learns from ------------------------------------------------------------------------------------------------


def scene(masks, labels, crowd=()):
    labels = np.array(labels, np.int64)
    return Scene(
        np.full((64, 64, 3), 90, np.uint8), np.array(masks, bool).reshape(len(labels), 64, 64), labels,
        np.array(crowd or [False] * len(labels), bool),
    )  # fmt: skip


class Listed:
    def __init__(self, scenes):
        self.scenes = scenes

    def read(self, i):
        return self.scenes[i]

    def fingerprint(self):
        return "listed"


SQUARE = np.zeros((64, 64), bool)
SQUARE[10:40, 20:50] = True


@pytest.mark.parametrize(
    "scenes",
    [
        [scene([], [])] * 2,
        [scene([], []), scene([SQUARE], [2])],
        [scene([SQUARE], [1], [True])] * 2,
        [scene([SQUARE, SQUARE], [1, 3])] * 2,
    ],
    ids=["nothing", "nothing in one", "crowds only", "two in one place"],
)
def test_pictures_without_things_and_crowds_give_losses_and_gradients(scenes):
    torch.manual_seed(0)
    system = ObjectDetector(TINY).train()
    losses = system.loss(ObjectData(Listed(scenes), TINY.classes, 2).__getitems__([0, 1]))
    assert all(value.isfinite() for value in losses.values()) and len(losses) == 6
    torch.testing.assert_close(losses["loss"], sum(value for name, value in losses.items() if name != "loss"))
    losses["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in system.parameters())


def test_a_crowd_teaches_nothing():
    batches = [
        ObjectData(Listed(scenes), TINY.classes, 1).__getitems__([0])
        for scenes in ([scene([SQUARE], [1], [True])], [scene([], [])])
    ]
    system = randomise(ObjectDetector(replace(TINY, augment="none"))).train()
    values = []
    for batch in batches:
        system.rng = RandomStream(3)
        values.append(system.loss(batch)["loss"])
    assert torch.equal(*values)


def test_half_of_the_pictures_are_mirrored_within_their_sizes():
    images, masks = torch.rand(200, 3, 4, 6), torch.rand(200, 2, 4, 6) > 0.5
    sizes = [(4, 5)] * 200
    flipped, theirs = flip(images, masks, sizes, RandomStream(0))
    same = (flipped == images).flatten(1).all(1)
    assert 60 < same.sum() < 140 and torch.equal(flipped[..., 5:], images[..., 5:])
    assert torch.equal(flipped[~same][..., :5], images[~same][..., :5].flip(-1))
    assert torch.equal(theirs[~same][..., :5], masks[~same][..., :5].flip(-1))


def test_blocks_that_are_frozen_do_not_learn():
    system = ObjectDetector(replace(ObjectDetector.presets["lecture"], classes=("a",), frozen=3, pretrained=False))
    blocks = system.model.backbone.body.features
    assert not any(p.requires_grad for block in blocks[:3] for p in block.parameters())
    assert all(p.requires_grad == (p.ndim == 4) for p in blocks[3].parameters()), "norms within convolutions stay"
    paper = replace(PAPER, frozen=2)
    with torch.device("meta"):
        network = MaskRCNN(paper)
    fixed = {name.split(".")[2] for name, p in network.named_parameters() if not p.requires_grad}
    assert fixed == {"conv1", "layer1"}, "as torchvision, which trains three of five"


# What is measured ---------------------------------------------------------------------------------------------------


class Oracle(ObjectDetector):
    """Finds what is there, or a part of it."""

    share = 1.0

    def __init__(self, config, scenes):
        super().__init__(config)
        self.scenes = scenes
        self.model.detect = self.look

    def look(self, images, sizes):
        found = []
        for n in range(len(images)):
            labels = torch.from_numpy(self.scenes[n].labels)
            boxes = torch.tensor([[20.0, 10.0, 50.0, 40.0]] * len(labels)).reshape(-1, 4)
            masks = torch.ones(len(labels), 28, 28)
            found.append(Instances(boxes, labels, torch.full((len(labels),), 0.9), masks))
        return found


def test_what_is_right_has_an_average_precision_of_1():
    scenes = [scene([SQUARE], [2]), scene([], []), scene([SQUARE], [1])]
    oracle = Oracle(TINY, scenes)
    truth, results = find_all(oracle, ObjectData(Listed(scenes), TINY.classes, 3))
    metrics = measure(truth, results)
    assert metrics["box_ap"] == pytest.approx(1) and metrics["mask_ap50"] == pytest.approx(1)
    assert box_mask_ap(truth, results) == pytest.approx(1), "a square is its box"
    triangle = SQUARE & np.tri(64, dtype=bool)
    scenes = [scene([triangle], [2])]
    truth, results = find_all(Oracle(TINY, scenes), ObjectData(Listed(scenes), TINY.classes, 1))
    assert box_mask_ap(truth, results) < 0.6


def test_what_is_measured_is_what_the_weights_of_now_find():
    scenes = [scene([SQUARE], [2])]
    data, oracle = ObjectData(Listed(scenes), TINY.classes, 1), Oracle(TINY, scenes)
    assert oracle.evaluate(data)["mask_ap50"] == pytest.approx(1)
    looks = []
    oracle.model.detect = lambda images, sizes: looks.append(1) or [Instances(*empty_instances())]
    assert oracle.baselines(Splits(None, None, data))["box_mask_ap"] == pytest.approx(1) and not looks
    assert oracle.evaluate(data)["mask_ap50"] == 0 and looks, "after more training it looks again"


def empty_instances():
    return torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0), torch.zeros(0, 28, 28)


# Use ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (2000, 20), (20, 2000), (97, 61)])
def test_pictures_of_any_size_are_looked_at(size):
    system = randomise(ObjectDetector(TINY)).eval()
    picture = Image(np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8))
    found = system.run(picture, score=0.05)
    assert found.draw().size == size
    for thing in found.things:
        assert thing.whole_mask(*size).shape == size[::-1] and thing.name in TINY.classes


def test_a_system_that_knows_no_classes_says_so():
    with pytest.raises(UserError, match="knows no classes yet"):
        ObjectDetector(ObjectDetector.presets["tiny"]).run(Image(np.zeros((9, 9, 3), np.uint8)))


def test_the_config_refuses_what_does_not_fit():
    for changes in (
        {"anchor_sizes": (1.0, 2.0)}, {"anchor_ratios": ()}, {"max_size": 40}, {"norm": "folded"},
    ):  # fmt: skip
        with pytest.raises(UserError, match="Received: "):
            replace(TINY, **changes)


@pytest.mark.parametrize("classes", [("cross", "hat", "disc"), ("cross", "disc"), ("hat", "cross", "cap", "disc")])
def test_classes_whose_names_stay_keep_what_was_learnt_of_them_wherever_they_stand(classes):
    trained = randomise(ObjectDetector(TINY))
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.normal_()
    tuned = build_system(ObjectDetector, replace(TINY, classes=classes), 0, trained)
    fresh = build_system(ObjectDetector, replace(TINY, classes=classes), 0)
    same = torch.equal(tuned.model.roi_heads.box_head.fc7.weight, trained.model.roi_heads.box_head.fc7.weight)
    assert same and torch.equal(tuned.model.rpn.head.bbox_pred.weight, trained.model.rpn.head.bbox_pred.weight)
    for layer in ("box_predictor.cls_score", "box_predictor.bbox_pred", "mask_predictor.mask_fcn_logits"):
        now, before, new = (each.model.roi_heads.get_submodule(layer) for each in (tuned, trained, fresh))
        for name in ("weight", "bias"):
            rows, olds, news = (
                getattr(module, name).unflatten(0, (count, -1))
                for module, count in ((now, len(classes) + 1), (before, 4), (new, len(classes) + 1))
            )
            assert torch.equal(rows[0], olds[0]), "the background"
            for place, label in enumerate(classes, 1):
                known = label in TINY.classes
                expected = olds[TINY.classes.index(label) + 1] if known else news[place]
                assert torch.equal(rows[place], expected), (layer, label)


def test_from_weights_with_another_width_the_last_layers_begin_anew():
    trained, config = ObjectDetector(TINY), replace(TINY, box_features=32)
    tuned, fresh = build_system(ObjectDetector, config, 0, trained), build_system(ObjectDetector, config, 0)
    heads = [each.model.roi_heads for each in (tuned, fresh, trained)]
    assert torch.equal(heads[0].box_predictor.cls_score.weight, heads[1].box_predictor.cls_score.weight)
    assert torch.equal(heads[0].mask_predictor.mask_fcn_logits.weight, heads[2].mask_predictor.mask_fcn_logits.weight)


def own_data(folder, count=24):
    """COCO's JSON of squares on plain ground."""
    images, annotations = [], []
    rng = np.random.default_rng(0)
    for n in range(count):
        pixels = np.full((48, 48, 3), 60, np.uint8)
        x, y = rng.integers(2, 26, 2)
        pixels[y : y + 18, x : x + 18] = 220
        Image(pixels).save(folder / "images" / f"{n}.png")
        images.append({"id": n, "file_name": f"{n}.png", "width": 48, "height": 48})
        polygon = [int(v) for v in (x, y, x + 18, y, x + 18, y + 18, x, y + 18)]
        annotations.append({"id": n, "image_id": n, "category_id": 1, "segmentation": [polygon], "iscrowd": 0})
    content = {"images": images, "categories": [{"id": 1, "name": "square"}], "annotations": annotations}
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


@pytest.mark.slow
def test_it_trains_on_a_user_s_pictures_goes_on_from_weights_and_its_results_can_be_trained_on(tmp_path):
    folder, run = own_data(tmp_path / "own"), tmp_path / "run"
    train = f"train maskrcnn --preset tiny --data {folder} --device cpu"
    assert execute(f"{train} --steps 120 --out {run}".split()) == 0
    system = ObjectDetector.from_pretrained(run)
    assert system.classes == ("square",) and system.config.dataset == OWN_DATA
    assert execute(f"eval maskrcnn --weights {run} --data {folder} --json".split()) == 0
    pictures = sorted((folder / "images").glob("*.png"))
    images = [Image.open(path) for path in pictures]
    table = system.count(images, score=0.3)
    assert table.columns == ("picture", "square") and sum(row[1] for row in table.rows) > 12
    system.batch(images, score=0.3).save(folder / "images" / "results.json")
    results = json.loads((folder / "images" / "results.json").read_text())
    assert [image["id"] for image in results["images"]] == [int(path.stem) for path in pictures], "COCO's ids"
    again = ObjectDetector.data(ObjectDetector.presets["tiny"], str(folder / "images" / "results.json"))
    assert again.classes == ("square",) and len(again.unsplit) == 24
    # other classes on top of these weights
    config = ObjectDetector.fit_config(
        ObjectDetector.fine_tune_config(system.config), ObjectDetector.data(TINY, "drawn-objects")
    )
    tuned = build_system(ObjectDetector, config, 0, system)
    first, fresh = (each.model.roi_heads.box_head.fc6.weight for each in (system, tuned))
    assert torch.equal(first, fresh)
    assert tuned.model.roi_heads.box_predictor.cls_score.weight.shape[0] == 4
    with pytest.raises(UserError, match="The network knows square, not the data's classes"):
        ObjectDetector.data(system.config, "drawn-objects")
