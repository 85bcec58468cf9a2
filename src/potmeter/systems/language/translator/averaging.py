"""The mean of several checkpoints' weights: late in training they lie around a better place than any of them.

Junczys-Dowmunt et al., "The AMU-UEDIN Submission to the WMT16 News Translation Task" (2016), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import torch

from potmeter.errors import reject

if TYPE_CHECKING:
    from .system import Translator

T = TypeVar("T", bound="Translator")


def average(systems: Sequence[T]) -> T:
    """The first system, with the mean of all their weights.

    Raises:
        UserError: When they have not the same Config or the same vocabulary.
    """
    first, *others = systems
    written = [[tokenizer.library.to_str() for tokenizer in system.known.tokenizers] for system in systems]
    for system, vocabulary in zip(others, written[1:], strict=True):
        system.config == first.config or reject("Only weights of one Config have a mean.", repr(system.config))
        vocabulary == written[0] or reject("Only weights of one vocabulary have a mean.", "two vocabularies")
    states = [system.state_dict() for system in systems]
    mean = {key: torch.stack([state[key].double() for state in states]).mean(0) for key in states[0]}
    first.load_state_dict({key: value.to(states[0][key].dtype) for key, value in mean.items()})
    return first
