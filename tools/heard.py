"""Write the tables of the cards of tacotron2 and wavenet on how the shipped weights speak, and what of it is heard.

python tools/heard.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from potmeter import registry
from potmeter.core.loading import load
from potmeter.errors import UserError, shorten
from potmeter.media import Audio
from potmeter.metrics.speech import PESQ_RATE, loudness, recognise, word_errors

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
HEADS = "seconds", "LUFS", "largest sample", "largest step", "silence before, after"
"""How a sound is; what is below a hundredth of the largest sample is silence."""
PROMPTS = (
    "tt-monkeysintro",
    "tt-somethingwrong",
    "agent-newlocation",
    "queue-thankyou",
    "pbx-invalidpark",
    "privacy-prompt",
)
"""Test prompts that wavenet speaks anew."""


def head_table(*heads: str) -> str:
    """The head of a table."""
    return f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|\n"


SOUNDS = head_table("example", *HEADS, "heard")
RESYNTHESES = head_table(
    "prompt", *HEADS, "heard", "heard in the original", "words heard otherwise", "with Griffin–Lim"
)


def hear(sound: Audio) -> str:
    """What pocketsphinx hears."""
    return recognise(sound.resample(PESQ_RATE).samples) or "—"


def list_complaints(system: Any) -> str:
    """The rows of hard sentences."""
    rows = []
    for kind, text in HARD:
        try:
            spoken = system.run(text)
            attention = spoken.report.text.split("\n")[0].partition("attention: ")[2]
            heard = hear(spoken.speech)
        except UserError as error:
            attention, heard = str(error).partition(" Received:")[0], "—"
        rows.append(f"| {kind} | {shorten(text, 60)} | {attention} | {heard} |\n")
    return "".join(rows)


def describe_sound(sound: Audio) -> list[str]:
    """The cells under ``HEADS``."""
    samples = np.abs(sound.samples)
    loud = np.flatnonzero(samples >= samples.max() / 100)
    return [
        f"{sound.seconds:.1f}",
        f"{loudness(sound.samples, sound.rate):.1f}",
        f"{samples.max():.2f}",
        f"{np.abs(np.diff(sound.samples)).max():.2f}",
        f"{loud[0] / sound.rate:.2f} s, {(len(samples) - 1 - loud[-1]) / sound.rate:.2f} s",
    ]


def write_row(*cells: object) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(str, cells))} |\n"


def list_sounds(system: Any) -> str:
    """The rows of tacotron2's examples."""
    rows = []
    for example in system.examples():
        sound = system.run(**example.inputs).speech
        rows.append(write_row(example.inputs["text"], *describe_sound(sound), hear(sound)))
    return "".join(rows)


def list_resyntheses(system: Any) -> str:
    """The rows of the prompts that wavenet speaks from their spectrograms."""
    data, rows = system.data(system.config).test, []
    for number in map(data.names.index, PROMPTS):
        wave = data.wave(number)
        original, spoken, griffin_lim = (
            Audio(samples[: len(wave)].astype(np.float32), data.rate)
            for samples in (wave, system.revoice(wave, 0), system.griffin_lim(wave))
        )
        wanted, heard = hear(original), hear(spoken)
        errors = [word_errors(wanted, other) for other in (heard, hear(griffin_lim))]
        counts = [f"{wrong} of {words}" for wrong, words in errors]
        rows.append(write_row(f"`{PROMPTS[len(rows)]}`", *describe_sound(spoken), heard, wanted, *counts))
    return "".join(rows)


def replace_rows(page: str, head: str, rows: str) -> str:
    """A page with other rows in the table of this head."""
    before, _, rest = page.partition(head)
    assert rest, head
    return before + head + rows + rest[rest.index("\n\n") + 1 :]


def main() -> None:
    """Speak, listen, write."""
    tacotron2, wavenet = load("tacotron2.flite"), load("wavenet.english")
    tables: dict[str, dict[str, str]] = {
        "tacotron2": {COMPLAINTS: list_complaints(tacotron2), SOUNDS: list_sounds(tacotron2)},
        "wavenet": {RESYNTHESES: list_resyntheses(wavenet)},
    }
    for name, rows in tables.items():
        card: Path = registry.ROOT / "systems" / "speech" / name / "card.md"
        page = card.read_text(encoding="utf-8")
        for head, some in rows.items():
            page = replace_rows(page, head, some)
        card.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
