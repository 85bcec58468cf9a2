"""The variational autoencoder agrees with the equations it is made of."""

import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from potmeter.core.random import RandomStream
from potmeter.data.pictures import load_pictures as pictures_of_a_data_set
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.metrics.pca import pca_mse
from potmeter.systems.generative.vae import VAE, Config, VariationalAutoencoder
from potmeter.systems.generative.vae.baselines import mixture_nll, pixel_nll
from potmeter.systems.generative.vae.prior import FlowPrior

SMALL = Config(image_size=8, latent_dim=2, widths=(16,), dataset="digits")


@pytest.fixture
def small():
    torch.manual_seed(0)
    return VariationalAutoencoder(SMALL).eval()


def load_pictures(n=6, size=8):
    return (torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(1)) < 0.4).float()


def test_the_bound_is_the_likelihood_minus_the_divergence_of_torchs_own_distributions(small):
    x, noise = load_pictures(), torch.randn(6, 2, generator=torch.Generator().manual_seed(2))
    bound = small.elbo(x, noise)
    mean, log_variance = small.encode(x)
    posterior = Normal(mean, (0.5 * log_variance).exp())
    z = mean + noise * posterior.stddev
    torch.testing.assert_close(bound["kl"], kl_divergence(posterior, Normal(0.0, 1.0)).sum(1))
    expected = Bernoulli(logits=small.decoder(z)).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(bound["log_likelihood"], expected)
    torch.testing.assert_close(bound["elbo"], expected - bound["kl"])


def test_the_gaussian_likelihood_is_torchs():
    torch.manual_seed(0)
    model = VariationalAutoencoder(replace(SMALL, likelihood="gaussian")).eval()
    x, z = torch.rand(4, 1, 8, 8), torch.randn(4, 2)
    expected = Normal(model.decode(z), model.log_std.exp()).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(model.log_likelihood(x, z), expected)


def test_a_linear_skip_adds_a_linear_map_at_half_the_resolution_to_what_the_layers_say():
    torch.manual_seed(0)
    model = VariationalAutoencoder(replace(SMALL, linear_skip=2)).eval()
    x, z = torch.rand(4, 1, 8, 8), torch.randn(4, 2)
    layers = model.posterior(model.encoder(x))
    mean, log_variance = model.encode(x)
    half = torch.nn.functional.avg_pool2d(x, 2)
    torch.testing.assert_close(mean - layers[:, :2], (2 * half - 1).flatten(1) @ model.linear_encoder.weight.T)
    torch.testing.assert_close(log_variance, layers[:, 2:])
    added = model.decode(z).logit() - model.decoder(z)
    coarse = (z @ model.linear_decoder[0].weight.T).view(4, 1, 4, 4)
    expected = torch.nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(added, expected, rtol=1e-3, atol=1e-5)


def test_the_flow_learns_where_codes_lie_and_draws_them_there():
    """Codes in four clusters, which a normal prior would fill with what lies between them."""
    torch.manual_seed(0)
    centres = torch.tensor([[3.0, 3.0], [-3.0, 3.0], [3.0, -3.0], [-3.0, -3.0]])
    flow = FlowPrior(2, width=64, blocks=2)
    optimizer = torch.optim.Adam(flow.parameters(), lr=3e-3)
    for _ in range(500):
        codes = centres[torch.randint(4, (512,))] + 0.3 * torch.randn(512, 2)
        optimizer.zero_grad()
        flow.loss(codes, torch.randn(512, 2), torch.rand(512)).mean().backward()
        optimizer.step()
    with torch.no_grad():
        drawn = flow(torch.randn(1000, 2))
    distance, nearest = torch.cdist(drawn, centres).min(1)
    assert (distance < 1.2).float().mean() > 0.95, "a normal prior has 5 % of its codes so near to a cluster"
    assert nearest.bincount(minlength=4).min() > 150


def test_the_flows_loss_is_the_velocity_of_the_straight_path():
    torch.manual_seed(0)
    flow, z, noise, t = FlowPrior(3, width=8, blocks=1), torch.randn(5, 3), torch.randn(5, 3), torch.rand(5)
    path = t[:, None] * z + (1 - t[:, None]) * noise
    expected = (flow.velocity(path, t) - (z - noise)).square().sum(1)
    torch.testing.assert_close(flow.loss(z, noise, t), expected)


def test_codes_learn_nothing_from_a_learned_prior_and_are_drawn_from_it():
    torch.manual_seed(0)
    system = VAE(replace(SMALL, prior="flow", prior_width=8, prior_blocks=1)).train()
    losses = system.loss({"image": load_pictures()})
    gradients = torch.autograd.grad(losses["prior"], list(system.parameters()), allow_unused=True)
    learning = {n for (n, _), g in zip(system.named_parameters(), gradients, strict=True) if g is not None}
    assert learning and all(name.startswith("model.prior.") for name in learning)
    noise = RandomStream(0).normal(6, 2)
    with torch.no_grad():
        assert torch.equal(system.sample(6, RandomStream(0)), system.model.prior(noise))
    assert torch.equal(VAE(SMALL).sample(6, RandomStream(0)), noise)


def test_the_importance_weighted_likelihood_is_the_integral_over_the_latent_plane(small):
    x = load_pictures(3)
    axis = torch.linspace(-6, 6, 241)
    z = torch.cartesian_prod(axis, axis)
    log_prior = Normal(0.0, 1.0).log_prob(z).sum(1)
    cell = 2 * math.log(float(axis[1] - axis[0]))
    exact = []
    for picture in x:
        log_p = torch.cat([small.log_likelihood(picture.expand(len(part), 1, 8, 8), part) for part in z.split(20000)])
        exact.append(-(log_p + log_prior + cell).logsumexp(0))
    estimate = small.importance_weighted_nll(x, 5000, RandomStream(3))
    torch.testing.assert_close(estimate, torch.stack(exact), atol=0.05, rtol=0)


