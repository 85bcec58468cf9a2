"""Adversarial training of the classifier: what is changed, what stays, and that it helps."""

from dataclasses import replace

import pytest
import torch

from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.data.batches import in_batches
from potmeter.data.sets.mnist import sklearn_digits
from potmeter.errors import UserError
from potmeter.systems.vision.classifier import ImageClassifier
from potmeter.systems.vision.classifier.adversarial import attack_minibatch, is_correct_under_pgd


def guarded(**changes):
    base = ImageClassifier.presets["robust"]
    return ImageClassifier(replace(base, dataset="digits", classes=tuple("0123456789"), **changes))


@pytest.mark.parametrize("adversary", ["fgsm", "pgd"])
@pytest.mark.parametrize("architecture", ["plain", "resnet"])
def test_training_pictures_are_changed_within_eps_and_for_the_worse(adversary, architecture):
    system = guarded(adversarial_training=adversary, architecture=architecture, adversarial_eps=0.1).train()
    batch = next(in_batches(sklearn_digits().test, 32))
    x, y = batch["image"], batch["label"]
    state = {key: value.clone() for key, value in system.state_dict().items()}
    worse = attack_minibatch(system, x, y)
    assert (worse - x).abs().max() <= 0.1 + 2**-23 and worse.min() >= 0 and worse.max() <= 1
    assert system.training and all(torch.equal(value, state[key]) for key, value in system.state_dict().items())
    assert all(p.grad is None for p in system.parameters())
    system.eval()
    assert system.input_loss(worse, y).mean() > system.input_loss(x, y).mean()


def test_the_adversarial_grows_from_nothing():
    system = guarded(adversarial_eps=0.2).train()
    batch = next(in_batches(sklearn_digits().test, 8))
    for factor in (0.0, 0.25, 1.0):
        change = (attack_minibatch(system, batch["image"], batch["label"], factor) - batch["image"]).abs().max()
        assert change == pytest.approx(0.2 * factor, abs=1e-6)


def test_a_network_trained_against_an_adversarial_resists_one_that_breaks_its_twin(tmp_path):
    right = {}
    for adversary in ("none", "pgd"):
        config = replace(
            guarded(adversarial_training=adversary, adversarial_eps=0.15, adversarial_steps=3).config,
            lr=4e-3,
            ema=0.0,
            widths=(8, 16),
        )
        splits = ImageClassifier.data(config)
        options = Options(steps=120, out=tmp_path / adversary, device="cpu", eval_every=120)
        Trainer(system := build_system(ImageClassifier, config, 0), splits, options, quiet=True).fit()
        right[adversary] = float(is_correct_under_pgd(system.eval(), splits.test, steps=20, step=0.1).mean())
    assert right["pgd"] > right["none"] + 0.2


def test_its_evaluation_says_how_it_stands_against_an_adversary():
    data = sklearn_digits().test
    system = guarded().eval()
    metrics = system.evaluate(data.head(40))
    assert {"accuracy", "fgsm_accuracy", "pgd_accuracy"} <= metrics.keys()
    assert all(metrics[name].shape == (40,) for name in ("fgsm_accuracy", "pgd_accuracy"))
    assert set(system.validate(data)) == {"accuracy", "clean_accuracy"}
    assert "pgd_accuracy" not in guarded(adversarial_training="none").eval().evaluate(data.head(40))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("adversarial_eps", -0.1),
        ("adversarial_eps", 1.5),
        ("adversarial_steps", 0),
        ("adversarial_warmup", 2.0),
        ("hidden", 0),
    ],
)
def test_an_adversarial_out_of_bounds_is_told(field, value):
    with pytest.raises(UserError, match="Received: "):
        replace(ImageClassifier.presets["robust"], **{field: value})
