"""Pictures are compared in a network's features; a training whose pictures are all alike ends."""

import pytest
import torch

from potmeter.core.random import RandomStream
from potmeter.data.sets.faces import faces
from potmeter.data.sets.mnist import sklearn_digits
from potmeter.errors import UserError
from potmeter.systems.generative.feature_extractor import FeatureExtractor
from potmeter.systems.generative.inversion import invert, pyramid
from potmeter.systems.generative.mode_collapse import Collapsed, raise_if_collapsed
from potmeter.systems.generative.neighbours import nearest_pictures, nearest_training_faces


@pytest.fixture(scope="module")
def extractor():
    return FeatureExtractor("classifier.digits", 28)


def test_digits_are_nearer_to_digits_than_noise_is(extractor):
    splits = sklearn_digits()
    real, others = extractor.features_of(splits.test, 382), extractor.features_of(splits.train, 382)
    noise = extractor.features(torch.rand(382, 1, 28, 28))
    assert real.shape == (382, 128)
    near, far = extractor.compare(others, real), extractor.compare(noise, real, others)
    assert near["frechet"] == far["frechet_real_real"] < far["frechet"] / 10
    assert near["coverage"].mean() > 0.5 > far["coverage"].mean()
    assert (
        extractor.predictions(splits.test.__getitems__(range(100))["image"]) == splits.test.tensors["label"][:100]
    ).float().mean() > 0.8


def test_a_gaussian_of_pixels_is_further_away_than_other_digits(extractor):
    splits = sklearn_digits()
    floor = extractor.compare(extractor.features_of(splits.train, 382), extractor.features_of(splits.test, 382))[
        "frechet"
    ]
    assert (
        extractor.gaussian_baseline(splits, 382, independent=True) > extractor.gaussian_baseline(splits, 382) > floor
    ), "pixels depend on each other"


def test_what_is_no_embedder_is_told():
    with pytest.raises(UserError, match="vae.plane is no Embedder.*Received: vae.plane"):
        FeatureExtractor("vae.plane", 28)
    with pytest.raises(UserError, match="no system of that name"):
        FeatureExtractor("nobody", 28)


def test_pictures_that_are_all_alike_end_the_training():
    raise_if_collapsed(0.16, 900)
    with pytest.raises(Collapsed, match="collapsed at step 900.*Received: 3.0%"):
        raise_if_collapsed(0.03, 900)


def test_a_picture_that_was_made_is_found_again():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.Tanh(), torch.nn.Linear(64, 192), torch.nn.Sigmoid())
    decode = lambda z: net(z).view(-1, 3, 8, 8)
    z = RandomStream(1).normal(6, 4)
    wanted = decode(z).detach()
    found = invert(decode, wanted, RandomStream(2).normal(100, 4), steps=200)
    assert (decode(found) - wanted).square().mean() < 1e-3 * wanted.var()
    assert torch.equal(found, invert(decode, wanted, RandomStream(2).normal(100, 4), steps=200))
    assert all(p.grad is None for p in net.parameters())


def test_a_pyramids_squares_are_the_mean_squared_distances_at_each_size():
    a, b = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    halved = torch.nn.functional.avg_pool2d
    expected = sum(((halved(a, s) - halved(b, s)) ** 2).flatten(1).mean(1) for s in (1, 2, 4, 8))
    torch.testing.assert_close((pyramid(a) - pyramid(b)).square().sum(1), expected)


@pytest.mark.network
def test_the_index_finds_the_training_faces_that_a_search_through_all_finds():
    splits = faces(64)
    images = splits.test.__getitems__(range(12))["image"]
    torch.testing.assert_close(nearest_training_faces(images), nearest_pictures(images, splits.train))
