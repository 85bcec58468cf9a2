"""The points a black box is trained on: drawn from a formula, measured in the world, or from a table of the user's."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from potmeter.data.splits import OWN_DATA, Splits, TensorData
from potmeter.errors import reject
from potmeter.media import Table

Array = NDArray[Any]
Points = tuple[Array, Array]
"""Inputs (N, 1) or (N, 2), and targets: numbers (N,) in a regression, class indices otherwise."""

CURVES: dict[str, Any] = {
    "sine": lambda x: np.sin(1.5 * x),
    "step": np.sign,
    "polynomial": lambda x: (x**3 - 6 * x) / 6,
}
"""1-D, synthetic, with noise: y = f(x) for x in [-π, π]."""
SHAPES = ("moons", "circles", "spirals", "xor")
"""2-D, synthetic, with noise: two classes, blue and orange."""
REAL_DATA: dict[str, tuple[int, ...]] = {"iris": (2, 3), "wine": (6, 9), "cancer": (0, 1), "terrain": ()}
"""Real: two columns of a set inside scikit-learn; terrain is a height profile inside Matplotlib (USGS)."""
NAMES = (*SHAPES, "iris", "wine", "cancer", *CURVES, "terrain")
CLASSES = dict.fromkeys(SHAPES, ("blue", "orange")) | {
    "iris": ("setosa", "versicolor", "virginica"),
    "wine": ("cultivar 1", "cultivar 2", "cultivar 3"),
    "cancer": ("malignant", "benign"),
}
AXES = {
    "iris": ("petal length (cm)", "petal width (cm)"),
    "wine": ("flavanoids", "colour intensity"),
    "cancer": ("mean radius", "mean texture"),
    "terrain": ("distance (km)", "height (m)"),
}
MIN_ROWS, MAX_NUMBER = 10, 1e12
"""Fewest rows of a user's table, and the largest absolute value in it."""


def draw_shape(name: str, n: int, noise: float, rng: np.random.Generator) -> Points:
    """Draw ``n`` points of a 2-D shape, each coordinate with Gaussian noise."""
    label = np.arange(n) % 2
    sign, t = 1.0 - 2.0 * label, rng.uniform(0, 1, n)
    if name == "moons":
        x = np.stack([np.cos(math.pi * t) * sign - 0.5 * sign, np.sin(math.pi * t) * sign - 0.25 * sign], 1)
    elif name == "circles":
        x = np.stack([np.cos(2 * math.pi * t), np.sin(2 * math.pi * t)], 1) * (1.5 - label)[:, None]
    elif name == "spirals":
        angle = 3 * math.pi * np.sqrt(t)
        x = np.stack([np.cos(angle), np.sin(angle)], 1) * (angle * sign / 5)[:, None]
    else:
        x = rng.uniform(-1.5, 1.5, (n, 2))
        label = (x[:, 0] * x[:, 1] > 0).astype(int)
    return x + noise * rng.standard_normal((n, 2)), label.astype(float)


def draw_curve(name: str, n: int, noise: float, rng: np.random.Generator) -> Points:
    """Draw ``n`` points of a 1-D function, its value with Gaussian noise."""
    x = rng.uniform(-math.pi, math.pi, n)
    return x[:, None], CURVES[name](x) + noise * rng.standard_normal(n)


def load_real(name: str) -> Points:
    """Read all points of a real data set, from the wheels of scikit-learn and Matplotlib."""
    if name == "terrain":
        from matplotlib.cbook import get_sample_data

        with np.load(get_sample_data("jacksboro_fault_dem.npz", asfileobj=False), allow_pickle=False) as file:
            height, degrees = file["elevation"][100].astype(float), float(file["dx"])
        return np.arange(len(height))[:, None] * degrees * 111.32 * math.cos(math.radians(36.65)), height
    from sklearn import datasets

    bundle = getattr(datasets, {"cancer": "load_breast_cancer"}.get(name, f"load_{name}"))()
    return bundle.data[:, REAL_DATA[name]], bundle.target.astype(float)


