"""StackGAN as a system: sentences with pictures, two stages of adversaries, training, use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from potmeter.core.random import RandomStream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch, in_batches, to_device
from potmeter.data.captioned import load_captioned
from potmeter.data.sets.birds import BirdData
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import Image
from potmeter.media.image_grid import image_grid, resize_to_side
from potmeter.media.labelled_page import labelled_page
from potmeter.notices import note
from potmeter.systems.generative.feature_extractor import NEIGHBOURS, FeatureExtractor, require_enough_images

from . import config, model, sentences
from .batches import PairData, trim
from .examples import examples
from .measure import (
    find_sentences,
    first_sentences,
    judge_pictures,
    measure_diversity,
    measure_sharpness,
    nearest_sentences,
    shares_shown,
)
from .model import draw, kl_divergence
from .presets import PRESETS
from .sentences import encode_sentences, split_words, unknown_words

BATCH = 25
"""Pictures generated at once."""
VALIDATED, SHARPENED = 100, 100
"""Pictures that are validated with during training; those whose sharpness is measured."""
BANK_STEPS, BANDWIDTH = 1000, 0.2
"""The bank holds whole numbers, which no moving average smears: so many steps to 1; how far noise lies from one in it."""
SHOWN = 256
"""Side in pixels that pictures are shown in."""
MAX_CHARACTERS, MAX_OTHERS = 2_000, 8
"""Of a sentence; words in place of one."""


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
        self.first_critic = model.Discriminator(c, c.discriminator_widths)
        self.second_critic = model.Discriminator(c, c.critic_widths)
        self.latent_encoder = model.LatentEncoder(c) if c.reconstruction else None
        self.bank: Tensor | None
        self.register_buffer(
            "bank", torch.zeros(c.latent_bank, c.latent_dim, dtype=torch.int16) if c.latent_bank else None
        )
        self.training_pairs: PairData | None = None
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs

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
        first += [self.text_encoder] if self.config.tune_text else []
        networks: dict[str, Sequence[nn.Module]] = {
            "words": (self.text_encoder, self.picture_encoder), "first": first, "first critic": (self.first_critic,),
            "second": (self.second,), "second critic": (self.second_critic,),
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
        tokens, small = self.choose(batch["tokens"]), 2 * batch["small"] - 1
        words_done, first_done = self.config.stages
        if trainer.fraction_done < words_done:
            return self.step_words(small, tokens, trainer)
        self.picture_encoder.eval()
        if trainer.fraction_done < first_done:
            return self.step_first(small, tokens, trainer)
        assert self.training_pairs is not None
        batch = to_device(self.training_pairs.with_large(batch["index"][: self.config.large_batch].cpu()), self.device)
        small, large = 2 * batch["small"] - 1, 2 * batch["large"] - 1
        return self.step_second(small, large, self.choose(batch["tokens"]), trainer)

    def choose(self, tokens: Tensor) -> Tensor:
        """One sentence of each picture (B, T) among its K (B, K, T), drawn anew each time."""
        chosen = self.rng.integers(tokens.shape[1], len(tokens)).to(tokens.device)
        return trim(tokens[torch.arange(len(tokens), device=tokens.device), chosen])

    def mixed(self) -> Any:
        """Automatic mixed precision, where the Config asks for it."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bfloat16")

    def step_words(self, small: Tensor, tokens: Tensor, trainer: TrainingLoop) -> dict[str, Tensor]:
        """Text and picture encoder learn from pairs: what belongs together among the minibatch's."""
        loss = self.words_loss(small, self.text_encoder(tokens))
        trainer.update(loss, "words")
        return {"loss": loss}

    def words_loss(self, small: Tensor, text: Tensor) -> Tensor:
        """How badly real pictures and their sentences' embeddings are told to belong together."""
        with self.mixed():
            pictures = self.picture_encoder(small)
        return sentences.matching_loss(self.picture_encoder.compatibility(pictures, text))

    def step_first(self, small: Tensor, tokens: Tensor, trainer: TrainingLoop) -> dict[str, Tensor]:
        """Stage I's discriminator learns from real, mismatched and generated pictures; then its generator (equation 3, 4)."""
        with torch.set_grad_enabled(self.config.tune_text):
            text = self.text_encoder(tokens)
        said = text.detach()
        with self.mixed():
            fake, gaussian, latent = self.draw_first(small, text, trainer.rng)
            critic = self.critic_loss(self.first_critic, small, fake.detach(), said)
        trainer.update(critic, "first critic")
        with self.mixed():
            losses = self.generator_losses(self.first_critic, small, fake, said)
        if self.config.tune_text:
            losses["words"] = self.words_loss(small, text)
        losses["kl"] = self.config.kl * kl_divergence(gaussian).mean()
        if latent is not None:
            losses["latent_kl"] = self.config.latent_kl * kl_divergence(latent).mean()
        self.keep_latents(latent, trainer.step)
        trainer.update(torch.stack([*losses.values()]).sum(), "first")
        return {"loss": critic} | losses

    def step_second(self, small: Tensor, large: Tensor, tokens: Tensor, trainer: TrainingLoop) -> dict[str, Tensor]:
        """The same for stage II, which reads the pictures of a stage I that no longer changes (equation 5, 6)."""
        self.first.eval()
        with self.mixed():
            with torch.no_grad():
                text = self.text_encoder(tokens)
                drawn, _, latent = self.draw_first(small, text, trainer.rng)
            gaussian = self.second.augmentation(text)
            fake = self.second(drawn, draw(gaussian, trainer.noise(len(text), self.config.condition_dim)))
            critic = self.critic_loss(self.second_critic, large, fake.detach(), text)
        trainer.update(critic, "second critic")
        with self.mixed():
            losses = self.generator_losses(self.second_critic, large, fake, text)
        losses["kl"] = self.config.kl * kl_divergence(gaussian).mean()
        self.keep_latents(latent, trainer.step)
        trainer.update(torch.stack([*losses.values()]).sum(), "second")
        return {"loss": critic} | losses

    def draw_first(
        self, small: Tensor, text: Tensor, rng: RandomStream
    ) -> tuple[Tensor, model.Gaussian, model.Gaussian | None]:
        """Stage I's pictures of sentences, with the distributions of their conditions and of the noise found in pictures.

        Where there is a latent encoder, the first half of the minibatch is drawn of the noise that it finds in the training
        pictures, and the second half of any, or of that found in another picture.
        """
        c, count = self.config, len(text)
        gaussian = self.first.augmentation(text)
        condition, latent = draw(gaussian, rng.normal(count, c.condition_dim)), None
        if self.latent_encoder is None:
            return self.first(condition, rng.normal(count, c.latent_dim)), gaussian, None
        half, noise = count // 2, rng.normal(count, c.latent_dim)
        found = half if self.bank is None else count
        latent = self.latent_encoder(small[:found], text[:found].detach())
        z = draw(latent, noise[:found])
        z = torch.cat([z[:half], noise[half:] if self.bank is None else z[half:].roll(1, 0)])
        return self.first(condition, z), gaussian, latent

    def keep_latents(self, latent: model.Gaussian | None, step: int) -> None:
        """Put the means of the noise found in a minibatch's pictures into the bank, in place of the oldest."""
        if self.bank is not None and latent is not None:
            mean = latent[0].detach()
            places = (torch.arange(len(mean), device=mean.device) + step * len(mean)) % len(self.bank)
            self.bank[places] = (mean * BANK_STEPS).round().clamp(-(2**15), 2**15 - 1).to(torch.int16)

    def draw_noise(self, count: int, rng: RandomStream) -> Tensor:
        """Noise z (count, Z): standard normal, or near to what was found in training pictures."""
        z = rng.normal(count, self.config.latent_dim)
        if self.bank is None:
            return z
        return self.bank[rng.integers(len(self.bank), count)].float() / BANK_STEPS + BANDWIDTH * z

    def critic_loss(self, critic: model.Discriminator, real: Tensor, fake: Tensor, text: Tensor) -> Tensor:
        """What a matching-aware discriminator minimises: real pictures with their own sentences are right; with others', and
        generated ones, wrong, each half as heavy (section 3.3, after arXiv:1605.05396).
        """
        features = critic.features(real)
        right, wrong = critic.judge(features, text), critic.judge(features, text.roll(1, 0))
        made = critic(fake, text)
        return F.softplus(-right).mean() + 0.5 * (F.softplus(wrong).mean() + F.softplus(made).mean())

    def generator_losses(
        self, critic: model.Discriminator, real: Tensor, fake: Tensor, text: Tensor
    ) -> dict[str, Tensor]:
        """What a generator minimises, weighted, without the divergences."""
        c, is_small = self.config, fake.shape[-1] == self.config.small_size
        weight = c.adversarial if is_small or c.second_adversarial is None else c.second_adversarial
        losses = {"generator": weight * F.softplus(-critic(fake, text)).mean()}
        if c.reconstruction:
            half = len(real) // 2
            losses["reconstruction"] = c.reconstruction * (fake[:half] - real[:half]).abs().mean()
        if c.matching and is_small:
            seen = self.picture_encoder(fake)
            losses["matching"] = c.matching * sentences.matching_loss(self.picture_encoder.compatibility(seen, text))
        return losses

    # How good it is

    def load_feature_extractor(self) -> FeatureExtractor:
        """The network in whose features pictures are compared."""
        return FeatureExtractor(self.config.feature_extractor, self.config.feature_extractor_size, self.device)

    def fit_assets(self, splits: Splits) -> None:
        """Load the feature extractor now: that there is none is better told before the training than after it."""
        self.load_feature_extractor()

    def illustrate(self) -> Image:
        """The pictures of four sentences, always of the same noise."""
        texts = [str(each.inputs["sentence"]) for each in examples() if each.task == "run"] * 2
        return show_stages(*self.generate(texts, RandomStream(0, device=self.device)))

    @torch.no_grad()
    def validate(self, data: Any) -> dict[str, Tensor]:
        """What is cheap on some pictures: the distance, what is shown of what was said, whether the sentence is found."""
        data = take_evenly(data, VALIDATED)
        _, large = self.generate(first_sentences(data), RandomStream(0, device=self.device))
        extractor = self.load_feature_extractor()
        distance = extractor.compare(extractor.features(large), extractor.features_of(data, VALIDATED))["frechet"]
        return (
            {"frechet": distance} | judge_pictures(large, data) | self.measure_retrieval(large, first_sentences(data))
        )

    @torch.no_grad()
    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """A picture of each test sentence: what it shows of what was said, and how like real pictures they all are."""
        said = first_sentences(data)
        small, large = self.generate(said, RandomStream(0, device=self.device))
        extractor = self.load_feature_extractor()
        features, real = extractor.features(large), extractor.features_of(data, len(data))
        if len(real) // 2 > NEIGHBOURS:
            values = extractor.compare(features[0::2][: len(real[0::2])], real[0::2], real[1::2])
        else:
            values = extractor.compare(features, real)
        values |= judge_pictures(large, data) | self.measure_retrieval(large, said)
        some = take_evenly(data, SHARPENED)
        images = torch.cat([batch["image"] for batch in in_batches(some, 50)])
        places = [i * len(data) // len(some) for i in range(len(some))]
        values["sharpness"] = torch.tensor(measure_sharpness(large[places], small[places], images)[0])
        if isinstance(data, BirdData):
            draw_small = lambda texts: self.generate(texts, RandomStream(1, device=self.device), large=False)[0].cpu()
            values["diversity"] = torch.tensor(measure_diversity(draw_small, data))
        return values

    def measure_retrieval(self, large: Tensor, said: Sequence[str]) -> dict[str, Tensor]:
        """``retrieval`` (N,): whether each picture's sentence is found among fifty by the encoders of text and picture."""
        return {"retrieval": find_sentences(self.embed_pictures(large), self.embed_sentences(said))}

    @torch.no_grad()
    def baselines(self, splits: Splits) -> dict[str, float]:
        """The picture of the training sentence nearest to each test sentence; that of any; stage I's pictures enlarged."""
        train, test = splits.train, splits.test
        said, known = first_sentences(test), [first_sentences(train)]
        nearest = torch.tensor(nearest_sentences(known[0], said))
        anyone = RandomStream(2).integers(len(train), len(test))
        values = {}
        for name, places in (("nearest", nearest), ("unconditional", anyone)):
            if isinstance(train, BirdData):
                shown = shares_shown(train.attributes[places], test.stated)
                values[f"{name}_attribute_accuracy"] = float(shown.mean())
            images = torch.cat([batch["image"] for batch in in_batches(train.select(places), 50)]).to(self.device)
            values[f"{name}_retrieval"] = float(self.measure_retrieval(images, said)["retrieval"].mean())
        some = take_evenly(test, SHARPENED)
        small, large = self.generate(first_sentences(some), RandomStream(0, device=self.device))
        images = torch.cat([batch["image"] for batch in in_batches(some, 50)])
        return values | {"enlarged_sharpness": measure_sharpness(large, small, images)[1]}

    def describe_metrics(self) -> dict[str, str]:
        return {"frechet": f"features of {self.config.feature_extractor}"}

    # 5. Use

    def embed_sentences(self, said: Sequence[str]) -> Tensor:
        """Embeddings φ (N, D) of sentences."""
        parts = [encode_sentences(said[i : i + BATCH], self.config) for i in range(0, len(said), BATCH)]
        return torch.cat([self.text_encoder(part.to(self.device)) for part in parts])

    def embed_pictures(self, images: Tensor) -> Tensor:
        """Embeddings (N, D) of pictures in [0, 1] of stage II's size or stage I's, to be compared with those of sentences."""
        parts = []
        for part in images.split(BATCH):
            small = (
                part
                if part.shape[-1] == self.config.small_size
                else F.adaptive_avg_pool2d(part, self.config.small_size)
            )
            parts.append(self.picture_encoder(2 * small.to(self.device) - 1))
        return torch.cat(parts)

    def generate(self, said: Sequence[str], rng: RandomStream, *, large: bool = True) -> tuple[Tensor, Tensor]:
        """A picture of each sentence: stage I's, and stage II's (empty without ``large``), in [0, 1]."""
        return self.decode_text(self.embed_sentences(said), self.draw_noise(len(said), rng), large=large)

    def decode_text(self, text: Tensor, z: Tensor, *, large: bool = True) -> tuple[Tensor, Tensor]:
        """The pictures of embeddings φ (N, D) and noise z (N, Z), of the likeliest condition ĉ: stage I's, and stage II's."""
        first, second = [], []
        for part, noise in zip(text.split(BATCH), z.split(BATCH), strict=True):
            small = self.first(self.first.augmentation(part)[0], noise)
            first.append(small)
            second.append(self.second(small, self.second.augmentation(part)[0]) if large else small[:0])
        return tuple((torch.cat(images).clamp(-1, 1) + 1) / 2 for images in (first, second))  # type: ignore[return-value]

    def forward(self, tokens: Tensor, z: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] of sentences as tokens (B, T) and of noise (B, Z)."""
        return self.decode_text(self.text_encoder(tokens), z)[1]

    def read(self, sentence: str) -> str:
        """A user's sentence, if it says something that is understood; of words that are not known, a note is made."""
        words = split_words(sentence)
        words or reject("A sentence has at least one word.", sentence)
        len(sentence) <= MAX_CHARACTERS or reject(
            f"A sentence has at most {MAX_CHARACTERS:,} characters.", f"{len(sentence):,} characters"
        )
        unknown = unknown_words(sentence, self.config)
        shown = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        len(unknown) < len(set(words)) or reject(
            "None of these words was in the sentences that it learned from.", shown
        )
        if unknown:
            note(f"Words that it does not know, and passes over: {shown}.", about="unknown words")
        if len(words) > self.config.max_length:
            note(f"Only the first {self.config.max_length} of {len(words):,} words are read.", about="long sentence")
        return " ".join(word for word in words if word not in unknown)

    @torch.no_grad()
    def run(
        self,
        sentence: str = "this bird is blue with white and has a very short beak",
        *,
        count: Annotated[int, Range(1, 16)] = 4,
        seed: Annotated[int, Range(0, 2**31)] | None = None,
    ) -> Image:
        """Draw what a sentence says, several times: stage I's pictures above, enlarged, and what stage II makes of them below.

        Args:
            sentence: what the picture is to show
            count: pictures
            seed: start of the random numbers; the same seed gives the same pictures
        """
        rng = RandomStream(int(torch.randint(2**31, ())) if seed is None else seed, device=self.device)
        return show_stages(*self.generate([self.read(sentence)] * count, rng))

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
        start, end = self.embed_sentences([self.read(sentence)]), self.embed_sentences([self.read(other)])
        text = torch.lerp(start, end, torch.linspace(0, 1, steps, device=self.device)[:, None])
        z = self.draw_noise(1, RandomStream(seed, device=self.device)).expand(steps, -1)
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
        word in split_words(sentence) or reject("The sentence has not that word.", word)
        instead = [word, *(each.strip() for each in others.split(",") if each.strip())]
        0 < len(instead) - 1 <= MAX_OTHERS or reject(f"One to {MAX_OTHERS} other words are wanted.", others)
        said = [" ".join(each if known == word else known for known in split_words(sentence)) for each in instead]
        text = self.embed_sentences([self.read(each) for each in said])
        z = self.draw_noise(1, RandomStream(seed, device=self.device)).expand(len(said), -1)
        pictures = self.decode_text(text, z)[1]
        cells = [(resize_to_side(x, SHOWN), each) for x, each in zip(pictures, instead, strict=True)]
        return labelled_page([(sentence if len(sentence) < 90 else "", cells)])

    def examples(self) -> list[Example]:
        return examples()


def show_stages(small: Tensor, large: Tensor) -> Image:
    """Stage I's pictures, enlarged, above stage II's."""
    rows = [("stage I", small), ("stage II", large)]
    return labelled_page([(title, [(resize_to_side(x, SHOWN), "") for x in images]) for title, images in rows])
