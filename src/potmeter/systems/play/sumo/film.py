"""Bouts as videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import PIL.Image
import PIL.ImageDraw

from potmeter.core.progress import progress
from potmeter.media import Video
from potmeter.media.labelled_page import font
from potmeter.media.stage import OVERSAMPLING, View, draw_pieces, list_pieces

from .fighters import Act
from .ring import FRAME_SKIP, LONGEST, TIMESTEP, Ring, random_starts

SIZE = (640, 400)
"""Width and height of a frame in pixels."""
FPS = round(1 / (FRAME_SKIP * TIMESTEP))
AFTERWARDS = 30
"""Frames that are shown after a bout is decided."""
MARGIN = 1.45
"""How much wider the picture is than the ring."""
RISE = 0.5
"""By how many metres one metre of depth moves up: the ring is seen from 30° above."""
HALL, CLAY, SAND, ROPE, LINE = (94, 84, 78), (196, 164, 122), (214, 186, 146), (240, 228, 196), (250, 246, 236)
RED, BLUE, INK = (226, 106, 84), (120, 172, 222), (250, 246, 236)


@dataclass(frozen=True)
class Corner:
    """One side of a filmed bout."""

    name: str
    act: Act


def film_bouts(red: Corner, blue: Corner, seeds: Sequence[int], radius: float) -> Video:
    """Bouts one after the other, with the score; each goes on for a moment after it is decided.

    Args:
        red, blue: Who fights.
        seeds: Of the bouts, which say how they begin.
        radius: Of the ring.
    """
    frames: list[np.ndarray] = []
    won = [0, 0]
    for seed in progress(seeds, "bouts"):
        ring = Ring(1, radius)
        ring.restart(slice(None), random_starts([seed]))
        verdict, left = "", LONGEST + AFTERWARDS
        while left:
            frames.append(draw_frame(ring, (red.name, blue.name), won, verdict))
            seen = ring.observe()
            actions = np.stack([red.act(seen[:, 0]), blue.act(seen[:, 1])], 1)
            moment = ring.step(actions)
            left -= 1
            if not verdict and moment.over[0]:
                winner = int(moment.winner[0])
                verdict, left = describe_end(moment.out[0], moment.down[0], winner), AFTERWARDS
                won[winner] += winner >= 0
    caption = f"red ({red.name}) {won[0]} : {won[1]} blue ({blue.name}), {len(seeds) - sum(won)} drawn"
    return Video(np.stack(frames), FPS, caption, (won[0] + (len(seeds) - sum(won)) / 2) / len(seeds))


def describe_end(out: np.ndarray, down: np.ndarray, winner: int) -> str:
    """How a bout ended, in words."""
    if winner < 0:
        return (
            "both at once: drawn" if (out | down).all() else "untouched: drawn" if (out | down).any() else "time: drawn"
        )
    name, loser = ("red", "blue")[winner], 1 - winner
    return f"{('red', 'blue')[loser]} is {'out' if out[loser] else 'down'}: {name} wins"


def draw_frame(ring: Ring, names: tuple[str, str], won: list[int], verdict: str) -> np.ndarray:
    """The first bout as it is now, uint8 (H, W, 3)."""
    import mujoco

    view = View(SIZE, 0.0, 2 * MARGIN * ring.radius, shift=0.0, rise=RISE, ground=0.56)
    sheet = draw_ring(view, ring.radius).copy()
    ring.data.qpos[:] = ring.positions[0].ravel()
    mujoco.mj_kinematics(ring.model, ring.data)
    depth = lambda point: point[1] - RISE * point[2]
    pieces = sorted(list_pieces(ring.model, ring.data), key=lambda piece: -(depth(piece[0]) + depth(piece[1])))
    draw_pieces(PIL.ImageDraw.Draw(sheet), pieces, view)
    frame = sheet.reduce(OVERSAMPLING)
    draw = PIL.ImageDraw.Draw(frame)
    width = SIZE[0]
    draw.text((14, 10), names[0], fill=RED, font=font(17))
    draw.text((width - 14, 10), names[1], fill=BLUE, font=font(17), anchor="ra")
    draw.text((width / 2, 6), f"{won[0]} : {won[1]}", fill=INK, font=font(24), anchor="ma")
    draw.text((width / 2, SIZE[1] - 14), verdict, fill=INK, font=font(20), anchor="ms")
    return np.asarray(frame)


@cache
def draw_ring(view: View, radius: float) -> PIL.Image.Image:
    """The hall, the clay, and the ring of straw on it, two lines in the middle."""
    sheet = PIL.Image.new("RGB", (OVERSAMPLING * view.size[0], OVERSAMPLING * view.size[1]), HALL)
    draw = PIL.ImageDraw.Draw(sheet)
    angles = np.linspace(0, 2 * np.pi, 240)
    circle = lambda r, z=0.0: [view.project((r * np.cos(a), r * np.sin(a), z)) for a in angles]
    draw.polygon(circle(1.3 * radius, -0.08), fill=(150, 122, 88))
    draw.polygon(circle(1.3 * radius), fill=CLAY)
    draw.polygon(circle(radius + 0.03), fill=ROPE)
    draw.polygon(circle(radius - 0.03), fill=SAND)
    for x in (-0.25, 0.25):
        corners = [
            (x * radius + dx, dy * radius, 0) for dx, dy in ((-0.03, -0.2), (0.03, -0.2), (0.03, 0.2), (-0.03, 0.2))
        ]
        draw.polygon([view.project(corner) for corner in corners], fill=LINE)
    return sheet
