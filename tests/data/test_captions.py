"""Captions of one's own in the field's layouts, and scenes whose captions are known."""

import itertools
import json

import numpy as np
import PIL.Image
import pytest
import torch

from potmeter import notices
from potmeter.data.captioned import load_captioned
from potmeter.data.formats.captions import read_captions
from potmeter.data.sets.scene_grammar import TEMPLATES, Thing, write_captions
from potmeter.data.sets.scene_kinds import COLOURS, KINDS
from potmeter.data.sets.scenes import PARTS, RGB, SHAPES, shape_scenes, stamps_of
from potmeter.errors import UserError


@pytest.fixture
def folder(tmp_path):
    """Thirty pictures, each of a colour of its own."""
    (tmp_path / "images").mkdir()
    for number in range(30):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(tmp_path / "images" / f"{number:02}.png")
    notices.drop_notes()
    yield tmp_path
    notices.drop_notes()


def coco(folder, captions, **extra):
    images = [{"id": 7 * n + 1, "file_name": f"{n:02}.png"} for n in range(30)]
    annotations = [{"id": i, "image_id": 7 * n + 1, "caption": text} for i, (n, text) in enumerate(captions)]
    (folder / "captions.json").write_text(json.dumps({"images": images, "annotations": annotations} | extra))
    return folder / "captions.json"


THREE = {
    "captions.json": None,
    "Flickr8k.token.txt": "".join(f"{n:02}.png#{k}\tA picture {n} .\n" for n in range(30) for k in range(2)),
    "captions.csv": "image,caption\n" + "".join(f'{n:02}.png,"A picture, {n}"\n' for n in range(30) for k in range(2)),
    "captions.tsv": "path\ttext\n"
    + "".join(f"images/{n:02}.png\tA picture {n}\n" for n in range(30) for k in range(2)),
}


def test_cubs_layout_is_read(folder):
    for number in range(30):
        kind = folder / "images" / f"{number % 3:03}.Albatross"
        kind.mkdir(exist_ok=True)
        (folder / "images" / f"{number:02}.png").rename(kind / f"bird.{number}.png")
        (folder / "text_c10" / kind.name).mkdir(parents=True, exist_ok=True)
        (folder / "text_c10" / kind.name / f"bird.{number}.txt").write_text(f"a bird\nbird number {number}\n\n")
    found = read_captions(folder)
    assert len(found) == 30
    assert all(texts["und"] == ["a bird", f"bird number {path.stem.split('.')[1]}"] for path, texts in found.items())
    assert sum(map(len, (load_captioned(folder, 32).train, load_captioned(folder, 32).test))) > 20


@pytest.mark.parametrize("name", THREE)
def test_each_layout_is_read_from_its_folder(folder, name):
    if THREE[name] is None:
        coco(folder, [(n, f"A picture {n}.") for n in range(30) for _ in range(2)])
    else:
        (folder / name).write_text(THREE[name])
    found = read_captions(folder)
    assert [path.name for path in found] == [f"{n:02}.png" for n in range(30)]
    assert all(len(captions["und"]) == 2 and captions["und"][0].startswith("A picture") for captions in found.values())
    splits = load_captioned(folder, 32)
    assert sum(map(len, (splits.train, splits.valid, splits.test))) == 30 and splits.dataset == "own data"
    assert splits.train[0]["image"].shape == (3, 32, 32) and splits.train.languages == ("und",)
    assert len({*splits.train.digests, *splits.valid.digests, *splits.test.digests}) == 30


def test_a_column_says_the_language_and_one_can_be_chosen(folder):
    rows = "".join(f"{n:02}.png,a picture,en\n{n:02}.png,egy kép,hu\n" for n in range(30))
    (folder / "captions.csv").write_text("file,caption,language\n" + rows, encoding="utf-8")
    assert load_captioned(folder, 32).train.languages == ("en", "hu")
    hungarian = load_captioned(folder, 32, language="hu")
    assert hungarian.train.captions[0] == {"hu": ["egy kép"]}
    with pytest.raises(UserError, match="The captions are in en, hu. Received: de"):
        load_captioned(folder, 32, language="de")


