"""GPT-2 as a system: what it reads, draws, scores and remembers; mistakes are told."""

import math
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.errors import UserError
from potmeter.media import Image, Text
from potmeter.systems.language.gpt2 import GPT2, Transformer
from potmeter.systems.language.gpt2.baselines import KneserNey, kneser_ney_bits_per_byte, xz_bits_per_byte
from potmeter.systems.language.gpt2.compiled import CompiledStep, gelu, matvec, quantise
from potmeter.systems.language.gpt2.continuation import partial_stop_length
from potmeter.systems.language.gpt2.demo import demo
from potmeter.systems.language.gpt2.model import KeyValueCache
from potmeter.systems.language.gpt2.sampler import Sampler, generate
from potmeter.systems.language.gpt2.texts import Corpus, Document, HeldOut, cut_before_space, load_texts
from potmeter.systems.language.gpt2.tokenizer import END, Tokenizer
from potmeter.systems.language.gpt2.tokens import Windows, map_tokens

TINY = GPT2.presets["tiny"]
SENTENCE = "In the garden there was a rose, and not far from it there was a spade.\n"
TOKENIZER = Tokenizer.train([SENTENCE * 20], 300)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of this test's own."""
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def system():
    """A system with random weights, large enough to have opinions."""
    made = GPT2(replace(TINY, vocab_size=300, context_length=16)).eval().requires_grad_(False)
    for p in made.parameters():
        p.data += 0.2 * torch.randn_like(p)
    made.tokenizer = TOKENIZER
    return made


# The model --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [[16], [1] * 16, [5, 1, 1, 9], [15, 1]])
def test_reading_with_a_cache_gives_what_reading_at_once_gives(system, steps):
    ids = torch.randint(300, (2, 16))
    memory, parts = KeyValueCache(system.config, 2, system.model.token_embedding.weight), ids.split(steps, dim=1)
    found = torch.cat([system.model(part, memory) for part in parts], dim=1)
    torch.testing.assert_close(found, system.model(ids), rtol=1e-4, atol=1e-5)


def test_a_token_sees_none_that_comes_later(system):
    ids = torch.randint(300, (1, 16))
    other = ids.clone()
    other[0, 9:] = (other[0, 9:] + 1) % 300
    torch.testing.assert_close(system.model(ids)[:, :9], system.model(other)[:, :9])


def test_past_its_context_it_goes_on_from_the_last_half(system):
    made = [7, *islice(generate(system.model, [7], Sampler(0.0), 300), 40)]
    seen = [*range(1, 17), *(8 + n % 9 for n in range(24))]  # tokens, at each draw: all, then from half a context on
    for at, count in enumerate(seen, 1):
        x = system.model(torch.tensor([made[at - count : at]]))[0, -1]
        assert made[at] == int(system.model.logits(x).argmax())


@pytest.mark.parametrize("context_length", [1, 2, 3])
def test_the_shortest_contexts_work_too(context_length):
    model = Transformer(replace(TINY, context_length=context_length, vocab_size=300)).eval()
    assert len(list(islice(generate(model, [3, 4, 5], Sampler(0.0), 300), 10))) == 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vocab_size": 256}, "vocab_size must be at least 257"),
        ({"embedding_dim": 66}, "num_heads must divide embedding_dim"),
        ({"context_length": 0}, "context_length must be at least 1"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"attention_dropout": -0.1}, "attention_dropout must be"),
        ({"muon_lr": -0.1}, "muon_lr must be at least 0"),
    ],
)
def test_nonsense_is_refused(change, words):
    with pytest.raises(UserError, match=f"{words}.*Received"):
        replace(TINY, **change)


# Sampling ---------------------------------------------------------------------------------------------------------

LOGITS = torch.tensor([0.5, 0.25, 0.125, 0.0625, 0.0625]).log()


@pytest.mark.parametrize("temperature", [0.0, 1e-38, 1e-5])
def test_temperature_0_or_nearly_takes_the_likeliest(temperature):
    assert {Sampler(temperature, top_k=3, top_p=0.9)(10 * LOGITS) for _ in range(20)} == {0}


