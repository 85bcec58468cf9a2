"""Sentences as symbols with their mel frames, and minibatches of about equally long ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from potmeter.core.training.batches import ResumableBatches
from potmeter.data.batches import Batch, to_device
from potmeter.data.speech import SpeechData
from potmeter.errors import reject

from .mels import CachedMels
from .model import Config
from .symbols import encode, pad, spell

POOL = 50
"""Minibatches whose sentences are sorted by length together."""


class SpokenSymbols:
    """The sentences of a data set as symbols and normalised log-mel frames.

    Args:
        data: Sentences with sounds.
        config: How texts are spelt, and frames computed and normalised.
    """

    def __init__(self, data: SpeechData, config: Config) -> None:
        self.config = config
        self.mels = CachedMels(data, config.mel_config)
        self.lengths = self.mels.lengths
        """Frames of each sentence."""
        self.symbols = [encode(spell(text, config), config) for text in data.texts]

    def __len__(self) -> int:
        return len(self.symbols)

    def collate(self, indices: Sequence[int]) -> Batch:
        """A minibatch: ``symbols`` (B, N), ``lengths`` (B,), ``mel`` (B, T, M), ``frames`` (B,); T fills whole steps."""
        symbols, lengths = pad([self.symbols[i] for i in indices])
        mels = [normalise_mel(self.mels[i], self.config) for i in indices]
        frames = torch.tensor([len(mel) for mel in mels])
        silence = normalise_mel(torch.tensor(self.config.mel_config.silence), self.config)
        mel = pad_sequence(mels, batch_first=True, padding_value=float(silence))
        missing = -mel.shape[1] % self.config.reduction
        mel = torch.nn.functional.pad(mel, (0, 0, 0, missing), value=float(silence))
        return {"symbols": symbols, "lengths": lengths, "mel": mel, "frames": frames}


def normalise_mel(mel: Tensor, config: Config) -> Tensor:
    """Log-mel values as the network sees them."""
    return (mel - config.mel_mean) / config.mel_std


def restore_mel(mel: Tensor, config: Config) -> Tensor:
    """The inverse of ``normalise_mel``."""
    return mel * config.mel_std + config.mel_mean


class CurriculumBatches(ResumableBatches):
    """Minibatches of about equally long sentences, without end, the shorter sentences first.

    In the first ``short_epochs`` epochs ever more sentences take part, beginning with the shortest: of three such epochs, in
    the first a quarter, then half, then three quarters.

    Args:
        data: Sentences.
        batch_size: Sentences in a minibatch, over all processes together.
        short_epochs: How many such epochs.
        seed: Of the order.
        device: Where minibatches go.
    """

    def __init__(
        self, data: SpokenSymbols, batch_size: int, short_epochs: int, *, seed: int, device: torch.device | str
    ) -> None:
        super().__init__(batch_size, seed=seed)
        self.data, self.short_epochs, self.device = data, short_epochs, device
        self.lengths = torch.tensor(data.lengths)
        fitting = [
            i for i, symbols in enumerate(data.symbols) if len(symbols) <= data.config.max_symbols + 1
        ]  # the end
        fitting or reject("No sentence is short enough to be trained on: raise --max-symbols.", data.config.max_symbols)
        self.order = torch.tensor(sorted(fitting, key=lambda i: data.lengths[i]))

    def epoch(self, number: int) -> list[Tensor]:
        """The minibatches of an epoch, as numbers of sentences."""
        rng = self.epoch_rng(number)
        share = min((number + 1) / (self.short_epochs + 1), 1.0)
        taken = self.order[: max(round(share * len(self.order)), 1)]
        taken = taken[torch.randperm(len(taken), generator=rng)]
        pools = [pool[self.lengths[pool].argsort(stable=True)] for pool in taken.split(POOL * self.batch_size)]
        batches = [batch for pool in pools for batch in pool.split(self.batch_size) if len(batch) == self.batch_size]
        batches = batches or [taken.repeat(self.batch_size)[: self.batch_size]]  # fewer sentences than a batch has
        return [batches[i] for i in torch.randperm(len(batches), generator=rng).tolist()]

    def generate(self) -> Iterator[Batch]:
        number, first = 0, self.position
        while first >= len(batches := self.epoch(number)):
            number, first = number + 1, first - len(batches)
        while True:
            for batch in self.epoch(number)[first:]:
                yield to_device(self.data.collate(self.local_slice(batch).tolist()), self.device)
            number, first = number + 1, 0
