"""A user's folder: the layouts of the field, stable splits, and errors that name the file."""

import itertools
import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from potmeter.data import folder_data
from potmeter.data.file_split import separate_cuts
from potmeter.data.folder import image_folder
from potmeter.data.held_out import select_held_out, write_training_files
from potmeter.data.splits import take_evenly
from potmeter.errors import UserError
from potmeter.notices import drop_notes, pending, tell_notes

from .conftest import write_pictures


def names(part):
    return set(part.names)


@pytest.fixture(autouse=True)
def nothing_noted():
    drop_notes()


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
    tell_notes()
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


def test_samples_spread_evenly_have_every_class(flat):
    assert set(take_evenly(image_folder(flat, 8).train, 4).labels.tolist()) == {0, 1}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".webp", ".bmp", ".tif", ".ppm"])
@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_a_broken_picture_of_any_part_is_named_when_the_folder_is_read(tmp_path, part, suffix):
    for each in ("train", "val", "test"):
        for name in "ab":
            write_pictures(tmp_path / each / name, [f"{each}{i}{suffix}" for i in range(3)], size=(64, 64))
    path = tmp_path / part / "b" / f"{part}1{suffix}"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=f"{part}1\\{suffix}.*Received: "):
        image_folder(tmp_path, 8)


def test_looking_for_broken_pictures_ends_in_time_and_the_others_are_told_in_their_turn(flat, monkeypatch):
    monkeypatch.setattr(folder_data, "CHECK_SECONDS", -1)
    for path in [*(flat / "cat").iterdir()][5:]:
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UserError, match=r"cat\d+\.png"):
        splits = image_folder(flat, 8)
        splits.train.__getitems__(range(len(splits.train)))


def test_a_photograph_with_a_video_behind_it_is_whole(tmp_path):
    for name in "ab":
        write_pictures(tmp_path / name, [f"{i}.jpg" for i in range(3)])
        for path in (tmp_path / name).iterdir():
            path.write_bytes(path.read_bytes() + bytes(2**17))
    assert len(image_folder(tmp_path, 8).train) == 2


# Layouts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folders",
    [
        ("train", "val", "test"),
        ("Train", "Validation", "Test"),
        ("TRAIN", "VALID", "TEST"),
        ("training", "validation", "testing"),
        ("training_set", "validation_set", "test_set"),
        ("Training Set", "dev-set", "TestSet"),
        ("train", "dev", "test"),
        ("train_images", "val_images", "test_images"),
    ],
)
def test_parts_are_known_by_their_usual_names(tmp_path, folders):
    for folder, count in zip(folders, (4, 2, 3), strict=True):
        for name in ("cat", "dog"):
            write_pictures(tmp_path / folder / name, [f"{i}.png" for i in range(count)])
    splits = image_folder(tmp_path, 8)
    assert splits.classes == ("cat", "dog")
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [8, 4, 6]
    assert [line for line in pending.values() if "pictures in" in line] == [
        f"{tmp_path}: 18 pictures in 2 classes (cat, dog): 8 to train ({folders[0]}/), 4 to validate "
        f"({folders[1]}/), 6 to test ({folders[2]}/)."
    ]


@pytest.mark.parametrize("folders", [("Train", "Test"), ("training", "validation"), ("training_set", "test_set")])
def test_two_parts_are_enough(tmp_path, folders):
    for folder in folders:
        for name in ("cat", "dog"):
            write_pictures(tmp_path / folder / name, [f"{i}.png" for i in range(20)])
    splits = image_folder(tmp_path, 8)
    assert splits.classes == ("cat", "dog") and splits.valid is not None
    assert sum(len(part) for part in (splits.train, splits.valid, splits.test) if part is not None) == 80


def test_an_unlabelled_folder_may_have_parts_too(tmp_path):
    for part, count in (("Train", 10), ("Test", 4)):
        write_pictures(tmp_path / part, [f"{i}.png" for i in range(count)])
    splits = image_folder(tmp_path, 8, labels=False)
    assert len(splits.test) == 4 and len(splits.train) + len(splits.valid) == 10


