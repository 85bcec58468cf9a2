"""Folds share no group, intervals are Wilson's, and cross-validation says 100 % and chance where that is the truth."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from torch import nn

from potmeter.core.config import BaseConfig
from potmeter.core.system import Goal, System
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError
from potmeter.media import Chart
from potmeter.systems.vision.classifier.cross_validation import (
    balanced_order,
    cross_validate,
    folds,
    learning_curve,
    wilson,
)


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """One linear layer for pictures of 8×8."""

    classes: tuple[str, ...] = ("dark", "middle", "light")
    """Their names."""


class Linear(System):
    """The smallest classifier there is."""

    name = "linear"
    Config = Config
    goal = Goal("accuracy", "higher")

    def __init__(self, config):
        super().__init__(config)
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(64, len(config.classes)))

    def logits(self, images):
        return self.model(images - 0.5)

    def loss(self, batch):
        return {"loss": nn.functional.cross_entropy(self.logits(batch["image"]), batch["label"])}

    def evaluate(self, data):
        batch = data.__getitems__(range(len(data)))
        return {"accuracy": (self.logits(batch["image"]).argmax(1) == batch["label"]).float()}


CONFIG = Config(batch_size=16, lr=3e-2)


def stripes(n=90, seed=0):
    """Pictures of three classes, told apart by which third is bright; three of each animal, so to speak."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) // 3 % 3
    images = torch.randint(0, 120, (n, 1, 8, 8), generator=rng, dtype=torch.uint8)
    for i, label in enumerate(labels.tolist()):
        images[i, :, 2 * label : 2 * label + 2] += 130
    return TensorData(classes=CONFIG.classes, image=images, label=labels, group=torch.arange(n) // 3)


# Folds


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 6), st.integers(2, 4), st.integers(0, 2**31))
def test_folds_part_the_data_and_no_group(k, classes, seed):
    rng = torch.Generator().manual_seed(seed)
    size = torch.randint(1, 5, (classes * 8,), generator=rng)
    groups = torch.arange(classes * 8).repeat_interleave(size)
    groups = groups[torch.randperm(len(groups), generator=rng)]
    labels = groups % classes
    cut = folds(groups, labels, k)
    assert torch.cat([test for _, test in cut]).sort().values.tolist() == list(range(len(labels)))
    for train, test in cut:
        assert sorted([*train.tolist(), *test.tolist()]) == list(range(len(labels)))
        assert not set(groups[train].tolist()) & set(groups[test].tolist())
        assert set(labels[train].tolist()) == set(range(classes))


def test_folds_are_the_same_every_time_and_follow_the_classes():
    data = stripes()
    groups, labels = data.tensors["group"], data.tensors["label"]
    one, two = folds(groups, labels), folds(groups, labels)
    assert all(torch.equal(a[1], b[1]) for a, b in zip(one, two, strict=True))
    assert not all(torch.equal(a[1], b[1]) for a, b in zip(one, folds(groups, labels, seed=1), strict=True))
    for _, test in one:
        assert labels[test].bincount().tolist() == [6, 6, 6]


def test_without_groups_each_picture_is_its_own():
    assert [len(test) for _, test in folds(None, torch.arange(20) % 2, k=5)] == [4] * 5


def test_too_few_groups_are_refused():
    with pytest.raises(UserError, match=r"class 1 has fewer\. Received: 3"):
        folds(torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 7, 7]), torch.tensor([0] * 5 + [1] * 5), k=5)
    with pytest.raises(UserError, match="two folds"):
        folds(None, torch.zeros(10, dtype=torch.long), k=1)


# Intervals


@pytest.mark.parametrize(("right", "n"), [(8, 10), (0, 10), (10, 10), (50, 100), (136, 142), (1, 1)])
def test_wilson_is_scipys(right, n):
    expected = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert wilson(right, n) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_wilson_gives_the_textbooks_values():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_wilson_solves_its_quadratic_equation():
    right, n, z = 136, 142, 1.959964
    for bound in wilson(right, n):  # the bounds are where the score test just rejects
        assert abs(right / n - bound) == pytest.approx(z * (bound * (1 - bound) / n) ** 0.5)


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors(case):
    right, n = case
    low, high = wilson(right, n)
    assert 0 <= low <= right / n <= high <= 1
    assert wilson(n - right, n) == pytest.approx((1 - high, 1 - low))


