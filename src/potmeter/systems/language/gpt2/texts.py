"""Text to train on and to be measured on: files of any size, read a piece at a time, and held-out parts of them."""

from __future__ import annotations

import codecs
import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from potmeter.data.fingerprint import digest
from potmeter.data.sets.austen import LIFETIME, POSTHUMOUS, austen
from potmeter.data.splits import Splits
from potmeter.errors import UserError, reject

CHUNK = 2**14
"""Bytes that are read, and characters that are tokenised, at once: the tokenizer takes a hundred times as much memory, and
while a vocabulary is learnt it holds 256 of them."""
PIECE = 1000
"""Characters of a held-out text that count as one sample, more or less: it is cut before a space."""
HELD = 2**20
"""Most bytes of a user's text that are held out for validation, and as many for testing."""
SUFFIXES = (".txt", ".md")
PLACES = {
    "kitchen": "kettle ladle oven saucepan sieve spoon",
    "garden": "rake rose shed spade tulip wheelbarrow",
    "harbour": "anchor buoy crane ferry lighthouse sail",
    "school": "blackboard desk globe inkwell satchel ruler",
    "farm": "barn cow haystack plough tractor trough",
    "station": "clock engine platform porter signal ticket",
}
"""What the generated sentences are about."""


@dataclass(frozen=True)
class Document:
    """A text in memory, or a stretch of a text file that is read only when it is asked for."""

    source: str | Path
    start: int = 0
    end: int = 0
    """Bytes of the file."""

    def chunks(self) -> Iterator[str]:
        """The text in parts of about ``CHUNK`` characters, cut before a space where there is one."""
        rest = ""
        for text in [self.source] if isinstance(self.source, str) else self.decoded(self.source):
            rest, begin = rest + text, 0
            while len(rest) - begin > CHUNK:
                cut = cut_before_space(rest, begin + CHUNK)
                yield rest[begin:cut]
                begin = cut
            rest = rest[begin:]
        if rest:
            yield rest

    def decoded(self, path: Path) -> Iterator[str]:
        """The file's text as it is read. Raises UserError for what is no UTF-8 text."""
        decoder, at = codecs.getincrementaldecoder("utf-8-sig")(), self.start
        try:
            with open(path, "rb") as file:
                file.seek(at)
                while data := file.read(min(CHUNK, self.end - at)):
                    b"\0" not in data or reject(f"{path} is not text: it has null bytes.", str(path))
                    yield decoder.decode(data, final=at + len(data) >= self.end)
                    at += len(data)
        except UnicodeDecodeError as error:
            place = at + error.start
            raise UserError(f"{path} is not UTF-8 text (near byte {place:,}).", received=str(path)) from None
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None


@dataclass(frozen=True)
class Corpus:
    """Documents to train on."""

    documents: tuple[Document, ...]

    def chunks(self) -> Iterator[str]:
        """The text in parts, one document after the other."""
        for document in self.documents:
            yield from document.chunks()

    def head(self, size: int) -> str:
        """The first ``size`` characters or a little more, with an empty line between documents."""
        parts: list[str] = []
        for document in self.documents:
            for chunk in document.chunks():
                parts.append(chunk)
                if (size := size - len(chunk)) <= 0:
                    return "".join(parts)
            parts.append("\n\n")
        return "".join(parts)

    def fingerprint(self) -> str:
        """A digest of the whole text."""
        total = hashlib.sha256()
        for document in self.documents:
            for chunk in document.chunks():
                total.update(chunk.encode("utf-8", "surrogatepass"))
            total.update(b"\xff")  # no text has this byte
        return total.hexdigest()


@dataclass(frozen=True)
class Held:
    """A held-out text, in pieces that follow each other: its samples."""

    pieces: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pieces)

    @property
    def text(self) -> str:
        """The whole of it."""
        return "".join(self.pieces)

    def fingerprint(self) -> str:
        """A digest of the text."""
        return digest(self.pieces)

    def select(self, indices: Sequence[int]) -> Held:
        """Only these pieces."""
        return Held(tuple(self.pieces[i] for i in indices))

    def head(self, n: int) -> Held:
        """The first ``n`` pieces."""
        return Held(self.pieces[:n])

    @classmethod
    def of(cls, text: str) -> Held:
        """A text cut into pieces."""
        pieces = []
        while len(text) > PIECE:
            cut = cut_before_space(text, PIECE)
            pieces.append(text[:cut])
            text = text[cut:]
        return cls((*pieces, text) if text else tuple(pieces))


