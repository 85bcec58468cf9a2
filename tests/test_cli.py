"""The command line as a process: quick where torch is not needed, one JSON object where asked, the right exit code."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.line import Config, Line
from potmeter import media, registry
from potmeter.cli import VERBS, execute
from potmeter.core.signature import tasks
from potmeter.core.training.loop import Trainer
from potmeter.core.training.options import TINY_STEPS
from potmeter.errors import UserError
from potmeter.presentation import places
from potmeter.version import __version__

COMMAND = [sys.executable, "-m", "potmeter"]


def potmeter(*argv, **options):
    """Run the command line as a process."""
    return subprocess.run([*COMMAND, *map(str, argv)], capture_output=True, text=True, timeout=120, **options)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return Line(Config()).save_pretrained(tmp_path_factory.mktemp("cli") / "weights")


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "list",
        "list --json",
        "show vae",
        "show classifier --json",
        "run --help",
        "train --help",
        "rnu",
        "show vea",
    ],
)
def test_what_needs_no_torch_does_not_import_it(words):
    program = f"import sys; from potmeter.cli import execute; execute({shlex.split(words)!r}); print(sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    modules = done.stdout.splitlines()[-1]
    assert all(
        f"'{heavy}'" not in modules for heavy in ("torch", "numpy", "PIL", "matplotlib", "scipy", "huggingface_hub")
    ), modules


def quickest(command, tries=5) -> float:
    """Processor seconds of the quickest try: what else the machine does must not matter."""
    times = []
    for _ in range(tries):
        before = os.times()
        subprocess.run(command, capture_output=True, check=True)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(times)


@pytest.mark.parametrize("words", ["--help", "list", "show vae", "show classifier"])
def test_help_list_and_show_take_less_than_half_a_second(words):
    assert quickest([*COMMAND, *words.split()]) < 0.5


def test_importing_the_package_takes_less_than_a_fifth_of_a_second():
    bare = quickest([sys.executable, "-c", "pass"])
    assert quickest([sys.executable, "-c", "import potmeter"]) - bare < 0.2


def test_the_help_names_every_verb_and_the_version():
    done = potmeter("--help")
    assert done.returncode == 0 and all(f"  {verb}" in done.stdout for verb in VERBS) and __version__ in done.stdout
    assert potmeter("--version").stdout == f"potmeter {__version__}\n"


def only_json(text):
    """The one JSON object that a text is."""
    value = json.loads(text)
    assert isinstance(value, dict) and text.count("\n") == 1
    return value


def test_json_of_list_and_show():
    systems = only_json(potmeter("list", "--json").stdout)["systems"]
    assert {"name", "kind", "section", "slide", "weights", "capabilities", "needs", "summary"} == systems[0].keys()
    assert [s["slide"] for s in systems] == sorted(s["slide"] for s in systems)
    for system in systems:
        shown = only_json(potmeter("show", system["name"], "--json").stdout)
        assert "run" in shown["methods"] and shown["slide"] == system["slide"]
        assert system["kind"] == "probe" or {"batch_size", "lr"} <= shown["config"].keys()


def test_json_of_run_and_eval(line_folder, weights, tmp_path):
    done = potmeter("run", line_folder, "0.5", "--weights", weights, "--json", cwd=tmp_path)
    printed = only_json(done.stdout)
    assert float(printed["result"]) and printed["files"] == {} and done.stderr == "" and not list(tmp_path.iterdir())
    done = potmeter("eval", line_folder, "--weights", weights, "--json", cwd=tmp_path)
    report = only_json(done.stdout)
    assert {"system", "weights", "metrics", "baselines", "measured_by", "seconds"} <= report.keys()
    assert report["system"] == "line"
    assert report["metrics"]["mse"] > 0 and report["baselines"]["straight_line_mse"] > 0 and done.stderr == ""


def test_show_says_what_a_student_can_turn_as_it_is_typed(line_folder):
    text = potmeter("show", line_folder).stdout
    assert f"potmeter run {line_folder} [FLOAT]" in text and f"potmeter run {line_folder}:curve [--points INT]" in text
    assert "--points = 50: Number of places; 2 to 1000" in text
    assert f"potmeter train {line_folder} [--data TEXT] [--points INT] [--preset tiny|lecture|paper]" in text
    assert "--width = 64: Hidden units; at least 1" in text and "--batch-size" in text


def test_show_says_what_the_names_in_a_source_file_stand_for(capsys):
    for name, lines in {
        "maskrcnn": ["--score = 0.5: probability from which a thing counts; 0.05 to 1"],
        "translator": ["--beam = 5: ", "--direction = none: from which language", "one of the system's directions"],
        "alphazero": ["command = gnugo --mode gtp"],
        "vae": [
            "--norm = batch: Normalisation of the hidden layers; one of none, batch\n",
            "--data = none: mnist, fashion, ",
        ],
        "densepose": ["--pattern = checks: the pattern; one of checks, stripes, dots, rainbow, grid\n"],
    }.items():
        assert execute(["show", name]) == 0
        shown = capsys.readouterr().out
        assert all(line in shown for line in lines), name


@pytest.mark.parametrize("name", registry.entries())
def test_show_prints_no_python(name, capsys):
    from potmeter.presentation.source import config_fields, data_inputs, methods

    entry = registry.entries()[name]
    inputs = [given for method in methods(entry) for given in method.inputs] + [f.flag for f in config_fields(entry)]
    for given in inputs + (data_inputs(entry) if entry.kind == "system" else []):
        assert not re.search(r"[A-Z_]{3,}[.(]|[a-z]\(", given.default or ""), given.line
        assert (
            given.kind in {"", "TEXT", "INT", "FLOAT", "PATH", "IMAGE", "AUDIO", "VIDEO", "TABLE", "GAME"}
            or "|" in given.kind
        )


@pytest.mark.parametrize("name", [name for name, entry in registry.entries().items() if entry.kind == "system"])
def test_show_prints_the_defaults_that_train_has(name):
    from potmeter.core.config import config_parameters
    from potmeter.presentation.source import config_fields, preset_values

    entry = registry.entries()[name]
    owner = entry.load()
    start, values = owner.presets["lecture"], preset_values(entry, "lecture")
    for field in config_fields(entry):
        value = getattr(start, field.name)
        words = (
            {None: "none", True: "yes", False: "no"}.get(value) if value is None or isinstance(value, bool) else None
        )
        items = value if isinstance(value, tuple) else (value,)
        shown = [f"{item:g}" if isinstance(item, float) else str(item) or "''" for item in items]
        typed = values.get(field.name, field.flag.default)
        made_by_code = "(" in str(typed)  # which is shown as it is written
        assert made_by_code or typed == (words or " ".join(shown) or "none"), field.name
    assert config_parameters(owner.Config).keys() == {field.name for field in config_fields(entry)}


def test_show_knows_a_task(line_folder, capsys):
    assert execute(["show", "vae:interpolate"]) == 0
    out = capsys.readouterr().out
    assert "potmeter run vae:interpolate IMAGE IMAGE [--frames INT]" in out and "potmeter train" not in out
    assert execute(["show", "vae:nothing"]) == 2 and "vae can run" in capsys.readouterr().err
    for name in registry.entries():
        assert execute(["show", name]) == 0 and "e+09" not in capsys.readouterr().out


def test_results_that_are_no_text_are_saved_and_their_place_is_told(line_folder, weights, elsewhere, capsys):
    assert execute(["run", f"{line_folder}:curve", "--weights", str(weights)]) == 0
    (saved,) = elsewhere.iterdir()
    assert capsys.readouterr().out.strip() == saved.name and saved.suffix == ".png"
    assert execute(["run", f"{line_folder}:curve", "--weights", str(weights), "--out", "deep/er/plot.svg"]) == 0
    assert (elsewhere / "deep/er/plot.svg").read_text().startswith("<?xml")


def test_json_names_the_files_that_it_wrote_and_says_what_it_did_not_save(line_folder, weights, elsewhere, capsys):
    run = ["run", f"{line_folder}:curve", "--weights", str(weights), "--json"]
    assert execute([*run, "--out", "deep/er/"]) == 0
    captured = capsys.readouterr()
    assert only_json(captured.out)["files"] == {"result": "deep/er/result.png"} and captured.err == ""
    assert (elsewhere / "deep/er/result.png").is_file()
    chart = execute([*run]), capsys.readouterr()
    assert chart[0] == 0 and isinstance(only_json(chart[1].out)["result"], dict), "a chart's points are in the JSON"
    assert execute(["run", "vae.plane:plane", "--side", "2", "--json"]) == 0
    captured = capsys.readouterr()
    assert only_json(captured.out)["files"] == {} and captured.err == "potmeter: not saved without --out: a picture\n"


KINDS = {"picture": media.Image, "before": media.Bars, "after": media.Bars}


@pytest.mark.parametrize(
    ("out", "kinds", "paths"),
    [
        ("a.png", {"": media.Image}, {"": "a.png"}),
        ("a", {"": media.Image}, {"": "a.png"}),
        ("v1.2", {"": media.Chart}, None),
        ("new/", {"": media.Image}, {"": "new/result.png"}),
        ("here", {"": media.Image}, {"": "here/result.png"}),
        ("note.md", {"": media.Text}, {"": "note.md"}),
        ("a.jpg", KINDS, {"picture": "a.jpg", "before": "a-before.csv", "after": "a-after.csv"}),
        ("a.json", KINDS, {"picture": "a-picture.png", "before": "a.json", "after": "a-after.csv"}),
        ("new", KINDS, {"picture": "new/picture.png", "before": "new/before.csv", "after": "new/after.csv"}),
        ("here", KINDS, {"picture": "here/picture.png", "before": "here/before.csv", "after": "here/after.csv"}),
        ("new", {"": media.Album}, {"": "new"}),
        ("new/", {"": media.Album}, {"": "new"}),
        ("here", {"": media.Album}, {"": "here"}),
        ("v1.2/", {"": media.Album}, {"": "v1.2/result.zip"}),
        ("a.zip", {"": media.Album}, {"": "a.zip"}),
        ("a.png", {"": media.Album}, None),
        ("~/x.png", {"": media.Image}, {"": "{home}/x.png"}),
        ("a.xyz", {"": media.Image}, None),
        ("a.xyz", KINDS, None),
        ("file/x.png", {"": media.Image}, None),
        ("a\0.png", {"": media.Image}, None),
        ("x" * 300 + ".png", {"": media.Image}, None),
    ],
)
def test_out_is_understood_as_a_shell_user_means_it(elsewhere, monkeypatch, out, kinds, paths):
    monkeypatch.setenv("HOME", str(elsewhere))
    (elsewhere / "here").mkdir()
    (elsewhere / "file").write_text("")
    before = sorted(elsewhere.rglob("*"))
    if paths is None:
        with pytest.raises(UserError, match="Received: "):
            places.plan(out, kinds)
    else:
        found = {name: str(path) for name, path in places.plan(out, kinds).items()}
        assert found == {name: path.format(home=elsewhere) for name, path in paths.items()}
    assert sorted(elsewhere.rglob("*")) == before, "nothing is made yet"


@pytest.mark.parametrize("name", list(registry.entries()))
def test_every_task_says_what_it_gives_so_that_out_is_checked_before_the_work(name):
    for task, method in tasks(registry.entries()[name].load()).items():
        assert places.kinds_of(method), f"{name}:{task}"


def test_out_that_cannot_be_is_refused_before_the_work(line_folder, elsewhere, capsys, monkeypatch):
    monkeypatch.setattr("potmeter.cli.run.prepare", lambda *_: pytest.fail("it was loaded"))
    (elsewhere / "file").write_text("")
    for out in ("x.xyz", "no\0thing.png", "file/x.png"):
        assert execute(["run", f"{line_folder}:curve", "--out", out]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("verb", ["train", "tune", "export", "eject", "tour"])
@pytest.mark.parametrize("place", ["file/deep", "file", "no\0thing"])
def test_no_verb_works_first_and_finds_then_that_out_cannot_be(
    verb, place, line_folder, elsewhere, capsys, monkeypatch
):
    for work in (
        "core.export.export",
        "core.training.loop.build_system",
        "core.tuning.tuner.Tuner",
        "core.eject.eject",
        "tour.run_stop",
    ):
        monkeypatch.setattr(f"potmeter.{work}", lambda *_, **__: pytest.fail("it was worked on"))
    monkeypatch.setattr(Line, "data", lambda *_, **__: pytest.fail("data were read"))
    (elsewhere / "file").write_text("mine")
    target = {"export": [f"{place}.onnx" if place != "file" else "file/x.onnx"], "eject": [place]}.get(verb, [place])
    words = {
        "train": ["train", str(line_folder), "--steps", "1", "--out", *target],
        "tune": ["tune", str(line_folder), "--steps", "1", "--out", *target],
        "export": ["export", str(line_folder), "--out", *target],
        "eject": ["eject", str(line_folder), *target],
        "tour": ["tour", "--only", "vae", "--out", *target],
    }  # fmt: skip
    assert execute(words[verb]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "Received: " in told
    assert [path.name for path in elsewhere.rglob("*")] == ["file"] and (elsewhere / "file").read_text() == "mine"


def test_a_run_that_is_there_is_told_before_data_are_read(line_folder, elsewhere, capsys, monkeypatch):
    assert execute(["train", str(line_folder), "--steps", "1", "--device", "cpu"]) == 0
    monkeypatch.setattr(Line, "data", lambda *_, **__: pytest.fail("data were read"))
    assert execute(["train", str(line_folder), "--steps", "1", "--device", "cpu"]) == 2
    assert "--resume continues it" in capsys.readouterr().err


def test_a_home_folder_that_the_shell_left_is_found_and_new_folders_are_made(line_folder, elsewhere, monkeypatch):
    monkeypatch.setenv("HOME", str(elsewhere / "home"))
    assert execute(["train", str(line_folder), "--steps", "1", "--device", "cpu", "--out=~/new/run"]) == 0
    assert execute(["eject", str(line_folder), "~/new/mine"]) == 0
    assert sorted(path.name for path in (elsewhere / "home/new").iterdir()) == ["mine", "run"]
    assert [path.name for path in elsewhere.iterdir()] == ["home"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("run classifier", "classifier needs a picture: `potmeter run classifier PHOTO.jpg`. Received: ''"),
        (
            "run word2vec:analogy man",
            'word2vec:analogy needs three texts: `potmeter run word2vec:analogy "TEXT" "TEXT" "TEXT"`',
        ),
        ("run classifier:batch", "classifier:batch needs pictures: `potmeter run classifier:batch PHOTO.jpg …`"),
        ("run stylegan:mix a.png", "stylegan:mix needs"),
    ],
)
def test_what_is_missing_is_said_with_a_command_that_has_it(command, says, capsys):
    assert execute(command.split()) == 2
    assert capsys.readouterr().err.startswith(f"potmeter: error: {says}")


def test_train_then_run_as_the_last_line_says(line_folder, elsewhere, capsys):
    assert (
        execute(["train", str(line_folder), "--preset", "tiny", "--steps", "30", "--device", "cpu", "--width", "16"])
        == 0
    )
    command = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert command[:2] == ["potmeter", "run"] and execute(command[1:]) == 0
    description = json.loads(next((elsewhere / "runs").glob("*/step-00000030/config.json")).read_text())
    assert description["config"]["width"] == 16 and description["config"]["lr"] == Line.presets["tiny"].lr


def test_ctrl_c_says_what_is_saved_and_how_it_goes_on(line_folder, elsewhere, monkeypatch, capsys):
    monkeypatch.setattr(
        Trainer, "stop_requested", lambda self: setattr(self, "interrupted", self.step == 3) or self.interrupted
    )
    command = ["train", str(line_folder), "--preset", "tiny", "--steps", "30", "--device", "cpu", "--eval-every", "99"]
    assert execute(command) == 130
    line = "potmeter: interrupted; runs/my-line/step-00000003 is saved: --resume goes on from there\n"
    assert capsys.readouterr().err.endswith(line)
    monkeypatch.undo()
    monkeypatch.chdir(elsewhere)
    assert execute([*command, "--resume"]) == 0


def test_train_ends_with_the_figures_of_the_checkpoint_that_it_names(line_folder, elsewhere, monkeypatch, capsys):
    values = iter([0.5, 0.25, 0.75])
    monkeypatch.setattr("potmeter.core.training.validation.measure", lambda trainer: {"mse": next(values)})
    command = ["train", str(line_folder), "--steps", "3", "--eval-every", "1", "--device", "cpu"]
    assert execute(command) == 0
    assert "runs/my-line/step-00000002  (mse 0.25; the best of 3 steps, " in capsys.readouterr().out


def test_train_json_streams_the_record_and_ends_with_the_run(line_folder, elsewhere, capsys):
    assert execute(["train", str(line_folder), "--preset", "tiny", "--device", "cpu", "--json"]) == 0
    *records, run = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    written = [json.loads(line) for line in (elsewhere / "runs/my-line/metrics.jsonl").read_text().splitlines()]
    assert records == written and {"step", "valid_mse"} <= records[-1].keys()
    assert (
        run["step"] == TINY_STEPS
        and run["metrics"]["mse"] > 0
        and shlex.split(run["command"])[:2] == ["potmeter", "run"]
    )


def test_fine_tuning_takes_the_config_of_the_weights(line_folder, elsewhere, tmp_path):
    origin = Line(Config(width=24)).save_pretrained(tmp_path / "origin")
    assert (
        execute(["train", str(line_folder), "--from", str(origin), "--steps", "2", "--out", "tuned", "--device", "cpu"])
        == 0
    )
    assert Line.from_pretrained(elsewhere / "tuned").config.width == 24


def test_a_mistake_of_the_users_is_2_and_one_line():
    done = potmeter("run", "clasifier")
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "Did you mean classifier?" in done.stderr


def test_a_bug_is_1_with_its_traceback(monkeypatch, capsys):
    monkeypatch.setitem(VERBS, "list", ("potmeter.cli.catalogue:missing", ""))
    assert execute(["list"]) == 1
    assert "AttributeError" in (err := capsys.readouterr().err) and "a bug in potmeter; please report it" in err


def test_an_interruption_is_130(monkeypatch, capsys):
    def interrupted(argv):
        raise KeyboardInterrupt

    monkeypatch.setattr("potmeter.cli.catalogue.list_all", interrupted)
    assert execute(["list"]) == 130 and "Traceback" not in capsys.readouterr().err


def test_a_reader_that_stops_early_is_no_error():
    with subprocess.Popen([*COMMAND, "show", "vae"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(60) == 0


def test_under_torchrun_one_process_speaks(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    assert execute(["run", "nothing"]) == 2 and capsys.readouterr().err == ""


def test_help_of_a_system_shows_its_own_flags(line_folder, capsys):
    started = time.perf_counter()
    assert execute(["run", f"{line_folder}:curve", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--points" in out and "Number of places" in out and "2 to 1000" in out and time.perf_counter() - started < 30


def test_a_text_that_grows_is_printed_once_and_saved_where_asked(tmp_path, capsys):
    assert execute(["run", "gpt2", "It was", "--tokens", "4", "--seed", "0", "--out", str(tmp_path / "text.txt")]) == 0
    text = (tmp_path / "text.txt").read_text()
    assert text.startswith("It was ") and capsys.readouterr().out == f"{text}\n{tmp_path / 'text.txt'}\n"


def test_the_command_that_uses_a_run_can_be_pasted():
    from fixtures.line import Line
    from potmeter.cli.train import use_command
    from potmeter.systems.vision.classifier.system import ImageClassifier

    assert use_command("line", Line, Path("runs/my line")) == "potmeter run line --weights 'runs/my line'"
    assert use_command("./my box", Line, Path("a;b")) == "potmeter run './my box' --weights 'a;b'"
    assert use_command("classifier", ImageClassifier, Path("runs/c")).startswith(
        "potmeter run classifier image.png --w"
    )


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["show", "vae"], ["--help"]])
def test_a_full_disk_below_standard_output_is_told_in_one_line(words):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "No space left on device" in done.stderr


def test_a_learning_rate_beyond_all_bounds_is_told_in_one_line(elsewhere, capsys):
    flags = ["--preset", "tiny", "--lr", "1e30", "--steps", "8", "--device", "cpu"]
    assert execute(["train", "classifier", *flags]) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err and err.strip().splitlines()[-1].startswith("potmeter: error: ")
