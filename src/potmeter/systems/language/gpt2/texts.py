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
from potmeter.data.texts import TextFiles, find_texts, read_whole_files
from potmeter.errors import UserError, reject

CHUNK_SIZE = 2**14
"""Bytes that are read, and characters that are tokenised, at once: the tokenizer takes a hundred times as much memory, and
while a vocabulary is learnt it holds 256 chunks."""
PIECE_LENGTH = 1000
"""Characters of a held-out text that count as one sample, more or less: it is cut before a space."""
MAX_HELD_OUT = 2**20
"""Most bytes of a user's text that are held out for validation, and as many for testing."""
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
        """The text in parts of about ``CHUNK_SIZE`` characters, cut before a space where there is one."""
        rest = ""
        for text in [self.source] if isinstance(self.source, str) else self.decode_file(self.source):
            rest, start = rest + text, 0
            while len(rest) - start > CHUNK_SIZE:
                cut = cut_before_space(rest, start + CHUNK_SIZE)
                yield rest[start:cut]
                start = cut
            rest = rest[start:]
        if rest:
            yield rest

    def decode_file(self, path: Path) -> Iterator[str]:
        """The file's text as it is read. Raises UserError for what is no UTF-8 text."""
        decoder, position = codecs.getincrementaldecoder("utf-8-sig")(), self.start
        try:
            with open(path, "rb") as file:
                file.seek(position)
                while data := file.read(min(CHUNK_SIZE, self.end - position)):
                    b"\0" not in data or reject(f"{path} is not text: it has null bytes.", str(path))
                    yield decoder.decode(data, final=position + len(data) >= self.end)
                    position += len(data)
        except UnicodeDecodeError as error:
            raise UserError(
                f"{path} is not UTF-8 text (near byte {position + error.start:,}).", received=str(path)
            ) from None
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None


@dataclass(frozen=True)
class Corpus:
    """Documents to train on."""

    documents: tuple[Document, ...]
    digests: tuple[str, ...] = ()
    """Of a user's files: one of the whole of each."""

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
        whole = hashlib.sha256()
        for document in self.documents:
            for chunk in document.chunks():
                whole.update(chunk.encode("utf-8", "surrogatepass"))
            whole.update(b"\xff")  # no text has this byte
        return whole.hexdigest()


@dataclass(frozen=True)
class HeldOut:
    """A held-out text, in consecutive pieces: the samples of which a metric is the mean."""

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

    def select(self, indices: Sequence[int]) -> HeldOut:
        """Only these pieces."""
        return HeldOut(tuple(self.pieces[i] for i in indices))

    def head(self, n: int) -> HeldOut:
        """The first ``n`` pieces."""
        return HeldOut(self.pieces[:n])

    @classmethod
    def split(cls, text: str) -> HeldOut:
        """A text cut into pieces of about ``PIECE_LENGTH`` characters."""
        pieces = []
        while len(text) > PIECE_LENGTH:
            cut = cut_before_space(text, PIECE_LENGTH)
            pieces.append(text[:cut])
            text = text[cut:]
        return cls((*pieces, text) if text else tuple(pieces))


def cut_before_space(text: str, near: int) -> int:
    """The last index up to ``near`` at which the text may be cut without cutting a word, if there is one in reach.

    Before a single space or line end: words are tokens together with the space before them.
    """
    for i in range(near, max(near - 500, 1), -1):
        if text[i].isspace() and not text[i - 1].isspace() and not text[i + 1 : i + 2].isspace():
            return i
    return near


def load_texts(source: str) -> Splits:
    """Training, validation and test text: of a data set by its name, or of a user's file or folder.

    Args:
        source: ``austen``: the four novels that appeared in her lifetime are trained on, Northanger Abbey validates,
            Persuasion tests. ``walks``: generated sentences. Else a text file, or a folder of them: of the last tenth
            of their bytes the first half validates and the second tests, each a megabyte at most.

    Raises:
        UserError: When the text is missing, empty or no UTF-8 text.
    """
    if source == "austen":
        novels = austen()
        valid, test = (HeldOut.split(novels[name]) for name in POSTHUMOUS)
        return Splits(Corpus(tuple(Document(novels[name]) for name in LIFETIME)), valid, test, dataset="austen")
    if source == "walks":
        parts = [generate_walks(lines, seed) for seed, lines in enumerate((4000, 100, 400))]
        return Splits(Corpus((Document(parts[0]),)), HeldOut.split(parts[1]), HeldOut.split(parts[2]), dataset="walks")
    return split_files(Path(source))


def generate_walks(lines: int, seed: int) -> str:
    """Generated sentences, walks past five things of one place: which things stand there depends on a word far back.

    An n-gram has lost the place from its context when the next thing is due; attention still reaches it.
    """
    rng = random.Random(seed)

    def sentence(place: str) -> str:
        things = rng.choices(PLACES[place].split(), k=5)
        return f"In the {place} there was a " + ", and not far from it there was a ".join(things) + ".\n"

    return "".join(sentence(rng.choice(list(PLACES))) for _ in range(lines))


def split_files(path: Path) -> Splits:
    """A user's text file, or all text files below a folder, split by bytes."""
    files = find_texts(path) if path.is_dir() else [path]
    try:
        sizes = [file.stat().st_size for file in files]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path} cannot be read: {reason}.", received=str(path)) from None
    sum(sizes) > 0 or reject(f"{path} is empty.", "0 bytes")
    held_out = min(sum(sizes) // 20, MAX_HELD_OUT)
    bounds = [0, sum(sizes) - 2 * held_out, sum(sizes) - held_out, sum(sizes)]
    try:
        train, valid, test = (
            documents_between(files, sizes, start, end, held_out // 2) for start, end in pairwise(bounds)
        )
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None
    parts = [HeldOut.split("".join(text for d in part for text in d.chunks())) for part in (valid, test)]
    (train and all(parts)) or reject(f"{path} is too short to hold a part of it out.", f"{sum(sizes):,} bytes")
    whole = TextFiles(tuple(files), lambda paths: HeldOut.split("".join(read_whole_files(paths))))
    return Splits(Corpus(tuple(train), whole.digests), parts[0], parts[1], unsplit=whole)


def documents_between(files: list[Path], sizes: list[int], start: int, end: int, reach: int) -> list[Document]:
    """The documents between two bytes of all files laid end to end, cut where a line or at least a character begins."""
    documents, offset = [], 0  # the offset is where the file begins
    for file, size in zip(files, sizes, strict=True):
        bounds = (min(max(position - offset, 0), size) for position in (start, end))
        first, last = (find_line_start(file, position, size, reach) for position in bounds)
        if first < last:
            documents.append(Document(file, first, last))
        offset += size
    return documents


def find_line_start(file: Path, position: int, size: int, reach: int) -> int:
    """The first byte, from here on, where a line begins; without one in ``reach`` bytes, where a character does."""
    if position in (0, size):
        return position
    with open(file, "rb") as stream:
        stream.seek(position)
        data = stream.read(min(max(reach, 4), CHUNK_SIZE))
    after_line = data.find(b"\n", 0, reach) + 1
    return position + (after_line or next((n for n, byte in enumerate(data[:4]) if byte & 0xC0 != 0x80), 0))
