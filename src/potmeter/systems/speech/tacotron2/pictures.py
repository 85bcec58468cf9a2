"""Pictures of speech: where the network looked for each moment, and which word is spoken when."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from potmeter.media import Image
from potmeter.media.chart import escape_formulas

MAX_DRAWN = 3
"""Pieces of a long text that are drawn."""
SHOWN = {" ": "␣", "~": "end"}
"""Symbols that are drawn as others."""
INK = "#1f2933"


def draw_attention(pieces: Sequence[tuple[Sequence[str], Tensor]], seconds_per_step: float) -> Image:
    """The attention weights of the first pieces: symbols upwards, time to the right; the brighter, the larger.

    Args:
        pieces: The symbols of each (N), and its attention weights (S, N).
        seconds_per_step: Of the decoder.
    """
    drawn = pieces[:MAX_DRAWN]
    heights = [max(0.13 * weights.shape[1], 1.2) for _, weights in drawn]
    figure, rows = new_figure(8.0, heights)
    for axes, (symbols, weights) in zip(rows, drawn, strict=True):
        end = weights.shape[0] * seconds_per_step
        axes.imshow(
            weights.T.numpy(), origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1, interpolation="nearest",
            extent=(0, end, -0.5, weights.shape[1] - 0.5),
        )  # fmt: skip
        names = [escape_formulas(SHOWN.get(symbol, symbol)) for symbol in symbols]
        axes.set_yticks(range(len(names)), names, fontsize=7, color=INK)
        axes.tick_params(length=0, axis="y")
    rows[-1].set_xlabel("seconds", color=INK)
    return render(figure)


def draw_alignment(
    mel: Float[Tensor, "t m"], seconds: float, start: float, words: Sequence[tuple[str, float, float]]
) -> Image:
    """A mel spectrogram with the words that are spoken in it.

    Args:
        mel: Log-mel frames.
        seconds: From their first to their last.
        start: When the first is.
        words: Each with its start and end, in seconds.
    """
    figure, (axes,) = new_figure(max(4.0, min(2.2 * seconds, 24.0)), [3.0])
    axes.imshow(
        mel.T.numpy(), origin="lower", aspect="auto", cmap="magma", extent=(start, start + seconds, 0, mel.shape[1])
    )
    for number, (word, begin, end) in enumerate(words):
        axes.axvline(begin, color="white", linewidth=0.8)
        axes.axvline(end, color="white", linewidth=0.8)
        height = mel.shape[1] * (0.93 if number % 2 else 0.84)
        axes.text((begin + end) / 2, height, escape_formulas(word), color="white", ha="center", fontsize=8)
    axes.set(xlabel="seconds", ylabel="mel band")
    return render(figure)


def new_figure(width: float, heights: Sequence[float]) -> tuple[Any, list[Any]]:
    """A figure of this width in inches with axes of these heights below each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, sum(heights) + 0.6 * len(heights)), dpi=100, layout="constrained")
    grid = figure.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": list(heights)})
    return figure, list(grid[:, 0])


def render(figure: Any) -> Image:
    """A figure as an image."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the font has not every script's letters, and draws boxes for them
        canvas.draw()
    return Image(np.asarray(canvas.buffer_rgba())[..., :3].copy())
