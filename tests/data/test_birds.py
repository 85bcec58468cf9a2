"""Drawn birds: the sentences state what is so, the pictures show it, and the test part has what no other has."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from potmeter.data.sets.bird_anatomy import ATTRIBUTES, COLOURS, OUTLINES, PARTS, Bird, draw_bird, is_tested_pair
from potmeter.data.sets.bird_drawing import bird_svg
from potmeter.data.sets.bird_grammar import describe
from potmeter.data.sets.birds import bird_part, few_birds, render
from potmeter.systems.generative.stackgan.sentences import split_words

BLUE = Bird(
    outline="finch", crown="blue", back="blue", wing="blue", belly="white", throat="white", beak_colour="grey",
    beak_length="short", beak_shape="pointed", pattern="plain", tail="short", place="branch", eye_ring=False, wing_bars=False,
    seed=1,
)  # fmt: skip


def test_colours_of_back_and_belly_come_together_in_one_part_only():
    splits = few_birds(64)
    pairs = {
        name: {(b.back, b.belly) for b in getattr(splits, name).source.birds} for name in ("train", "valid", "test")
    }
    assert not pairs["test"] & (pairs["train"] | pairs["valid"])
    assert all(is_tested_pair(*pair) for pair in pairs["test"])
    colours = [{colour for pair in pairs[name] for colour in pair} for name in ("train", "test")]
    assert colours == [set(COLOURS)] * 2, "every colour itself is known"


def test_a_bird_is_the_same_in_every_run_and_at_every_size():
    first, again = (bird_part("valid", 3, 64) for _ in range(2))
    assert first.source.birds == again.source.birds and first.captions == again.captions
    assert first.fingerprint() == again.fingerprint() != bird_part("valid", 3, 32).fingerprint()
    large = torch.nn.functional.avg_pool2d(first.source.at(256).read(0).float(), 4)
    assert (large - first.source.read(0).float()).abs().mean() < 4


@pytest.mark.parametrize("unseen", [False, True])
def test_a_sentence_states_only_what_is_so_and_names_it(unseen):
    for number in range(300):
        rng = np.random.default_rng(number)
        bird = draw_bird(rng, tested=bool(number % 2))
        said = describe(bird, rng, unseen=unseen)
        assert said.facts
        for name, value in said.facts.items():
            own = getattr(bird, name)
            assert value == ({True: "yes", False: "no"}[own] if isinstance(own, bool) else own)
            assert value in ATTRIBUTES[name]
            assert name not in PARTS or value in said.text.split() or f"{value}," in said.text


def test_test_sentences_have_known_words_in_orders_that_are_not_trained_on():
    train, test = bird_part("train", 600, 64), bird_part("test", 200, 64)
    trained, tested = ([text for each in part.captions for text in each["en"]] for part in (train, test))
    known = {word for text in trained for word in split_words(text)}
    assert {word for text in tested for word in split_words(text)} <= known
    new = [text for text in tested if text.startswith("with ") or " of this bird " in text]
    assert 0.3 < len(new) / len(tested) < 0.5
    assert not any(text.startswith("with ") or " of this bird " in text for text in trained)


def test_the_grammar_speaks_as_the_slide_does():
    texts = {describe(BLUE, np.random.default_rng(seed)).text for seed in range(3000)}
    assert "this bird is blue with white and has a very short beak" in texts
    assert len(texts) > 2000


def test_what_a_sentence_states_stands_in_the_table():
    part = bird_part("test", 20, 64)
    for stated, values, said in zip(part.stated, part.attributes, part.all_descriptions, strict=True):
        known = stated >= 0
        assert torch.equal(stated[known], values[known]) and int(known.sum()) == len(said[0].facts)
    chosen = part.select([3, 1])
    assert torch.equal(chosen.stated, part.stated[[3, 1]]) and torch.equal(chosen.attributes, part.attributes[[3, 1]])


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_another_colour_changes_the_picture_and_only_there(part):
    other = replace(BLUE, **{part: "red"})
    change = (render(bird_svg(other), 128).float() - render(bird_svg(BLUE), 128).float()).abs().sum(0)
    assert 0.003 < (change > 60).float().mean() < 0.3


@pytest.mark.parametrize("outline", OUTLINES)
def test_every_kind_of_bird_fits_into_its_picture(outline):
    for seed in range(4):
        bird = replace(BLUE, outline=outline, tail="long", beak_length="long", belly="red", crown="red", back="red",
                       wing="red", throat="red", place="snow", seed=seed)  # fmt: skip
        red, green, _ = render(bird_svg(bird), 128).float()
        body = red - green > 90
        assert body.float().mean() > 0.06 and not body[0].any() and not body[:, 0].any() and not body[:, -1].any()
