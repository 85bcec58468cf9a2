"""``potmeter gtp``: a system that plays Go, for any program that speaks the Go Text Protocol, or for a person."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import BinaryIO

from potmeter import registry
from potmeter.cli.weights import choose_weights
from potmeter.errors import reject
from potmeter.presentation.arguments import common_flags, parse, split_name


def gtp(argv: list[str]) -> None:
    """Read commands from standard input and answer on standard output, until ``quit``."""
    from potmeter.core.capabilities import GtpSpeaker
    from potmeter.core.loading import load_resolved
    from potmeter.core.signature import Parameter, Range

    name, rest = split_name("gtp", argv)
    reference = registry.resolve(name)
    own = [
        Parameter(
            "playouts", int, 400, range=Range(2, 100_000), help="visits of the root for each move, without a clock"
        ),
        Parameter("board", bool, False, help="for playing by hand: take moves alone too, answer them, draw the board"),
        *common_flags("weights", "device"),
    ]
    values = parse(f"potmeter gtp {name}", own, rest, "Play Go in the Go Text Protocol, version 2.")
    given = {p.name: p.convert(values[p.name]) for p in own}
    system = load_resolved(reference, choose_weights(reference, given["weights"]), given["device"])
    isinstance(system, GtpSpeaker) or reject("This system does not speak GTP.", name)
    lines = read_lines(sys.stdin.buffer)
    for answer in system.gtp(given["playouts"]).serve(by_hand(lines) if given["board"] else lines):
        print(answer, end="", flush=True)


def read_lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of standard input as they come; bytes that are no text are replaced, so that they end nothing."""
    for line in iter(stream.readline, b""):
        yield line.decode("utf-8", "replace")


def by_hand(lines: Iterator[str]) -> Iterator[str]:
    """What a person types as commands: a move is Black's, which White answers; anything else stays as it is."""
    yield "showboard"
    for line in lines:
        word = line.strip()
        if word.casefold() == "pass" or (word[:1].isalpha() and word[1:].isdigit()):
            yield f"play black {word}"
            yield "genmove white"
            yield "showboard"
        else:
            yield line
