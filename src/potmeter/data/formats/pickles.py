"""Read arrays out of a pickle without trusting it: nothing that the file names is ever imported or called."""

from __future__ import annotations

import pickle
from typing import IO, Any

import numpy as np

from potmeter.errors import UserError

KINDS = ("f4", "f8", "u1", "i4", "i8")


class Kind:
    """Stands in for numpy.dtype: keeps the one string that it is called with."""

    def __init__(self, name: str | bytes, *_: object) -> None:
        self.name = name.decode("ascii") if isinstance(name, bytes) else name

    def __setstate__(self, state: tuple) -> None:
        if self.name not in KINDS or state[1] not in ("<", b"<", "|", b"|"):
            raise pickle.UnpicklingError(f"dtype {state[1]!r}{self.name!r}")


class Array:
    """Stands in for numpy.ndarray: its state becomes a real array, with numpy checking shape against length."""

    values: np.ndarray

    def __setstate__(self, state: tuple) -> None:
        _, shape, kind, fortran, data = state
        self.values = np.frombuffer(data, "<" + kind.name).reshape(shape, order="F" if fortran else "C")


def reconstruct(*_: object) -> Array:
    """Stands in for numpy's function of that name, which makes the empty array that a state is then set on."""
    return Array()


STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): reconstruct,
    ("numpy", "ndarray"): Array,
    ("numpy", "dtype"): Kind,
}


class ArrayUnpickler(pickle.Unpickler):
    """Knows the three names that numpy arrays are pickled with, and gives our own stand-ins for them."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in STAND_INS:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return STAND_INS[module, name]


def load_arrays(file: IO[bytes]) -> Any:
    """Nested tuples and lists of numpy arrays from a pickle.

    Raises:
        UserError: when the pickle is broken or holds anything but arrays of numbers, tuples and lists.
    """
    try:
        return unwrap(ArrayUnpickler(file, encoding="bytes").load())
    except Exception as error:  # a broken pickle raises whatever its opcodes run into
        raise UserError(f"The pickle does not hold plain arrays: {error}.", received=type(error).__name__) from None


def unwrap(x: Any) -> Any:
    """The arrays in place of the stand-ins."""
    if isinstance(x, (tuple, list)):
        return type(x)(unwrap(item) for item in x)
    if isinstance(x, Array):
        return x.values
    raise pickle.UnpicklingError(f"it has a {type(x).__name__}")
