"""Demos: what a system's ``demo.py`` describes, drawn on the page and answered over HTTP."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Iterator
from typing import Any

from potmeter.core.demo import Board, Demo, Knobs, Plane, Sketch, Words
from potmeter.errors import reject
from potmeter.gallery.model_cache import ModelCache
from potmeter.gallery.outputs import render_result
from potmeter.media import Image, data_uri
from potmeter.presentation.markup import Html, prose, tag
from potmeter.registry import Entry

MAX_SKETCH = 300_000
"""Characters of a drawing that is sent."""


def has_demo(entry: Entry) -> bool:
    """Whether there is a ``demo.py`` in the system's folder."""
    return (entry.source / "demo.py").is_file()


def load_demo(entry: Entry, thing: Any) -> Demo | None:
    """What the system's ``demo.py`` says of these weights."""
    if not has_demo(entry):
        return None
    demo = entry.import_module("demo").demo(thing)
    return demo if isinstance(demo, Demo) or demo is None else reject("demo gives a Demo or None.", type(demo).__name__)


# On the page -----------------------------------------------------------------------------------------------------


def render_demo(demo: Demo, address: str) -> Html:
    """A demo as HTML, which ``demos.js`` brings to life; it asks ``address`` for what to show."""
    touched = "answer" if isinstance(demo, Board) else None
    buttons = [tag("button", name, type="button", data_action=name) for name in demo.actions if name != touched]
    if isinstance(demo, Knobs):
        hand, kind = render_knobs(demo), "knobs"
    elif isinstance(demo, Plane):
        hand, kind = render_plane(demo), "plane"
    elif isinstance(demo, Board):
        hand, kind = render_board(demo), "board"
    elif isinstance(demo, Words):
        hand, kind = (
            tag("textarea", demo.start, maxlength=demo.max_length, rows=9, spellcheck="false", aria_label="a text"),
            "words",
        )
    else:
        kind = "sketch"
        pen = demo.pen_width if isinstance(demo, Sketch) else 0.07
        hand = tag("canvas", width=280, height=280, data_pen=pen, aria_label="a sheet to draw on")
        buttons.append(tag("button", "Clear", type="button", class_="clear"))
    left = tag("div", hand, tag("p", *buttons, class_="buttons") if buttons else None, class_="hand")
    right = tag("div", class_="shown", aria_live="polite")
    return tag("div", tag("p", prose(demo.help), class_="about"), tag("div", left, right, class_="both"),
               class_=f"demo {kind}", data_address=address, data_title=demo.title)  # fmt: skip


def render_plane(demo: Plane) -> Html:
    """The map with the point."""
    corners = json.dumps([*demo.low, *demo.high])
    picture = tag("img", src=data_uri(demo.map, ".png"), alt="", draggable="false")
    return tag("div", picture, tag("i"), class_="map", tabindex=0, role="application", data_corners=corners,
               data_start=json.dumps(demo.start), aria_label="a map: drag the point, or use the arrow keys")  # fmt: skip


def render_knobs(demo: Knobs) -> Html:
    """A slider for each knob, with its name and its value."""
    sliders = [
        tag("label", tag("span", name),
            tag("input", type="range", min=low, max=high, step=(high - low) / 400, value=f"{value:.4f}", data_value=value),
            tag("output", f"{value:+.2f}" if low < 0 else f"{value:.2f}"))
        for name, (low, high), value in zip(demo.names, demo.bounds, demo.start, strict=True)
    ]  # fmt: skip
    return tag("div", *sliders, class_="sliders")


def render_board(demo: Board) -> Html:
    """The cells of a board, over the picture that comes from the server: each a button, reached by the arrow keys too."""
    cells = [
        tag("button", type="button", data_move=column if demo.by_column else row * demo.columns + column,
            aria_label=f"row {row + 1}, column {column + 1}", tabindex=0 if row == column == 0 else -1)
        for row in range(demo.rows) for column in range(demo.columns)
    ]  # fmt: skip
    left, top, right, bottom = (f"{100 * margin:.3f}%" for margin in demo.margins)
    place = f"left: {left}; top: {top}; right: {right}; bottom: {bottom}; --columns: {demo.columns}"
    return tag("div", tag("img", alt=""), tag("div", *cells, class_="cells", style=place), class_="table")


# Over HTTP -------------------------------------------------------------------------------------------------------


class Demos:
    """Answers what the page asks while a hand moves."""

    def __init__(self, models: ModelCache) -> None:
        self.models = models

    def get(self, entry: Entry, weights: str | None) -> Demo | None:
        """The demo of loaded weights, described once for as long as they stay loaded; None when they have none."""
        return self.models.derive(entry, weights, "demo", load_demo) if has_demo(entry) else None

    def require(self, entry: Entry, weights: str | None) -> Demo:
        """The demo. Raises UserError when there is none."""
        return self.get(entry, weights) or reject("These weights have nothing to touch.", weights)

    def show(self, entry: Entry, weights: str | None, value: Any) -> dict[str, Any]:
        """What a value looks like."""
        demo = self.require(entry, weights)
        return {"html": render_result(demo.show(demo.check(parse_value(demo, value))))}

    def run_action(self, entry: Entry, weights: str | None, value: Any, action: Any) -> Iterator[dict[str, Any]]:
        """What becomes of a value when a button is pressed: ever new ones, and what each looks like."""
        demo = self.require(entry, weights)
        action in demo.actions or reject(f"The buttons are {', '.join(demo.actions) or 'none'}.", action)
        for new, shown in demo.actions[action](demo.check(parse_value(demo, value))):
            yield {"value": new, "html": render_result(shown)}


def parse_value(demo: Demo, value: Any) -> Any:
    """What the page sent, as the demo's value: drawings come as PNG in base64."""
    if not isinstance(demo, Sketch):
        return value
    (isinstance(value, str) and len(value) <= MAX_SKETCH) or reject(
        "A sketch is a small PNG in base64.", type(value).__name__
    )
    import PIL.Image

    try:
        with PIL.Image.open(io.BytesIO(base64.b64decode(value.partition(",")[2])), formats=["PNG"]) as picture:
            max(picture.size) <= 1024 or reject("A sketch has at most 1024 pixels a side.", picture.size)
            return Image.from_pil(picture)
    except (binascii.Error, OSError, SyntaxError, ValueError):
        reject("A sketch is a small PNG in base64.", value)
