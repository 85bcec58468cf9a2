"""``potmeter eject``: a system's code in a folder of your own."""

from __future__ import annotations

import shlex
from pathlib import Path

from potmeter import registry
from potmeter.errors import reject
from potmeter.presentation.arguments import parse, split_name
from potmeter.presentation.places import check_writable


def eject(argv: list[str]) -> None:
    """Copy a system's code to a new folder, from where it trains and runs as before."""
    name, rest = split_name("eject", argv)
    reference = registry.resolve(name)
    reference.entry.kind == "system" or reject("Only systems can be ejected, not probes.", name)
    from potmeter.core.eject import eject as copy
    from potmeter.core.signature import Parameter

    own = [Parameter("folder", Path, Path(f"my-{reference.entry.name}"), positional=True, help="a new folder")]
    target = parse(f"potmeter eject {name}", own, rest, f"Copy {name}'s code to a folder of your own.")["folder"]
    check_writable(target, folder=True)
    copy(reference.entry, target)
    # as it can be typed: without a slash it would be taken for the name of an installed system
    typed = str(target) if len(target.parts) > 1 else f"./{target}"
    print(f"{target}\npotmeter train {shlex.quote(typed)} --preset tiny\npotmeter run {shlex.quote(typed)}")
