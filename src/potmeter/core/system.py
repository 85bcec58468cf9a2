"""The one class every system of the lecture is: a parametrised family, its data, its loss, its training, its use."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from potmeter.core.config import BaseConfig
from potmeter.core.devices import device_of, training_dtype
from potmeter.core.pretrained import Pretrained
from potmeter.core.random import RandomStream
from potmeter.core.signature import validate_arguments
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.splits import OWN_DATA, Splits
from potmeter.errors import UserError, reject
from potmeter.media import Medium


class Example:
    """Inputs worth trying, with a caption: ``Example("A cat", image=cat)``, or of a task: ``Example("…", task="plane")``."""

    def __init__(self, caption: str, *, task: str = "run", **inputs: Any) -> None:
        self.caption, self.task, self.inputs = caption, task, inputs


@dataclass(frozen=True)
class Goal:
    """The metric that tells the best checkpoint, and which way is better."""

    metric: str
    better: Literal["higher", "lower"]
    tolerance: float = 0.0
    """Difference of two values up to which they count as equal: between such checkpoints the metric ``loss`` decides."""

    def improves(self, value: float, best: float | None) -> bool:
        """Whether ``value`` is at least as good as ``best`` (None = there is none yet): of equals the later has seen more."""
        return best is None or (value >= best if self.better == "higher" else value <= best)

    def prefers(self, new: dict[str, float], best: dict[str, float]) -> bool:
        """Whether a checkpoint with these metrics is better than the best so far, which may have none.

        Where one lacks the goal's metric, or both are within the tolerance, the lower ``loss`` counts, if both have one.
        """
        value, known = new.get(self.metric), best.get(self.metric)
        close = value is None or known is None or (self.tolerance > 0 and abs(value - known) <= self.tolerance)
        if close and "loss" in new and "loss" in best:
            return new["loss"] <= best["loss"]
        return bool(new) and not best if value is None else self.improves(value, known)


def require_source(method: Any) -> Any:
    """Wrap a class's ``data``: a Config that was fitted to a user's own data has none to read where none are named."""

    @functools.wraps(method.__func__)
    def data(cls: type[System], config: Any, *args: Any, **kwargs: Any) -> Splits:
        source = args[0] if args else kwargs.get("source")
        if source is None and config.dataset == OWN_DATA:
            reject("Data of your own are needed: name them with --data.", OWN_DATA)
        splits: Splits = method.__func__(cls, config, *args, **kwargs)
        return splits

    return classmethod(data)


class System(Pretrained):
    """A black box with potentiometers, in the lecture's order: data, architecture, loss, training, use.

    A subclass sets ``name``, ``Config``, ``presets`` and ``goal``, builds its modules in ``__init__`` and overrides
    what follows. Pictures are float tensors of shape (B, C, H, W) in [0, 1]; normalisation happens inside.

    The life of a training, and the hook that each stage calls:

    1. ``data(config)`` reads training, validation and test data;
    2. ``fit_config(config, splits)`` completes the Config by sizes and names that only the data know;
    3. ``__init__(config)`` builds the architecture, with fresh weights;
    4. ``warm_start()`` loads public weights to begin with; or, with ``--from``, ``fine_tune_config(config)`` chose the Config
       before 1, and the weights and assets of the other system are copied;
    5. ``fit_assets(splits)`` learns the assets, what no gradient teaches: a vocabulary;
    6. ``optimizers()`` and ``batches(splits, trainer)`` set the loop up;
    7. ``step(batch, trainer)``, which calls ``loss(batch)``, once for every batch;
    8. ``validate(splits.valid)`` at every evaluation, or, where that takes too much of the clock,
       ``validation_loss(splits.valid)``; after it a checkpoint is written (``save_assets``), and what ``illustrate()`` shows;
    9. ``evaluate(splits.test)`` and ``baselines(splits)`` once, at the end, by ``potmeter eval``.
    """

    Config: ClassVar[type[BaseConfig]]
    presets: ClassVar[dict[str, Any]]
    """``tiny`` trains in seconds, ``lecture`` made the shipped weights, ``paper`` has the original's size."""
    goal: ClassVar[Goal]
    """What ``evaluate`` must improve for a checkpoint to be kept as the best."""
    cpu_only: ClassVar[bool] = False
    """Whether it is trained on the CPU whatever devices there are, because its code runs nowhere else."""
    mixed_precision: ClassVar[bool] = False
    """Whether its Config has a ``precision``, in which ``step`` calls ``loss``."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.rng = RandomStream(0)
        """Noise for ``loss``: the trainer puts its own stream here."""
        self.card = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for key, value in list(vars(cls).items()):
            if key == "run" or getattr(value, "is_task", False):
                setattr(cls, key, validate_arguments(value))
        if "data" in vars(cls):
            cls.data = require_source(vars(cls)["data"])  # type: ignore[method-assign]

    # 1. Input–output pairs

    @classmethod
    def data(cls, config: Any, source: str | None = None) -> Splits:
        """Training, validation and test data. Its parameters are flags of ``train`` and ``eval``.

        Args:
            source: ``--data``: the name of a data set, or a user's own; None = the Config's ``dataset``.

        Raises:
            UserError: When there are no such data, or the Config is for a user's own and none are named.
        """
        raise NotImplementedError

    @classmethod
    def fit_config(cls, config: Any, splits: Splits) -> Any:
        """The Config completed by sizes and names that only the data know: classes, vocabulary size, identities.

        Called before ``__init__``, which builds layers of these sizes. ``dataset`` is set by the training loop.
        """
        return config

    @classmethod
    def fine_tune_config(cls, config: Any) -> Any:
        """The Config to go on with on other data, from weights that were made with ``config``."""
        return config

    def fit_assets(self, splits: Splits) -> None:
        """Learn, before training, the assets: what no gradient teaches and no Config holds, such as a tokenizer's vocabulary.

        ``save_assets`` and ``load_assets`` keep them as files beside the weights. When a system is fine-tuned they are
        copied, and need not be learnt again.
        """

    # 2. The architecture is built in __init__

    # 3. The loss

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalars of a batch; the one called ``loss`` is minimised."""
        raise NotImplementedError

    # 4. Training

    def warm_start(self) -> None:
        """Called on a new system before its first step: the place to load public weights to begin with."""

    def pretrained_state(self, pretrained: System) -> dict[str, Tensor]:
        """The weights with which fine-tuning begins: the other system's wherever name and shape agree, else one's own."""
        kept, own = pretrained.state_dict(), self.state_dict()
        return {
            key: kept[key] if key in kept and kept[key].shape == value.shape else value for key, value in own.items()
        }

    def optimizers(self) -> dict[str, Optimizer]:
        """The optimisers by name. Default: AdamW, with weight decay on matrices and filters only."""
        trained = [p for p in self.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trained if p.ndim >= 2], "weight_decay": self.config.weight_decay},
            {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
        ]
        fused = all(p.device.type in ("cpu", "cuda") for p in trained)
        return {"model": torch.optim.AdamW([g for g in groups if g["params"]], lr=self.config.lr, fused=fused)}

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """One training step; returns what is logged. GANs, agents and self-play override it."""
        with self.autocast(enabled=self.mixed_precision):
            losses = self.loss(batch)
        trainer.update(losses["loss"])
        return losses

    def autocast(self, *, enabled: bool = True) -> torch.autocast:
        """Automatic mixed precision, where the Config's ``precision`` is bfloat16 and the device is faster in it."""
        mixed = enabled and training_dtype(self.config.precision, self.device) == torch.bfloat16
        return torch.autocast(self.device.type, torch.bfloat16, enabled=mixed)

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """What ``step`` is fed with, without end. Default: the training set, shuffled anew each epoch.

        Experience (environments, self-play, replay) overrides it with an iterable that has ``state_dict`` and
        ``load_state_dict`` and advances its position before it yields.
        """
        return trainer.shuffle(splits.train)

    def shard_units(self) -> list[nn.Module]:
        """The modules that FSDP shards one by one, for systems too large for one device. Default: none, no sharding."""
        return []

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Metrics on data that were not trained on: a value for each sample, shape (N,), whose mean counts; or one scalar."""
        raise NotImplementedError

    def validate(self, data: Any) -> dict[str, Tensor]:
        """What is measured during training; a system whose ``evaluate`` takes long measures less here."""
        return self.evaluate(data)

    def is_candidate(self, trainer: TrainingLoop) -> bool:
        """Whether the weights of this moment may be kept as the best; no before the last stage, where there are several."""
        return True

    def illustrate(self) -> Medium | None:
        """What of an evaluation is kept in the run's folder, under ``media/``, for people to watch it learn. Default: none."""
        return None

    def validation_loss(self, data: Any) -> Tensor | None:
        """The ``loss`` among the metrics of ``validate``, a scalar, by itself; None where there is none, or it is not cheap.

        It is measured instead where ``validate`` would take more than a tenth of a budget.
        """
        return None

    def baselines(self, splits: Splits) -> dict[str, float]:
        """What simpler, independent methods reach on the test data, by names that end in a metric's."""
        return {}

    def describe_metrics(self) -> dict[str, str]:
        """What a metric hangs on besides the weights, by its name: the network that judges, or a standard's signature."""
        return {}

    # 5. Use

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """``system(x)``, as of any torch module: tensors in, tensors out (logits, reconstructions …, as each system says).

        Pictures are (B, C, H, W) in [0, 1]; normalisation happens inside.
        """
        raise NotImplementedError

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Use the system; its signature is the interface of every frontend."""
        raise NotImplementedError

    def examples(self) -> list[Example]:
        """Inputs worth trying, none of them trained on."""
        return []

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        """What ``export`` writes: by name, a module and example inputs for it, whose first dimension is the batch.

        The module takes and returns tensors only, and its graph is the same for every input. A method of the system
        becomes one by ``core.export.MethodModule(self, "logits")``. Where more dimensions vary than the batch, the module
        names them in ``dimensions``, and in ``SIZES`` those to compare. Raises UserError where there is no such graph.
        """
        raise UserError(f"{self.name} has no fixed graph that could be exported.", received=self.name)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return device_of(self)