@pytest.mark.parametrize("case", [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_nonsense(case):
    with pytest.raises(UserError, match="Received"):
        wilson(*case)


# Cross-validation


def test_what_can_be_learned_is_learned():
    result = cross_validate(Linear, CONFIG, stripes(), steps=60, device="cpu")
    assert result.accuracy == 1.0
    assert result.confusion.tolist() == [[30, 0, 0], [0, 30, 0], [0, 0, 30]]
    assert result.interval[0] == pytest.approx(wilson(90, 90)[0])
    assert result.fold.bincount().tolist() == [18] * 5


def test_shuffled_labels_are_not_learned():
    data = stripes(360)
    shuffled = torch.randperm(120, generator=torch.Generator().manual_seed(3)) % 3
    data = TensorData(**data.tensors | {"label": shuffled[data.tensors["group"]]})
    result = cross_validate(Linear, CONFIG, data, steps=60, device="cpu")
    assert 0.2 < result.accuracy < 0.47  # 1/3, with some 120 independent groups


def test_a_group_given_away_would_be_noticed():
    """Random labels by group: who has seen the group knows the answer, so that only grouped folds come to chance."""
    rng = torch.Generator().manual_seed(0)
    group = torch.arange(60).repeat_interleave(4)
    label = torch.randint(3, (60,), generator=rng)[group]
    image = torch.randint(0, 256, (60, 1, 8, 8), generator=rng, dtype=torch.uint8)[group]
    config = replace(CONFIG, lr=0.1, batch_size=48)
    honest = cross_validate(Linear, config, TensorData(image=image, label=label, group=group), steps=60, device="cpu")
    leaking = cross_validate(Linear, config, TensorData(image=image, label=label), steps=60, device="cpu")
    assert leaking.accuracy > 0.85
    assert honest.accuracy < 0.55


def test_the_same_seed_gives_the_same_predictions():
    one, two = (cross_validate(Linear, CONFIG, stripes(45), steps=5, device="cpu") for _ in range(2))
    assert torch.equal(one.logits, two.logits)


# Data hunger


def test_more_pictures_help():
    noisy, rng = stripes(300), torch.Generator().manual_seed(9)
    noise = torch.randint(0, 150, (300, 1, 8, 8), generator=rng)
    noisy.tensors["image"] = (noisy.tensors["image"] * 0.4 + noise).byte()
    places = torch.arange(300)
    splits = Splits(noisy.select(places[:150]), None, noisy.select(places[150:]))
    chart = learning_curve(Linear, CONFIG, splits, [3, 20, 150], steps=60, seeds=2, device="cpu")
    assert isinstance(chart, Chart)
    curve = dict(chart.lines["mean of 2"])
    assert list(curve) == [3, 20, 150]
    assert curve[150] > curve[3] + 0.1
    assert all(low[1] <= high[1] for low, high in zip(chart.lines["worst"], chart.lines["best"], strict=True))


def test_sizes_reach_from_one_of_each_to_all():
    data = stripes(45)
    chart = learning_curve(Linear, CONFIG, Splits(data, None, data), steps=1, seeds=1, device="cpu")
    sizes = [n for n, _ in chart.lines["mean of 1"]]
    assert sizes[0] == 3
    assert sizes[-1] == 45
    assert sizes == sorted(set(sizes))


def test_impossible_sizes_and_missing_test_pictures_are_refused():
    data = stripes(45)
    with pytest.raises(UserError, match=r"3 .* to 45 .*Received: 46"):
        learning_curve(Linear, CONFIG, Splits(data, None, data), [46], steps=1)
    with pytest.raises(UserError, match="no test pictures"):
        learning_curve(Linear, CONFIG, Splits(data), steps=1)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=40), st.integers(0, 9))
def test_beginnings_are_balanced(labels, seed):
    labels = torch.tensor(labels)
    order = balanced_order(labels, seed)
    assert order.sort().values.tolist() == list(range(len(labels)))
    kinds = len(labels.unique())
    assert len(labels[order[:kinds]].unique()) == kinds
