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

PRINTED = (media.Text, media.Table, media.Bars)
"""What is printed."""


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
    from potmeter.core.films import ChangedFrames, fingerprint_work, save_film
    from potmeter.core.progress import show_progress

    with show_progress():
        result = call_streaming(getattr(system, reference.task), {p.name: values[p.name] for p in inputs})
        result, printed = stream(result, quiet=values["json"]) if isinstance(result, Iterator) else (result, False)
        parts = media.parts(result) if result is not None else {}
        paths = choose_paths(parts, name, out, quiet=values["json"])
        for key, path in paths.items():  # the frames of a film are computed while it is saved
            if isinstance(film := parts[key], media.Video) and isinstance(film.frames, ChangedFrames):
                settings = {name: value for name, value in values.items() if name not in ("out", "json")}
                paths[key] = save_film(film, path, fingerprint_work(system, name, settings))
            else:
                paths[key] = parts[key].save(path)
        plain = media.as_json(result) if values["json"] else None
    seconds = time.perf_counter() - started
    if values["json"]:
        report: dict[str, Any] = {"system": name, "seconds": round(seconds, 4), "result": plain}
        report["files"] = {key or "result": str(path) for key, path in paths.items()}
        print(json.dumps(report, ensure_ascii=False))
        tell_unsaved(parts, saved=bool(paths))
    else:
        present(parts, paths, printed=printed)


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


def choose_paths(parts: dict[str, media.Medium], name: str, out: str | None, *, quiet: bool) -> dict[str, Path]:
    """Where the media of a result are saved: as ``--out`` says, otherwise under the system's name what cannot be printed."""
    if out is not None and parts:
        return places.plan(out, {key: type(medium) for key, medium in parts.items()})
    stem = Path(name).name.replace(":", "-")  # of an ejected system: its folder's name
    unprinted = {} if quiet else {key: medium for key, medium in parts.items() if not isinstance(medium, PRINTED)}
    return {key: Path(stem + (f"-{key}" if key else "") + medium.suffix) for key, medium in unprinted.items()}


def present(parts: dict[str, media.Medium], paths: dict[str, Path], *, printed: bool) -> None:
    """Print text, tables and bars, but for what was ``printed``, and where files are."""
    for key, medium in parts.items():
        if isinstance(medium, PRINTED) and not printed:
            print(f"{key}:\n{medium}" if key else medium)
    for path in paths.values():
        print(path)


def tell_unsaved(parts: dict[str, media.Medium], *, saved: bool) -> None:
    """Say which media of a result are not in the JSON, and in no file."""
    lost = [key or medium.noun for key, medium in parts.items() if not is_plain(medium)]
    if lost and not saved:
        print(f"potmeter: not saved without --out: {', '.join(lost)}", file=sys.stderr)


def is_plain(medium: media.Medium) -> bool:
    """Whether a medium's JSON is the whole of it."""
    return isinstance(medium, media.Text | media.Table | media.Bars | media.Chart)
