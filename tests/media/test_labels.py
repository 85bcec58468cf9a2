"""Label maps and cut-outs come back from a file as they were saved, and lie over their picture."""

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from potmeter.errors import UserError
from potmeter.media import Cutout, Image, Labels
from potmeter.media.labels import palette

NAMES = ("background", "hair", "große Nase")


@settings(deadline=None, max_examples=20)
@given(values=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)))
def test_a_label_map_comes_back_from_its_file(tmp_path_factory, values):
    path = Labels(values, NAMES).save(tmp_path_factory.mktemp("labels") / "map.png")
    again = Labels.open(path)
    assert np.array_equal(again.values, values) and again.names == NAMES
    with PIL.Image.open(path) as picture:
        assert picture.mode == "P" and np.array_equal(np.array(picture), values), "indices for any other program too"
        assert np.array_equal(np.array(picture.convert("RGB")), np.array(palette(256), np.uint8)[values])


def test_any_png_of_indices_is_one(tmp_path):
    grey = np.uint8([[0, 3], [1, 0]])
    PIL.Image.fromarray(grey).save(tmp_path / "grey.png")
    assert Labels.open(tmp_path / "grey.png").names == ("0", "1", "2", "3")
    PIL.Image.new("RGB", (2, 2), "red").save(tmp_path / "red.png")
    with pytest.raises(UserError, match=r"red.png is no mask.*Received: colours \(RGB\)"):
        Labels.open(tmp_path / "red.png")


def test_its_colours_lie_over_the_picture_and_the_ground_is_left_as_it_is():
    values, picture = np.uint8([[0, 1]]), Image(np.full((1, 2, 3), 100, np.uint8))
    shown = Labels(values, NAMES).overlay(picture, opacity=0.5).pixels
    assert (shown[0, 0] == 100).all()
    np.testing.assert_allclose(shown[0, 1], 50 + np.array(palette(2)[1]) / 2, atol=1)
    with pytest.raises(UserError, match=r"lies over a picture of that size\. Received: 1 × 1"):
        Labels(values, NAMES).overlay(Image(np.zeros((1, 1, 3), np.uint8)))


def test_a_page_names_the_classes_that_are_there_and_json_their_shares():
    labels = Labels(np.uint8([[0, 0, 0, 2]]), ("background", "hair", "<nose>"))
    assert "&lt;nose&gt; 25.0 %" in labels.html() and "hair" not in labels.html()
    assert labels.json() == {"width": 4, "height": 1, "shares": {"background": 0.75, "hair": 0.0, "<nose>": 0.25}}


@pytest.mark.parametrize(
    "values", [np.zeros((2, 2)), np.zeros((2, 2, 3), np.uint8), np.zeros((0, 2), np.uint8), np.uint8([[7]])]
)
def test_what_is_no_label_map_is_told(values):
    with pytest.raises(UserError, match="Received: "):
        Labels(values, NAMES)


def test_255_classes_have_colours_that_differ():
    assert len(set(palette(256))) == 256 and palette(3) == palette(256)[:3]


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_cut_out_keeps_its_transparency(tmp_path, suffix):
    rng = np.random.default_rng(0)
    pixels, alpha = (
        np.full((20, 30, 3), (200, 50, 50), np.uint8),
        np.repeat(np.uint8([0, 120, 255]), 10)[None].repeat(20, 0),
    )
    alpha[rng.random(alpha.shape) < 0.1] = 255
    again = Cutout.open(Cutout(pixels, alpha).save(tmp_path / f"thing{suffix}"))
    assert np.array_equal(again.alpha, alpha)
    if suffix == ".png":
        assert np.array_equal(again.pixels, pixels)
    with pytest.raises(UserError, match="as large as its pixels"):
        Cutout(pixels, alpha[:5])
    with pytest.raises(UserError, match="saved as .png or .webp"):
        Cutout(pixels, alpha).save(tmp_path / "thing.jpg")
