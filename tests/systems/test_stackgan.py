"""The two stages: their losses by the paper's equations, their sizes, what is learned when, and what a sentence may be."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from torch import nn

from core.helpers import trainer
from potmeter import notices
from potmeter.core.random import RandomStream
from potmeter.data.captions import CaptionData
from potmeter.data.sets.bird_anatomy import ATTRIBUTES
from potmeter.data.sets.birds import BirdPictures, bird_part
from potmeter.data.splits import Splits
from potmeter.errors import UserError
from potmeter.systems.generative.stackgan import StackGAN, batches
from potmeter.systems.generative.stackgan.augmentation import MIN_REAL, RADIUS, blur, soften
from potmeter.systems.generative.stackgan.batches import PairData
from potmeter.systems.generative.stackgan.bench import Loop
from potmeter.systems.generative.stackgan.judge import load_judge
from potmeter.systems.generative.stackgan.measure import (
    mean_squared_gradient,
    measure_sharpness,
    nearest_sentences,
    retrieve_sentences,
    stated_accuracy,
)
from potmeter.systems.generative.stackgan.model import (
    Discriminator,
    FirstGenerator,
    SecondGenerator,
    enlarge,
    kl_divergence,
    sample_gaussian,
)
from potmeter.systems.generative.stackgan.sentences import (
    PAD,
    PictureEncoder,
    TextEncoder,
    encode_sentences,
    matching_loss,
    read_sentence,
    split_words,
)

WORDS = ("a", "red", "blue", "bird", "with", "white", "beak")
TINY = replace(StackGAN.presets["tiny"], vocabulary=WORDS, batch_size=8, min_count=1)
PAPER_LIKE = replace(TINY, reconstruction_weight=0.0, latent_bank=0, matching_weight=0.0, train_text_encoder=False)
PAPER = replace(StackGAN.presets["paper"], vocabulary=WORDS)


@pytest.fixture
def system():
    torch.manual_seed(0)
    return StackGAN(TINY).eval()


@pytest.fixture(scope="module")
def birds():
    """The shipped weights."""
    return StackGAN.from_pretrained("birds").eval()


@pytest.fixture
def quiet():
    notices.drop_notes()
    yield
    notices.drop_notes()


def few(count=24):
    part = bird_part("train", count, 64)
    return Splits(part, part.head(8), part.head(8), dataset="few-birds")


# The losses -----------------------------------------------------------------------------------------------------------


def test_the_divergence_of_the_condition_is_that_of_gaussians():
    mean, log_variance = torch.randn(5, 7), torch.randn(5, 7)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).mean(1)
    torch.testing.assert_close(kl_divergence((mean, log_variance)), expected)


def test_conditions_are_sampled_from_that_gaussian():
    mean, log_variance = torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, 2 * math.log(3)]])
    samples = sample_gaussian((mean, log_variance), torch.randn(40_000, 2))
    torch.testing.assert_close(samples.mean(0), mean[0], atol=0.06, rtol=0)
    torch.testing.assert_close(samples.std(0), torch.tensor([1.0, 3.0]), atol=0.06, rtol=0)


def test_the_discriminator_takes_others_sentences_for_as_wrong_as_generated_pictures(system):
    real, fake, text = torch.rand(4, 3, 16, 16), torch.rand(4, 3, 16, 16), torch.randn(4, TINY.text_dim)
    discriminator = system.first_discriminator
    cross = F.binary_cross_entropy_with_logits
    matching, mismatching, generated = (
        discriminator(real, text),
        discriminator(real, text.roll(1, 0)),
        discriminator(fake, text),
    )
    expected = (
        cross(matching, torch.ones(4)) + (cross(mismatching, torch.zeros(4)) + cross(generated, torch.zeros(4))) / 2
    )
    torch.testing.assert_close(system.discriminator_loss(discriminator, real, fake, text), expected)


def test_what_belongs_together_is_told_in_both_directions():
    logits = torch.randn(6, 6)
    own = logits.diagonal()
    expected = 0.5 * ((logits.logsumexp(1) - own).mean() + (logits.logsumexp(0) - own).mean())
    torch.testing.assert_close(matching_loss(logits), expected)
    assert matching_loss(50 * torch.eye(6)) < 1e-4


# The networks ---------------------------------------------------------------------------------------------------------


def test_the_paper_presets_networks_have_the_papers_sizes():
    """N_g = 128, N_z = 100, N_d = 512 maps of 4×4 beside the compressed text, from 1,024 maps to 64×64 and on to 256×256."""
    with torch.device("meta"):
        first, second = FirstGenerator(PAPER), SecondGenerator(PAPER)
        discriminator = Discriminator(PAPER, PAPER.first_discriminator_widths)
    count = lambda module: sum(p.numel() for p in module.parameters())
    augmentation = 1024 * 256 + 256
    widths = (1024, 512, 256, 128, 64)
    up = lambda pairs: sum(9 * a * b + 2 * b for a, b in pairs)
    stage_1 = 228 * 16 * 1024 + 2 * 16 * 1024 + up(zip(widths, widths[1:], strict=False)) + 9 * 64 * 3
    assert count(first) == augmentation + stage_1
    down = 9 * 3 * 128 + (16 * 128 * 256 + 2 * 256) + (16 * 256 * 512 + 2 * 512)
    joint = 9 * (512 + 128) * 512 + 2 * 512
    residual = 4 * 2 * (9 * 512 * 512 + 2 * 512)
    stage_2 = down + joint + residual + up([(512, 256), (256, 128), (128, 64), (64, 32)]) + 9 * 32 * 3
    assert count(second) == augmentation + stage_2
    convolutions = 16 * 3 * 64 + 64 + sum(16 * a * b + 2 * b for a, b in ((64, 128), (128, 256), (256, 512)))
    head = (1024 * 128 + 128) + (512 + 128) * 512 + 2 * 512 + (16 * 512 + 1)
    assert count(discriminator) == convolutions + head


def test_stage_two_begins_as_an_enlargement():
    small = torch.rand(2, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(SecondGenerator(TINY)(small, torch.randn(2, TINY.condition_dim)), enlarge(small, 4))
    plain = SecondGenerator(replace(TINY, skip=False))(small, torch.randn(2, TINY.condition_dim))
    assert plain.shape == (2, 3, 64, 64) and not torch.allclose(plain, enlarge(small, 4), atol=0.1)


def test_a_sentence_means_the_same_beside_a_longer_one():
    encoder = TextEncoder(TINY).eval()
    tokens = encode_sentences(["a red bird", "a blue bird with a white beak"], TINY)
    assert (tokens[0, 3:] == PAD).all()
    torch.testing.assert_close(encoder(tokens)[:1], encoder(tokens[:1, :3]))
    torch.testing.assert_close(encoder(tokens).square().mean(1), torch.ones(2))
    assert not torch.allclose(encoder(tokens[:1, :3]), encoder(encode_sentences(["bird red a"], TINY)), atol=1e-3)


def test_pictures_and_sentences_are_compared_by_the_product_of_their_embeddings():
    encoder = PictureEncoder(TINY).eval()
    pictures, text = encoder(torch.rand(3, 3, 16, 16)), TextEncoder(TINY)(encode_sentences(["a", "red", "bird"], TINY))
    logits = encoder.compatibility(pictures, text)
    cosine = F.cosine_similarity(pictures[:, None], text[None], dim=2)
    torch.testing.assert_close(logits, encoder.log_scale.exp() * cosine)


# The authors' checkpoints ---------------------------------------------------------------------------------------------


class AuthorsCondition(nn.Module):
    """Their conditioning augmentation, without noise."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(20, 12)

    def forward(self, text):
        return self.fc(text).relu()[:, :6]


