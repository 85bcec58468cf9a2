"""The two adversaries: their losses and penalties by the papers' equations, their classes, and the end of a collapse."""

import math
from dataclasses import replace

import pytest
import torch

from core.helpers import trainer
from potmeter.core.random import RandomStream
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError
from potmeter.nn.gan_losses import discriminator_loss, generator_loss, gradient_penalty, minibatch_stddev, r1_penalty
from potmeter.systems.generative.gan import GAN, Config, Discriminator, Generator
from potmeter.systems.generative.mode_collapse import Collapsed

TINY = replace(GAN.presets["tiny"], classes=tuple("0123456789"))


def pictures(n=16, seed=1):
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


def patterns(n=200):
    """Two classes, stripes down and stripes across, of many strengths."""
    rng = torch.Generator().manual_seed(0)
    stripes = (torch.arange(28) // 4 % 2).float().expand(28, 28)
    labels = torch.arange(n) % 2
    images = torch.where(labels[:, None, None] == 0, stripes, stripes.T) * torch.rand(n, 1, 1, generator=rng)
    data = TensorData(classes=("down", "across"), image=(images[:, None] * 255).byte(), label=labels)
    return Splits(data, data, data, dataset="digits")


# The losses -----------------------------------------------------------------------------------------------------------


def test_the_non_saturating_loss_is_cross_entropy():
    real, made = torch.randn(50), torch.randn(50)
    cross = torch.nn.functional.binary_cross_entropy_with_logits
    expected = cross(real, torch.ones(50)) + cross(made, torch.zeros(50))
    torch.testing.assert_close(discriminator_loss("non-saturating", real, made), expected)
    torch.testing.assert_close(generator_loss("non-saturating", made), cross(made, torch.ones(50)))


def test_the_hinge_asks_for_margins_of_one():
    real, made = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.5, -1.0, -3.0])
    assert float(discriminator_loss("hinge", real, made)) == pytest.approx(1 / 3 + 1.5 / 3)
    assert float(generator_loss("hinge", made)) == pytest.approx(3.5 / 3)


def test_the_critics_loss_is_the_difference_of_the_means():
    real, made = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 1.0])
    assert float(discriminator_loss("wgan-gp", real, made)) == -1.5
    assert float(generator_loss("wgan-gp", made)) == -0.5


def test_the_penalties_of_a_plane_are_known():
    slope = torch.randn(1, 2, 3, 3)
    plane = lambda x: (x * slope).sum((1, 2, 3))
    real, made = torch.rand(5, 2, 3, 3), torch.rand(5, 2, 3, 3)
    norm = float(slope.norm())
    torch.testing.assert_close(r1_penalty(plane, real), torch.full((5,), norm**2))
    torch.testing.assert_close(gradient_penalty(plane, real, made, torch.rand(5)), torch.full((5,), (norm - 1) ** 2))


def test_the_penalty_of_a_bowl_is_taken_where_it_should_be():
    bowl = lambda x: 0.5 * x.square().sum((1, 2, 3))  # the gradient is x itself
    real, made = torch.rand(5, 1, 3, 3), torch.rand(5, 1, 3, 3)
    torch.testing.assert_close(r1_penalty(bowl, real), real.flatten(1).square().sum(1))
    between = made + 0.25 * (real - made)
    expected = (between.flatten(1).norm(dim=1) - 1).square()
    torch.testing.assert_close(gradient_penalty(bowl, real, made, torch.full((5,), 0.25)), expected)


def test_the_penalty_of_a_picture_does_not_depend_on_its_neighbours():
    net, x = Discriminator(replace(TINY, minibatch_std_group=1)), 2 * pictures(4) - 1
    whole = r1_penalty(lambda images: net(images), x)
    torch.testing.assert_close(whole[:1], r1_penalty(lambda images: net(images), x[:1]), rtol=1e-4, atol=1e-6)


def test_penalties_reach_the_networks_weights():
    net = Discriminator(TINY)
    r1_penalty(lambda images: net(images), pictures(4)).mean().backward()
    assert net.downsampling[0].weight.grad.abs().max() > 0


# The networks ---------------------------------------------------------------------------------------------------------


def test_the_paper_presets_networks_have_dcgans_sizes():
    with torch.device("meta"):
        generator, discriminator = Generator(GAN.presets["paper"]), Discriminator(GAN.presets["paper"])
    widths = [1024, 512, 256, 128]
    expected = (
        100 * 1024 * 16 + sum(a * b * 16 for a, b in zip(widths, [*widths[1:], 3], strict=True)) + 2 * sum(widths) + 3
    )
    assert sum(p.numel() for p in generator.parameters()) == expected
    back = [3, 128, 256, 512, 1024]
    expected = (
        sum(a * b * 16 for a, b in zip(back, back[1:], strict=False)) + 128 + 2 * (256 + 512 + 1024) + 1024 * 16 + 1
    )
    assert sum(p.numel() for p in discriminator.parameters()) == expected


