"""Photographs given to weights that know only drawings are told; drawings, and other weights, are not."""

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from potmeter.data.domain_shift import note_domain_shift
from potmeter.data.samples import sample
from potmeter.media import Image
from potmeter.notices import drop_notes, pending


def drawing():
    picture = PIL.Image.new("RGB", (64, 64), "lightblue")
    PIL.ImageDraw.Draw(picture).ellipse((12, 8, 52, 60), "peachpuff", "black")
    return Image(np.array(picture))


@pytest.mark.parametrize(
    ("images", "dataset", "told"),
    [
        ([sample("astronaut")], "faces", True),
        ([drawing(), sample("cat")], "faces", True),
        ([drawing()], "faces", False),
        ([sample("astronaut")], "photos4", False),
        ([sample("astronaut")], "own data", False),
    ],
)
def test_a_photograph_is_told_where_only_drawings_were_seen(images, dataset, told):
    drop_notes()
    note_domain_shift(images, dataset)
    assert ("trained on drawn faces of nobody" in " ".join(pending.values())) == told