def test_empty_captions_and_missing_pictures_are_left_out_and_told(folder):
    rows = [(n, "A cat." if n % 2 else " . ") for n in range(30)] + [(0, "A dog.")]
    file = coco(folder, rows)
    (folder / "images" / "01.png").unlink()
    (folder / "images" / "03.png").unlink()
    found = read_captions(file)
    assert len(found) == 16 - 2
    told = " ".join(notices.pending)
    assert "15 of 31 captions are empty" in told or "14 of 31 captions are empty" in told
    assert "2 of the 16 pictures" in told and "01.png, 03.png" in told


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("captions.json", '{"images": [', "is not JSON"),
        ("captions.json", "[]", "must hold a JSON object"),
        ("captions.json", '{"a": 1}', "is not COCO's: it takes lists of images and of annotations. Received: a"),
        ("captions.json", '{"images": [{"id": 1}], "annotations": []}', "images have id and file_name"),
        (
            "captions.json",
            '{"images": [], "annotations": [{"image_id": 5, "caption": "x"}]}',
            "does not list. Received: 5",
        ),
        ("captions.json", '{"images": [], "annotations": [{"image_id": [5], "caption": "x"}]}', "is not COCO's"),
        ("captions.json", '{"images": [], "annotations": []}', "has no captions"),
        (
            "captions.json",
            '{"images": [{"id": 1, "file_name": "00.png"}], "annotations": [{"image_id": 1, "caption": 5}]}',
            "no text",
        ),
        (
            "captions.csv",
            "name,words\n00.png,a\n",
            "is no table with columns named file and caption. Received: name, words",
        ),
        ("captions.csv", "file,caption\n00.png,...\n", "no caption with a word"),
        (
            "captions.csv",
            "file,caption\nx.png,a cat\ny.png,a dog\n",
            r"2 of the 2 pictures .* x.png, y.png. Name their folder",
        ),
        ("captions.csv", "file,caption\n00.png," + "a" * 1001 + "\n", "more than 1,000 characters"),
        ("captions.txt", "00.png#0\tA cat.\nno tab here\n", "line 2 is not FILE#NUMBER"),
        ("captions.csv", "file,caption\n00.png,a cat\n", "too few pictures"),
    ],
)
def test_what_is_no_caption_file_is_told_in_one_line(folder, name, content, told):
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=told) as error:
        load_captioned(folder, 32)
    assert "\n" not in str(error.value)


def test_folders_with_none_or_several_caption_files_are_told(folder):
    with pytest.raises(UserError, match="holds no captions"):
        read_captions(folder)
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("file,caption\n00.png,a cat\n")
    with pytest.raises(UserError, match=r"several files.*Received: a.csv, b.csv"):
        read_captions(folder)
    with pytest.raises(UserError, match="no file, folder or set"):
        read_captions(folder / "missing")


@pytest.mark.parametrize(("name", "found"), [("annotations", True), ("texts", False)])
def test_pictures_beside_the_folder_are_taken_in_coco_s_layout_and_in_no_other(folder, name, found):
    (folder / name).mkdir()
    coco(folder / name, [(n, f"A picture {n}.") for n in range(30)])
    if found:
        assert len(read_captions(folder / name / "captions.json")) == 30
    else:
        with pytest.raises(UserError, match="Name their folder with --pictures"):
            read_captions(folder / name / "captions.json")


def test_two_pictures_of_one_name_are_not_guessed_between(folder):
    (folder / "images" / "more").mkdir()
    (folder / "images" / "00.png").copy(folder / "images" / "more" / "00.png") if hasattr(folder, "copy") else (
        folder / "images" / "more" / "00.png"
    ).write_bytes((folder / "images" / "00.png").read_bytes())
    (folder / "captions.csv").write_text("file,caption\n00.png,a cat\n")
    with pytest.raises(UserError, match="several pictures of this name"):
        read_captions(folder)


# Scenes -------------------------------------------------------------------------------------------------------------


