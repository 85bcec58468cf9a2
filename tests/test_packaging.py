"""What is built into the wheel: everything that the checkout runs with."""

import tomllib
from pathlib import Path

from setuptools import find_packages

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "potmeter"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def files():
    """The files of the package."""
    return [p for p in SOURCE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def test_every_folder_of_modules_is_a_package_that_the_wheel_holds():
    folders = {p.parent.relative_to(ROOT / "src") for p in files() if p.suffix == ".py"}
    assert {".".join(folder.parts) for folder in folders} == set(find_packages(ROOT / "src"))


def test_every_other_file_is_named_as_package_data():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["potmeter"]
    named = {path for pattern in patterns for path in SOURCE.glob(pattern)}
    assert {p for p in files() if p.suffix != ".py"} <= named


def test_the_licence_expression_names_those_of_the_weights():
    expression = PROJECT["project"]["license"]
    told = (ROOT / "LICENSES.md").read_text(encoding="utf-8")
    assert expression.startswith("MIT AND ")
    assert all(licence in told for licence in expression.split(" AND "))
