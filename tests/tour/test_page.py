"""The page is one file that asks for nothing else, and nobody's text becomes markup."""

import importlib
import re
import shlex
from html.parser import HTMLParser

import pytest

from potmeter import registry
from potmeter.cli.train import flags_of
from potmeter.core.signature import parameters
from potmeter.media import Image, Table, Text
from potmeter.presentation.calls import command_line, python_call
from potmeter.presentation.card import (
    format_duration,
    list_measurements,
    list_provenance,
    read_card,
    read_measurements,
)
from potmeter.presentation.errors import FETCHERS
from potmeter.presentation.facts import add_class_facts, collect_facts, first_sentence
from potmeter.presentation.figures import magnification, make_figure
from potmeter.presentation.flags import flag_name
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
    assert not {"link", "iframe", "object", "base"} & set(reader.tags)
    assert reader.tags.count("script") == 1, "the page's own keys; it reads as well without"
    assert all(r.startswith(("data:", "#")) for r in reader.references)
    assert {r[1:] for r in reader.references if r.startswith("#")} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert not re.search(r"url\(|@import|https?:|fetch\(", re.sub(r'"data:[^"]*"', "", text))


def test_hostile_texts_are_shown_not_obeyed(text, fakes):
    reader = Reader(text)
    assert reader.handlers == []
    assert fakes.NASTY in reader.words
    assert text.count("<script") == 1 and "alert" not in text[text.index("<script") :]


def test_inputs_outputs_and_calls_are_shown(text):
    assert "<blockquote>It was -- a &lt;truth&gt;</blockquote>" in text
    assert "and 3 more" in text
    words = Reader(text).words
    assert "potmeter run seer.a files/seer.a-image.png" in words
    assert 'potmeter.load("seer.a").many("files/seer.a-many-images/", kind="dog")' in words
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
        (many, {"images": "files/x/"}, "x files/x/", '"files/x/"'),
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
        "training": {"seconds": 1, "seed": 3},
    }
    assert list_measurements(card)[1] == [
        ("accuracy", "0.5", False),
        ("knn", "0.25", True),
        ("odd", "1", True),
    ]
    label = {"accuracy": "share right", "knn": "nearest picture"}.get
    assert list_measurements(card, lambda name: label(name, name))[1] == [
        ("share right", "0.5", False),
        ("nearest picture", "0.25", True),
        ("odd", "1", True),
    ]
    assert list_provenance(card) == [("training time", "1.0 s"), ("training", "seed 3")]
    assert (
        list_measurements({"metrics": [1], "training": "x"})[1]
        == list_provenance({"metrics": [1], "training": "x"})
        == []
    )
    assert [format_duration(t) for t in (0.01, 2, 61, 7300)] == ["10 ms", "2.0 s", "1 min 1 s", "2 h 1 min"]


def test_small_pictures_are_enlarged_by_whole_factors():
    assert [magnification(*size) for size in ((28, 28), (100, 100), (255, 8), (451, 300), (1, 1))] == [8, 4, 3, 1, 8]


def test_a_docstring_gives_its_first_sentence():
    assert first_sentence("Looks at 2.5 e.g. things.  Then more.\n\nAnd more.") == "Looks at 2.5 e.g. things."


def test_a_baseline_belongs_to_the_longest_metric_that_its_name_ends_in():
    card = {"metrics": {"bleu": 9.0, "en_hu_bleu": 8.0}, "baselines": {"nearest_en_hu_bleu": 1.0, "nearest_bleu": 2.0}}
    assert [name for name, *_ in list_measurements(card)[1]] == ["bleu", "nearest", "en hu bleu", "nearest"]


def test_every_metric_of_shipped_weights_has_a_name_for_reading():
    """Not ``en hu bleu`` but BLEU, English → Hungarian."""
    for found in registry.entries().values():
        cards = (
            [read_card(found.name, tag) for tag in found.weights]
            if found.kind == "system"
            else [read_measurements(found)]
        )
        for card in cards:
            rows = list_measurements(card, found.label)[1]
            words = {word.strip(",") for name, _, _ in rows for word in name.replace("_", "_ ").split()}
            assert not words & {"bleu", "chrf", "mse", "nll", "elbo", "ppl", "frechet", "fgsm", "pgd", "hu", "pca"}, (
                rows
            )
            assert not [word for word in words if word.endswith("_")], rows


def test_a_long_table_and_a_code_are_folded_and_nothing_is_lost():
    table = make_figure(Table(("n",), [(n,) for n in range(40)]), rows=8)
    before, fold, inside = table.html.partition("<details>")
    assert fold and before.count("<tr>") == 9 and inside.count("<tr>") == 41 and len(table.json) == 40
    short = make_figure(Table(("n",), [(n,) for n in range(9)]), rows=8)
    assert "<details>" not in short.html and short.html.count("<tr>") == 10
    code = make_figure(Text("x" * 3000))
    assert code.kind == "text code" and code.html.startswith("<details><summary>a code of 3,000 characters</summary>")


@pytest.mark.parametrize("name", [name for name, found in registry.entries().items() if found.kind == "system"])
def test_what_to_try_next_is_true_of_the_system(name):
    found = registry.entries()[name]
    commands = [
        shlex.split(command) for command, _ in add_class_facts(collect_facts(found, None), found.load(), found).next
    ]
    data = next((words for words in commands if "--data" in words), [])
    if not data:  # a system whose data are made, not read
        assert "source" not in {p.name for p in parameters(found.load().data)}
        return
    assert data[data.index("--data") + 1] == {
        "gpt2": "FOLDER", "word2vec": "FOLDER", "translator": "FILE.txt", "blackbox": "TABLE.csv",
    }.get(name, "FOLDER")  # fmt: skip
    assert ("--target-file" in data) == (name == "translator")
    for words in commands:
        if words[1] == "train":
            flags, _ = flags_of(found, found.load().presets["tiny"])
            known = {f"--{flag_name(p.name)}" for p in flags_of(found, found.load().presets["tiny"])[1]}
            assert {word for word in words if word.startswith("--")} <= known | {"--preset", "--budget"} and flags


def test_what_other_weights_give_again_is_shown_once(catalogue, tmp_path):
    catalogue(entry("seer", 11, "a", "b"))
    run(tmp_path / "out")
    text = page(tmp_path / "out")
    assert text.count("<article") == 3 and "seer.a" in text and 'id="seer.b"' in text


@pytest.mark.parametrize(("module", "function"), sorted(FETCHERS, key=str))
def test_the_places_that_fetch_exist(module, function):
    assert function is None or callable(getattr(importlib.import_module(module), function))
