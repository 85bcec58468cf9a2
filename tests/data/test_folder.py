"""A user's folder: the layouts of the field, stable splits, and errors that name the file."""

import os

import numpy as np
import PIL.Image
import pytest
import torch

from potmeter.data import folder_data
from potmeter.data.folder import image_folder, move_cuts_apart
from potmeter.errors import UserError

from .conftest import write_pictures


def names(part):
    return set(part.names)


@pytest.fixture
def flat(tmp_path):
    """Two classes of 40 pictures."""
    for name, colour in (("cat", (255, 0, 0)), ("dog", (0, 0, 255))):
        write_pictures(tmp_path / "pets" / name, [f"{name}{i}.png" for i in range(40)], colour)
    return tmp_path / "pets"


def test_labels_follow_the_sorted_folder_names(flat):
    splits = image_folder(flat, 8)
    assert splits.classes == ("cat", "dog")
    batch = splits.train.__getitems__(range(len(splits.train)))
    assert batch["image"].shape[1:] == (3, 8, 8) and batch["image"].dtype == torch.float32
    assert torch.equal(batch["image"][:, 2].mean((1, 2)).round().long(), batch["label"])


def test_every_picture_is_in_one_part_and_each_part_has_each_class(flat):
    splits = image_folder(flat, 8)
    parts = [splits.train, splits.valid, splits.test]
    assert sum(len(part) for part in parts) == 80 == len(set.union(*map(names, parts)))
    assert all(set(part.labels.tolist()) == {0, 1} for part in parts)
    assert 50 <= len(splits.train) <= 74


def test_more_files_do_not_move_the_others(flat):
    before = image_folder(flat, 8)
    write_pictures(flat / "cat", [f"new{i}.png" for i in range(30)])
    after = image_folder(flat, 8)
    for part in ("train", "valid", "test"):
        assert names(getattr(before, part)) <= names(getattr(after, part))


def test_given_parts_are_kept(tmp_path):
    for part, count in (("train", 3), ("val", 2), ("test", 1)):
        for name in "ab":
            write_pictures(tmp_path / part / name, [f"{part}{i}.png" for i in range(count)])
    splits = image_folder(tmp_path, 8)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [6, 4, 2]
    assert names(splits.valid) == {"val0.png", "val1.png"}


def test_a_validation_part_is_held_back_from_train_where_there_is_none(tmp_path):
    for name in "ab":
        write_pictures(tmp_path / "train" / name, [f"{i}.png" for i in range(20)])
        write_pictures(tmp_path / "test" / name, ["t.png"])
    splits = image_folder(tmp_path, 8)
    assert len(splits.train) + len(splits.valid) == 40 and len(splits.valid) >= 2 and len(splits.test) == 2


def test_a_class_may_be_called_train(tmp_path):
    for name in ("train", "car"):
        write_pictures(tmp_path / name, ["0.png", "1.png", "2.png"])
    assert image_folder(tmp_path, 8).classes == ("car", "train")


def test_without_labels_any_folder_of_pictures_will_do(tmp_path):
    write_pictures(tmp_path, [f"{i}.png" for i in range(6)])
    write_pictures(tmp_path / "deeper", ["x.JPG", "y.webp", "z.bmp", "g.gif", "t.tif"])
    splits = image_folder(tmp_path, 8, channels=1, labels=False)
    assert len(splits.train) + len(splits.valid) + len(splits.test) == 11 and splits.classes == ()
    assert set(splits.train[0]) == {"image"} and splits.train[0]["image"].shape == (1, 8, 8)


def test_other_files_are_skipped_and_told(flat, capsys):
    (flat / "cat" / "notes.txt").write_text("hello")
    (flat / "cat" / ".hidden.png").write_text("not a picture")
    (flat / ".cache").mkdir()
    assert len(image_folder(flat, 8).classes) == 2
    out, err = capsys.readouterr()
    assert out == "" and "skipped 1 files that are not pictures, such as notes.txt" in err


def test_the_middle_is_cut_out(tmp_path):
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 255
    for name in "ab":
        (tmp_path / name).mkdir()
        PIL.Image.fromarray(pixels).save(tmp_path / name / "x.png")
    assert image_folder(tmp_path, 10).train[0]["image"].min() == 1


def test_pictures_may_be_wanted_in_another_shape_than_square(flat):
    batch = image_folder(flat, (6, 10)).train.__getitems__([0, 1])
    assert batch["image"].shape == (2, 3, 6, 10)
    with pytest.raises(UserError, match="at least 1 pixel"):
        image_folder(flat, (6, 0))


@pytest.mark.parametrize("cache_bytes", [0, 3 * 64 * 10, 2**30])
def test_the_memory_bound_does_not_change_what_comes(flat, monkeypatch, cache_bytes):
    monkeypatch.setattr(folder_data, "CACHE_BYTES", cache_bytes)
    train = image_folder(flat, 8).train
    first, again = (train.__getitems__([0, 30, len(train) - 1]) for _ in range(2))
    assert torch.equal(first["image"], again["image"]) and first["label"].tolist() == [0, int(train.labels[30]), 1]


def test_head_has_every_class(flat):
    assert set(image_folder(flat, 8).train.head(4).labels.tolist()) == {0, 1}


def test_a_broken_picture_is_named(flat):
    (flat / "cat" / "cat0.png").write_bytes((flat / "cat" / "cat0.png").read_bytes()[:40])
    splits = image_folder(flat, 8)
    with pytest.raises(UserError, match=r"cat0\.png"):
        for part in (splits.train, splits.valid, splits.test):
            part.__getitems__(range(len(part)))


def test_mistakes_are_told_in_a_line_that_names_the_folder(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    write_pictures(tmp_path / "loose", ["a.png"])
    write_pictures(tmp_path / "one" / "cat", ["a.png"])
    write_pictures(tmp_path / "hollow" / "cat", ["a.png"])
    (tmp_path / "hollow" / "dog").mkdir()
    for name in ("train/a", "train/b", "val/a", "val/c"):
        write_pictures(tmp_path / "extra" / name, ["x.png"])
    for name, words in {
        "missing": "There is no folder .*missing",
        "file": "file is not a folder",
        "empty": "no class folders",
        "loose": r"no class folders; pictures are expected in loose/CLASS/",
        "one": "only one class folder.*Received: cat",
        "hollow": "dog has no pictures",
        "extra": "no training picture of a class.*Received: c",
    }.items():
        with pytest.raises(UserError, match=words + (".*Received: " if "Received" not in words else "")):
            image_folder(tmp_path / name, 8)
    with pytest.raises(UserError, match="There are no pictures in"):
        image_folder(tmp_path / "empty", 8, labels=False)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_told(flat):
    (flat / "cat").chmod(0)
    with pytest.raises(UserError, match="cannot be read"):
        image_folder(flat, 8)


@pytest.mark.parametrize("cuts, n", [([9, 9], 10), ([0, 0], 3), ([3, 3], 3), ([5], 5), ([0], 2), ([8, 9], 10)])
def test_no_part_stays_empty(cuts, n):
    edges = [0, *move_cuts_apart(list(cuts), n), n]
    assert all(a < b for a, b in zip(edges, edges[1:], strict=False))
