"""The attention weights between the words of a source and of its translation, as a picture."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from potmeter.errors import reject
from potmeter.media import Image

from .tokenizer import SPACE

CELL = 0.42
"""Inches of a word's row or column."""
MARGIN = 0.25
"""Inches at the right and below."""
MAX_WORDS = 60
"""Words on either side that are drawn; the rest of a long sentence is left out."""
INK = "#1f2933"


def draw_attention(source: Sequence[str], target: Sequence[str], weights: Float[Tensor, "t s"]) -> Image:
    """Draw attention weights; those of a word are the sum over its source tokens, the mean over its target tokens.

    Args:
        source: Names of the source's tokens.
        target: Names of the translation's, the end among them.
        weights: (T, S), the attention weights of each target token over the source.

    Raises:
        UserError: When the names are not as many as the weights.
    """
    (len(target), len(source)) == tuple(weights.shape) or reject(
        "Attention has a weight for each pair of tokens.", f"{tuple(weights.shape)} of {len(target)} and {len(source)}"
    )
    columns, rows = (group_words(names)[:MAX_WORDS] for names in (source, target))
    values = weights.detach().float().cpu().numpy()
    words = np.array([[values[np.ix_(row, column)].sum(1).mean() for _, column in columns] for _, row in rows])
    return draw_heatmap([name for name, _ in columns], [name for name, _ in rows], words)


def group_words(names: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Tokens as words, each with the places of its tokens; signs and special tokens stand alone."""
    words: list[tuple[str, list[int]]] = []
    joins = False  # whether a letter would go on with the word before
    for place, name in enumerate(names):
        text = name.replace(SPACE, "")
        letters = text.isalnum()
        if joins and letters and not name.startswith(SPACE):
            word, places = words[-1]
            words[-1] = (word + text, [*places, place])
        elif text:
            words.append((label(text), [place]))
        joins = letters
    return words


def label(name: str) -> str:
    """A special token in a reader's words."""
    if name.startswith("<to-"):
        return f"→ {name[4:-1]}"
    return {"</s>": "(end)"}.get(name, name)


def draw_heatmap(source: Sequence[str], target: Sequence[str], weights: np.ndarray) -> Image:
    """The picture: the source above, the translation on the left, the darker the larger the weight."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    left, top = (0.125 * max(map(len, names)) + 0.3 for names in (target, source))  # inches that the words take
    width, height = (max(CELL * len(words), 1.0) for words in (source, target))
    whole = (width + left + MARGIN, height + top + MARGIN)
    figure = Figure(figsize=whole, dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((left / whole[0], MARGIN / whole[1], width / whole[0], height / whole[1]))
    axes.pcolormesh(weights, cmap="Blues", vmin=0, vmax=1, edgecolors="#e4e7eb", linewidth=1)
    axes.invert_yaxis()
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(len(source)) + 0.5, source, rotation=90, color=INK, fontsize=12)
    axes.set_yticks(np.arange(len(target)) + 0.5, target, color=INK, fontsize=12)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the font has not every script's letters, and draws boxes for them
        canvas.draw()
    return Image(np.asarray(canvas.buffer_rgba())[..., :3].copy())
