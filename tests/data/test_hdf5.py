"""HDF5: arrays in groups, as h5py writes them; everything else is refused in one line."""

import contextlib
import struct

import numpy as np
import pytest

from potmeter.data.formats import hdf5
from potmeter.data.formats.hdf5 import read_hdf5
from potmeter.errors import UserError


def message(kind, body):
    """A message of an object's header, padded to 8 bytes."""
    body += bytes(-len(body) % 8)
    return struct.pack("<HHB3x", kind, len(body), 0) + body


def write_hdf5(path, groups, dtype="<f4"):
    """A file of version 0 with arrays in groups, one level deep; written from the specification."""
    data = bytearray(96)

    def put(block):
        place = len(data)
        data.extend(block + bytes(-len(block) % 8))
        return place

    def header(messages):
        """In two blocks, so that a continuation is met."""
        rest = b"".join(messages[1:])
        second = put(rest)
        first = messages[0] + message(0x10, struct.pack("<QQ", second, len(rest)))
        return put(struct.pack("<BxHII4x", 1, len(messages) + 1, 1, len(first)) + first)

    def group(children):
        names, entries = bytearray(8), b""
        for name, child in sorted(children.items()):
            entries += struct.pack("<QQII16x", len(names), child, 0, 0)
            names += name.encode() + b"\0"
        heap_data = put(bytes(names))
        heap = put(b"HEAP" + struct.pack("<B3xQQQ", 0, len(names), 1, heap_data))
        node = put(b"SNOD" + struct.pack("<BxH", 1, len(children)) + entries)
        tree = put(b"TREE" + struct.pack("<BBHQQQQQ", 0, 0, 1, 2**64 - 1, 2**64 - 1, 0, node, 8))
        return header([message(0x11, struct.pack("<QQ", tree, heap)), message(0, b"")])

    def array(values):
        raw = np.asarray(values, dtype)
        place = put(raw.tobytes())
        space = struct.pack("<BBBx4x", 1, raw.ndim, 0) + struct.pack(f"<{raw.ndim}Q", *raw.shape)
        kind = struct.pack("<BBBBI", 0x11, 0x20, 0x1F, 0, raw.itemsize) + bytes(12)
        layout = struct.pack("<BBQQ", 3, 1, place, raw.nbytes)
        return header([message(1, space), message(3, kind), message(8, layout)])

    root = group({name: group({key: array(value) for key, value in arrays.items()}) for name, arrays in groups.items()})
    data[:96] = struct.pack(
        "<8sBBBBBBBxHHI4Q2QII16x", hdf5.SIGNATURE, 0, 0, 0, 0, 0, 8, 8, 4, 16, 0, 0, 2**64 - 1, len(data), 2**64 - 1,
        0, root, 0, 0,
    )  # fmt: skip
    path.write_bytes(bytes(data))
    return path


ARRAYS = {"one": {"a": np.arange(6.0).reshape(2, 3), "b": np.ones(4)}, "two": {"c": np.full((1, 2, 2), -0.5)}}


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
def test_arrays_come_by_their_paths(tmp_path, dtype):
    arrays = read_hdf5(write_hdf5(tmp_path / "x.h5", ARRAYS, dtype))
    assert arrays.keys() == {"one/a", "one/b", "two/c"}
    for path, values in arrays.items():
        group, key = path.split("/")
        assert values.dtype == dtype and np.array_equal(values, ARRAYS[group][key])


def test_what_is_no_such_file_is_told(tmp_path):
    (tmp_path / "x.h5").write_bytes(b"PK\3\4" + bytes(200))
    with pytest.raises(UserError, match="no HDF5 file of version 0.*Received"):
        read_hdf5(tmp_path / "x.h5")


def test_a_type_that_is_not_read_is_told(tmp_path):
    path = write_hdf5(tmp_path / "x.h5", ARRAYS)
    data = path.read_bytes()
    path.write_bytes(
        data.replace(struct.pack("<BBBBI", 0x11, 0x20, 0x1F, 0, 4), struct.pack("<BBBBI", 0x10, 8, 0, 0, 4))
    )
    with pytest.raises(UserError, match="in a form that is not read here"):
        read_hdf5(path)


def test_a_cut_or_changed_file_never_does_more_than_tell(tmp_path):
    """Every byte set to 255, and every length: an array, or an error in one line."""
    whole = write_hdf5(tmp_path / "x.h5", {"one": {"a": np.ones(2)}}).read_bytes()
    path = tmp_path / "y.h5"
    changed = [whole[:i] + b"\xff" + whole[i + 1 :] for i in range(len(whole))]
    for data in [*changed, *(whole[:n] for n in range(0, len(whole), 7))]:
        path.write_bytes(data)
        with contextlib.suppress(UserError):
            assert isinstance(read_hdf5(path), dict)


def test_a_group_in_a_circle_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5, "MAX_OBJECTS", 500)
    path = write_hdf5(tmp_path / "x.h5", ARRAYS)
    data = bytearray(path.read_bytes())
    node = data.index(b"SNOD", data.index(b"SNOD", data.index(b"SNOD") + 1) + 1)  # the root's, written last
    (root,) = struct.unpack_from("<Q", data, 64)
    struct.pack_into("<Q", data, node + 16, root)
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="too many objects"):
        read_hdf5(path)
