"""Word vectors: the kernel does what the equations say, the vocabulary what the original program does."""

import heapq
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.helpers import trainer
from potmeter.core.config import build_config
from potmeter.core.training import processes
from potmeter.errors import UserError
from potmeter.systems.language.word2vec import intrinsic_evaluation, kernel, system, word_map
from potmeter.systems.language.word2vec.corpus import PASSAGE_LENGTH, Passages, RunningText, map_words
from potmeter.systems.language.word2vec.huffman import build_huffman_tree
from potmeter.systems.language.word2vec.model import Config, WordVectors
from potmeter.systems.language.word2vec.phrases import build_vocabulary
from potmeter.systems.language.word2vec.system import Word2Vec
from potmeter.systems.language.word2vec.vocabulary import Vocabulary, build_alias_table, count_words, split_words
from potmeter.systems.language.word2vec.workers import Workers

TINY = Word2Vec.presets["tiny"]
METHODS = [(a, n) for a in ("skipgram", "cbow") for n in (3, 0)]


def vocabulary(size=12) -> Vocabulary:
    return Vocabulary(tuple(f"w{n}" for n in range(size)), tuple(range(3 * size, 2 * size, -1)))


def small(architecture="skipgram", negative_samples=3, size=12, **changes) -> Config:
    v = vocabulary(size)
    settings = {
        "embedding_dim": 10,
        "window": 1,
        "subsampling_threshold": 0.0,
        "vocabulary": v.words,
        "counts": v.counts,
    }
    return Config(architecture=architecture, negative_samples=negative_samples, **settings | changes)


def random_model(config: Config) -> WordVectors:
    model = WordVectors(config)
    for matrix in model.parameters():
        torch.nn.init.normal_(matrix, std=0.4)
    return model


def learn(model, config, text, lr, seed=5):
    """The kernel on copies of the model's matrices: these, loss, number of predictions, and how often rows were updated."""
    matrices = [m.detach().numpy().copy() for m in (model.input_vectors, model.output_vectors)]
    updates = [np.zeros(len(m), np.int32) for m in matrices]
    tables = kernel.build_tables(Vocabulary(config.vocabulary, config.counts), config)
    settings = config.window, config.negative_samples, config.architecture == "cbow", np.float32(lr), np.uint64(seed)
    loss, predictions = kernel.train_on_text(*matrices, np.array(text, np.int32), tables, *settings, *updates)
    return matrices, loss, predictions, updates


# The kernel -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("architecture", "negative_samples"), METHODS)
def test_the_kernel_moves_both_matrices_along_the_gradient_of_the_reference(architecture, negative_samples):
    config = small(architecture, negative_samples, size=300)  # so many that no noise is drawn twice here
    model = random_model(config)
    text, lr = [3, 7, 1], 0.05
    after, loss, predictions, _ = learn(model, config, text, lr)
    expected = [m.detach().clone() for m in (model.input_vectors, model.output_vectors)]
    total = 0.0
    for context, samples in windows(config, text, seed=5):
        fresh = WordVectors(config)
        with torch.no_grad():
            fresh.input_vectors.copy_(expected[0])
            fresh.output_vectors.copy_(expected[1])
        targets, labels = samples
        value = fresh(
            torch.tensor([context]), torch.ones(1, len(context), dtype=torch.bool),
            torch.tensor([targets]), torch.tensor([labels]), torch.ones(1, len(targets), dtype=torch.bool),
        ).sum()  # fmt: skip
        value.backward()
        total += float(value.detach())
        expected = [expected[0] - lr * fresh.input_vectors.grad, expected[1] - lr * fresh.output_vectors.grad]
    assert predictions == (4 if architecture == "skipgram" else 3)
    assert loss == pytest.approx(total, abs=1e-4)
    for ours, reference in zip(after, expected, strict=True):
        np.testing.assert_allclose(ours, reference.numpy(), atol=1e-6)


