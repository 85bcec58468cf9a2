"""Each Parameter becomes the widget that asks for it, and what that sends becomes the value."""

from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Literal

import gradio as gr
import pytest

from potmeter.core.signature import Choice, Range, parameters
from potmeter.errors import UserError
from potmeter.gallery.links import make_query, parse_value
from potmeter.gallery.widgets import (
    is_askable,
    make_widget,
    needs_loaded_system,
    parse_payload,
    parse_payloads,
    round_step,
)
from potmeter.media import Audio, Image, Table, Text, Video


class Owner:
    fixed = ("x", "y")

    @property
    def loaded(self):
        return ["later"]


def run(
    prompt: str, image: Image, images: list[Image], text: Text, sound: Audio, film: Video, table: Table | None = None, *,
    count: Annotated[int, Range(1, 400)] = 64, share: Annotated[float, Range(0, 1)] = 0.5,
    many: Annotated[int, Range(1, 10**6)] = 1000, seed: int | None = None, top: int | None = 40, on: bool = True,
    kind: Literal["a", "b"] = "b", fixed: Annotated[str, Choice("fixed")] = "y",
    loaded: Annotated[str, Choice("loaded")] | None = None, sizes: tuple[int, ...] = (8, 8), names: tuple[str, ...] = (),
    place: Path | None = None,
) -> Text:  # fmt: skip
    """Do it.

    Args:
        count: how ``many``
    """


P = {p.name: p for p in parameters(run)}


@pytest.mark.parametrize(
    ("name", "kind", "props"),
    [
        ("prompt", gr.Textbox, {}),
        ("image", gr.Image, {"type": "filepath"}),
        ("images", gr.Gallery, {}),
        ("text", gr.Textbox, {"lines": 4}),
        ("sound", gr.Audio, {}),
        ("film", gr.Video, {}),
        ("table", gr.File, {"file_types": [".csv", ".tsv"]}),
        ("count", gr.Slider, {"minimum": 1, "maximum": 400, "step": 1, "value": 64, "info": "how `many`"}),
        ("share", gr.Slider, {"minimum": 0, "maximum": 1, "step": 0.005}),
        ("many", gr.Number, {"minimum": 1, "maximum": 10**6, "value": 1000}),
        ("seed", gr.Number, {"value": None, "placeholder": "at random"}),
        ("top", gr.Number, {"value": 40}),
        ("on", gr.Checkbox, {"value": True}),
        ("kind", gr.Dropdown, {"value": "b"}),
        ("fixed", gr.Dropdown, {"value": "y"}),
        ("loaded", gr.Dropdown, {"choices": []}),
        ("sizes", gr.Textbox, {"value": "8 8"}),
    ],
)
def test_the_widget_fits_the_type_the_range_and_the_default(name, kind, props):
    made = make_widget(P[name], Owner)
    assert type(made) is kind
    for key, value in props.items():
        assert getattr(made, key) == value, key


def test_places_on_the_disk_are_not_asked_for_and_late_choices_are_known():
    assert not is_askable(P["place"]) and all(is_askable(p) for name, p in P.items() if name != "place")
    assert (
        needs_loaded_system(P["loaded"], Owner)
        and not needs_loaded_system(P["fixed"], Owner)
        and not needs_loaded_system(P["kind"], Owner)
    )


@pytest.mark.parametrize(
    ("name", "sent", "value"),
    [
        ("prompt", "Once", "Once"), ("text", "/etc/passwd", "/etc/passwd"), ("count", 7.0, 7), ("count", "7", 7),
        ("share", 1, 1.0), ("seed", None, MISSING), ("top", None, MISSING), ("on", False, False), ("sizes", "3, 4", (3, 4)),
        ("sizes", "12 7;5", (12, 7, 5)), ("names", "layer1.weight[0,1]=0.5 layer1.bias[0]=1",
                                          ("layer1.weight[0,1]=0.5", "layer1.bias[0]=1")),
        ("images", [], MISSING), ("image", None, MISSING),
    ],
)  # fmt: skip
def test_what_a_widget_sends_becomes_the_value(name, sent, value):
    got = parse_payload(P[name], sent)
    assert (got.text if isinstance(got, Text) else got) == value


@pytest.mark.parametrize(("name", "sent"), [("count", "many"), ("count", 1.5), ("count", 500), ("share", float("nan")),
                                            ("kind", "c"), ("on", "yes"), ("sizes", "a b"), ("prompt", "/etc/passwd"),
                                            ("image", "/etc/passwd"), ("images", [{"image": {"path": "/etc/passwd"}}]),
                                            ("images", "x"), ("count", True), ("count", {"a": 1})])  # fmt: skip
def test_nonsense_is_refused(name, sent):
    with pytest.raises(UserError):
        parse_payloads([P[name]], [sent])


def test_what_is_needed_must_be_there_and_what_is_optional_may_be_empty():
    with pytest.raises(UserError, match="image is needed"):
        parse_payloads([P["image"]], [None])
    assert parse_payloads([P["top"], P["count"], P["names"]], [None, None, ""]) == {"top": None}


def test_steps_of_a_slider_are_round():
    assert [round_step(step) for step in (0.005, 0.0049, 1, 0.7, 34, 0.01)] == [0.005, 0.002, 1, 0.5, 20, 0.01]


def test_an_address_brings_the_same_values_back():
    names = ["prompt", "count", "share", "seed", "on", "kind", "sizes", "top", "names"]
    declared = [P[name] for name in names]
    sent = ["A & b=c? é", 12, 0.25, 7, False, "a", "3 4", None, "1 2"]
    query = make_query("digits", "plane", declared, sent, {})
    from urllib.parse import parse_qs

    found = {key: value[0] for key, value in parse_qs(query[1:], keep_blank_values=True).items()}
    assert found.pop("weights") == "digits" and found.pop("task") == "plane"
    back = [parse_value(p, found[p.name]) if p.name in found else p.default for p in declared]
    assert back == sent


def test_an_address_says_nothing_of_defaults_and_uploads_and_stays_short():
    assert make_query(None, "run", [P["count"], P["image"]], [64, {"path": "/x"}], {}) == ""
    assert make_query(None, "run", [P["image"]], [{"path": "/x"}], {"image": "example-2"}) == "?image=example-2"
    assert len(make_query("a", "run", [P["prompt"], P["count"]], ["x" * 9000, 3], {})) < 100


def test_nonsense_in_an_address_does_no_harm():
    for text in ("[1,2]", "{}", "x", "9" * 400, "[" * 10_000, "NaN"):
        for name in ("count", "on", "sizes", "kind", "prompt"):
            assert isinstance(parse_value(P[name], text), str | int | float | None), "a plain value, or nothing"