def cut_before_space(text: str, near: int) -> int:
    """A place at or before ``near`` where the text may be cut without cutting a word, if there is one in reach.

    Before a single space or line end: words are tokens together with the space before them.
    """
    for place in range(near, max(near - 500, 1), -1):
        if text[place].isspace() and not text[place - 1].isspace() and not text[place + 1 : place + 2].isspace():
            return place
    return near


def texts(source: str) -> Splits:
    """Training, validation and test text by a word, or of a user's file or folder.

    Args:
        source: ``austen``: the four novels that appeared in her lifetime are trained on, Northanger Abbey validates,
            Persuasion tests. ``walks``: generated sentences. Else a text file, or a folder of them: of the last tenth
            of their bytes the first half validates and the second tests, each a megabyte at most.

    Raises:
        UserError: When the text is missing, empty or no UTF-8 text.
    """
    if source == "austen":
        novels = austen()
        valid, test = (Held.of(novels[name]) for name in POSTHUMOUS)
        return Splits(Corpus(tuple(Document(novels[name]) for name in LIFETIME)), valid, test, origin="austen")
    if source == "walks":
        parts = [walks(lines, seed) for seed, lines in enumerate((4000, 100, 400))]
        return Splits(Corpus((Document(parts[0]),)), Held.of(parts[1]), Held.of(parts[2]), origin="walks")
    return own(Path(source))


def walks(lines: int, seed: int) -> str:
    """Generated sentences that stay in one place: what stands there depends on a word that was read long ago.

    Counts of n-grams have forgotten the place when the next thing is due; who can look back, knows it.
    """
    rng = random.Random(seed)

    def line(place: str) -> str:
        things = rng.choices(PLACES[place].split(), k=5)
        return f"In the {place} there was a " + ", and not far from it there was a ".join(things) + ".\n"

    return "".join(line(rng.choice(list(PLACES))) for _ in range(lines))


def own(path: Path) -> Splits:
    """A user's file, or the text files in a folder and those in it."""
    files = (
        sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()) if path.is_dir() else [path]
    )
    files or reject(f"The folder holds no file of kind {', '.join(SUFFIXES)}.", str(path))
    try:
        sizes = [file.stat().st_size for file in files]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path} cannot be read: {reason}.", received=str(path)) from None
    sum(sizes) > 0 or reject(f"{path} is empty.", "0 bytes")
    held = min(sum(sizes) // 20, HELD)
    ends = [0, sum(sizes) - 2 * held, sum(sizes) - held, sum(sizes)]
    try:
        train, valid, test = (stretch(files, sizes, a, b, held // 2) for a, b in pairwise(ends))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None
    parts = [Held.of("".join(text for d in part for text in d.chunks())) for part in (valid, test)]
    (train and all(parts)) or reject(f"{path} is too short to hold a part of it out.", f"{sum(sizes):,} bytes")
    return Splits(Corpus(tuple(train)), parts[0], parts[1])


def stretch(files: list[Path], sizes: list[int], start: int, end: int, reach: int) -> list[Document]:
    """The documents between two bytes of all files laid end to end, cut where a line or at least a character begins."""
    found, at = [], 0
    for file, size in zip(files, sizes, strict=True):
        first, last = (line_start(file, min(max(place - at, 0), size), size, reach) for place in (start, end))
        if first < last:
            found.append(Document(file, first, last))
        at += size
    return found


def line_start(file: Path, place: int, size: int, reach: int) -> int:
    """The first place, from here on, where a line begins; without one in ``reach`` bytes, where a character does."""
    if place in (0, size):
        return place
    with open(file, "rb") as opened:
        opened.seek(place)
        data = opened.read(min(max(reach, 4), CHUNK))
    after = data.find(b"\n", 0, reach) + 1
    return place + (after or next((n for n, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0))