def windows(config, text, seed):
    """The kernel's samples, in its order, by its random numbers: context, (targets, labels)."""
    numbers = Numbers(seed)
    tables = kernel.build_tables(Vocabulary(config.vocabulary, config.counts), config)
    line = [w for w in text if numbers.draw() is not None]
    for middle, word in enumerate(line):
        numbers.draw()  # the window's reach, which is 1
        first, last = max(0, middle - 1), min(len(line), middle + 2)
        lists = []
        for _ in range(1 if config.architecture == "cbow" or not config.negative_samples else last - first):
            lists.append(draw_samples(word, config, tables, numbers))
        others = [n for n in range(first, last) if n != middle]
        if config.architecture == "cbow":
            yield [line[n] for n in others], lists[0]
        else:
            yield from (([line[n]], lists[n - first if config.negative_samples else 0]) for n in others)


def draw_samples(word, config, tables, numbers):
    if not config.negative_samples:
        path = slice(tables.tree.starts[word], tables.tree.starts[word + 1])
        return tables.tree.nodes[path].tolist(), [side == 0 for side in tables.tree.branches[path].tolist()]
    targets = [word]
    for _ in range(config.negative_samples):
        bits = numbers.draw()
        column = ((bits >> 32) * len(config.vocabulary)) >> 32
        noise = column if bits % 2**32 < tables.alias_threshold[column] else int(tables.alias[column])
        targets += [noise] if noise != word else []
    return targets, [True] + [False] * (len(targets) - 1)


class Numbers:
    """SplitMix64 in Python's integers."""

    def __init__(self, seed):
        self.counter = seed

    def draw(self):
        self.counter = (self.counter + kernel.GOLDEN_GAMMA) % 2**64
        bits = self.counter
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) % 2**64
        return bits ^ (bits >> 31)


@pytest.mark.parametrize(("architecture", "negative_samples"), METHODS)
def test_measuring_changes_nothing(architecture, negative_samples):
    config = small(architecture, negative_samples, window=3)
    model = random_model(config)
    after, loss, predictions, _ = learn(model, config, [*range(12), -1, 4, 5], 0.0)
    assert predictions > 0 and loss > 0
    assert all((a == m.detach().numpy()).all() for a, m in zip(after, model.parameters(), strict=True))


def test_scores_beyond_the_bound_count_as_certain():
    config = small(negative_samples=0, size=2)
    model = WordVectors(config)
    with torch.no_grad():
        model.input_vectors.fill_(3.0)
        model.output_vectors.fill_(3.0)  # a score of 90: the branch of one word is certain, of the other impossible
    after, loss, predictions, _ = learn(model, config, [0, 1], 0.1)
    assert predictions == 2 and loss == pytest.approx(90, rel=0.2)
    assert (after[1] != 3.0).all(), "what was wrong is moved at full strength"


def test_no_window_crosses_the_end_of_a_line():
    config = small(window=5)
    _, _, predictions, _ = learn(random_model(config), config, [1, -1, 2, -1, -1, 3], 0.1)
    assert predictions == 0


@pytest.mark.parametrize(("architecture", "negative_samples"), METHODS)
def test_replicas_give_the_same_weights_with_any_number_of_workers_and_every_time(
    tmp_path, architecture, negative_samples
):
    config = replace(TINY, architecture=architecture, negative_samples=negative_samples)
    splits = Word2Vec.data(config)
    config = Word2Vec.fit_config(config, splits)
    results = []
    for run, workers in enumerate((1, 2, 4, 4)):
        ready = trainer(Word2Vec, config, tmp_path / str(run), splits, steps=5, eval_every=100, workers=workers)
        ready.fit()
        results.append(ready.system.state_dict())
    for other in results[1:]:
        assert all(torch.equal(value, other[key]) for key, value in results[0].items())


