"""Boxes, anchors, proposals, regions and masks: the equations, and what torchvision gives."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from potmeter.nn.backbones import MobileNetV2, ResNet50
from potmeter.nn.detection.anchors import pyramid_anchors
from potmeter.nn.detection.boxes import BELOW, BETWEEN, BoxCoding, bounds, clip, has_extent, match, sample
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.masks import crop_masks, paste, paste_all
from potmeter.nn.detection.proposals import ProposalNetwork
from potmeter.nn.detection.pyramid import FeaturePyramid
from potmeter.nn.detection.regions import pool_regions
from potmeter.nn.frozen_norm import FrozenBatchNorm2d, fold_norms, freeze_norms

FEW = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 2**31)


def random_boxes(count, generator, side=64.0):
    low = torch.rand(count, 2, generator=generator) * side
    return torch.cat([low, low + 1 + torch.rand(count, 2, generator=generator) * side], 1)


@FEW
@given(seeds)
def test_a_box_comes_back_from_its_code(seed):
    rng = torch.Generator().manual_seed(seed)
    boxes, references = random_boxes(7, rng), random_boxes(7, rng)
    coding = BoxCoding((10.0, 10.0, 5.0, 5.0))
    torch.testing.assert_close(coding.decode(coding.encode(boxes, references), references), boxes, rtol=1e-4, atol=1e-3)


def test_a_box_s_code_is_r_cnn_s_and_its_size_bounded():
    code = BoxCoding((1.0, 1.0, 1.0, 1.0)).encode(torch.tensor([[2.0, 2, 6, 10]]), torch.tensor([[0.0, 0, 8, 4]]))
    torch.testing.assert_close(code, torch.tensor([[0.0, 1.0, math.log(0.5), math.log(2)]]))
    far = BoxCoding((1.0, 1.0, 1.0, 1.0)).decode(torch.full((1, 4), 1e4), torch.tensor([[0.0, 0, 1, 1]]))
    assert far.isfinite().all() and far[0, 2] - far[0, 0] == pytest.approx(1000 / 16, rel=1e-4)


def test_an_anchor_belongs_to_what_it_overlaps_most_and_everything_has_one():
    true = torch.tensor([[0.0, 0, 10, 10], [30, 30, 60, 60]])
    boxes = torch.tensor([[0.0, 0, 10, 9], [0, 0, 10, 5], [90, 90, 99, 99], [30, 30, 60, 38], [31, 30, 60, 60]])
    assert match(true, boxes, 0.3, 0.7).tolist() == [0, BETWEEN, BELOW, BELOW, 1]
    lonely = match(torch.tensor([[0.0, 0, 100, 100]]), torch.tensor([[0.0, 0, 20, 20], [0, 0, 10, 10]]), 0.3, 0.7, best_too=True)  # fmt: skip
    assert lonely.tolist() == [0, BELOW], "its nearest anchor learns of it, however small the overlap"
    assert match(true[:0], boxes, 0.3, 0.7).tolist() == [BELOW] * 5, "a picture without things"


@FEW
@given(seeds, st.integers(0, 40), st.integers(0, 40))
def test_a_sample_has_at_most_its_share_of_positives_and_is_the_same_for_a_seed(seed, positives, negatives):
    matched = torch.tensor([*[3] * positives, *[BELOW] * negatives, *[BETWEEN] * 5])
    chosen, rest = sample(matched, 16, 0.25, torch.Generator().manual_seed(seed))
    assert len(chosen) == min(4, positives) and len(rest) == min(negatives, 16 - len(chosen))
    assert (matched[chosen] == 3).all() and (matched[rest] == BELOW).all()
    assert len({*chosen.tolist(), *rest.tolist()}) == len(chosen) + len(rest)
    again, _ = sample(matched, 16, 0.25, torch.Generator().manual_seed(seed))
    assert torch.equal(chosen, again)


def test_boxes_are_cut_off_and_masks_have_bounds():
    assert clip(torch.tensor([[-3.0, 2, 70, 90]]), 40, 50).tolist() == [[0, 2, 50, 40]]
    assert has_extent(torch.tensor([[0.0, 0, 5, 0.5], [0, 0, 5, 5]]), 1).tolist() == [False, True]
    masks = torch.zeros(2, 6, 8, dtype=torch.bool)
    masks[0, 2:5, 1:7] = True
    assert bounds(masks).tolist() == [[1, 2, 7, 5], [0, 0, 0, 0]]
    assert bounds(masks[:0]).shape == (0, 4)


def test_a_thing_is_called_by_its_likeliest_name_only():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 6, 10, 16]])
    found = Instances(boxes, torch.tensor([1, 2, 2]), torch.tensor([0.7, 0.9, 0.6])).drop_overlapping()
    assert found.labels.tolist() == [2, 2] and found.scores.tolist() == pytest.approx([0.9, 0.6])


def test_what_is_likely_enough_is_kept():
    found = Instances(torch.arange(12.0).view(3, 4), torch.tensor([1, 2, 1]), torch.tensor([0.9, 0.5, 0.4]))
    assert found.at_least(0.5).labels.tolist() == [1, 2] and len(found.at_least(0.95)) == 0


def test_anchors_are_torchvision_s():
    maps = [torch.rand(1, 4, 24, 40), torch.rand(1, 4, 12, 20), torch.rand(1, 4, 5, 9)]
    theirs = AnchorGenerator(((32,), (64,), (128,)), ((0.5, 1.0, 2.0),) * 3)
    (expected,) = theirs(ImageList(torch.rand(1, 3, 96, 160), [(96, 160)]), maps)
    assert torch.equal(torch.cat(pyramid_anchors((32, 64, 128), (0.5, 1.0, 2.0), maps, 96, 160)), expected)


def test_the_pyramid_is_torchvision_s():
    theirs = FeaturePyramidNetwork([8, 16, 32], 12, LastLevelMaxPool())
    ours = FeaturePyramid((8, 16, 32), 12)
    ours.load_state_dict(theirs.state_dict())
    maps = [torch.rand(2, 8, 20, 28), torch.rand(2, 16, 10, 14), torch.rand(2, 32, 5, 7)]
    expected = theirs({str(n): x for n, x in enumerate(maps)})
    for level, x in zip(ours(maps), expected.values(), strict=True):
        torch.testing.assert_close(level, x)


def test_regions_are_pooled_from_the_level_that_torchvision_takes():
    rng = torch.Generator().manual_seed(0)
    maps = [torch.rand(2, 4, 512 // stride, 512 // stride) for stride in (4, 8, 16, 32)]
    boxes = [random_boxes(20, rng, 400.0).clamp(max=512), torch.zeros(0, 4)]
    theirs = MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)
    expected = theirs({str(n): x for n, x in enumerate(maps)}, boxes, [(512, 512)] * 2)
    torch.testing.assert_close(pool_regions(maps, boxes, 7, (512, 512)), expected)


@FEW
@given(seeds)
def test_masks_are_pasted_as_torchvision_does_without_memory_for_the_rest(seed):
    rng = torch.Generator().manual_seed(seed)
    boxes = clip(random_boxes(5, rng, 60.0), 50, 70)
    boxes = boxes[has_extent(boxes, 0.01)]
    masks = torch.rand(len(boxes), 28, 28, generator=rng)
    expected = paste_masks_in_image(masks[:, None], boxes, (50, 70))[:, 0] if len(boxes) else torch.zeros(0, 50, 70)
    found = Instances(boxes, torch.ones(len(boxes), dtype=torch.long), None, masks)
    torch.testing.assert_close(paste_all(found, 50, 70), expected, rtol=1e-4, atol=1e-5)
    for mask, box in zip(masks, boxes, strict=True):
        _, _, pixels = paste(mask, box, 50, 70)
        assert pixels.shape[0] <= 1.2 * (box[3] - box[1]) + 3 and pixels.shape[1] <= 1.2 * (box[2] - box[0]) + 3


def test_a_mask_s_crop_is_the_mask_within_the_box():
    masks = torch.zeros(2, 20, 20, dtype=torch.bool)
    masks[1, 4:12, 4:12] = True
    crop = crop_masks(masks, torch.tensor([[1.0, 0, 0, 16, 16]]), 16)
    assert crop.shape == (1, 16, 16) and crop[0, 6:10, 6:10].min() == 1 and crop[0, :3].max() == 0
    assert crop_masks(masks, torch.tensor([[0.0, 0, 0, 16, 16]]), 16).max() == 0


def test_proposals_lie_in_the_picture_and_differ():
    torch.manual_seed(0)
    network = ProposalNetwork(8, (16, 32), (1.0,)).eval()
    maps = [torch.randn(2, 8, 16, 16), torch.randn(2, 8, 8, 8)]
    proposals, logits, offsets, anchors = network(maps, (64, 64), [(64, 64), (40, 50)])
    assert [len(each) for each in anchors] == [256, 64] and logits[0].shape == (2, 256)
    assert offsets[1].shape == (2, 64, 4)
    for boxes, (height, width) in zip(proposals, [(64, 64), (40, 50)], strict=True):
        assert 0 < len(boxes) <= 1000 and (boxes >= 0).all()
        assert (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()


# Normalisations that do not change ------------------------------------------------------------------------------------


def warm(network):
    """Statistics of a normalisation that are not 0 and 1."""
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-1, 1)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 2)
                module.bias.uniform_(-1, 1)
    return network.eval()


def test_frozen_and_folded_norms_give_what_the_network_gave():
    network = warm(MobileNetV2(None, width=0.35))
    x = torch.rand(2, 3, 64, 64)
    expected = {stride: maps.detach() for stride, maps in network.feature_maps(x).items()}
    other = MobileNetV2(None, width=0.35)
    other.load_state_dict(network.state_dict())
    for changed in (freeze_norms(other).train(), fold_norms(network)):
        for stride, maps in changed.feature_maps(x).items():
            torch.testing.assert_close(maps, expected[stride], rtol=1e-3, atol=1e-3)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in [*network.modules(), *other.modules()])


def test_a_frozen_norm_is_no_parameter_and_takes_its_epsilon():
    norm = freeze_norms(nn.Sequential(warm(nn.Sequential(nn.BatchNorm2d(3)))), 0.0)[0][0]
    assert isinstance(norm, FrozenBatchNorm2d) and norm.eps == 0 and not [*norm.parameters()]
    assert set(norm.state_dict()) == {"weight", "bias", "running_mean", "running_var"}


def test_resnet_50_is_torchvision_s():
    import torchvision

    theirs = warm(torchvision.models.resnet50(weights=None))
    with torch.device("meta"):
        assert sum(p.numel() for p in ResNet50(1000).parameters()) == 25_557_032
    ours = ResNet50(1000, (0.0,) * 3, (1.0,) * 3).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        expected = theirs(x)
        torch.testing.assert_close(
            ours(x) / expected.abs().max(), expected / expected.abs().max(), rtol=1e-4, atol=1e-5
        )
        assert {stride: maps.shape[1:] for stride, maps in ours.feature_maps(x).items()} == {
            4: (256, 16, 24), 8: (512, 8, 12), 16: (1024, 4, 6), 32: (2048, 2, 3),
        }  # fmt: skip
