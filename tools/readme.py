"""Write the README's table of figures, from what each ``system.json`` says and the figures of the cards.

python tools/readme.py            write it, between the two marks
python tools/readme.py --check    only say whether it is up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from potmeter import registry
from potmeter.presentation.card import fill, read_figures

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- figures: written by tools/readme.py -->", "<!-- end of figures -->"
HEAD = "| system | slide | weights | measured on test data | compared with |\n|---|---|---|---|---|\n"
ANY = {
    "Attackable": "any classifier, segmenter, detector or captioner",
    "Classifier": "any classifier",
    "Generator": "any generator",
}
"""What a probe works on, by the first capability that it needs."""


def write_table() -> str:
    """The table: a row for each set of weights and each probe, in the lecture's order."""
    lines = [HEAD]
    for entry in sorted(registry.built_in_entries(), key=lambda entry: (entry.slide, entry.name)):
        rows = [(ANY.get("".join(entry.needs[:1]), "any network"), entry, {})] if entry.measured else []
        for tag, facts in (entry.weights | entry.artefacts).items():
            rows += [(f"`{tag}`", facts, read_figures(entry.name, tag))] if facts.measured else []
        first = (f" `{entry.name}`{' (probe)' if entry.kind == 'probe' else ''} ", f" {entry.slide} ")
        for weights, facts, figures in rows:
            cells = [f" {text} " for text in (weights, fill(facts.measured, figures), fill(facts.comparison, figures))]
            lines.append(f"|{'|'.join([*first, *cells])}|\n")
            first = (" ", " ")  # the system is named once
    return "".join(lines)


def main() -> None:
    """Read the command line."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    new = f"{before}{BEGIN}\n\n{write_table()}\n{END}{after}"
    if "--check" in sys.argv[1:]:
        raise SystemExit(0 if new == text else "README.md is not what the cards say: python tools/readme.py")
    README.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