def test_the_grammar_in_both_languages():
    lion, apple, orange = (next(kind for kind in KINDS if kind.english == name) for name in ("lion", "apple", "orange"))
    row = write_captions("row", (Thing(lion), Thing(apple, 1, "red"), Thing(orange)))
    assert row["en"][0] == "a red apple between a lion and an orange"
    assert row["hu"][0] == "egy piros alma egy oroszlán és egy narancs között"
    three = write_captions("single", (Thing(apple, 3, "green"),))
    assert three["en"][0] == "there are three green apples in the picture"
    assert three["hu"][0] == "a képen három zöld alma látható"
    assert write_captions("beside", (Thing(orange), Thing(lion)))["hu"][1] == "egy oroszlán egy narancstól jobbra"


def test_every_layout_has_five_captions_in_each_language():
    assert {len(some) for layouts in TEMPLATES.values() for some in layouts.values()} == {5}
    assert TEMPLATES["en"].keys() == TEMPLATES["hu"].keys()


def test_no_photograph_of_a_thing_is_in_two_parts():
    train, valid, test = ({s.path for some in stamps_of(part).values() for s in some} for part in PARTS)
    assert not test & train and not test & valid and not train & valid
    assert all(kind in stamps_of("train") for part in ("valid", "test") for kind in stamps_of(part))
    groups = {stamp.path: group for kind in KINDS for group in kind.groups for stamp in group}
    assert all(stamp.path in test for path in test for stamp in groups[path]), "a shoot stays together"
    assert len({stamp.path for kind in KINDS for group in kind.groups for stamp in group}) == len(groups)


def test_shapes_stand_where_their_captions_say():
    data = shape_scenes(32).test
    for number in range(len(data)):
        scene = data.source.scenes[data.indices[number]]
        if scene.layout == "beside" and [thing.count for thing in scene.things] == [1, 1]:
            image = data[number]["image"]
            for thing, ((x, y, _),) in zip(scene.things, scene.boxes, strict=True):
                pixel = image[:, round(32 * y), round(32 * x)] * 255
                assert (pixel - torch.tensor(RGB[thing.colour])).abs().max() < 3
            left, right = (boxes[0][0] for boxes in scene.boxes)
            words = data.captions[number]["en"][0]
            assert left < right and words.index(scene.things[0].kind.english) < words.index("left")


def test_pairs_of_shapes_that_are_tested_were_never_together_in_training():
    def pairs(data):
        named = [[f"{t.colour} {t.kind.english}" for t in scene.things] for scene in data.source.scenes]
        return {frozenset(pair) for names in named for pair in itertools.combinations(names, 2)}

    splits = shape_scenes(32)
    assert pairs(splits.test) and not pairs(splits.test) & (pairs(splits.train) | pairs(splits.valid))
    assert {kind.english for kind in SHAPES} == {"circle", "triangle", "square"}


@pytest.mark.network
def test_the_words_are_those_of_the_package_s_own_captions():
    from potmeter.data.fetching.fetch import fetch
    from potmeter.data.sets.scenes import STAMPS

    texts = [path.read_text("utf-8", "replace") for path in (fetch("stamps") / STAMPS).rglob("*.txt")]
    english = " ".join(text.splitlines()[0] for text in texts).casefold()
    lines = [line[8:] for text in texts for line in text.splitlines() if line.startswith("hu.utf8=")]
    hungarian = " ".join(lines).casefold()
    assert not [kind.english for kind in KINDS if kind.english not in english]
    misspelt = {"oroszlán": "öröszlán"}
    assert not [k.hungarian for k in KINDS if misspelt.get(k.hungarian, k.hungarian) not in hungarian]
    assert not [word for word in COLOURS if word not in english]
    assert not [word for word in COLOURS.values() if word not in hungarian]
    assert all(fetch("stamps").joinpath(STAMPS, f"{s.path}.png").is_file() for k in KINDS for g in k.groups for s in g)


@pytest.mark.network
def test_scenes_are_the_same_every_time_and_their_parts_share_no_place():
    from potmeter.data.sets.scenes import places_of, scenes

    one, other = scenes(64), scenes(64)
    assert one.fingerprint() == other.fingerprint()
    assert torch.equal(one.test[3]["image"], other.test[3]["image"])
    counts = [len(places_of(part)) for part in PARTS]
    assert sum(counts) == 49 and min(counts) >= 3
    assert len(one.test.objects[0]) == len(one.test.source.scenes[0].things)
