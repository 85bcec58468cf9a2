"""The command line: ``potmeter VERB SYSTEM …``.

Two stages: verb and system first, without torch; then the flags of just that system's typed signature.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback

from potmeter.core.stdio import harden_streams
from potmeter.core.user_code import describe_user_error
from potmeter.errors import UserError, out_of_memory, reject, suggest
from potmeter.notices import drop_notes, tell_notes
from potmeter.version import __version__

VERBS = {
    "list": ("potmeter.cli.catalogue:list_all", "the systems and probes there are"),
    "show": ("potmeter.cli.catalogue:show", "what a system takes, gives, knows and can be set to"),
    "run": ("potmeter.cli.run:run", "use a system: a picture, a text … in, a result out"),
    "train": ("potmeter.cli.train:train", "train a system, on its own data or on yours"),
    "eval": ("potmeter.cli.train:evaluate", "measure weights on data never trained on, beside simpler methods"),
    "tune": ("potmeter.cli.tune:tune", "search hyper-parameters: while it fails, turn and train again"),
    "bench": ("potmeter.cli.bench:bench", "measure speed beside the peer one would otherwise use"),
    "export": ("potmeter.cli.export:export", "write a system as ONNX, checked against the original"),
    "eject": ("potmeter.cli.eject:eject", "copy a system's code to a folder of your own, to change it there"),
    "fetch": ("potmeter.cli.fetch:fetch", "bring a data package, ahead of its first use"),
    "gtp": ("potmeter.cli.gtp:gtp", "play Go in the Go Text Protocol, for graphical boards and for playing by hand"),
    "tour": ("potmeter.tour:tour", "run every stop of the lecture and write a page about it"),
    "gallery": ("potmeter.gallery:gallery", "a web page for every system: put something in, see what comes out"),
}
"""Every verb: where it lives, and what it does. A verb's function takes the rest of the command line."""

HELP = f"""potmeter {__version__}: the deep-learning lecture that runs

usage: potmeter VERB [SYSTEM] […]

{chr(10).join(f"  {name:8}{text}" for name, (_, text) in VERBS.items())}

`potmeter list` shows the systems, `potmeter VERB SYSTEM --help` the flags.
"""
MEMORY = "This takes more memory than there is: choose something smaller."


def main(argv: list[str] | None = None) -> None:
    """Run a command line. Exits with 2 for the user's mistake (one line on standard error), with 1 for ours."""
    sys.exit(execute(sys.argv[1:] if argv is None else argv))


def execute(argv: list[str]) -> int:
    """Run a command line and return its exit code."""
    with harden_streams():
        return dispatch(argv)


def dispatch(argv: list[str]) -> int:
    """Call the verb of a command line, and tell what went wrong."""
    try:
        if not argv or argv[0] in ("-h", "--help", "help"):
            print(HELP, end="")
        elif argv[0] in ("-V", "--version"):
            print(f"potmeter {__version__}")
        elif argv[0] not in VERBS:
            reject(f"The verbs are {', '.join(VERBS)}. {suggest(argv[0], VERBS)}", argv[0])
        else:
            module, _, function = VERBS[argv[0]][0].partition(":")
            drop_notes()
            getattr(importlib.import_module(module), function)(argv[1:])
            tell_notes()
        sys.stdout.flush()
    except SystemExit as stop:  # after --help
        return int(stop.code or 0)
    except UserError as error:
        if os.environ.get("RANK", "0") == "0":  # under torchrun one process speaks for all
            print(f"potmeter: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `potmeter … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        print(f"\npotmeter: interrupted{'; ' if str(stop) else ''}{stop}", file=sys.stderr)
        return 130
    except Exception as error:  # the last place that can tell it in one line, or ask for a report
        if out_of_memory(error):
            print(f"potmeter: error: {UserError(MEMORY, received=' '.join(argv))}", file=sys.stderr)
            return 2
        if isinstance(error, OSError) and error.filename is None and error.errno in (errno.ENOSPC, errno.EIO):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
            line = f"Standard output cannot be written: {os.strerror(error.errno)}."
            print(f"potmeter: error: {UserError(line, received=' '.join(argv))}", file=sys.stderr)
            return 2
        if told := describe_user_error(error, " ".join(argv)):
            print(f"potmeter: error: {told}", file=sys.stderr)
            return 2
        traceback.print_exc()
        print("potmeter: this is a bug in potmeter; please report it", file=sys.stderr)
        return 1
    return 0
