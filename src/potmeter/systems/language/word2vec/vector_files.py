"""Word vectors in the file formats of the original program, which gensim, fastText and others read and write too.

Both begin with a line ``words dimensions``. In the binary one each word is followed by a space and its numbers as
little-endian float32; in the text one a line holds a word and its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from potmeter.errors import UserError, reject
from potmeter.media import describe

MAX_WORD = 1000
"""Longest word, in bytes."""
MAX_DIMENSIONS = 10_000
"""Longest vector."""


def write_vectors(path: str | Path, words: Sequence[str], vectors: np.ndarray) -> Path:
    """Write words and their vectors (words, D); a name that ends in ``.bin`` is written in binary, any other as text."""
    path = Path(path)
    try:
        with path.open("wb") as file:
            file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
            for word, vector in zip(words, vectors.astype("<f4"), strict=True):
                numbers = vector.tobytes() if path.suffix == ".bin" else " ".join(map(repr, vector.tolist())).encode()
                file.write(word.encode() + b" " + numbers + b"\n")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.", received=str(path)) from None
    return path


def read_vectors(path: str | Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Read words and vectors; a name that ends in ``.bin`` is read as binary, any other as text.

    A header that promises more than the file can hold is refused before any memory is taken for it.

    Returns:
        The words, and float32 (words, D).

    Raises:
        UserError: When the file is missing, damaged, or not of this format.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            count, dim = parse_header(path, file.readline(100))
            least = count * (2 + (4 if path.suffix == ".bin" else 2) * dim)
            least - 1 <= size or reject(f"{path} is too short for {count:,} vectors of {dim}.", f"{size:,} bytes")
            vectors = np.empty((count, dim), np.float32)
            words = tuple((parse_binary if path.suffix == ".bin" else parse_text)(path, file, vectors))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None
    np.isfinite(vectors).all() or reject(f"{path} has numbers that are not finite.", str(path))
    len(set(words)) == len(words) or reject(f"{path} has a word twice.", f"{len(words) - len(set(words))} times")
    return words, vectors


def parse_header(path: Path, line: bytes) -> tuple[int, int]:
    """How many words, and of how many dimensions."""
    parts = line.split()
    if len(parts) != 2 or not all(part.isdigit() and len(part) < 12 for part in parts):
        reject(f"{path} must begin with a line of two numbers, words and dimensions.", describe(line))
    count, dim = map(int, parts)
    count >= 2 or reject(f"{path} must have at least two words.", count)
    1 <= dim <= MAX_DIMENSIONS or reject(f"{path} must have from 1 to {MAX_DIMENSIONS:,} dimensions.", dim)
    return count, dim


def parse_binary(path: Path, file: IO[bytes], vectors: np.ndarray) -> Iterator[str]:
    """The words of a binary file; fills in the vectors."""
    for row in vectors:
        word = bytearray()
        while (letter := file.read(1)) != b" ":
            if not letter or len(word) > MAX_WORD:
                reject(f"{path} ends, or has no space, within a word.", f"{bytes(word[:40])!r}")
            if letter != b"\n" or word:
                word += letter
        data = file.read(row.nbytes)
        len(data) == row.nbytes or reject(f"{path} ends within a vector.", f"{len(data)} bytes")
        row[:] = np.frombuffer(data, "<f4")
        yield decode_word(path, bytes(word))


def parse_text(path: Path, file: IO[bytes], vectors: np.ndarray) -> Iterator[str]:
    """The words of a text file; fills in the vectors."""
    longest = MAX_WORD + 40 * vectors.shape[1]
    for row in vectors:
        word, *numbers = file.readline(longest).rstrip().split(b" ")
        len(numbers) == len(row) or reject(f"{path} must have {len(row)} numbers a line.", f"{len(numbers)} numbers")
        try:
            row[:] = [float(number) for number in numbers]
        except ValueError as error:
            raise UserError(f"{path} has what is no number: {error}.", received=decode_word(path, word)) from None
        yield decode_word(path, word)


def decode_word(path: Path, word: bytes) -> str:
    """A word from its bytes."""
    try:
        return word.decode() or reject(f"{path} has an empty word.", "0 bytes")
    except UnicodeDecodeError:
        raise UserError(f"{path} has a word that is not UTF-8.", received=repr(word[:40])) from None
