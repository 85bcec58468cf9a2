"""The perceptual distance: nothing between equal pictures, more the less alike they look, LPIPS' equation."""

import torch

from potmeter.data.vgg_weights import load_loss_network
from potmeter.metrics.perceptual import LAYERS, perceptual_distance

NETWORK = load_loss_network("random", LAYERS[-1])
DISTANCE = lambda x, y, **options: perceptual_distance(NETWORK.feature_maps, x, y, **options)


def test_it_is_the_papers_equation():
    x, y = torch.rand(2, 3, 3, 32, 48)
    layers = ("relu1_2", "relu3_3")
    expected = torch.zeros(3)
    for layer in layers:
        one, other = (NETWORK.feature_maps(z, (layer,))[layer] for z in (x, y))
        cosine = torch.nn.functional.cosine_similarity(one, other, dim=1)  # |a − b|² = 2 − 2 cos of vectors of length 1
        expected += (2 - 2 * cosine).mean((1, 2))
    torch.testing.assert_close(DISTANCE(x, y, layers=layers), expected, rtol=1e-4, atol=1e-5)


def test_equal_pictures_have_none_and_order_does_not_matter():
    x, y = torch.rand(2, 40, 3, 32, 32)  # more than a batch
    assert torch.equal(DISTANCE(x, x), torch.zeros(40))
    torch.testing.assert_close(DISTANCE(x, y), DISTANCE(y, x))


def test_the_more_noise_the_farther():
    x = torch.rand(1, 3, 32, 32).repeat_interleave(8, 2).repeat_interleave(8, 3)[..., :64, :64]
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    distances = [float(DISTANCE(x, (x + level * noise).clamp(0, 1))) for level in (0.02, 0.1, 0.5)]
    assert distances == sorted(distances) and distances[0] > 0
