"""Bouts in the ring, many side by side: physics, what each beetle observes, who has won."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from potmeter.errors import missing_extra

from .body import JOINTS, write_world

FRAME_SKIP, TIMESTEP = 4, 0.01
"""Steps of the physics to one of the beetles, and seconds of one: they act 25 times a second."""
LONGEST = 200
"""Steps after which a bout is drawn: 8 seconds."""
OBSERVATION, ACTION = 41, len(JOINTS)
"""Numbers in an observation and in an action."""
NEAREST = 0.45
"""Metres from the middle at which beetles begin at least: so that their horns do not touch."""
UPRIGHT, LOW = 0.3, 0.2
"""A beetle is down that is tilted further than this cosine, 73°, with its middle lower than so many metres: not in the air."""
FASTEST, FURTHEST = 30.0, 0.3
"""Bounds of the speeds that are observed, and of a step's reward of exploration: where bodies explode, nothing is spoilt."""
STARTS = 4
"""Uniform numbers that decide how a bout begins."""
OTHER, TIME_LEFT = slice(23, 26), -1
"""Where in an observation the other's place stands, relative to oneself; and the share of the time that is left."""
POSITIONS, VELOCITIES = 12, 11
"""Numbers of a beetle among MuJoCo's positions and velocities: of its body 7 and 6, and its joints."""


@dataclass(frozen=True)
class Moment:
    """What one step in each of N bouts brings; the first beetle is red, the second blue."""

    out: np.ndarray
    """bool (N, 2): whose middle has left the ring."""
    down: np.ndarray
    """bool (N, 2): who lies on its side or back."""
    winner: np.ndarray
    """int (N,): 0 red, 1 blue, −1 nobody."""
    over: np.ndarray
    """bool (N,): somebody is out or down, or the time is up."""
    shaped: np.ndarray
    """float (N, 2): the dense reward of exploration."""