def test_one_replica_is_the_same_as_none():
    config = small(window=3)
    text = np.random.default_rng(0).integers(12, size=500).astype(np.int32)
    tables = kernel.build_tables(Vocabulary(config.vocabulary, config.counts), config)
    after = []
    for replicas in (0, 1):
        torch.manual_seed(1)
        model = random_model(config)
        Workers(model, tables, replace(config, replicas=replicas), 1).step(text, 0.05, np.array([7]))
        after.append(model.state_dict())
    assert all(torch.equal(value, after[1][key]) for key, value in after[0].items())


@pytest.mark.parametrize(
    ("architecture", "negative_samples", "lists"),
    [("skipgram", 3, 7), ("skipgram", 0, 3), ("cbow", 3, 3), ("cbow", 0, 3)],
)
def test_rows_are_counted_as_they_stand_in_lists_of_samples(architecture, negative_samples, lists):
    """Three windows of two, three and two places, and four predictions in skip-gram; see ``train_on_text``."""
    config = small(architecture, negative_samples, size=300 if negative_samples else 2)
    _, _, predictions, (input_updates, output_updates) = learn(random_model(config), config, [0, 1, 0], 0.05)
    assert predictions == (4 if architecture == "skipgram" else 3) and input_updates.sum() == 4
    assert output_updates[:2].sum() == lists and (negative_samples == 0 or output_updates.sum() > lists)


def test_few_changes_are_added_and_many_averaged():
    for count, weight in ((1, 1.0), (10**6, 1 / 2)):
        whole = np.zeros((3, 2), np.float32)
        copies = np.stack([whole + 1, whole + 3])
        updates = np.array([[count, 0, 0], [count, 0, 0]], np.int32)
        kernel.merge_replicas(whole, copies, updates, np.float32(0.025), 0, 3)
        assert whole[0] == pytest.approx(4 * weight, rel=0.01) and (whole[1:] == 0).all()
        assert (copies[:, 0] == whole[0]).all() and updates.max() == 0


# Vocabulary -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=2, max_size=60))
def test_no_tree_has_a_shorter_mean_code(counts):
    counts = np.array(sorted(counts, reverse=True))
    tree = build_huffman_tree(counts)
    heap = counts.tolist()
    heapq.heapify(heap)
    best = 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        best += both
        heapq.heappush(heap, both)
    lengths = np.diff(tree.starts)
    assert (counts * lengths).sum() == best
    assert sum(2.0**-n for n in lengths.tolist()) == 1, "complete"
    codes = {tuple(tree.branches[a:b].tolist()) for a, b in zip(tree.starts[:-1], tree.starts[1:], strict=True)}
    assert len(codes) == len(counts) and 0 <= tree.nodes.min() and tree.nodes.max() == len(counts) - 2


def test_frequent_words_are_kept_with_the_original_programs_probability():
    v = Vocabulary(("the", "rare"), (999_000, 1000))
    f, t = 0.999, 1e-3
    assert v.keep_probabilities(t) == pytest.approx([(np.sqrt(f / t) + 1) * t / f, 1.0])
    assert (v.keep_probabilities(0.0) == 1).all()


def test_the_kernel_skips_as_often_as_it_should():
    config = small(negative_samples=0, size=2, subsampling_threshold=1e-2, embedding_dim=1)
    config = replace(config, counts=(90, 10))
    text = np.where(np.random.default_rng(0).random(200_000) < 0.9, 0, 1)
    *_, updates = learn(random_model(config), config, text, 0.0)
    keep = Vocabulary(config.vocabulary, config.counts).keep_probabilities(1e-2)
    expected = 0.9 * keep[0] / (0.9 * keep[0] + 0.1 * keep[1])  # of the words that are left
    assert updates[0][0] / updates[0].sum() == pytest.approx(expected, abs=0.01)


@settings(deadline=None)
@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=50))
def test_the_alias_table_draws_with_the_probabilities_it_was_made_from(weights):
    p = np.array(weights) / np.sum(weights)
    threshold, alias = build_alias_table(p)
    drawn = threshold / 2**32
    np.add.at(drawn, alias, 1 - threshold / 2**32)
    np.testing.assert_allclose(drawn / len(p), p, atol=1e-6)


