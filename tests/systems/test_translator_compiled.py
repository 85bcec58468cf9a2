"""The compiled beam search finds what the one in torch finds, and its linear layers are those of torch."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from potmeter.nn.beam_search import Beam
from potmeter.nn.compiled import allocate, find_maxima, layer_norm, linear, pack_linear, softmax
from potmeter.systems.language.translator import Config
from potmeter.systems.language.translator.compiled_search import CompiledSearch, assign_slots, can_compile
from potmeter.systems.language.translator.decoding import TorchSearch
from potmeter.systems.language.translator.model import END
from potmeter.systems.language.translator.recurrent import RecurrentSeq2Seq
from potmeter.systems.language.translator.transformer import Transformer

SIZES = {
    "both directions": {"vocab_size": 90, "embedding_dim": 48, "num_heads": 4, "feed_forward_dim": 70},
    "two vocabularies": {
        "vocab_size": 40, "target_vocab_size": 53, "embedding_dim": 24, "num_heads": 2, "feed_forward_dim": 33,
        "both_directions": False, "encoder_layers": 1, "decoder_layers": 3,
    },
    "heads wider than a panel": {"vocab_size": 64, "embedding_dim": 72, "num_heads": 1, "feed_forward_dim": 16},
}  # fmt: skip


def random_transformer(**sizes):
    torch.manual_seed(0)
    model = Transformer(Config(architecture="transformer", **sizes)).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.1)  # far from uniform: translations differ
    (model.output_projection or model.target_embedding).weight.mul_(4)  # and do not end at once
    return model


@pytest.mark.parametrize(("inputs", "outputs", "rows"), [(5, 3, 1), (40, 33, 9), (160, 480, 17)])
def test_a_packed_linear_layer_is_torchs(inputs, outputs, rows):
    torch.manual_seed(0)
    layers = [torch.nn.Linear(inputs, outputs) for _ in range(2)]
    packed = pack_linear([layer.weight for layer in layers], [layer.bias for layer in layers])
    x, y = allocate(rows + 3, inputs), allocate(rows, outputs)
    x[: rows + 3, :inputs] = torch.randn(rows + 3, inputs)
    for number, layer in enumerate(layers):
        linear(x, 3, rows, packed, number, y)
        expected = layer(torch.from_numpy(x[3 : rows + 3, :inputs])).detach()
        torch.testing.assert_close(torch.from_numpy(y[:rows, :outputs]), expected, rtol=1e-5, atol=1e-6)


def test_normalisation_softmax_and_maxima_are_numpys():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 37)).astype("f4") * 20
    scores = x[0].copy()
    softmax(scores, 30)
    np.testing.assert_allclose(scores[:30], torch.from_numpy(x[0, :30]).softmax(0), rtol=2e-6, atol=1e-12)
    assert (scores[30:] == x[0, 30:]).all()
    weight, bias, y = rng.normal(size=(2, 37)).astype("f4"), rng.normal(size=(2, 37)).astype("f4"), np.zeros_like(x)
    layer_norm(x, 4, weight, bias, 1, 1e-5, y)
    expected = torch.nn.functional.layer_norm(
        *map(torch.from_numpy, [x]), (37,), *map(torch.from_numpy, (weight[1], bias[1]))
    )
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)
    maxima = np.zeros(6, "f4")
    find_maxima(x[0], 36, maxima)
    assert (maxima == x[0, :36].reshape(6, 6).max(0)).all()


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    ("beam", "best"),
    [
        (Beam(1), 1), (Beam(4, 1.4), 3), (Beam(5, 0.0, min_length=4), 5), (Beam(3, 2.0, exact=True), 2), (Beam(20, 1.0), 20),
    ],
    ids=str,
)  # fmt: skip
def test_the_compiled_search_finds_what_torchs_finds(sizes, beam, best):
    model, rng = random_transformer(**sizes), random.Random(0)
    vocab_size = (model.config.target_vocab_size or model.config.vocab_size) - 2  # two that are never written
    rows = [[rng.randrange(4, 40) for _ in range(rng.randint(1, 40))] + [END] for _ in range(23)]
    limits = [rng.randint(5, 14) for _ in rows]
    ours = CompiledSearch(model)(rows, beam, limits, vocab_size, best)
    theirs = TorchSearch(model)(rows, beam, limits, vocab_size, best)
    lengths = set()
    for row, found, expected in zip(rows, ours, theirs, strict=True):
        assert [one.tokens for one in found] == [one.tokens for one in expected]
        for one, other in zip(found, expected, strict=True):
            assert one.score == pytest.approx(other.score, rel=1e-5, abs=1e-5)
            assert one.log_prob == pytest.approx(other.log_prob, rel=1e-5, abs=1e-5)
            torch.testing.assert_close(one.attention, other.attention[:, : len(row)], rtol=1e-4, atol=1e-5)
            lengths.add(len(one.tokens))
    assert len(lengths) > 3, "some end sooner"


def test_positions_that_no_hypothesis_needs_are_used_again():
    places = np.array([[0, 1, 3, 0], [0, 1, 4, 0], [0, 2, 5, 0]])
    assert assign_slots(places, 0, 3, 3, np.zeros(12, bool)) == 9
    assert places[:, 3].tolist() == [6, 7, 8]
    places = np.array([[0, 2, 3, 0], [0, 2, 3, 0], [0, 2, 4, 0]])  # 1 belongs to none
    assert assign_slots(places, 0, 3, 3, np.zeros(12, bool)) == 7
    assert places[:, 3].tolist() == [1, 5, 6]


def test_only_a_transformer_in_float32_on_a_cpu_without_coverage_penalty_is_compiled():
    model = random_transformer(**SIZES["both directions"])
    assert can_compile(model, Beam()) and not can_compile(model, Beam(coverage_penalty=0.1))
    assert not can_compile(model.double(), Beam()) and not can_compile(RecurrentSeq2Seq(Config(vocab_size=20)), Beam())
