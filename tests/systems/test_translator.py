"""Translation: the search, the attention and the networks are what their equations say."""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
import tracemalloc
import unicodedata
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from potmeter import registry
from potmeter.cli import execute
from potmeter.core.training import processes
from potmeter.core.training.batches import BucketedBatches
from potmeter.core.training.loop import Trainer
from potmeter.errors import UserError
from potmeter.metrics.translation import metric_signatures, score_translations
from potmeter.nn.beam_search import Beam, Hypothesis
from potmeter.systems.language import translator
from potmeter.systems.language.translator import Config, Translator
from potmeter.systems.language.translator.attention_picture import group_words
from potmeter.systems.language.translator.baselines import train_without_attention
from potmeter.systems.language.translator.bench import search_naively
from potmeter.systems.language.translator.decoding import TorchSearch
from potmeter.systems.language.translator.model import COPY, END, PAD, START, pad
from potmeter.systems.language.translator.pairs import Pairs, load_pairs
from potmeter.systems.language.translator.recurrent import LSTM, RecurrentSeq2Seq
from potmeter.systems.language.translator.tokenizer import Tokenizer, find_distinct_words
from potmeter.systems.language.translator.transformer import Transformer
from potmeter.systems.language.translator.vocabularies import Vocabularies

SMALL = Config(
    vocab_size=16, embedding_dim=16, encoder_layers=2, decoder_layers=2, num_heads=2, feed_forward_dim=32,
    both_directions=False,
)  # fmt: skip
KINDS = ("luong", "gnmt", "lstm", "transformer")


def small(kind: str, seed: int = 0, **changes):
    torch.manual_seed(seed)
    config = replace(SMALL, architecture=kind, **changes)
    model = (Transformer if kind == "transformer" else RecurrentSeq2Seq)(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)  # far from uniform: translations differ
    return model.requires_grad_(False)


# Networks -----------------------------------------------------------------------------------------------------------


def test_the_lstm_is_torchs_but_for_the_forget_gate():
    torch.manual_seed(0)
    ours, theirs = LSTM(5, 0, 7), torch.nn.LSTM(5, 7, batch_first=True)
    torch.nn.init.normal_(ours.weight_input)
    torch.nn.init.normal_(ours.weight_hidden)
    i, g, f, o = torch.cat([ours.weight_input, ours.weight_hidden], 1).detach().chunk(4)
    weight = torch.cat([i, f, g, o])  # torch's order
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(weight[:, :5])
        theirs.weight_hh_l0.copy_(weight[:, 5:])
        theirs.bias_ih_l0.zero_()
        theirs.bias_hh_l0.zero_()
        theirs.bias_ih_l0[7:14] = 1
    x = torch.randn(3, 6, 5)
    y, h, c = ours(x, torch.ones(3, 6, dtype=torch.bool))
    expected, (last_h, last_c) = theirs(x)
    torch.testing.assert_close(y, expected)
    torch.testing.assert_close(h, last_h[0])
    torch.testing.assert_close(c, last_c[0])