def test_noise_is_the_count_to_the_power_three_quarters():
    p = Vocabulary(("a", "b"), (16, 1)).noise_distribution()
    assert p[0] / p[1] == pytest.approx(8)


def test_words_are_letters_of_any_script_in_lower_case():
    assert split_words("It’s A TRUTH; Ős-öreg наука 1813 new_york 'tis") == [
        *("it's", "a", "truth", "ős", "öreg", "наука", "new", "york", "tis")
    ]  # fmt: skip


def test_words_that_belong_together_become_one():
    rng = np.random.default_rng(0)
    filler = [f"f{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}" for n in range(100)]
    lines = [
        " ".join(["new", "york", "city", *rng.choice(filler, 4)] if n % 4 == 0 else rng.choice(filler, 5))
        for n in range(4000)
    ]
    v = build_vocabulary(lambda: ["\n".join(lines)], 2, min_count=5, threshold=20.0, max_size=0)
    assert "new_york_city" in v.words and not any(
        "_" in word for word in v.words if "new" not in word and "york" not in word
    )
    assert v.encode("in New York City fab").tolist() == [v.index["new_york_city"], v.index["fab"]]
    assert v.lookup("New York city") == v.index["new_york_city"]


def test_an_unknown_word_is_told_with_those_near_it():
    system = Word2Vec(small())
    with pytest.raises(UserError, match=r"lacks this one; near it are w1.*Received: w1x"):
        system.run(["w1x"])
    with pytest.raises(UserError, match="vocabulary of 12 words lacks this one"):
        system.run(["zzzzzz"])


def test_the_config_is_shown_without_its_thousands_of_words():
    config = small()
    assert "w3" not in repr(config) and repr(config) != repr(replace(config, counts=(*config.counts[:-1], 1)))
    assert (
        build_config(Config, {"vocabulary": list(config.vocabulary), "counts": list(config.counts)}).vocabulary
        == config.vocabulary
    )


def test_a_text_of_one_word_is_told():
    with pytest.raises(UserError, match="at least two different words"):
        Vocabulary.from_counts(Counter({"only": 100}), 1, 0)


# Text and measures ----------------------------------------------------------------------------------------------


def test_a_text_goes_round_and_its_position_is_its_state(tmp_path, monkeypatch):
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path))
    v = Vocabulary(("ant", "bee", "cat", "dog", "elk"), (5, 4, 3, 2, 1))
    text = map_words(["ant bee\n", "cat fox dog elk"], v)
    assert text.tolist() == [0, 1, -1, 2, 3, 4]
    stream = RunningText(np.arange(5, dtype=np.int32), 7)
    batches = iter(stream)
    assert next(batches)["text"].tolist() == [0, 1, 2, 3, 4, 0, 1]
    state = stream.state_dict()
    expected = next(batches)["text"].tolist()
    again = RunningText(np.arange(5, dtype=np.int32), 7)
    again.load_state_dict(state)
    assert next(iter(again))["text"].tolist() == expected == [2, 3, 4, 0, 1, 2, 3]
    assert not list(tmp_path.iterdir()), "the file has no name"


def test_passages_are_the_whole_text_and_some_can_be_picked():
    text = np.arange(2 * PASSAGE_LENGTH + 7)
    data = Passages(text, vocabulary())
    assert len(data) == 3 and np.concatenate([*data.passages()]).tolist() == text.tolist()
    assert [p.tolist() for p in data.select([2, 0]).select([0]).passages()] == [
        [2 * PASSAGE_LENGTH + n for n in range(7)]
    ]


def test_the_end_of_a_line_is_no_word(tmp_path):
    (tmp_path / "a.txt").write_text("ant bee\n" * 100 + "ant\n" * 100)
    config = replace(TINY, dataset="english")
    with pytest.raises(UserError, match="needs two words of the vocabulary.*Received: train"):
        Word2Vec.data(config, str(tmp_path / "a.txt"))


