"""Hostile command lines: no traceback, no hang, exit 0 or 2 with one line; what asks for JSON and succeeds gets JSON."""

import contextlib
import io
import json
import os
import random
import signal
from dataclasses import MISSING
from pathlib import Path

import numpy as np
import pytest

from potmeter import media, registry
from potmeter.cli import execute
from potmeter.core import loading
from potmeter.core.signature import Parameter, parameters, tasks
from potmeter.presentation.flags import flag_name

LIMIT = 120
"""Seconds, on a machine that does other things besides, after which a command line counts as hanging."""
NAMES = ["", "-", ":", ".", "..", "./", "/", "nosuch", "vae.", "vae:", ":run", "vae::run", "vae.digits.plane", "vae.nosuch",
         "vae:nosuch", "VAE", "vae digits", "\0", "vae\0", "a" * 5000, "../../etc", "日本語", os.fsdecode(b"\xff")]  # fmt: skip
TEXTS = ["", " ", "\n\n", "\0", "a\0b", os.fsdecode(b"\xff\xfe"), "x" * 5000, "--top", "-1", "%s%n${HOME}$(id)", "e\u0301\u200d🏳️‍🌈",
         "../..", "/etc/passwd", "/etc", "~", "no such file.txt", "\u202e", "İ", "]]>", "0"]  # fmt: skip
NUMBERS = [
    "",
    "x",
    "-1",
    "0",
    "1.5",
    "nan",
    "inf",
    "-inf",
    "1e309",
    "1e-400",
    "9" * 40,
    "0x10",
    "−3",
    "true",
    " 1",
]
DEVICES = ["cpu", "cuda:99", "tpu", "", "cuda:x", "\0"]
WEIGHTS = ["nosuch", "..", "/etc", "\0", "", "digits", "a/b", "/dev/null", "x" * 300]
PLACES = [
    "x.xyz",
    "",
    ".",
    "/",
    "/dev/null/x.png",
    "\0.png",
    "y" * 300 + ".png",
    "deep/er/",
    "~nobody/x.png",
    "file.txt/x.png",
]


class Hanging(BaseException):
    """The time is over."""


