"""The captioner as a system: pictures with captions, loss, training, use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from torch import Tensor

from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch, in_batches
from potmeter.data.captioned import load_captioned
from potmeter.data.captions import CaptionData
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.media import Image, Result, Table, Text, name_images
from potmeter.media.image_batch import to_batch
from potmeter.nn.beam_search import Beam, Hypothesis

from . import model
from .attention_picture import draw_attention
from .baselines import measure_frequent, measure_nearest
from .batches import TokenData, cross_entropy, trim
from .decoding import search_captions
from .evaluation import measure_captions
from .examples import examples
from .features import BATCH, CHANNELS, CONVOLUTION_STRIDE, STRIDE, Backbone, CachedFeatures, Convolutions
from .model import PAD
from .presets import PRESETS
from .words import check_caption, decode_tokens, encode_captions, learn_vocabulary, match_classes, split_caption

BEAM = Beam(3, length_penalty=1.0)
"""Show and Tell's later version has a beam of 3."""
VALIDATED = 200
"""Validation pictures that are captioned during training."""
Language = Annotated[str, Choice("languages")] | None


@dataclass(frozen=True)
class Caption(Result):
    """What ``run`` gives."""

    caption: Text
    alternatives: Table


@dataclass(frozen=True)
class Fit(Result):
    """What ``score`` gives."""

    fit: Text
    words: Table


