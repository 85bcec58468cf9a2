"""From a typed method come its parameters; what does not fit them is a UserError."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fixtures.line import Line
from potmeter.core.signature import (
    MISSING,
    Choice,
    Range,
    parameters,
    parse_annotation,
    parse_argument_docs,
    task,
    tasks,
    validate_arguments,
)
from potmeter.errors import UserError
from potmeter.media import Image, Text


class Thing:
    """With one parameter of each kind."""

    animals = ("cat", "dog")

    @validate_arguments
    def run(
        self,
        picture: Image,
        texts: list[Text] = (),
        *,
        count: Annotated[int, Range(1, 9)] = 3,
        scale: Annotated[float, Range(0, 2)] | None = None,
        mode: Literal["fast", "good"] = "fast",
        animal: Annotated[str, Choice("animals")] = "cat",
        quick: bool = False,
        where: Path | None = None,
        sizes: tuple[int, ...] = (1, 2),
    ):
        """Do it.

        Args:
            picture: what is looked at,
                closely
            count: how often

        Returns:
            scale: not an argument
        """
        return locals()

    @task
    def other(self):
        """Something else."""


PICTURE = Image(np.zeros((2, 2, 3), np.uint8))


def call(**values):
    return Thing().run(**{"picture": PICTURE} | values)


def test_parameters_say_what_every_face_needs():
    known = {p.name: p for p in parameters(Thing.run)}
    assert list(known) == ["picture", "texts", "count", "scale", "mode", "animal", "quick", "where", "sizes"]
    assert known["picture"].positional and known["picture"].medium and known["picture"].default is MISSING
    assert known["picture"].help == "what is looked at, closely" and known["scale"].help == ""
    assert known["texts"].positional and known["texts"].many and known["texts"].type is Text
    assert known["count"].range == Range(1, 9) and not known["count"].positional and known["count"].default == 3
    assert known["scale"].optional and known["scale"].type is float and known["scale"].range == Range(0, 2)
    assert known["animal"].choice == Choice("animals") and known["where"].type is Path and known["sizes"].many


@pytest.mark.parametrize("annotation", [int | str, dict[str, int], object, torch.Tensor, bytes])
def test_types_that_no_face_can_offer_are_a_mistake_of_ours(annotation):
    with pytest.raises(TypeError, match="thing: "):
        parse_annotation("thing", annotation)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0), ("count", 10), ("count", 2.0), ("count", "3"), ("count", True), ("count", None),
        ("scale", -0.1), ("scale", 2.1), ("scale", float("nan")), ("scale", float("inf")), ("scale", "1"), ("scale", True),
        ("mode", "best"), ("mode", 1), ("animal", "cow"), ("animal", 7), ("quick", 1), ("quick", "yes"), ("where", 3),
        ("sizes", 5), ("sizes", [1, "2"]), ("sizes", "12"), ("picture", 3), ("picture", None),
        ("picture", torch.zeros(2, 2, 2)), ("picture", "missing.png"), ("texts", [3]), ("texts", {"a": 1}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_with_its_name(name, value):
    with pytest.raises(UserError, match=r"Received: \S"):
        call(**{name: value})
    if name not in ("picture", "texts"):
        with pytest.raises(UserError, match=f"^{name} "):
            call(**{name: value})


@given(st.integers(1, 9), st.floats(0, 2))
def test_what_fits_arrives_unchanged(count, scale):
    values = call(count=count, scale=scale, mode="good", animal="dog", quick=True)
    assert (values["count"], values["scale"], values["mode"], values["animal"], values["quick"]) == (
        count,
        scale,
        "good",
        "dog",
        True,
    )


def test_values_are_converted_to_the_declared_types(tmp_path):
    values = call(scale=1, where="a/b", sizes=[4, 5], texts=["one", Text("two")])
    assert isinstance(values["scale"], float) and values["where"] == Path("a/b") and values["sizes"] == (4, 5)
    assert [text.text for text in values["texts"]] == ["one", "two"]


def test_a_picture_comes_from_whatever_a_user_has(tmp_path):
    path = PICTURE.save(tmp_path / "x.png")
    array = np.zeros((2, 2, 3), np.uint8)
    for value in (
        PICTURE,
        path,
        str(path),
        PIL.Image.new("RGB", (2, 2)),
        array,
        torch.zeros(3, 2, 2),
        torch.zeros(2, 2),
    ):
        assert np.array_equal(call(picture=value)["picture"].pixels, PICTURE.pixels)


def test_a_text_is_a_files_content_or_itself(tmp_path):
    Text("inside").save(tmp_path / "t.txt")
    texts = call(texts=[str(tmp_path / "t.txt"), "x" * 5000, "with\0null", ""])["texts"]
    assert [text.text for text in texts] == ["inside", "x" * 5000, "with\0null", ""]


def test_a_folder_is_its_files_in_order(tmp_path):
    for name in ("b.txt", "a.txt", ".hidden.txt", "c.png"):
        (tmp_path / name).write_text(name)
    for value in (tmp_path, [tmp_path], str(tmp_path)):
        assert [text.text for text in call(texts=value)["texts"]] == ["a.txt", "b.txt"]
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match=r"holds no file of kind \.txt"):
        call(texts=tmp_path / "none")


def test_tasks_are_run_and_the_marked_methods():
    assert list(tasks(Thing)) == ["run", "other"] and list(tasks(Line)) == ["run", "curve"]


def test_a_system_validates_run_and_tasks():
    line = Line(Line.Config()).eval()
    with pytest.raises(UserError, match="x must lie between -1 and 1. Received: 3"):
        line.run(3)
    with pytest.raises(UserError, match="points must lie between 2 and 1000. Received: 1"):
        line.curve(points=1)


def test_argument_docs_end_with_their_section():
    assert parse_argument_docs("One.\n\nArgs:\n    a: first: really\n    b: second\n\nReturns:\n    c: no\n") == {
        "a": "first: really",
        "b": "second",
    }


@pytest.mark.parametrize(
    ("bounds", "says", "inside", "outside"),
    [
        (Range(0, 2), "must lie between 0 and 2", (0, 1.5, 2), (-0.1, 2.1)),
        (Range(1), "must be at least 1", (1, 1e9), (0.9, -5)),
        (Range(high=0.5), "must be at most 0.5", (-7, 0.5), (0.6,)),
        (Range(0, open="low"), "must be positive", (1e-9, 3), (0, -1)),
        (Range(0, 1, open="high"), "must be at least 0 and below 1", (0, 0.999), (1, -1)),
        (Range(0, 2**31, open="both"), "must be positive and below 2,147,483,648", (1, 2**31 - 1), (0, 2**31)),
    ],
)
def test_bounds_say_what_they_hold(bounds, says, inside, outside):
    parameter = parse_annotation("x", Annotated[float, bounds], default=None)
    for value in inside:
        assert parameter.convert(float(value)) == value
    for value in outside:
        with pytest.raises(UserError, match=f"^x {says}. Received: "):
            parameter.convert(float(value))
