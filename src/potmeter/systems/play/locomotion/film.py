"""Episodes as videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageDraw

from potmeter.core.progress import progress
from potmeter.media import Video
from potmeter.media.stage import View, draw_arrow, draw_body, write_line

from .environments import Environments, describe_trouble, make_environment
from .playing import Act, Disturb

SIZE = (480, 320)
"""Width and height of a frame in pixels."""
FPS = 25
"""Frames a second, at most about so many."""
HOLD = 0.6
"""Seconds that the last moment is shown, where the body fell."""
SPAN = 4.2
"""Metres that are seen from left to right."""


@dataclass(frozen=True)
class Film:
    """A recorded episode."""

    frames: list[np.ndarray]
    """uint8 (H, W, 3), equally many for each second."""
    fps: float
    total: float
    """The return."""
    steps: int
    ended: bool
    """Whether the task was over before the time was, as where the body fell."""


def film_episode(
    name: str, seed: int, act: Act, *, seconds: float, title: str = "", width: int = SIZE[0],
    disturb: Disturb | None = None,
) -> Film:  # fmt: skip
    """Play one episode and draw it.

    Args:
        name: The environment.
        seed: Of the episode.
        act: Chooses the actions.
        seconds: Of its world, after which it is left, ended or not.
        title: A line above the numbers.
        width: Of a frame in pixels.
        disturb: Called before each step, with its number; returns which way it pushes, 0 = not at all.
    """
    environments = Environments(name, [seed])
    if not has_body(environments):  # it draws itself
        environments = Environments(name, [seed], render_mode="rgb_array")
    every, fps = pace(environments.members[0])
    frames, total, step, over = [], 0.0, 0, False
    for step in progress(range(max(1, round(seconds * every * fps))), "steps"):
        push = disturb(environments, step) if disturb else 0.0
        if step % every == 0:
            frame = draw_frame(environments, width, push)
            lines = [title] if title else []
            for row, line in enumerate([*lines, f"return {total:,.0f}", f"step {step}"]):
                write_line(frame, line, row)
            frames.append(np.asarray(frame))
        after = environments.step(act(environments.observation))
        total += float(after.reward[0])
        over = bool(after.terminated[0])
        if over or after.truncated[0]:
            break
    frames += [frames[-1]] * (round(HOLD * fps) if over else 0)
    return Film(frames, fps, total, step + 1, over)


def to_video(film: Film) -> Video:
    """A recorded episode with its return and its steps below it."""
    return Video(np.stack(film.frames), film.fps, describe(film), round(film.total, 2))


def side_by_side(films: dict[str, Film]) -> Video:
    """Episodes beside each other, each by its name; of one that is over the last frame stays, paled."""
    longest = max(len(film.frames) for film in films.values())
    columns = []
    for film in films.values():
        paled = (film.frames[-1] // 2 + 120).astype(np.uint8)
        columns.append(np.stack(film.frames + [paled] * (longest - len(film.frames))))
    caption = " · ".join(f"{name}: {describe(film)}" for name, film in films.items())
    *_, last = films.values()
    return Video(np.concatenate(columns, 2), last.fps, caption, round(last.total, 2))


def describe(film: Film) -> str:
    """What came of an episode."""
    return f"return {film.total:,.0f} in {film.steps:,} steps{', then it was over' if film.ended else ''}"


def steps_in(name: str, seconds: float) -> int:
    """Steps that an environment takes in so many seconds of its world."""
    every, fps = pace(make_environment(name))
    return max(1, round(seconds * every * fps))


def has_body(environments: Environments) -> bool:
    """Whether there is a body of MuJoCo's to be drawn."""
    own: Any = environments.members[0].unwrapped
    return hasattr(own, "model") and hasattr(getattr(own, "data", None), "geom_xpos")


def pace(environment: Any) -> tuple[int, float]:
    """Steps from one frame to the next, and frames a second, so that the video runs as fast as the world."""
    own = environment.unwrapped
    a_second = 1 / own.dt if hasattr(own, "dt") else float(environment.metadata.get("render_fps", 30))
    every = max(1, round(a_second / FPS))
    return every, a_second / every


def draw_frame(environments: Environments, width: int, push: float) -> PIL.Image.Image:
    """The first environment as it is now."""
    own = environments.members[0].unwrapped
    if has_body(environments):
        return draw_body(
            own.model, own.data, View((width, SIZE[1]), float(own.data.xpos[1, 0]), SPAN * width / SIZE[0]), push
        )
    try:
        frame = PIL.Image.fromarray(np.asarray(environments.members[0].render(), np.uint8))
    except Exception as error:  # whatever somebody's environment raises
        raise describe_trouble(error, environments.name, "being drawn") from error
    frame = frame.resize((width, max(2, round(width * frame.height / frame.width))))
    if push:
        draw_arrow(PIL.ImageDraw.Draw(frame), (width / 2, 24.0), np.sign(push), width / 4)
    return frame