@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_neighbours_change_nothing(kind):
    model = small(kind)
    rows = [[5, 6, 7, END], [8, 9, 10, 11, 12, END]]
    target = pad([[START, 5, 6], [START, 7, 8]])
    together = model(pad(rows), target)
    for number, row in enumerate(rows):
        alone = model(pad([row]), target[number : number + 1])
        torch.testing.assert_close(together[number], alone[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_token_by_token_is_the_same_as_all_at_once(kind):
    model, source, target = small(kind), pad([[5, 6, 7, END], [8, 9, END]]), torch.randint(4, 16, (2, 5))
    whole, state = model(source, target), model.encode(source)
    steps = torch.cat([model.logits(model.decode(target[:, t : t + 1], state)[0]) for t in range(5)], 1)
    torch.testing.assert_close(steps, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_does_not_depend_on_those_after_it(kind):
    model, source, target = small(kind), pad([[5, 6, 7, END]]), torch.randint(4, 16, (1, 6))
    other = target.clone()
    other[:, 3:] = 4
    torch.testing.assert_close(model(source, target)[:, :3], model(source, other)[:, :3])


@pytest.mark.parametrize("kind", ["luong", "gnmt", "transformer"])
def test_attention_is_a_distribution_over_the_source_without_its_padding(kind):
    model, source = small(kind), pad([[5, 6, 7, 8, END], [9, END]])
    _, weights = model.decode(torch.randint(4, 16, (2, 3)), model.encode(source))
    torch.testing.assert_close(weights.sum(2), torch.ones(2, 3))
    assert (weights[1, :, 2:] == 0).all() and (weights >= 0).all()


def test_luongs_attention_is_the_scaled_dot_product_of_the_equation():
    model, source = small("luong"), pad([[5, 6, 7, END]])
    state = model.encode(source)
    h, memory = torch.randn(1, 16), state["memory"]
    context, weights = model.attend(h, state)
    expected = (model.attention_scale * (memory[0] @ model.key_projection.weight.T) @ h[0]).softmax(0)
    torch.testing.assert_close(weights[0], expected)
    torch.testing.assert_close(context[0], expected @ memory[0])


def test_additive_attention_is_the_normalised_sum_of_the_equation():
    model, source = small("luong", attention="additive"), pad([[5, 6, 7, END]])
    state = model.encode(source)
    h, memory = torch.randn(1, 16), state["memory"]
    context, weights = model.attend(h, state)
    v = model.attention_vector / model.attention_vector.square().sum().sqrt()
    looked = (
        memory[0] @ model.key_projection.weight.T + model.query_projection.weight @ h[0] + model.attention_bias
    ).tanh()
    expected = (model.attention_scale * (looked @ v)).softmax(0)
    torch.testing.assert_close(weights[0], expected)
    torch.testing.assert_close(context[0], expected @ memory[0])


def test_the_transformers_layers_are_torchs():
    model = small("transformer")
    layer = model.encoder[0]
    theirs = torch.nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, norm_first=True).eval()
    attention, feed_forward = layer.self_attention, layer.feed_forward
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat([attention.query.weight, attention.key_value.weight]),
            "self_attn.in_proj_bias": torch.cat([attention.query.bias, attention.key_value.bias]),
            "self_attn.out_proj.weight": attention.output.weight, "self_attn.out_proj.bias": attention.output.bias,
            "linear1.weight": feed_forward.linear1.weight, "linear1.bias": feed_forward.linear1.bias,
            "linear2.weight": feed_forward.linear2.weight, "linear2.bias": feed_forward.linear2.bias,
            "norm1.weight": layer.self_attention_norm.weight, "norm1.bias": layer.self_attention_norm.bias,
            "norm2.weight": layer.feed_forward_norm.weight, "norm2.bias": layer.feed_forward_norm.bias,
        }
    )  # fmt: skip
    x = torch.randn(2, 5, 16)
    torch.testing.assert_close(layer(x, torch.ones(2, 5, dtype=torch.bool)), theirs(x), rtol=1e-4, atol=1e-5)


def test_the_paper_preset_has_the_parameters_of_tensorflows_nmt():
    def lstm(inputs, units=512):
        return (inputs + units) * 4 * units + 4 * units

    embeddings, projection = (17_191 + 7_709) * 512, 512 * 7_709
    encoder = 2 * lstm(512)  # one layer in two directions
    decoder = lstm(512 + 512) + lstm(512)  # the attention is fed to the first
    attention = 1024 * 512 + 1 + (512 + 1024) * 512  # keys, the scale, and the layer after it
    with torch.device("meta"):
        model = RecurrentSeq2Seq(Translator.presets["paper"])
    expected = embeddings + projection + encoder + decoder + attention
    assert sum(p.numel() for p in model.parameters()) == expected == 27_451_905


def test_the_schedule_of_the_paper_halves_four_times_in_the_last_third():
    from potmeter.core.training.schedules import learning_rate_factor

    places = [0, 0.5, 0.66, 0.7, 0.76, 0.84, 0.92, 0.999]
    assert [learning_rate_factor(share, "luong234", 0.0) for share in places] == [
        1,
        1,
        1,
        1,
        1 / 2,
        1 / 4,
        1 / 8,
        1 / 8,
    ]


# Search -------------------------------------------------------------------------------------------------------------


