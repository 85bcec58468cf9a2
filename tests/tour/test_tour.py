"""The tour runs every stop in the lecture's order, whatever happens in one of them."""

import gc
import json
import shlex
import subprocess
import sys

import pytest

from potmeter.cli import execute
from potmeter.tour import select_stops

from .conftest import entry, page, recorded, run


def test_stops_come_in_slide_order_with_all_their_weights(catalogue, tmp_path):
    catalogue(entry("look", 26, kind="probe"), entry("seer", 11, "b", "a"), entry("talker", 9, "x"))
    assert run(tmp_path / "out") == 0
    stops = [(stop["stop"], stop["system"]) for stop in recorded(tmp_path / "out")]
    assert stops == [(9, "talker.x"), (11, "seer.b"), (11, "seer.a"), (26, "look")]
    text = page(tmp_path / "out")
    assert text.index('id="talker"') < text.index('id="seer"') < text.index('id="seer.b"') < text.index('id="seer.a"')


def test_only_runs_what_is_named(catalogue, tmp_path):
    catalogue(entry("seer", 11, "a", "b"), entry("talker", 9, "x"))
    assert [(e.name, tag) for e, tag in select_stops("seer.b, talker")] == [("talker", "x"), ("seer", "b")]
    assert [(e.name, tag) for e, tag in select_stops("seer,seer.a")] == [("seer", "a"), ("seer", "b")]


@pytest.mark.parametrize("flags", [("--only", "nobody"), ("--only", ","), ("--only", "seer:many"), ("--nonsense",)])
def test_a_wrong_flag_is_the_users_mistake(catalogue, tmp_path, flags, capsys):
    catalogue(entry("seer", 11, "a"))
    assert run(tmp_path / "out", *flags) == 2
    assert capsys.readouterr().err.startswith("potmeter: error: ")
    assert not (tmp_path / "out").exists()


def test_a_failing_stop_does_not_stop_the_others(catalogue, tmp_path, capsys):
    nowhere = entry("nowhere", 1, "a", target="no_such_module:Nothing")
    catalogue(nowhere, entry("breaker", 2, "a"), entry("silent", 3, "a"), entry("seer", 11, "a"))
    assert run(tmp_path / "out") == 1
    nothing, breaker, silent, seer = recorded(tmp_path / "out")
    assert [s["ok"] for s in (nothing, breaker, silent, seer)] == [False, False, False, True]
    assert nothing["error"].startswith("ModuleNotFoundError")
    assert silent["error"] == "It gives no examples."
    errors = [output.get("error") for output in breaker["outputs"]]
    assert errors[0].startswith("RuntimeError: broken")
    assert "\n" not in errors[0]
    assert errors[1] == "SystemExit: 3"
    assert errors[2] is None
    assert errors[3] == "breaker.a can run, whole. Received: nothing"
    assert errors[4] == "text takes text. Received: 3"
    assert breaker["outputs"][2]["result"] == "fine"
    assert "breaker.a can run, whole. Received: nothing" in page(tmp_path / "out")


def test_what_cannot_be_fetched_is_shown_and_does_not_count(catalogue, tmp_path):
    catalogue(entry("breaker", 2, "missing"), entry("seer", 11, "a"))
    assert run(tmp_path / "out") == 0
    missing = recorded(tmp_path / "out")[0]
    assert (missing["ok"], missing["unavailable"], missing["outputs"]) == (False, True, [])
    assert "POTMETER_OFFLINE" in missing["error"]
    assert "not available here" in page(tmp_path / "out")


