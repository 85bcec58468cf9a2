"""DensePose: the paper's head and losses, reading its maps, mirrors, atlases, what is measured, its tasks."""

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fixtures.people import own_data
from potmeter import notices
from potmeter.cli import execute
from potmeter.core.random import RandomStream
from potmeter.data.rasterise import rasterise
from potmeter.data.sets.bodies import project, render
from potmeter.data.sets.body_charts import MIRRORED, SEGMENTS
from potmeter.data.sets.body_looks import draw_light, draw_look
from potmeter.data.sets.body_poses import rotation
from potmeter.data.sets.mannequins import mannequin, mannequin_geodesics, mannequins
from potmeter.errors import UserError
from potmeter.media import Image, Video
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.regions import Positives
from potmeter.systems.vision.densepose import DensePose, DensePoseRCNN, draw
from potmeter.systems.vision.densepose.atlas import (
    fill_gaps,
    lift_texture,
    make_pattern,
    split_atlas,
    texels,
    wave_texture,
)
from potmeter.systems.vision.densepose.augment import flip, mirror
from potmeter.systems.vision.densepose.baselines import MeanPose
from potmeter.systems.vision.densepose.checkpoints import read_densepose_head
from potmeter.systems.vision.densepose.draw import draw_surfaces, encode_iuv
from potmeter.systems.vision.densepose.loss import POINTS, interpolate_points, surface_losses
from potmeter.systems.vision.densepose.measure import Correspondences, measure, predict_people, round_trip
from potmeter.systems.vision.densepose.model import DensePosePredictor, SurfaceMaps
from potmeter.systems.vision.densepose.paste import SurfaceImage, paste_surface, paste_surfaces
from potmeter.systems.vision.densepose.targets import SurfaceTargets, crop_targets, list_people

TINY = DensePose.presets["tiny"]
SIDE = 64


def random_maps(count, side=28, dtype=torch.float64):
    rng = torch.Generator().manual_seed(0)
    return SurfaceMaps(
        *(torch.randn(count, channels, side, side, generator=rng, dtype=dtype) for channels in (15, 25, 25, 25))
    )


# The paper's head ---------------------------------------------------------------------------------------------------

HEAD = {
    **{f"densepose_head.body_conv_fcn{n}.weight": (512, 256 if n == 1 else 512, 3, 3) for n in range(1, 9)},
    **{f"densepose_head.body_conv_fcn{n}.bias": (512,) for n in range(1, 9)},
    **{
        f"densepose_predictor.{name}_lowres.{kind}": (512, channels, 4, 4) if kind == "weight" else (channels,)
        for name, channels in (("ann_index", 15), ("index_uv", 25), ("u", 25), ("v", 25))
        for kind in ("weight", "bias")
    },
}
"""The tensors of detectron2's DensePose head: eight convolutions of 512, four transposed ones of 4×4."""


def test_the_paper_s_head_has_detectron2_s_names_and_shapes():
    with torch.device("meta"):
        network = DensePoseRCNN(DensePose.presets["paper"])
    own = {name: tuple(v.shape) for name, v in network.roi_heads.state_dict().items() if name.startswith("densepose_")}
    assert own == HEAD


def test_the_head_of_a_checkpoint_of_detectron2_s_is_loaded(tmp_path):
    rng = torch.Generator().manual_seed(0)
    state = {f"roi_heads.{name}": torch.randn(shape, generator=rng) for name, shape in HEAD.items()}
    torch.save({"model": state | {"backbone.fpn_lateral2.weight": torch.zeros(1)}}, tmp_path / "model.pth")
    with torch.device("meta"):
        system = DensePose(DensePose.presets["paper"])
    heads = system.to_empty(device="cpu").model.roi_heads
    heads.load_state_dict(read_densepose_head(tmp_path / "model.pth"), strict=False)
    assert all(torch.equal(heads.state_dict()[name], state[f"roi_heads.{name}"]) for name in HEAD)
    del state["roi_heads.densepose_predictor.u_lowres.bias"]
    torch.save(state, tmp_path / "model.pth")
    with pytest.raises(UserError, match="does not fit: tensor densepose_predictor.u_lowres.bias is missing"):
        read_densepose_head(tmp_path / "model.pth")
    torch.save({"model": torch.zeros(2), 3: torch.zeros(2)}, tmp_path / "model.pth")
    with pytest.raises(UserError, match="does not fit"):
        read_densepose_head(tmp_path / "model.pth")


