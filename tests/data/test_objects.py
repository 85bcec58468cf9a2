"""A user's own pictures with things in them: what is no mistake does not stop a training, and what is one is told."""

import base64
import io
import json

import numpy as np
import PIL.Image
import pytest
import torch

from potmeter.data.formats.coco import rasterise
from potmeter.data.formats.labelme import read_labelme
from potmeter.data.object_files import draw_mask, object_files, scale_to
from potmeter.data.sets.cutout_names import CLASSES, cutout_groups
from potmeter.data.sets.drawn_objects import drawn_objects
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.notices import drop_notes, pending

SQUARE = [[4, 4, 20, 4, 20, 20, 4, 20]]


def picture(path, seed, size=(40, 32)):
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image(pixels).save(path)


def coco(folder, annotations, count=6, extra=()):
    """A folder of pictures with COCO's JSON; ids with gaps."""
    folder.mkdir(parents=True, exist_ok=True)
    images = []
    for n in range(count):
        picture(folder / "images" / f"{n}.png", n)
        images.append({"id": 10 * n + 3, "file_name": f"{n}.png", "width": 40, "height": 32})
    content = {
        "images": [*images, *extra],
        "categories": [{"id": 90, "name": "dog"}, {"id": 7, "name": "cat"}],
        "annotations": [{"id": n, "iscrowd": 0, **each} for n, each in enumerate(annotations)],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


def thing(image=3, category=90, segmentation=SQUARE, **more):
    return {"image_id": image, "category_id": category, "segmentation": segmentation, **more}


def whole(splits):
    return splits.unsplit.__getitems__(list(range(len(splits.unsplit))))


def test_all_that_breaks_other_trainers_is_read_counted_and_said(tmp_path):
    drop_notes()
    mask = np.zeros((32, 40), int)
    mask[10:20, 5:15] = 1
    runs = {"size": [32, 40], "counts": [5 * 32 + 10, *[10, 22] * 9, 10, 25 * 32 + 12]}
    annotations = [
        thing(),
        thing(13, 7, runs),
        thing(13, 7, SQUARE, iscrowd=1),
        thing(23, 90, []),
        thing(23, 90, [[1, 1, 5, 5]]),
        thing(23, 90, SQUARE, bbox=[4, 4, 0, 16]),
        thing(33, 7, [[-50, -50, 60, -50, 60, 90, -50, 90]]),
    ]
    gone = [{"id": 900 + n, "file_name": f"gone-{n}.png", "width": 4, "height": 4} for n in range(5)]
    splits = object_files(coco(tmp_path, annotations, extra=gone), 32, 64)
    said = " ".join(pending.values())
    assert "1 things whose box has no area" in said and "2 things without an outline" in said
    assert "5 listed images are not there, such as gone-0.png, gone-1.png, gone-2.png." in said
    assert "6 pictures with 4 things of 2 classes (cat, dog)" in said
    assert splits.classes == ("cat", "dog") and len(splits.unsplit) == 6
    order = [row.image.name for row in splits.unsplit.source.rows]
    batch = whole(splits)
    place = order.index("1.png")
    assert batch["labels"][order.index("0.png")].tolist() == [2, 0] and batch["labels"][place].tolist() == [1, 1]
    assert batch["crowd"][place].tolist() == [False, True]
    assert torch.equal(batch["masks"][place, 0], torch.from_numpy(mask).bool()), "run lengths, down the columns"
    assert not batch["masks"][order.index("2.png")].any() and batch["labels"][order.index("2.png")].sum() == 0
    assert batch["masks"][order.index("3.png"), 0].all(), "coordinates outside are cut off"
    assert batch["masks"][order.index("0.png"), 0].sum() == 256


def test_pictures_of_different_sizes_are_scaled_and_padded_together(tmp_path):
    folder = coco(tmp_path, [thing()])
    splits = object_files(folder, 64, 200)
    batch = splits.unsplit.__getitems__([0, 1])
    assert batch["image"].shape == (2, 3, 64, 80) and batch["size"].tolist() == [[64, 80]] * 2
    order = [row.image.name for row in splits.unsplit.source.rows]
    (large,) = splits.unsplit.select([order.index("0.png")]).__getitems__([0])["masks"]
    assert large.sum() == 32 * 32, "a mask is scaled along"
    picture(folder / "images" / "0.png", 0, (20, 32))
    with pytest.raises(
        UserError, match=r"0\.png must be as large as instances\.json says, 40 × 32 pixels.*Received: 20 × 32"
    ):
        object_files(folder, 64, 200)


@pytest.mark.parametrize("shape, scaled", [((1, 1), (32, 32)), ((20, 20_000), (1, 64)), ((32, 40), (32, 40))])
def test_any_shape_is_scaled_to_one_that_fits(shape, scaled):
    assert scale_to(shape, 32, 64) == scaled


def test_coco_s_own_folders_and_splits_are_found(tmp_path):
    for year, split, count in ((2017, "train", 10), (2017, "val", 4)):
        part = coco(tmp_path / "part", [thing()], count)
        images = tmp_path / f"{split}{year}"
        (part / "images").rename(images)
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (part / "instances.json").rename(tmp_path / "annotations" / f"instances_{split}{year}.json")
    splits = object_files(tmp_path, 32, 64)
    assert len(splits.train) == 10 and len(splits.valid) == 4 and splits.test is None and splits.unsplit is None


def test_a_network_s_classes_are_kept_and_others_are_told(tmp_path):
    folder = coco(tmp_path, [thing()])
    splits = object_files(folder, 32, 64, classes=("horse", "dog", "cat"))
    assert splits.classes == ("horse", "dog", "cat")
    assert {label for row in splits.unsplit.source.rows for label in [t.label for t in row.things]} == {2}
    with pytest.raises(UserError, match="The network knows cat.*Received: dog"):
        object_files(folder, 32, 64, classes=("cat",))


def labelme(folder, count=6):
    """A folder of labelme's files beside their pictures."""
    folder.mkdir(exist_ok=True)
    png = io.BytesIO()
    PIL.Image.fromarray(np.full((3, 4), 255, np.uint8)).save(png, "PNG")
    shapes = [
        {"label": "dog", "points": [[4, 4], [20, 4], [20, 20], [4, 20]], "shape_type": "polygon"},
        {"label": "cat", "points": [[1, 2], [5, 8]], "shape_type": "rectangle"},
        {"label": "cat", "points": [[20, 16], [26, 16]], "shape_type": "circle"},
        {
            "label": "cow",
            "points": [[30, 1], [34, 4]],
            "shape_type": "mask",
            "mask": base64.b64encode(png.getvalue()).decode(),
        },
        {"label": "dog", "points": [[1, 1], [9, 9]], "shape_type": "line"},
        {"label": "cow", "points": [[1, 20], [5, 20], [5, 24]], "group_id": 4},
        {"label": "cow", "points": [[1, 26], [5, 26], [5, 30]], "group_id": 4},
    ]
    for n in range(count):
        picture(folder / f"{n}.png", n)
        content = {
            "shapes": shapes if n else [],
            "imagePath": f"..\\{folder.name}\\{n}.png",
            "imageHeight": 32,
            "imageWidth": 40,
        }
        (folder / f"{n}.json").write_text(json.dumps(content))
    return folder


def test_labelme_s_shapes_are_things(tmp_path):
    drop_notes()
    folder = labelme(tmp_path / "mine")
    picture(folder / "unlabelled.png", 99)
    splits = object_files(folder, 32, 64)
    assert splits.classes == ("cat", "cow", "dog") and len(splits.unsplit) == 6
    said = " ".join(pending.values())
    assert "5 shapes without area" in said and "1 pictures without a file of labelme's" in said
    batch = whole(splits)
    order = [row.image.name for row in splits.unsplit.source.rows]
    one = order.index("1.png")
    assert batch["labels"][order.index("0.png")].sum() == 0, "nothing was drawn on it"
    assert batch["labels"][one].tolist() == [3, 1, 1, 2, 2], "shapes of a group are one thing"
    areas = batch["masks"][one].flatten(1).sum(1)
    assert areas[:2].tolist() == [256, 24] and areas[2].item() == pytest.approx(36 * np.pi, rel=0.06) and areas[3] == 12
    assert batch["masks"][one, 4, 20:24].any() and batch["masks"][one, 4, 26:30].any()


def test_a_mask_of_labelme_s_is_kept_as_run_lengths_and_parts_of_it_are_joined(tmp_path):
    png = io.BytesIO()
    PIL.Image.fromarray(np.full((3, 4), 255, np.uint8)).save(png, "PNG")
    part = {"label": "a", "shape_type": "mask", "mask": base64.b64encode(png.getvalue()).decode(), "group_id": 1}
    polygon = {"label": "a", "points": [[10, 10], [20, 10], [20, 20]], "group_id": 1}
    shapes = [polygon, part | {"points": [[1, 1], [5, 4]]}, part | {"points": [[3, 2], [7, 5]]}, polygon]
    size = {"imageHeight": 3000, "imageWidth": 4000}
    (tmp_path / "a.json").write_text(json.dumps({"imagePath": "a.png", "shapes": shapes} | size))
    (shape,) = read_labelme(tmp_path / "a.json").shapes
    assert len(json.dumps(shape.segmentation)) < 100, "12 million pixels"
    expected = np.zeros((3000, 4000), bool)
    expected[1:4, 1:5] = expected[2:5, 3:7] = True
    assert np.array_equal(rasterise(shape.segmentation, 3000, 4000), expected)


def test_coordinates_far_outside_are_cut_off_in_labelme_s_files_too(tmp_path):
    far = [[-1e300, -1e300], [1e300, -1e300], [1e300, 1e300], [-1e300, 1e300]]
    shapes = [{"label": "a", "points": far}, {"label": "b", "points": [[5, 5], [1e308, 5]], "shape_type": "circle"}]
    picture(tmp_path / "a.png", 0)
    (tmp_path / "a.json").write_text(json.dumps({"imagePath": "a.png", "shapes": shapes}))
    assert whole(object_files(tmp_path, 32, 64))["masks"].all()


@pytest.mark.parametrize("said", ["/home/somebody/1.png", "C:\\mine\\1.png", "x" * 5000, "\0", "/"])
def test_a_picture_that_is_not_where_labelme_s_file_says_is_sought_beside_it(tmp_path, said):
    folder = labelme(tmp_path / "mine", 3)
    content = json.loads((folder / "1.json").read_text())
    (folder / "1.json").write_text(json.dumps(content | {"imagePath": said}))
    assert len(object_files(folder, 32, 64).unsplit) == 3


def test_no_file_s_name_is_too_long_to_be_told_that_it_is_not_there(tmp_path):
    drop_notes()
    long = {"id": 900, "file_name": "x" * 5000, "width": 4, "height": 4}
    assert len(object_files(coco(tmp_path, [thing()], extra=[long]), 32, 64).unsplit) == 6
    assert "1 listed images are not there" in " ".join(pending.values())


def test_what_is_wrong_with_labelme_s_files_is_told(tmp_path):
    base = {"imagePath": "a.png", "imageHeight": 8, "imageWidth": 8}
    wrong = {
        "must have a label": {"points": [[1, 2]]},
        "must be finite": {"label": "a", "points": [[float("nan"), 1], [2, 2], [3, 1]]},
        "unknown kind": {"label": "a", "points": [[1, 1], [2, 2]], "shape_type": "spiral"},
        "no base64": {"label": "a", "points": [[1, 1], [2, 2]], "shape_type": "mask", "mask": "é"},
        "a label and points": {"label": "a", "points": [[10**400, 1], [2, 2], [3, 1]]},
    }
    for says, shape in wrong.items():
        (tmp_path / "a.json").write_text(json.dumps(base | {"shapes": [shape]}))
        with pytest.raises(UserError, match=f"a.json: shape 0 .*{says}.*Received: "):
            read_labelme(tmp_path / "a.json")
    mask = {"label": "a", "points": [[1, 1], [2, 2]], "shape_type": "mask", "mask": ""}
    (tmp_path / "a.json").write_text(json.dumps(base | {"imageHeight": 99_999, "imageWidth": 99_999, "shapes": [mask]}))
    with pytest.raises(UserError, match="shape 0 is a mask in a picture of more than.*Received: 99999 × 99999"):
        read_labelme(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"shapes": [')
    with pytest.raises(UserError, match="is not JSON"):
        read_labelme(tmp_path / "a.json")
    (tmp_path / "a.json").write_text(json.dumps(base | {"shapes": []}))
    with pytest.raises(UserError, match="1 pictures of labelme's|needs COCO's JSON"):
        object_files(tmp_path, 32, 64)
    with pytest.raises(UserError, match="no file or folder"):
        object_files(tmp_path / "missing", 32, 64)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="needs COCO's JSON, or labelme's files"):
        object_files(tmp_path / "empty", 32, 64)


def test_a_mask_is_scaled_whatever_it_is_made_of():
    square = np.zeros((32, 40), bool)
    square[4:20, 4:20] = True
    for segmentation in (SQUARE, square, SQUARE[0]):
        small = draw_mask(segmentation, (32, 40), (16, 20))
        assert small.sum() == 64 and small[2:10, 2:10].all()
    assert draw_mask(np.zeros((4, 4), bool), (4, 4), (2, 2)) is None


# What is generated ----------------------------------------------------------------------------------------------------


def test_drawn_objects_are_the_same_in_every_run_and_their_masks_do_not_overlap():
    splits = drawn_objects(64)
    first, again = splits.train.__getitems__([0, 1, 5]), drawn_objects(64).train.__getitems__([0, 1, 5])
    assert all(torch.equal(first[key], again[key]) for key in first)
    batch = splits.test.__getitems__(list(range(60)))
    assert batch["masks"].sum(1).max() == 1, "a pixel is of one thing"
    assert ((batch["labels"] > 0) == batch["masks"].flatten(2).any(2)).all()
    assert set(batch["labels"].unique().tolist()) == {0, 1, 2, 3} and (batch["labels"].sum(1) == 0).any(), (
        "some are empty"
    )


def test_no_photograph_is_in_two_classes_and_each_class_has_eight():
    groups = cutout_groups()
    every = [stamp for each in groups.values() for group in each for stamp in group]
    assert tuple(groups) == CLASSES and len(every) == len(set(every))
    assert all(len(each) >= 8 for each in groups.values())


@pytest.mark.network
def test_parts_share_no_photograph_and_no_place_and_scenes_have_things_that_can_be_seen():
    from potmeter.data.sets.cutouts import PARTS, compose, cutouts, stamps_of

    for name in CLASSES:
        parts = [{stamp for group in stamps_of(part)[name] for stamp in group} for part in PARTS]
        assert all(parts) and len(set.union(*parts)) == sum(map(len, parts))
    scenes = [compose("test", number, 160) for number in range(40)]
    assert min(len(scene.labels) for scene in scenes) == 0 and max(len(scene.labels) for scene in scenes) >= 3
    for scene in scenes:
        assert scene.masks.sum(0).max(initial=0) <= 1 and all(mask.sum() >= 60 for mask in scene.masks)
    splits = cutouts(160)
    assert splits.classes == CLASSES and splits.dataset == "cutouts" and len(splits.test) == 500
    assert splits.train.fingerprint() != splits.valid.fingerprint()