class Ring:
    """Bouts side by side. One that is over stays so until ``restart``.

    Args:
        count: How many.
        radius: Of the ring in metres.
    """

    def __init__(self, count: int, radius: float) -> None:
        try:
            import mujoco
            from mujoco import rollout
        except ImportError as error:
            raise missing_extra("sumo", "play", error.name) from None
        self.roll_out = rollout.rollout
        self.model = mujoco.MjModel.from_xml_string(write_world())
        self.data = mujoco.MjData(self.model)
        self.radius = radius
        low, high = (side.reshape(2, ACTION) for side in self.model.jnt_range[self.model.actuator_trnid[:, 0]].T)
        self.middle, self.half = (low + high) / 2, (high - low) / 2
        self.state = np.zeros((count, 1 + 2 * (POSITIONS + VELOCITIES)))
        """Of each bout: the time, positions and velocities."""
        self.touched = np.zeros(count, bool)
        """Whether the two have touched."""
        self.steps = np.zeros(count, np.int64)

    def __len__(self) -> int:
        return len(self.state)

    @property
    def positions(self) -> np.ndarray:
        """(N, 2, 12): x, y, z, a quaternion and the angles of the joints."""
        return self.state[:, 1 : 1 + 2 * POSITIONS].reshape(-1, 2, POSITIONS)

    @property
    def velocities(self) -> np.ndarray:
        """(N, 2, 11): of the body in the world, around its own axes, of the joints."""
        return self.state[:, 1 + 2 * POSITIONS :].reshape(-1, 2, VELOCITIES)

    def restart(self, bouts: Any, starts: Float[np.ndarray, "n starts"]) -> None:
        """Begin bouts anew: face to face, about half a radius from the middle, turned and shifted a little.

        Args:
            bouts: Which, an index into all.
            starts: Uniform numbers in [0, 1), ``STARTS`` for each.
        """
        state = np.zeros((len(starts), self.state.shape[1]))
        positions = state[:, 1 : 1 + 2 * POSITIONS].reshape(-1, 2, POSITIONS)
        spread = 2 * starts.reshape(-1, 2, 2) - 1
        yaw = np.array([0, np.pi]) + 0.8 * spread[..., 0]
        positions[..., 0] = np.array([-1, 1]) * max(0.5 * self.radius, NEAREST)
        positions[..., 1] = 0.15 * self.radius * spread[..., 1]
        positions[..., 2] = 0.11
        positions[..., 3], positions[..., 6] = np.cos(yaw / 2), np.sin(yaw / 2)
        self.state[bouts], self.touched[bouts], self.steps[bouts] = state, False, 0

    def keep(self, bouts: Bool[np.ndarray, " n"]) -> None:
        """Forget all bouts but some."""
        self.state, self.touched, self.steps = self.state[bouts], self.touched[bouts], self.steps[bouts]

    def step(self, actions: Float[np.ndarray, "n 2 a"]) -> Moment:
        """Take an action for each beetle: where between its limits, −1 to 1, each joint is to go."""
        before = self.positions[..., :2].copy()
        control = (self.middle + self.half * actions.clip(-1, 1)).reshape(len(self), 1, -1)
        time = self.state[:, 0] + (FRAME_SKIP - 0.5) * TIMESTEP
        with self.silence():
            states, touches = self.roll_out(
                self.model, self.data, self.state, control.repeat(FRAME_SKIP, 1), nstep=FRAME_SKIP
            )
        self.state = np.ascontiguousarray(states[:, -1])
        self.touched |= (touches > 0).any((1, 2))
        self.steps += 1
        self.steps[self.state[:, 0] < time] = LONGEST  # MuJoCo has lost its way, and begun at 0: that bout is drawn
        return self.judge(before)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Without MuJoCo's warnings of bouts in which it has lost its way, which it also logs to a file here."""
        import mujoco

        before = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(lambda message: None)
        try:
            yield
        finally:
            mujoco.set_mju_user_warning(before)

    def judge(self, before: Float[np.ndarray, "n 2 2"]) -> Moment:
        """Who is out or down, and who has won; ``before`` is where they were a step ago."""
        place, (x, y) = self.positions[..., :2], np.moveaxis(self.positions[..., 4:6], -1, 0)
        distance = np.linalg.norm(place, axis=-1)
        out = distance > self.radius
        down = (1 - 2 * (x**2 + y**2) < UPRIGHT) & (self.positions[..., 2] < LOW)
        lost = out | down
        one = lost[:, 0] ^ lost[:, 1]
        winner = np.where(one & self.touched, lost.argmin(1), -1)
        over = lost.any(1) | (self.steps >= LONGEST)
        return Moment(out, down, winner, over, self.shape_reward(before, distance))

    def shape_reward(self, before: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """The dense reward: half a point for each metre towards the other, two for each that the other gets outwards."""
        moved, towards = self.positions[..., :2] - before, before[:, ::-1] - before
        towards /= np.linalg.norm(towards, axis=-1, keepdims=True) + 1e-6
        outwards = distance - np.linalg.norm(before, axis=-1)
        shaped: np.ndarray = 0.5 * (moved * towards).sum(-1) + 2 * outwards[:, ::-1]
        return shaped.clip(-FURTHEST, FURTHEST)

    def observe(self) -> Float[np.ndarray, "n 2 d"]:
        """What each beetle sees, in its own heading: itself, the ring, the other, the time that is left."""
        positions, velocities = self.positions, self.velocities.clip(-FASTEST, FASTEST)
        place, joints, pace = positions[..., :3], positions[..., 7:], velocities[..., :3]
        w, x, y, z = np.moveaxis(positions[..., 3:7], -1, 0)
        forward = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], -1)
        up = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], -1)
        gravity = np.stack([forward[..., 2], 2 * (y * z + w * x), up[..., 2]], -1)  # the world's up, in its own axes
        heading = forward[..., :2] / (np.linalg.norm(forward[..., :2], axis=-1, keepdims=True) + 1e-6)
        turn = lambda vectors: to_heading(vectors, heading)
        other = lambda values: values[:, ::-1]
        seen = [
            place[..., 2:], gravity, turn(pace), velocities[..., 3:6], joints, velocities[..., 6:],
            turn(-place)[..., :2], self.radius - np.linalg.norm(place[..., :2], axis=-1, keepdims=True),
            turn(other(place) - place), turn(other(pace)), turn(other(forward)), turn(other(up)), other(joints),
            np.broadcast_to(1 - self.steps[:, None, None] / LONGEST, (len(self), 2, 1)),
        ]  # fmt: skip
        return np.concatenate(seen, -1).astype(np.float32)


def to_heading(vectors: Float[np.ndarray, "n 2 3"], heading: Float[np.ndarray, "n 2 2"]) -> np.ndarray:
    """Vectors of the world as seen by one who looks along ``heading``: forwards, to the left, up."""
    (x, y, z), (c, s) = np.moveaxis(vectors, -1, 0), np.moveaxis(heading, -1, 0)
    return np.stack([c * x + s * y, c * y - s * x, z], -1)


def random_starts(seeds: Sequence[int]) -> Float[np.ndarray, "n starts"]:
    """How the bout of each seed begins, as ``restart`` takes it."""
    return np.stack([np.random.default_rng([int(seed), 1710]).random(STARTS) for seed in seeds])