def possible(**settings):
    return Sampler(**settings).filter_logits(LOGITS).isfinite().tolist()


def test_the_two_rules_differ_in_the_token_that_reaches_top_p():
    assert possible(top_p=0.8) == [True, True, True, False, False]
    assert possible(top_p=0.8, top_p_rule="openai") == [True, True, False, False, False]
    assert possible(top_p=0.1) == possible(top_p=0.1, top_p_rule="openai") == [True, False, False, False, False]
    assert possible(top_p=0.0) == [True, False, False, False, False]
    assert possible(top_p=1.0) == [True] * 5


@given(st.lists(st.floats(-8, 8), min_size=2, max_size=30, unique=True), st.floats(0.01, 0.99))
@settings(max_examples=50, deadline=None)
def test_openais_rule_is_openais_code(scores, p):
    scores = torch.tensor(scores, dtype=torch.float64)
    ordered = scores.sort(descending=True).values
    reached = ordered.softmax(0).cumsum(0)
    least = ordered[max(int((reached <= p).sum()) - 1, 0)]  # gpt-2/src/sample.py, top_p_logits
    assert torch.equal(Sampler(top_p=p, top_p_rule="openai").filter_logits(scores).isfinite(), scores >= least)


def test_top_k_keeps_k():
    assert possible(top_k=2) == [True, True, False, False, False] and possible(top_k=99) == [True] * 5


def test_tokens_come_as_often_as_they_should():
    sampler = Sampler(rng=torch.Generator().manual_seed(0))
    counts = np.bincount([sampler(LOGITS) for _ in range(4000)], minlength=5) / 4000
    assert np.abs(counts - LOGITS.exp().numpy()).max() < 0.03


def test_the_compiled_step_gives_the_scores_of_the_model(system):
    ids, cache = torch.randint(300, (16,)), KeyValueCache(system.config, 1, system.model.token_embedding.weight)
    step = CompiledStep(system.model)
    found = torch.stack([step(token, cache) for token in ids.tolist()])
    torch.testing.assert_close(found, system.model.logits(system.model(ids[None]))[0], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("rows", [1, 3, 4, 7, 50])
@pytest.mark.parametrize("int8", [False, True])
def test_the_compiled_product_computes_every_row(rows, int8):
    weight, bias, x, found = torch.randn(rows, 9), torch.randn(rows), torch.randn(9), np.full(rows, np.nan, np.float32)
    linear = quantise(weight, bias, int8)
    matvec(x.numpy(), linear, found)
    used = linear.scale[:, None] * linear.weight  # (rows, 9)
    np.testing.assert_allclose(found, used @ x.numpy() + bias.numpy(), rtol=1e-4, atol=1e-5)


def test_the_compiled_gelu_is_torchs():
    x = torch.cat([torch.linspace(-12, 12, 999), torch.tensor([0.0, 1e4, -1e4])])
    found = x.clone().numpy()
    gelu(found, np.empty_like(found), np.empty(len(found), np.int32))
    expected = torch.nn.functional.gelu(x.double(), approximate="tanh").float()
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-6, atol=1e-6)


def test_it_goes_on_from_what_the_model_has_read_and_leaves_what_the_model_can_go_on_from(system):
    ids, cache = torch.randint(300, (1, 16)), KeyValueCache(system.config, 1, system.model.token_embedding.weight)
    system.model(ids[:, :7], cache)
    read = CompiledStep(system.model)(int(ids[0, 7]), cache)
    rest = system.model.logits(system.model(ids[:, 8:], cache))[0]
    whole = system.model.logits(system.model(ids))[0]
    torch.testing.assert_close(torch.cat([read[None], rest]), whole[7:], rtol=1e-4, atol=2e-5)