@cache
def load_built_in(name: str, samples: int, noise: float) -> Splits:
    """Read or draw a built-in data set; validation and test are fresh draws of 500 and 1,000 points, or a fifth each."""
    if name in REAL_DATA:
        return split_points(*load_real(name), CLASSES.get(name, ()), name)
    draw = draw_shape if name in SHAPES else draw_curve
    train, valid, test = (
        to_dataset(*draw(name, n, noise, np.random.default_rng([7, i])), CLASSES.get(name, ()))
        for i, n in enumerate((samples, 500, 1000))
    )
    return Splits(train, valid, test, dataset=name)


def read_table(table: Table) -> Splits:
    """Read a user's table with columns x, y, or x1, x2, label. Raises UserError when it cannot be learnt from."""
    flat = [c for c in table.columns if c in ("x1", "x2", "label")]
    wanted = ("x1", "x2", "label") if len(flat) > 1 or "label" in flat else ("x", "y")
    for column in wanted:
        if column not in table.columns:
            reject(f"The table lacks the column {column}: it needs x, y, or x1, x2, label.", table.columns)
    len(table.rows) >= MIN_ROWS or reject(f"The table needs at least {MIN_ROWS} rows.", f"{len(table.rows)} rows")
    rows = [[row[table.columns.index(column)] for column in wanted] for row in table.rows]
    numbers = np.array([[parse_number(row[j], i, wanted[j]) for j in (0, 1)] for i, row in enumerate(rows, 2)])
    for column, values in zip(wanted, numbers.T, strict=False):
        values.std() > 0 or reject(f"Column {column} must vary: all its values are equal.", float(values[0]))
    if len(wanted) == 2:
        return split_points(numbers[:, :1], numbers[:, 1], (), OWN_DATA)
    labels = [parse_class_name(row[2], i) for i, row in enumerate(rows, 2)]
    classes = tuple(sorted(set(labels)))
    2 <= len(classes) <= 8 or reject("The column label needs 2 to 8 different values.", classes[:9])
    name, count = min(Counter(labels).items(), key=lambda item: item[1])
    count >= 2 or reject("Every class needs at least 2 rows.", name)
    return split_points(numbers, np.array([classes.index(label) for label in labels], float), classes, OWN_DATA)


def parse_number(value: Any, line: int, column: str) -> float:
    """Read a cell as a number. Raises UserError, with the line, for text, NaN and what is too large."""
    try:
        parsed = float(value)
    except (TypeError, ValueError):
        parsed = math.nan
    if abs(parsed) <= MAX_NUMBER:
        return parsed
    return reject(f"Line {line}, column {column} must hold a number of at most {MAX_NUMBER:g}.", str(value))


def parse_class_name(value: Any, line: int) -> str:
    """Read a cell as the name of a class, letter by letter. Raises UserError for a missing or endless one."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    good = text.lower() not in ("", "nan") and len(text) <= 40
    return text if good else reject(f"Line {line} needs a label of 1 to 40 characters.", text)


def split_points(x: Array, y: Array, classes: tuple[str, ...], dataset: str) -> Splits:
    """Split points: three fifths for training, one for validation, one for the test; each class in that proportion."""
    order = np.random.default_rng(7).permutation(len(x))
    if classes:
        order = order[np.argsort(y[order], kind="stable")]
    fifth = np.arange(len(x)) % 5
    places = [np.sort(order[np.isin(fifth, which)]) for which in ((0, 2, 4), (1,), (3,))]
    train, valid, test = (to_dataset(x[place], y[place], classes) for place in places)
    return Splits(train, valid, test, dataset=dataset)


def to_dataset(x: Array, y: Array, classes: tuple[str, ...]) -> TensorData:
    """A data set with ``x`` (N, inputs), and ``label`` (N,) or ``y`` (N, 1).

    Columns stay in double precision until they are standardised: seconds since 1970 differ by less than float32 can tell.
    """
    inputs, targets = torch.from_numpy(x).double(), torch.from_numpy(y)
    if classes:
        return TensorData(classes=classes, x=inputs, label=targets.long())
    return TensorData(x=inputs, y=targets.double()[:, None])