def exhaustive(model, source, longest, alpha, beta):
    """The score of every translation of at most ``longest`` tokens, the end counted."""
    known = [token for token in range(model.config.vocab_size) if token not in (PAD, START, END)]
    found = {}
    for length in range(longest):
        for tokens in itertools.product(known, repeat=length):
            target = torch.tensor([[START, *tokens]])
            x, weights = model.decode(target, model.encode(source))
            scores = model.logits(x)[0]
            scores[:, [PAD, START]] = -torch.inf
            log_p = scores.log_softmax(1)[range(length + 1), [*tokens, END]].sum()
            score = float(log_p) / ((5 + length + 1) / 6) ** alpha
            if beta:
                score += beta * float(weights[0].sum(0).clamp(1e-6, 1).log().sum())
            found[tokens] = score
    return sorted(found.items(), key=lambda item: -item[1])


@pytest.mark.parametrize("kind", ["luong", "transformer"])
@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 0.0), (1.0, 0.0), (0.6, 0.3)])
def test_a_wide_beam_finds_what_exhaustive_search_finds(kind, alpha, beta):
    for seed in range(3):
        model, source = small(kind, seed), pad([[5, 6, 7, END]])
        with torch.no_grad():
            expected = exhaustive(model, source, 3, alpha, beta)[:5]
        beam = Beam(200, alpha, beta, exact=True)
        (found,) = TorchSearch(model)(source.tolist(), beam, [3], 16, best=5)
        assert [tuple(one.tokens) for one in found] == [tokens for tokens, _ in expected]
        assert [one.score for one in found] == pytest.approx([score for _, score in expected], abs=1e-4)


