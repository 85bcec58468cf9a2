"""Speed of the classifier: to 99 % on MNIST, of the loop, of MobileNetV2."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torchvision

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import conv_rate
from potmeter.core.system import System
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.core.training.overhead import bare_step, loop_overhead
from potmeter.data.batches import in_batches

from .system import ImageClassifier

STEPS = 4000
"""Length of the schedule in the race to 99 %."""
LEG = 100
"""Steps that each runs in turn."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("loop_ms"):
        yield loop()
    if is_selected("imagenet_images_per_s"):
        yield imagenet()
    if is_selected("seconds_to_99_mnist"):
        yield from race()


def loop() -> Row:
    """One training step of the preset ``digits``, in our loop and in a bare one."""
    config, splits = digits()
    ours, bare = loop_overhead(ImageClassifier, config, splits, steps=150)
    note = f"the loop adds {100 * (ours / bare - 1):.1f} % to a step"
    return compare("loop_ms", "ms", 1000 * ours, 1000 * bare, "bare torch loop", note=note)


def imagenet() -> Row:
    """Pictures a second through MobileNetV2, in batches of 16."""
    ours = ImageClassifier.fetch_pretrained("imagenet").eval()
    peer = torchvision.models.mobilenet_v2()
    peer.load_state_dict(ours.model.state_dict())
    peer.eval()
    x = torch.rand(16, 3, 224, 224)
    with torch.inference_mode():
        seconds = interleave({"ours": stopwatch(lambda: ours.logits(x)), "peer": stopwatch(lambda: peer(x))})
    limit = conv_rate() / (2 * 300.8e6)  # 300.8 million products a picture (the paper's table 4)
    note = "the same layers, but channels_last; depth-wise filters are bound by memory, far from the convolutions' rate"
    rates = {name: 16 / value for name, value in seconds.items()}
    return compare(
        "imagenet_images_per_s", "images/s", rates["ours"], rates["peer"], "torchvision", limit=limit, note=note
    )


def race() -> Iterator[Row]:
    """Seconds of training until 99 % of the test digits are right, in legs of ``LEG`` steps in turns."""
    config, splits = digits()
    systems = {name: build_system(ImageClassifier, config, 0) for name in ("ours", "bare", "compiled")}
    systems["compiled"].model.compile()
    spent: dict[str, float] = defaultdict(float)
    step = {
        "ours": trainer_step(systems["ours"], splits, spent),
        "bare": bare_step(systems["bare"], splits.train, STEPS),
        "compiled": bare_step(systems["compiled"], splits.train, STEPS),
    }
    seconds, done = dict.fromkeys(systems, 0.0), {}
    for leg in range(STEPS // LEG):
        for name in [name for name in systems if name not in done]:
            started = time.perf_counter()
            for _ in range(LEG):
                step[name]()
            seconds[name] += time.perf_counter() - started
            if accuracy(systems[name], splits.test) >= 0.99:
                done[name] = (leg + 1) * LEG
        if len(done) == len(systems):
            break
    note = ", ".join(f"{name} after {steps} steps" for name, steps in done.items())
    profile = ", ".join(f"{100 * part / sum(spent.values()):.1f} % {what}" for what, part in spent.items())
    note += f"; of ours {profile}"
    for peer in ("bare", "compiled"):
        if {"ours", peer} <= set(done):
            yield compare("seconds_to_99_mnist", "s", seconds["ours"], seconds[peer], f"{peer} torch script", note=note)


def trainer_step(system: System, splits: Any, spent: dict[str, float]) -> Callable[[], None]:
    """One turn of our loop: fetch a batch, step, log; what each takes in seconds is added to ``spent``."""
    trainer = Trainer(system, splits, Options(steps=STEPS), quiet=True)
    batches = iter(trainer.batches)
    system.train()

    def step() -> None:
        with add_elapsed("batches", spent):
            batch = next(batches)
        with add_elapsed("steps", spent):
            values = system.step(batch, trainer)
        with add_elapsed("log", spent):
            trainer.progress.step += 1
            trainer.log.record(trainer.step, values, trainer.fraction_done)

    return step


@contextmanager
def add_elapsed(what: str, spent: dict[str, float]) -> Iterator[None]:
    """Add the seconds that the block takes to ``spent``."""
    started = time.perf_counter()
    yield
    spent[what] += time.perf_counter() - started


@torch.no_grad()
def accuracy(system: Any, data: Any) -> float:
    """Share of the test digits that are right; not part of the time."""
    system.eval()
    right = [(system.logits(b["image"]).argmax(1) == b["label"]).float() for b in in_batches(data, 1000)]
    system.train()
    return float(torch.cat(right).mean())


def digits() -> tuple[Any, Any]:
    """Config and data of the preset ``digits``."""
    config = ImageClassifier.presets["digits"]
    splits = ImageClassifier.data(config)
    return ImageClassifier.fit_config(config, splits), splits