def test_the_record_has_its_form(catalogue, tmp_path, capsys):
    catalogue(entry("talker", 9, "x"), entry("seer", 11, "a"))
    assert run(tmp_path / "out", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["stops"] == recorded(tmp_path / "out")
    talker, seer = printed["stops"]
    assert set(talker) == {"stop", "system", "ok", "seconds", "outputs"}
    assert all(set(output) == {"caption", "task", "command", "result"} for output in talker["outputs"])
    assert talker["outputs"][0]["result"].endswith("alert(2)>"), "an iterator is followed to its end"
    assert talker["outputs"][3]["result"][0]["word"] == "a"
    assert list(seer["outputs"][2]["result"]) == ["first_picture", "what_it_is"]


def test_two_tours_give_the_same_results(catalogue, tmp_path):
    catalogue(entry("talker", 9, "x"), entry("seer", 11, "a"))
    run(tmp_path / "a")
    run(tmp_path / "b")
    first, second = ([stop["outputs"] for stop in recorded(tmp_path / name)] for name in "ab")
    assert first == second


def test_each_system_is_let_go_before_the_next(catalogue, tmp_path, fakes):
    gc.collect()
    fakes.CROWD.clear()
    catalogue(entry("talker", 1, "x"), entry("breaker", 2, "a", "b"), entry("seer", 3, "a", "b"))
    run(tmp_path / "out")
    assert fakes.CROWD == [0] * 5


def test_the_page_grows_while_the_tour_runs_and_says_so(catalogue, tmp_path, fakes, monkeypatch):
    out, seen = tmp_path / "out", []
    original = fakes.Seer.examples

    def look(system):
        seen.append((page(out), [stop["system"] for stop in recorded(out)]))
        return original(system)

    monkeypatch.setattr(fakes.Seer, "examples", look)
    catalogue(entry("talker", 1, "x"), entry("seer", 2, "a", "b"))
    assert run(out) == 0
    first, second = seen
    assert "Still running: 2 to come" in first[0] and 'id="talker"' in first[0] and first[1] == ["talker.x"]
    assert "Still running: 1 to come" in second[0] and second[1] == ["talker.x", "seer.a"]
    assert "Still running" not in page(out) and "data-waiting" not in page(out)


def test_an_interrupted_tour_leaves_a_whole_page_of_what_ran(catalogue, tmp_path):
    out = tmp_path / "out"
    catalogue(entry("seer", 1, "a"), entry("interrupted", 2, "a"), entry("talker", 3, "x"))
    assert run(out) == 130
    assert [stop["system"] for stop in recorded(out)] == ["seer.a"]
    assert "Interrupted: 2 stops did not run" in page(out) and page(out).endswith("</html>\n")


def test_a_quick_tour_runs_one_example_of_each_system(catalogue, tmp_path):
    catalogue(entry("look", 26, kind="probe"), entry("seer", 11, "b", "a"), entry("talker", 9, "x"))
    assert run(tmp_path / "out", "--quick") == 0
    stops = recorded(tmp_path / "out")
    assert [stop["system"] for stop in stops] == ["talker.x", "seer.b", "look"]
    assert [len(stop["outputs"]) for stop in stops] == [1, 1, 1]
    assert [e.name for e, _ in select_stops("seer.a,seer", quick=True)] == ["seer", "seer"]


def test_a_command_under_a_result_gives_it_again_in_the_pages_folder(catalogue, tmp_path, monkeypatch, capsys):
    catalogue(entry("seer", 11, "a"))
    out = tmp_path / "out"
    run(out)
    monkeypatch.chdir(out)
    capsys.readouterr()
    for output in recorded(out)[0]["outputs"]:
        words = shlex.split(output["command"])
        assert words[:2] == ["potmeter", "run"]
        assert execute([*words[1:], "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["result"] == output["result"]
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert files[:2] == ["files/seer.a-image-2.png", "files/seer.a-image.png"] and len(files) == 19
    assert files[2] == "files/seer.a-many-images/01.png"


def test_an_interrupted_writing_leaves_nothing_half_written(catalogue, tmp_path, monkeypatch):
    catalogue(entry("seer", 1, "a"))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    assert run(tmp_path / "out") == 130
    assert list((tmp_path / "out").iterdir()) == []


def test_a_place_that_cannot_be_written_is_told_before_the_work(catalogue, tmp_path, fakes):
    catalogue(entry("seer", 1, "a"))
    (tmp_path / "file").write_text("")
    fakes.CROWD.clear()
    assert run(tmp_path / "file") == 2
    assert run(tmp_path / "file" / "below") == 2
    assert fakes.CROWD == []


def test_help_needs_no_torch():
    call = "import sys; from potmeter.cli import execute"
    code = f"{call}\ntry: execute(['tour', '--help'])\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "False", done.stderr