class ImageCaptioner(System):
    """Says in a sentence what a picture shows, and where it looked for each word."""

    name = "captioner"
    Config = model.Config
    presets = PRESETS
    goal = Goal("cider", "higher")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        frozen = config.encoder == "mobilenet"
        self.backbone = Backbone() if frozen else None  # no module: its weights are public, and not saved
        self.convolutions = None if frozen else Convolutions(config.channels)
        features, stride = (4 * CHANNELS, STRIDE) if frozen else (config.channels, CONVOLUTION_STRIDE)
        self.decoder = model.Decoder(config, features, -(-config.image_size // stride))
        self.known: dict[str, Tensor] = {}  # feature maps of validation pictures, by their fingerprints

    # 1. Pictures with captions

    @classmethod
    def data(
        cls, config: model.Config, source: str | None = None, pictures: str | None = None, language: str | None = None
    ) -> Splits:
        """Pictures with captions.

        Args:
            source: scenes, drawn-scenes, or captions of your own: COCO's JSON, Flickr8k's text file, a CSV of file and
                caption, or the folder that one of them lies in
            pictures: the folder of your own pictures; default: where the captions lie
            language: of a data set in several languages, the one to use; of your own captions, which one theirs is
        """
        splits = load_captioned(source or config.dataset, config.image_size, pictures, language)
        if config.languages and (strange := set(splits.test.languages) - set(config.languages)):
            known = ", ".join(config.languages)
            reject(f"The weights write {known}; say with --language which these captions are in.", ", ".join(strange))
        return splits

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        words = learn_vocabulary(splits.train, config.min_count)
        classes = match_classes(splits.train, words) if config.class_names else ()
        return replace(config, vocabulary=words, class_words=classes, languages=splits.train.languages)

    @classmethod
    def fine_tune_config(cls, config: model.Config) -> model.Config:
        """The same network; the words are those of the captions to come."""
        return replace(config, vocabulary=(), class_words=(), languages=())

    # 3. The loss

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy: the mean −log p of each word of one caption of each picture, drawn anew each time, in nats."""
        captions = batch["captions"]  # (B, K, T)
        chosen = self.rng.integers(captions.shape[1], len(captions)).to(captions.device)
        tokens = trim(captions[torch.arange(len(captions), device=captions.device), chosen])
        maps = self.expand(batch["maps"]) if self.backbone else self.feature_maps(batch["image"])
        logits, weights = self.decoder(maps, tokens[:, :-1])
        real = tokens[:, 1:] != PAD
        nats = cross_entropy(logits, tokens[:, 1:], self.config.label_smoothing if self.training else 0.0)
        losses = {"loss": nats.sum() / real.sum()}
        if weights is not None and self.config.attention_penalty:
            looked = (weights * real[..., None]).sum(1)  # (B, P)
            losses["attention_penalty"] = (1 - looked).square().sum(1).mean()
            losses["loss"] = losses["loss"] + self.config.attention_penalty * losses["attention_penalty"]
        return losses

    # 4. Training

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """Pictures with all their captions; of a network that is not trained, its feature maps in their place."""
        features = CachedFeatures(splits.train, self.backbone, trainer.device) if self.backbone else None
        return trainer.shuffle(TokenData(splits.train, self.config, features))

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The metrics of greedy captions of some pictures."""
        return self.measure(take_evenly(data, VALIDATED), Beam(1), keep=True)

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """CIDEr, BLEU-4 and the share of objects that are named, by beam search in every language; nats per word."""
        return self.measure(data, BEAM)

    @torch.no_grad()
    def measure(self, data: CaptionData, beam: Beam, keep: bool = False) -> dict[str, Tensor]:
        """The metrics of captions by a search; ``keep``: keep the feature maps for the next time."""
        written: dict[str, list[str]] = {language: [] for language in data.languages}
        nats, count = 0.0, 0
        for maps, start in self.iterate_maps(data, keep):
            for language, texts in written.items():
                found = search_captions(self.decoder, self.config, maps, language, beam)
                texts += [decode_tokens(best[0].tokens, self.config) for best in found]
                first = [captions[language][0] for captions in data.captions[start : start + len(maps)]]
                tokens = encode_captions(first, language, self.config).to(self.device)
                losses = cross_entropy(self.decoder(maps, tokens[:, :-1])[0], tokens[:, 1:])
                nats, count = nats + float(losses.sum()), count + int((tokens[:, 1:] != PAD).sum())
        return measure_captions(written, data) | {"loss": torch.tensor(nats / count)}

    def iterate_maps(self, data: CaptionData, keep: bool = False) -> Iterable[tuple[Tensor, int]]:
        """The feature maps of a data set, some pictures at a time, each with the place of its first."""
        known = self.known.get(data.fingerprint()) if keep else None
        if known is None:
            parts = []
            for number, batch in enumerate(in_batches(data, BATCH, self.device)):
                maps = (
                    self.backbone.feature_maps(batch["image"]) if self.backbone else self.feature_maps(batch["image"])
                )
                parts += [maps.cpu()] if keep and self.backbone else []
                yield self.expand(maps) if self.backbone else maps, number * BATCH
            if parts:
                self.known = {data.fingerprint(): torch.cat(parts)}
            return
        for start in range(0, len(known), BATCH):
            maps = known[start : start + BATCH].to(self.device)
            yield self.expand(maps) if self.backbone else maps, start

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The caption of the nearest training picture, by MobileNetV2's features or else by its pixels; the most frequent."""
        languages = splits.test.languages
        return measure_nearest(splits, languages, self.embed_data) | measure_frequent(splits, languages)

    @torch.no_grad()
    def embed_data(self, data: CaptionData) -> Tensor:
        """What pictures are compared by: MobileNetV2's last features, averaged over all places, or else the pixels."""
        if self.backbone is None:
            return torch.cat([batch["image"].flatten(1) for batch in in_batches(data, BATCH)])
        features = CachedFeatures(data, self.backbone, self.device)
        starts = range(0, len(data), BATCH)
        maps = (features[list(range(start, min(start + BATCH, len(data))))].to(self.device) for start in starts)
        return torch.cat([self.backbone.expand(each).mean((2, 3)).cpu() for each in maps])

    # 5. Use

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Logits (B, T, V) of the token after each of ``tokens`` (B, T), given pictures (B, 3, H, W) in [0, 1]."""
        logits: Tensor = self.decoder(self.feature_maps(images), tokens)[0]
        return logits

    @torch.no_grad()
    def run(
        self,
        image: Image,
        *,
        language: Language = None,
        beam: Annotated[int, Range(1, 64)] = BEAM.width,
        length_penalty: Annotated[float, Range(0, 2)] = BEAM.length_penalty,
        best: Annotated[int, Range(1, 64)] | None = None,
    ) -> Caption:
        """Say in a sentence what a picture shows.

        Args:
            image: the picture; the middle square counts
            language: of the caption, as hu; default: the first there is
            beam: beam width, the hypotheses kept at each step; 1 = greedy
            length_penalty: 0 prefers short captions, 1 long ones
            best: alternatives to list, at most as many as the beam is wide; default: as many
        """
        best = beam if best is None else best
        best <= beam or reject(f"A beam of {beam} has at most {beam} alternatives.", best)
        (found,) = self.search(self.inputs([image]), language, Beam(beam, length_penalty), best)
        rows = [(decode_tokens(each.tokens, self.config), each.score, each.log_prob) for each in found]
        return Caption(Text(rows[0][0]), Table(("caption", "score", "log p"), rows))

    @task
    @torch.no_grad()
    def attend(self, image: Image, *, language: Language = None) -> Image:
        """Show where it looked for each word of its caption: the brighter, the larger the attention weight.

        Args:
            image: the picture; the middle square counts
            language: of the caption, as hu; default: the first there is
        """
        self.config.architecture == "attend" or reject("It sees the picture once: there is no attention.", "tell")
        x = self.inputs([image])
        ((first,),) = self.search(x, language, BEAM)
        assert first.attention is not None
        words = [*decode_tokens(first.tokens, self.config).replace(",", " ,").split(), "(end)"]
        return draw_attention(Image.from_tensor(x[0]), words, first.attention)

    @task
    @torch.no_grad()
    def score(self, image: Image, text: str, *, language: Language = None) -> Fit:
        """How well does a caption fit? Its log-probability beside that of the best caption found, and of each word.

        Args:
            image: the picture; the middle square counts
            text: the caption, in words that the captioner knows
            language: of the caption, as hu; default: the first there is
        """
        self.check_caption(text)
        words = split_caption(text)
        x, language = self.inputs([image]), language or self.languages[0]
        (log_probs,) = self.word_log_probs(x, [text], language)
        ((own,),) = self.search(x, language, BEAM)
        describe = lambda total, length: f"{total:.2f}, {total / (length + 1):.2f} a word"
        fit = f"log p {describe(float(log_probs.sum()), len(words))}\n"
        fit += f"{decode_tokens(own.tokens, self.config)}: {describe(own.log_prob, len(own.tokens))}"
        probabilities = log_probs[: len(words) + 1].exp().tolist()
        return Fit(Text(fit), Table(("word", "probability"), [*zip([*words, "(end)"], probabilities, strict=True)]))

    @task
    @torch.no_grad()
    def batch(self, images: list[Image], *, language: Language = None) -> Table:
        """Caption many pictures, a row each in the order they are given; those of a folder by name.

        Args:
            images: pictures, or folders of them
            language: of the captions, as hu; default: the first there is
        """
        rows = []
        for start in range(0, len(images), BATCH):
            found = self.search(self.inputs([*images[start : start + BATCH]]), language, BEAM)
            rows += [(decode_tokens(best[0].tokens, self.config), best[0].score) for best in found]
        return Table(
            ("picture", "caption", "score"), [(n, *row) for n, row in zip(name_images(images), rows, strict=True)]
        )

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    # What probes and other systems use (core.capabilities)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it writes."""
        return tuple(self.config.languages)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it takes."""
        return 3, self.config.image_size, self.config.image_size

    def caption(self, images: Tensor, language: str | None = None) -> list[str]:
        """A caption of each picture (B, 3, H, W) in [0, 1]."""
        return [decode_tokens(best[0].tokens, self.config) for best in self.search(images, language, BEAM)]

    def check_caption(self, caption: str) -> None:
        """Raise UserError for a caption with unknown words, with none, or with too many."""
        check_caption(caption, self.config)

    def input_loss(self, x: Tensor, target: Sequence[str]) -> Tensor:
        """The mean −log p (B,) of the words of each picture's caption in ``target``, in the first language."""
        log_probs = self.word_log_probs(x, target, self.languages[0])
        return -log_probs.sum(1) / (log_probs != 0).sum(1)

    def word_log_probs(self, images: Tensor, captions: Sequence[str], language: str) -> Tensor:
        """log p (B, T) of each word of a caption of each picture, and of its end; 0 after it."""
        tokens = encode_captions(captions, language, self.config).to(images.device)
        logits, _ = self.decoder(self.feature_maps(images), tokens[:, :-1])
        return -cross_entropy(logits, tokens[:, 1:])

    def search(self, images: Tensor, language: str | None, beam: Beam, best: int = 1) -> list[list[Hypothesis]]:
        """The best captions of each picture."""
        maps = self.feature_maps(images)
        return search_captions(self.decoder, self.config, maps, language or self.languages[0], beam, best)

    def feature_maps(self, images: Tensor) -> Tensor:
        """The feature map (B, F, hs, ws) that the decoder reads, of pictures (B, 3, H, W) in [0, 1]."""
        if self.backbone is not None:
            return self.expand(self.backbone.feature_maps(images))
        assert self.convolutions is not None
        maps: Tensor = self.convolutions(images)
        return maps

    def expand(self, maps: Tensor) -> Tensor:
        """The feature map (B, F, hs, ws) that the decoder reads, of the backbone's as they are kept (B, 320, hs, ws)."""
        assert self.backbone is not None
        expanded = self.backbone.expand(maps)
        return torch.cat([expanded, self.backbone.classify(expanded)], 1) if self.config.class_words else expanded

    def inputs(self, images: list[Image]) -> Tensor:
        """A user's pictures as (B, 3, H, W)."""
        self.config.vocabulary or reject("The system has no vocabulary yet: train it, or load weights.", self.name)
        return to_batch(images, self.config.image_size, 3).to(self.device)