def test_the_compiled_step_writes_the_same_text_even_past_the_context(system):
    ids = system.tokenizer.encode("In the garden")
    plain, compiled = (
        list(islice(generate(system.model, ids, Sampler(0.0), len(system.tokenizer), decode_step), 40))
        for decode_step in (None, CompiledStep(system.model))
    )
    assert plain == compiled


def test_weights_in_8_bits_give_nearly_the_same_scores(system):
    ids, cache = torch.randint(300, (16,)), KeyValueCache(system.config, 1, system.model.token_embedding.weight)
    step = CompiledStep(system.model, int8=True)
    rounded = torch.stack([step(token, cache) for token in ids.tolist()])
    exact = system.model.logits(system.model(ids[None]))[0]
    assert (exact - rounded).norm() < 0.03 * exact.norm() and not torch.equal(exact, rounded)
    assert system.run("In", tokens=4, int8=True, seed=0).text.startswith("In")


def test_a_large_model_is_compiled_a_small_one_not_and_int8_always(system):
    assert system.decode_step(int8=False) is None and isinstance(system.decode_step(int8=True), CompiledStep)
    large = GPT2(replace(TINY, vocab_size=20_000, embedding_dim=1024, num_layers=1, num_heads=1))
    assert isinstance(large.decode_step(int8=False), CompiledStep)
    with pytest.raises(UserError, match="int8 works on a CPU, with weights in float32"):
        system.double().decode_step(int8=True)


# Use --------------------------------------------------------------------------------------------------------------


def test_a_text_grows_and_the_same_seed_gives_the_same(system):
    grown = [text.text for text in system.run("In the", tokens=30, seed=3, stream=True)]
    assert all(after.startswith(before) for before, after in zip(grown, grown[1:], strict=False))
    other = system.run("In the", tokens=30, seed=4)
    assert grown[-1] == system.run("In the", tokens=30, seed=3).text != other.text


def test_it_needs_no_beginning_and_bears_a_long_one(system):
    assert system.run("", tokens=5, seed=0).text
    long = SENTENCE * 50
    text = system.run(long, tokens=3, temperature=0.0)
    end = system.tokenizer.decode(system.tokenizer.encode(long)[-16:])
    other = system.run(end, tokens=3, temperature=0.0)
    assert text.text[len(long) :] == other.text[len(end) :], "only the last tokens count"


def test_it_ends_before_the_stop_text_and_never_shows_its_beginning(system):
    whole = system.run("In", tokens=60, seed=1).text
    stop = whole[12:15]
    shown = [text.text for text in system.run("In", tokens=60, seed=1, stop=stop, stream=True)]
    assert shown[-1] == "In" + whole[2:].partition(stop)[0]
    assert all(shown[-1].startswith(text) for text in shown)
    assert (
        partial_stop_length("a rose, an", ", and") == 4
        and partial_stop_length("a rose", ", and") == 0
        and partial_stop_length("x", "") == 0
    )


@pytest.mark.parametrize(
    "flags",
    [
        {"temperature": -1.0},
        {"temperature": math.nan},
        {"top_k": 0},
        {"top_p": 1.5},
        {"tokens": 0},
        {"top_p_rule": "mine"},
    ],
)
def test_absurd_settings_are_told(system, flags):
    with pytest.raises(UserError, match="Received: "):
        system.run("In", **flags)


