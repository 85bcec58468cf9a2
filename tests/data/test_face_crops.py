"""Faces found in pictures, cut out upright, and turned."""

import sys

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potmeter.data import face_crops
from potmeter.data.face_crops import alignment, apply_affine, crop_face, find_faces, fit_similarity, invert_affine
from potmeter.data.head_views import draw_view, turn_points
from potmeter.data.sets.drawn_people import PERSONS, draw_people, face_points
from potmeter.errors import UserError

FEW = settings(deadline=None, max_examples=15)
FACE = face_points(PERSONS["Ash"], 0.1, 0.2, 0.0, 0.8)
"""Landmarks of a face, in eye distances."""


def noise(height, width):
    """A picture of noise."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@FEW
@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.1, 10),
    x=st.floats(-100, 100),
    y=st.floats(-100, 100),
    seed=st.integers(0, 99),
)
def test_a_similarity_is_found_again(angle, scale, x, y, seed):
    points = np.random.default_rng(seed).standard_normal((5, 2))
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[c, -s, x], [s, c, y]])
    np.testing.assert_allclose(fit_similarity(points, apply_affine(matrix, points)), matrix, atol=1e-6)
    np.testing.assert_allclose(apply_affine(invert_affine(matrix), apply_affine(matrix, points)), points, atol=1e-6)


def test_alignment_puts_eyes_and_mouth_in_their_places():
    places = apply_affine(alignment(FACE * 55 + 9, 100), FACE * 55 + 9)
    eyes = places[36:42].mean(0), places[42:48].mean(0)
    assert abs(eyes[0][1] - 40) < 4 and abs(eyes[1][1] - 40) < 4 and 20 < eyes[1][0] - eyes[0][0] < 36


def test_a_crop_is_the_same_however_the_face_lies_in_the_picture():
    picture = np.asarray(PIL.Image.fromarray(noise(16, 16)).resize((256, 256), PIL.Image.Resampling.BICUBIC))
    landmarks = FACE * 40 + 128
    crop, places = crop_face(picture, landmarks, 64)
    turned = np.ascontiguousarray(np.rot90(picture))  # a quarter to the left: (x, y) becomes (y, 256 - x)
    again, same = crop_face(turned, np.stack([landmarks[:, 1], 256 - landmarks[:, 0]], 1), 64)
    np.testing.assert_allclose(same, places, atol=1e-6)
    assert np.abs(again.astype(int) - crop).mean() < 1.5


def test_beyond_the_pictures_edge_its_last_pixels_are_repeated():
    picture = np.full((40, 40, 3), 200, np.uint8)
    crop, _ = crop_face(picture, FACE * 30 + 5, 32)
    assert (crop == 200).all()


def test_a_view_without_a_turn_is_the_picture_and_a_turn_moves_the_nose_most():
    drawn = draw_people(1, 7)
    pixels = drawn.tensors["image"][0].permute(1, 2, 0).numpy()
    landmarks = 64 * drawn.tensors["landmarks"][0].double().numpy()
    view, places = draw_view([(pixels, landmarks)], (1.0,), 0.0, 0.0)
    assert np.abs(view - pixels).mean() < 1 and np.abs(places - landmarks).max() < 1e-9
    moved = turn_points(landmarks, landmarks, 0.2, 0.0)[:, 0] - landmarks[:, 0]
    assert moved[30] > 0 and moved[30] - moved[[0, 16]].mean() > 0.1 * (landmarks[45, 0] - landmarks[36, 0])


def test_dlib_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    face_crops.load_dlib.cache_clear()
    with pytest.raises(UserError, match=r"Finding faces needs an extra.*\[deepfakes\]"):
        face_crops.load_dlib()


@pytest.mark.network
@pytest.mark.slow
def test_real_faces_are_found_in_pictures_of_any_size_and_number():
    from potmeter.data.samples import sample

    portrait = sample("person-7").pil().resize((400, 400))
    (face,) = find_faces(np.array(portrait))
    (large,) = find_faces(np.array(portrait.resize((8000, 8000))))
    np.testing.assert_allclose(large.landmarks / 20, face.landmarks, atol=6)
    five = PIL.Image.new("RGB", (2000, 400))
    for number in range(5):
        five.paste(portrait, (400 * number, 0))
    assert len(find_faces(np.array(five))) == 5
    assert find_faces(noise(300, 300)) == []
