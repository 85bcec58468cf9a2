"""Text."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

from potmeter.errors import UserError
from potmeter.media.medium import Medium, read_bytes


@dataclass(frozen=True, eq=False)
class Text(Medium):
    """A piece of text.

    Example:
        >>> Text("It was a truth").json()
        'It was a truth'
    """

    text: str

    suffix = ".txt"
    noun = "a text"
    suffixes = (".txt", ".md")

    @classmethod
    def open(cls, path: str | Path) -> Text:
        """Read a UTF-8 text file, without the byte-order mark that spreadsheets put first."""
        try:
            return cls(read_bytes(path).decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8 text (byte {error.start}).", received=str(path)) from None

    @property
    def lines(self) -> list[str]:
        """The lines, each ended by a line feed alone: other signs that end lines may stand within a sentence."""
        return self.text.replace("\r\n", "\n").removesuffix("\n").split("\n") if self.text else []

    def encode(self, suffix: str) -> bytes:
        return self.text.encode()

    def html(self) -> str:
        return f'<pre class="text">{html.escape(self.text)}</pre>'

    def json(self) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text
