"""``bench``: rows in the promised form, ours and the peer's in turns; and the loop costs next to nothing."""

import json
import shutil
import time

import pytest

from fixtures.line import Config, Line
from potmeter import registry
from potmeter.cli import execute
from potmeter.core import machine
from potmeter.core.bench import compare, interleave, rows
from potmeter.core.training.overhead import loop_overhead
from potmeter.errors import UserError

BENCH = """
from potmeter.core.bench import compare, is_selected
from .system import Line

def rows():
    yield compare("training", "images/s", 30.0, 20.0, "Keras", limit=40.0, note="half of it is the convolution")
    if is_selected("sampling"):
        yield compare("sampling", "s", 1.0, None, Line.name, note="nobody else samples lines")
    if is_selected("missing"):
        import no_such_peer
"""


@pytest.fixture
def folder(line_folder, tmp_path):
    shutil.copytree(line_folder, copy := tmp_path / "benched")
    (copy / "bench.py").write_text(BENCH)
    return copy


def test_a_ratio_above_one_is_better_whatever_the_unit():
    assert compare("a", "images/s", 30, 10, "peer").ratio == 3
    assert compare("a", "kimg/h", 30, 10, "peer").ratio == 3
    assert compare("a", "s", 10, 30, "peer").ratio == 3
    assert compare("a", "s", 10, None, "none", note="nobody else does it").ratio is None


def test_a_row_has_a_peer_or_says_why_not():
    with pytest.raises(ValueError, match="sampling has no peer"):
        compare("sampling", "s", 1.0, None, "none")


def test_functions_are_measured_in_turns_and_the_first_calls_do_not_count():
    calls = []
    values = {"a": iter([9.0, 1.0, 2.0, 3.0]), "b": iter([9.0, 5.0, 5.0, 5.0])}
    functions = {name: lambda name=name: (calls.append(name), next(values[name]))[1] for name in values}
    assert interleave(functions, 3) == {"a": 2.0, "b": 5.0}
    assert "".join(calls) == "ab" + "ab" + "ba" + "ab"


def test_json_is_one_object_of_the_promised_form(folder, capsys):
    assert execute(["bench", str(folder), "--rows", "training,sampling", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"system", "rows"}
    assert report["rows"][0] == {"what": "training", "ours": 30.0, "peer": 20.0, "peer_name": "Keras", "ratio": 1.5,
                                 "limit": 40.0, "unit": "images/s"}  # fmt: skip
    assert [row["what"] for row in report["rows"]] == ["training", "sampling"]


def test_the_table_has_the_notes(folder, capsys):
    assert execute(["bench", str(folder), "--rows", "train"]) == 0
    assert "half of it is the convolution" in capsys.readouterr().out


def test_mistakes_are_told_in_one_line(folder, line_folder, capsys):
    with pytest.raises(UserError, match="no_such_peer is not installed"):
        list(rows(registry.resolve(str(folder)).entry))
    assert execute(["bench", str(line_folder)]) == 2
    assert execute(["bench", str(folder), "--rows", "nothing"]) == 2
    assert "no such row" in capsys.readouterr().err


def test_the_machine_s_limits_are_positive():
    assert all(
        rate > 1e6 for rate in (machine.matmul_rate(128), machine.read_bandwidth(16), machine.conv_rate(1, 8, 16))
    )


@pytest.mark.slow
def test_the_loop_costs_less_than_three_percent_of_a_ten_millisecond_step():
    config = Config(width=256, batch_size=512, clip=1.0, warmup=0.1)
    splits = Line.data(config, points=5000)
    for _ in range(3):  # the loop's cost does not change; a busy machine's disturbances do
        ours, bare = loop_overhead(Line, config, splits, steps=60, clock=time.process_time)
        if ours / bare < 1.03:
            break
    assert ours / bare < 1.03