def greedy(model, source, longest):
    """The likeliest token, until that is the end; or there are as many as there may be, the end counted."""
    tokens, state = [START], model.encode(source)
    while len(tokens) < longest:
        scores = model.logits(model.decode(torch.tensor([tokens[-1:]]), state)[0])[0, 0]
        scores[[PAD, START]] = -torch.inf
        if (token := int(scores.argmax())) == END:
            break
        tokens.append(token)
    return tokens[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_a_beam_of_one_takes_the_likeliest_token_and_ends_where_the_end_is_that(kind):
    sources = [[5, 6, 7, END], [8, END], [9, 10, 11, 12, 13, END], [14, 15, END]]
    lengths = []
    for seed in (0, 8):  # with weights that end now and then
        model = small(kind, seed)
        expected = [greedy(model, pad([row]), 12) for row in sources]
        for alpha in (0.0, 1.4):
            found = TorchSearch(model)(sources, Beam(1, alpha), [12] * 4, 16)
            assert [one.tokens for (one,) in found] == expected
            assert [search_naively(model, row, Beam(1, alpha), 16, longest=12) for row in sources] == expected
        lengths += map(len, expected)
    assert 11 in lengths and any(0 < length < 11 for length in lengths), "some end, some do not"


@pytest.mark.parametrize("kind", KINDS)
def test_sentences_searched_together_are_translated_as_if_alone(kind):
    rng = random.Random(0)
    model = small(kind, 1)
    rows = [[rng.randrange(4, 16) for _ in range(rng.randint(1, 8))] + [END] for _ in range(9)]
    beam, search = Beam(4, 0.6, 0.0), TorchSearch(model)
    together = search(rows, beam, [8] * len(rows), 16, best=3)
    for row, found in zip(rows, together, strict=True):
        (alone,) = search([row], beam, [8], 16, best=3)
        assert [one.tokens for one in alone] == [one.tokens for one in found]
        assert [one.log_prob for one in alone] == pytest.approx([one.log_prob for one in found], abs=1e-4)


def test_the_score_is_the_log_probability_over_the_length_penalty():
    model, source = small("luong", 2), pad([[5, 6, 7, END]])
    for one in TorchSearch(model)(source.tolist(), Beam(4, 0.8), [6], 16, best=4)[0]:
        assert one.score == pytest.approx(one.log_prob / ((6 + len(one.tokens)) / 6) ** 0.8, rel=1e-5)
        target = torch.tensor([[START, *one.tokens]])
        scores_ = model(source, target)[0]
        scores_[:, [PAD, START]] = -torch.inf
        total = F.nll_loss(scores_.log_softmax(1), torch.tensor([*one.tokens, END]), reduction="sum")
        assert one.log_prob == pytest.approx(-float(total), rel=1e-4)
        assert one.attention.shape == (len(one.tokens) + 1, 4)


# Tokens -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer():
    sentences = ["The elves march north, again!", "Save the file as “text”.", "12 files (of 34) were saved."] * 20
    return Tokenizer.train(sentences, 120, ("en", "hu"))


def test_a_sentence_comes_back(tokenizer):
    for text in ("The elves saved 12 files, again!", "Save (as) “text”.", "north"):
        ids, words = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text and not words


def test_accents_may_stand_apart_from_their_letters():
    tokenizer = Tokenizer.train(["A cellákat törli."] * 20, 60, ("en", "hu"))
    apart = unicodedata.normalize("NFD", "cellákat")
    assert len(apart) == 9 and tokenizer.encode(apart) == tokenizer.encode("cellákat")
    assert tokenizer.encode(apart, {"cellákat"})[1] == ["cellákat"] and find_distinct_words(apart) == {"cellákat"}


def test_a_word_with_an_unknown_character_is_copied(tokenizer):
    ids, words = tokenizer.encode("The Łódź elves march, 北京!")
    assert words == ["Łódź", "北", "京"] and ids.count(COPY) == 3
    assert tokenizer.decode(ids, words) == "The Łódź elves march, 北京!"


def test_the_vocabulary_has_the_characters_that_make_up_nearly_all_of_the_text(capsys):
    han = [chr(0x4E00 + n) for n in range(300)]
    sentences = ["".join(han[n : n + 30]) for n in range(0, 300, 30)] * 80 + ["☃"]
    known = Tokenizer.train(sentences, 400, ("zh", "en"))
    assert set(han) <= known.alphabet and "☃" not in known.alphabet
    assert "300 of 301 characters, 100.00% of the text" in capsys.readouterr().err
    with pytest.raises(
        UserError, match="300 different characters make up 99.95%.*raise --vocab-size above 306.*Received: 200 tokens"
    ):
        Tokenizer.train(sentences, 206, ("zh", "en"))


def test_a_word_keeps_its_combining_marks_when_it_is_copied(tokenizer):
    assert tokenizer.encode("The हिन्दी elves")[1] == ["हिन्दी"]


def test_split_subwords_write_the_same_text(tokenizer):
    ids, _ = tokenizer.encode("The elves march north, again!")
    assert tokenizer.split(ids, 0.0, random.Random(0)) == ids
    split = tokenizer.split(ids, 0.5, random.Random(0))
    assert len(split) > len(ids) and tokenizer.decode(split) == tokenizer.decode(ids)
    letters = tokenizer.split(ids, 1.0, random.Random(0))
    assert all(len(tokenizer.id_to_token(token)) == 1 for token in letters)


def test_the_special_tokens_of_a_text_are_only_its_letters(tokenizer):
    ids, _ = tokenizer.encode("a </s> b <to-hu> c <copy>")
    assert END not in ids and tokenizer.language_token("hu") not in ids


def test_a_language_that_the_vocabulary_lacks_is_told(tokenizer):
    with pytest.raises(UserError, match="no such language.*Received: de"):
        tokenizer.language_token("de")


def test_pieces_of_a_word_are_drawn_as_one():
    assert group_words(["<to-hu>", "▁el", "ves", ",", "▁north", "</s>"]) == [
        ("→ hu", [0]), ("elves", [1, 2]), (",", [3]), ("north", [4]), ("(end)", [5]),
    ]  # fmt: skip


# Pairs --------------------------------------------------------------------------------------------------------------


def test_batches_hold_every_pair_once_an_epoch_and_little_padding():
    rng = random.Random(0)
    lengths = [rng.randint(1, 60) for _ in range(1000)]
    buckets = BucketedBatches(lengths, lambda numbers, seed: numbers, 10)
    seen = list(itertools.islice(buckets, 200))
    for epoch in (seen[:100], seen[100:]):
        assert sorted(i for batch in epoch for i in batch) == list(range(1000))
        padding = sum(max(lengths[i] for i in batch) - lengths[j] for batch in epoch for j in batch)
        assert padding < 0.1 * sum(lengths)
    assert seen[:100] != seen[100:]
    again = BucketedBatches(lengths, lambda numbers, seed: numbers, 10)
    again.load_state_dict({"position": 150})
    assert list(itertools.islice(again, 50)) == seen[150:]


def test_the_same_words_are_hidden_on_any_number_of_processes(monkeypatch, untrained):
    shared = tuple((f"save file{n % 40} as text{n % 7}", f"text{n % 7} file{n % 40}") for n in range(200))
    system = Translator(Config(copy_probability=0.5, batch_size=20, dataset="reverse", languages=("en", "hu")))
    system.trained_vocabularies = Vocabularies.train([*zip(*shared, strict=True)], system.config)
    splits = SimpleNamespace(train=Pairs(shared, ("en", "hu")))
    trainer = SimpleNamespace(device="cpu", seed=0)

    def rows(rank, count):
        monkeypatch.setattr(processes, "rank", lambda: rank)
        monkeypatch.setattr(processes, "world_size", lambda: count)
        batches = islice(system.batches(splits, trainer), 40)  # two epochs
        return [[[i for i in row if i != PAD] for row in batch["source"].tolist()] for batch in batches]

    whole, halves = rows(0, 1), zip(rows(0, 2), rows(1, 2), strict=True)
    assert whole == [one + other for one, other in halves]
    hidden = [COPY in row for batch in whole for row in batch]
    assert 0.4 < sum(hidden) / len(hidden) < 0.6
    assert sorted(whole[:20]) != sorted(whole[20:]), "others in each epoch"


def test_a_training_set_smaller_than_a_batch_still_fills_one():
    assert all(len(batch) == 8 for batch in itertools.islice(BucketedBatches([3, 4, 5], lambda n, seed: n, 8), 4))


def test_no_row_of_digits_is_trained_on_and_measured():
    splits = load_pairs("reverse", None)
    train, valid, test = (set(part.pairs) for part in (splits.train, splits.valid, splits.test))
    assert not train & test and not train & valid and not valid & test
    assert all(a.split() == b.split()[::-1] for a, b in splits.train.pairs)


def files(folder, count=60):
    lines = [f"sentence number {n} of the file" for n in range(count)]
    (folder / "text.en").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "text.xx").write_text("\n".join(line[::-1] for line in lines) + "\n", encoding="utf-8")
    return folder / "text.en", folder / "text.xx"


