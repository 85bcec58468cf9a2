"""A picture of words on a map: points in a plane, and labels that do not cover each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from potmeter.errors import reject
from potmeter.media import Image

WIDTH, HEIGHT = 1120, 800
"""Size of the picture in pixels."""
INK, DOT, LEADER = "#1f2933", "#2b6cb0", "#b8c2cc"

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""


def draw_word_map(vectors: np.ndarray, words: Sequence[str], method: str) -> Image:
    """Words (N) with unit vectors (N, D) on a plane.

    Args:
        vectors: Of length 1.
        words: Their labels; from 3 to 150.
        method: ``pca`` or ``tsne``.
    """
    3 <= len(words) <= 150 or reject("A map takes from 3 to 150 words.", len(words))
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.axis("off")
    size = 15 if len(words) <= 60 else 11
    points = scale_to_picture(project(vectors, method))
    labels = [axes.text(0, 0, word.replace("_", " "), fontsize=size, color=INK, zorder=3) for word in words]
    renderer = canvas.get_renderer()
    sizes = [(box.width, box.height) for box in (label.get_window_extent(renderer) for label in labels)]
    for label, point, box in zip(labels, points, place_labels(points, sizes), strict=True):
        label.set(x=box[0], y=box[1], verticalalignment="bottom")
        anchor = (np.clip(point[0], box[0], box[2]), np.clip(point[1], box[1], box[3]))
        axes.plot(*zip(point, anchor, strict=True), color=LEADER, linewidth=1, zorder=1)
    axes.scatter(points[:, 0], points[:, 1], s=22, color=DOT, zorder=2)
    canvas.draw()
    return Image(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def project(vectors: np.ndarray, method: str) -> np.ndarray:
    """Vectors (N, D) projected to two dimensions, (N, 2); what has one dimension lies on a line."""
    centred = vectors - vectors.mean(0)
    if method == "tsne":
        from sklearn.manifold import TSNE

        perplexity = max(1.0, min(15.0, (len(vectors) - 1) / 3))
        return np.asarray(
            TSNE(perplexity=perplexity, random_state=0, metric="cosine", init="random").fit_transform(vectors)
        )
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    plane = left[:, :2] * scale[:2]
    plane = np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
    return plane * np.sign(plane[np.abs(plane).argmax(0), [0, 1]])  # a sign that does not depend on the machine


def scale_to_picture(plane: np.ndarray) -> np.ndarray:
    """Points (N, 2) scaled to the picture, with a margin for labels."""
    low, high = plane.min(0), plane.max(0)
    share = (plane - low) / np.maximum(high - low, 1e-9)
    return np.array([90, 50]) + share * (np.array([WIDTH, HEIGHT]) - np.array([210, 100]))


def place_labels(points: np.ndarray, sizes: Sequence[tuple[float, float]]) -> list[Box]:
    """A box for each label, near its point, that covers no other label and no point.

    Candidates lie on ever larger circles round the point, the right-hand side first; the first that is free is taken.
    """
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    boxes = []
    for number, ((x, y), (width, height)) in enumerate(zip(points, sizes, strict=True)):
        others = [box for point, box in enumerate(taken) if point != number]
        for radius in range(6, 2 * WIDTH, 7):
            angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
            candidates = (label_box(x, y, width, height, radius, angle) for angle in angles)
            box = next(
                (box for box in candidates if is_inside(box) and not any(overlap(box, other) for other in others)), None
            )
            if box is not None:
                break
        box = box or (x, y, x + width, y + height)  # more words than the picture has room for
        taken.append(box)
        boxes.append(box)
    return boxes


def label_box(x: float, y: float, width: float, height: float, radius: float, angle: float) -> Box:
    """The box of a label whose nearest edge lies at a distance from the point, in a direction."""
    centre_x = x + (radius + width / 2) * np.cos(angle)
    centre_y = y + (radius + height / 2) * np.sin(angle)
    return centre_x - width / 2, centre_y - height / 2, centre_x + width / 2, centre_y + height / 2


def is_inside(box: Box) -> bool:
    """Whether a box lies in the picture."""
    return box[0] >= 4 and box[1] >= 4 and box[2] <= WIDTH - 4 and box[3] <= HEIGHT - 4


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
