"""From a Parameter to the widget that asks for it, and from what the widget sends to the Parameter's value."""

from __future__ import annotations

import math
import re
from dataclasses import MISSING
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import gradio as gr

from potmeter import media
from potmeter.core.signature import Parameter
from potmeter.errors import UserError, reject
from potmeter.gallery import limits

SLIDER_STEPS, MAX_SLIDER_RANGE = 200, 512
"""Stops of a slider for fractions; the widest range that a slider covers, in its stops or from end to end."""


def is_askable(p: Parameter) -> bool:
    """Whether the page can ask for it: everything but a place on the machine's disk."""
    return p.type is not Path


def make_widget(p: Parameter, owner: type) -> Any:
    """The widget of a Parameter, with its range, its default and what its docstring says."""
    about: dict[str, Any] = {
        "label": p.name.replace("_", " "),
        "info": p.help.replace("``", "`") or None,
        "interactive": True,
    }
    if not p.positional and not p.medium:
        about["elem_classes"] = "setting"
    value = None if p.default is MISSING else p.default
    if p.medium:
        return media_widget(p, about)
    if get_origin(p.type) is Literal or p.choice:
        return gr.Dropdown(list_choices(p, owner), value=value, **about)
    if p.many:
        words = " ".join(map(str, value or ()))
        return gr.Textbox(words, placeholder="several, with spaces between them", **about)
    if p.type is bool:
        return gr.Checkbox(bool(value), **about)
    if p.type in (int, float):
        return number_widget(p, value, about)
    prompt = p.positional and bool(value)
    return gr.Textbox(value or "", lines=3 if prompt else 1, max_lines=12, max_length=limits.MAX_TEXT, **about)


def number_widget(p: Parameter, value: Any, about: dict[str, Any]) -> Any:
    """A slider where the range is one that a hand can hit; otherwise a field."""
    if p.range and value is not None and not p.optional and p.range.high - p.range.low <= MAX_SLIDER_RANGE:
        fine = 1 if p.type is int else round_step((p.range.high - p.range.low) / SLIDER_STEPS)
        return gr.Slider(p.range.low, p.range.high, value=value, step=fine, buttons=[], **about)
    bounds = (p.range.low, p.range.high) if p.range else ()
    low, high = (bound if math.isfinite(bound) else None for bound in bounds) if bounds else (None, None)
    if value is None:
        about |= {"placeholder": "at random" if p.name == "seed" else "none"}
    if p.type is int:
        about |= {"step": 1}
    return gr.Number(value, minimum=low, maximum=high, buttons=[], **about)


def round_step(step: float) -> float:
    """The next smaller of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** int(f"{step:e}".partition("e")[2])
    return next(n * power for n in (5, 2, 1) if n * power <= step * 1.001)


def media_widget(p: Parameter, about: dict[str, Any]) -> Any:
    """The widget for a medium, or a list of them."""
    plain = {key: value for key, value in about.items() if key != "info"}
    if p.type is media.Text and not p.many:
        value = p.default.text if isinstance(p.default, media.Text) else ""
        return gr.Textbox(value, lines=4, max_lines=20, max_length=limits.MAX_TEXT, **about)
    if p.type is media.Image and p.many:
        return gr.Gallery(columns=5, height="auto", object_fit="contain", file_types=["image"], type="filepath",
                          buttons=[], elem_classes="pictures", allow_preview=False, sources=["upload"], **plain)  # fmt: skip
    if p.type is media.Image:
        return gr.Image(type="filepath", image_mode=None, format="png", height=250, buttons=[],
                        sources=["upload", "clipboard"], elem_classes="picture", **plain)  # fmt: skip
    if p.type is media.Audio and not p.many:
        return gr.Audio(type="filepath", sources=["upload", "microphone"], buttons=[], **plain)
    if p.type is media.Video and not p.many:
        return gr.Video(sources=["upload"], buttons=[], **plain)
    kinds, count = list(p.type.suffixes), "multiple" if p.many else "single"
    return gr.File(file_types=kinds, file_count=count, type="filepath", height=110, **plain)  # type: ignore[arg-type]


def list_choices(p: Parameter, owner: object) -> list[Any]:
    """The values of a choice: those of the type, or of the system's attribute, which may need a loaded system."""
    if get_origin(p.type) is Literal:
        return list(get_args(p.type))
    values = getattr(owner, p.choice.attribute, ()) if p.choice else ()
    return [] if isinstance(values, property) else list(values)


def needs_loaded_system(p: Parameter, owner: type) -> bool:
    """Whether only a loaded system knows the values to choose from."""
    return p.choice is not None and not list_choices(p, owner)


def parse_payload(p: Parameter, payload: Any) -> Any:
    """What a widget sent, as the Parameter's value; MISSING where it was left empty.

    Raises:
        UserError: For files that were not uploaded, are too large or of no known kind, and for texts that are too long.
    """
    if isinstance(payload, str):
        limits.check_text(p.name, payload)
    if payload is None or payload == "" or payload == []:
        empty = p.default is not MISSING and (p.type is str and not p.optional) and not p.many and p.choice is None
        return "" if empty and payload == "" else MISSING
    if p.type is media.Text and isinstance(payload, str):
        return media.Text(payload)
    if p.medium and p.many:
        isinstance(payload, list) or reject(f"{p.name} takes a list of files.", payload)
        len(payload) <= limits.MAX_FILES or reject(f"{p.name} takes at most {limits.MAX_FILES} files.", len(payload))
        return [limits.open_upload(p, file_of(item)) for item in payload]
    if p.medium:
        return limits.open_upload(p, file_of(payload))
    if p.many:
        words = payload if isinstance(payload, list) else re.split(r"[\s;]+|,(?![^\[]*\])", str(payload).strip())
        return tuple(parse_value(p, word) for word in words if word != "")
    return parse_value(p, payload)


def parse_value(p: Parameter, payload: Any) -> Any:
    """A single value: numbers from fields are floats, and from lists are words."""
    if p.type in (int, float) and not isinstance(payload, bool):
        try:
            number = float(payload)
            return int(number) if p.type is int and number.is_integer() else number
        except (TypeError, ValueError, OverflowError):
            reject(f"{p.name} takes {'whole numbers' if p.type is int else 'numbers'}.", payload)
    return (
        limits.check_word(p.name, payload)
        if p.type is str and p.choice is None and isinstance(payload, str)
        else payload
    )


def file_of(payload: Any) -> Any:
    """The file in what a widget sent: pictures and videos of a list are wrapped with their captions."""
    for key in ("image", "video"):
        if isinstance(payload, dict) and isinstance(payload.get(key), dict):
            return payload[key]
    return payload


def parse_payloads(declared: list[Parameter], payloads: list[Any]) -> dict[str, Any]:
    """The values of all widgets, in order; empty ones are left out. Raises UserError when a needed one is empty."""
    values = {}
    for p, payload in zip(declared, payloads, strict=True):
        value = parse_payload(p, payload)
        if value is not MISSING:
            values[p.name] = p.convert(value)
        elif p.default is MISSING:
            raise UserError(f"{p.name.replace('_', ' ')} is needed.", received="nothing")
        elif p.optional:
            values[p.name] = None
    return values