def test_two_aligned_files_are_pairs_named_by_their_endings(tmp_path):
    splits = load_pairs(*map(str, files(tmp_path)))
    assert splits.train.languages == ("en", "xx") and splits.dataset == "own data"
    parts = [set(part.pairs) for part in (splits.train, splits.valid, splits.test)]
    assert [len(part) for part in parts] == [54, 3, 3] and len(set.union(*parts)) == 60
    assert all(b == a[::-1] for part in parts for a, b in part)


def test_files_of_different_length_are_told(tmp_path):
    one, other = files(tmp_path)
    other.write_text("too short\n")
    with pytest.raises(UserError, match="same number of lines.*Received: 60 and 1"):
        load_pairs(str(one), str(other))


def test_only_a_line_feed_ends_a_line(tmp_path):
    lines = [f"one{sign}line{n}" for n, sign in enumerate("\u2028\u2029\x85\x0b\x0c\x1c\r" * 4)]
    (tmp_path / "a.en").write_bytes("\r\n".join(lines).encode())
    (tmp_path / "a.hu").write_text("".join(f"{n}. sor\n" for n in range(len(lines))))
    splits = load_pairs(str(tmp_path / "a.en"), str(tmp_path / "a.hu"))
    found = {pair for part in (splits.train, splits.valid, splits.test) for pair in part.pairs}
    assert found == {(line, f"{n}. sor") for n, line in enumerate(lines)}


def test_empty_lines_are_left_out_with_their_translations(tmp_path):
    one, other = files(tmp_path)
    lines = one.read_text().splitlines()
    lines[7] = ""
    one.write_text("\n".join(lines))
    splits = load_pairs(str(one), str(other))
    assert sum(len(part) for part in (splits.train, splits.valid, splits.test)) == 59
    one.write_text("\n" * 60)
    with pytest.raises(UserError, match="at least 20 pairs.*Received: 0"):
        load_pairs(str(one), str(other))


