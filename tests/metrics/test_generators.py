"""What tells a good generator from one that draws the same again and again, and a straight latent space from a bent one."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from potmeter.errors import UserError
from potmeter.metrics.coverage import diversity, neighbour_coverage
from potmeter.metrics.features import prepare_images
from potmeter.metrics.path_length import perceptual_path_length
from potmeter.metrics.separability import attribute_logits, conditional_entropy, linear_separability


def points(n, d=4, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_coverage_is_near_all_for_the_same_distribution_and_a_part_for_a_part():
    real = points(600)
    assert float(neighbour_coverage(real, points(600, seed=1)).mean()) == pytest.approx(1 - 2**-5, abs=0.03)
    apart = torch.tensor([9.0, 0, 0, 0]) * (torch.arange(600) % 2)[:, None]  # two clouds, of which one is never made
    assert float(neighbour_coverage(real + apart, points(600, seed=1)).mean()) == pytest.approx(0.5, abs=0.02)
    assert float(neighbour_coverage(real, real[:1].expand(600, -1)).mean()) < 0.02


def test_coverage_takes_more_real_pictures_than_neighbours():
    with pytest.raises(UserError, match="more than 5.*Received: 5"):
        neighbour_coverage(points(5), points(5))


def test_diversity_is_one_for_real_pictures_and_nothing_for_one_picture():
    real = points(64, 9).view(64, 1, 3, 3)
    assert float(diversity(real.flip(0), real)) == pytest.approx(1)
    assert float(diversity(real[:1].expand(64, -1, -1, -1), real)) == pytest.approx(0, abs=1e-3)
    assert float(diversity(real / 2, real)) == pytest.approx(0.5)


def test_one_picture_of_each_class_is_no_diversity():
    labels = torch.arange(64) % 4
    centres = 10 * points(4, 9)
    real = centres[labels] + points(64, 9)
    made = centres[labels]
    assert float(diversity(made, real)) > 0.8
    assert float(diversity(made, real, labels)) < 0.01


def test_pictures_are_brought_to_what_a_network_takes():
    grey, colour = torch.rand(2, 1, 8, 8), torch.rand(2, 3, 8, 8)
    assert torch.equal(prepare_images(grey, 3, 8)[:, 2:], grey) and torch.equal(prepare_images(grey, 1, 8), grey)
    torch.testing.assert_close(prepare_images(torch.full((1, 3, 4, 4), 0.5), 1, 6), torch.full((1, 1, 6, 6), 0.5))
    assert prepare_images(colour, 3, 20).shape == (2, 3, 20, 20)


def test_a_path_is_as_long_as_its_turning():
    a, b, share = points(50, 2), points(50, 2, seed=1), torch.rand(50)
    angle = torch.nn.functional.cosine_similarity(a, b).acos()
    lengths = perceptual_path_length(lambda z: z.double(), a.double(), b.double(), share.double(), spherical=True)
    torch.testing.assert_close(lengths, angle.double().square(), rtol=1e-3, atol=1e-3)


def test_a_generator_that_jumps_has_longer_paths_than_one_that_glides():
    a, b, share = points(300, 2).double(), points(300, 2, seed=1).double(), torch.rand(300).double()
    straight = lambda z: torch.cat([z, torch.ones(len(z), 1)], 1)
    bent = lambda z: torch.cat([z + torch.tanh(20 * z), torch.ones(len(z), 1)], 1)
    one, other = (float(perceptual_path_length(g, a, b, share, spherical=False).mean()) for g in (straight, bent))
    assert other > 2 * one > 0


def test_the_conditional_entropy_is_scipys():
    rng = np.random.default_rng(0)
    x, y = rng.random(500) < 0.3, rng.random(500) < 0.6
    y = np.where(rng.random(500) < 0.5, x, y)
    joint = np.array([[(~x & ~y).mean(), (~x & y).mean()], [(x & ~y).mean(), (x & y).mean()]])
    assert conditional_entropy(x, y) == pytest.approx(entropy(joint.ravel()) - entropy(joint.sum(1)))


def test_what_a_plane_cuts_is_separable_and_what_a_sphere_cuts_is_not():
    latents = points(4000, 3)
    plane = latents @ torch.tensor([[1.0], [2.0], [0.5]])
    assert 1 <= linear_separability(latents, plane) < 1.05
    sphere = latents.norm(dim=1, keepdim=True) - 1.5
    assert linear_separability(latents, sphere) > 1.3
    assert linear_separability(latents, torch.cat([plane, sphere], 1)) > 1.3


def test_an_attribute_that_hardly_any_picture_has_is_left_out():
    latents = points(400, 3)
    assert linear_separability(latents, torch.full((400, 1), 5.0)) == math.exp(0)


def test_attributes_are_read_off_features_as_they_were_labelled():
    real, made = points(800, 6), points(200, 6, seed=1)
    labels = torch.stack([real[:, 0] > 0, real[:, 1] + real[:, 2] > 0.5], 1).float()
    scores = attribute_logits(real, labels, made)
    right = (scores > 0) == torch.stack([made[:, 0] > 0, made[:, 1] + made[:, 2] > 0.5], 1)
    assert scores.shape == (200, 2) and right.float().mean() > 0.9


def test_attributes_that_all_have_or_none_say_nothing():
    real = points(100, 6)
    labels = torch.stack([torch.ones(100), torch.zeros(100), (real[:, 0] > 0).float()], 1)
    assert attribute_logits(real, labels, points(50, 6)).shape == (50, 1)
    assert attribute_logits(real, labels[:, :2], points(50, 6)).shape == (50, 0)
