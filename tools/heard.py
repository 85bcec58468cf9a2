"""Write the tables of tacotron2's card on how the shipped weights speak: hard sentences, and the examples' sounds.

python tools/heard.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from potmeter import registry
from potmeter.core.loading import load
from potmeter.errors import UserError, shorten
from potmeter.media import Audio
from potmeter.metrics.speech import PESQ_RATE, loudness, recognise

HARD = (
    ("one word", "Yes."),
    ("one word", "Remember."),
    (
        "sixty words",
        "When the rain had stopped and the wind was still, the old man took his hat and walked slowly down the"
        " hill to the village, where his daughter lived with her three children, and where he had often sat by the fire and"
        " told them of the sea and of the ships, until it was late and all were asleep.",
    ),
    ("repeated words", "No, no, no, no, no, no."),
    ("repeated words", "The very, very, very old house."),
    ("digits", "In 1984 we paid $3.50 for 12 eggs."),
    ("digits", "Call 0036 20 123."),
    ("only punctuation", "?!"),
    ("a tongue-twister", "She sells sea shells by the sea shore."),
)
"""What users complain of."""
COMPLAINTS = "| | text | attention | heard |\n|---|---|---|---|\n"
HEADS = "example", "seconds", "LUFS", "largest sample", "largest step", "silence before, after", "heard"
SOUNDS = f"| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|\n"
"""How the examples sound; what is below a hundredth of the largest sample is silence."""


def hear(sound: Audio) -> str:
    """What pocketsphinx hears."""
    return recognise(sound.resample(PESQ_RATE).samples) or "—"


def list_complaints(system: object) -> str:
    """The rows of hard sentences."""
    rows = []
    for kind, text in HARD:
        try:
            spoken = system.run(text)  # type: ignore[attr-defined]
            attention = spoken.report.text.split("\n")[0].partition("attention: ")[2]
            heard = hear(spoken.speech)
        except UserError as error:
            attention, heard = str(error).partition(" Received:")[0], "—"
        rows.append(f"| {kind} | {shorten(text, 60)} | {attention} | {heard} |\n")
    return "".join(rows)


def list_sounds(system: object) -> str:
    """The rows of the examples' sounds."""
    rows = []
    for example in system.examples():  # type: ignore[attr-defined]
        sound = system.run(**example.inputs).speech  # type: ignore[attr-defined]
        samples = np.abs(sound.samples)
        loud = np.flatnonzero(samples >= samples.max() / 100)
        cells = [
            example.inputs["text"],
            f"{sound.seconds:.1f}",
            f"{loudness(sound.samples, sound.rate):.1f}",
            f"{samples.max():.2f}",
            f"{np.abs(np.diff(sound.samples)).max():.2f}",
            f"{loud[0] / sound.rate:.2f} s, {(len(samples) - 1 - loud[-1]) / sound.rate:.2f} s",
            hear(sound),
        ]
        rows.append(f"| {' | '.join(cells)} |\n")
    return "".join(rows)


def replace_rows(page: str, head: str, rows: str) -> str:
    """A page with other rows in the table of this head."""
    before, _, rest = page.partition(head)
    assert rest, head
    return before + head + rows + rest[rest.index("\n\n") + 1 :]


def main() -> None:
    """Speak, listen, write."""
    card: Path = registry.ROOT / "systems/speech/tacotron2/card.md"
    system = load("tacotron2.flite")
    page = replace_rows(card.read_text(encoding="utf-8"), COMPLAINTS, list_complaints(system))
    card.write_text(replace_rows(page, SOUNDS, list_sounds(system)), encoding="utf-8")


if __name__ == "__main__":
    main()
