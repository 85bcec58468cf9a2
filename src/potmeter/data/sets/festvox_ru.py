"""Russian sentences read by one man, which the voice of a synthesis program was made from: real speech, with its text."""

from __future__ import annotations

import re

from potmeter.data.fetching.fetch import fetch
from potmeter.data.speech import SpeechData, read_sound
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Text

FOLDER = "usr/share/festival/voices/russian/msu_ru_nsh_clunits"
LINE = re.compile(r'\( (\w+) "(.*)" \)')
HELD_OUT_INTERVAL = 20
"""Of so many sentences one is for validation and the next one for testing."""


def festvox_ru() -> Splits:
    """All sentences; every twentieth is for validation, the one after it for testing.

    A plus before a stressed vowel, which the voice's builders wrote, is left out.

    Raises:
        UserError: When the package cannot be fetched, or does not hold what it should.
    """
    folder = fetch("festvox-ru") / FOLDER
    found = LINE.findall(Text.open(folder / "etc" / "txt.done.data").text)
    found or reject("The package does not hold the sentences.", "festvox-ru")
    texts = [text.replace("+", "") for _, text in found]
    paths = [folder / "wav" / f"{name}.wav" for name, _ in found]
    whole = SpeechData(
        texts, lambda i: read_sound(paths[i]), origin=("festvox-ru", 1), names=[name for name, _ in found]
    )
    numbers = {"valid": HELD_OUT_INTERVAL - 2, "test": HELD_OUT_INTERVAL - 1}
    held = {part: [i for i in range(len(texts)) if i % HELD_OUT_INTERVAL == place] for part, place in numbers.items()}
    train = [i for i in range(len(texts)) if i % HELD_OUT_INTERVAL not in numbers.values()]
    return Splits(whole.select(train), whole.select(held["valid"]), whole.select(held["test"]), dataset="festvox-ru")
