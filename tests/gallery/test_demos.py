"""Demos as HTML: what a hand moves is bounded as the demo says."""

import re

from potmeter.core.demo import Knobs
from potmeter.gallery.demos import render_demo
from potmeter.media import Text


def sliders(low, high):
    """The sliders of two knobs: where each begins and ends, how fine it is, and the number beside it."""
    demo = Knobs(
        title="turn", help="", names=("a", "b"), low=low, high=high, start=(2.0, 0.5), show=lambda v: Text(str(v))
    )
    html = render_demo(demo, "demo")
    found = [
        [float(re.search(rf'{key}="(.*?)"', one)[1]) for key in ("min", "max", "step")]
        for one in html.split("<label")[1:]
    ]
    return found, re.findall(r"<output>(.*?)</output>", html)


def test_all_sliders_have_the_same_bounds_or_each_its_own():
    assert sliders(-8, 8) == ([[-8, 8, 0.04]] * 2, ["+2.00", "+0.50"])
    assert sliders((1, -1), (21, 1)) == ([[1, 21, 0.05], [-1, 1, 0.005]], ["2.00", "+0.50"])
    assert sliders(0, (4, 1)) == ([[0, 4, 0.01], [0, 1, 0.0025]], ["2.00", "0.50"])
