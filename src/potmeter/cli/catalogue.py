"""``potmeter list`` and ``potmeter show``: what there is, without importing torch."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

from potmeter import registry
from potmeter.errors import UserError, reject
from potmeter.presentation.card import read_card
from potmeter.presentation.source import config_fields, data_inputs, methods, preset_values, presets


def list_all(argv: list[str]) -> None:
    """Print the systems and probes in the lecture's order."""
    for flag in argv:
        flag in ("--json", "-h", "--help") or reject("potmeter list takes --json and nothing else.", flag)
    if "-h" in argv or "--help" in argv:
        print("usage: potmeter list [--json]\n\nThe systems and probes there are, with the tags of their weights.\n")
        print("  --json  print one JSON object on standard output and nothing else")
        return
    known = registry.entries().values()
    if "--json" in argv:
        rows = [{"name": e.name, "kind": e.kind, "section": e.section, "slide": e.slide, "weights": list(e.weights),
                 "capabilities": e.capabilities, "needs": e.needs, "summary": e.summary} for e in known]  # fmt: skip
        print(json.dumps({"systems": rows}, ensure_ascii=False))
        return
    print("slide  name          section     weights")
    for e in known:
        print(f"{e.slide:5}  {e.name:12}  {e.section:10}  {', '.join(e.weights)}\n{'':7}{e.summary}")


def show(argv: list[str]) -> None:
    """Print what a system takes, gives, knows and can be set to; with ``--layers`` the network itself."""
    names = [word for word in argv if not word.startswith("-")]
    flags = {word for word in argv if word.startswith("-")}
    if flags & {"-h", "--help"}:
        print(
            "usage: potmeter show SYSTEM[:TASK] [--json] [--layers]\n\nWhat a system takes, gives, knows and can be set to.\n"
        )
        print("  --json    print one JSON object on standard output and nothing else")
        print("  --layers  print the network's layers and its number of parameters instead")
        return
    for flag in flags - {"--json", "--layers"}:
        reject("potmeter show takes --json and --layers.", flag)
    if len(names) != 1:
        raise UserError("potmeter show takes the name of one system.", received=" ".join(argv))
    reference = registry.resolve(names[0])
    entry = reference.entry
    if "--layers" in flags:
        print_layers(names[0])
        return
    known = methods(entry)
    shown = [m for m in known if reference.task in ("run", m.name)]
    shown or reject(f"{entry.name} can {', '.join(m.name for m in known)}.", reference.task)
    cards = {tag: read_card(entry.name, tag) for tag in entry.weights if reference.tag in (None, tag)}
    description = {
        "name": entry.name,
        "kind": entry.kind,
        "section": entry.section,
        "slide": entry.slide,
        "summary": entry.summary,
        "capabilities": entry.capabilities,
        "needs": entry.needs,
        "metrics": entry.metrics,
        "weights": cards,
        "methods": {m.name: {"signature": m.signature, "doc": m.doc} for m in shown},
        "presets": presets(entry),
        "config": {f.name: {"type": f.type, "default": f.default, "doc": f.doc} for f in config_fields(entry)},
    }
    if "--json" in flags:
        print(json.dumps(description, ensure_ascii=False))
        return
    print(f"{entry.name}: {entry.summary}")
    able = (
        f"works on {' and '.join(entry.needs) or 'any model'}"
        if entry.kind == "probe"
        else ", ".join(entry.capabilities)
    )
    print(f"slide {entry.slide}, {entry.section}; {able or 'no capabilities'}" + ("\n" if cards else ""))
    for tag, card in cards.items():
        figures = ", ".join(f"{k} {v:.4g}" for k, v in card.get("metrics", {}).items())
        state = "fetched at first use" if entry.weights[tag].fetched else figures or "no card"
        print(f"  {entry.name}.{tag}: {state}")
    for m in shown:
        name = entry.word if m.name == "run" else f"{entry.word}:{m.name}"
        print(f"\n  {' '.join(['potmeter run', shlex.quote(name), *(given.word for given in m.inputs)])}")
        print(f"    {m.doc.partition(chr(10) * 2)[0].replace(chr(10), ' ').replace('``', '`')}")
        for given in m.inputs:
            print(f"      {given.line}")
    if entry.kind != "system" or reference.task != "run":
        return
    names = presets(entry)
    start = "lecture" if "lecture" in names else next(iter(names), "")
    data = data_inputs(entry)
    taken = [given.word for given in data] + [f"[--preset {'|'.join(names)}]"]
    print(f"\n  potmeter train {shlex.quote(entry.word)} {' '.join(taken)}")
    print(f"    The defaults are those of the preset {start}; another preset has others.")
    for given in data:
        print(f"      {given.line}")
    values = preset_values(entry, start)
    for f in config_fields(entry):
        default = values.get(f.name, f.flag.default)
        if (f.name, default) != ("dataset", "''"):  # one that learns from experience has none
            print(f"      {replace(f.flag, default=default).line}")


def print_layers(name: str) -> None:
    """Print the layers of a system and its number of parameters."""
    from potmeter.core.loading import load

    system = load(name)
    print(system)
    print(f"{sum(p.numel() for p in system.parameters()):,} parameters")