def test_the_class_is_a_projection_in_the_discriminator():
    net, x = Discriminator(replace(TINY, minibatch_std_group=1)).eval(), 2 * pictures(3) - 1
    plain, features = net(x), net.downsampling(x).flatten(1)
    for kind in (0, 7):
        labels = torch.eye(10)[[kind] * 3]
        torch.testing.assert_close(
            net(x, labels) - plain, features @ net.class_embedding.weight[kind], rtol=1e-4, atol=1e-4
        )


def test_the_spread_is_that_of_neighbours_and_none_where_they_are_alike():
    x = torch.randn(8, 3, 2, 2)
    expected = torch.stack([(g.var(0, unbiased=False) + 1e-8).sqrt().mean() for g in (x[:4], x[4:])])
    maps = minibatch_stddev(x, 4)
    assert maps.shape == (8, 1, 2, 2)
    torch.testing.assert_close(maps[:, 0, 0, 0], expected.repeat_interleave(4))
    assert minibatch_stddev(x[:1].expand(8, -1, -1, -1), 4).max() < 1e-3
    assert minibatch_stddev(x[:6], 4).shape == (6, 1, 2, 2), "six are two groups of three"


def test_a_spectral_norm_holds_every_layer_to_a_slope_of_about_one():
    net = Discriminator(replace(TINY, norm="spectral", minibatch_std_group=1, objective="hinge", r1=0.0)).train()
    for _ in range(30):  # each forward pass is a step of the power iteration
        net(pictures(2), torch.eye(10)[[1, 2]])
    with torch.no_grad():
        assert float(torch.linalg.svdvals(net.downsampling[0].weight.flatten(1))[0]) == pytest.approx(1, abs=0.02)
        assert float(net.to_logit.weight.norm()) == pytest.approx(1, abs=0.02)


def test_joint_vectors_are_noise_and_a_class():
    system = GAN(TINY).eval()
    assert dict(system.latent_spaces) == {"joint": 26, "z": 16}
    joint = system.sample(40, RandomStream(0))
    assert torch.equal(joint[:, 16:].sum(1), torch.ones(40)) and set(joint[:, 16:].unique().tolist()) == {0.0, 1.0}
    names = [TINY.classes[i] for i in joint[:, 16:].argmax(1)]
    torch.testing.assert_close(system.decode(joint), system.decode(joint[:, :16], "z", names))
    torch.testing.assert_close(system.decode(joint[:4, :16], "z"), system.decode(joint[:4, :16], "z", "0"))


def test_without_classes_there_is_one_space_and_no_class_to_ask_for():
    system = GAN(replace(TINY, conditional=False)).eval()
    assert dict(system.latent_spaces) == {"z": 16} and system.sample(3, RandomStream(0)).shape == (3, 16)
    with pytest.raises(UserError, match="label is one of|not trained to draw a given class"):
        system.run(label="3")


def test_a_class_that_is_none_is_told():
    system = GAN(TINY).eval()
    with pytest.raises(UserError, match="label is one of.*Received: ten"):
        system.run(label="ten")
    with pytest.raises(UserError, match="no class of that name.*Received: ten"):
        system.decode(torch.zeros(1, 16), "z", "ten")
    with pytest.raises(UserError, match="2 of them. Received: 3"):
        system.decode(torch.zeros(2, 16), "z", ["1", "2", "3"])


def test_the_same_seed_draws_the_same_pictures():
    system = GAN(TINY).eval()
    one, same, other = (system.run(count=10, seed=s).pixels for s in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()


# Training -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [{"objective": "non-saturating"}, {"objective": "hinge", "norm": "spectral", "r1": 0.0},
     {"objective": "wgan-gp", "r1": 0.0, "critic_steps": 2}, {"objective": "non-saturating", "norm": "batch", "r1": 0.0}],
    ids=["non-saturating", "hinge", "wgan-gp", "dcgan"],
)  # fmt: skip
def test_every_objective_learns_which_stripes_are_which(tmp_path, change):
    splits = patterns()
    config = replace(TINY, classes=splits.classes, batch_size=32, filters=(8, 16), ema=0.9, beta1=0.5, **change)
    fit = trainer(GAN, config, tmp_path / "run", splits, steps=150, eval_every=1000)
    fit.fit()
    system = fit.system.eval().requires_grad_(False)
    for kind, axis in (("down", 2), ("across", 3)):
        images = system.decode(system.sample(50, RandomStream(0))[:, :16], "z", kind)
        along = (images.diff(dim=axis).abs().mean(), images.diff(dim=5 - axis).abs().mean())
        assert along[0] < along[1], f"stripes {kind} change across, not along them"


