"""CIDEr and BLEU-4 are those of COCO's evaluation."""

import random

import numpy as np
import pytest

from potmeter.errors import UserError
from potmeter.metrics.captions import bleu4, cider

WORDS = ["a", "the", "cat", "dog", "red", "blue", "on", ",", "left", "of", "two", "mat", "runs", "sees"]


def corpus():
    rng = random.Random(0)

    def sentence():
        return [rng.choice(WORDS) for _ in range(rng.randint(1, 12))]

    references = [[sentence() for _ in range(rng.randint(1, 5))] for _ in range(40)]
    candidates = [
        (rng.choice(some)[: rng.randint(1, 9)] + sentence()[:3]) if rng.random() < 0.8 else sentence()
        for some in references
    ]
    return candidates, references


def test_they_are_what_pycocoevalcap_gives():
    """Its version 1.2 gave these figures for these captions."""
    candidates, references = corpus()
    assert cider(candidates, references).mean() == pytest.approx(1.8433387722202323, abs=1e-12)
    assert bleu4(candidates, references) == pytest.approx(46.82977917387732, abs=1e-8)


def test_they_are_pycocoevalcap_s_where_it_is_installed():
    cider_module = pytest.importorskip("pycocoevalcap.cider.cider", reason="pycocoevalcap is a peer of the benchmarks")
    candidates, references = corpus()
    texts = {number: [" ".join(words) for words in some] for number, some in enumerate(references)}
    written = {number: [" ".join(words)] for number, words in enumerate(candidates)}
    _, theirs = cider_module.Cider().compute_score(texts, written)
    np.testing.assert_allclose(cider(candidates, references), theirs, atol=1e-12)


def test_a_caption_that_is_the_only_reference_gets_ten_and_one_without_a_common_word_nothing():
    references = [[["a", "red", "cat", "sleeps"]], [["two", "dogs", "run", "fast"]]]
    scores = cider([["a", "red", "cat", "sleeps"], ["one", "fish", "swims", "here"]], references)
    assert scores.tolist() == [pytest.approx(10), 0]


def test_an_empty_caption_is_worth_nothing():
    assert cider([[], ["a"]], [[["a", "cat"]], [["a", "dog"]]])[0] == 0


def test_what_does_not_match_is_told():
    with pytest.raises(UserError, match=r"one caption\. Received: 1 captions, 2 pictures"):
        cider([["a"]], [[["a"]], [["b"]]])
    with pytest.raises(UserError, match="a picture without one"):
        cider([["a"]], [[]])
    with pytest.raises(UserError, match="Received: 0 captions, 1 pictures"):
        bleu4([], [[["a"]]])
