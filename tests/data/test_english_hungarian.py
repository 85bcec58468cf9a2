"""Pairs of sentences come out of catalogues and help pages as they stand there, and clean."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potmeter.data.formats.gettext import messages
from potmeter.data.formats.help_pages import named_paragraphs, placed_paragraphs
from potmeter.data.sets.english_hungarian import (
    clean,
    comparison_key,
    english_hungarian,
    is_measured,
    is_translation,
    sentences,
)
from potmeter.errors import UserError


def catalogue(path, pairs, order="<"):
    """A .mo file, by the format's own rules: header, two tables of lengths and places, texts that end in 0."""
    texts = [text.encode() for side in zip(*pairs, strict=True) for text in side]
    place, tables, body = 28 + 16 * len(pairs), b"", b""
    for text in texts:
        tables += struct.pack(f"{order}2I", len(text), place + len(body))
        body += text + b"\0"
    header = struct.pack(f"{order}7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    path.write_bytes(header + tables + body)
    return path


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_catalogue_gives_its_messages_without_contexts_and_header(tmp_path, order):
    pairs = [
        ("", "Language: hu\n"),
        ("Cancel", "Mégse"),
        ("menu\x04Save", "Mentés"),
        ("one file\0many files", "egy fájl\0sok fájl"),
    ]
    found = [*messages(catalogue(tmp_path / "x.mo", pairs, order))]
    assert found == [("Cancel", "Mégse"), ("Save", "Mentés"), ("one file", "egy fájl")]


def test_the_standard_library_reads_the_same(tmp_path):
    from gettext import GNUTranslations

    path = catalogue(tmp_path / "x.mo", [("", "Content-Type: text/plain; charset=UTF-8\n"), ("Save", "Mentés")])
    with path.open("rb") as file:
        theirs = GNUTranslations(file)
    assert [(a, theirs.gettext(a)) for a, _ in messages(path)] == [*messages(path)]


@pytest.mark.parametrize("cut", [0, 3, 20, 40, 60])
def test_a_damaged_catalogue_is_told(tmp_path, cut):
    path = catalogue(tmp_path / "x.mo", [("Cancel", "Mégse"), ("Save", "Mentés")])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UserError, match="Received"):
        [*messages(path)]
    with pytest.raises(UserError, match="cannot be read"):
        [*messages(tmp_path / "missing.mo")]


def test_paragraphs_of_one_name_belong_together(tmp_path):
    page = (
        '<h1 id="hd_id1" dir="auto">{}</h1><p id="par_id2" class="x">{} <b>{}</b> &amp; more.</p><p id="par_id{}">x</p>'
    )
    (tmp_path / "en.html").write_text(page.format("Title", "A", "bold", 3), encoding="utf-8")
    (tmp_path / "hu.html").write_text(page.format("Cím", "Egy", "kövér", 4), encoding="utf-8")
    found = [*named_paragraphs(tmp_path / "en.html", tmp_path / "hu.html")]
    assert found == [("Title", "Cím"), ("A bold & more.", "Egy kövér & more.")]


def test_texts_at_one_place_belong_together_unless_the_pages_differ(tmp_path):
    page = '<page xmlns="http://projectmallard.org/1.0/"><title>{}</title><p>{} <em>x</em></p>{}</page>'
    (tmp_path / "en.page").write_text(page.format("Title", "Text", ""), encoding="utf-8")
    (tmp_path / "hu.page").write_text(page.format("Cím", "Szöveg", ""), encoding="utf-8")
    (tmp_path / "more.page").write_text(page.format("Cím", "Szöveg", "<p>Még</p>"), encoding="utf-8")
    (tmp_path / "broken.page").write_text("<page>", encoding="utf-8")
    assert [*placed_paragraphs(tmp_path / "en.page", tmp_path / "hu.page")] == [
        ("Title", "Cím"),
        ("Text x", "Szöveg x"),
    ]
    assert [*placed_paragraphs(tmp_path / "en.page", tmp_path / "more.page")] == []
    with pytest.raises(UserError, match="no page of help"):
        [*placed_paragraphs(tmp_path / "en.page", tmp_path / "broken.page")]


def test_paragraphs_are_cut_into_sentences_where_both_sides_have_as_many():
    two = ("The elves march. They are many!", "A tündék menetelnek. Sokan vannak!")
    assert [*sentences([two])] == [("The elves march.", "A tündék menetelnek."), ("They are many!", "Sokan vannak!")]
    joined = ("The elves march. They are many!", "A tündék menetelnek, és sokan vannak!")
    assert [*sentences([joined])] == [joined]


@pytest.mark.parametrize(
    ("english", "hungarian"),
    [
        ("Save", "Save"),  # not translated
        ("Value of $name", "$name értéke"),  # a placeholder
        ("See https://example.org", "Lásd: https://example.org"),
        ("Yes", "Ez egy sokkal hosszabb szöveg, mint kellene"),
        ("...", "…"),
        ("word " * 30, "szó " * 30),
    ],
)
def test_what_is_no_translation_of_a_sentence_is_left_out(english, hungarian):
    assert not is_translation(english, hungarian)


def test_markup_and_shortcuts_go():
    assert clean("female^Elvish <i>Archer</i>\n") == "Elvish Archer"
    assert (clean("~File"), clean("_Open"), clean("Fájl_típus")) == ("File", "Open", "Fájl_típus")


@given(st.text(max_size=40))
def test_cleaning_twice_is_cleaning_once_and_keys_ignore_case_and_digits(text):
    assert comparison_key(text.upper().lower()) == comparison_key(text.upper().lower() + " 12!")
    assert "\n" not in clean(text)


@pytest.mark.network
def test_the_pairs_are_many_and_none_that_is_measured_was_trained_on():
    parts = english_hungarian()
    assert len(parts["train"]) > 50_000 and len(parts["valid"]) > 700 and len(parts["test"]) > 700
    known = {comparison_key(side) for pair in parts["train"] for side in pair}
    for part in ("valid", "test"):
        assert not known & {comparison_key(side) for pair in parts[part] for side in pair}
        assert all(is_measured(*pair) for pair in parts[part])
    english = [comparison_key(a) for part in parts.values() for a, _ in part]
    assert len(english) == len(set(english))