@pytest.fixture
def folder(elsewhere, monkeypatch) -> Path:
    """Files of every hostile kind, and loaded systems that are kept; nothing is asked of a network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("POTMETER_OFFLINE", "1")
    picture = media.Image((np.arange(40 * 40 * 3) % 256).reshape(40, 40, 3).astype(np.uint8))
    picture.save("good.png")
    media.Image(np.zeros((1, 1, 3), np.uint8)).save("one.png")
    media.Image(np.zeros((1, 4000, 3), np.uint8)).save("long.png")
    media.Table(("x", "y"), [(0.0, 1.0), (1.0, 2.0)]).save("good.csv")
    (elsewhere / "empty.png").touch()
    (elsewhere / "noise.png").write_bytes(random.Random(0).randbytes(500))
    (elsewhere / "cut.png").write_bytes((elsewhere / "good.png").read_bytes()[:200])
    (elsewhere / "text.png").write_text("I am a text")
    (elsewhere / "file.txt").write_text("Some words.\nAnd more.\n")
    (elsewhere / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    (elsewhere / "zero.txt").write_bytes(b"a\0b")
    (elsewhere / "ragged.csv").write_text("a,b\n1\n1,2,3\n")
    (elsewhere / "loop").symlink_to("loop")
    (elsewhere / "nothing").mkdir()
    (elsewhere / "pictures").mkdir()
    picture.save("pictures/a.png")
    (elsewhere / "pictures" / "b.png").write_text("broken")
    kept, load = {}, loading.load_resolved

    def keep(reference, weights, device):
        key = (reference.entry.word, reference.tag, str(weights), device)
        if key not in kept:
            if len(kept) > 6:
                kept.clear()
            kept[key] = load(reference, weights, device)
        return kept[key]

    monkeypatch.setattr(loading, "load_resolved", keep)
    return elsewhere


FILES = ["good.png", "one.png", "long.png", "good.csv", "empty.png", "noise.png", "cut.png", "text.png", "file.txt", "latin.txt",
         "zero.txt", "ragged.csv", "loop", "nothing", "pictures", "missing.png", "missing.txt", "/dev/null", ".", "\0.png",
         "z" * 300 + ".png", "http://127.0.0.1/x.png"]  # fmt: skip


def value(draw: random.Random, p: Parameter) -> str:
    """A value of a parameter, good or bad: never more work than its least."""
    hostile = draw.random() < 0.5
    if p.medium:
        good = {media.Image: "good.png", media.Table: "good.csv"}.get(p.type, "Some words.")
        return draw.choice(FILES) if hostile else good
    if p.type in (int, float):
        least = p.range.low if p.range and np.isfinite(p.range.low) else 1
        return draw.choice(NUMBERS) if hostile else str(p.type(least))
    if p.type is str:
        return draw.choice(TEXTS + FILES) if hostile else "good"
    return draw.choice(TEXTS)


def line_of(draw: random.Random) -> list[str]:
    """A command line about some system, tag and task."""
    entry = draw.choice(list(registry.entries().values()))
    tag = draw.choice(["", *(f".{tag}" for tag in entry.weights)])
    known = tasks(entry.load())
    task = draw.choice(list(known))
    name = f"{entry.name}{tag}" + ("" if task == "run" else f":{task}")
    name = draw.choice(NAMES) if draw.random() < 0.1 else name
    words: list[str] = []
    for p in parameters(known[task]):
        if p.positional and (p.default is MISSING or draw.random() < 0.8):
            words += [value(draw, p) for _ in range(draw.choice([1, 1, 2, 5]) if p.many else 1)]
        elif not p.positional and (p.type is int or draw.random() < 0.4):  # whole numbers say how much work it is
            words += [f"--{flag_name(p.name)}", *([value(draw, p)] if p.type is not bool else [])]
    extra = {"--weights": WEIGHTS, "--out": PLACES, "--device": DEVICES, "--seed": NUMBERS}
    for flag, values in extra.items():
        if draw.random() < 0.15:
            words += [flag, draw.choice(values)]
    words += ["--json"] * (draw.random() < 0.4) + [draw.choice(TEXTS)] * (draw.random() < 0.1)
    if draw.random() < 0.1:
        draw.shuffle(words)
    return ["run", name, *words]


def other_line(draw: random.Random) -> list[str]:
    """A command line of another verb, with something in it that cannot be, so that no work begins."""
    name = draw.choice([*NAMES, *registry.entries(), "classifier.imagenet", "vae.plane"])
    bad = draw.choice([["--nosuch"], ["--steps", draw.choice(["-1", "x", ""])], ["--device", "tpu"], ["--lr", "nan"],
                       ["--preset", "nosuch"], ["--weights", draw.choice(["nosuch", "\0"])], ["--data", "\0"], ["--budget", "soon"],
                       ["--from", "nosuch"], ["--out", "x.xyz"], [draw.choice(TEXTS)]])  # fmt: skip
    verb = draw.choice(
        ["show", "train", "eval", "export", "tune", "bench", "eject", "fetch", "tour", "list", draw.choice(TEXTS)]
    )
    if verb in ("bench", "eject", "fetch", "tour", "list"):
        return [verb, *([name] if verb in ("bench", "eject") else []), "--nosuch", *bad]
    if verb == "eval":  # some of what cannot be there is for other verbs
        return [verb, name, *bad, "--nosuch"]
    return [verb, name, *bad, *["--json"] * (draw.random() < 0.3), *["--nosuch"] * (verb != "show")]


def check(argv: list[str]) -> str | None:
    """What is wrong with how a command line ends; None when nothing is."""
    out, err = io.StringIO(), io.StringIO()

    def hang(*_: object) -> None:
        raise Hanging

    previous = signal.signal(signal.SIGALRM, hang)
    signal.alarm(LIMIT)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = execute(argv)
    except Hanging:
        return f"longer than {LIMIT} s"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    told = [line for line in err.getvalue().splitlines() if line.startswith("potmeter: error: ")]
    if "Traceback" in err.getvalue() or code not in (0, 2):
        return f"exit {code}: {err.getvalue()[-600:]}"
    if code == 2 and (len(told) != 1 or not err.getvalue().endswith(f"{told[0]}\n")):
        return f"not one line: {err.getvalue()[-600:]!r}"
    if code == 0 and "--json" in argv and not {"-h", "--help"} & set(argv):
        try:
            json.loads(out.getvalue(), parse_constant=lambda name: pytest.fail(name))
        except ValueError as error:
            return f"no JSON: {error}: {out.getvalue()[:200]!r}"
    return None


def fuzz(count: int, seed: int) -> list[tuple[list[str], str]]:
    """The command lines, of so many, that end wrongly."""
    draw, wrong = random.Random(seed), []
    for _ in range(count):
        argv = other_line(draw) if draw.random() < 0.2 else line_of(draw)
        if problem := check(argv):
            wrong.append((argv, problem))
    return wrong


def test_hostile_command_lines_end_in_one_line(folder):
    assert fuzz(200, 0) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 11))
def test_ten_thousand_hostile_command_lines_end_in_one_line(folder, seed):
    assert fuzz(1000, seed) == []


@pytest.mark.parametrize("words", [["run", "classifier.imagenet:learning_curve"], ["run", "classifier.robust:learning_curve", "--steps", "1"],
                                   ["run", "vae.digits:plane"], ["eval", "classifier.photos4", "--data", "nothing"]])  # fmt: skip
def test_what_a_tag_cannot_do_is_told(folder, words):
    assert check(words) is None