@pytest.mark.parametrize("conditional", [True, False])
def test_the_discriminator_sees_real_and_made_pictures_apart_and_sorted_only_where_both_have_classes(
    tmp_path, conditional
):
    """The spread over neighbours is of pictures of one kind, and neither kind's neighbours are more alike than the other's."""
    splits = patterns(40)
    config = replace(TINY, classes=splits.classes, conditional=conditional, batch_size=6, minibatch_std_group=4, r1=0.0)
    run, shown = trainer(GAN, config, tmp_path, splits, steps=10), []
    run.system.discriminator.register_forward_pre_hook(lambda _, inputs: shown.append(inputs[0].detach().clone()))
    batch = next(iter(run.batches))
    run.system.step(batch, run)
    real = 2 * batch["image"] - 1
    if conditional:
        real = real[batch["label"].argsort(stable=True)]
    assert [len(images) for images in shown] == [6, 6, 6]
    assert torch.equal(shown[0], real)
    assert torch.equal(shown[1], shown[2]), "both networks are told of the same made pictures"


def test_only_every_so_many_steps_the_generator_plays(tmp_path):
    splits = patterns(40)
    config = replace(TINY, classes=splits.classes, objective="wgan-gp", r1=0.0, critic_steps=3, ema=0.0)
    run = trainer(GAN, config, tmp_path, splits, steps=10)
    batches, moved = iter(run.batches), []
    for _ in range(6):
        before = run.system.generator.projection.weight.clone()
        run.system.step(next(batches), run)
        run.progress.step += 1
        moved.append(not torch.equal(before, run.system.generator.projection.weight))
    assert moved == [True, False, False] * 2


def test_r1_counts_only_every_so_many_steps_and_then_so_many_times(tmp_path):
    splits = patterns(40)
    run = trainer(
        GAN, replace(TINY, classes=splits.classes, r1=0.3, r1_interval=4, ema=0.0), tmp_path, splits, steps=10
    )
    real, made, totals = 2 * pictures(8) - 1, pictures(8, 2), []
    for step in range(5):
        run.progress.step = step
        totals.append(run.system.penalty(real, made, None, run).item())
    expected = 4 * 0.15 * r1_penalty(lambda x: run.system.discriminator(x), real).mean().item()
    assert totals[1:4] == [0.0] * 3 and totals[0] == totals[4] == pytest.approx(expected, rel=1e-5)


def test_a_collapse_ends_the_training_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("potmeter.systems.generative.mode_collapse.FIRST_CHECK", 0)
    splits = patterns(40)
    run = trainer(GAN, replace(TINY, classes=splits.classes), tmp_path, splits, steps=10)
    torch.nn.init.zeros_(run.system.generator.projection.weight)  # whatever the noise, one picture
    with pytest.raises(Collapsed, match="collapsed at step 0.*Received: 0"):
        run.fit()


def test_a_batch_larger_than_the_data_is_filled_again_and_again(tmp_path):
    splits = patterns(6)
    run = trainer(GAN, replace(TINY, classes=splits.classes, batch_size=16), tmp_path, splits, steps=2)
    values = run.system.step(next(iter(run.batches)), run)
    assert all(math.isfinite(value.item()) for value in values.values())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latent_dim": 0}, "latent_dim must be at least 1"),
        ({"image_size": 30}, "divisible by 4"),
        ({"filters": ()}, "filters must not be empty"),
        ({"r1": -1.0}, "r1 must be at least 0"),
        ({"norm": "batch"}, "Batch norm mixes"),
        ({"norm": "batch", "r1": 0.0, "objective": "wgan-gp"}, "Batch norm mixes"),
        ({"beta1": 1.0}, "beta1 must be at least 0"),
        ({"critic_steps": 0}, "critic_steps must be at least 1"),
    ],
)
def test_nonsense_is_refused(change, words):
    with pytest.raises(UserError, match=f"{words}.*Received"):
        Config(**change)


def test_classes_whose_names_differ_in_case_are_two():
    gan = GAN(replace(TINY, classes=("a", "A", "b")))
    assert gan.class_labels("A", 1).tolist() == [[0, 1, 0]] and gan.class_labels("a", 1).tolist() == [[1, 0, 0]]
    assert gan.class_labels("B", 1).tolist() == [[0, 0, 1]], "unambiguous in any case"
    pictures = [gan.decode(torch.ones(1, gan.config.latent_dim), "z", name) for name in ("a", "A")]
    assert not torch.equal(*pictures)
    with pytest.raises(UserError, match="Received: C"):
        gan.class_labels("C", 1)
