"""``potmeter train`` and ``potmeter eval``."""

from __future__ import annotations

import json
import shlex
import sys
import time
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potmeter import registry
from potmeter.cli.weights import choose_weights
from potmeter.errors import reject
from potmeter.media import to_json_value
from potmeter.presentation import source
from potmeter.presentation.arguments import common_flags, parse, split_name
from potmeter.presentation.places import check_writable

if TYPE_CHECKING:
    from potmeter.core.signature import Parameter

NUM_QUICK_SAMPLES = 1000
"""Test samples that ``eval`` uses without ``--full``: spread evenly, the same every time."""


def train(argv: list[str]) -> None:
    """Train a system: its Config, its data's parameters and the loop's options are the flags."""
    name, rest = split_name("train", argv)
    reference = resolve_trainable(name)  # before the heavy imports: a misspelt name is told at once
    from potmeter.core import runs
    from potmeter.core.config import build_config
    from potmeter.core.devices import resolve_device
    from potmeter.core.training import processes
    from potmeter.core.training.loop import Trainer, build_system
    from potmeter.core.training.options import Options

    system_class = reference.entry.load()
    first = {flag: flag_value(rest, flag) for flag in ("--preset", "--from")}  # which set the other flags' defaults
    pretrained = system_class.from_pretrained(first["--from"]) if first["--from"] else None
    preset = first["--preset"] or "lecture"
    preset in system_class.presets or reject(f"{name} has presets {', '.join(system_class.presets)}.", preset)
    base = (
        system_class.fine_tune_config(pretrained.config)
        if pretrained
        else apply_edited_defaults(reference.entry, system_class.presets[preset])
    )

    config_flags, data_flags = flags_of(reference.entry, base)
    option_flags, early = options_flags(), start_flags(system_class, preset, first["--from"])
    doc = f"Train {name}: {reference.entry.summary}."
    json_flag = replace(
        common_flags("json")[0], help="print the record as it grows, one JSON object a line, the last of the run"
    )
    values = parse(f"potmeter train {name}", [*data_flags, *option_flags, *config_flags, *early, json_flag], rest, doc)

    config = build_config(system_class.Config, {p.name: values[p.name] for p in config_flags})
    options = Options(**{p.name: p.convert(values[p.name]) for p in option_flags})
    options = options.of_preset(preset)
    if options.out is None and reference.entry.ejected:  # an ejected system's runs are not the original's
        options = replace(options, out=Path("runs") / reference.entry.source.name)
    run = options.out or Path("runs") / system_class.name
    check_writable(run, folder=True)
    if not options.resume:
        runs.reject_other(run)
    system_class.cpu_only or resolve_device(options.device)  # told before the data are fetched
    splits = system_class.data(config, **{p.name: p.convert(values[p.name]) for p in data_flags})
    config = system_class.fit_config(config, splits)
    trainer = Trainer(build_system(system_class, config, options.seed, pretrained), splits, options)
    if values["json"]:
        trainer.log.on_record = lambda record: print(json.dumps(record), flush=True)
    try:
        folder = trainer.fit()
    except KeyboardInterrupt:
        saved = runs.list_checkpoints(trainer.run) if processes.rank() == 0 else []
        raise KeyboardInterrupt(f"{saved[0]} is saved: --resume goes on from there" if saved else "") from None
    metrics = trainer.progress.best or trainer.progress.metrics  # of the checkpoint in that folder
    if values["json"]:
        report = {"folder": str(folder), "step": trainer.step, "seconds": round(trainer.seconds, 2)}
        report |= {"metrics": metrics, "command": use_command(name, system_class, trainer.run)}
        print(json.dumps(to_json_value(report)))
        return
    shown = ", ".join(f"{key} {value:.5g}" for key, value in metrics.items())
    print(f"{folder}  ({shown}; the best of {trainer.step:,} steps, {trainer.seconds:.0f} s)")
    print(use_command(name, system_class, trainer.run))


def apply_edited_defaults(entry: registry.Entry, preset: Any) -> Any:
    """A preset, where the system is ejected with the defaults that the user wrote into its Config in place of its own.

    An edited default is one that the Config of the installed system of that name does not have.
    """
    original = registry.entries().get(entry.name)
    if not entry.ejected or original is None:
        return preset
    before = {f.name: f.default for f in source.config_fields(original)}
    edited = [f.name for f in source.config_fields(entry) if before.get(f.name) not in (None, f.default)]
    defaults = {f.name: f.default for f in fields(preset) if f.name in edited and f.default is not MISSING}
    if defaults:
        told = ", ".join(f"{name} {value}" for name, value in defaults.items())
        print(f"potmeter: as {entry.source.name} says, instead of the preset: {told}", file=sys.stderr)
    return replace(preset, **defaults)


def use_command(name: str, system_class: Any, run: Path) -> str:
    """The command that uses a run's weights, quoted for a shell; inputs that it cannot do without are named."""
    from potmeter.core.signature import parameters
    from potmeter.presentation.calls import command_line

    declared = parameters(system_class.run)
    needed = {p.name: object() for p in declared if p.default is MISSING}
    return f"{command_line(name, declared, needed)} --weights {shlex.quote(str(run))}"


