"""Probes: instruments that look into, or attack, any system with the fitting capability."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from potmeter.core.capabilities import has_capabilities
from potmeter.core.devices import device_of
from potmeter.core.loading import load_model
from potmeter.core.signature import validate_arguments
from potmeter.core.system import Example
from potmeter.errors import UserError


class Probe:
    """Base of the probes. It has no Config and no weights; what it makes is a result like any other.

    A subclass sets ``name`` and ``needs`` and writes ``run(self, …)``, whose signature is its interface, like a
    system's; parameters of ``evaluate`` are flags of ``potmeter eval``. The model it works on is ``self.model``.

    Args:
        model: A system, or what names one: ``classifier.digits``, a checkpoint folder, ``torchvision:NAME``,
            ``timm:NAME``, ``file.py:function``.

    Raises:
        UserError: When the model lacks a capability the probe needs.
    """

    name: ClassVar[str]
    """As in the catalogue."""
    needs: ClassVar[tuple[str, ...]]
    """Capabilities of the model, by the names in ``core.capabilities``."""
    default: ClassVar[str]
    """The model where none is named."""
    measures_model: ClassVar[bool] = True
    """Whether ``evaluate`` measures that model; else it measures the method, on networks of its own."""

    def __init__(self, model: str | Path | nn.Module | None = None) -> None:
        self.model: Any = model if isinstance(model, nn.Module) else load_model(str(model or self.default))
        if not has_capabilities(self.model, self.needs):
            named = getattr(self.model, "name", type(self.model).__name__)
            article = "an" if self.needs[0][0] in "AEIOU" else "a"
            message = f"{self.name} works on {article} {' and '.join(self.needs)}; {named} is none."
            raise UserError(message, received=named)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return device_of(self.model)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for key, value in list(vars(cls).items()):
            if key in ("run", "evaluate") or getattr(value, "is_task", False):
                setattr(cls, key, validate_arguments(value))

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Use the probe."""
        raise NotImplementedError

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Figures that say how well the probe works."""
        raise NotImplementedError

    def baselines(self) -> dict[str, float]:
        """What it must beat."""
        return {}

    def examples(self) -> list[Example]:
        """Inputs worth trying."""
        return []