def test_what_may_be_parts_or_classes_is_refused(tmp_path):
    for folder in ("seg_train/cat", "seg_train/dog", "seg_test/cat", "seg_test/dog"):
        write_pictures(tmp_path / "unknown" / folder, ["0.png", "1.png"])
    for folder in ("train/cat", "train/dog", "test/cat", "extra/cat"):
        write_pictures(tmp_path / "both" / folder, ["0.png", "1.png"])
    for folder in ("train/cat", "train/dog", "training/cat"):
        write_pictures(tmp_path / "twice" / folder, ["0.png", "1.png"])
    for folder in ("photos/cat", "photos/dog"):
        write_pictures(tmp_path / "wrapped" / folder, ["0.png", "1.png"])
    for name, told in {
        "unknown": "seg_test holds only folders: are these the classes.*Received: cat, dog",
        "both": r"has parts \(test, train\) and other folders of pictures beside them. Received: extra",
        "twice": "several folders for the same part. Received: train, training",
        "wrapped": "photos holds only folders.*Received: cat, dog",
    }.items():
        with pytest.raises(UserError, match=told):
            image_folder(tmp_path / name, 8)


def test_folders_beside_parts_without_pictures_do_not_matter(tmp_path):
    for folder in ("train/cat", "train/dog", "test/cat", "test/dog"):
        write_pictures(tmp_path / folder, [f"{i}.png" for i in range(10)])
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "labels.csv").write_text("a,b")
    assert image_folder(tmp_path, 8).classes == ("cat", "dog")


def test_a_folder_for_each_picture_is_a_class_of_pictures(tmp_path):
    for name in ("cat", "dog"):
        for i in range(40):
            write_pictures(tmp_path / "items" / name / f"{i:02}", ["img.jpg"])
    splits = image_folder(tmp_path / "items", 8)
    assert splits.classes == ("cat", "dog") and 50 <= len(splits.train) <= 74
    assert len(splits.train) + len(splits.valid) + len(splits.test) == 80


def test_what_is_hidden_the_systems_or_a_training_run_is_no_class(flat):
    write_pictures(flat / "__MACOSX" / "cat", ["._cat0.png"])
    write_pictures(flat / ".ipynb_checkpoints", ["a.png"])
    write_pictures(flat / "cat" / "@eaDir", ["thumb.png"])
    (flat / "cat" / "Thumbs.db").write_bytes(b"x")
    write_pictures(flat / "runs" / "classifier", ["samples.png"])
    (flat / "runs" / "classifier" / "metrics.jsonl").write_text("{}")
    splits = image_folder(flat, 8)
    assert splits.classes == ("cat", "dog")
    assert len(splits.train) + len(splits.valid) + len(splits.test) == 80


def test_names_are_the_same_in_both_normal_forms(tmp_path):
    for folder, form in (("train", "NFC"), ("test", "NFD")):
        for name in ("café", "thé"):
            write_pictures(tmp_path / folder / unicodedata.normalize(form, name), [f"{i}.png" for i in range(9)])
    splits = image_folder(tmp_path, 8)
    assert splits.classes == ("café", "thé") and len(splits.test) == 18
    write_pictures(tmp_path / "train" / unicodedata.normalize("NFD", "café"), ["x.png"])
    with pytest.raises(UserError, match="two folders of one name"):
        image_folder(tmp_path, 8)


def test_links_are_followed_and_loops_end(tmp_path, flat):
    (tmp_path / "linked").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "linked" / name).symlink_to(flat / name)
    (flat / "cat" / "again").symlink_to(flat / "cat")
    splits = image_folder(tmp_path / "linked", 8)
    assert len(splits.train) + len(splits.valid) + len(splits.test) == 80


def test_a_link_to_nowhere_is_named(flat):
    (flat / "cat" / "gone.png").symlink_to(flat / "nowhere.png")
    with pytest.raises(UserError, match=r"gone\.png cannot be read"):
        image_folder(flat, 8)


# Copies -------------------------------------------------------------------------------------------------------------


def test_copies_are_never_on_both_sides(flat):
    for name in ("cat", "dog"):
        for path in sorted((flat / name).iterdir())[::2]:
            shutil.copy(path, path.with_name(f"{path.stem} (copy).png"))
            shutil.copy(path, path.with_name(f"zz-{path.stem}-renamed.png"))
            edited = np.array(PIL.Image.open(path)) + 1
            PIL.Image.fromarray(edited).save(path.with_name(f"{path.stem} - Copy (2).png"))
    splits = image_folder(flat, 8)
    parts = [splits.train, splits.valid, splits.test]
    assert all(len(part) > 0 for part in parts) and sum(map(len, parts)) == 200
    original = lambda name: Path(name).stem.split(" ")[0].removeprefix("zz-").removesuffix("-renamed")
    for one, other in itertools.combinations(parts, 2):
        assert not set(one.digests) & set(other.digests)
        assert not set(map(original, one.names)) & set(map(original, other.names))


