"""R's databases give their text, and a broken or hostile one gives an error, quickly."""

import contextlib
import gzip
import random
import struct
import zlib

import pytest

from potmeter.data.formats.rdata import read_rdb
from potmeter.data.sets.austen import LIFETIME, POSTHUMOUS, austen, paragraphs
from potmeter.errors import UserError

HEADER = b"X\n" + struct.pack(">3i", 3, 0x040201, 0x030500) + struct.pack(">i", 5) + b"UTF-8"


def characters(text):
    return struct.pack(">ii", 0x40009, -1 if text is None else len(text.encode())) + (text or "").encode()


def strings(*texts):
    return struct.pack(">ii", 16, len(texts)) + b"".join(map(characters, texts))


def integers(*numbers):
    return struct.pack(f">ii{len(numbers)}i", 13, len(numbers), *numbers)


def named_list(symbol, **values):
    """A list with names; R writes a symbol once, and refers to it afterwards."""
    tag = struct.pack(">i", 1) + characters("names") if symbol else struct.pack(">i", 0x1FF)
    attributes = struct.pack(">i", 0x402) + tag + strings(*values) + struct.pack(">i", 0xFE)
    return struct.pack(">ii", 0x213, len(values)) + b"".join(values.values()) + attributes


def database(folder, **values):
    """A .rdb file with its .rdx, as R's tools make them."""
    body, places = b"", {}
    for name, value in values.items():
        content = HEADER + value
        packed = struct.pack(">I", len(content)) + zlib.compress(content)
        places[name] = integers(len(body), len(packed))
        body += packed
    index = HEADER + named_list(False, variables=named_list(True, **places), compressed=integers(1))
    (folder / "Rdata.rdb").write_bytes(body)
    (folder / "Rdata.rdx").write_bytes(gzip.compress(index))
    return folder / "Rdata.rdb"


def test_variables_come_back_by_name(tmp_path):
    path = database(tmp_path, poem=strings("Égészséges", "", None), numbers=integers(3, -4))
    assert read_rdb(path) == {"poem": ["Égészséges", "", None], "numbers": [3, -4]}


def test_what_is_not_data_is_refused(tmp_path):
    closure = struct.pack(">ii", 3, 0)
    with pytest.raises(UserError, match=r"type 3.*Received: Rdata.rdb"):
        read_rdb(database(tmp_path, f=closure))


def test_lengths_that_lie_are_refused(tmp_path):
    for value in (struct.pack(">ii", 16, 2**31 - 1), struct.pack(">ii", 13, -5), struct.pack(">ii", 9, 2**30)):
        with pytest.raises(UserError, match="it wants"):
            read_rdb(database(tmp_path, x=value))
    with pytest.raises(UserError, match="nested too deeply"):
        read_rdb(database(tmp_path, x=struct.pack(">ii", 19, 1) * 100_000))


def test_a_bomb_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("potmeter.data.formats.rdata.MAX_BYTES", 10_000)
    with pytest.raises(UserError, match="more than is allowed"):
        read_rdb(database(tmp_path, x=strings("x" * 100_000)))


def test_missing_files_are_told(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_rdb(tmp_path / "Rdata.rdb")


def test_no_damage_gives_anything_but_a_user_error(tmp_path):
    path, rng = database(tmp_path, poem=strings("It was", "a truth"), more=integers(1, 2, 3)), random.Random(0)
    body, index = path.read_bytes(), gzip.decompress(path.with_suffix(".rdx").read_bytes())
    read = 0
    for _ in range(500):
        broken = bytearray(index)
        for _ in range(rng.randint(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        path.with_suffix(".rdx").write_bytes(gzip.compress(broken[: rng.randint(1, len(broken))], 0))
        path.write_bytes(body[: rng.randint(1, len(body))])
        with contextlib.suppress(UserError):  # damage to a number may be no damage to the form
            assert isinstance(read_rdb(path), dict)
            read += 1
    assert read < 250, "most damage is noticed"


def test_printed_lines_become_paragraphs():
    assert list(paragraphs(["", "CHAPTER 1", "", "  She was", "young.  He", "", "", "too."])) == [
        "CHAPTER 1",
        "She was young. He",
        "too.",
    ]


@pytest.mark.network
def test_the_six_novels_are_whole():
    novels = austen()
    assert tuple(novels) == (*LIFETIME, *POSTHUMOUS)
    assert (
        novels["prideprejudice"].splitlines()[6].startswith("It is a truth universally acknowledged, that a single man")
    )
    assert novels["persuasion"].startswith("Persuasion\n\nby\n\nJane Austen") and novels["persuasion"].endswith(
        "Finis\n"
    )
    assert all(400_000 < len(text) < 900_000 for text in novels.values())