def test_four_transposed_convolutions_at_once_are_the_four():
    torch.manual_seed(0)
    predictor, x = DensePosePredictor(16).double(), torch.randn(3, 16, 14, 14, dtype=torch.float64)
    layers = (predictor.ann_index_lowres, predictor.index_uv_lowres, predictor.u_lowres, predictor.v_lowres)
    for found, layer in zip(predictor(x), layers, strict=True):
        torch.testing.assert_close(found, layer(x))
        assert found.shape[-1] == 28


# Losses, by the equations ---------------------------------------------------------------------------------------------


def smooth_l1(x):
    return 0.5 * x**2 if abs(x) < 1 else abs(x) - 0.5


def test_the_losses_are_those_of_the_paper():
    maps, rng = random_maps(2), np.random.default_rng(0)
    segments = torch.from_numpy(rng.integers(0, 15, (2, 56, 56)))
    cells = rng.integers(0, 56, (40, 2))
    target = SurfaceTargets(
        segments, torch.from_numpy(rng.integers(0, 2, 40)), torch.from_numpy((cells + 0.5) / 56), torch.from_numpy(rng.integers(1, 25, 40)),
        torch.from_numpy(rng.uniform(0, 1, (40, 2))),
    )  # fmt: skip
    found = surface_losses(maps, target, (2.0, 0.3, 0.1))
    # twice the resolution by interpolation, then each cell and each marked point by itself
    large = [nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)(values).numpy() for values in maps]

    def surprise(logits, label):
        return np.log(np.exp(logits).sum()) - logits[label]

    s = np.mean(
        [surprise(large[0][n, :, y, x], segments[n, y, x]) for n in range(2) for y in range(56) for x in range(56)]
    )
    rows = [
        (int(n), y, x, int(p), uv)
        for n, (x, y), p, uv in zip(target.regions, cells, target.parts, target.uv, strict=True)
    ]
    i = np.mean([surprise(large[1][n, :, y, x], p) for n, y, x, p, _ in rows])
    u, v = (np.mean([smooth_l1(float(large[2 + k][n, p, y, x] - uv[k])) for n, y, x, p, uv in rows]) for k in range(2))
    expected = {"loss_segment": 2 * s, "loss_part": 0.3 * i, "loss_u": 0.1 * POINTS * u, "loss_v": 0.1 * POINTS * v}
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected, rel=1e-9)


def test_reading_at_points_is_interpolating_to_twice_the_resolution():
    maps = random_maps(2).parts
    cells = torch.cartesian_prod(torch.arange(56), torch.arange(56))
    target = SurfaceTargets(
        torch.empty(0), torch.ones(len(cells), dtype=torch.long), (cells.double() + 0.5) / 56, cells, cells
    )
    large = F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)[1]
    torch.testing.assert_close(interpolate_points(maps, target), large[:, cells[:, 1], cells[:, 0]].T)


def test_targets_are_the_pixels_under_the_middles_of_the_cells_of_the_person_alone():
    batch = mannequins(SIDE).train.__getitems__(range(80))
    people = list_people(batch)
    two = next(n for n, own in enumerate(people) if len(own) == 2)
    boxes = torch.cat([people[two].boxes, torch.tensor([[3.3, 5.1, 60.2, 63.9]])])
    matched = torch.tensor([0, 1, 0])
    own = {name: values[two : two + 1] for name, values in batch.items()}
    target = crop_targets(own, [people[two]], [Positives(boxes, matched, torch.ones(3))], 56, [torch.Generator()])
    for n in range(3):
        x0, y0, x1, y1 = boxes[n].tolist()
        mask = people[two].masks[matched[n]]
        for row, column in ((0, 0), (20, 30), (31, 8), (55, 55)):
            y, x = int(y0 + (row + 0.5) / 56 * (y1 - y0)), int(x0 + (column + 0.5) / 56 * (x1 - x0))
            assert target.segments[n, row, column] == own["segment"][0, y, x] * mask[y, x]
    assert 0 < len(target.parts) <= 3 * 196 and (target.parts > 0).all()
    place = (boxes[target.regions, :2] + target.points * (boxes[target.regions, 2:] - boxes[target.regions, :2])).long()
    assert torch.equal(own["part"][0, place[:, 1], place[:, 0]].long(), target.parts)
    assert torch.equal(own["uv"][0, :, place[:, 1], place[:, 0]].T, target.uv)
    assert people[two].masks[matched[target.regions], place[:, 1], place[:, 0]].all()


