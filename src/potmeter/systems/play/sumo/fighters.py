"""Who fights: scripted beetles to measure by; and whole bouts, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from potmeter.core.progress import progress

from .ring import ACTION, LONGEST, OTHER, TIME_LEFT, Ring, random_starts

Act = Callable[[np.ndarray], np.ndarray]
"""Observations (n, D) to actions (n, A)."""

NEAR = 0.75
"""Metres between the two from which on the script shoves rather than gallops."""


@dataclass(frozen=True)
class Stroke:
    """A movement of both legs that is repeated."""

    period: float
    """Steps that it takes."""
    lag: float
    """By which share of it the knees are ahead of the hips."""
    swing: float
    back: float
    """How far the hips swing, and how far back the middle of that lies;"""
    lift: float
    press: float
    """how far the knees swing, and how far down the middle of that lies; all of it as shares of what the joints can do."""
    horn: float
    """Where the horn is held: −1 down, 1 up."""
    steer: float
    """How much less the inner leg swings, for each radian to the side; what goes beyond 1 is a stroke backwards."""

    def actions(self, step: np.ndarray, left: np.ndarray) -> Float[np.ndarray, "n a"]:
        """What the joints do, so many steps into a bout, with the other so many radians to the left."""
        phase = 2 * np.pi * step / self.period
        knee = -self.lift * np.cos(phase + 2 * np.pi * self.lag) - self.press
        swings = [self.swing * (1 - self.steer * side).clip(-1, 1) for side in (left, -left)]
        hips = [swing * np.cos(phase) - self.back for swing in swings]
        return np.stack([hips[0], knee, hips[1], knee, np.full(len(step), self.horn)], 1)


GALLOP = Stroke(period=8.5, lag=0.034, swing=1.0, back=0.03, lift=0.31, press=0.1, horn=0.75, steer=2.7)
SHOVE = Stroke(period=18.2, lag=0.16, swing=0.69, back=-0.16, lift=0.58, press=0.58, horn=-0.52, steer=-0.42)


def stand_still(observation: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n a"]:
    """No movement: every joint stays in the middle."""
    return np.zeros((len(observation), ACTION))


def push(observation: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n a"]:
    """A script that gallops straight at the other and shoves; its two strokes are the best of a random search."""
    x, y = observation[:, OTHER][:, :2].T
    step, left = (1 - observation[:, TIME_LEFT]) * LONGEST, np.arctan2(y, x)
    near = np.hypot(x, y) < NEAR
    return np.where(near[:, None], SHOVE.actions(step, left), GALLOP.actions(step, left))


@dataclass(frozen=True)
class Bouts:
    """What whole bouts came to."""

    winner: np.ndarray
    """int (bouts,): 0 red, 1 blue, −1 nobody."""
    steps: np.ndarray
    """int (bouts,): how long each was."""


def play_bouts(
    fighters: Sequence[Act], pairs: Int[np.ndarray, "n 2"], starts: Float[np.ndarray, "n starts"], radius: float
) -> Bouts:
    """Play bouts to their end, side by side.

    Args:
        fighters: Who may fight.
        pairs: The numbers of red and of blue in each bout.
        starts: How each begins, as ``Ring.restart`` takes it.
        radius: Of the ring.
    """
    ring, live = Ring(len(pairs), radius), np.arange(len(pairs))
    ring.restart(live, starts)
    winner, steps = np.full(len(pairs), -1), np.full(len(pairs), LONGEST)
    for _ in progress(range(LONGEST), "steps"):
        observation, actions = ring.observe(), np.zeros((len(live), 2, ACTION))
        for number, act in enumerate(fighters):
            rows = pairs[live] == number
            if rows.any():
                actions[rows] = act(observation[rows])
        moment = ring.step(actions)
        over = moment.over
        winner[live[over]], steps[live[over]] = moment.winner[over], ring.steps[over]
        live = live[~over]
        ring.keep(~over)
        if not len(live):
            break
    return Bouts(winner, steps)


def meet(act: Act, rival: Act, seeds: Sequence[int], radius: float) -> np.ndarray:
    """The results of the first against the second, 1, 0 or −1, in a bout from each seed, in turn as red and as blue."""
    red = np.arange(len(seeds)) % 2 == 0
    bouts = play_bouts([act, rival], np.where(red[:, None], [[0, 1]], [[1, 0]]), random_starts(seeds), radius)
    mine = np.where(red, 0, 1)
    return np.where(bouts.winner < 0, 0, np.where(bouts.winner == mine, 1, -1))


def play_rounds(fighters: Sequence[Act], seeds: Sequence[int], radius: float, newest: int | None = None) -> np.ndarray:
    """A round from each seed, in which each two meet once: results (rounds, n, n), 1 where the row has beaten the column.

    Args:
        fighters: All n of them.
        seeds: Of the rounds, which say how bouts begin; from one round to the next two fighters change sides.
        radius: Of the ring.
        newest: How many, at the end, meet all before them; all do if it is not given.
    """
    n = len(fighters)
    first = 0 if newest is None else n - newest
    pairs = np.array([(i, j) for i in range(first, n) for j in range(i)]).reshape(-1, 2)
    rounds = np.arange(len(seeds)).repeat(len(pairs))
    every = np.tile(pairs, (len(seeds), 1))
    swapped = np.where(rounds[:, None] % 2 == 0, every, every[:, ::-1])
    bouts = play_bouts(fighters, swapped, random_starts(seeds)[rounds], radius)
    results = np.zeros((len(seeds), n, n), np.int8)
    decided = bouts.winner >= 0
    winner = swapped[np.arange(len(swapped)), bouts.winner.clip(0)][decided]
    loser = swapped[np.arange(len(swapped)), 1 - bouts.winner.clip(0)][decided]
    results[rounds[decided], winner, loser], results[rounds[decided], loser, winner] = 1, -1
    return results
