"""The mean of several checkpoints' weights: late in training they lie around a better place than any of them.

Junczys-Dowmunt et al., "The AMU-UEDIN Submission to the WMT16 News Translation Task" (2016), section 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def average_states(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of state dicts with the same keys and shapes, in float64, given back in the first one's types."""
    return {
        key: torch.stack([state[key].double() for state in states]).mean(0).to(value.dtype)
        for key, value in states[0].items()
    }
