"""The catalogue: built in, by entry point, or an ejected folder; what a user types finds it, or the nearest name."""

import json
import sys

import pytest

from potmeter import registry
from potmeter.core.loading import load
from potmeter.core.signature import tasks
from potmeter.errors import UserError

FACTS = {"name": "wave", "section": "basics", "slide": 3, "summary": "A wave", "target": "system:Wave"}


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """A distribution of somebody else's, as pip would have installed it: its package, its ``system.json``."""

    def install(facts: dict | str = FACTS, value: str = "their_plugin.wave"):
        info = tmp_path / "their_plugin-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[potmeter.systems]\nwave = {value}\n")
        package = tmp_path / "their_plugin" / "wave"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").write_text("import nothing_that_exists\n")
        (package / "__init__.py").write_text('"""Theirs."""\n')
        (package / "system.json").write_text(facts if isinstance(facts, str) else json.dumps(facts))
        (package / "system.py").write_text(
            "from fixtures.line import Line\nclass Wave(Line):\n    name = 'wave'\n    def run(self, x: float = 0.0):\n        '''Here.'''\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.entries.cache_clear()
        return package

    yield install
    registry.entries.cache_clear()
    for name in [name for name in sys.modules if name.startswith("their_plugin")]:
        del sys.modules[name]


def test_a_plug_in_is_a_system_like_any_other(plug_in):
    from potmeter.presentation.source import methods

    package = plug_in()
    entry = registry.resolve("wave").entry
    assert [method.signature for method in methods(entry)] == ["(x: float=0.0)"]
    assert not [name for name in sys.modules if name.startswith("their_plugin")], (
        "nothing is imported before it is used"
    )
    (package.parent / "__init__.py").write_text("")
    assert entry.load().name == "wave" and "curve" in tasks(entry.load())
    order = list(registry.entries())
    assert order.index("captioner") < order.index("wave") < order.index("translator"), "in the lecture's order"


@pytest.mark.parametrize(
    ("facts", "value"),
    [("", "their_plugin.wave"), (FACTS | {"slide": "three"}, "their_plugin.wave"), (FACTS, "their_plugin.missing"), (FACTS, "missing"), (FACTS, "json")],
    ids=["no JSON", "another form", "no system.json", "not installed", "no package"],
)  # fmt: skip
def test_a_broken_plug_in_is_told_and_takes_nobody_down(plug_in, capsys, facts, value):
    plug_in(facts, value)
    assert set(registry.entries()) == {entry.name for entry in registry.built_in_entries()}
    assert f"potmeter: warning: wave ({value}) cannot be used: " in capsys.readouterr().err


def test_built_in_folders_are_named_as_their_systems_and_lie_in_their_sections():
    for entry in registry.built_in_entries():
        assert (entry.source.name, entry.source.parent.name) == (entry.name, entry.section)
    assert len({entry.name for entry in registry.built_in_entries()}) == len(registry.built_in_entries())


def test_every_folder_with_a_system_or_a_probe_is_known():
    files = [*registry.ROOT.glob("systems/*/*/system.py"), *registry.ROOT.glob("probes/*/probe.py")]
    assert {file.parent for file in files} == {entry.source for entry in registry.built_in_entries()}


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


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "line"}', "\x00", '"text"', "null", "{}", "[" * 100_000])
def test_a_damaged_system_json_is_told(tmp_path, text):
    (tmp_path / "system.json").write_text(text)
    with pytest.raises(UserError, match=r"system.json.*Received: "):
        registry.resolve(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "there is no colour; known are name, kind, .* Received: colour"),
        ({"name": "My Line"}, "name must be a name in small letters. Received: My Line"),
        ({"kind": "robot"}, "kind must be system or probe. Received: robot"),
        ({"section": "cooking"}, "section must be one of basics, vision, .* Received: cooking"),
        ({"slide": True}, "slide must be a whole number. Received: True"),
        ({"summary": "Two\nlines"}, "summary must be one line of text"),
        ({"target": "line.system:Line"}, 'target must be a file of this folder and a class in it, as "system:VAE"'),
        ({"capabilities": "Generator"}, "capabilities must be a list of names. Received: Generator"),
        ({"metrics": {"mse": "less"}}, "metrics must be an object of metrics, each higher, lower or neither"),
        ({"metrics": {"mse": []}}, "metrics must be"),
        ({"tiny_reaches": {"mse": "0.1"}}, "tiny_reaches must be an object of numbers"),
        ({"weights": ["a"]}, "weights must be an object with an object for each tag"),
        ({"weights": {"a": {"recipe": "--steps 3"}}}, "weights a: recipe must be a list of flags.* Received: --steps 3"),
        ({"weights": {"a": {"fetched": 1}}}, "weights a: fetched must be true or false. Received: 1"),
        ({"weights": {"a": {"size": 1}}}, "weights a: there is no size"),
    ],
)  # fmt: skip
def test_a_value_of_another_form_is_told(line_folder, tmp_path, change, message):
    values = json.loads((line_folder / "system.json").read_text())
    (tmp_path / "system.json").write_text(json.dumps(values | change))
    with pytest.raises(UserError, match=message):
        registry.resolve(str(tmp_path))


@pytest.mark.parametrize("key", registry.REQUIRED)
def test_a_fact_that_is_missing_is_told(line_folder, tmp_path, key):
    values = json.loads((line_folder / "system.json").read_text())
    del values[key]
    (tmp_path / "system.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match=f"system.json lacks {key}. Received: "):
        registry.resolve(str(tmp_path))


def test_metrics_may_be_declared_by_a_pattern():
    entry = registry.entries()["autoencoder"]
    assert entry.better("mse_32") == "lower" and entry.better("accuracy") is None


def test_an_ejected_folder_without_its_package_is_told(line_folder, tmp_path):
    (tmp_path / "system.json").write_text((line_folder / "system.json").read_text())
    with pytest.raises(UserError, match="has no __init__.py"):
        load(str(tmp_path))