def test_surprise_is_what_the_scores_say(system):
    ids = system.tokenizer.encode(SENTENCE)[:15]
    scores = system.model.logits(system.model(torch.tensor([[system.tokenizer.end, *ids]])))[0]
    expected = torch.nn.functional.cross_entropy(scores[:-1], torch.tensor(ids), reduction="none") / math.log(2)
    first = system.token_bits(ids)
    torch.testing.assert_close(first[:8], expected[:8], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(first, expected, rtol=1e-4, atol=1e-4)
    assert len(system.token_bits(ids * 9)) == 9 * len(ids), "longer than the context"


@pytest.mark.parametrize("length", [1, 15, 16, 17, 24, 25, 300])
def test_each_token_of_a_long_text_is_read_after_half_a_context_or_more(system, length):
    ids = torch.randint(len(TOKENIZER), (length,)).tolist()
    read = [system.tokenizer.end, *ids]
    for place, bits in enumerate(system.token_bits(ids).tolist()):
        begins = range(max(0, place - 15), max(1, place - 7))  # the context is 16
        read_from = [system.model(torch.tensor([read[begin : place + 1]]))[0, -1] for begin in begins]
        possible = [float(-system.model.logits(x).log_softmax(0)[ids[place]]) / math.log(2) for x in read_from]
        assert min(abs(bits - value) for value in possible) < 1e-4


def test_muon_gets_the_matrices_of_the_blocks_and_adam_all_else():
    system = GPT2(replace(TINY, muon_lr=0.01))
    given = {
        name: {id(p) for group in optimizer.param_groups for p in group["params"]}
        for name, optimizer in system.optimizers().items()
    }
    hidden = {name for name, p in system.named_parameters() if id(p) in given["hidden"]}
    assert hidden == {name for name, p in system.named_parameters() if "blocks" in name and p.ndim == 2}
    assert given["model"] == {id(p) for p in system.parameters()} - given["hidden"]


def test_a_score_says_bits_per_byte_and_draws_every_token(system):
    found = system.score(Text("A rose for Zoë, naïve\n🙂 and more"))
    assert "".join(row[0] for row in found.tokens.rows) == "A rose for Zoë, naïve\n🙂 and more"
    bits = sum(row[1] for row in found.tokens.rows)
    assert found.summary.text.startswith(f"{bits / 37:.3f} bits per byte") and found.surprisal.size[0] == 880
    with pytest.raises(UserError, match="no text to score"):
        system.score(Text(""))
    with pytest.raises(UserError, match=r"score takes 100,000 characters at most.*Received: 100,001"):
        system.score(Text("a" * 100_001))


def test_a_prompt_of_a_million_words_costs_no_more_than_its_end(system, monkeypatch):
    read, encode = [], TOKENIZER.encode
    monkeypatch.setattr(TOKENIZER, "encode", lambda text: read.append(len(text)) or encode(text))
    short, long = "a rose, " * 99 + "In the", "a rose, " * 10**6 + "In the"
    endings = [system.run(prompt, tokens=4, seed=0).text.removeprefix(prompt) for prompt in (short, long)]
    assert endings[0] == endings[1] != "" and max(read) <= 100 * 16


def test_a_long_text_is_encoded_a_chunk_after_the_other_as_if_it_were_whole():
    text = SENTENCE * 2000  # nine chunks
    assert TOKENIZER.encode(text) == TOKENIZER.backend.encode(text, add_special_tokens=False).ids


def test_a_batch_gives_what_each_prompt_gives_alone(system):
    for how in ({}, {"stop": "e", "top_p": 0.9, "top_p_rule": "openai"}, {"int8": True}):
        table = system.batch(Text("In the\n\nA\u2028rose\n"), tokens=6, seed=5, **how)
        prompts = enumerate(("In the", "A\u2028rose"))
        alone = [system.run(prompt, tokens=6, seed=5 + n, **how).text for n, prompt in prompts]
        assert [prompt + rest for prompt, rest in table.rows] == alone


def test_a_system_without_a_vocabulary_says_so():
    with pytest.raises(UserError, match="no tokenizer yet"):
        GPT2(TINY).run("In")


def test_a_vocabulary_too_large_for_the_weights_is_told(system, tmp_path):
    folder = system.save_pretrained(tmp_path / "w")
    text = (folder / "tokenizer.json").read_text()
    Tokenizer.train([SENTENCE * 20 + "many other words, quite unlike those: zebra quartz vexing jumbo"] * 3, 340).save(
        folder
    )
    with pytest.raises(UserError, match=r"weights are for 300 tokens.*Received: 334 tokens"):
        GPT2.from_pretrained(folder)
    for broken in ("{", text.replace(END, "other"), '{"version": 1}'):
        (folder / "tokenizer.json").write_text(broken)
        with pytest.raises(UserError, match="Received: "):
            GPT2.from_pretrained(folder)


# Vocabularies -----------------------------------------------------------------------------------------------------


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_comes_back(text):
    text = text.encode("utf-8", "ignore").decode()
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids) == text and b"".join(map(TOKENIZER.bytes_of, ids)) == text.encode()


