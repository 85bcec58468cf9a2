"""``eject``: the copy is a system of the user's own."""

import ast
import subprocess
import sys

import pytest

from potmeter import registry
from potmeter.cli import execute

SYSTEMS = [entry for entry in registry.built_in_entries() if entry.kind == "system"]


def potmeter(*argv: str) -> str:
    done = subprocess.run([sys.executable, "-m", "potmeter", *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_an_ejected_system_trains_and_runs_and_edits_take_effect(elsewhere):
    potmeter("eject", "vae", "my-vae/")
    potmeter("train", "./my-vae", "--preset", "tiny", "--data", "digits", "--steps", "3", "--device", "cpu")
    potmeter("run", "./my-vae", "--weights", "runs/my-vae", "--out", "sheet.png", "--count", "4")
    assert (elsewhere / "sheet.png").is_file()
    model = elsewhere / "my-vae" / "model.py"
    model.write_text(model.read_text() + '\nprint("edited")\n')
    code = "import potmeter; print(potmeter.load('./my-vae', 'runs/my-vae').name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["edited", "vae"]


def test_an_ejected_system_can_be_ejected_again(line_folder, elsewhere):
    assert execute(["eject", str(line_folder), "second"]) == 0
    assert registry.resolve("second").entry.target == "system:Line"
    assert registry.resolve("second:curve").task == "curve"
    assert registry.resolve("second").entry.load().name == "line"


def test_a_folder_that_holds_something_is_refused_and_left_alone(line_folder, elsewhere, capsys):
    (elsewhere / "full").mkdir()
    (elsewhere / "full" / "mine.txt").write_text("mine")
    (elsewhere / "empty").mkdir()
    assert execute(["eject", str(line_folder), "full"]) == 2
    assert "must be new or empty" in capsys.readouterr().err
    assert [path.name for path in (elsewhere / "full").iterdir()] == ["mine.txt"]
    assert execute(["eject", str(line_folder), "empty"]) == 0
    assert sorted(path.name for path in elsewhere.iterdir()) == ["empty", "full"]


def test_a_folder_of_the_same_name_does_not_hide_an_installed_system(line_folder, elsewhere):
    assert execute(["eject", str(line_folder), "vae"]) == 0
    assert not registry.resolve("vae").entry.ejected
    assert registry.resolve("./vae").entry.name == "line"


@pytest.mark.parametrize("entry", SYSTEMS, ids=lambda entry: entry.name)
def test_a_system_s_files_find_each_other_after_the_move(entry):
    """Relative within the folder, absolute otherwise: an absolute import of a neighbour would find the original."""
    for file in entry.source.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, f"{file}: {ast.unparse(node)}"
                assert not (node.module or "").startswith(entry.package), f"{file}: {ast.unparse(node)}"


def test_a_default_that_the_user_edits_counts_whatever_the_preset_says(elsewhere, capsys, monkeypatch):
    trained = []
    monkeypatch.setattr(
        "potmeter.core.training.loop.Trainer.fit", lambda loop: trained.append(loop.system.config) or loop.run
    )
    assert execute(["eject", "vae", "my-vae"]) == 0
    model = elsewhere / "my-vae" / "model.py"
    text = model.read_text()
    line = next(line for line in text.splitlines() if line.strip().startswith("latent_dim:"))
    model.write_text(text.replace(line, line.rpartition("=")[0] + "= 5"))
    flags = ["--preset", "tiny", "--data", "digits", "--steps", "1", "--device", "cpu"]
    assert execute(["train", "./my-vae", *flags]) == 0
    assert "as my-vae says, instead of the preset: latent_dim 5" in capsys.readouterr().err
    assert execute(["train", "./my-vae", *flags, "--latent-dim", "3"]) == 0
    tiny = registry.entries()["vae"].load().presets["tiny"]
    assert [config.latent_dim for config in trained] == [5, 3] and trained[0].lr == tiny.lr and tiny.latent_dim != 5


def test_run_takes_the_newest_weights_that_were_trained_from_the_folder(line_folder, elsewhere, capsys):
    assert execute(["eject", str(line_folder), "my line"]) == 0
    assert "potmeter train './my line' --preset tiny" in capsys.readouterr().out
    assert execute(["train", "./my line", "--preset", "tiny", "--steps", "2", "--device", "cpu"]) == 0
    assert execute(["run", "./my line", "0.5"]) == 0
    assert "with the weights of runs/my line, step-00000002" in capsys.readouterr().err
    assert execute(["eval", "./my line"]) == 0
    assert "with the weights of runs/my line" in capsys.readouterr().err
