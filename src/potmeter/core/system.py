"""The one class every system of the lecture is: a parametrised family, its data, its loss, its training, its use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from potmeter.core import dist
from potmeter.core.config import Recipe
from potmeter.core.random import Stream
from potmeter.core.signature import checked
from potmeter.data.splits import Splits
from potmeter.errors import UserError

if TYPE_CHECKING:
    from potmeter.core.train import Trainer

Batch = dict[str, Tensor]


class Example:
    """Inputs worth trying, with a caption: ``Example("A cat", image=cat)``, or of a task: ``Example("…", task="plane")``."""

    def __init__(self, caption: str, *, task: str = "run", **inputs: Any) -> None:
        self.caption, self.task, self.inputs = caption, task, inputs


@dataclass(frozen=True)
class Goal:
    """The metric that tells the best checkpoint, and which way is better."""

    metric: str
    better: Literal["higher", "lower"]

    def improves(self, value: float, best: float | None) -> bool:
        """Whether ``value`` is at least as good as ``best`` (None = there is none yet): of equals the later has seen more."""
        return best is None or (value >= best if self.better == "higher" else value <= best)


class System(nn.Module):
    """A black box with potentiometers, in the lecture's order: data, architecture, loss, training, use.

    A subclass sets ``name``, ``Config``, ``presets`` and ``goal``, builds its modules in ``__init__`` and overrides
    what follows. Pictures are float tensors of shape (B, C, H, W) in [0, 1]; normalisation happens inside.
    """

    name: ClassVar[str]
    """As in the catalogue."""
    Config: ClassVar[type[Recipe]]
    presets: ClassVar[dict[str, Any]]
    """``tiny`` trains in seconds, ``lecture`` made the shipped weights, ``paper`` has the original's size."""
    goal: ClassVar[Goal]
    """What ``evaluate`` must improve for a checkpoint to be kept as the best."""
    on_cpu: ClassVar[bool] = False
    """Whether it is trained on the CPU whatever devices there are, because its code runs nowhere else."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.random = Stream(0)
        """Noise for ``loss``: the trainer puts its own stream here."""
        self.card: dict[str, Any] = {}
        """How the weights came about; filled by training and by loading."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for key, value in list(vars(cls).items()):
            if key == "run" or getattr(value, "is_task", False):
                setattr(cls, key, checked(value))

    # 1. Input–output pairs

    @classmethod
    def data(cls, config: Any, source: str | None = None) -> Splits:
        """Training, validation and test data. Its parameters are flags of ``train`` and ``eval``; ``source`` is ``--data``."""
        raise NotImplementedError

    @classmethod
    def fit_config(cls, config: Any, splits: Splits) -> Any:
        """The config completed by what only the data knows: classes, vocabulary, identities."""
        return config

    @classmethod
    def fine_tuning(cls, config: Any) -> Any:
        """The Config to go on with on other data, from weights that were made with ``config``."""
        return config

    def fit_assets(self, splits: Splits) -> None:
        """Learn, before training, what no gradient teaches and no Config holds: a vocabulary.

        What ``save_assets`` writes comes along when a system is fine-tuned, and need not be learnt again.
        """

    # 2. The architecture is built in __init__

    # 3. The loss

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Named scalars of a batch; the one called ``loss`` is minimised."""
        raise NotImplementedError

    # 4. Training

    def warm_start(self) -> None:
        """Called on a new system before its first step: the place to load public weights to begin with."""

    def optimizers(self) -> dict[str, Optimizer]:
        """The optimisers by name. Default: AdamW, with weight decay on matrices and filters only."""
        trained = [p for p in self.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trained if p.ndim >= 2], "weight_decay": self.config.weight_decay},
            {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
        ]
        fused = all(p.device.type in ("cpu", "cuda") for p in trained)
        return {"model": torch.optim.AdamW([g for g in groups if g["params"]], lr=self.config.lr, fused=fused)}

    def step(self, batch: Batch, trainer: Trainer) -> dict[str, Tensor]:
        """One training step; returns what is logged. GANs, agents and self-play override it."""
        losses = self.loss(batch)
        trainer.update(losses["loss"])
        return losses

    def batches(self, splits: Splits, trainer: Trainer) -> Iterable[Any]:
        """What ``step`` is fed with, without end. Default: the training set, shuffled anew each epoch.

        Experience (environments, self-play, replay) overrides it with an iterable that has ``state_dict`` and
        ``load_state_dict`` and advances its position before it yields.
        """
        return trainer.shuffled(splits.train)

    def shard_units(self) -> list[nn.Module]:
        """The modules that FSDP shards one by one, for systems too large for one device. Default: none, no sharding."""
        return []

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Metrics on data that were not trained on: a value for each sample, shape (N,), whose mean counts; or one scalar."""
        raise NotImplementedError

    def validate(self, data: Any) -> dict[str, Tensor]:
        """What is measured during training; a system whose ``evaluate`` takes long measures less here."""
        return self.evaluate(data)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """What simpler, independent methods reach on the test data, by names that end in a metric's."""
        return {}

    def measured_by(self) -> dict[str, str]:
        """What a metric hangs on besides the weights, by its name: the network that judges, or a standard's signature."""
        return {}

    # 5. Use

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The system at work; its signature is every face's interface."""
        raise NotImplementedError

    def examples(self) -> list[Example]:
        """Inputs worth trying, none of them trained on."""
        return []

    def export_parts(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        """What ``export`` writes: by name, a module and example inputs for it, whose first dimension is the batch.

        The module takes and returns tensors only, and its graph is the same for every input. A method of the system
        becomes one by ``core.export.Method(self, "logits")``. Raises UserError where there is no such graph.
        """
        raise UserError(f"{self.name} has no fixed graph that could be exported.", received=self.name)

    # Saving and loading

    def save_assets(self, folder: Path) -> None:
        """Write what the data taught and a Config cannot hold (a tokenizer, a style picture)."""

    def load_assets(self, folder: Path) -> None:
        """Read what ``save_assets`` wrote."""

    @classmethod
    def fetch_pretrained(cls, tag: str) -> Self:
        """The public weights behind a tag that is fetched, not shipped."""
        raise NotImplementedError

    def save_pretrained(self, folder: str | Path, *, half: bool = False) -> Path:
        """Write config.json, model.safetensors, card.json and the assets; ``half`` stores matrices and filters in float16."""
        from potmeter.core.weights import save

        return save(self, Path(folder), half=half)

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """Load weights by tag, folder or hub id; None = the default ones. Raises UserError when they do not fit."""
        from potmeter.core.weights import load

        return load(cls, where)

    def push_to_hub(self, repo_id: str, **kwargs: Any) -> str:
        """Upload the weights folder to a hub repository and return its address; arguments as ``HfApi.upload_folder``."""
        import tempfile

        from huggingface_hub import HfApi

        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            HfApi().create_repo(repo_id, exist_ok=True)
            return str(HfApi().upload_folder(repo_id=repo_id, folder_path=folder, **kwargs))

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return dist.device_of(self)


def summarise(values: dict[str, Tensor]) -> tuple[dict[str, float], dict[str, float]]:
    """The metrics of an evaluation, and the 95 % errors of those that are means over samples."""
    metrics = {key: float(value.double().mean()) for key, value in values.items()}
    return metrics, {key: error(value.double()) for key, value in values.items() if value.numel() > 1}


def error(values: Tensor) -> float:
    """The 95 % error of a mean; of shares with two successes and failures more (Agresti and Coull 1998), so never 0."""
    if bool(((values == 0) | (values == 1)).all()):
        values = torch.cat([values, values.new_tensor([0, 0, 1, 1])])
    return float(1.96 * values.std() / values.numel() ** 0.5)


def in_batches(data: Any, size: int, device: torch.device | str = "cpu") -> Iterator[Batch]:
    """A data set from first to last, as whole batches of at most ``size`` samples, for evaluation."""
    for start in range(0, len(data), size):
        yield to_device(data.__getitems__(list(range(start, min(start + size, len(data))))), device)


def to_device(batch: Any, device: torch.device | str) -> Any:
    """A batch with its tensors on the device."""
    if isinstance(batch, dict):
        return {key: value.to(device, non_blocking=True) for key, value in batch.items()}
    return batch.to(device) if isinstance(batch, Tensor) else batch