def resolve_trainable(name: str) -> registry.Reference:
    """The system of that name. Raises UserError for a probe, and for a tag, which says nothing that training needs."""
    reference = registry.resolve(name)
    reference.entry.kind == "system" or reject(f"{name} is a probe: there is nothing to train.", name)
    reference.tag is None or reject("Weights to start from are named by --from, recipes by --preset.", name)
    return reference


def flags_of(entry: registry.Entry, base: Any) -> tuple[list[Parameter], list[Parameter]]:
    """The flags of a system's Config, with the values of ``base`` as defaults, and those of its data."""
    from potmeter.core.config import config_parameters
    from potmeter.core.signature import parameters

    system_class, docs = entry.load(), {f.name: f.doc for f in source.config_fields(entry)}
    config = [
        replace(p, default=getattr(base, name), help=docs.get(name, ""))
        for name, p in config_parameters(system_class.Config).items()
    ]
    return config, [replace(p, positional=False) for p in parameters(system_class.data)]


def options_flags() -> list[Parameter]:
    """The flags of the training loop."""
    from potmeter.core.config import config_parameters
    from potmeter.core.training.options import Options

    node = next(node for node in source.read_classes(source.OPTIONS_FILE) if node.name == "Options")
    docs = {f.name: f.doc for f in source.read_fields(node, source.OPTIONS_FILE)}
    return [replace(p, help=docs[name]) for name, p in config_parameters(Options).items()]


def start_flags(system_class: Any, preset: str, weights: str | None) -> list[Parameter]:
    """The two flags that set the other ones' defaults."""
    from potmeter.core.signature import Parameter

    return [
        Parameter("preset", str, preset, help=f"where the Config starts: {', '.join(system_class.presets)}"),
        Parameter("from_", str, weights, optional=True, help="weights to fine-tune"),
    ]


def evaluate(argv: list[str]) -> None:
    """Measure a system, or a probe, on data that were not trained on, beside its baselines."""
    name, rest = split_name("eval", argv)
    reference = registry.resolve(name)
    import torch

    from potmeter.core.evaluation import summarise
    from potmeter.core.loading import load
    from potmeter.core.signature import Parameter, parameters
    from potmeter.data.held_out import select_held_out
    from potmeter.data.splits import take_evenly

    owner = reference.entry.load()
    if reference.entry.kind == "probe":
        inputs = [replace(p, positional=False) for p in parameters(owner.evaluate)]
        model = [Parameter("model", str, None, optional=True, help="the model to measure; see `potmeter list`")]
        of_model = [*inputs, *model, *common_flags("device")] if owner.measures_model else inputs
        values = parse(f"potmeter eval {name}", [*of_model, *common_flags("json")], rest)
        started = time.perf_counter()
        probe = load(name, values.get("model"), device=values.get("device", "cpu"))
        weights = (values["model"] or owner.default) if owner.measures_model else None
        metrics = probe.evaluate(**{p.name: values[p.name] for p in inputs})
        report: dict[str, Any] = {"system": reference.entry.name, "weights": weights, "metrics": metrics}
        report |= {"baselines": probe.baselines()}
    else:
        data_flags = [replace(p, positional=False) for p in parameters(owner.data)]
        values = parse(f"potmeter eval {name}", [*data_flags, *common_flags("weights", "device", "full", "json")], rest)
        started = time.perf_counter()
        values["weights"] = choose_weights(reference, values["weights"])
        system = load(name, values["weights"], device=values["device"])
        splits = owner.data(system.config, **{p.name: p.convert(values[p.name]) for p in data_flags})
        splits = select_held_out(splits, values["weights"], system.config.dataset)
        splits.test is not None or reject("There are no test data.", values.get("source"))
        test = splits.test if values["full"] else take_evenly(splits.test, NUM_QUICK_SAMPLES)
        with torch.no_grad():
            metrics, errors = summarise(system.evaluate(test))
        weights = values["weights"] or reference.tag or reference.entry.default_tag or ""
        report = {"system": reference.entry.name, "weights": weights, "metrics": metrics}
        report |= {"baselines": system.baselines(replace(splits, test=test)) if splits.train is not None else {}}
        report |= {
            "errors": errors,
            "measured_by": system.describe_metrics(),
            "samples": len(test),
            "part": "full" if len(test) == len(splits.test) else f"{NUM_QUICK_SAMPLES}, spread evenly",
        }
    report["seconds"] = round(time.perf_counter() - started, 2)
    print(json.dumps(report) if values["json"] else format_report(report))


def format_report(report: dict[str, Any]) -> str:
    """An evaluation for reading: each metric with its 95 % error, then the baselines."""
    part = f", {report['samples']:,} samples ({report['part']})" if "samples" in report else ""
    lines = [f"{report['system']} {report['weights'] or ''}{part}"]
    for key, value in report["metrics"].items():
        error = f" ± {report['errors'][key]:.2g}" if key in report.get("errors", {}) else ""
        by = f"   ({report['measured_by'][key]})" if key in report.get("measured_by", {}) else ""
        lines.append(f"  {key:24} {value:.5g}{error}{by}")
    lines += [f"  {key:24} {value:.5g}   (baseline)" for key, value in report["baselines"].items()]
    return "\n".join(lines)


def flag_value(argv: list[str], flag: str) -> str | None:
    """The value of a flag, left where it is; None without it."""
    for position, word in enumerate(argv):
        if word == flag:
            return argv[position + 1] if position + 1 < len(argv) else reject(f"{flag} needs a value.", " ".join(argv))
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return None
