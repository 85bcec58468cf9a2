"""Shipped weights give what they gave: a changed logit, sample or translation is noticed."""

import json

import pytest

from .outputs import HERE, NAMES, measure

TOLERANCE = 1e-3
"""Of a tensor's largest value: far above what the arithmetic of machines differs by, far below what one sees."""


@pytest.mark.parametrize("name", NAMES)
def test_weights_give_what_they_gave(name):
    expected = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    found = measure(name)
    assert found.keys() == expected.keys() != set()
    for what, value in expected.items():
        if isinstance(value, str):
            assert found[what] == value, what
        else:
            assert found[what]["shape"] == value["shape"], what
            assert found[what]["values"] == pytest.approx(value["values"], abs=TOLERANCE * value["largest"]), what


def test_every_file_is_of_weights_that_are_shipped():
    assert {path.stem for path in HERE.glob("*.json")} == set(NAMES)