@pytest.mark.parametrize("people", ["nobody", "somebody", "nobody known"])
def test_pictures_with_nobody_give_losses_and_gradients(people):
    torch.manual_seed(0)
    system, batch = DensePose(TINY).train(), mannequins(SIDE).train.__getitems__([0, 1])
    if people == "nobody":
        batch |= {"masks": batch["masks"] & False, "labels": batch["labels"] * 0, "part": batch["part"] * 0}
    if people == "nobody known":
        batch |= {"part": batch["part"] * 0}
    losses = system.loss(batch)
    assert all(value.isfinite() for value in losses.values()) and len(losses) == 9
    torch.testing.assert_close(losses["loss"], sum(value for name, value in losses.items() if name != "loss"))
    losses["loss"].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in system.parameters())


# Reading ------------------------------------------------------------------------------------------------------------


def test_a_surface_is_read_in_the_pixels_of_its_box():
    maps = random_maps(1)
    top, left, part, uv = paste_surface(maps, 0, torch.tensor([10.0, 20.0, 94.0, 170.0]), 200, 120)
    large = [F.interpolate(values, (150, 84), mode="bilinear", align_corners=False)[0] for values in maps]
    expected = (large[1][1:].argmax(0) + 1) * (large[0].softmax(0)[0] < 0.5)
    assert (top, left) == (20, 10) and part.shape == (150, 84) and (part == expected).float().mean() > 0.999
    own = part > 0
    wanted = torch.stack([values.gather(0, part[None])[0] for values in large[2:]]).clamp(0, 1)
    torch.testing.assert_close(uv[:, own], wanted[:, own])
    assert (uv[:, ~own] == 0).all()


def test_of_two_that_overlap_the_likelier_is_seen():
    maps = random_maps(2, dtype=torch.float32)
    maps.segments[:, 0] = -9  # all is somebody
    boxes = torch.tensor([[0.0, 0, 20, 20], [10, 10, 30, 30]])
    found = paste_surfaces(Instances(boxes, torch.ones(2), torch.tensor([0.9, 0.6])), maps, 30, 30)
    assert (
        (found.person[:20, :20] == 1).all()
        and (found.person[20:, 10:] == 2).all()
        and (found.person[20:, :10] == 0).all()
    )
    assert torch.equal(found.person > 0, found.part > 0) and found.part.dtype == torch.uint8


def seen_from(angle):
    """Part, U and V of a mannequin at rest, seen from an angle."""
    body, size = mannequin(), 96
    vertices = (body.template @ rotation((0, 1, 0), angle).T).astype(np.float32)
    points = project(vertices, vertices, 4.0, size, 0.9, np.array([0.5, 0.5]) * size)
    number, shares, _ = rasterise(points, body.faces, size, size)
    own = number >= 0
    part, uv = np.zeros((size, size), np.uint8), np.zeros((2, size, size), np.float32)
    part[own] = body.charts.parts[number[own]]
    uv[:, own] = np.einsum("nk,nkc->cn", shares[own], body.charts.uv[number[own]])
    return torch.from_numpy(part), torch.from_numpy(uv)


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.5])
def test_a_picture_in_a_mirror_is_that_of_the_body_in_a_mirror(angle):
    part, uv = mirror(*seen_from(angle))
    expected, places = seen_from(-angle)
    either = (part > 0) | (expected > 0)
    same = either & (part == expected)
    assert same.sum() > 0.93 * either.sum()
    assert (uv - places)[:, same].abs().median() < 0.01 and (uv - places)[:, same].abs().mean() < 0.03


def test_half_of_the_pictures_are_mirrored_and_two_mirrors_are_none():
    batch = mannequins(SIDE).train.__getitems__(range(24))
    flipped = flip(batch, RandomStream(0))
    same = (flipped["image"] == batch["image"]).flatten(1).all(1)
    assert 4 < same.sum() < 20
    for name, values in batch.items():
        assert torch.equal(flipped[name][same], values[same]), name
    twice = flip(flipped, RandomStream(0))
    for name, values in batch.items():
        inside = (batch["part"] > 0)[:, None] if name == "uv" else torch.tensor(True)
        torch.testing.assert_close(twice[name] * inside, values * inside)
    table = torch.tensor(SEGMENTS)[torch.tensor(MIRRORED)[batch["part"].flip(-1).long()]]
    assert torch.equal(flipped["segment"][~same].long(), table[~same])


