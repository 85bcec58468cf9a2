"""The classifier: variation of its pictures, its answers, calibration, baselines."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

from potmeter.core.loading import load
from potmeter.core.random import RandomStream
from potmeter.core.training.loop import build_system
from potmeter.data.splits import OWN_DATA
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.systems.vision.classifier import Config, ImageClassifier, ResNet
from potmeter.systems.vision.classifier.augment import affine, augment, crop, flip, shift
from potmeter.systems.vision.classifier.baselines import linear_accuracy, nearest_accuracy
from potmeter.systems.vision.classifier.calibration import calibration_error
from potmeter.systems.vision.classifier.confusion_matrix import draw_confusion_matrix

TINY = replace(ImageClassifier.presets["tiny"], classes=tuple("0123456789"))


@pytest.fixture
def system():
    torch.manual_seed(0)
    return ImageClassifier(TINY).eval()


def test_the_small_network_has_the_size_its_card_says():
    network = ResNet(replace(ImageClassifier.presets["digits"], classes=tuple("0123456789")))
    assert sum(p.numel() for p in network.parameters()) == 386_554


@pytest.mark.parametrize("system", ["classifier", "densepose", "maskrcnn", "segmenter"])
@pytest.mark.parametrize("dataset", [OWN_DATA, "cifar10", "orl"])
def test_weights_of_other_pictures_have_no_examples_of_foreign_ones(system, dataset):
    assert import_module(f"potmeter.systems.vision.{system}.examples").examples(dataset) == []


def test_a_new_block_passes_its_input_on():
    block = ResNet(TINY).stages[0][0].eval()
    x = torch.rand(2, 16, 7, 7)
    torch.testing.assert_close(block(x), x)


@pytest.mark.parametrize("vary", [flip, shift, affine, crop])
def test_a_variation_keeps_shape_and_range_and_repeats_with_its_seed(vary):
    x = torch.rand(5, 3, 12, 12)
    one, same, other = (vary(x, RandomStream(s)) for s in (1, 1, 2))
    assert one.shape == x.shape
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert one.min() >= -1e-5
    assert one.max() <= 1 + 1e-5


@pytest.mark.parametrize("kind", ["digits", "clothes", "photos"])
def test_two_processes_vary_pictures_as_one_does(kind):
    x = torch.rand(8, 3, 12, 12)
    whole = augment(x, kind, RandomStream(3))
    halves = [augment(x[4 * r : 4 * r + 4], kind, RandomStream(3, r, 2)) for r in range(2)]
    torch.testing.assert_close(whole, torch.cat(halves))


def test_a_shift_moves_whole_pixels():
    x = torch.zeros(200, 1, 5, 5)
    x[:, :, 2, 2] = 1
    moved = shift(x, RandomStream(0), pixels=1)
    assert torch.equal(moved.flatten(1).sum(1), torch.ones(200))
    places = moved.flatten(1).argmax(1)
    assert set(places.tolist()) == {6, 7, 8, 11, 12, 13, 16, 17, 18}


def test_an_affine_map_of_nothing_is_the_picture_itself():
    x = torch.rand(3, 1, 9, 9)
    same = affine(x, RandomStream(0), degrees=0, scale=0, shear=0, pixels=0)
    torch.testing.assert_close(same, x)


def test_probabilities_add_up_and_the_likeliest_comes_first(system):
    bars = system.run(Image.from_tensor(torch.rand(1, 28, 28)), top=10).values
    assert sum(bars.values()) == pytest.approx(1, abs=1e-5)
    assert list(bars.values()) == sorted(bars.values(), reverse=True)


def test_averaging_with_the_mirror_image_makes_the_answer_symmetric():
    torch.manual_seed(0)
    system = ImageClassifier(replace(TINY, test_time_flip=True)).eval()
    x = torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(system.logits(x).softmax(1), system.logits(x.flip(-1)).softmax(1))
    plain = ImageClassifier(TINY).eval()
    plain.load_state_dict(system.state_dict())
    mean = (plain.logits(x).softmax(1) + plain.logits(x.flip(-1)).softmax(1)) / 2
    torch.testing.assert_close(system.logits(x).softmax(1), mean)


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy():
    sure = torch.tensor([[10.0, 0.0]]).repeat(10, 1)
    half_right = torch.tensor([0] * 5 + [1] * 5)
    assert float(calibration_error(sure, half_right)) == pytest.approx(0.5, abs=1e-3)
    assert float(calibration_error(sure, torch.zeros(10, dtype=torch.long))) == pytest.approx(0, abs=1e-3)


def test_baselines_tell_what_the_pixels_alone_tell():
    splits = ImageClassifier.data(TINY)
    assert nearest_accuracy(splits) > 0.9  # scikit-learn's digits are easy for it
    assert 0.8 < linear_accuracy(splits) < nearest_accuracy(splits)


def test_pretrained_layers_stay_as_they_are_unless_asked():
    config = Config(classes=("a", "b"), image_size=32)
    head_only, whole = ImageClassifier(config).train(), ImageClassifier(replace(config, feature_lr=0.1)).train()
    assert {n.split(".")[0] for n, p in head_only.model.named_parameters() if p.requires_grad} == {"classifier"}
    assert all(p.requires_grad for p in whole.parameters())
    assert [g["lr"] for g in whole.optimizers()["model"].param_groups] == pytest.approx([1e-3, 1e-4])
    for system in (head_only, whole):
        before = system.model.features[0][1].running_mean.clone()
        system.loss({"image": torch.rand(2, 3, 32, 32), "label": torch.tensor([0, 1])})
        assert torch.equal(before, system.model.features[0][1].running_mean)


def test_weights_of_ten_classes_are_fine_tuned_to_two(tmp_path):
    for name, value in (("dark", 0.1), ("light", 0.9)):
        for number in range(4):
            Image.from_tensor(torch.full((1, 28, 28), value)).save(tmp_path / name / f"{number}.png")
    origin = ImageClassifier(TINY)
    config = ImageClassifier.fine_tune_config(origin.config)
    splits = ImageClassifier.data(config, str(tmp_path))
    tuned = build_system(ImageClassifier, ImageClassifier.fit_config(config, splits), 0, origin)
    assert tuned.classes == ("dark", "light")
    changed = {key for key, value in tuned.state_dict().items() if value.shape != origin.state_dict()[key].shape}
    kept = tuned.state_dict().keys() - changed
    assert len(changed) == 2 and all(torch.equal(tuned.state_dict()[k], origin.state_dict()[k]) for k in kept)


def test_a_class_may_be_called_like_a_formula():
    labels = torch.tensor([0, 1, 1])
    assert draw_confusion_matrix(labels, labels, ("$^$", "b")).size[0] > 100


def test_data_of_other_classes_are_refused(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(4):
            Image.from_tensor(torch.rand(3, 40, 40)).save(tmp_path / name / f"{i}.png")
    with pytest.raises(UserError, match="not the data's classes.*Received: cat, dog"):
        ImageClassifier.data(TINY, str(tmp_path))


@pytest.mark.network
def test_public_imagenet_weights_recognise_18_of_20_photographs():
    system = ImageClassifier.from_pretrained("imagenet")
    with torch.no_grad():
        right = system.evaluate(ImageClassifier.data(system.config).test)["top1"]
    assert int(right.sum()) >= 18
    assert sum(p.numel() for p in system.parameters()) == 3_504_872


def test_many_pictures_are_told_apart_by_the_names_of_their_files(tmp_path):
    for name, value in (("b.png", 0), ("a.jpg", 255)):
        Image(np.full((9, 9, 3), value, np.uint8)).save(tmp_path / name)
    table = load("classifier.digits").batch([str(tmp_path), np.zeros((9, 9), np.uint8)])
    assert [row["picture"] for row in table.json()] == ["a.jpg", "b.png", "2"], "what came from no file has its number"
