"""Systems that take their time, so that one can watch, stop and queue; and one whose choices only loaded weights know."""

import time
from collections.abc import Iterator
from typing import Annotated, Literal

from potmeter.core.progress import progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example
from potmeter.errors import reject
from potmeter.media import Audio, Text
from tour.fake_stops import Fake


class Poet(Fake):
    """Writes slowly."""

    name = "poet"
    written: list[int] = []

    def run(self, prompt: str = "Once", *, words: Annotated[int, Range(1, 500)] = 20, seed: int | None = None,
            pace: Annotated[float, Range(0, 1)] = 0.02) -> Iterator[Text]:  # fmt: skip
        """Continue a text, word by word.

        Args:
            prompt: how it begins
            words: how many
            seed: start of the random numbers
            pace: seconds for each
        """
        text = f"{prompt} {seed}"
        for number in range(words):
            time.sleep(pace)
            text += f" {number}"
            yield Text(text)

    @task
    def ponder(self, *, steps: Annotated[int, Range(1, 1000)] = 10, pace: Annotated[float, Range(0, 1)] = 0.02) -> Text:
        """Think in steps."""
        for _ in progress(range(steps), "pondering"):
            time.sleep(pace)
        return Text(f"{steps} steps")

    def examples(self):
        return [
            Example("A continuation", prompt="It was", words=5, seed=3),
            Example("A thought", task="ponder", steps=4),
        ]


class Chooser(Fake):
    """Has to be loaded before one knows what there is to choose."""

    name = "chooser"

    @classmethod
    def from_pretrained(cls, where=None):
        where != "broken" or reject("These weights are broken.", where)
        return super().from_pretrained(where)

    @property
    def voices(self):
        return ["alto", "bass"]

    def run(self, text: Text, *, voice: Annotated[str, Choice("voices")] = "alto", mood: Literal["calm", "gay"] = "calm",
            loud: bool = False, sizes: tuple[int, ...] = (3, 4), sound: Audio | None = None) -> Text:  # fmt: skip
        """Say it."""
        return Text(f"{voice} {mood} {loud} {sizes} {sound and sound.rate}: {text.text}")

    def examples(self):
        return [Example("said", text="hello", voice="bass", loud=True)]