def test_a_text_that_holds_the_end_is_only_its_letters():
    ids = TOKENIZER.encode(f"a{END}b")
    assert TOKENIZER.end not in ids and TOKENIZER.decode(ids) == f"a{END}b"
    assert TOKENIZER.encode_batch([f"a{END}b"]) == [ids]


def test_half_a_character_waits_for_the_rest():
    ids = TOKENIZER.encode("a é🙂")
    assert TOKENIZER.decode(ids[:-1]) == "a é" and TOKENIZER.decode(ids) == "a é🙂"


def test_the_same_text_gives_the_same_vocabulary_in_another_process():
    program = (
        "import sys; from potmeter.systems.language.gpt2.tokenizer import Tokenizer;"
        "print(hash_of := __import__('zlib').crc32(Tokenizer.train([sys.argv[1] * 20], 300).backend.to_str().encode()))"
    )
    done = subprocess.run([sys.executable, "-c", program, SENTENCE], capture_output=True, text=True, check=True)
    import zlib

    assert int(done.stdout) == zlib.crc32(TOKENIZER.backend.to_str().encode())


@pytest.mark.network
def test_gpt2s_own_vocabulary_gives_the_numbers_everyone_knows():
    own = Tokenizer.gpt2()
    assert len(own) == 50257 and own.end == 50256
    assert own.encode("Hello world") == [15496, 995] and own.decode([464, 2068, 7586, 21831]) == "The quick brown fox"


# Text -------------------------------------------------------------------------------------------------------------


def test_a_text_is_cut_before_a_space_and_nothing_is_lost():
    text = SENTENCE * 400
    held = HeldOut.split(text)
    assert held.text == text and 25 < len(held) < 40 and all(piece[0].isspace() for piece in held.pieces[1:])
    assert cut_before_space("x" * 3000, 1000) == 1000
    assert [i for piece in held.pieces for i in TOKENIZER.encode(piece)] == TOKENIZER.encode(text)


@pytest.mark.parametrize(
    "content",
    [SENTENCE * 4000, "wörd " * 300_000, "ü" * 900_000, "wörd " * 2000 + "\n", "wörd " * 60_000 + "\n", SENTENCE * 20],
    ids=["lines", "one line", "no space", "a short line that ends", "a long line that ends", "few lines"],
)
def test_a_file_is_split_into_three_without_loss(tmp_path, content):
    (tmp_path / "a.txt").write_text(content)
    splits = load_texts(str(tmp_path / "a.txt"))
    whole = "".join(splits.train.chunks()) + splits.valid.text + splits.test.text
    assert whole == content and len(splits.valid) and len(splits.test)
    assert 0.87 < sum(map(len, splits.train.chunks())) / len(content) < 0.93


def test_a_folder_is_read_file_by_file(tmp_path):
    for name in ("b/2.txt", "a/1.md", "c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n" + SENTENCE * 100, encoding="utf-8")
    splits = load_texts(str(tmp_path))
    assert [d.source.name for d in splits.train.documents] == ["1.md", "2.txt"]
    assert splits.test.text.endswith(SENTENCE) and splits.dataset == "own data"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0" * 500, "is not"),
        (b"caf\xe9 " * 500, "is not UTF-8 text"),
        (b"abc", "too short"),
    ],
    ids=["empty", "binary", "latin-1", "short"],
)
def test_what_is_no_text_is_told(tmp_path, content, says):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match=f"{says}.*Received: "):
        "".join(load_texts(str(tmp_path / "a.txt")).train.chunks())


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text(SENTENCE * 99)

    def refused(*_, **__):
        raise PermissionError(13, "Denied")

    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(UserError, match="cannot be read: Denied. Received: "):
        load_texts(str(tmp_path / "a.txt"))


