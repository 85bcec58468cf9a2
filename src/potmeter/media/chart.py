"""What matplotlib draws: lines and points, and sheets of paper to print."""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from typing import Any

from potmeter.errors import reject
from potmeter.media.image import Image
from potmeter.media.medium import Medium, data_uri


@dataclass(frozen=True, eq=False)
class Chart(Medium):
    """Lines (or points) over a common horizontal axis.

    Args:
        lines: For each name, the points (x, y) in order.
        x, y: What the axes mean, with units.
        log_x: Whether the horizontal axis is logarithmic.
        points: Draw points instead of lines: a scatter plot, one colour a name.
    """

    lines: dict[str, list[tuple[float, float]]]
    x: str
    y: str
    log_x: bool = False
    points: bool = False

    suffix = ".png"
    formats = (".png", ".svg", ".pdf")
    noun = "a chart"

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.4, 4.0), dpi=120, layout="constrained")
        axes = figure.add_subplot()
        for name, line in self.lines.items():
            xs, ys = zip(*line, strict=True) if line else ((), ())
            marker, line_style = (".", "") if self.points else ("o", "-")
            axes.plot(xs, ys, label=escape_formulas(name), marker=marker, linestyle=line_style, markersize=3)
        axes.set(
            xlabel=escape_formulas(self.x), ylabel=escape_formulas(self.y), xscale="log" if self.log_x else "linear"
        )
        axes.grid(alpha=0.3)
        if len(self.lines) > 1:
            axes.legend(frameon=False, markerscale=3 if self.points else 1)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=suffix[1:])
        return buffer.getvalue()

    def html(self) -> str:
        return f'<img alt="{html.escape(self.y)} over {html.escape(self.x)}" src="{data_uri(self, ".png")}">'

    def json(self) -> dict[str, list[tuple[float, float]]]:
        return self.lines


@dataclass(frozen=True, eq=False)
class Page(Medium):
    """A sheet of paper to print: a picture at its physical size, and a 5 cm rule that shows whether it came out so.

    Args:
        picture: What is printed, in the middle.
        width: Of the picture on paper, in centimetres; its height follows.
        note: A line below it.
        sheet: Width and height of the paper in centimetres; A4 by default.

    Raises:
        UserError: When the picture does not fit on the sheet.
    """

    picture: Image
    width: float
    note: str = ""
    sheet: tuple[float, float] = (21.0, 29.7)

    suffix = ".pdf"
    formats = (".pdf", ".png", ".svg")
    noun = "a page"

    def __post_init__(self) -> None:
        fits = 0 < self.width <= self.sheet[0] - 1 and self.height <= self.sheet[1] - 5
        fits or reject(f"The picture must fit on a sheet of {self.sheet[0]:g} × {self.sheet[1]:g} cm.", self.width)

    @property
    def height(self) -> float:
        """Of the picture on paper, in centimetres."""
        return self.width * self.picture.size[1] / self.picture.size[0]

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        from matplotlib.figure import Figure

        (across, down), buffer = self.sheet, io.BytesIO()
        figure = Figure(figsize=(across / 2.54, down / 2.54), dpi=72 if suffix == ".png" else 100)
        left, bottom = (across - self.width) / 2, (down - self.height) / 2 + 1
        place = (left / across, bottom / down, self.width / across, self.height / down)
        axes = figure.add_axes(place, frameon=False, xticks=(), yticks=())
        axes.imshow(self.picture.pixels, interpolation="none" if suffix != ".png" else "antialiased", aspect="auto")
        rule = figure.add_axes((0, 0, 1, 1), frameon=False, xlim=(0, across), ylim=(0, down), xticks=(), yticks=())
        rule.plot([across / 2 - 2.5, across / 2 + 2.5], [2.2, 2.2], color="black", linewidth=1, marker="|")
        rule.text(across / 2, 1.5, "5 cm: print without scaling", ha="center", va="center", fontsize=9)
        rule.text(across / 2, bottom - 1, escape_formulas(self.note), ha="center", va="center", fontsize=11)
        dated = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
        figure.savefig(buffer, format=suffix[1:], metadata=dated[suffix])
        return buffer.getvalue()

    def html(self) -> str:
        return f'<img alt="{html.escape(self.note)}" src="{data_uri(self, ".png")}">'

    def json(self) -> dict[str, Any]:
        return {"width_cm": self.width, "height_cm": round(self.height, 3), "sheet_cm": list(self.sheet)}


def escape_formulas(text: str) -> str:
    """A text as matplotlib shows it unchanged: between two dollar signs it would see a formula."""
    return text.replace("$", r"\$")
