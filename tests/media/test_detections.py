"""Things that were found: drawn over their picture, saved as COCO's JSON, read back by others."""

import itertools
import json

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco

from potmeter.errors import UserError
from potmeter.media import CocoResults, Detection, Detections, Image
from potmeter.media.run_lengths import compress, decompress, encode_run_lengths

NAMES = ("cat", "<dog>")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' decode


def two_things():
    picture = Image(np.full((40, 60, 3), 100, np.uint8), "7.png")
    return Detections(
        picture,
        (
            Detection("cat", 0.91, (10.0, 5.0, 20.5, 15.0), np.ones((10, 10), bool), (10, 5)),
            Detection("<dog>", 0.6, (30.0, 20.0, 40.0, 30.0), np.eye(10, dtype=bool), (30, 20)),
        ),
        NAMES,
    )


@settings(deadline=None, max_examples=60)
@given(mask=arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_run_lengths_are_those_of_pycocotools(mask):
    encoded = encode_run_lengths(mask)
    expected = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encoded == {"size": list(mask.shape), "counts": expected["counts"].decode()}
    assert np.array_equal(coco.decode({**encoded, "counts": encoded["counts"].encode()}), mask)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=20))
def test_compressed_run_lengths_come_back(counts):
    assert decompress(compress(counts)) == counts


def test_masks_and_boxes_are_drawn_where_they_are_and_nothing_else_is_changed():
    shown = two_things().draw().pixels
    assert shown.shape == (40, 60, 3)
    assert (shown[32:] == 100).all()
    assert (shown[10, 15] != 100).any(), "within the mask"
    dog = shown[20:30, 30:40]
    assert (dog[5, 5] != 100).any() and (dog[8, 3] == 100).all(), "the mask, not the box"
    assert np.array_equal(two_things().picture.pixels, np.full((40, 60, 3), 100)), "the picture itself stays as it is"


def test_labels_of_boxes_with_one_upper_edge_do_not_hide_each_other():
    image, mask = Image(np.zeros((200, 300, 3), np.uint8)), np.zeros((1, 1), bool)
    things = [Detection("cat", 0.9 - i / 10, (10.0 + 5 * i, 0.0, 290.0, 190.0), mask, (0, 0)) for i in range(4)]
    pen, taken = PIL.ImageDraw.Draw(PIL.Image.new("RGB", (300, 200))), []
    for thing in things:
        taken.append(Detections(image, tuple(things), NAMES).place_label(pen, thing, taken))
    assert all(above[3] < below[1] for above, below in itertools.pairwise(taken)), taken
    assert all(place[3] <= 190 for place in taken)


@pytest.mark.parametrize("shape", [(1, 1, 3), (8, 500, 3), (500, 8, 3)])
def test_pictures_of_any_shape_are_drawn(shape):
    h, w = shape[:2]
    thing = Detection("cat", 1.0, (0.0, 0.0, float(w), float(h)), np.ones((h, w), bool), (0, 0))
    assert Detections(Image(np.zeros(shape, np.uint8)), (thing,), NAMES).draw().size == (w, h)


def test_as_json_it_is_coco_s(tmp_path):
    found = json.loads(two_things().save(tmp_path / "found.json").read_text())
    assert [each["name"] for each in found["categories"]] == ["cat", "<dog>"]
    assert found["images"] == [{"id": 7, "file_name": "7.png", "width": 60, "height": 40}], "a number is the id"
    first, second = found["annotations"]
    assert first["bbox"] == [10, 5, 10.5, 10] and first["score"] == 0.91 and first["image_id"] == 7
    mask = coco.decode({**second["segmentation"], "counts": second["segmentation"]["counts"].encode()})
    assert np.array_equal(mask, two_things().things[1].whole_mask(60, 40)) and second["area"] == 10


def test_many_pictures_are_one_list(tmp_path):
    results = CocoResults.gather([("a.png", two_things()), ("b.png", two_things())], NAMES)
    assert [image["id"] for image in results.content["images"]] == [1, 2]
    assert [each["image_id"] for each in results.content["annotations"]] == [1, 1, 2, 2]
    assert len({each["id"] for each in results.content["annotations"]}) == 4
    assert results.json() == {"pictures": 2, "things": 4} and "&lt;dog&gt;" in results.html()
    assert results.save(tmp_path / "r.json").stat().st_size > 0
    with pytest.raises(UserError, match="saved as .json"):
        results.save(tmp_path / "r.png")


def test_a_page_and_json_say_what_was_found():
    found = two_things()
    assert "1 cat" in found.html() and "&lt;dog&gt;" in found.html() and found.counts == {"cat": 1, "<dog>": 1}
    assert found.json()["things"][0] == {"name": "cat", "score": 0.91, "box": [10.0, 5.0, 20.5, 15.0], "area": 100}
    assert "found: nothing" in Detections(found.picture, (), NAMES).html()


def test_tensors_of_a_detector_become_things():
    masks = torch.zeros(2, 40, 60)
    masks[0, 5:9, 6:9] = 0.9
    boxes, labels, scores = torch.tensor([[6.0, 5, 9, 9], [0, 0, 1, 1]]), torch.tensor([2, 1]), torch.tensor([0.8, 0.3])
    found = Detections.from_tensors(two_things().picture, boxes, labels, scores, masks, NAMES)
    (thing,) = found.things
    assert thing.name == "<dog>" and thing.mask.sum() == 12 and thing.box == (6, 5, 9, 9)


def test_what_does_not_fit_is_told(tmp_path):
    picture = two_things().picture
    for thing in (
        Detection("cow", 1.0, (0.0, 0.0, 1.0, 1.0), np.ones((1, 1), bool), (0, 0)),
        Detection("cat", 1.0, (0.0, 0.0, 1.0, 1.0), np.ones((9, 9), bool), (55, 0)),
    ):
        with pytest.raises(UserError, match="Received: "):
            Detections(picture, (thing,), NAMES)
    with pytest.raises(UserError, match="saved as .png, .jpg, .webp or .json"):
        two_things().save(tmp_path / "x.gif")
