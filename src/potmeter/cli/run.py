"""``potmeter run``: a system at work, from its typed ``run`` or one of its tasks."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from potmeter import media, registry
from potmeter.cli.weights import choose_weights
from potmeter.errors import reject
from potmeter.notices import announce
from potmeter.presentation import places
from potmeter.presentation.arguments import common_flags, parse, split_name


def run(argv: list[str]) -> None:
    """Run a system or probe on the command line's inputs, print what is text and save what is not."""
    from potmeter.core.signature import Parameter, call_streaming, parameters, tasks

    name, rest = split_name("run", argv)
    reference = registry.resolve(name)
    entry, owner = reference.entry, reference.entry.load()
    reference.task in tasks(owner) or reject(f"{entry.name} can {', '.join(tasks(owner))}.", reference.task)
    method = tasks(owner)[reference.task]
    inputs = parameters(method)
    common = common_flags("weights", "out", "device", "seed", "json")
    if entry.kind == "probe":
        common[0] = Parameter("model", str, None, optional=True, help="the model to work on; see `potmeter list`")
    common = [p for p in common if p.name not in {q.name for q in inputs}]
    values = parse(f"potmeter run {name}", [*inputs, *common], rest, (method.__doc__ or "").partition("\n\n")[0])
    out, kinds = values.get("out"), places.kinds_of(method)
    if out is not None and kinds:
        places.plan(out, kinds)  # what cannot be written is told before the work, not after it
    system = prepare(reference, values)
    started = time.perf_counter()
    from potmeter.core.progress import show_progress

    with show_progress():
        result = call_streaming(getattr(system, reference.task), {p.name: values[p.name] for p in inputs})
        result, printed = stream(result, quiet=values["json"]) if isinstance(result, Iterator) else (result, False)
    seconds = time.perf_counter() - started
    paths: dict[str, Path] = {}
    if out is not None and result is not None:
        parts = media.parts(result)
        paths = places.plan(out, {key: type(medium) for key, medium in parts.items()})
        paths = {key: medium.save(paths[key]) for key, medium in parts.items()}
    if values["json"]:
        report: dict[str, Any] = {"system": name, "seconds": round(seconds, 4), "result": media.as_json(result)}
        report["files"] = {key or "result": str(path) for key, path in paths.items()}
        print(json.dumps(report, ensure_ascii=False))
        tell_unsaved(result, saved=bool(paths))
    else:
        present(result, name, printed=printed, save=out is None)
        for path in paths.values():
            print(path)


def prepare(reference: registry.Reference, values: dict[str, Any]) -> Any:
    """Load what is to run, and seed torch where the method itself takes no seed."""
    import torch

    from potmeter.core.loading import load_resolved

    if (seed := values.get("seed")) is not None:
        0 <= seed < 2**63 or reject("seed must not be negative, and below 2^63.", seed)
        torch.manual_seed(seed)
    probe = reference.entry.kind == "probe"
    weights = values["model"] if probe else choose_weights(reference, values["weights"])
    return load_resolved(reference, weights, values["device"])


def stream(results: Iterator[Any], *, quiet: bool) -> tuple[Any, bool]:
    """Follow growing results to the last one, and whether it was printed: text is, as it grows.

    Ctrl-C ends it there: what has come so far is the result.
    """
    printed, result = "", None
    try:
        for result in results:
            if isinstance(result, media.Text) and not quiet:
                print(result.text[len(printed) :], end="", flush=True)
                printed = result.text
    except KeyboardInterrupt:
        if result is None:
            raise
        announce("stopped; what there is so far is kept.")
    if printed:
        print()
    return result, bool(printed)


def present(result: Any, name: str, *, printed: bool, save: bool) -> None:
    """Print text, tables and bars, but for what was ``printed``; ``save`` the rest under the system's name, and say where."""
    for key, medium in media.parts(result).items() if result is not None else ():
        if isinstance(medium, media.Text | media.Table | media.Bars):
            printed or print(f"{key}:\n{medium}" if key else medium)
        elif save:  # of an ejected system: under its folder's name
            stem = Path(name).name.replace(":", "-") + (f"-{key}" if key else "")
            print(medium.save(Path(stem + medium.suffix)))


def tell_unsaved(result: Any, *, saved: bool) -> None:
    """Say which media of a result are not in the JSON, and in no file."""
    if saved or result is None:
        return
    lost = [key or medium.noun for key, medium in media.parts(result).items() if not is_plain(medium)]
    if lost:
        print(f"potmeter: not saved without --out: {', '.join(lost)}", file=sys.stderr)


def is_plain(medium: media.Medium) -> bool:
    """Whether a medium's JSON is the whole of it."""
    return isinstance(medium, media.Text | media.Table | media.Bars | media.Chart)
