"""Rows under named columns, and named shares as bars."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from potmeter.errors import UserError, reject
from potmeter.media.medium import Medium
from potmeter.media.text import Text

DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
SAMPLE = 20
"""Lines by which it is found what separates the columns."""


@dataclass(frozen=True, eq=False)
class Table(Medium):
    """Rows under named columns.

    Example:
        >>> Table(("word", "similarity"), [("queen", 0.71)]).json()
        [{'word': 'queen', 'similarity': 0.71}]
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    suffix = ".csv"
    formats = (".csv", ".tsv", ".json")
    noun = "a table"
    suffixes = (".csv", ".tsv")

    @classmethod
    def open(cls, path: str | Path) -> Table:
        """Read a UTF-8 file with a header, its columns separated by commas, semicolons or tabs.

        Numbers become floats where no letter of them is lost; ``01234`` and ``1.50`` stay text. Where semicolons separate,
        as in countries that write 1,5 for 1.5, commas in numbers are decimal points.
        """
        text = Text.open(path).text
        delimiter = find_delimiter(text)
        try:
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
        except csv.Error as error:
            raise UserError(f"{path} is not a table: {error}.", received=str(path)) from None
        rows or reject(f"{path} is an empty table.", str(path))
        width = len(rows[0])
        for number, row in enumerate(rows, 1):
            len(row) == width or reject(f"{path} line {number} must have {width} columns.", f"{len(row)} columns")
        columns = tuple(name.strip() for name in rows[0])
        if twice := [name for name in columns if columns.count(name) > 1]:
            reject(f"{path} has two columns of one name.", twice[0])
        if delimiter == ";":
            rows[1:] = [
                [cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell.strip()) else cell for cell in row]
                for row in rows[1:]
            ]
        return cls(columns, [tuple(parse_cell(cell) for cell in row) for row in rows[1:]])

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        if suffix == ".json":
            return json.dumps(self.json(), ensure_ascii=False, indent=1).encode()
        buffer = io.StringIO()
        delimiter = "\t" if suffix == ".tsv" else ","
        csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows([self.columns, *self.rows])
        return buffer.getvalue().encode()

    def html(self) -> str:
        head = "".join(f"<th>{html.escape(str(name))}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(format_value(v))}</td>" for v in row) + "</tr>" for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def json(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def __str__(self) -> str:
        cells = [[format_value(value) for value in row] for row in (self.columns, *self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells
        )


@dataclass(frozen=True, eq=False)
class Bars(Medium):
    """Named values from 0 to 1 as bars, such as a classifier's probabilities, largest first.

    Example:
        >>> print(Bars({"cat": 0.9, "dog": 0.1}))
        cat  90.0 %  ██████████████████
        dog  10.0 %  ██
    """

    values: dict[str, float]

    suffix = ".csv"
    formats = (".csv", ".tsv", ".json")
    noun = "a table"

    def encode(self, suffix: str) -> bytes:
        return Table(("name", "value"), list(self.values.items())).encode(suffix)

    def html(self) -> str:
        rows = "".join(
            f'<div class="bar"><span>{html.escape(name)}</span><b style="width:{100 * value:.1f}%"></b>'
            f"<i>{100 * value:.1f} %</i></div>"
            for name, value in self.values.items()
        )
        return f'<div class="bars">{rows}</div>'

    def json(self) -> dict[str, float]:
        return {name: round(value, 6) for name, value in self.values.items()}

    def __str__(self) -> str:
        wide = max(map(len, self.values), default=0)
        return "\n".join(
            f"{n:{wide}}  {100 * v:4.1f} %  {'█' * round(20 * v)}".rstrip() for n, v in self.values.items()
        )


def find_delimiter(text: str) -> str:
    """What separates the columns of a table: tab or semicolon where they part header and first rows alike, else comma."""
    lines = [line for line in text.splitlines() if line.strip()][:SAMPLE]
    for delimiter in "\t;":
        try:
            widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        except csv.Error:
            continue
        if len(widths) == 1 and widths != {1}:
            return delimiter
    return ","


def parse_cell(cell: str) -> float | str:
    """A table's cell as a number where that has the same letters; ``nan``, ``1_000``, ``01234`` and ``1.50`` stay text."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    if not math.isfinite(number):
        return cell
    return number if cell.strip() in (repr(number), str(int(number))) else cell


def format_value(value: object) -> str:
    """A table's value as a reader wants it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