# Atlases --------------------------------------------------------------------------------------------------------------


def test_an_atlas_is_cut_out_of_its_own_picture():
    atlas = make_pattern("grid")
    again = split_atlas(atlas.picture())
    assert np.abs(again.charts - atlas.charts).max() < 1 / 255
    picture = atlas.picture()
    assert picture.shape == (6 * 128, 4 * 128, 3)
    assert (picture[:128, :128] == (255 * atlas.charts[0]).round()).all(), "part 1 above on the left"
    assert (picture[:128, 128:256] == (255 * atlas.charts[6]).round()).all(), "part 7 at the top of the second column"


def test_rows_of_a_chart_go_down_from_v_1_and_columns_along_u():
    row, column = texels(np.array([[0.0, 1.0], [0.999, 0.001], [0.5, 0.5], [1.0, 0.0]]), 10)
    assert row.tolist() == [0, 9, 5, 9] and column.tolist() == [0, 9, 5, 9]


def test_a_texture_returns_where_the_places_are_right():
    texture, rng = wave_texture(), np.random.default_rng(0)
    part, uv = rng.integers(1, 25, 60_000), rng.uniform(0, 1, (60_000, 2))
    lifted = lift_texture(part, uv, texture.look_up(part, uv))
    assert lifted.known.mean() > 0.9 and np.abs(lifted.charts - texture.charts)[lifted.known].max() < 1e-6
    assert np.abs(texture.interpolate(part, uv) - texture.look_up(part, uv)).mean() < 0.06
    perfect, shifted = Correspondences(part, uv, part, uv), Correspondences(part, uv, part, (uv + 0.1).clip(0, 1))
    nobody = Correspondences(part, uv, part * 0, uv * 0)
    assert round_trip(perfect) > 60 > 25 > round_trip(shifted) > round_trip(nobody)


def test_gaps_are_filled_from_nearby_only():
    lifted = lift_texture(np.array([1]), np.array([[0.5, 0.5]]), np.array([[1.0, 0.5, 0.0]]), 16)
    filled = fill_gaps(lifted, 3)
    assert lifted.known.sum() == 1 < filled.known.sum() < 40 and (filled.charts[filled.known] == (1, 0.5, 0)).all()
    assert not filled.known[1:].any()


# What is measured -----------------------------------------------------------------------------------------------------


def test_what_is_right_measures_1_and_nobody_0():
    part, uv = np.array([2, 2, 10, 24]), np.array([[0.5, 0.5], [0.1, 0.9], [0.3, 0.3], [1.0, 0.5]])
    perfect = measure([Correspondences(part, uv, part, uv)], mannequin_geodesics())
    assert perfect["gps"] == 1 and perfect["part_accuracy"] == 1
    nobody = measure([Correspondences(part, uv, 0 * part, 0 * uv)], mannequin_geodesics())
    assert nobody["gps"] == 0 and nobody["part_accuracy"] == 0
    half = measure([Correspondences(part, uv, np.array([1, 2, 10, 23]), uv)], mannequin_geodesics())
    assert half["part_accuracy"] == 0.5 and 0.5 < half["gps"] < 1, "the other half of the head is near"


def test_the_mean_pose_tells_what_is_most_frequent_in_a_box():
    data = mannequins(SIDE).train.head(30)
    readings = [*MeanPose(data).predict(data)]
    chance = [*MeanPose(mannequins(SIDE).valid.head(1)).predict(data)]
    ours, theirs = (measure(own, mannequin_geodesics())["part_accuracy"].mean() for own in (readings, chance))
    assert len(readings) == sum(len(people) for people in list_people(data.__getitems__(range(30)))) and ours > theirs
    assert all((own.predicted_part > 0).all() for own in readings)


def test_who_is_overlooked_counts_as_nobody():
    system, data = DensePose(TINY).eval(), mannequins(SIDE).test.head(8)
    system.model.detect = lambda images, sizes, score: [
        (Instances(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0)), SurfaceMaps(*(v[:0] for v in random_maps(1))))
        for _ in images
    ]
    readings = predict_people(system.model, data, torch.device("cpu"))
    assert len(readings) == sum(map(len, list_people(data.__getitems__(range(8))))) and not any(
        own.predicted_part.any() for own in readings
    )


