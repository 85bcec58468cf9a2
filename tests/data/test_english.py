"""English prose: SWORD's blocks and Brown's tags are read exactly, and never trusted."""

import struct
import zlib

import pytest

from potmeter.data.formats.sword import MAX_BLOCK, strip_markup, sword
from potmeter.data.sets.english import english, split_of, strip_tags
from potmeter.errors import UserError


def module(folder, texts, name="ot", size=None, cut=0):
    """A module as SWORD writes it."""
    data, index = b"", b""
    for text in texts:
        packed = zlib.compress(text.encode())
        index += struct.pack("<III", len(data), len(packed), len(text.encode()) if size is None else size)
        data += packed
    (folder / f"{name}.bzs").write_bytes(index)
    (folder / f"{name}.bzz").write_bytes(data[: len(data) - cut])
    return folder


def test_blocks_come_in_order_without_their_marks(tmp_path):
    module(tmp_path, ["<p>New</p>"], "nt")
    module(tmp_path, ["<p><w>In</w> the</p><p>beginning</p>", "Job &amp; co"], "ot")
    assert list(sword(tmp_path)) == ["In the\nbeginning", "Job & co", "New"]


def test_notes_and_titles_are_left_out():
    assert strip_markup("<title>Psalm 1</title>Blessed<note n='a'>or: happy</note> is") == "Blessed is"


@pytest.mark.parametrize(("changes", "says"), [({"cut": 5}, "points outside"), ({"size": MAX_BLOCK + 1}, "too large")])
def test_a_damaged_module_is_told(tmp_path, changes, says):
    with pytest.raises(UserError, match=f"{says}.*Received: "):
        list(sword(module(tmp_path, ["text"], **changes)))


def test_a_block_gives_no_more_than_its_index_says(tmp_path):
    assert list(sword(module(tmp_path, ["a" * 1_000_000], size=10))) == ["a" * 10]


def test_what_is_no_module_is_told(tmp_path):
    with pytest.raises(UserError, match="no SWORD module"):
        list(sword(tmp_path))
    module(tmp_path, ["text"])
    (tmp_path / "ot.bzz").write_bytes(b"not compressed at all, but long enough")
    with pytest.raises(UserError, match="broken block"):
        list(sword(tmp_path))
    (tmp_path / "ot.bzs").write_bytes(b"12345")
    with pytest.raises(UserError, match="multiple of 12"):
        list(sword(tmp_path))


def test_brown_loses_its_tags():
    assert strip_tags("\n\n\tThe/at 1/2/cd jury/nn\n") == "The 1/2 jury"


def test_two_of_forty_documents_are_held_out():
    parts = [split_of(n) for n in range(80)]
    assert parts.count("valid") == parts.count("test") == 2


@pytest.mark.network
def test_the_english_corpus():
    parts = english()
    assert {part: len(texts) for part, texts in parts.items()}.keys() == {"train", "valid", "test"}
    assert sum(map(len, parts["train"])) > 39_000_000 and sum(map(len, parts["test"])) > 1_000_000
    assert any("Call me Ishmael" in text for text in parts["train"])
