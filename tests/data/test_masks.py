"""A user's pictures with masks: the layouts of the field, and what does not fit is told by name."""

import json

import numpy as np
import PIL.Image
import pytest
import torch

from potmeter.data.held_out import select_held_out, write_training_files
from potmeter.data.mask_data import VOID, MaskData
from potmeter.data.masks import mask_folder
from potmeter.errors import UserError
from potmeter.notices import drop_notes, pending


@pytest.fixture(autouse=True)
def nothing_noted():
    drop_notes()


def save(path, values, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.asarray(values)).save(path, **options)
    return path


def picture(seed, height=12, width=16):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def halves(value, height=12, width=16):
    """A mask whose right half has a value."""
    mask = np.zeros((height, width), np.uint8)
    mask[:, width // 2 :] = value
    return mask


@pytest.fixture
def folder(tmp_path):
    """Twenty pictures with masks of the classes 0 and 1."""
    for n in range(20):
        save(tmp_path / "set" / "images" / f"{n}.jpg", picture(n))
        save(tmp_path / "set" / "masks" / f"{n}.png", halves(1))
    return tmp_path / "set"


def everything(splits):
    parts = [splits.train, splits.valid, splits.test]
    return [part for part in parts if part is not None]


def test_pictures_and_masks_are_split_scaled_and_cut_alike(folder):
    splits = mask_folder(folder, 12)
    assert sum(map(len, everything(splits))) == 20 and splits.classes == ("background", "class 1")
    batch = splits.train.__getitems__([0, 1])
    assert batch["image"].shape == (2, 3, 12, 12) and batch["mask"].dtype == torch.int64
    assert torch.equal(batch["mask"][0], torch.from_numpy(halves(1)[:, 2:14]).long()), "the middle, as of the picture"
    assert "20 pictures with masks of 2 classes (background, class 1)" in pending["splits"]


def test_0_and_255_are_two_classes_but_beside_others_255_says_nothing(folder):
    for n in range(20):
        save(folder / "masks" / f"{n}.png", halves(255))
    assert set(mask_folder(folder, 12).train[0]["mask"].unique().tolist()) == {0, 1}
    save(folder / "masks" / "3.png", halves(2))
    splits = mask_folder(folder, 12)
    assert splits.classes == ("background", "class 1", "class 2")
    assert VOID in splits.train.__getitems__(range(len(splits.train)))["mask"].unique().tolist()


def test_names_come_from_a_file_and_a_palette_is_as_good_as_grey(folder):
    (folder / "classes.txt").write_text("background\nhair\nhat\n")
    mask = PIL.Image.fromarray(halves(2))
    mask.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    mask.save(folder / "masks" / "0.png")
    splits = mask_folder(folder, 12)
    assert splits.classes == ("background", "hair", "hat")
    assert max(part.__getitems__(range(len(part)))["mask"].max() for part in everything(splits)) == 2


def test_a_folder_of_grey_masks_for_each_class(tmp_path):
    for n in range(12):
        save(tmp_path / "images" / f"{n}.png", picture(n))
        save(tmp_path / "masks" / "hair" / f"{n}.png", halves(255))
    save(tmp_path / "masks" / "hat" / "5.png", np.full((12, 16), 200, np.uint8))
    splits = mask_folder(tmp_path, 12)
    assert splits.classes == ("background", "hair", "hat")
    found = {
        name: mask
        for part in everything(splits)
        for name, mask in zip(part.names, part.__getitems__(range(len(part)))["mask"], strict=True)
    }
    assert set(found["4.png"].unique().tolist()) == {0, 1} and found["5.png"].unique().tolist() == [2]


def test_splits_of_the_users_own_are_kept(tmp_path):
    for part, count in (("train", 10), ("val", 3)):
        for n in range(count):
            save(tmp_path / part / "images" / f"{n}.png", picture((part == "val") * 100 + n))
            save(tmp_path / part / "masks" / f"{n}_mask.png", halves(1))
    splits = mask_folder(tmp_path, 12)
    assert len(splits.train) == 10 and len(splits.valid) == 3 and splits.test is None and splits.unsplit is None


def test_large_pictures_are_cut_into_pieces_that_cover_them(tmp_path):
    for n in range(10):
        save(tmp_path / "images" / f"{n}.png", picture(n, 50, 70))
        save(tmp_path / "masks" / f"{n}.png", halves(1, 50, 70))
    splits = mask_folder(tmp_path, 32, view="crop")
    assert sum(map(len, everything(splits))) == 10 * 2 * 3
    batch = splits.test.__getitems__(range(6))
    whole = torch.from_numpy(np.array(PIL.Image.open(tmp_path / "images" / splits.test.names[0]))).permute(2, 0, 1)
    assert torch.equal((255 * batch["image"][0]).round().byte(), whole[:, :32, :32])
    assert torch.equal((255 * batch["image"][5]).round().byte(), whole[:, -32:, -32:])


def test_a_piece_of_a_picture_smaller_than_it_says_nothing_of_what_is_beyond(folder):
    mask = mask_folder(folder, 32, view="crop").train[0]["mask"]
    assert (mask[12:] == VOID).all() and (mask[:, 16:] == VOID).all() and (mask[:12, :16] != VOID).all()


def test_weights_are_measured_on_files_that_they_have_not_seen(folder, tmp_path):
    splits = mask_folder(folder, 12)
    (tmp_path / "run").mkdir()
    write_training_files(tmp_path / "run", splits)
    left = select_held_out(mask_folder(folder, 12), tmp_path / "run", "own data")
    assert set(left.test.names) == set(splits.test.names) and left.train.names == splits.train.names


def test_data_are_told_apart_by_their_contents(folder):
    before = mask_folder(folder, 12).fingerprint()
    assert mask_folder(folder, 12).fingerprint() == before
    for n in range(20):
        save(folder / "masks" / f"{n}.png", 1 - halves(1))
    assert mask_folder(folder, 12).fingerprint() != before


# COCO ---------------------------------------------------------------------------------------------------------------

SQUARE = [[2, 2, 10, 2, 10, 10, 2, 10]]


def coco(folder, *, where="annotations/instances_train.json", images=12, **changes):
    """A file of COCO's with a dog in every picture but the first."""
    for n in range(images):
        save(folder / "images" / f"{n}.png", picture(n))
    whole = {
        "images": [{"id": 3 * n, "file_name": f"{n}.png", "width": 16, "height": 12} for n in range(images)],
        "categories": [{"id": 9, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [{"image_id": 3 * n, "category_id": 9, "segmentation": SQUARE} for n in range(1, images)],
    } | changes  # fmt: skip
    path = folder / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole))
    return path


@pytest.mark.parametrize("by", ["folder", "file"])
def test_things_of_cocos_json_are_painted_and_pictures_without_any_are_no_mistake(tmp_path, by):
    path = coco(tmp_path)
    splits = mask_folder(path if by == "file" else tmp_path, 12)
    assert splits.classes == ("background", "cat", "dog") and sum(map(len, everything(splits))) == 12
    found = {
        name: mask
        for part in everything(splits)
        for name, mask in zip(part.names, part.__getitems__(range(len(part)))["mask"], strict=True)
    }
    assert (found["0.png"] == 0).all()
    assert (found["3.png"][2:10, :8] == 2).all() and (found["3.png"] == 2).sum() == 64


def test_crowds_say_nothing_and_lie_below_what_is_one_thing(tmp_path):
    crowd = {"image_id": 0, "category_id": 9, "iscrowd": 1, "segmentation": {"counts": [0, 12 * 16], "size": [12, 16]}}
    thing = {"image_id": 0, "category_id": 2, "segmentation": SQUARE}
    splits = mask_folder(coco(tmp_path, images=1, annotations=[thing, crowd]), 12)
    assert sorted(splits.train[0]["mask"].unique().tolist()) == [1, VOID]


def test_what_has_no_area_and_what_is_not_there_is_counted_and_said(tmp_path):
    path = coco(tmp_path)
    whole = json.loads(path.read_text())
    whole["annotations"] += [{"image_id": 0, "category_id": 9, "segmentation": s} for s in ([[1, 1, 5, 5]], [], [[90, 90, 99, 90, 99, 99]])]  # fmt: skip
    whole["images"] += [{"id": 1000 + n, "file_name": f"gone{n}.png", "width": 5, "height": 5} for n in range(5)]
    path.write_text(json.dumps(whole))
    assert sum(map(len, everything(mask_folder(path, 12)))) == 12
    told = "\n".join(pending.values())
    assert "3 annotations without area are left out" in told
    assert "5 listed images are not there, such as gone0.png, gone1.png, gone2.png" in told


# What does not fit --------------------------------------------------------------------------------------------------


def break_size(folder):
    save(folder / "masks" / "7.png", halves(1, 12, 15))


def break_value(folder):
    (folder / "classes.txt").write_text("background\nhair\n")
    save(folder / "masks" / "7.png", halves(3))


def break_colour(folder):
    save(folder / "masks" / "7.png", picture(0))


def break_name(folder):
    (folder / "masks" / "7.png").rename(folder / "masks" / "seven.png")


def break_file(folder):
    (folder / "masks" / "7.png").write_bytes(b"It was a truth")


def break_picture(folder):
    (folder / "images" / "7.jpg").write_bytes((folder / "images" / "7.jpg").read_bytes()[:200])


def break_values(folder):
    for path in (folder / "masks").iterdir():
        save(path, halves(0))


def break_masks(folder):
    (folder / "masks").rename(folder / "mosks")


BROKEN = {
    break_size: r"7\.png must be as large as its picture, 16 × 12 pixels\. Received: 15 × 12",
    break_value: r"7\.png has a value without a class: there are 2, numbered from 0\. Received: 3",
    break_colour: r"7\.png is no mask.*Received: colours",
    break_name: r"7\.jpg has no mask of its name",
    break_file: r"7\.png is not a picture of a known format",
    break_picture: r"7\.jpg is a broken picture",
    break_values: "have one value; telling pixels apart takes two",
    break_masks: "needs a folder images and a folder masks.*Received: images, mosks",
}


@pytest.mark.parametrize("spoil", BROKEN, ids=lambda spoil: spoil.__name__)
def test_what_does_not_fit_is_told_by_name(folder, spoil):
    spoil(folder)
    with pytest.raises(UserError, match=BROKEN[spoil]):
        mask_folder(folder, 12)


def test_a_network_takes_no_folder_with_other_classes(folder):
    (folder / "classes.txt").write_text("background\nhair\n")
    with pytest.raises(UserError, match="knows background, skin, not the data's classes. Received: background, hair"):
        mask_folder(folder, 12, classes=("background", "skin"))


def test_annotations_of_other_sizes_or_with_nan_are_told(tmp_path):
    path = coco(
        tmp_path, annotations=[{"image_id": 0, "category_id": 9, "segmentation": [[1, 1, float("nan"), 5, 3, 3]]}]
    )
    with pytest.raises(UserError, match=r"instances_train\.json: annotation 0: .* must be finite"):
        mask_folder(path, 12)
    path = coco(tmp_path)
    save(tmp_path / "images" / "4.png", picture(4, 20, 20))
    with pytest.raises(
        UserError, match=r"4\.png must be as large as the annotations say, 16 × 12 pixels\. Received: 20 × 20"
    ):
        mask_folder(path, 12)
    for n in range(12):
        (tmp_path / "images" / f"{n}.png").unlink()
    with pytest.raises(UserError, match="None of the 12 images"):
        mask_folder(path, 12)


def test_more_categories_than_a_mask_has_values_are_told(tmp_path):
    categories = [{"id": number, "name": f"class {number}"} for number in range(300)]
    with pytest.raises(UserError, match="A mask has at most 255 classes. Received: 301"):
        mask_folder(coco(tmp_path, categories=categories), 12)


def test_a_picture_outside_of_the_folder_is_not_read(tmp_path):
    entry = {"id": 0, "file_name": "../secret.png", "width": 16, "height": 12}
    with pytest.raises(UserError, match="outside of its folder"):
        mask_folder(rewrite(coco(tmp_path), entry), 12)


def rewrite(path, entry):
    whole = json.loads(path.read_text())
    path.write_text(json.dumps(whole | {"images": [entry], "annotations": []}))
    return path


def test_masks_in_memory_are_handed_out_as_indices():
    mask = torch.tensor([[[0, VOID]], [[1, 0]]], dtype=torch.uint8)
    data = MaskData(classes=("background", "hair"), image=torch.zeros(2, 3, 1, 2, dtype=torch.uint8), mask=mask)
    assert data.__getitems__([1, 0])["mask"].tolist() == [[[1, 0]], [[0, VOID]]]
    assert data.select([1])[0]["mask"].tolist() == [[1, 0]] and isinstance(data.head(1), MaskData)
