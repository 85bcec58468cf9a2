"""Paintings put together from puzzle pieces, and photographs whose parts share nothing."""

import io

import numpy as np
import PIL.Image
import pytest

from potmeter.data.sets import paintings
from potmeter.data.sets.paintings import RESOURCE, assemble, load_painting
from potmeter.data.sets.photographs import SHARE_ALIKE, TESTED, photographs, wheel_photographs
from potmeter.errors import UserError


def piece(colour):
    """A piece of 100 × 80 pixels as it is packed."""
    buffer = io.BytesIO()
    PIL.Image.new("RGBA", (100, 80), colour).save(buffer, format="WEBP", lossless=True)
    return buffer.getvalue()


def test_pieces_lie_where_the_board_says(monkeypatch):
    monkeypatch.setattr(paintings, "SCALE", (220, 100))
    board = """QtObject { property var levels : [
      { "pixmapfile" : "image/bg.svg", "type" : "SHAPE_BACKGROUND_IMAGE" },
      { "pixmapfile" : "image/a.webp", "x" : "0.272727", "y" : "0.5" },
      { "pixmapfile" : "image/b.webp", "x" : "0.727272", "y" : "0.5" } ] }"""
    files = {f"{RESOURCE}board/board3_0.qml": board.encode()}
    files |= {f"{RESOURCE}image/a.webp": piece("red"), f"{RESOURCE}image/b.webp": piece("blue")}
    whole = assemble(files, 3)
    assert whole.size == (200 - 2 * paintings.EDGE, 80 - 2 * paintings.EDGE)
    assert (whole.pixels[:, : 100 - paintings.EDGE] == (255, 0, 0)).all()
    assert (whole.pixels[:, 100 - paintings.EDGE :] == (0, 0, 255)).all()


def test_the_drawn_painting_needs_no_network():
    assert load_painting("waves").size == (256, 256) and np.array_equal(
        load_painting("waves").pixels, load_painting("waves").pixels
    )
    with pytest.raises(UserError, match="The paintings are starry-night.*Received: mona-lisa"):
        load_painting("mona-lisa")


@pytest.mark.network
@pytest.mark.parametrize("name", [*paintings.BOARDS])
def test_paintings_have_no_holes(name):
    picture = load_painting(name)
    black = (picture.pixels == 0).all(2).mean()  # what no piece covers
    assert min(picture.size) > 250 and black < 0.02


def test_wheel_photographs_share_nothing():
    splits = wheel_photographs(32)
    names = [set(part.names) for part in (splits.train, splits.valid, splits.test)]
    assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2]) and names[2] == set(TESTED)


@pytest.mark.network
def test_photographs_are_free_and_share_nothing():
    splits = photographs(32)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [64, 6, 7]
    names = {*splits.train.names, *splits.valid.names}
    assert len(names) == 70 and not any(name.startswith(SHARE_ALIKE) for name in names)
