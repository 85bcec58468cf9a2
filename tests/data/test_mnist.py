"""MNIST's formats: parsed exactly, and never trusted."""

import gzip
import io
import os
import pickle
import struct

import numpy as np
import pytest
import torch

from potmeter.data.formats.pickles import load_arrays
from potmeter.data.sets import mnist
from potmeter.errors import UserError


class Evil:
    def __reduce__(self):
        return os.system, ("touch pwned",)


def old_pickle(arrays) -> bytes:
    """As Python 2 wrote it: bytes as strings, numpy under its old name."""
    return pickle.dumps(arrays, protocol=2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def idx(path, array, magic=None, cut=0):
    data = bytes(magic or [0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(data[: len(data) - cut]))
    return path


@pytest.mark.parametrize("protocol", [4, 5])
def test_commands_in_a_pickle_are_refused_and_not_run(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    for x in (Evil(), [np.zeros(3), Evil()]):
        with pytest.raises(UserError, match="is not allowed"):
            load_arrays(io.BytesIO(pickle.dumps(x, protocol=protocol)))
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("x", [{"a": 1}, "text", 3, np.array([object()]), np.zeros(3, "f2")])
def test_anything_but_arrays_of_numbers_is_refused(x):
    with pytest.raises(UserError, match="plain arrays"):
        load_arrays(io.BytesIO(pickle.dumps(x, protocol=3)))


def test_arrays_come_back_as_they_were():
    x = (np.arange(6, dtype="f4").reshape(2, 3), [np.asfortranarray(np.arange(6).reshape(3, 2))])
    a, [b] = load_arrays(io.BytesIO(pickle.dumps(x, protocol=3)))
    assert np.array_equal(a, x[0]) and np.array_equal(b, x[1][0])


def test_mnist_bytes_are_restored_from_the_packages_fractions(cache, monkeypatch, tmp_path):
    every_byte = np.arange(784, dtype=np.int64) % 256
    part = (np.tile(every_byte / 256, (2, 1)).astype("f4"), np.array([3, 4]))
    (tmp_path / "mnist" / "data").mkdir(parents=True)
    (tmp_path / "mnist" / "data" / "mnist.pkl.gz").write_bytes(
        gzip.compress(pickle.dumps((part, part, part), protocol=3))
    )
    monkeypatch.setattr(mnist, "fetch", lambda tag: tmp_path)
    splits = mnist.mnist()
    assert splits.test.tensors["image"][1, 0].flatten().tolist() == every_byte.tolist()
    assert splits.train.tensors["label"].tolist() == [3, 4] and splits.classes == tuple("0123456789")


def test_idx_is_read(tmp_path):
    x = np.random.default_rng(0).integers(256, size=(3, 4, 5), dtype=np.uint8)
    assert np.array_equal(mnist.read_idx(idx(tmp_path / "x.gz", x), 3), x)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"magic": [0, 0, 9, 3]}, "not an idx file"),
        ({"magic": [0, 0, 8, 1]}, "not an idx file"),
        ({"cut": 1}, "should be"),
    ],
)
def test_wrong_idx_is_refused(tmp_path, wrong, words):
    with pytest.raises(UserError, match=f"x.gz.*{words}.*Received: "):
        mnist.read_idx(idx(tmp_path / "x.gz", np.zeros((3, 4, 5), np.uint8), **wrong), 3)


def test_an_idx_header_that_claims_too_much_is_refused(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12))
    with pytest.raises(UserError, match="should be"):
        mnist.read_idx(tmp_path / "x.gz", 3)


def test_a_broken_or_endless_gzip_is_refused(tmp_path, monkeypatch):
    (tmp_path / "x.gz").write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be decompressed"):
        mnist.gunzip(tmp_path / "x.gz")
    monkeypatch.setattr(mnist, "MAX_BYTES", 1000)
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(1001)))
    with pytest.raises(UserError, match="more than is allowed"):
        mnist.gunzip(tmp_path / "x.gz")


def test_sklearn_digits_look_like_mnist():
    splits = mnist.sklearn_digits()
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [1157, 258, 382]
    batch = splits.train.__getitems__(range(1157))
    assert batch["image"].shape == (1157, 1, 28, 28) and 0.1 < batch["image"].mean() < 0.2
    assert batch["image"][..., :4, :].max() == 0 and batch["image"].max() == 1
    for part in (splits.train, splits.valid, splits.test):
        assert part.tensors["label"].bincount().min() >= 20
        assert part.tensors["label"][:20].tolist() == [*range(10), *range(10)], "a writer's form starts here"


@pytest.mark.network
@pytest.mark.parametrize(
    ("read", "sizes", "mean"), [(mnist.mnist, (50, 10, 10), 0.1325), (mnist.fashion_mnist, (55, 5, 10), 0.2868)]
)
def test_the_official_sets(read, sizes, mean):
    splits = read()
    assert tuple(len(part) // 1000 for part in (splits.train, splits.valid, splits.test)) == sizes
    assert (splits.test.tensors["image"].float().mean() / 255).item() == pytest.approx(mean, abs=1e-4)
    assert splits.test.tensors["label"].dtype == torch.int64 and len(splits.test.tensors["label"].unique()) == 10
