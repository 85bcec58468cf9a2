"""Faces are what was asked for, the same every time, and no test face is trained on; CelebA's layout is read as it is."""

import numpy as np
import pytest
import torch

from potmeter.data.pictures import load_pictures
from potmeter.data.sets import faces as module
from potmeter.data.sets.celeba import celeba
from potmeter.data.sets.faces import ATTRIBUTES, BEARDS, CLASSES, FEMININE, MASCULINE, SMILES, face, faces
from potmeter.errors import UserError
from potmeter.notices import pending

from .conftest import write_pictures


@pytest.fixture
def few(tmp_path, monkeypatch):
    """Thirty faces in a cache of their own."""
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "COUNTS", {"train": 20, "valid": 4, "test": 6})
    return tmp_path / "cache"


def test_attributes_are_what_the_face_was_drawn_from():
    for number in range(200):
        options, attributes = face(number)
        known = dict(zip(ATTRIBUTES, attributes, strict=True))
        assert known["smiling"] == (options["mouthVariant"] in SMILES)
        assert known["feminine styling"] == (options["topVariant"] in FEMININE)
        assert known["feminine styling"] != (options["topVariant"] in MASCULINE)
        assert known["bearded"] == (options["facialHairProbability"] == 100) and options["facialHairVariant"] in BEARDS
        assert not (known["bearded"] and known["feminine styling"]), "the rule"
        assert known["glasses"] == (options["accessoriesProbability"] == 100) >= known["sunglasses"]
        hair = [name for name in ATTRIBUTES if name.endswith("hair") and known[name]]
        ground = [name for name in ATTRIBUTES if name.endswith("background") and known[name]]
        assert len(hair) == len(ground) == 1


def test_attributes_are_thrown_for_by_themselves():
    table = np.array([face(number)[1] for number in range(3000)])
    smiling, feminine = table[:, ATTRIBUTES.index("smiling")], table[:, ATTRIBUTES.index("feminine styling")]
    assert abs(smiling.mean() - 0.5) < 0.03 and abs(feminine.mean() - 0.5) < 0.03
    assert abs(np.corrcoef(smiling, feminine)[0, 1]) < 0.06, "what correlates later was planted"
    assert abs(table[~feminine, ATTRIBUTES.index("bearded")].mean() - 0.75) < 0.04


def test_faces_are_drawn_once_and_then_read(few, monkeypatch, capsys):
    first = faces(64)
    assert [len(part) for part in (first.train, first.valid, first.test)] == [20, 4, 6] and first.dataset == "faces"
    assert "drawing 30 faces" in capsys.readouterr().err
    monkeypatch.setattr(module, "renderer", lambda size: pytest.fail("drawn twice"))
    again = faces(64)
    assert torch.equal(first.test.tensors["image"], again.test.tensors["image"])
    assert first.train.tensors["image"].shape == (20, 3, 64, 64) and first.train.attribute_names == ATTRIBUTES


def test_a_face_does_not_depend_on_the_others(few):
    third = module.renderer(64)(3)
    assert np.array_equal(module.draw_faces(range(2, 5), 64)[1], third)
    assert module.renderer(128)(3).shape == (128, 128, 3)


def test_what_is_asked_for_is_seen():
    draw = module.renderer(64)
    options = [face(number)[0] for number in range(60)]
    for number in range(60):
        corner = draw(number)[1, 1].tolist()
        assert bytes(corner).hex() == options[number]["backgroundColor"] or options[number]["topVariant"] in FEMININE


def test_the_label_is_smile_and_styling(few):
    test = faces(64).train
    for i in range(len(test)):
        name = CLASSES[int(test.tensors["label"][i])]
        assert name.startswith("smiling") == bool(test.attribute("smiling")[i])
        assert name.endswith("feminine styling") == bool(test.attribute("feminine styling")[i])


def test_attributes_stay_with_their_pictures(few):
    train = faces(64).train
    some = train.select([5, 2])
    assert (
        torch.equal(some.attribute("glasses"), train.attribute("glasses")[[5, 2]])
        and some.attribute_names == ATTRIBUTES
    )
    assert train.head(3).attribute("smiling").shape == (3,)
    with pytest.raises(UserError, match="Did you mean smiling. Received: smilling"):
        train.attribute("smilling")


def test_faces_of_different_numbers_differ():
    seeds = [face(number)[0] for number in range(400)]
    assert len({tuple(sorted((key, str(value)) for key, value in options.items())) for options in seeds}) == 400


def test_other_sizes_and_damaged_caches_are_told(few):
    with pytest.raises(UserError, match="64 or 128 pixels a side. Received: 100"):
        faces(100)
    with pytest.raises(UserError, match="coloured pictures of 64×64 or 128×128"):
        load_pictures("faces", 64, 1)
    faces(64)
    (path,) = few.glob("faces-64-*.npy")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="is damaged: delete it"):
        faces(64)
    np.save(path, np.zeros((2, 64, 64, 3), np.uint8))
    with pytest.raises(UserError, match="holds other pictures"):
        faces(64)