def test_numbered_pictures_are_no_copies(tmp_path):
    for name in ("cat", "dog"):
        write_pictures(tmp_path / name, [f"{name} ({i}).png" for i in range(1, 41)])
    assert 50 <= len(image_folder(tmp_path, 8).train) <= 74


def test_a_picture_in_two_classes_is_in_one_part_of_both(flat):
    for path in sorted((flat / "cat").iterdir()):
        shutil.copy(path, flat / "dog" / f"also-{path.name}")
    splits = image_folder(flat, 8)
    parts = [splits.train, splits.valid, splits.test]
    assert all(not set(one.digests) & set(other.digests) for one, other in itertools.combinations(parts, 2))


def test_classes_of_equal_pictures_are_divided_all_the_same_and_it_is_told(tmp_path):
    for name, value in (("cat", 9), ("dog", 90)):
        (tmp_path / name).mkdir()
        for i in range(40):
            PIL.Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(tmp_path / name / f"{i}.png")
    assert len(image_folder(tmp_path, 8).test) > 0
    assert "nearly all 40 files of cat are copies of each other" in " ".join(pending.values())


def test_pictures_of_the_users_test_part_that_are_trained_on_are_told(tmp_path):
    for part in ("train", "test"):
        for name in ("cat", "dog"):
            write_pictures(tmp_path / part / name, [f"{part}{i}.png" for i in range(10)])
    shutil.copy(tmp_path / "train" / "cat" / "train3.png", tmp_path / "test" / "cat" / "new.png")
    image_folder(tmp_path, 8)
    assert "1 of 21 test pictures are among those to train, such as test/cat/new.png" in " ".join(pending.values())


# A folder to measure on ---------------------------------------------------------------------------------------------


def test_a_separate_folder_is_measured_whole_and_that_of_the_training_without_what_was_seen(flat, tmp_path):
    trained = image_folder(flat, 8)
    run = tmp_path / "run"
    run.mkdir()
    write_training_files(run, trained)
    same = select_held_out(image_folder(flat, 8), run, "own data")
    assert sorted(same.test.names) == sorted(trained.test.names) and len(same.train) == len(trained.train)
    write_pictures(flat / "cat", ["new1.png", "new2.png"])
    more = select_held_out(image_folder(flat, 8), run / "step-00000001", "own data")
    assert set(more.test.names) == {*trained.test.names, "new1.png", "new2.png"}
    for name in ("cat", "dog"):
        write_pictures(tmp_path / "two" / name, [f"{i}.png" for i in range(2)])
    two = select_held_out(image_folder(tmp_path / "two", 8), run, "own data")
    assert len(two.test) == 4 and two.train is None
    shutil.copytree(tmp_path / "two", tmp_path / "copied")
    write_training_files(tmp_path / "two", image_folder(tmp_path / "two", 8))
    with pytest.raises(UserError, match="have seen all files of this folder"):
        select_held_out(image_folder(tmp_path / "copied", 8), tmp_path / "two", "own data")


def test_weights_of_other_data_are_measured_on_all_and_those_that_do_not_say_on_what_is_held_out(flat):
    splits = image_folder(flat, 8)
    assert len(select_held_out(splits, None, "photos4").test) == 80
    assert select_held_out(splits, None, "own data") is splits
    assert "do not say which files they were trained on" in " ".join(pending.values())


def test_a_networks_classes_keep_their_labels_in_a_folder_that_lacks_some(tmp_path):
    for name in ("dog", "ant"):
        write_pictures(tmp_path / name, [f"{i}.png" for i in range(3)])
    everything = image_folder(tmp_path, 8, classes=("ant", "bee", "dog")).unsplit
    assert set(everything.labels.tolist()) == {0, 2}
    with pytest.raises(UserError, match="The network knows ant, bee.*Received: dog"):
        image_folder(tmp_path, 8, classes=("ant", "bee"))


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
    edges = [0, *separate_cuts(list(cuts), n), n]
    assert all(a < b for a, b in zip(edges, edges[1:], strict=False))
