"""What systems can do for others: the protocols through which probes, judges and other systems use them.

Pictures are float tensors of shape (B, C, H, W) in [0, 1]; whatever normalisation a network wants happens inside.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.errors import reject
from potmeter.nn.detection.instances import Instances
from potmeter.nn.mel import MelConfig, check_mel, describe_difference


@runtime_checkable
class Classifier(Protocol):
    """Says which of its classes a picture shows."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes, in the order of the logits."""
        ...

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it takes."""
        ...

    def logits(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        """Unnormalised log-probabilities (B, classes) of pictures in [0, 1]."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Says what it sees in a picture, in numbers that compare: the features before its last layer."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it takes."""
        ...

    def embed(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b features"]:
        """A vector for each picture."""
        ...


@runtime_checkable
class Backbone(Protocol):
    """Turns an image into feature maps of ever lower resolution, for detectors, segmenters and captioners to build on.

    A system that is one serves its own trained features; the networks of ``nn.backbones`` are some with public weights.
    """

    @property
    def feature_channels(self) -> Mapping[int, int]:
        """Channels of the feature maps by stride, in the order of the strides."""
        ...

    def feature_maps(self, images: Float[Tensor, "b c h w"]) -> dict[int, Tensor]:
        """By the same strides, (B, feature_channels[stride], H / stride, W / stride) for sides that it divides."""
        ...


@runtime_checkable
class Segmenter(Protocol):
    """Says of every pixel of a picture which of its classes it belongs to."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes; the first is the background, what is none of the others."""
        ...

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it was trained on; it takes others with as many channels too."""
        ...

    def masks(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes h w"]:
        """The probability of every class at every pixel."""
        ...


@runtime_checkable
class Detector(Protocol):
    """Finds the things in a picture: where each is, what it is, and which pixels are its own."""

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes; the first has label 1, since 0 is the background's."""
        ...

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it was trained on; it takes others with as many channels too."""
        ...

    def detect(self, images: Float[Tensor, "b c h w"]) -> list[Instances]:
        """What is found in each picture, the likeliest first, with masks in the pixels of the picture."""
        ...


@runtime_checkable
class Captioner(Protocol):
    """Says in a sentence what a picture shows."""

    @property
    def languages(self) -> Sequence[str]:
        """The languages that it writes, the usual one first."""
        ...

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it takes."""
        ...

    def caption(self, images: Float[Tensor, "b c h w"], language: str | None = None) -> list[str]:
        """A caption of each picture."""
        ...

    def check_caption(self, caption: str) -> None:
        """Raise UserError for a caption that it cannot write, having no words for it or not so many."""
        ...


@runtime_checkable
class Attackable(Protocol):
    """Has a loss that can be differentiated with respect to its input."""

    def input_loss(self, x: Float[Tensor, "b ..."], target: Any) -> Float[Tensor, " b"]:
        """The loss of each input for the wanted output; an attack raises it, a targeted one lowers it."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Makes samples from points of a latent space."""

    @property
    def latent_spaces(self) -> Mapping[str, int]:
        """Sizes of its latent spaces by name, the usual one first."""
        ...

    def sample(self, n: int, rng: RandomStream, space: str | None = None) -> Float[Tensor, "n latent"]:
        """Latent vectors (n, latent) of a space (default: the usual one), drawn from the prior, or what it becomes there."""
        ...

    def decode(
        self, z: Float[Tensor, "b latent"], space: str | None = None, condition: Any = None
    ) -> Float[Tensor, "b c h w"]:
        """Pictures (B, C, H, W) in [0, 1] of latent vectors (B, latent). Raises UserError for a vector of another size."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Finds the latent vector of a given input."""

    def encode(self, images: Float[Tensor, "b c h w"], space: str | None = None) -> Float[Tensor, "b latent"]:
        """Latent vectors (means, where the encoder gives a distribution)."""
        ...


