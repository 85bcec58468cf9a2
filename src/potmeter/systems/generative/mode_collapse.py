"""Mode collapse, which ends a training: the generator draws the same picture, whatever the noise."""

from __future__ import annotations

from torch import Tensor

from potmeter.core.training.log import Diverged
from potmeter.metrics.coverage import diversity

MIN_DIVERSITY = 0.15
"""Generated pictures that differ less than this, as a share of how much real ones do, have collapsed into one."""
FIRST_CHECK, CHECK_INTERVAL = 500, 100
"""Step of a training at which it is first checked for mode collapse, and steps between two checks."""


class Collapsed(Diverged):
    """Mode collapse: the generator draws the same picture, whatever the noise."""


def check_for_collapse(fake: Tensor, real: Tensor, step: int, labels: Tensor | None = None) -> None:
    """Check, every so many steps of a training, for mode collapse. Raises Collapsed.

    Args:
        fake, real: As many pictures of each (N, C, H, W).
        step: Of the training.
        labels: Their classes (N,), where only pictures of one class are to be compared.
    """
    if step >= FIRST_CHECK and step % CHECK_INTERVAL == 0:
        raise_if_collapsed(float(diversity(fake, real, labels)), step)


def raise_if_collapsed(share: float, step: int) -> None:
    """End a training whose generator has collapsed. Raises Collapsed."""
    if share < MIN_DIVERSITY:
        raise Collapsed(
            f"The generator has collapsed at step {step}: its pictures differ less than {MIN_DIVERSITY:.0%} as much as real "
            "ones. Lower --lr, raise --r1, or begin with another --seed.",
            received=f"{share:.1%}",
        )
