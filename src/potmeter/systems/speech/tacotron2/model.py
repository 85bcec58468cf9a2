"""Tacotron 2: from symbols to a mel spectrogram by attention, some frames at each step, and a postnet that corrects it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .config import Config
from .decoder import Decoder, mask_of


class ConvolutionBlock(nn.Sequential):
    """Convolution of 5 steps, batch normalisation, a nonlinearity (none: the last of the postnet), dropout."""

    def __init__(self, inputs: int, outputs: int, nonlinearity: nn.Module | None, dropout: float) -> None:
        gain = {nn.ReLU: "relu", nn.Tanh: "tanh"}.get(type(nonlinearity), "linear")  # type: ignore[arg-type]
        convolution = nn.Conv1d(inputs, outputs, 5, padding=2)
        nn.init.xavier_uniform_(convolution.weight, nn.init.calculate_gain(gain))  # type: ignore[arg-type]
        last = [nonlinearity] if nonlinearity else []
        super().__init__(convolution, nn.BatchNorm1d(outputs), *last, nn.Dropout(dropout))


class Encoder(nn.Module):
    """Symbols in context: embedding, convolutions, a bidirectional LSTM."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size = config.embedding_dim
        self.embedding = nn.Embedding(max(len(config.symbols), 1), size)
        bound = (6 / (len(config.symbols) + size)) ** 0.5
        nn.init.uniform_(self.embedding.weight, -bound, bound)
        self.convolutions = nn.ModuleList(
            ConvolutionBlock(size, size, nn.ReLU(), config.dropout) for _ in range(config.encoder_layers)
        )
        self.lstm = nn.LSTM(size, size // 2, batch_first=True, bidirectional=True)

    def forward(self, symbols: Int[Tensor, "b n"], lengths: Int[Tensor, " b"]) -> Float[Tensor, "b n e"]:
        """The memory: a vector of each symbol, 0 where a text has ended."""
        mask = mask_of(lengths, symbols.shape[1])[:, None]  # (B, 1, N)
        x = self.embedding(symbols).mT  # (B, E, N)
        for block in self.convolutions:
            x = block(x * mask)
        with torch.autocast(x.device.type, enabled=False):  # PyTorch's LSTM is slower in half precision, on a CPU
            packed = nn.utils.rnn.pack_padded_sequence(
                x.float().mT, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            memory, _ = nn.utils.rnn.pad_packed_sequence(
                self.lstm(packed)[0], batch_first=True, total_length=x.shape[2]
            )
        return memory


class Postnet(nn.ModuleList):
    """Convolutions that see frames before and after: what is to be added to a mel spectrogram."""

    def __init__(self, config: Config) -> None:
        channels = [config.n_mels, *[config.postnet_channels] * (config.postnet_layers - 1), config.n_mels]
        last = config.postnet_layers - 1
        super().__init__(
            ConvolutionBlock(channels[i], channels[i + 1], nn.Tanh() if i < last else None, config.dropout)
            for i in range(config.postnet_layers)
        )

    def forward(self, mel: Float[Tensor, "b t m"], mask: Bool[Tensor, "b t"]) -> Float[Tensor, "b t m"]:
        """The corrections of frames; where ``mask`` is false there is nothing."""
        x = mel.mT
        for block in self:
            x = block(x * mask[:, None])
        return x.mT


class Prediction(NamedTuple):
    """What the network says of a minibatch, in normalised log-mel values."""

    decoded: Tensor
    """(B, T, M): frames before the postnet."""
    mel: Tensor
    """(B, T, M): frames after it."""
    stop: Tensor
    """(B, S): logits of the stop token."""
    attention: Tensor
    """(B, S, N)."""


class Tacotron2Network(nn.Module):
    """Shen et al. 2017, arXiv:1712.05884."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.postnet = Postnet(config)

    def forward(
        self, symbols: Int[Tensor, "b n"], lengths: Int[Tensor, " b"], mel: Float[Tensor, "b t m"],
        frames: Int[Tensor, " b"],
    ) -> Prediction:  # fmt: skip
        """Teacher-forced.

        Args:
            symbols: Texts, padded by ``PAD``.
            lengths: Of the texts.
            mel: Normalised log-mel frames, padded; T is a multiple of the reduction.
            frames: Of each sentence.
        """
        decoded, stop, attention = self.decoder(self.encoder(symbols, lengths), lengths, mel)
        mask = mask_of(frames, decoded.shape[1])
        return Prediction(decoded, decoded + self.postnet(decoded, mask), stop, attention)
