"""The autoencoder: its bottlenecks, its plane, and what it must beat."""

from dataclasses import replace

import pytest
import torch

from potmeter.core.random import RandomStream
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.systems.generative.autoencoder import Autoencoder, BottleneckAutoencoder, Config
from potmeter.systems.generative.autoencoder.elastic import deform

TINY = Autoencoder.presets["tiny"]


@pytest.fixture
def system():
    torch.manual_seed(0)
    return Autoencoder(TINY).eval()


def test_pca_is_better_the_more_components_it_has_and_perfect_with_all(system):
    splits = Autoencoder.data(TINY)
    baselines = system.baselines(splits)
    assert baselines["pca_mse_8"] < baselines["pca_mse_2"]
    # PCA with as many components as pixels draws every picture again
    full = Autoencoder(replace(TINY, latent_dims=(784,), extra_layers=(0,))).baselines(splits)["pca_mse_784"]
    assert full < 1e-6


def test_the_error_is_the_mean_over_pixels(system):
    data = Autoencoder.data(TINY).test.head(16)
    x = data.__getitems__(list(range(16)))["image"]
    with torch.no_grad():
        errors = system.evaluate(data)
        expected = (system.net("z8")(x) - x).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(errors["mse_8"], expected)
    geometric = (errors["mse_2"].mean() * errors["mse_8"].mean()).sqrt()
    torch.testing.assert_close(errors["mse"], geometric)


def test_no_bottleneck_learns_from_another(system):
    x = torch.rand(4, 1, 28, 28)
    system.train()
    losses = system.loss({"image": x})
    narrow = dict(system.models["2"].named_parameters())
    together = torch.autograd.grad(losses["loss"], list(narrow.values()), retain_graph=True)
    alone = torch.autograd.grad(losses["mse_2"].log(), list(narrow.values()))
    for name, a, b in zip(narrow, together, alone, strict=True):
        torch.testing.assert_close(a, b, msg=name)


def test_the_plane_is_where_the_codes_are():
    torch.manual_seed(0)
    net = BottleneckAutoencoder(TINY, 2, 0)
    codes = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 0.5]) + torch.tensor(
        [5.0, -1.0]
    )
    for batch in codes.split(4) * 3:
        net.update_statistics(batch)
    torch.testing.assert_close(net.code_mean, torch.tensor([5.0, -1.0]), atol=0.6, rtol=0.1)
    torch.testing.assert_close(net.code_std, torch.tensor([3.0, 0.5]), atol=0.1, rtol=0.2)


def test_spaces_are_named_by_their_size_and_others_are_refused(system):
    assert dict(system.latent_spaces) == {"z2": 2, "z8": 8}
    assert system.decode(torch.zeros(3, 8), "z8").shape == (3, 1, 28, 28)
    assert system.sample(5, RandomStream(0)).shape == (5, 2)
    with pytest.raises(UserError, match="latent spaces are z2, z8.*Received: z5"):
        system.decode(torch.zeros(3, 5), "z5")
    with pytest.raises(UserError, match=r"shape \(B, 2\)"):
        system.decode(torch.zeros(3, 8))


def test_a_run_shows_the_picture_and_one_code_for_each_bottleneck(system):
    result = system.run(Image.from_tensor(torch.rand(1, 28, 28)))
    assert [row[0] for row in result.codes.rows] == ["2", "8"]
    assert [len(row[1].split()) for row in result.codes.rows] == [2, 8]


def test_an_interpolation_begins_and_ends_at_the_given_pictures(system):
    a, b = (Image.from_tensor(torch.rand(1, 28, 28)) for _ in range(2))
    frames = system.interpolate(a, b, frames=5).frames
    assert len(frames) == 10
    assert (frames[0] == frames[-1]).all()  # there and back
    assert (frames[4] == frames[5]).all()


def test_half_the_pictures_are_bent_by_about_so_many_pixels():
    """A picture whose brightness is its column and row shows by how much each place was moved."""
    across = torch.arange(32.0).expand(32, 32)
    images = torch.stack([across, across.T]).expand(200, 2, 32, 32)
    moved = (deform(images, RandomStream(0), 1.5) - images)[:, :, 4:-4, 4:-4]  # what comes in from outside is 0
    changed = moved.abs().amax((1, 2, 3)) > 1e-3
    assert 80 < changed.sum() < 120
    assert float(moved[changed].std()) == pytest.approx(1.5, rel=0.3), "between the knots less, at them as asked for"
    step = moved[changed].diff(dim=-1).abs().mean()
    assert step < 0.3 * moved[changed].abs().mean(), "neighbours move alike"


@pytest.mark.parametrize(
    ("config", "hidden"),
    [
        (replace(TINY, muon_lr=0.01), [(64, 128), (128, 64)] * 2),  # of both, encoder and decoder
        (replace(TINY, muon_lr=0.0), []),
        (replace(TINY, muon_lr=0.01, widths=(32,)), []),  # none lies between two hidden layers
    ],
)
def test_muon_gets_the_matrices_between_hidden_layers_and_adam_all_else(config, hidden):
    system = Autoencoder(config)
    given = {
        name: [p for group in optimizer.param_groups for p in group["params"]]
        for name, optimizer in system.optimizers().items()
    }
    assert [tuple(p.shape) for p in given.get("hidden", [])] == hidden
    assert {id(p) for ps in given.values() for p in ps} == {id(p) for p in system.parameters()}
    assert sum(map(len, given.values())) == len(list(system.parameters())), "each once"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latent_dims": ()}, "latent_dims must not be empty"),
        ({"latent_dims": (2, 2, 3)}, "latent_dims must differ"),
        ({"extra_layers": (1,)}, "extra_layers needs a number for each"),
        ({"noise": -0.1}, "noise must be at least 0"),
        ({"elastic": -1.0}, "elastic must be at least 0"),
        ({"muon_lr": -0.1}, "muon_lr must be at least 0"),
        ({"image_size": -28}, "image_size must be at least 1"),
    ],
)
def test_nonsense_is_refused(change, words):
    with pytest.raises(UserError, match=f"{words}.*Received"):
        replace(Config(), **change)
