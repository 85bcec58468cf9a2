"""The page is one file that asks for nothing else, and nobody's text becomes markup."""

import re
from html.parser import HTMLParser

import pytest

from potmeter.core.signature import parameters
from potmeter.media import Image, Text
from potmeter.presentation.calls import command_line, python_call
from potmeter.presentation.card import format_duration, list_measurements, list_origins
from potmeter.presentation.facts import first_sentence
from potmeter.presentation.figures import magnification
from potmeter.presentation.markup import prose, tag

from .conftest import entry, page, run

REFERENCES = ("src", "href", "action", "poster", "srcset", "data", "xlink:href", "formaction")


class Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.references, self.handlers, self.open, self.words, self.ids = [], [], [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.references += [value for key, value in attrs if key in REFERENCES]
        self.handlers += [key for key, _ in attrs if key.startswith("on")]
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, "elements are nested"

    def handle_data(self, data):
        self.words += data


@pytest.fixture
def text(catalogue, tmp_path) -> str:
    catalogue(entry("talker", 9, "x"), entry("seer", 11, "a"), entry("breaker", 12, "a", "missing"))
    run(tmp_path / "out")
    return page(tmp_path / "out")


def test_the_page_stands_alone(text):
    reader = Reader(text)
    assert reader.open == []
    assert {"img", "audio", "video", "table"} <= set(reader.tags)
    assert not {"script", "link", "iframe", "object", "base"} & set(reader.tags)
    assert all(r.startswith(("data:", "#")) for r in reader.references)
    assert {r[1:] for r in reader.references if r.startswith("#")} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"url\(|@import|https?:", re.sub(r'"data:[^"]*"', "", text))


def test_hostile_texts_are_shown_not_obeyed(text, fakes):
    reader = Reader(text)
    assert reader.handlers == []
    assert fakes.NASTY in reader.words
    assert "<script" not in text


def test_inputs_outputs_and_calls_are_shown(text):
    assert "<blockquote>It was -- a &lt;truth&gt;</blockquote>" in text
    assert "and 3 more" in text
    words = Reader(text).words
    assert "potmeter run seer.a image.png" in words
    assert 'potmeter.load("seer.a").many("images/", kind="dog")' in words
    assert "potmeter train seer --preset tiny" in words
    assert "10 min 5 s" in words
    assert "This second sentence" not in words


def sketch(self, image: Image, prompt: Text | None = None, *, top_k: int = 5, bright: bool = False, source: str = ""):
    """A typed method."""


def many(self, images: list[Image], *, weights: list[float] = ()):
    """Another."""


@pytest.mark.parametrize(
    ("method", "inputs", "command", "call"),
    [
        (sketch, {"image": "/a/b c.png"}, "x 'b c.png'", '"b c.png"'),
        (sketch, {"image": "a.png", "prompt": "it's", "top_k": 5}, """x a.png 'it'"'"'s'""", '''"a.png", "it's"'''),
        (
            sketch,
            {"image": "a.png", "top_k": 2, "bright": True},
            "x a.png --top-k 2 --bright",
            '"a.png", top_k=2, bright=True',
        ),
        (sketch, {"image": "a.png", "source": "mnist"}, "x a.png --data mnist", '"a.png", source="mnist"'),
        (many, {"images": ["a.png", "b.png"]}, "x a.png b.png", '["a.png", "b.png"]'),
        (many, {"images": ["a.png"] * 4, "weights": [0.5]}, "x images/ --weights 0.5", '"images/", weights=[0.5]'),
    ],
)
def test_calls_are_as_one_would_type_them(method, inputs, command, call):
    declared = parameters(method)
    assert command_line("x", declared, inputs) == f"potmeter run {command}"
    assert python_call("x", "run", declared, inputs) == f'potmeter.load("x").run({call})'


def test_markup_escapes_all_but_markup():
    assert (
        tag("p", "<b>", tag("i", "&"), None, class_='"', aria_label=None)
        == '<p class="&quot;">&lt;b&gt;<i>&amp;</i></p>'
    )
    assert prose("a ``<b>`` and `c`") == "a <code>&lt;b&gt;</code> and <code>c</code>"


def test_cards_of_any_form_are_read():
    card = {
        "metrics": {"accuracy": 0.5},
        "baselines": {"knn_accuracy": 0.25, "odd": 1},
        "recipe": {"seconds": 1, "seed": 3},
    }
    assert list_measurements(card)[1] == [
        ("accuracy", "0.5", False),
        ("knn accuracy", "0.25", True),
        ("odd", "1", True),
    ]
    assert list_origins(card) == [("training time", "1.0 s"), ("recipe", "seed 3")]
    assert list_measurements({"metrics": [1], "recipe": "x"})[1] == list_origins({"metrics": [1], "recipe": "x"}) == []
    assert [format_duration(t) for t in (0.01, 2, 61, 7300)] == ["10 ms", "2.0 s", "1 min 1 s", "2 h 1 min"]


def test_small_pictures_are_enlarged_by_whole_factors():
    assert [magnification(*size) for size in ((28, 28), (100, 100), (255, 8), (451, 300), (1, 1))] == [8, 4, 3, 1, 8]


def test_a_docstring_gives_its_first_sentence():
    assert first_sentence("Looks at 2.5 e.g. things.  Then more.\n\nAnd more.") == "Looks at 2.5 e.g. things."
