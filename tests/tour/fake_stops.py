"""Systems without weights or training, which give every medium there is, fail, and say nasty things."""

import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from torch import nn

from potmeter.core.config import BaseConfig
from potmeter.core.probe import Probe
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, System
from potmeter.media import Audio, Bars, Chart, Image, Result, Table, Text, Video

NASTY = "<script>alert(1)</script> & \"quotes' </title><img src=x onerror=alert(2)>"
ALIVE: "weakref.WeakSet[Fake]" = weakref.WeakSet()
"""Every fake system that has been loaded and not been let go."""
CROWD: list[int] = []
"""How many were alive when another was loaded."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Two settings."""

    knobs: int = 8
    """how many ``knobs`` it has"""
    shape: tuple[int, ...] = (2, 3)


@dataclass(frozen=True, eq=False)
class Pair(Result):
    """Two media."""

    first_picture: Image
    what_it_is: Bars


class Fake(System):
    """Stands in for a system. This second sentence is not told."""

    Config = Config
    presets: ClassVar[dict[str, Any]] = {"tiny": Config()}
    classes = ("cat", "dog")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.layer = nn.Linear(2, 3)
        CROWD.append(len(ALIVE))
        ALIVE.add(self)
        self.itself = [self]  # a circle, which only the garbage collector opens

    @classmethod
    def from_pretrained(cls, where=None):
        if where == "missing":
            from potmeter.data.fetching.fetch import fetch

            fetch("mnist")
        system = cls(Config())
        system.card = {
            "metrics": {"accuracy": 0.98765, "loss": 0.1},
            "errors": {"accuracy": 0.002},
            "baselines": {"nearest_accuracy": 0.8, "chance": 0.1},
            "training": {"seconds": 605.2, "data": "digits", "steps": 12000, "seed": 0},
            "command": f"potmeter train {cls.name} --steps 12000",
        }
        return system.eval()


def picture(columns: int = 28, rows: int = 28) -> Image:
    y, x = np.mgrid[:rows, :columns]
    return Image(np.stack([(x * 9) % 256, (y * 9) % 256, (x * y) % 256], axis=-1).astype(np.uint8))


class Seer(Fake):
    """Looks at pictures."""

    name = "seer"

    def run(self, image: Image, *, top: Annotated[int, Range(1, 5)] = 2) -> Bars:
        """Name a picture."""
        return Bars(dict(list({NASTY: 0.7, "dog": 0.2, "cat": 0.1}.items())[:top]))

    @task
    def many(self, images: list[Image], *, kind: Annotated[str, Choice("classes")] = "cat") -> Pair:
        """Look at several."""
        return Pair(picture(300, 60), Bars({"all": 1.0}))

    def examples(self):
        return [
            Example(f"A picture {NASTY}", image=picture(), top=2),
            Example("A photograph", image=picture(451, 300), top=1),
            Example("Fifteen", task="many", images=[picture()] * 15, kind="dog"),
        ]


class Talker(Fake):
    """Goes on talking, with ``code`` in it."""

    name = "talker"

    def run(self, prompt: str = "Once", *, words: int = 3, seed: int | None = None) -> Iterator[Text]:
        """Continue a text, word by word."""
        rng = torch.Generator().manual_seed(seed) if seed is not None else None
        text = prompt
        for _ in range(words):
            text += f" {int(torch.randint(1000, (), generator=rng))}"
            yield Text(text)
        yield Text(text + f" {NASTY}")

    @task
    def speak(self, text: Text) -> Audio:
        """Say it."""
        return Audio(np.sin(np.arange(4000) / 9).astype(np.float32) * 0.1, 8000)

    @task
    def film(self) -> Video:
        """Show it."""
        return Video(np.stack([picture(56 + 2 * 0, 56).pixels // (t + 1) for t in range(4)]))

    @task
    def count(self) -> Table:
        """Count it."""
        return Table(("word", NASTY), [("a", np.float64(0.5)), (NASTY, float("nan"))])

    @task
    def draw(self) -> Chart:
        """Draw it."""
        return Chart({"loss": [(1, 3.0), (2, 1.5), (3, 1.0)]}, "steps", "nats")

    def examples(self):
        return [
            Example("A continuation", prompt="It was -- a <truth>", words=5),
            Example("Spoken", task="speak", text="Hello there"),
            Example("A film", task="film"),
            Example("A table", task="count"),
            Example("A chart", task="draw"),
        ]


class Breaker(Fake):
    """Breaks."""

    name = "breaker"

    def run(self, text: str, *, how: str = "ours") -> Text:
        """Break."""
        if how == "theirs":
            self.convert_nothing()
        raise RuntimeError(f"broken {NASTY}\nand a second line") if how == "ours" else KeyboardInterrupt

    def convert_nothing(self):
        raise SystemExit(3)

    @task
    def whole(self) -> Text:
        """Do not break."""
        return Text("fine")

    def examples(self):
        return [Example("ours", text="a"), Example("theirs", text="a", how="theirs"), Example("fine", task="whole"),
                Example("no such task", task="nothing"), Example("wrong input", text=3)]  # fmt: skip


class Interrupted(Breaker):
    name = "interrupted"

    def examples(self):
        time.sleep(0)
        return [Example("Ctrl-C", text="a", how="interrupt")]


class Silent(Fake):
    name = "silent"


class Look(Probe):
    """Looks into a system."""

    name = "look"
    needs = ()
    default = "seer"

    def run(self, *, noise: float = 0.5) -> Text:
        """Look."""
        return Text(f"{type(self.model).__name__} {float(torch.rand(())):.6f}")

    def examples(self):
        return [Example("A look", noise=0.25)]
