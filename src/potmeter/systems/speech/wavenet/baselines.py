"""What a sample costs without a network: by how frequent its level is, and by linear prediction."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from potmeter.data.sounds import SoundData

from .companding import LEVELS, MU, decode_levels, emphasise, encode_levels
from .logistics import STEP
from .model import Config

ORDER = 32
"""Past samples that the linear predictor sees."""
WINDOW, RENEWED = 640, 80
"""Samples of the past that it is fitted to, and after how many it is fitted anew."""
SPANS = (8, 32, 128, 512)
"""Samples over which the size of past errors is averaged, to know that of the next one."""
FITTED_TO = 200_000
"""Samples of the training data that the distribution of the errors is fitted to."""
STEPS = 200
"""Of Adam, for that."""


def bits_baselines(train: SoundData, test: SoundData, config: Config) -> dict[str, float]:
    """Bits per sample of the test data, as the network predicts them: pre-emphasised, in µ-law levels or 16 bits."""
    cells = Cells(config)
    heard = [cells.quantise(train.wave(i)) for i in choose_evenly(train.lengths, FITTED_TO)]
    model = fit_errors([(wave, predict_linearly(wave)) for wave in heard], cells)
    linear, unigram, total = 0.0, 0.0, 0
    frequencies = count_levels(train, cells)
    for i in range(len(test)):
        wave = cells.quantise(test.wave(i))
        linear += float(error_bits(model, wave, predict_linearly(wave), cells).sum())
        unigram -= float(frequencies[cells.number(wave)].log2().sum())
        total += len(wave)
    return {"linear_bits_per_sample": linear / total, "unigram_bits_per_sample": unigram / total}


class Cells:
    """The levels that samples are rounded to, and the cell of amplitudes that each stands for."""

    def __init__(self, config: Config) -> None:
        self.softmax, self.emphasis = config.output == "softmax", config.emphasis
        self.count = LEVELS if self.softmax else round(2 / STEP) + 1
        edges = (torch.arange(LEVELS + 1).double() - 0.5).clamp(0, MU) / MU * 2 - 1
        self.edges = edges.sign() * torch.expm1(edges.abs() * math.log1p(MU)) / MU

    def quantise(self, wave: np.ndarray) -> Tensor:
        """The sound as the network hears it, float64."""
        emphasised = emphasise(torch.from_numpy(np.concatenate([[np.float32(0)], wave])), self.emphasis)
        if self.softmax:
            return decode_levels(encode_levels(emphasised)).double()
        return (emphasised.double() / STEP).round() * STEP

    def number(self, wave: Tensor) -> Tensor:
        """Of each sample the number of its level."""
        return encode_levels(wave.float()) if self.softmax else ((wave + 1) / STEP).round().long()

    def bounds(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper end of the cell of each sample; the outermost reach to infinity."""
        number = self.number(wave)
        lower, upper = (
            (self.edges[number], self.edges[number + 1]) if self.softmax else (wave - STEP / 2, wave + STEP / 2)
        )
        return lower.masked_fill(number == 0, -math.inf), upper.masked_fill(number == self.count - 1, math.inf)


def choose_evenly(lengths: np.ndarray, samples: int) -> list[int]:
    """Numbers of sounds, evenly spread over all of these lengths, that together have about so many samples."""
    count = max(1, min(len(lengths), int(len(lengths) * samples / lengths.sum())))
    return [i * len(lengths) // count for i in range(count)]


def count_levels(data: SoundData, cells: Cells) -> Tensor:
    """How frequent each level is in the sounds, with one more of each than there are."""
    counts = torch.ones(cells.count, dtype=torch.float64)
    for i in range(len(data)):
        counts += torch.bincount(cells.number(cells.quantise(data.wave(i))), minlength=cells.count)
    return counts / counts.sum()


def predict_linearly(wave: Tensor) -> Tensor:
    """What linear prediction of order 32 expects of each sample, from the past alone (as in ITU-T G.728).

    Every ``RENEWED`` samples the coefficients are those that predict the last ``WINDOW`` samples best, by the autocorrelation
    method.
    """
    x = wave.numpy()
    starts = np.arange(0, len(x), RENEWED)
    padded = np.concatenate([np.zeros(WINDOW), x, np.zeros(RENEWED)])
    past = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[starts]
    shape = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / (1.25 * WINDOW))  # rises from the oldest, steep at the newest
    spectrum = np.fft.rfft(past * shape, 2 * WINDOW)
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[:, : ORDER + 1]
    correlation[:, 0] = correlation[:, 0] * (1 + 1e-5) + 1e-9
    lags = np.abs(np.arange(ORDER)[:, None] - np.arange(ORDER))
    coefficients = np.linalg.solve(correlation[:, lags], correlation[:, 1:, None])[..., 0]  # (blocks, ORDER)
    before = np.lib.stride_tricks.sliding_window_view(padded, ORDER)[WINDOW - ORDER :][: len(starts) * RENEWED]
    before = before.reshape(len(starts), RENEWED, ORDER)[:, :, ::-1]
    return torch.from_numpy(np.einsum("bto,bo->bt", before, coefficients).reshape(-1)[: len(x)].copy())


def error_sizes(wave: Tensor, expected: Tensor) -> Tensor:
    """Logarithms of the mean size (T, spans) of the errors before each sample, over several spans."""
    from scipy.signal import lfilter

    errors = (wave - expected).abs().numpy()
    before = np.concatenate([[0.0], errors[:-1]])
    means = [lfilter([1 / span], [1, 1 / span - 1], before) for span in SPANS]
    return torch.from_numpy(np.log(np.stack(means, axis=1) + 1e-5))


class ErrorModel(torch.nn.Module):
    """Errors as a mixture of three logistic distributions, whose scale follows the size of those before."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
        self.scales = torch.nn.Parameter(torch.tensor([-1.5, -0.5, 0.5], dtype=torch.float64))
        self.spans = torch.nn.Parameter(torch.full((len(SPANS),), 1 / len(SPANS), dtype=torch.float64))

    def forward(self, lower: Tensor, upper: Tensor, sizes: Tensor) -> Tensor:
        """Probability of each error to lie between its bounds."""
        scale = torch.exp((sizes @ self.spans)[:, None] + self.scales).clamp_min(1e-7)
        inside = torch.sigmoid(upper[:, None] / scale) - torch.sigmoid(lower[:, None] / scale)
        return (inside * self.weights.softmax(0)).sum(1) * (1 - 1e-4) + 1e-4 / LEVELS


def fit_errors(sounds: list[tuple[Tensor, Tensor]], cells: Cells) -> ErrorModel:
    """The distribution of the errors that the training data make likeliest."""
    model = ErrorModel()
    lower, upper, sizes = (
        torch.cat(parts) for parts in zip(*(error_facts(*one, cells) for one in sounds), strict=True)
    )
    few = torch.linspace(0, len(lower) - 1, min(len(lower), 20_000)).long()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (-model(lower[few], upper[few], sizes[few]).log().mean()).backward()
        optimizer.step()
    return model.requires_grad_(False)


def error_facts(wave: Tensor, expected: Tensor, cells: Cells) -> tuple[Tensor, Tensor, Tensor]:
    """Of each sample the bounds of its cell less what is expected, and the sizes of the errors before it."""
    lower, upper = cells.bounds(wave)
    return lower - expected, upper - expected, error_sizes(wave, expected)


def error_bits(model: ErrorModel, wave: Tensor, expected: Tensor, cells: Cells) -> Tensor:
    """−log₂ p of each sample."""
    return -model(*error_facts(wave, expected, cells)).log2()