def test_a_text_of_which_no_pair_of_words_is_left_is_told_before_training(tmp_path):
    config = replace(TINY, subsampling_threshold=1e-12)
    splits = Word2Vec.data(config)
    config = Word2Vec.fit_config(config, splits)
    with pytest.raises(
        UserError, match=r"larger --subsampling-threshold \(0 skips no word\).*Received: --subsampling-threshold 1e-12"
    ):
        trainer(Word2Vec, config, tmp_path, splits, steps=1)
    assert not list(tmp_path.iterdir())


def test_what_has_no_pair_of_words_has_no_loss():
    system = Word2Vec(small())
    lonely = Passages(np.array([1, -1, 2, -1, 3]), system.vocabulary)
    with pytest.raises(UserError, match=r"No pair of words is left.*Received: --subsampling-threshold 0$"):
        system.validate(lonely)


def test_a_passage_without_a_pair_counts_as_the_others_do():
    system = Word2Vec(small())
    text = np.array([*[1, 2] * (PASSAGE_LENGTH // 2), 3])
    values = system.validate(Passages(text, system.vocabulary))["loss"]
    assert len(values) == 2 and values[0] == values[1] > 0


def test_vectors_that_are_no_numbers_have_no_finite_loss():
    system = Word2Vec(small())
    with torch.no_grad():
        system.model.input_vectors.fill_(np.inf)
        system.model.output_vectors.fill_(1.0)
    assert not system.validate(Passages(np.array([1, 2, 3]), system.vocabulary))["loss"].isfinite().any()


def test_weights_of_a_text_of_ones_own_say_so(tmp_path):
    (tmp_path / "a.txt").write_text("ant bee cat dog elk fox\n" * 500)
    splits = Word2Vec.data(TINY, str(tmp_path / "a.txt"))
    config = replace(TINY, dataset="english", min_count=1)
    config = trainer(Word2Vec, Word2Vec.fit_config(config, splits), tmp_path / "run", splits, steps=1).system.config
    assert config.dataset == "own data"
    with pytest.raises(UserError, match="Data of your own are needed: name them with --data. Received: own data"):
        Word2Vec.data(config)
    assert Word2Vec.data(config, str(tmp_path / "a.txt")).dataset == "own data"


def test_a_text_of_ones_own_that_is_said_to_be_english_is_evaluated_as_english(monkeypatch):
    monkeypatch.setattr(intrinsic_evaluation, "read_word_pairs", lambda name: [("w0", "w1", 1.0)])
    monkeypatch.setattr(intrinsic_evaluation, "analogies_for", lambda dataset: [("w0", "w1", "w2", "w3")])
    for english in (True, False):
        values = Word2Vec(small(dataset="own data")).evaluate(Passages(np.array([1, 2, 3]), vocabulary(), english))
        assert ("wordsim353_pairs" in values) == ("analogy" in values) == english


def test_the_examples_of_a_text_of_ones_own_are_of_its_words():
    system = Word2Vec(small(dataset="own data"))
    nearest, drawn = system.examples()
    assert nearest.inputs == {"words": ["w0"]} and drawn.inputs["words"] == list(system.vocabulary.words)
    assert len(system.run(**nearest.inputs).rows) == 10 and system.map(**drawn.inputs).pixels.shape[2] == 3
    assert len(Word2Vec(small(size=2, dataset="own data")).examples()) == 1, "two words make no map"


def test_it_trains_in_one_process(monkeypatch):
    config = Word2Vec.fit_config(TINY, splits := Word2Vec.data(TINY))
    monkeypatch.setattr(processes, "world_size", lambda: 2)
    with pytest.raises(UserError, match="word2vec trains in one process; --workers.*Received: 2"):
        Word2Vec(config).batches(splits, None)


def test_it_trains_on_the_cpu_whatever_device_there_is(tmp_path, monkeypatch):
    config = Word2Vec.fit_config(TINY, splits := Word2Vec.data(TINY))
    chosen = []
    monkeypatch.setattr(processes, "setup", lambda device: chosen.append(device) or torch.device("cpu"))
    trainer(Word2Vec, config, tmp_path, splits, steps=1, device="cuda")
    assert chosen == ["cpu"]


def test_what_is_measured_is_what_people_said():
    vectors = np.eye(4)[[0, 0, 1, 2]] + 0.01
    v = Vocabulary(("a", "b", "c", "d"), (4, 3, 2, 1))
    pairs = [("a", "b", 9.0), ("a", "c", 1.0), ("b", "d", 1.0), ("a", "unknown", 5.0)]
    found = intrinsic_evaluation.similarity_test(vectors, v, pairs)
    assert found.score == pytest.approx(1, abs=0.2) and (found.covered, found.total) == (3, 4)


def test_an_analogy_leaves_out_the_words_it_was_given():
    man, woman, king, queen = np.array([1, 0, 0]), np.array([1, 1, 0]), np.array([1, 0, 1]), np.array([1, 1, 1])
    v = Vocabulary(("man", "woman", "king", "queen"), (4, 3, 2, 1))
    right, found = intrinsic_evaluation.analogy_test(
        np.stack([man, woman, king, queen]).astype(float),
        v,
        [("man", "woman", "king", "queen"), ("man", "x", "king", "queen")],
    )
    assert right.tolist() == [1.0] and (found.covered, found.total) == (1, 2)


# The map --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(st.integers(3, 60), st.integers(0, 1000))
def test_labels_cover_neither_each_other_nor_points(count_, seed):
    rng = np.random.default_rng(seed)
    points = word_map.scale_to_picture(rng.normal(size=(count_, 2)) ** 3)
    boxes = word_map.place_labels(points, [(float(w), 22.0) for w in rng.integers(30, 130, count_)])
    for i, box in enumerate(boxes):
        assert word_map.is_inside(box)
        assert not any(word_map.overlap(box, other) for other in boxes[:i])
        assert not any(box[0] < x < box[2] and box[1] < y < box[3] for x, y in points)


def test_a_map_of_too_few_or_too_many_words_is_told():
    system = Word2Vec(small())
    with pytest.raises(UserError, match="from 3 to 150 words"):
        system.map(["w1", "w2"])


@pytest.mark.parametrize(("size", "shown"), [(12, 12), (130, 60), (400, 60)])
def test_a_map_without_words_shows_the_frequent_ones(monkeypatch, size, shown):
    drawn = []
    monkeypatch.setattr(system, "draw_word_map", lambda unit, words, method: drawn.extend(words))
    Word2Vec(small(size=size)).map()
    assert len(drawn) == shown and drawn[0] == ("w100" if size == 400 else "w0")


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_vectors_of_one_dimension_lie_on_a_line(method):
    model = Word2Vec(small(embedding_dim=1))
    assert model.map(["w1", "w2", "w3"], method=method).pixels.shape == (word_map.HEIGHT, word_map.WIDTH, 3)
    assert (word_map.project(np.array([[1.0], [-1.0], [1.0]]), "pca")[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"embedding_dim": 0}, "embedding_dim must lie between 1 and 10,000"),
        ({"window": 0}, "window must lie between 1 and 1000"),
        ({"negative_samples": -1}, "negative_samples must lie between 0 and 1000"),
        ({"subsampling_threshold": -1.0}, "subsampling_threshold must be at least 0"),
        ({"max_vocab_size": 1}, "max_vocab_size must be 0 or at least 2"),
        ({"replicas": 65}, "replicas must lie between 0 and 64"),
        ({"vocabulary": ("a", "b")}, "a count for each word"),
        ({"vocabulary": ("a", "a"), "counts": (1, 1)}, "words must differ"),
    ],
)
def test_nonsense_is_refused(change, words):
    with pytest.raises(UserError, match=f"{words}.*Received"):
        replace(Config(), **change)


def test_counting_a_text():
    assert count_words(["a b a", "b a"]) == {"a": 3, "b": 2}
