"""Text files have one encoding, whatever the locale of the machine: every place that opens one names it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = [path for folder in ("src", "tools", "course") for path in sorted((ROOT / folder).rglob("*.py"))]
TEMPORARY = ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "fdopen")
LIBRARIES = ("av",)
"""Their ``open`` takes a mode and opens no text."""
PROCESSES = ("run", "Popen", "check_output", "check_call", "call")


def unnamed_encodings(source: str) -> list[str]:
    """The calls of a program that read or write text in the locale's encoding."""
    return [
        ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and is_unnamed(node)
    ]


def is_unnamed(call: ast.Call) -> bool:
    """Whether a call opens text without an encoding."""
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if method else getattr(call.func, "id", "")
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    constants = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    mode = given["mode"].value if isinstance(given.get("mode"), ast.Constant) else ""
    modes = [text for text in [mode, *constants] if text and set(text) <= set("rwaxbt+")]
    library = ast.unparse(call.func).partition(".")[0]
    if "encoding" in given or None in given or library in LIBRARIES:  # None: **more
        return False
    if name in ("read_text", "write_text"):
        return len(call.args) < (1 if name == "read_text" else 2)
    if name in PROCESSES:
        return "text" in given or "universal_newlines" in given
    if name in TEMPORARY:
        return any("b" not in mode for mode in modes)
    if name == "open" and not method:
        return not any("b" in mode for mode in modes)
    return name == "open" and any("b" not in mode for mode in modes)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_file_is_opened_in_an_encoding_that_is_named(path):
    assert unnamed_encodings(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    ["open(p)", "open(p, 'w')", "open(p, mode='a+')", "p.read_text()", "p.write_text(x)", "p.open('w')", "p.open('rt')",
     "NamedTemporaryFile('w')", "tempfile.TemporaryFile(mode='w+')", "subprocess.run(words, text=True)"],
)  # fmt: skip
def test_text_in_the_locales_encoding_is_found(line):
    assert unnamed_encodings(line) == [ast.unparse(ast.parse(line))]


@pytest.mark.parametrize(
    "line",
    ["open(p, 'rb')", "open(p, encoding='utf-8')", "p.read_text('utf-8')", "p.write_text(x, encoding='utf-8')",
     "p.open('ab')", "Image.open(p)", "av.open(p, 'r')", "NamedTemporaryFile()", "subprocess.run(words, text=True, encoding='utf-8')"],
)  # fmt: skip
def test_bytes_and_named_encodings_are_let_pass(line):
    assert unnamed_encodings(line) == []
