"""``potmeter run``: a system at work, from its typed ``run`` or one of its tasks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from potmeter import media, registry
from potmeter.errors import reject
from potmeter.presentation.arguments import common_flags, parse, split_name


def run(argv: list[str]) -> None:
    """Run a system or probe on the command line's inputs, print what is text and save what is not."""
    from potmeter.core.signature import Parameter, call_streaming, parameters, tasks

    name, rest = split_name("run", argv)
    reference = registry.resolve(name)
    entry, owner = reference.entry, reference.entry.load()
    reference.task in tasks(owner) or reject(f"{entry.name} can {', '.join(tasks(owner))}.", reference.task)
    inputs = parameters(tasks(owner)[reference.task])
    common = common_flags("weights", "out", "device", "seed", "json")
    if entry.kind == "probe":
        common[0] = Parameter("model", str, None, optional=True, help="the model to work on; see `potmeter list`")
    common = [p for p in common if p.name not in {q.name for q in inputs}]
    doc = (tasks(owner)[reference.task].__doc__ or "").partition("\n\n")[0]
    values = parse(f"potmeter run {name}", [*inputs, *common], rest, doc)
    thing = prepare(reference, values)
    arguments = {p.name: values[p.name] for p in inputs}
    started = time.perf_counter()
    from potmeter.core.progress import show_progress

    with show_progress():
        result = call_streaming(getattr(thing, reference.task), arguments)
        result, printed = stream(result, quiet=values["json"]) if isinstance(result, Iterator) else (result, False)
    seconds = time.perf_counter() - started
    out = values.get("out")
    if values["json"]:
        shown = {key or "result": medium.json() for key, medium in media.parts(result).items()}
        saved = {key: str(path) for key, path in save(result, out).items()} if out else {}
        print(
            json.dumps(
                {"system": name, "seconds": round(seconds, 4), "result": shown, "files": saved}, ensure_ascii=False
            )
        )
    else:
        present(result, out, name, printed)


def prepare(reference: registry.Reference, values: dict[str, Any]) -> Any:
    """Load what is to run, and seed torch where the method itself takes no seed."""
    import torch

    from potmeter.core.loading import load_resolved

    if (seed := values.get("seed")) is not None:
        0 <= seed < 2**63 or reject("seed must not be negative, and below 2^63.", seed)
        torch.manual_seed(seed)
    return load_resolved(reference, values["model" if reference.entry.kind == "probe" else "weights"], values["device"])


def stream(results: Iterator[Any], *, quiet: bool) -> tuple[Any, bool]:
    """Follow growing results to the last one, and whether it was printed: text is, as it grows."""
    printed, result = "", None
    for result in results:
        if isinstance(result, media.Text) and not quiet:
            print(result.text[len(printed) :], end="", flush=True)
            printed = result.text
    if printed:
        print()
    return result, bool(printed)


def present(result: Any, out: Path | None, name: str, printed: bool = False) -> None:
    """Print text, tables and bars, but for what was ``printed``; save the rest (all where ``out`` is given), say where."""
    if result is None:
        return
    for key, medium in media.parts(result).items():
        if isinstance(medium, media.Text | media.Table | media.Bars):
            printed or print(f"{key}:\n{medium}" if key else medium)
        elif out is None:
            stem = Path(name).name.replace(":", "-") + (
                f"-{key}" if key else ""
            )  # of an ejected system: its folder's name
            print(medium.save(Path(stem + medium.suffix)))
    for path in (save(result, out) if out else {}).values():
        print(path)


def save(result: Any, out: Path) -> dict[str, Path]:
    """Save a result: a single medium under that name, several into that folder."""
    media_of = media.parts(result)
    if list(media_of) == [""]:
        return {"result": media_of[""].save(out / "result" if out.is_dir() else out)}
    return {key: medium.save(out / key) for key, medium in media_of.items()}
