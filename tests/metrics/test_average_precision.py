"""Average precision: what is right counts, what is wrong or twice does not."""

import math

import numpy as np
import pytest

from potmeter.media.run_lengths import encode_run_lengths
from potmeter.metrics.average_precision import average_precision


def square(x, y, side=10):
    mask = np.zeros((40, 40), bool)
    mask[y : y + side, x : x + side] = True
    return {"bbox": [x, y, side, side], "segmentation": encode_run_lengths(mask)}


def truth(*things):
    return {
        "info": {},
        "images": [{"id": 1, "width": 40, "height": 40}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": label, "iscrowd": crowd, "area": 100, **where}
            for n, (label, where, crowd) in enumerate(things, 1)
        ],
    }


def found(label, where, score=0.9):
    return {"image_id": 1, "category_id": label, "score": score, **where}


@pytest.mark.parametrize("kind", ["segm", "bbox"])
def test_average_precision_is_coco_s(kind):
    there = truth((1, square(2, 2), 0), (2, square(20, 20), 0))
    both = [found(1, square(2, 2)), found(2, square(20, 20))]
    assert average_precision(there, both, kind) == pytest.approx((1.0, 1.0))
    assert average_precision(there, both[:1], kind) == pytest.approx((0.5, 0.5)), "the mean over the classes"
    assert average_precision(there, [found(2, square(2, 2)), found(1, square(20, 20))], kind) == (0.0, 0.0)
    loose = average_precision(there, [found(1, square(4, 2)), found(2, square(20, 20))], kind)
    # 80 of 120 pixels overlap: right at .50, .55, .60 and .65, wrong from .70 on
    assert loose == pytest.approx(((0.4 + 1) / 2, 1.0))
    ahead = average_precision(there, [*both, found(1, square(25, 2), 0.95)], kind)
    behind = average_precision(there, [*both, found(1, square(25, 2), 0.1)], kind)
    assert ahead[0] < 0.9 and behind[0] == pytest.approx(1)


def test_a_crowd_counts_neither_way_and_nothing_is_no_number():
    there = truth((1, square(2, 2), 0), (1, square(20, 20), 1))
    assert average_precision(there, [found(1, square(2, 2)), found(1, square(21, 21, 8), 0.95)], "segm")[
        0
    ] == pytest.approx(1)
    assert average_precision(there, [], "segm") == (0.0, 0.0)
    assert math.isnan(average_precision(truth(), [], "segm")[0])
    assert math.isnan(average_precision(truth(), [found(1, square(2, 2))], "segm")[0])