@pytest.mark.parametrize("text", ["x" * 2000, "xy" * 45, "ab\n"])
def test_counting_takes_any_text_however_short_or_dull(text):
    assert 0 <= kneser_ney_bits_per_byte(text, text, text) < 20


def test_no_text_at_all_is_told(tmp_path):
    for place, says in ((tmp_path, "holds no text file"), (tmp_path / "none", "cannot be read")):
        with pytest.raises(UserError, match=f"{says}.*Received: "):
            load_texts(str(place))


# Tokens on disk ---------------------------------------------------------------------------------------------------


def test_the_token_file_is_the_text_and_is_written_once(cache):
    corpus = Corpus((Document(SENTENCE * 30_000), Document(SENTENCE)))
    tokens = map_tokens(corpus, TOKENIZER)
    expected = [TOKENIZER.end, *TOKENIZER.encode(SENTENCE * 30_000), TOKENIZER.end, *TOKENIZER.encode(SENTENCE)]
    assert tokens.dtype == np.uint16 and isinstance(tokens, np.memmap) and tokens.tolist() == expected
    (file,) = (cache / "tokens").iterdir()
    before = file.stat().st_mtime_ns
    map_tokens(corpus, TOKENIZER)
    assert file.stat().st_mtime_ns == before
    map_tokens(Corpus((Document(SENTENCE),)), TOKENIZER)
    assert len(list((cache / "tokens").iterdir())) == 2


def test_an_epoch_reads_every_token_once_and_any_place_can_be_gone_to():
    windows = Windows(np.arange(1000), 10, 7, seed=1)
    batches = iter(windows)
    first = [next(batches)["ids"] for _ in range(14)]  # 98 windows: an epoch
    seen = torch.cat([b[:, :-1] for b in first]).flatten()
    assert len(seen) == len(seen.unique()) == 980
    again = Windows(np.arange(1000), 10, 7, seed=1)
    again.load_state_dict({"position": 5})
    assert all(torch.equal(a, b["ids"]) for a, b in zip(first[5:], again, strict=False))
    assert torch.equal(next(batches)["ids"], next(islice(iter_from(14), 1))["ids"])


def test_the_order_of_an_epoch_takes_no_objects():
    windows = Windows(np.zeros(2_000_000, np.uint16), 10, 4)
    tracemalloc.start()
    next(windows.starts())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000, "200,000 windows"


def iter_from(batch):
    windows = Windows(np.arange(1000), 10, 7, seed=1)
    windows.load_state_dict({"position": batch})
    return iter(windows)


def test_a_text_shorter_than_the_context_is_told():
    with pytest.raises(UserError, match=r"too short for a context of 10 tokens.*Received: 20 tokens"):
        Windows(np.arange(20), 10, 4)


def test_a_run_is_not_continued_with_another_vocabulary(tmp_path, cache):
    for name, text in (("a", SENTENCE), ("b", "Quite another text, with other words in it.\n")):
        (tmp_path / f"{name}.txt").write_text(text * 200)
    options = {"steps": 2, "out": tmp_path / "run", "device": "cpu"}
    one, other = (GPT2.data(TINY, str(tmp_path / f"{name}.txt")) for name in "ab")
    config = GPT2.fit_config(TINY, one)
    Trainer(build_system(GPT2, config, 0), one, Options(**options), quiet=True).fit()
    with pytest.raises(UserError, match=r"run was begun with other data.*Received: "):
        Trainer(build_system(GPT2, config, 0), other, Options(**options, resume=True), quiet=True).fit()
    Trainer(build_system(GPT2, config, 0), one, Options(**options, resume=True), quiet=True).fit()


