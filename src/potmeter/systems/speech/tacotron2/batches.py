"""Sentences as symbols with their mel frames, and minibatches of about equally long ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from potmeter.core.training.batches import BucketedBatches
from potmeter.data.batches import Batch, to_device
from potmeter.data.speech import SpeechData
from potmeter.errors import reject
from potmeter.notices import note

from .config import Config
from .mels import CachedMels
from .symbols import encode, pad, spell


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


class CurriculumBatches(BucketedBatches):
    """Minibatches of about equally long sentences, the shorter sentences first.

    In the first ``short_epochs`` epochs ever more sentences take part, beginning with the shortest: of three such epochs, in
    the first a quarter, then half, then three quarters. Those of more than ``max_symbols`` symbols never do, which is told.

    Args:
        data: Sentences.
        batch_size: Sentences in a minibatch, over all processes together.
        short_epochs: How many such epochs.
        seed: Of the order.
        device: Where minibatches go.

    Raises:
        UserError: When no sentence is short enough.
    """

    pool = 50

    def __init__(
        self, data: SpokenSymbols, batch_size: int, short_epochs: int, *, seed: int, device: torch.device | str
    ) -> None:
        super().__init__(
            data.lengths, lambda indices, _: to_device(data.collate(indices), device), batch_size, seed=seed
        )
        self.short_epochs, limit = short_epochs, data.config.max_symbols
        fitting = [i for i, symbols in enumerate(data.symbols) if len(symbols) <= limit + 1]  # and the end
        fitting or reject("No sentence is short enough to be trained on: raise --max-symbols.", limit)
        if longer := len(data) - len(fitting):
            note(
                f"{longer:,} of {len(data):,} sentences are longer than {limit} symbols, and are not trained on"
                " (--max-symbols).",
                about="symbols",
            )
        self.order = torch.tensor(sorted(fitting, key=lambda i: data.lengths[i]))

    def candidates(self, epoch: int) -> Tensor:
        """The sentences that take part in an epoch, the shortest first."""
        share = min((epoch + 1) / (self.short_epochs + 1), 1.0)
        return self.order[: max(round(share * len(self.order)), 1)]