def test_a_pair_with_a_line_longer_than_any_sentence_is_left_out_and_files_of_nothing_else_are_told(tmp_path):
    one, other = files(tmp_path)
    other.write_text("x" * 50_000_000 + "\n" + other.read_text().partition("\n")[2])
    start = time.monotonic()
    splits = load_pairs(str(one), str(other))
    assert sum(len(part) for part in (splits.train, splits.valid, splits.test)) == 59
    assert (
        max(len(side) for part in (splits.train, splits.valid, splits.test) for pair in part.pairs for side in pair)
        < 99
    )
    for path in (one, other):
        path.write_text("word " * 10_000_000)
    with pytest.raises(UserError, match="at least 20 pairs of lines of 1 to 2,000 characters.*Received: 0"):
        load_pairs(str(one), str(other))
    assert time.monotonic() - start < 30


# The system ---------------------------------------------------------------------------------------------------------


def test_scores_are_sacrebleus():
    import sacrebleu

    texts, references = ["The cat sat on a mat.", "He ran."], ["The cat sat on the mat.", "He ran away."]
    found = score_translations(texts, references)
    assert found.bleu == pytest.approx(sacrebleu.corpus_bleu(texts, [references]).score)
    assert found.chrf == pytest.approx(sacrebleu.corpus_chrf(texts, [references]).score)
    how = metric_signatures()
    assert Translator(Translator.presets["tiny"]).describe_metrics() == how, "eval says what its scores hang on"
    assert how["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert how["chrf"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")
    with pytest.raises(UserError, match="as many references.*Received: 2 and 1"):
        score_translations(texts, references[:1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"encoder_layers": 3, "decoder_layers": 3}, "encoder_layers must be even"),
        ({"encoder_layers": 2, "decoder_layers": 4}, "as many layers in the decoder"),
        ({"architecture": "transformer", "embedding_dim": 250}, "divisible by twice the 4 heads"),
        ({"target_vocab_size": 500}, "Both directions need one vocabulary"),
        ({"label_smoothing": 1.0}, "label_smoothing must be at least 0"),
        ({"languages": ("en",)}, "languages must be two names"),
        ({"init_range": 0.0}, "init_range must be positive"),
        ({"max_length": 3}, "max_length must be at least 4"),
    ],
)
def test_nonsense_is_refused(change, words):
    with pytest.raises(UserError, match=f"{words}.*Received"):
        replace(Config(), **change)


def test_the_loss_is_the_mean_surprise_of_the_real_tokens():
    model = small("luong")
    source, target = pad([[5, 6, END], [7, END]]), pad([[START, 8, 9, END], [START, 10, END]])
    log_p = model(source, target[:, :-1]).log_softmax(2)
    expected = [-log_p[b, t, target[b, t + 1]] for b, t in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]]
    torch.testing.assert_close(model.cross_entropy(source, target), torch.stack(expected))
    smoothed = F.cross_entropy(model(source, target[:, :-1]).mT, target[:, 1:], label_smoothing=0.1, reduction="none")
    torch.testing.assert_close(model.cross_entropy(source, target, 0.1), smoothed[target[:, 1:] != PAD])


def test_plain_gradient_descent_minimises_the_mean_of_sentences_as_tensorflows_nmt_does(untrained):
    system = untrained[0][0]
    batch = {"source": pad([[5, 6, END], [7, END]]), "target": pad([[START, 8, 9, END], [START, 10, END]])}
    nats = system.model.cross_entropy(**batch)
    assert len(nats) == 5 and {**system.loss(batch)} == {"loss": nats.mean()}
    other = Translator(replace(system.config, optimizer="sgd")).eval()
    other.load_state_dict(system.state_dict())
    found = other.loss(batch)  # Σ over tokens / sentences, nmt/model.py, _compute_loss
    torch.testing.assert_close(found, {"loss": nats.sum() / 2, "nats": nats.mean()})


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """Two systems of one vocabulary, with other weights, and their folders."""
    splits = load_pairs("reverse", None)
    made = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        config = Translator.fit_config(Translator.presets["tiny"], splits)
        system = Translator(config).eval().requires_grad_(False)
        system.fit_assets(splits)
        made.append((system, system.save_pretrained(tmp_path_factory.mktemp("weights") / str(seed))))
    return made


def test_the_average_is_the_mean_of_the_weights(untrained):
    (one, first), (other, second) = untrained
    mean = Translator.from_average(first, second)
    for key, value in mean.state_dict().items():
        torch.testing.assert_close(value, (one.state_dict()[key] + other.state_dict()[key]) / 2)
    assert mean.vocabularies.source.backend.to_str() == one.vocabularies.source.backend.to_str()