def test_without_the_extra_it_is_named(few, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "resvg_py", None)
    with pytest.raises(UserError, match=r"pip install -e '.\[faces\]'"):
        faces(64)
    assert not list(few.glob("*.npy"))


# CelebA's layout ----------------------------------------------------------------------------------------------------

NAMES = [f"{number:06}.jpg" for number in range(1, 41)]


@pytest.fixture
def folder(tmp_path):
    """Forty pictures of two sizes and modes, of which every second one smiles and every fourth wears a hat."""
    root = tmp_path / "people"
    write_pictures(root / "img_align_celeba", NAMES, size=(18, 22))
    write_pictures(root / "img_align_celeba", NAMES[:5], size=(40, 10))
    import PIL.Image

    PIL.Image.new("L", (9, 9)).save(root / "img_align_celeba" / NAMES[7])
    rows = [f"{name} {1 if i % 2 else -1:2} {1 if i % 4 == 3 else -1:2}" for i, name in enumerate(NAMES)]
    (root / "list_attr_celeba.txt").write_text("\n".join(["40", "Smiling Wearing_Hat", *rows]) + "\n")
    return root


def test_the_authors_table_is_read(folder):
    splits = celeba(folder, 8)
    parts = [splits.train, splits.valid, splits.test]
    assert sum(map(len, parts)) == 40 and min(map(len, parts)) > 0
    batch = splits.train.__getitems__(range(len(splits.train)))
    assert batch["image"].shape == (len(splits.train), 3, 8, 8) and batch["attributes"].dtype == torch.bool
    smiling = {name: NAMES.index(name) % 2 == 1 for name in splits.train.names}
    assert splits.train.attribute("Smiling").tolist() == list(smiling.values())
    assert splits.train.select([1]).attribute("Wearing Hat").tolist() == [NAMES.index(splits.train.names[1]) % 4 == 3]


def test_the_official_parts_are_kept(folder):
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} {i % 3}\n" for i, name in enumerate(NAMES)))
    splits = celeba(folder, 8)
    assert set(splits.test.names) == set(NAMES[2::3])


def test_the_table_with_commas_says_the_same(folder):
    before = celeba(folder, 8)
    (folder / "list_attr_celeba.txt").unlink()
    rows = [f"{name},{1 if i % 2 else 0},{1 if i % 4 == 3 else 0}" for i, name in enumerate(NAMES)]
    (folder / "list_attr_celeba.csv").write_text("\n".join(["image_id,Smiling,Wearing_Hat", *rows]))
    after = celeba(folder, 8)
    assert before.train.attribute_names == after.train.attribute_names and before.train.names == after.train.names
    assert torch.equal(before.train.attributes, after.train.attributes)


def test_the_folder_stands_wherever_pictures_are_named(folder):
    assert load_pictures(str(folder), 8, 1, labels=False).train.attribute("Smiling").any()


def test_rows_without_a_picture_are_left_out_and_counted(folder):
    (folder / "img_align_celeba" / NAMES[0]).unlink()
    assert NAMES[0] not in celeba(folder, 8).train.names
    assert "1 rows without a picture" in " ".join(pending.values())


BAD = {
    "a picture without a row": (lambda text: text.replace("000009.jpg  1", "x.jpg  1").replace("000009.jpg -1", "x.jpg -1"), "no row for 1 of 40 pictures.*Received: 000009.jpg"),
    "fewer rows than promised": (lambda text: text.replace("40\n", "41\n", 1), "says that it has 41 rows. Received: 40"),
    "a row too short": (lambda text: text.replace("000002.jpg  1 -1", "000002.jpg  1"), "Line 4 of list_attr_celeba.txt has 1 values for 2 columns"),
    "no number": (lambda text: text.replace("000002.jpg  1", "000002.jpg  yes"), "no whole number"),
    "another number": (lambda text: text.replace("000002.jpg  1", "000002.jpg  7"), "is 1, or −1 or 0"),
    "nothing": (lambda text: "", "is empty"),
    "only names": (lambda text: "0\nSmiling Wearing_Hat\n", "has no rows"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_a_table_that_cannot_be_right_is_told(folder, change, message):
    table = folder / "list_attr_celeba.txt"
    table.write_text(change(table.read_text()))
    with pytest.raises(UserError, match=message):
        celeba(folder, 8)


def test_a_picture_without_a_part_is_told(folder):
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} {i % 3}\n" for i, name in enumerate(NAMES[:-1])))
    with pytest.raises(UserError, match="gives each picture 0, 1 or 2. Received: 000040.jpg"):
        celeba(folder, 8)


def test_no_pictures_and_too_few_are_told(folder):
    for name in NAMES[1:]:
        (folder / "img_align_celeba" / name).unlink()
    with pytest.raises(UserError, match="take a picture each"):
        celeba(folder, 8)
    (folder / "img_align_celeba" / NAMES[0]).unlink()
    with pytest.raises(UserError, match="no pictures in"):
        celeba(folder, 8)


@pytest.mark.slow
def test_all_faces_differ_between_the_parts():
    splits = faces(64)
    parts = [{x.numpy().tobytes() for x in part.tensors["image"]} for part in (splits.train, splits.valid, splits.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
