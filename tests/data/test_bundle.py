"""TensorFlow's checkpoints are read as they were written, and damaged ones are told."""

import numpy as np

from fixtures.bundle import bundle
from potmeter.data.formats.bundle import read_bundle
from potmeter.errors import UserError


def test_a_bundle_comes_back_as_it_was(tmp_path):
    tensors = {f"part{n}/w{n % 3}": np.random.default_rng(n).random((n, 2)).astype("f4") for n in range(40)}
    tensors |= {"scalar": np.array(3.0, "f4"), "step": np.array(12_000, "i4"), "large": np.array([2**40], "i8")}
    bundle(tmp_path / "m", tensors)
    back = read_bundle(tmp_path / "m")
    assert back.keys() == tensors.keys()
    assert all(np.array_equal(back[name], array) for name, array in tensors.items())
    assert all(back[name].dtype == array.dtype for name, array in tensors.items())


def test_no_damage_to_an_index_gives_anything_but_a_user_error(tmp_path):
    bundle(tmp_path / "m", {f"model/h{n}/attn/c_attn/w": np.ones((3, n), "f4") for n in range(20)})
    path, rng = tmp_path / "m.index", np.random.default_rng(0)
    whole = path.read_bytes()
    for _ in range(1500):
        broken = bytearray(whole)
        for place in rng.integers(len(broken), size=rng.integers(1, 4)):
            broken[place] = rng.integers(256)
        path.write_bytes(broken if rng.random() < 0.7 else broken[: rng.integers(len(broken))])
        try:
            read_bundle(tmp_path / "m")
        except UserError as error:
            assert "Received: " in str(error)  # noqa: PT017