def test_only_weights_of_one_kind_have_a_mean(untrained, tmp_path):
    (one, first), _ = untrained
    other = Translator(replace(one.config, embedding_dim=32))
    other.trained_vocabularies = one.vocabularies
    with pytest.raises(UserError, match="Only weights of one Config.*Received"):
        Translator.from_average(first, other.save_pretrained(tmp_path / "other"))
    with pytest.raises(UserError, match="no weights to average"):
        Translator.from_average()


def test_lines_are_translated_one_by_one_and_empty_ones_stay(untrained):
    system = untrained[0][0]
    lines = system.batch("1 2 3\n\n4 5\n", beam=2).text.split("\n")
    assert len(lines) == 3 and lines[1] == "" and lines[0] == system.run("1 2 3", beam=2, best=1).translation.text
    assert lines[2] == system.run("4 5", beam=2, best=1).translation.text
    assert len(system.batch("1 2\u20283\n4 5", beam=1).text.split("\n")) == 2
    assert system.score("1 2\x853 4 5 6", "1 2\x853 4 5 6").text.startswith("BLEU 100.0")


def test_lines_are_translated_with_a_coverage_penalty_too(untrained):
    system = untrained[0][0]
    how = {"beam": 3, "coverage_penalty": 2.0}
    one = "1 2 3 4 5 6 7"
    assert system.batch(one, **how).text == system.run(one, **how).translation.text
    assert system.batch(one, **how).text != system.batch(one, beam=3).text


def test_alternatives_are_listed_the_best_first_and_attention_is_drawn(untrained):
    found = untrained[0][0].run("1 2 3 4", beam=4, best=4)
    assert {row[0] for row in found.alternatives.rows} == {"1 2 3 4"}
    values = [row[2] for row in found.alternatives.rows]
    assert values == sorted(values, reverse=True) and found.alternatives.rows[0][1] == found.translation.text
    assert found.attention.size[0] > 200


def test_a_text_that_several_hypotheses_have_is_listed_once_with_the_best_score(untrained, monkeypatch):
    system = untrained[0][0]
    best = system.run("1 2 3 4", beam=4, best=4).alternatives.rows[0]
    monkeypatch.setattr(Vocabularies, "decode", lambda *_: "4 3 2 1")
    assert system.run("1 2 3 4", beam=4, best=4).alternatives.rows == [("1 2 3 4", "4 3 2 1", *best[2:])]