# Use ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finds():
    """A tiny system that finds a person in a middle box, whatever the picture."""
    torch.manual_seed(0)
    system = DensePose(TINY).eval()

    def find(images, sizes, score=0.05):
        height, width = sizes[0]
        box = torch.tensor([[0.2 * width, 0.1 * height, 0.8 * width, 0.9 * height]])
        maps = random_maps(1, dtype=torch.float32)
        maps.segments[:, 0] = -9
        return [(Instances(box, torch.ones(1, dtype=torch.long), torch.tensor([0.9])), maps)] * len(images)

    system.model.detect = find
    return system


def test_people_are_drawn_and_saved_as_densepose_saves_them(finds):
    picture = Image(np.full((60, 40, 3), 128, np.uint8))
    found = finds.run(picture)
    assert found.picture.size == found.iuv.size == (40, 60)
    part = found.iuv.pixels[..., 2]
    inside = np.zeros((60, 40), bool)
    inside[6:54, 8:32] = True
    assert ((part > 0) == inside).all() and part.max() <= 24 and (found.iuv.pixels[~inside] == 0).all()
    drawn = (found.picture.pixels != 128).any(2)
    assert drawn[inside].mean() > 0.95 and not drawn[57:].any()


def test_a_texture_is_put_on_and_the_rest_stays_as_it_is(finds):
    picture = Image(np.random.default_rng(0).integers(90, 160, (60, 40, 3), np.uint8))
    dressed = finds.dress(picture, pattern="rainbow", skin=True)
    changed = (dressed.pixels != picture.pixels).any(2)
    assert changed[8:52, 10:30].mean() > 0.95 and not changed[:5].any() and not changed[:, :7].any()
    assert (finds.dress(picture, opacity=0.0).pixels == picture.pixels).all()
    part = finds.run(picture).iuv.pixels[..., 2]
    clothed = (finds.dress(picture).pixels != picture.pixels).any(2)
    assert not clothed[np.isin(part, (3, 4, 23, 24))].any() and clothed[np.isin(part, (1, 2, 7, 8))].mean() > 0.9


def test_an_atlas_can_be_put_on_again(finds):
    picture = Image(np.random.default_rng(0).integers(0, 255, (60, 40, 3), np.uint8))
    atlas = finds.atlas(picture, side=16)
    assert atlas.size == (64, 96)
    assert finds.dress(picture, texture=atlas).size == (40, 60)
    for wrong in (Image(np.zeros((90, 64, 3), np.uint8)), Image(np.zeros((6, 4, 3), np.uint8))):
        with pytest.raises(UserError, match="square charts in four columns of six.*Received: "):
            finds.dress(picture, texture=wrong)


def test_a_video_is_dressed_frame_by_frame(finds):
    video = Video(np.random.default_rng(0).integers(0, 255, (3, 60, 40, 3), np.uint8), 8, sound=b"heard")
    dressed = finds.film(video, pattern="stripes")
    assert dressed.frames.shape == video.frames.shape and dressed.fps == 8 and dressed.sound == b"heard"
    assert (dressed.frames[1] == finds.dress(Image(video.frames[1]), pattern="stripes").pixels).all()


@pytest.fixture
def told():
    """What the user is told."""
    notices.drop_notes()
    yield notices.pending
    notices.drop_notes()


def only_if_bright(system, monkeypatch):
    """Have a system see somebody in pictures that are not black only."""
    detect = system.model.detect

    def find(images, sizes, score):
        ((people, maps),) = detect(images, sizes, score)
        count = int(images.any())
        return [(people.select(slice(count)), SurfaceMaps(*(values[:count] for values in maps)))]

    monkeypatch.setattr(system.model, "detect", find)


def test_that_nobody_is_found_is_told(finds, monkeypatch, told):
    only_if_bright(finds, monkeypatch)
    black, grey = Image(np.zeros((60, 40, 3), np.uint8)), Image(np.full((60, 40, 3), 128, np.uint8))
    for use in (lambda picture: finds.run(picture).picture, finds.dress, finds.atlas):
        use(grey)
        assert not told
        assert not use(black).pixels.any()
        assert [*told] == ["Nobody is found with a probability of 0.5 or more."]
        told.clear()


def test_of_a_video_it_is_told_how_many_frames_show_nobody(finds, monkeypatch, told):
    only_if_bright(finds, monkeypatch)
    frames = np.random.default_rng(0).integers(1, 255, (5, 60, 40, 3), np.uint8)
    frames[1:3] = 0
    dressed = finds.film(Video(frames))
    assert [*told] == ["2 of 5 frames show nobody to dress and stay as they are."]
    assert [(dressed.frames[t] == frames[t]).all() for t in range(5)] == [False, True, True, False, False]


