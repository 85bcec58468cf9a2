"""What went wrong in speech, read from the attention weights: symbols skipped or spoken twice, no end, no diagonal."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

SKIP = 6
"""Symbols that may be passed over from one step to the next; more are skipped."""
BACK = 4
"""Symbols that attention may go back; more are spoken twice."""
LEFT = 4
"""Symbols that may be left at the end; more are cut off."""
MIN_DIAGONALITY = 0.7
"""Least correlation of place in the text and in time."""


@dataclass(frozen=True)
class Diagnosis:
    """What attention says of a speech."""

    ended: bool
    """Whether the stop token came."""
    diagonality: float
    """Correlation of the place attended to with time, -1 to 1; 1 for fewer than three steps."""
    skipped: int
    """Symbols passed over, or left at the end."""
    repeated: int
    """Symbols gone back over."""
    stuck: int
    """Steps too many on one symbol."""

    @property
    def complaints(self) -> list[str]:
        """What is wrong, in words."""
        told = [
            (not self.ended, "no end was found"),
            (self.diagonality < MIN_DIAGONALITY, f"attention is not diagonal ({self.diagonality:.2f})"),
            (self.skipped > 0, f"{self.skipped} symbols are skipped"),
            (self.repeated > 0, f"{self.repeated} symbols are spoken again"),
            (self.stuck > 0, "it stays on one symbol"),
        ]
        return [words for wrong, words in told if wrong]

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.complaints)

    @property
    def badness(self) -> float:
        """The larger, the worse: 0 where nothing is wrong."""
        return len(self.complaints) * 100 + self.skipped + self.repeated + self.stuck if self.failed else 0.0

    def describe(self) -> str:
        """In a line."""
        return "; ".join(self.complaints) or f"aligned, diagonality {self.diagonality:.2f}"


def diagnose(attention: Float[Tensor, "s n"], ended: bool) -> Diagnosis:
    """Judge a speech by its attention weights.

    Args:
        attention: Of each step over the symbols.
        ended: Whether the stop token came.

    Example:
        >>> diagnose(torch.eye(9), True).describe()
        'aligned, diagonality 1.00'
        >>> diagnose(torch.eye(20)[[0, 1, 2, 3, 4, 12, 13, 14, 15, 16, 17, 18, 19]], True).describe()
        '7 symbols are skipped'
    """
    steps, size = attention.shape
    place = (attention * torch.arange(size)).sum(1)  # (S,): the mean place attended to
    peak = attention.argmax(1)
    time = torch.arange(steps, dtype=torch.float32)
    flat = steps < 3 or float(place.std()) < 1e-6
    diagonality = 1.0 if steps < 3 else 0.0 if flat else float(torch.corrcoef(torch.stack([time, place]))[0, 1])
    moves = peak.diff(prepend=torch.zeros(1, dtype=peak.dtype))
    behind = peak.cummax(0).values - peak  # how far it has gone back
    skipped = int((moves[moves > SKIP] - 1).sum()) + max(size - 1 - int(peak[-1]) - LEFT, 0)
    back = int(behind.max())
    return Diagnosis(ended, diagonality, skipped, back if back > BACK else 0, longest_stay(peak, size))


def longest_stay(peak: Tensor, size: int) -> int:
    """Steps too many on one symbol: more than a third of a longer speech, and 12."""
    changes = torch.nonzero(peak.diff(prepend=peak.new_tensor([-1]), append=peak.new_tensor([-1])))[:, 0]
    longest, allowed = int(changes.diff().max()), max(len(peak) // 3, 12)
    return longest - allowed if longest > allowed and size > 6 else 0
