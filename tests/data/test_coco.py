"""COCO's JSON: what is drawn is what is said, and what is no annotation is told."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from potmeter.data.formats.coco import has_area, rasterise, read_coco
from potmeter.errors import UserError
from potmeter.media.run_lengths import decompress

FILE = {
    "images": [{"id": 7, "file_name": "a.png", "width": 8, "height": 6}],
    "categories": [{"id": 30, "name": "dog"}, {"id": 4, "name": "cat"}],
    "annotations": [{"id": 1, "image_id": 7, "category_id": 30, "segmentation": [[1, 1, 5, 1, 5, 4, 1, 4]]}],
}


def encode(mask):
    """Run lengths of a mask, written apart from the reader."""
    flat, counts, value = mask.T.ravel(), [], False
    start = 0
    while start < len(flat):
        stop = start
        while stop < len(flat) and flat[stop] == value:
            stop += 1
        counts.append(stop - start)
        start, value = stop, not value
    return counts


def compress(counts):
    """The text of run lengths, as cocoapi's rleToString describes it, written apart from the reader."""
    text = ""
    for place, count in enumerate(counts):
        x = count - counts[place - 2] if place > 2 else count
        more = True
        while more:
            c, x = x & 31, x >> 5
            more = x != -1 if c & 16 else x != 0
            text += chr((c | 32 if more else c) + 48)
    return text


@settings(deadline=None, max_examples=50)
@given(mask=arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_run_lengths_are_read_plain_and_compressed(mask):
    for counts in (encode(mask), compress(encode(mask))):
        found = rasterise({"counts": counts, "size": list(mask.shape)}, *mask.shape)
        assert np.array_equal(mask, np.zeros_like(mask) if found is None else found)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_compressed_run_lengths_come_back(counts):
    assert decompress(compress(counts)) == counts


@pytest.mark.parametrize("x, y, w, h", [(1, 1, 4, 3), (0, 0, 8, 6), (2.4, 1.6, 3.2, 2.2)])
def test_a_rectangle_covers_the_pixels_whose_centres_it_holds(x, y, w, h):
    rows, columns = np.mgrid[:6, :8] + 0.5
    expected = (rows > y) & (rows < y + h) & (columns > x) & (columns < x + w)
    found = rasterise([[x, y, x + w, y, x + w, y + h, x, y + h]], 6, 8)
    assert np.array_equal(found, expected)


def test_polygons_beyond_the_picture_are_cut_off_and_those_without_area_are_none():
    assert rasterise([[-100, -100, 1e300, -100, 1e300, 1e300, -100, 1e300]], 6, 8).all()
    for empty in ([], [[1, 1, 5, 5]], [[1, 1, 5, 5, 3, 3]], [[50, 50, 60, 50, 60, 60]], [[]]):
        assert rasterise(empty, 6, 8) is None


BAD = [
    [[1, 1, 5, float("nan"), 2, 2]],
    [[1, 1, 5, float("inf"), 2, 2]],
    [[1, 1, 5, 10**400, 2, 2]],
    [[1, 1, 5, 5, 2]],
    [["a", 1, 5, 5, 2, 2]],
    [5],
    5,
    "polygon",
    {"counts": [48, 1], "size": [6, 8]},
    {"counts": [47], "size": [6, 8]},
    {"counts": [-1, 49], "size": [6, 8]},
    {"counts": [48], "size": [8, 6]},
    {"counts": "~~~~", "size": [6, 8]},
    {"counts": None, "size": [6, 8]},
    {},
]


@pytest.mark.parametrize("segmentation", BAD, ids=str)
def test_a_segmentation_that_is_none_is_told(segmentation):
    for look in (rasterise, has_area):
        with pytest.raises(UserError, match="Received: "):
            look(segmentation, 6, 8)


def test_what_has_an_area_is_told_without_drawing_a_picture_however_large_it_is_said_to_be():
    side = 100_000
    everything = {"counts": [0, side**2], "size": [side, side]}
    tracemalloc.start()
    assert has_area(everything, side, side) and has_area([[0, 0, side, 0, side, side]], side, side)
    assert not has_area({"counts": [side**2], "size": [side, side]}, side, side)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert has_area([[-100, -100, 1e300, -100, 1e300, 1e300, -100, 1e300]], 6, 8), "it covers the picture"
    for empty in ([], [[1, 1, 5, 5]], [[1, 1, 5, 5, 3, 3]], [[50, 50, 60, 50, 60, 60]], [[]]):
        assert not has_area(empty, 6, 8)


def write(tmp_path, value):
    path = tmp_path / "instances.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_ids_may_have_gaps_and_categories_are_in_their_order(tmp_path):
    coco = read_coco(write(tmp_path, FILE))
    assert list(coco.categories.items()) == [(4, "cat"), (30, "dog")]
    assert coco.images[0].id == 7 and [a.category for a in coco.annotations[7]] == [30]


WRONG = {
    "no JSON": ("It was a truth", "is not JSON: Expecting value"),
    "half of it": (json.dumps(FILE)[:100], "is not JSON"),
    "a list": ([1], "must hold a JSON object"),
    "nested": ("[" * 100_000, "nested too deeply"),
    "no annotations": ({k: v for k, v in FILE.items() if k != "annotations"}, "has no list of annotations"),
    "no images": (FILE | {"images": []}, "lists no images"),
    "no categories": (FILE | {"categories": []}, "lists no categories"),
    "an image without a size": (FILE | {"images": [{"id": 7, "file_name": "a.png"}]}, "image 0 must have id"),
    "an image without area": (FILE | {"images": [FILE["images"][0] | {"width": 0}]}, "has no area"),
    "a huge image": (FILE | {"images": [FILE["images"][0] | {"width": 10**9}]}, "is too large"),
    "two images of one id": (FILE | {"images": 2 * FILE["images"]}, "two images of one id"),
    "an unknown image": (
        FILE | {"annotations": [FILE["annotations"][0] | {"image_id": 8}]},
        "image that is not listed",
    ),
    "an unknown category": (
        FILE | {"annotations": [FILE["annotations"][0] | {"category_id": 1}]},
        "category that is not",
    ),
    "a number as annotation": (FILE | {"annotations": [3]}, "annotation 0 must have image_id"),
}


@pytest.mark.parametrize("value, says", WRONG.values(), ids=WRONG)
def test_a_file_that_is_none_is_told(tmp_path, value, says):
    with pytest.raises(UserError, match=f"{says}.*Received: "):
        read_coco(write(tmp_path, value))