def test_more_samples_tighten_the_bound(small):
    x = load_pictures(6)
    with torch.no_grad():
        loose, tight = (float(small.importance_weighted_nll(x, k, RandomStream(4)).mean()) for k in (1, 2000))
        bounds = [float(small.elbo(x, RandomStream(s).normal(6, 2))["elbo"].mean()) for s in range(30)]
    assert tight < loose
    assert tight < -sum(bounds) / len(bounds)


def test_the_number_of_codes_decoded_at_once_does_not_change_what_is_estimated(small):
    x = load_pictures(4)
    with torch.no_grad():
        a = small.importance_weighted_nll(x, 4000, RandomStream(5), chunk=8)
        b = small.importance_weighted_nll(x, 4000, RandomStream(5), chunk=640)
    torch.testing.assert_close(a, b, atol=0.05, rtol=0)


def test_test_pictures_are_binarised_once_and_never_thresholded():
    config = VAE.presets["tiny"]
    one, same = VAE.data(config).test.tensors["image"], VAE.data(config).test.tensors["image"]
    assert torch.equal(one, same)
    assert set(one.unique().tolist()) == {0, 255}
    grey = pictures_of_a_data_set("digits", 28, 1, labels=False).test.tensors["image"].float() / 255
    assert abs(float((one / 255).mean()) - float(grey.mean())) < 0.005
    assert not torch.equal(one == 255, grey > 0.5)
    # whatever part is measured, its pictures are the same: what is binary stays as it is
    x = VAE.data(config).test.head(40).__getitems__(list(range(40)))["image"]
    assert torch.equal(VAE(config).likelihood_input(x, RandomStream(7)), x)


def test_the_mixture_recovers_what_it_was_drawn_from():
    rng = torch.Generator().manual_seed(0)
    means = torch.tensor([[0.9] * 10 + [0.1] * 10, [0.1] * 10 + [0.9] * 10])
    which = torch.randint(2, (4000,), generator=rng)
    x = (torch.rand(4000, 20, generator=rng) < means[which]).float()
    train, test = x[:3000], x[3000:]
    both = test @ (means / (1 - means)).log().T + (1 - means).log().sum(1) - math.log(2)
    true = -float(both.logsumexp(1).mean())
    assert mixture_nll(train, test, components=2) == pytest.approx(true, abs=0.1)
    assert pixel_nll(train, test) > true + 3  # the pixels depend on each other


def test_a_code_of_another_size_is_refused():
    system = VAE(VAE.presets["tiny"])
    with pytest.raises(UserError, match=r"shape \(B, 8\).*Received: \(3, 5\)"):
        system.decode(torch.zeros(3, 5))


def test_the_same_seed_draws_the_same_pictures():
    system = VAE(VAE.presets["tiny"]).eval()
    one, same, other = (system.run(count=9, seed=s).pixels for s in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


def test_ink_on_paper_and_chalk_on_a_board_have_the_same_code():
    system = VAE(VAE.presets["tiny"]).eval()
    chalk = torch.zeros(1, 28, 28)
    chalk[:, 8:20, 12:16] = 1
    codes = system.encode(system.inputs([Image.from_tensor(chalk), Image.from_tensor(1 - chalk)]))
    torch.testing.assert_close(codes[0], codes[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latent_dim": 0}, "latent_dim must be at least 1"),
        ({"image_size": 30, "filters": (8, 8), "blocks": (0, 0)}, "divisible by 4"),
        ({"blocks": (1,)}, "blocks needs a number for each"),
        ({"beta": -1.0}, "beta must be at least 0"),
        ({"widths": ()}, "widths must not be empty"),
    ],
)
def test_nonsense_is_refused(change, words):
    with pytest.raises(UserError, match=f"{words}.*Received"):
        replace(Config(), **change)


def test_coloured_pictures_are_measured_by_their_reconstruction_beside_pcas():
    rng = torch.Generator().manual_seed(0)
    codes = torch.rand(300, 3, generator=rng)
    x = (codes @ torch.rand(3, 3 * 64, generator=rng)).view(-1, 3, 8, 8) / 3
    data = TensorData(image=(x * 255).round().byte())
    config = replace(SMALL, channels=3, latent_dim=3, likelihood="gaussian")
    system = VAE(config).eval()
    with torch.no_grad():
        metrics = system.evaluate(data.head(50))
    expected = (system.model(data.head(50).__getitems__(range(50))["image"]) - x[:50]).square().flatten(1).mean(1)
    measured = {"elbo_nats", "mse", "frechet", "coverage", "frechet_real_real"}
    assert metrics.keys() == measured and metrics["mse"].shape == (50,)
    torch.testing.assert_close(metrics["mse"], expected, atol=1e-3, rtol=0)
    baselines = system.baselines(Splits(data.select(range(100, 300)), None, data.head(50)))
    assert baselines.keys() == {"pca_mse", "gaussian_frechet"} and baselines["pca_mse"] < 1e-4, (
        "three components are all there is"
    )
    pixels = torch.stack([data[i]["image"].flatten() for i in range(len(data))])
    assert pca_mse(pixels, pixels, 2) > 10 * baselines["pca_mse"]