@runtime_checkable
class LanguageModel(Protocol):
    """Says how likely a text is, token by token."""

    @property
    def vocabulary(self) -> Sequence[bytes]:
        """What every token stands for, in the order of their numbers."""
        ...

    def tokenize(self, text: str) -> Sequence[bytes]:
        """The text cut into tokens, which together are its UTF-8 bytes."""
        ...

    def surprisal(self, text: str) -> Float[Tensor, " tokens"]:
        """−log₂ p of each token given those before it, in bits."""
        ...

    def next_token_probs(self, text: str) -> Float[Tensor, " vocabulary"]:
        """Probability of every token to come after the text; it may be empty."""
        ...


@runtime_checkable
class Vocoder(Protocol):
    """Speaks a mel spectrogram: turns it into a wave."""

    @property
    def mel_config(self) -> MelConfig:
        """How the mel spectrograms that it was trained on were computed."""
        ...

    def vocode(self, mel: Float[Tensor, "mels frames"], config: MelConfig) -> Float[Tensor, " time"]:
        """The wave of a mel spectrogram: (frames − 1) · hop_length samples in [-1, 1], the same every time.

        Raises UserError for a spectrogram of another configuration than ``mel_config`` (``check_vocoder``).
        """
        ...


@runtime_checkable
class Agent(Protocol):
    """Acts in a world, by what it observes there."""

    def act(self, observation: Float[Tensor, "b observation"]) -> Tensor:
        """What it thinks best in each situation: numbers (B,) of discrete actions, or vectors (B, A) of continuous ones."""
        ...


@runtime_checkable
class GtpSpeaker(Protocol):
    """Plays Go in the Go Text Protocol, version 2, with whatever program or board speaks it."""

    def gtp(self, playouts: int) -> Any:
        """An engine: its ``serve(lines)`` gives the answer to each command. Raises UserError where the game is another."""
        ...


PROTOCOLS: dict[str, type] = {
    p.__name__: p
    for p in (
        Classifier,
        Segmenter,
        Detector,
        Embedder,
        Backbone,
        Captioner,
        Attackable,
        Generator,
        Encoder,
        LanguageModel,
        Vocoder,
        Agent,
        GtpSpeaker,
    )
}
"""By the names that the catalogue uses."""


def has_capabilities(model: object, names: Sequence[str]) -> bool:
    """Whether a system has all these capabilities."""
    return all(isinstance(model, PROTOCOLS[name]) for name in names)


def resolve_space(generator: Generator, space: str | None) -> str:
    """A generator's latent space by its name; None is the usual one. Raises UserError where there is none of that name."""
    spaces = generator.latent_spaces
    space = next(iter(spaces)) if space is None else space
    return space if space in spaces else reject(f"The latent spaces are {', '.join(spaces)}.", space)


def check_vocoder(vocoder: Vocoder, config: MelConfig, mel: Tensor | None = None) -> None:
    """Raise UserError where a vocoder was trained on other mel spectrograms than those of ``config``.

    Args:
        vocoder: The vocoder.
        config: What the spectrogram is computed with.
        mel: The spectrogram, whose shape is checked too.
    """
    if difference := describe_difference(vocoder.mel_config, config):
        reject("The vocoder speaks other mel spectrograms: their fields differ.", difference)
    if mel is not None:
        check_mel(mel, config)


def class_index(classes: Sequence[str], name: str) -> int:
    """The number of a class by its name: as it is written, else in whatever case where only one class has that name.

    Raises:
        UserError: Where there is none of that name, with the nearest one, or several, with all of them.

    Example:
        >>> class_index(["cat", "dog"], "Dog"), class_index(["Cardigan", "cardigan"], "cardigan")
        (1, 1)
    """
    for spell in (str, str.casefold):
        found = [number for number, known in enumerate(classes) if spell(known) == spell(name)]
        if len(found) > 1:
            reject(f"Several classes have that name: {', '.join(classes[number] for number in found[:5])}.", name)
        if found:
            return found[0]
    by_lower = {known.casefold(): known for known in classes}
    near = difflib.get_close_matches(name.casefold(), by_lower, 1)
    hint = f"Did you mean {by_lower[near[0]]}?" if near else f"There are {', '.join(classes[:5])} …"
    reject(f"There is no class of that name. {hint}", name)
