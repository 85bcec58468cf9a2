"""The catalogue: built in, by entry point, or an ejected folder; what a user types finds it, or the nearest name."""

import json
import sys
from dataclasses import replace

import pytest

from potmeter import registry
from potmeter.core.loading import load
from potmeter.core.signature import tasks
from potmeter.errors import UserError


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """A distribution of somebody else's, as pip would have installed it: a function that writes its entry module."""

    def install(entry: str, target: str = "their_plugin.catalogue:ENTRY"):
        info = tmp_path / "their_plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[potmeter.systems]\nwave = {target}\n")
        package = tmp_path / "their_plugin"
        package.mkdir()
        (package / "__init__.py").write_text('"""Theirs."""\n')
        (package / "catalogue.py").write_text(f"from potmeter.registry import Entry\n{entry}\n")
        (package / "system.py").write_text(
            "from fixtures.line import Line\nclass Wave(Line):\n    name = 'wave'\n    def run(self, x: float = 0.0):\n        '''Here.'''\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.entries.cache_clear()

    yield install
    registry.entries.cache_clear()
    for name in [name for name in sys.modules if name.startswith("their_plugin")]:
        del sys.modules[name]


ENTRY = "ENTRY = Entry(name='wave', section='basics', slide=3, summary='A wave', target='their_plugin.system:Wave')"


def test_a_plug_in_is_a_system_like_any_other(plug_in):
    from potmeter.presentation.source import methods

    plug_in(ENTRY)
    entry = registry.resolve("wave").entry
    assert "their_plugin.system" not in sys.modules, "nothing is imported before it is used"
    assert [method.signature for method in methods(entry)] == ["(x: float=0.0)"]
    assert entry.load().name == "wave" and "curve" in tasks(entry.load())
    assert list(registry.entries())[0] == "wave", "in the lecture's order"


@pytest.mark.parametrize(
    ("entry", "target"),
    [("raise ImportError('broken')", "their_plugin.catalogue:ENTRY"), (ENTRY, "their_plugin.missing:ENTRY"), (ENTRY, "their_plugin.catalogue:NONE"),
     ("ENTRY = 'vae'", "their_plugin.catalogue:ENTRY")],
    ids=["raises", "no module", "no attribute", "no entry"],
)  # fmt: skip
def test_a_broken_plug_in_is_told_and_takes_nobody_down(plug_in, capsys, entry, target):
    plug_in(entry, target)
    assert set(registry.entries()) == {e.name for e in registry.BUILT_IN}
    assert "potmeter: warning: wave (their_plugin" in capsys.readouterr().err


def test_built_in_names_are_unique_and_typeable():
    names = [entry.name for entry in registry.BUILT_IN]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)
    assert all(set(entry.fetched) <= set(entry.weights) and entry.summary for entry in registry.BUILT_IN)


def test_the_parts_of_a_name_are_found():
    assert registry.resolve("vae") == registry.Reference(registry.entries()["vae"])
    assert registry.resolve("vae.plane").tag == "plane" and registry.resolve("vae:interpolate").task == "interpolate"
    both = registry.resolve("vae.plane:interpolate")
    assert (both.entry.name, both.tag, both.task) == ("vae", "plane", "interpolate")


@pytest.mark.parametrize(
    ("word", "hint"),
    [("vea", "Did you mean vae"), ("clasifier", "Did you mean classifier"), ("zzz", "potmeter list"), ("", "potmeter list"),
     ("vae.nothing", "vae has weights digits"), (":", "potmeter list"), (".", "potmeter list"), ("vae .digits", "vae"), ("x" * 5000, "potmeter list"),
     ("with\0null", "potmeter list"), ("/", "potmeter list")],
)  # fmt: skip
def test_a_name_that_is_none_gets_a_hint(word, hint):
    with pytest.raises(UserError, match=f"{hint}.*Received: "):
        registry.resolve(word)


def test_an_ejected_folder_is_a_system(line_folder):
    reference = registry.resolve(f"{line_folder}:curve")
    assert (reference.entry.name, reference.task, reference.entry.source) == ("line", "curve", line_folder.resolve())
    owner = reference.entry.load()
    assert owner.name == "line" and owner.__module__.startswith("potmeter_ejected_")
    assert owner is registry.resolve(str(line_folder)).entry.load(), "imported once"


def test_two_ejected_folders_do_not_mix(line_folder, tmp_path):
    import shutil

    other = shutil.copytree(line_folder, tmp_path / "other line")
    (other / "system.py").write_text((other / "system.py").read_text().replace("sin 3x", "sin 4x"))
    mine, theirs = (registry.resolve(str(folder)).entry.load() for folder in (line_folder, other))
    assert mine is not theirs and "4x" in theirs.__doc__ and "3x" in mine.__doc__


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "line"}', "\x00", '"text"', "null", "{}"])
def test_a_damaged_system_json_is_told(tmp_path, text):
    (tmp_path / "system.json").write_text(text)
    with pytest.raises(UserError, match=r"system.json is damaged.*Received: "):
        registry.resolve(str(tmp_path))


def test_a_system_json_with_an_unknown_field_is_told(line_folder, tmp_path):
    values = json.loads((line_folder / "system.json").read_text())
    (tmp_path / "system.json").write_text(json.dumps(values | {"colour": "red"}))
    with pytest.raises(UserError, match="colour"):
        registry.resolve(str(tmp_path))


def test_an_ejected_folder_without_its_package_is_told(line_folder, tmp_path):
    (tmp_path / "system.json").write_text((line_folder / "system.json").read_text())
    with pytest.raises(UserError, match="has no __init__.py"):
        load(str(tmp_path))


def test_an_entry_survives_ejection(line_folder):
    entry = registry.entries()["vae"]
    values = json.loads(registry.entry_json(entry))
    assert replace(entry, target="system:VAE", folder=None) == registry.Entry(
        **values | {k: tuple(values[k]) for k in ("capabilities", "weights", "fetched")}
    )