@pytest.mark.parametrize(("beam", "listed"), [(1, 1), (2, 2), (3, 3), (5, 3)])
def test_a_beam_lists_its_three_best_alternatives_or_as_many_as_it_is_wide(
    beam, listed, untrained, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    system, folder = untrained[0]
    found = system.run("1 2 3 4", beam=beam)
    texts = [row[1] for row in found.alternatives.rows]
    assert 1 <= len(set(texts)) == len(texts) <= listed
    assert found.alternatives.rows == system.run("1 2 3 4", beam=beam, best=listed).alternatives.rows
    assert execute(["run", "translator", "1 2 3 4", "--weights", str(folder), "--beam", str(beam), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["result"]
    assert told["translation"] == found.translation.text and len(told["alternatives"]) == len(texts)
    assert told["attention"]["width"] == found.attention.size[0]


def test_more_alternatives_than_hypotheses_are_told(untrained):
    with pytest.raises(UserError, match="A beam of 2 has at most 2 alternatives.*Received: 3"):
        untrained[0][0].run("1 2", beam=2, best=3)


def test_the_gallerys_form_left_as_it_is_translates_with_every_beam(untrained):
    from potmeter.core.signature import parameters
    from potmeter.gallery.widgets import parse_payloads

    declared = parameters(Translator.run)
    for beam in (1, 2, 5):
        sent = {p.name: p.default for p in declared} | {"text": "1 2 3 4", "beam": beam}
        found = untrained[0][0].run(**parse_payloads(declared, [sent[p.name] for p in declared]))
        assert 1 <= len(found.alternatives.rows) <= min(3, beam)


def test_a_rival_without_attention_can_be_made_of_every_preset(monkeypatch):
    monkeypatch.setattr(Trainer, "fit", lambda self: None)
    splits = load_pairs("reverse", None)
    for name in ("lecture", "luong"):
        config = replace(
            Translator.presets[name],
            both_directions=False,
            embedding_dim=32,
            vocab_size=24,
            languages=("digits", "reversed"),
        )
        assert train_without_attention(Translator(config), splits).config.architecture == "lstm"


def test_what_is_too_long_or_nothing_is_told(untrained):
    system = untrained[0][0]
    for text, words in (("", "no text to translate"), ("1 " * 2000, "at most 2,000 characters")):
        with pytest.raises(UserError, match=f"{words}.*Received"):
            system.run(text)
    with pytest.raises(UserError, match="direction is one of digits-reversed.*Received: en-hu"):
        system.run("1 2", direction="en-hu")


def test_a_vocabulary_too_large_for_the_weights_is_told(untrained):
    known, config = untrained[0][0].vocabularies, untrained[0][0].config
    size = len(known.source)
    assert Vocabularies(known.tokenizers, replace(config, vocab_size=size)).source is known.source
    with pytest.raises(UserError, match=f"the weights are for {size - 1} tokens.*Received: {size} tokens"):
        Vocabularies(known.tokenizers, replace(config, vocab_size=size - 1))


def test_a_file_of_one_endless_line_is_told_at_once_and_takes_the_memory_of_a_few_copies(untrained, tmp_path):
    system, path = untrained[0][0], tmp_path / "one.txt"
    path.write_text("4 2 " * 12_500_000)  # 50 MB
    start = time.monotonic()
    tracemalloc.start()
    for refused, words in (
        (lambda: system.batch(path), "A sentence has at most 2,000 characters.*Received: 50,000,000"),
        (lambda: system.score(path, "4 2"), "at most 100,000 characters.*Received: 50,000,000"),
        (lambda: system.score("4 2", path), "at most 100,000 characters.*Received: 50,000,000"),
    ):
        with pytest.raises(UserError, match=words):
            refused()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * path.stat().st_size and time.monotonic() - start < 30


def test_a_line_as_long_as_any_that_is_scored_is_scored(untrained, monkeypatch):
    monkeypatch.setattr(sys.modules[Translator.__module__], "MAX_SCORED", 20)
    line = "one two three four 5"
    assert len(line) == 20 and untrained[0][0].score(line, line).text.startswith("BLEU 100.0")
    with pytest.raises(UserError, match="at most 20 characters.*Received: 21"):
        untrained[0][0].score(line, line + "6")


def test_a_copied_word_is_the_one_that_was_looked_at_most(untrained):
    known = untrained[0][0].vocabularies
    ids, words = known.encode_source("1 ä ö 2", "digits-reversed")
    assert words == ["ä", "ö"]
    weights = torch.zeros(3, len(ids))
    places = [place for place, token in enumerate(ids) if token == COPY]
    weights[0, places[1]], weights[1, places[0]] = 0.6, 0.9
    found = Hypothesis([COPY, COPY], 0.0, 0.0, weights)
    assert known.decode("1 ä ö 2", "digits-reversed", found) == "öä"
    assert known.decode("1 ä ö 2", "digits-reversed", replace(found, attention=None)) == "äö"


# The shipped weights -------------------------------------------------------------------------------------------------

SHIPPED = registry.WEIGHTS / "translator.en-hu"


def test_the_cards_table_has_the_figures_that_were_measured():
    card = json.loads((SHIPPED / "card.json").read_text())
    text = (Path(translator.__file__).parent / "card.md").read_text()
    rows = {"mean of both directions": "", "into Hungarian": "en_hu_", "into English": "hu_en_"}
    for row, way in rows.items():
        bleu = card["metrics"][f"{way}bleu"]
        others = [card["baselines"][f"{rival}_{way}bleu"] for rival in ("retrieval", "no_attention")]
        cells = " | ".join(f"{other:.1f} ({bleu - other:.1f} below)" for other in others)
        assert f"| {row} | {bleu:.1f} | {cells} |" in text


@pytest.mark.network
def test_no_example_was_trained_on():
    from potmeter.data.sets.english_hungarian import comparison_key, english_hungarian
    from potmeter.systems.language.translator import examples

    known = {comparison_key(side) for pair in english_hungarian()["train"] for side in pair}
    texts = [examples.OFFICE, examples.GAME, examples.HUNGARIAN, examples.COPIED, *examples.EVERYDAY.split("\n")]
    assert not known & {comparison_key(text) for text in texts}