def authors_conv(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def authors_upsample(inputs, outputs):
    layers = nn.Upsample(scale_factor=2), authors_conv(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU()
    return nn.Sequential(*layers)


class AuthorsGenerator(nn.Module):
    """What is common to their generators."""

    def __init__(self, widths):
        super().__init__()
        self.ca_net = AuthorsCondition()
        for number, (inputs, outputs) in enumerate(pairwise(widths), 1):
            setattr(self, f"upsample{number}", authors_upsample(inputs, outputs))
        self.img = nn.Sequential(authors_conv(widths[-1], 3), nn.Tanh())

    def draw(self, x):
        for number in range(1, 5):
            x = getattr(self, f"upsample{number}")(x)
        return self.img(x)


class AuthorsFirst(AuthorsGenerator):
    """Their first generator."""

    def __init__(self, width=32):
        super().__init__([width // 2**level for level in range(5)])
        self.fc = nn.Sequential(nn.Linear(11, 16 * width, bias=False), nn.BatchNorm1d(16 * width), nn.ReLU())

    def forward(self, text, noise):
        return self.draw(self.fc(torch.cat([noise, self.ca_net(text)], 1)).view(len(text), -1, 4, 4))


class AuthorsBlock(nn.Module):
    """Their residual block."""

    def __init__(self, width):
        super().__init__()
        layers = (
            authors_conv(width, width),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            authors_conv(width, width),
            nn.BatchNorm2d(width),
        )
        self.block = nn.Sequential(*layers)

    def forward(self, x):
        return (x + self.block(x)).relu()


class AuthorsSecond(AuthorsGenerator):
    """Their second generator, which has the first."""

    def __init__(self, width=8, blocks=3):
        super().__init__([4 * width, 2 * width, width, width // 2, width // 4])
        self.STAGE1_G = AuthorsFirst()
        halve = lambda n: [nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * n), nn.ReLU()]
        self.encoder = nn.Sequential(authors_conv(3, width), nn.ReLU(), *halve(width), *halve(2 * width))
        self.hr_joint = nn.Sequential(authors_conv(6 + 4 * width, 4 * width), nn.BatchNorm2d(4 * width), nn.ReLU())
        self.residual = nn.Sequential(*(AuthorsBlock(4 * width) for _ in range(blocks)))

    def forward(self, text, noise):
        small = self.STAGE1_G(text, noise)
        condition = self.ca_net(text)[:, :, None, None].expand(-1, -1, 16, 16)
        return small, self.draw(self.residual(self.hr_joint(torch.cat([self.encoder(small), condition], 1))))


def test_generators_of_the_authors_give_the_same_pictures(tmp_path):
    theirs = AuthorsSecond()
    text, z = torch.randn(4, 20), torch.randn(4, 5)
    theirs(text, z)  # statistics of the batch norms
    theirs.eval()
    torch.save({k: v for k, v in theirs.state_dict().items() if "num_batches" not in k}, tmp_path / "netG_epoch_90.pth")
    ours = StackGAN.from_pretrained(tmp_path / "netG_epoch_90.pth")
    assert (ours.config.residual_blocks, ours.config.text_dim, ours.config.latent_dim) == (3, 20, 5)
    with torch.no_grad():
        expected = [(each + 1) / 2 for each in theirs(text, z)]
        torch.testing.assert_close(list(ours.decode_text(text, z)), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(UserError, match="know no words"):
        ours.run("a red bird")


@pytest.mark.parametrize("change", ["missing", "unknown", "shape", "flat", "other"])
def test_a_file_that_does_not_fit_is_told(tmp_path, change):
    stored = dict(AuthorsSecond().state_dict())
    if change == "missing":
        del stored["hr_joint.0.weight"]
    elif change == "unknown":
        stored["upsample9.1.weight"] = torch.zeros(1)
    elif change == "shape":
        stored["encoder.2.weight"] = torch.zeros(8, 4, 5, 5)
    elif change == "flat":
        stored["STAGE1_G.ca_net.fc.weight"] = torch.zeros(12)
    else:
        stored = {"fc.weight": torch.zeros(2, 2)}
    torch.save(stored, tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"(does not fit|no generators).*Received"):
        StackGAN.from_pretrained(tmp_path / "x.pth")


# What stage II learns to sharpen --------------------------------------------------------------------------------------


def test_the_blur_is_a_gaussian_of_each_pictures_own():
    images, deviation = torch.rand(2, 3, 12, 10), torch.tensor([0.5, 1.3])
    expected = [
        gaussian_filter(image.numpy(), (0, each, each), mode="nearest", radius=(0, RADIUS, RADIUS))
        for image, each in zip(images, deviation.tolist(), strict=True)
    ]
    torch.testing.assert_close(blur(images, deviation), torch.from_numpy(np.stack(expected)), atol=1e-6, rtol=1e-5)


def test_softened_pictures_lie_between_real_ones_and_stage_ones():
    real, generated = torch.full((400, 3, 8, 8), 0.8), torch.full((400, 3, 8, 8), -0.4)
    share = (soften(real, generated, RandomStream(0)).mean((1, 2, 3)) + 0.4) / 1.2
    assert MIN_REAL - 0.03 < share.min() < 0.3 and 0.95 < share.max() < 1.03
    assert share.mean() == pytest.approx((1 + MIN_REAL) / 2, abs=0.03)


# One stage after the other --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stages", "learning"),
    [((1.0, 1.0), {"text_encoder", "picture_encoder"}),
     ((0.0, 1.0), {"first", "first_discriminator", "latent_encoder", "text_encoder"}),
     ((0.0, 0.0), {"second", "second_discriminator"})],
    ids=["words", "stage I", "stage II"],
)  # fmt: skip
def test_each_stage_trains_its_own_networks(tmp_path, monkeypatch, stages, learning):
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path / "cache"))
    splits = few()
    config = StackGAN.fit_config(replace(TINY, vocabulary=(), stages=stages, ema=0.0), splits)
    run = trainer(StackGAN, config, tmp_path / "run", splits, steps=2, eval_every=10)
    before = {name: value.clone() for name, value in run.system.named_parameters()}
    run.fit()
    changed = {
        name.split(".")[0] for name, value in run.system.named_parameters() if not torch.equal(value, before[name])
    }
    assert changed == learning


def pairs(count=8):
    """Small and large pictures in [−1, 1] with sentences as tokens."""
    small, large = (2 * torch.rand(count, 3, side, side) - 1 for side in (16, 64))
    return small, large, encode_sentences(["a red bird", "a blue bird with a white beak"] * (count // 2), TINY)


def test_stage_two_sharpens_what_was_softened_and_keeps_to_stage_ones_pictures(monkeypatch):
    monkeypatch.setattr("potmeter.systems.generative.stackgan.system.soften", lambda real, generated, rng: real / 2)
    system, (small, large, tokens), passes = StackGAN(TINY).train(), pairs(), []

    def remember(module, inputs, output):
        passes.append((inputs[0].clone(), output.detach().clone()))

    system.second.register_forward_hook(remember)
    losses = system.step_second(small, large, tokens, Loop(system))
    ((read, drawn),) = passes
    torch.testing.assert_close(read[:4], small[:4] / 2)
    assert not torch.allclose(read[4:], small[4:] / 2, atol=0.1), "stage I's"
    weight = TINY.reconstruction_weight
    torch.testing.assert_close(losses["reconstruction"], weight * (drawn[:4] - large[:4]).abs().mean())
    torch.testing.assert_close(losses["consistency"], weight * (F.avg_pool2d(drawn[4:], 4) - read[4:]).abs().mean())


def test_without_what_helps_the_losses_are_those_of_the_paper():
    system, (small, large, tokens) = StackGAN(PAPER_LIKE).train(), pairs()
    first = system.step_first(small, tokens, Loop(system))
    second = system.step_second(small, large, tokens, Loop(system))
    assert set(first) == set(second) == {"loss", "generator", "kl"}


def test_the_bank_holds_the_noise_found_in_the_latest_pictures(system):
    size = len(system.bank)
    means = torch.randn(size + 8, TINY.latent_dim)
    for step, part in enumerate(means.split(8)):
        system.store_latents((part, torch.zeros_like(part)), step)
    kept = system.bank.float() / 1000
    torch.testing.assert_close(kept[8:], means[8:size], atol=6e-4, rtol=0)
    torch.testing.assert_close(kept[:8], means[size:], atol=6e-4, rtol=0)
    z = system.sample_noise(500, RandomStream(0))
    nearest = torch.cdist(z, kept).amin(1)
    assert 0.5 < nearest.square().mean() / (TINY.latent_dim * 0.2**2) < 1.2
    assert StackGAN(PAPER_LIKE).sample_noise(500, RandomStream(0)).std() == pytest.approx(1, abs=0.05)


# Measures -------------------------------------------------------------------------------------------------------------


def test_only_what_is_stated_counts():
    values, stated = torch.tensor([[1, 2, 3], [0, 0, 0]]), torch.tensor([[1, -1, 0], [-1, 0, -1]])
    assert stated_accuracy(values, stated).tolist() == [0.5, 1.0]


def test_a_blurred_picture_is_less_sharp():
    real = torch.rand(3, 3, 32, 32)
    blurred = F.avg_pool2d(real, 3, 1, 1)
    assert mean_squared_gradient(blurred) < 0.5 * mean_squared_gradient(real)
    sharp, enlarged = measure_sharpness(real, F.avg_pool2d(real, 4), real)
    assert sharp == 1 and enlarged < 0.1


def test_a_sentence_is_found_where_it_is_the_nearest():
    text = torch.eye(6)
    assert retrieve_sentences(text, text).tolist() == [1.0] * 6
    assert retrieve_sentences(text.roll(1, 0), text).sum() == 0
    twice = text.clone()
    twice[1] = twice[0]
    assert retrieve_sentences(twice, twice).tolist() == [0.5, 0.5, 1.0, 1.0, 1.0, 1.0], "one sentence of two pictures"
    for collapsed in (torch.ones(6, 6), torch.full((6, 6), torch.nan)):
        assert retrieve_sentences(text, collapsed).mean() <= 1 / 6 + 1e-6, "no better than chance"


def test_the_nearest_sentence_shares_the_rarest_words():
    known = ["a red bird with a white belly", "a blue bird with a white belly", "a blue bird in the snow"]
    assert nearest_sentences(known, ["in the snow a blue bird", "a red bird"]) == [2, 0]


def test_the_judge_sees_what_birds_are_like_that_it_was_not_trained_on():
    part = bird_part("test", 150, 64)
    images = torch.stack([BirdPictures(part.source.birds, 64).read(i) for i in range(150)]).float() / 255
    right = (load_judge().predict(images) == part.attributes).float().mean(0)
    assert right.mean() > 0.95 and right.min() > 0.8, dict(zip(ATTRIBUTES, right.tolist(), strict=True))


# Use ------------------------------------------------------------------------------------------------------------------


def test_words_are_read_in_small_letters_without_punctuation():
    assert split_words("The bird's wings: RED, and blue-grey!") == ["the", "bird's", "wings", "red", "and", "blue-grey"]


def test_words_that_it_does_not_know_are_said(quiet):
    assert read_sentence("A Red bird with purple wings", TINY) == "a red bird with"
    assert "purple, wings" in "".join(notices.pending.values())
    with pytest.raises(UserError, match=r"None of these words.*Received: purple, wings"):
        read_sentence("purple wings", TINY)
    for wrong in ("", " ,.!"):
        with pytest.raises(UserError, match="at least one word"):
            read_sentence(wrong, TINY)
    with pytest.raises(UserError, match=r"at most.*Received: 10,000 characters"):
        read_sentence("bird " * 2000, TINY)


@pytest.mark.parametrize(
    ("known", "unseen", "other"),
    [("a yellow bird with a black crown and a white belly", "with a black crown and a white belly this bird is yellow",
      "a black bird with a yellow crown and a white belly"),
     ("this bird has a red belly and blue wings", "the wings of this bird are blue and its belly is red",
      "this bird has a blue belly and red wings"),
     ("a white bird with an orange throat", "with an orange throat this bird is white",
      "an orange bird with a white throat")],
    ids=["three colours", "two parts", "two colours"],
)  # fmt: skip
def test_the_shipped_text_encoder_understands_orders_of_words_that_it_was_not_trained_on(birds, known, unseen, other):
    with torch.no_grad():
        text = F.normalize(birds.embed_sentences([known, unseen, other]), dim=1)
    same, swapped = text[0] @ text[1], text[1] @ text[2]
    assert same > 0.9 and same > swapped + 0.1, "nearer than the same words about other parts"


def test_a_seed_gives_the_same_pictures_and_another_others(system):
    first, again, other = (system.run("a red bird", count=2, seed=seed).pixels for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


@pytest.fixture
def decoded(system, monkeypatch):
    """The embeddings and the noise of which the system made pictures, one pair for each call."""
    calls, decode = [], system.decode_text
    monkeypatch.setattr(
        system, "decode_text", lambda text, z, **options: calls.append((text, z)) or decode(text, z, **options)
    )
    return calls


def test_one_word_changes_only_the_embedding(system, decoded):
    system.words("A red bird", "Red", "blue, White", seed=3)
    ((text, z),) = decoded
    torch.testing.assert_close(text, system.embed_sentences(["a red bird", "a blue bird", "a white bird"]))
    assert z.shape == (3, TINY.latent_dim) and (z == z[0]).all()
    with pytest.raises(UserError, match="has not that word"):
        system.words("a red bird", "blue", "white")


def test_a_way_between_sentences_begins_and_ends_with_them(system, decoded):
    page = system.morph("a red bird", "a blue bird", steps=5, seed=3)
    ((text, z),) = decoded
    ends = system.embed_sentences(["a red bird", "a blue bird"])
    torch.testing.assert_close(text[[0, 2, 4]], torch.stack([ends[0], ends.mean(0), ends[1]]))
    assert len(text) == 5 and (z == z[0]).all() and page.size[0] > page.size[1], (
        "four in the first row, one in the second"
    )


@pytest.mark.parametrize(
    "changes",
    [{"batch_size": 1}, {"second_batch_size": 1}, {"picture_widths": (8,) * 5}, {"latent_widths": (8,) * 5},
     {"picture_widths": ()}, {"second_downsampling_widths": (), "second_upsampling_widths": (8,)},
     {"stages": (0.5, 0.2)}, {"image_size": 100}],
    ids=str,
)  # fmt: skip
def test_the_config_refuses_what_cannot_be_trained(changes):
    with pytest.raises(UserError, match="Received: "):
        replace(TINY, **changes)


def test_what_is_not_used_need_not_fit():
    assert replace(PAPER_LIKE, latent_widths=(8,) * 5).latent_widths == (8,) * 5


def test_two_pictures_are_enough_for_a_step(tmp_path, monkeypatch):
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path / "cache"))
    splits = few()
    config = StackGAN.fit_config(replace(TINY, vocabulary=(), batch_size=2, stages=(0.34, 0.67)), splits)
    run = trainer(StackGAN, config, tmp_path / "run", splits, steps=3, eval_every=10)
    run.fit()
    assert all(value.isfinite().all() for value in run.system.state_dict().values())


def test_of_fewer_sentences_each_comes_again_and_of_fewer_large_pictures_others_are_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(batches, "LARGE_BYTES", 3 * 3 * 64**2)  # three pictures
    part = bird_part("train", 5, 64)
    sentences = [["a red bird"], ["a red bird", "a blue bird"], ["a white beak", "a", "red"], ["a"], ["blue"]]
    data = CaptionData(part.source, [{"en": some} for some in sentences])
    pairs = PairData(data, TINY)
    batch = pairs.__getitems__([1, 0])
    assert batch["small"].shape == (2, 3, 16, 16) and batch["index"].tolist() == [1, 0]
    rows = [encode_sentences([text], TINY)[0].tolist() for text in ("a red bird", "a blue bird")]
    assert [row[:3] for row in batch["tokens"][0].tolist()] == [rows[0], rows[1], rows[0]]
    assert [row[:3] for row in batch["tokens"][1].tolist()] == [rows[0]] * 3
    large = pairs.with_large(torch.tensor([2, 3, 4]))
    assert large["index"].tolist() == [2, 0, 1] and large["large"].shape == (3, 3, 64, 64)
    assert (F.avg_pool2d(large["large"], 4) - large["small"]).abs().mean() < 0.02, "of the same birds"
    assert torch.equal(large["tokens"], pairs.__getitems__([2, 0, 1])["tokens"])