def test_fine_tuning_keeps_the_vocabulary_that_came_with_the_weights(system, tmp_path, cache):
    (tmp_path / "a.txt").write_text("Quite another text, with other words in it.\n" * 200)
    splits = GPT2.data(system.config, str(tmp_path / "a.txt"))
    tuned = build_system(GPT2, GPT2.fit_config(system.config, splits), 0, system)
    Trainer(tuned, splits, Options(steps=2, out=tmp_path / "run", device="cpu"), quiet=True).fit()
    assert tuned.tokenizer.encode(SENTENCE) == system.tokenizer.encode(SENTENCE)
    assert GPT2.from_pretrained(tmp_path / "run").tokenizer.encode(SENTENCE) == system.tokenizer.encode(SENTENCE)


MEASURE = """
import sys
from pathlib import Path
from dataclasses import replace
from potmeter.core.training.options import Options
from potmeter.core.training.loop import Trainer, build_system
from potmeter.systems.language.gpt2 import GPT2
config = replace(GPT2.presets["tiny"], vocab_size=300)
splits = GPT2.data(config, sys.argv[1])
Trainer(build_system(GPT2, config, 0), splits, Options(steps=20, out=Path(sys.argv[2]), device="cpu"), quiet=True).fit()
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_text_takes_no_more_memory_than_a_small_one(tmp_path, cache):
    """20 MB may cost 30 MB: the seven million tokens alone, as a list, would take more than 50."""
    anonymous = {}
    for name, copies in (("small", 20_000), ("large", 2 * 10**7 // len(SENTENCE))):
        with open(tmp_path / f"{name}.txt", "w") as file:
            for start_at in range(0, copies, 10_000):
                file.write(SENTENCE * min(10_000, copies - start_at))
        command = [sys.executable, "-c", MEASURE, str(tmp_path / f"{name}.txt"), str(tmp_path / f"run-{name}")]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        anonymous[name] = int(done.stdout) * 1024
    assert anonymous["large"] - anonymous["small"] < 30e6


# Baselines --------------------------------------------------------------------------------------------------------


def test_the_n_gram_models_probabilities_sum_to_one():
    rng = np.random.default_rng(0)
    text = rng.choice(4, size=300, p=[0.5, 0.3, 0.15, 0.05])
    model = KneserNey(np.array([5, *text, 6]), 7, 3)  # 4 never occurs, 5 only at the start, 6 only at the end
    for context in ([0, 1], [2, 2], [4, 4], [3, 0], [1, 5], [5, text[0]], [1, 6], [text[-1], 6]):
        p = np.array([2.0 ** -model.bits(np.array([*context, unit]))[:, -1] for unit in range(7)])  # (7, order)
        assert (p > 0).all()
        np.testing.assert_allclose(p.sum(0), 1)


def test_kneser_ney_counts_what_stands_before_not_how_often():
    # "b" is frequent, but only ever after "a"; "c" is rarer, but follows everything: after something new, c is likelier
    text = np.array([0, 1] * 30 + [0, 2, 1, 2, 3, 2, 4, 2, 5, 2])
    model = KneserNey(text, 7, 2)
    after_unknown = [2.0 ** -model.bits(np.array([6, unit]))[1, -1] for unit in (1, 2)]
    assert after_unknown[1] > after_unknown[0]


def test_repetition_helps_the_compressor_and_the_counts():
    train, valid, test = (SENTENCE * n for n in (200, 20, 20))
    assert xz_bits_per_byte(train, test) < 0.2 < xz_bits_per_byte("", SENTENCE)
    assert kneser_ney_bits_per_byte(train, valid, test) < 0.2


# By hand ----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_at_once_and_goes_on(system):
    sheet = demo(system)
    read = sheet.show("In the garden")
    assert isinstance(read.surprisal, Image) and 0 < sum(read.next.values.values()) <= 1
    texts = [text for text, _ in sheet.actions["Go on"]("In the")]
    assert all(text.startswith("In the") for text in texts) and len(texts[-1]) > len("In the")
    with pytest.raises(UserError, match="at most 2,000 characters"):
        sheet.check("a" * 2001)
