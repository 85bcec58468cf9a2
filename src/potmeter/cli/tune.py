"""``potmeter tune``: search hyper-parameters."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from potmeter.cli.train import (
    apply_edited_defaults,
    flag_value,
    flags_of,
    options_flags,
    resolve_trainable,
    start_flags,
)
from potmeter.errors import reject
from potmeter.presentation.arguments import common_flags, parse, split_name
from potmeter.presentation.flags import flag_name
from potmeter.presentation.places import check_writable

FLAGS = ("steps", "budget", "out", "eval_every", "seed", "device", "workers")
"""Those of the training loop's options that a trial has too."""


def tune(argv: list[str]) -> None:
    """Search a system's hyper-parameters: every trial is a training run, and the best one is kept."""
    name, rest = split_name("tune", argv)
    reference = resolve_trainable(name)
    os.environ.get("WORLD_SIZE", "1") == "1" or reject(
        "A trial is one process; start `potmeter tune` several times on one --storage instead.", "torchrun"
    )
    from potmeter.core.config import build_config
    from potmeter.core.signature import Parameter, Range
    from potmeter.core.training.options import Options
    from potmeter.core.tuning.space import default_space, parse_space
    from potmeter.core.tuning.tuner import Tuner

    system_class = reference.entry.load()
    preset, tag = (flag_value(rest, flag) for flag in ("--preset", "--from"))  # which set the other flags' defaults
    pretrained = system_class.from_pretrained(tag) if tag else None
    (preset or "lecture") in system_class.presets or reject(
        f"{name} has presets {', '.join(system_class.presets)}.", preset
    )
    base = (
        system_class.fine_tune_config(pretrained.config)
        if pretrained
        else apply_edited_defaults(reference.entry, system_class.presets[preset or "lecture"])
    )

    config_flags, data_flags = flags_of(reference.entry, base)
    option_flags = [p for p in options_flags() if p.name in FLAGS]
    own = [
        Parameter("trials", int, 20, range=Range(1, 10**6), help="trials in all, by all workers and all sessions"),
        Parameter("search", str, (), many=True, help="NAME=LOW:HIGH, NAME=LOW:HIGH:log or NAME=A,B,C; "
                  "default: lr (a tenth to ten times), warmup, weight_decay"),
        Parameter("storage", str, None, optional=True, help="address of an Optuna storage; default: study.db in --out"),
        Parameter("study", str, None, optional=True, help="the study's name; default: the system's"),
        *start_flags(system_class, preset or "lecture", tag),
    ]  # fmt: skip
    doc = (
        f"Search {name}'s hyper-parameters. --steps or --budget: length of a trial; --out: by default runs/tune-STUDY."
    )
    values = parse(
        f"potmeter tune {name}", [*own, *option_flags, *data_flags, *config_flags, *common_flags("json")], rest, doc
    )

    given = {p.name: p.convert(values[p.name]) for p in [*own, *option_flags]}
    options = Options(**{n: given[n] for n in FLAGS})
    options = options.of_preset(preset or "lecture")
    options.steps or options.budget or reject(
        "Say how long each trial trains: --steps N or --budget 30s.", " ".join(argv)
    )
    check_writable(options.out or Path("runs"), folder=True)
    options.seconds  # a budget that is no time is refused here
    config = build_config(system_class.Config, {p.name: values[p.name] for p in config_flags})
    space = parse_space(given["search"], config) if given["search"] else default_space(config)
    data = {p.name: p.convert(values[p.name]) for p in data_flags}
    # an ejected system's study is not the original's
    study = given["study"] or (reference.entry.source.name if reference.entry.ejected else reference.entry.name)
    say(f"searching {', '.join(f'{key} {option}' for key, option in space.items())}")
    tuner = Tuner(
        system_class, config, space, options, lambda config: system_class.data(config, **data),
        trials=given["trials"], study=study, storage=given["storage"], pretrained=pretrained, say=say,
    )  # fmt: skip
    found = tuner.fit()

    fixed = {
        p.name: (values[p.name], p.default)
        for p in [*own[-2:], *data_flags, *option_flags]
        if p.name not in ("out", "eval_every")
    }
    fixed["preset"] = (given["preset"], "lecture" if not pretrained else given["preset"])
    fixed["from_"] = (tag, None)
    changed = {key: (value, getattr(base, key)) for key, value in asdict(found.config).items()}
    command = f"potmeter train {name}{format_flags(fixed | changed)}"
    if values["json"]:
        report = {"system": reference.entry.name, "study": tuner.study.study_name, "trials": found.counts}
        report |= {
            "best": found.best,
            "metric": system_class.goal.metric,
            "value": found.value,
            "folder": str(found.folder),
        }
        report |= {"params": {key: getattr(found.config, key) for key in space}, "command": command}
        print(json.dumps(report, ensure_ascii=False))
        return
    counts = ", ".join(f"{count} {state}" for state, count in found.counts.items())
    print(f"{counts}; the best is trial {found.best}: {system_class.goal.metric} {found.value:.5g}")
    print(f"{command}\npotmeter run {name} --weights {shlex.quote(str(found.folder))}")


def format_flags(values: dict[str, tuple[Any, Any]]) -> str:
    """Those values that differ from their defaults, as they are typed."""
    words = []
    for key, (value, default) in values.items():
        if value == default:
            continue
        flag = flag_name(key)
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [
                f"--{flag}",
                *(shlex.quote(str(v)) for v in (value if isinstance(value, (tuple, list)) else [value])),
            ]
    return "".join(f" {word}" for word in words)


def say(line: str) -> None:
    """A line about the search; standard output is for its result."""
    print(line, file=sys.stderr, flush=True)