def test_that_nobody_can_be_measured_is_told(told):
    data = mannequins(SIDE).test
    empty = next(n for n in range(len(data)) if not data[n]["labels"].numel())
    measured = DensePose(TINY).eval().evaluate(data.select([empty]))
    assert measured["gps"] == 0 and "Nobody is in the pictures that are measured: every measure is 0." in told


def test_the_box_of_somebody_who_is_cut_off_by_the_edge_is_seen():
    maps, size = random_maps(1, dtype=torch.float32), 60
    maps.segments[:, 0] = 9  # no surface, the box alone
    people = Instances(torch.tensor([[0.0, 0, size, size]]), torch.ones(1), torch.tensor([0.9]))
    drawn = draw_surfaces(Image(np.zeros((size, size, 3), np.uint8)), paste_surfaces(people, maps, size, size)).pixels
    assert all((line == 255).all() for line in (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]))
    assert not drawn[30:50, 30:50].any()


def test_a_large_picture_is_drawn_some_rows_at_a_time_and_looks_as_drawn_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    part = torch.from_numpy(rng.integers(0, 25, (300, 4)).repeat(5, 1).astype(np.uint8))
    uv = torch.from_numpy(rng.uniform(0, 1, (2, 300, 20)).astype(np.float32))
    surfaces = SurfaceImage((part > 0).byte(), part, uv, torch.tensor([[2.0, 3, 15, 200]]), torch.tensor([0.9]))
    picture = Image(rng.integers(0, 255, (300, 20, 3), np.uint8))
    images = []
    for rows in (7, 1000):
        monkeypatch.setattr(draw, "ROWS", rows)
        images.append((draw_surfaces(picture, surfaces).pixels, encode_iuv(surfaces).pixels))
    assert all(map(np.array_equal, *images)) and not np.array_equal(images[0][0], picture.pixels)
    monkeypatch.undo()
    side = 3000
    whole = torch.full((side, side), 3, dtype=torch.uint8)
    surfaces = SurfaceImage(whole, whole, torch.rand(2, side, side), torch.zeros(0, 4), torch.zeros(0))
    picture = Image(np.zeros((side, side, 3), np.uint8))
    tracemalloc.start()
    draw_surfaces(picture, surfaces), encode_iuv(surfaces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * side**2, "bytes: the pictures themselves have 3 a pixel each"


@pytest.mark.parametrize("size", [(1, 1), (2000, 20), (20, 2000), (97, 61)])
def test_pictures_of_any_size_are_looked_at(size):
    torch.manual_seed(0)
    system = DensePose(TINY).eval()
    picture = Image(np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8))
    assert system.run(picture, score=0.05).picture.size == size
    assert system.dress(picture, score=0.05).size == size
    assert system.atlas(picture, score=0.05, side=8).size == (32, 48)


def test_a_body_is_lit_and_painted_where_it_is():
    rng, body = np.random.default_rng(0), mannequin()
    points = project(body.template, body.template, 3.0, 48, 0.9, np.array([24.0, 24.0]))
    from potmeter.data.sets.bodies import Person

    own = render(body, Person(points, body.template, draw_look(rng, 0.5)), draw_light(rng), 48, 48)
    assert ((own.part > 0) == own.mask).all() and own.mask.mean() > 0.05 and own.colour[own.mask].min() >= 0
    assert own.colour[own.mask].std() > 0.02 and (own.colour[~own.mask] == 0).all()


def test_the_config_refuses_what_does_not_fit():
    for changes in (
        {"anchor_sizes": (1.0, 2.0)}, {"anchor_ratios": ()}, {"max_size": 40}, {"norm": "folded"}, {"finest": 8},
    ):  # fmt: skip
        with pytest.raises(UserError, match="Received: "):
            replace(TINY, **changes)


def test_it_is_trained_on_a_folder_with_one_command(tmp_path, capsys):
    own_data(tmp_path / "people", 12)
    command = ["train", "densepose", "--preset", "tiny", "--data", str(tmp_path / "people"), "--steps", "2"]
    assert execute([*command, "--batch-size", "2", "--out", str(tmp_path / "run")]) == 0
    assert "12 pictures of people" in capsys.readouterr().err
    config = json.loads(next((tmp_path / "run").glob("step-*/config.json")).read_text())
    assert config.get("config", config)["dataset"] == "own data"
