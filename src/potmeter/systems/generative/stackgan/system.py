"""StackGAN as a system: sentences with pictures, two stages of adversaries, training, use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from potmeter.core.random import RandomStream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch, to_device
from potmeter.data.captioned import load_captioned
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import Image
from potmeter.media.image_grid import image_grid, resize_to_side
from potmeter.media.labelled_page import labelled_page
from potmeter.nn.augmentation import DIFF_NUMBERS, diff_augment
from potmeter.systems.generative.feature_extractor import FeatureExtractor, require_enough_images

from . import config, model, sentences
from .augmentation import soften
from .batches import PairData, trim
from .checkpoints import read_generators
from .evaluation import measure, measure_baselines, measure_retrieval
from .examples import examples
from .measure import first_sentences, judge_pictures
from .model import kl_divergence, sample_gaussian
from .presets import PRESETS
from .sentences import encode_sentences, read_sentence, split_words

BATCH = 25
"""Pictures generated at once."""
VALIDATED = 100
"""Pictures that are validated with during training."""
BANK_STEPS, BANDWIDTH = 1000, 0.2
"""The bank holds integers, which are left alone by the moving average of weights, in steps of 1/1,000; standard deviation of
what is added to noise from it."""
SHOWN = 256
"""Side in pixels that pictures are shown in."""
LONG, MAX_OTHERS = 90, 8
"""Characters of a sentence that has no room above its pictures; most words in place of one."""


class StackGAN(System):
    """Draws what a sentence says: small at first, then large, by two generators of which the second corrects the first."""

    name = "stackgan"
    Config = config.Config
    presets = PRESETS
    goal = Goal("frechet", "lower")

    def __init__(self, config: config.Config) -> None:
        super().__init__(config)
        c = config
        self.text_encoder, self.picture_encoder = sentences.TextEncoder(c), sentences.PictureEncoder(c)
        self.first, self.second = model.FirstGenerator(c), model.SecondGenerator(c)
        self.first_discriminator = model.Discriminator(c, c.first_discriminator_widths)
        self.second_discriminator = model.Discriminator(c, c.second_discriminator_widths)
        self.latent_encoder = model.LatentEncoder(c) if c.reconstruction_weight else None
        self.bank: Tensor | None
        bank = torch.zeros(c.latent_bank, c.latent_dim, dtype=torch.int16) if c.latent_bank else None
        self.register_buffer("bank", bank)
        self.training_pairs: PairData | None = None
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """Both generators of StackGAN's authors, from a file of theirs (``checkpoints.py``): without a text encoder."""
        config, state = read_generators(file)
        system = cls(config)
        system.load_state_dict(state, strict=False)
        return system

    # 1. Pictures with sentences

    @classmethod
    def data(cls, config: config.Config, source: str | None = None, pictures: str | None = None) -> Splits:
        """Pictures with captions.

        Args:
            source: birds, few-birds, scenes, or captions of your own: COCO's JSON, Flickr8k's text file, a CSV of file and
                caption, or the folder that one of them lies in; or a folder in the layout of CUB, images and text
            pictures: the folder of your own pictures; default: where the captions lie
        """
        return require_enough_images(load_captioned(source or config.dataset, config.image_size, pictures))

    @classmethod
    def fine_tune_config(cls, config: config.Config) -> config.Config:
        """The same networks; the words are those of the sentences to come."""
        return replace(config, vocabulary=())

    @classmethod
    def fit_config(cls, config: config.Config, splits: Splits) -> config.Config:
        texts = (text for some in splits.train.captions for group in some.values() for text in group)
        return replace(config, vocabulary=sentences.learn_vocabulary(texts, config.min_count))

    # 3. The losses of each stage; 4. one stage after the other

    def optimizers(self) -> dict[str, Optimizer]:
        """Adam for the encoders of text and picture, and for both networks of each stage."""
        first: list[nn.Module] = [self.first, *([self.latent_encoder] if self.latent_encoder else [])]
        first += [self.text_encoder] if self.config.train_text_encoder else []
        networks: dict[str, Sequence[nn.Module]] = {
            "encoders": (self.text_encoder, self.picture_encoder), "first": first,
            "first discriminator": (self.first_discriminator,),
            "second": (self.second,), "second discriminator": (self.second_discriminator,),
        }  # fmt: skip
        betas = (self.config.beta1, 0.999)
        return {
            name: Adam([p for module in modules for p in module.parameters()], lr=self.config.lr, betas=betas)
            for name, modules in networks.items()
        }

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """Small pictures with all their sentences; the large ones are read in stage II."""
        self.training_pairs = PairData(splits.train, self.config)
        return trainer.shuffle(self.training_pairs)

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """The encoders learn which sentence belongs to which picture; then stage I; then, with that as it is, stage II."""
        tokens, small = self.choose_sentences(batch["tokens"]), 2 * batch["small"] - 1
        encoders_done, first_done = self.config.stages
        if trainer.fraction_done < encoders_done:
            return self.step_encoders(small, tokens, trainer)
        self.picture_encoder.eval()
        if trainer.fraction_done < first_done:
            return self.step_first(small, tokens, trainer)
        assert self.training_pairs is not None
        places = batch["index"][: self.config.second_batch_size].cpu()
        batch = to_device(self.training_pairs.with_large(places), self.device)
        small, large = 2 * batch["small"] - 1, 2 * batch["large"] - 1
        return self.step_second(small, large, self.choose_sentences(batch["tokens"]), trainer)

    def choose_sentences(self, tokens: Tensor) -> Tensor:
        """One sentence of each picture (B, T) among its K (B, K, T), drawn anew each time."""
        chosen = self.rng.integers(tokens.shape[1], len(tokens)).to(tokens.device)
        return trim(tokens[torch.arange(len(tokens), device=tokens.device), chosen])

    def step_encoders(self, small: Tensor, tokens: Tensor, trainer: TrainingLoop) -> dict[str, Tensor]:
        """A step of the text and the picture encoder, from real pairs."""
        loss = self.pairs_loss(small, self.text_encoder(tokens))
        trainer.update(loss, "encoders")
        return {"loss": loss}

    def pairs_loss(self, small: Tensor, text: Tensor) -> Tensor:
        """The matching loss of real pictures (B, 3, S, S) and their sentences' embeddings (B, D)."""
        with self.autocast():
            pictures = self.picture_encoder(small)
        return sentences.matching_loss(self.picture_encoder.compatibility(pictures, text))

    def step_first(self, small: Tensor, tokens: Tensor, trainer: TrainingLoop) -> dict[str, Tensor]:
        """A step of stage I's discriminator, and one of its generator (equations 3 and 4)."""
        with torch.set_grad_enabled(self.config.train_text_encoder):
            text = self.text_encoder(tokens)
        with self.autocast():
            fake, gaussian, latent = self.generate_first(small, text, trainer.rng)
            loss = self.discriminator_loss(self.first_discriminator, small, fake.detach(), text.detach())
        trainer.update(loss, "first discriminator")
        with self.autocast():
            losses = self.generator_losses(self.first_discriminator, small, fake, text.detach())
        if self.config.train_text_encoder:
            losses["pairs"] = self.pairs_loss(small, text)
        losses["kl"] = self.config.kl_weight * kl_divergence(gaussian).mean()
        if latent is not None:
            losses["latent_kl"] = self.config.latent_kl_weight * kl_divergence(latent).mean()
        self.store_latents(latent, trainer.step)
        trainer.update(torch.stack([*losses.values()]).sum(), "first")
        return {"loss": loss} | losses

    def step_second(self, small: Tensor, large: Tensor, tokens: Tensor, trainer: TrainingLoop) -> dict[str, Tensor]:
        """The same for stage II, which reads the pictures of a stage I that no longer changes (equations 5 and 6).

        With a latent encoder, half of what it reads, and reconstructs, is real pictures made soft. Of the other half, which is
        generated, its picture, made small again, is to be stage I's (consistency).
        """
        self.first.eval()
        with self.autocast():
            with torch.no_grad():
                text = self.text_encoder(tokens)
                generated, _, latent = self.generate_first(small, text, trainer.rng)
                half = len(small) // 2
                if self.latent_encoder is not None:
                    generated[:half] = soften(small[:half], generated[:half], trainer.rng)
            gaussian = self.second.augmentation(text)
            condition = sample_gaussian(gaussian, trainer.noise(len(text), self.config.condition_dim))
            fake = self.second(generated, condition)
            loss = self.discriminator_loss(self.second_discriminator, large, fake.detach(), text)
        trainer.update(loss, "second discriminator")
        with self.autocast():
            losses = self.generator_losses(self.second_discriminator, large, fake, text)
            if self.latent_encoder is not None:
                change = F.adaptive_avg_pool2d(fake[half:], self.config.small_size) - generated[half:]
                losses["consistency"] = self.config.reconstruction_weight * change.abs().mean()
        losses["kl"] = self.config.kl_weight * kl_divergence(gaussian).mean()
        self.store_latents(latent, trainer.step)
        trainer.update(torch.stack([*losses.values()]).sum(), "second")
        return {"loss": loss} | losses

    def generate_first(
        self, small: Tensor, text: Tensor, rng: RandomStream
    ) -> tuple[Tensor, model.Gaussian, model.Gaussian | None]:
        """Stage I's pictures of sentences, with the distributions of their conditions and of the noise found in pictures.

        With a latent encoder, the first half of the minibatch has the noise that it finds in these pictures; the second half
        standard normal noise or, with a bank, what is found in another picture.
        """
        c, count = self.config, len(text)
        gaussian = self.first.augmentation(text)
        condition, latent = sample_gaussian(gaussian, rng.normal(count, c.condition_dim)), None
        if self.latent_encoder is None:
            return self.first(condition, rng.normal(count, c.latent_dim)), gaussian, None
        half, noise = count // 2, rng.normal(count, c.latent_dim)
        found = half if self.bank is None else count
        latent = self.latent_encoder(small[:found], text[:found].detach())
        z = sample_gaussian(latent, noise[:found])
        z = torch.cat([z[:half], noise[half:] if self.bank is None else z[half:].roll(1, 0)])
        return self.first(condition, z), gaussian, latent

    def store_latents(self, latent: model.Gaussian | None, step: int) -> None:
        """Put the means of the noise found in a minibatch's pictures into the bank, in place of the oldest."""
        if self.bank is not None and latent is not None:
            mean = latent[0].detach()
            places = (torch.arange(len(mean), device=mean.device) + step * len(mean)) % len(self.bank)
            self.bank[places] = (mean * BANK_STEPS).round().clamp(-(2**15), 2**15 - 1).to(torch.int16)

    def sample_noise(self, count: int, rng: RandomStream) -> Tensor:
        """Noise z (count, Z): standard normal or, with a bank, around what was found in training pictures."""
        z = rng.normal(count, self.config.latent_dim)
        if self.bank is None:
            return z
        return self.bank[rng.integers(len(self.bank), count)].float() / BANK_STEPS + BANDWIDTH * z

    def discriminator_loss(
        self, discriminator: model.Discriminator, real: Tensor, fake: Tensor, text: Tensor
    ) -> Tensor:
        """What a matching-aware discriminator minimises (sections 3.3 and 3.4, after arXiv:1605.05396): cross-entropy.

        Real pictures beside their own sentences are to be 1; beside another's, and generated ones, 0, of half the weight each.
        """
        real, fake = self.augment(real), self.augment(fake)
        features = discriminator.features(real)
        matching, mismatching = discriminator.logits(features, text), discriminator.logits(features, text.roll(1, 0))
        generated = discriminator(fake, text)
        return F.softplus(-matching).mean() + 0.5 * (F.softplus(mismatching).mean() + F.softplus(generated).mean())

    def augment(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, S, S) in [−1, 1] as discriminators are to see them."""
        if not self.config.diff_augment:
            return images
        return diff_augment(images, self.rng.uniform(len(images), DIFF_NUMBERS))

    def generator_losses(
        self, discriminator: model.Discriminator, real: Tensor, fake: Tensor, text: Tensor
    ) -> dict[str, Tensor]:
        """What a generator minimises, weighted, without the divergences."""
        c, is_small = self.config, fake.shape[-1] == self.config.small_size
        weight = c.adversarial_weight
        if not is_small and c.second_adversarial_weight is not None:
            weight = c.second_adversarial_weight
        losses = {"generator": weight * F.softplus(-discriminator(self.augment(fake), text)).mean()}
        if c.reconstruction_weight:
            half = len(real) // 2
            losses["reconstruction"] = c.reconstruction_weight * (fake[:half] - real[:half]).abs().mean()
        if c.matching_weight and is_small:
            logits = self.picture_encoder.compatibility(self.picture_encoder(fake), text)
            losses["matching"] = c.matching_weight * sentences.matching_loss(logits)
        return losses

    # How good it is

    def load_feature_extractor(self) -> FeatureExtractor:
        """The network in whose features pictures are compared."""
        return FeatureExtractor(self.config.feature_extractor, self.config.feature_extractor_size, self.device)

    def fit_assets(self, splits: Splits) -> None:
        """Load the feature extractor now: that there is none is better told before the training than after it."""
        self.load_feature_extractor()

    def is_candidate(self, trainer: TrainingLoop) -> bool:
        """Whether all stages are done: the distance prefers stage I's pictures enlarged to what stage II learns to sharpen."""
        return trainer.fraction_done >= 1

    def illustrate(self) -> Image:
        """The pictures of the examples' sentences, twice, always of the same noise."""
        texts = [str(each.inputs["sentence"]) for each in examples() if each.task == "run"] * 2
        return show_stages(*self.generate(texts, RandomStream(0, device=self.device)))

    @torch.no_grad()
    def validate(self, data: Any) -> dict[str, Tensor]:
        """What is cheap, on some pictures: the distance, what is shown of what was said, whether the sentence is found."""
        data = take_evenly(data, VALIDATED)
        texts = first_sentences(data)
        _, large = self.generate(texts, RandomStream(0, device=self.device))
        extractor = self.load_feature_extractor()
        distance = extractor.compare(extractor.features(large), extractor.features_of(data, VALIDATED))["frechet"]
        return {"frechet": distance} | judge_pictures(large, data) | measure_retrieval(self, large, texts)

    @torch.no_grad()
    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """A picture of each test sentence: what it shows of what was said, and how like real pictures they all are."""
        return measure(self, data, self.load_feature_extractor())

    @torch.no_grad()
    def baselines(self, splits: Splits) -> dict[str, float]:
        """The picture of the training sentence nearest to each test sentence; that of any; stage I's pictures enlarged."""
        return measure_baselines(self, splits, self.load_feature_extractor())

    def describe_metrics(self) -> dict[str, str]:
        return {"frechet": f"features of {self.config.feature_extractor}"}

    # 5. Use

    def embed_sentences(self, texts: Sequence[str]) -> Float[Tensor, "n d"]:
        """Embeddings φ of sentences."""
        parts = [encode_sentences(texts[start : start + BATCH], self.config) for start in range(0, len(texts), BATCH)]
        return torch.cat([self.text_encoder(part.to(self.device)) for part in parts])

    def embed_pictures(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n d"]:
        """Embeddings of pictures in [0, 1], of either stage's size, to be compared with those of sentences."""
        side = self.config.small_size
        small = (F.interpolate(part.to(self.device), size=(side, side), mode="area") for part in images.split(BATCH))
        return torch.cat([self.picture_encoder(2 * part - 1) for part in small])

    def generate(self, texts: Sequence[str], rng: RandomStream, *, large: bool = True) -> tuple[Tensor, Tensor]:
        """A picture of each sentence: stage I's, and stage II's (none without ``large``), in [0, 1]."""
        return self.decode_text(self.embed_sentences(texts), self.sample_noise(len(texts), rng), large=large)

    def decode_text(
        self, text: Float[Tensor, "n d"], z: Float[Tensor, "n z"], *, large: bool = True
    ) -> tuple[Tensor, Tensor]:
        """The pictures of embeddings φ and noise z, of the likeliest condition ĉ: stage I's, and stage II's, in [0, 1]."""
        first, second = [], []
        for part, noise in zip(text.split(BATCH), z.split(BATCH), strict=True):
            small = self.first(self.first.augmentation(part)[0], noise)
            first.append(small)
            second.append(self.second(small, self.second.augmentation(part)[0]) if large else small[:0])
        return tuple((torch.cat(images).clamp(-1, 1) + 1) / 2 for images in (first, second))  # type: ignore[return-value]

    def forward(self, tokens: Int[Tensor, "b t"], z: Float[Tensor, "b z"]) -> Float[Tensor, "b 3 h w"]:
        """Stage II's pictures in [0, 1] of sentences as tokens and of noise."""
        return self.decode_text(self.text_encoder(tokens), z)[1]

    @torch.no_grad()
    def run(
        self,
        sentence: str = "this bird is blue with white and has a very short beak",
        *,
        count: Annotated[int, Range(1, 16)] = 4,
        seed: Annotated[int, Range(0, 2**31)] | None = None,
    ) -> Image:
        """Draw what a sentence says, several times: stage I's pictures above, enlarged, and stage II's of them below.

        Args:
            sentence: what the picture is to show
            count: pictures
            seed: start of the random numbers; the same seed gives the same pictures
        """
        rng = RandomStream(int(torch.randint(2**31, ())) if seed is None else seed, device=self.device)
        return show_stages(*self.generate([read_sentence(sentence, self.config)] * count, rng))

    @task
    @torch.no_grad()
    def morph(
        self,
        sentence: str = "this bird is yellow with black and has a short beak",
        other: str = "this bird is blue with orange and has a very long beak",
        *,
        steps: Annotated[int, Range(2, 24)] = 8,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Image:
        """From one sentence to another: the embedding goes straight from the first to the second, all else stays.

        Args:
            sentence: where it begins
            other: where it ends
            steps: pictures
            seed: start of the random numbers
        """
        start, end = (self.embed_sentences([read_sentence(each, self.config)]) for each in (sentence, other))
        text = torch.lerp(start, end, torch.linspace(0, 1, steps, device=self.device)[:, None])
        z = self.sample_noise(1, RandomStream(seed, device=self.device)).expand(steps, -1)
        return image_grid(self.decode_text(text, z)[1], columns=min(steps, 4))

    @task
    @torch.no_grad()
    def words(
        self,
        sentence: str = "this bird has a blue crown, grey wings and a white belly",
        word: str = "blue",
        others: str = "red, yellow, green, black",
        *,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Image:
        """One word changed, and all else, the noise too, as it was.

        Args:
            sentence: what the first picture is to show
            word: a word of it
            others: what stands in its place in the other pictures, separated by commas
            seed: start of the random numbers
        """
        words, replaced = split_words(sentence), word.strip().lower()
        replaced in words or reject("The sentence has not that word.", word)
        choices = [word, *(each.strip() for each in others.split(",") if each.strip())]
        1 < len(choices) <= 1 + MAX_OTHERS or reject(f"One to {MAX_OTHERS} other words are wanted.", others)
        texts = [" ".join(choice if each == replaced else each for each in words) for choice in choices]
        text = self.embed_sentences([read_sentence(each, self.config) for each in texts])
        z = self.sample_noise(1, RandomStream(seed, device=self.device)).expand(len(texts), -1)
        pictures = self.decode_text(text, z)[1]
        cells = [(resize_to_side(x, SHOWN), choice) for x, choice in zip(pictures, choices, strict=True)]
        return labelled_page([(sentence if len(sentence) < LONG else "", cells)])

    def examples(self) -> list[Example]:
        return examples()


def show_stages(small: Tensor, large: Tensor) -> Image:
    """Stage I's pictures, enlarged, above stage II's."""
    rows = [("stage I", small), ("stage II", large)]
    return labelled_page([(title, [(resize_to_side(x, SHOWN), "") for x in images]) for title, images in rows])
