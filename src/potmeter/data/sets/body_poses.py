"""Random poses of a body, as rotations of its bones: people stand, walk, sit, stretch and reach."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from potmeter.data.sets.body_charts import FINGERS
from potmeter.data.sets.body_model import BodyModel

SITTING = 0.15
"""Probability that both thighs are raised together."""
DOWN = np.array([0.0, -1.0, 0.0])
FORWARD = np.array([0.0, 0.0, 1.0])
UPWARD, LEFTWARD = -DOWN, np.array([1.0, 0.0, 0.0])


def rotation(axis: np.ndarray | Sequence[float], angle: float) -> np.ndarray:
    """The matrix (3, 3) of a rotation around an axis, by an angle in radians (Rodrigues).

    Example:
        >>> (rotation((0, 0, 1), math.pi / 2) @ (1, 0, 0)).round(3).tolist()
        [0.0, 1.0, 0.0]
    """
    x, y, z = (float(value) for value in axis)
    length, s, c = math.sqrt(x * x + y * y + z * z) + 1e-12, math.sin(angle), math.cos(angle)
    x, y, z, d = x / length, y / length, z / length, 1 - c
    return np.array(
        [
            [c + d * x * x, d * x * y - s * z, d * x * z + s * y],
            [d * x * y + s * z, c + d * y * y, d * y * z - s * x],
            [d * x * z - s * y, d * y * z + s * x, c + d * z * z],
        ]
    )


def rotation_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The matrix (3, 3) of the shortest rotation from one direction to another."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(start, end)
    return rotation(axis, math.atan2(float(np.linalg.norm(axis)), float(start @ end)))


class Pose:
    """Rotations of a body's bones, set limb by limb. Angles are in radians.

    Args:
        body: Whose bones.
    """

    def __init__(self, body: BodyModel) -> None:
        self.body = body
        self.rotations = np.tile(np.eye(3), (len(body.bones), 1, 1))  # (J, 3, 3)

    def direction(self, bone: str, towards: str) -> np.ndarray:
        """The vector in the rest pose from one bone's beginning to another's."""
        joints, bones = self.body.joints, self.body.bones
        return joints[bones.index(towards)] - joints[bones.index(bone)]

    def turn(self, bone: str, matrix: np.ndarray) -> None:
        """Set the rotation of a bone, and of its children with it, relative to its parent."""
        self.rotations[self.body.bones.index(bone)] = matrix

    def turn_arm(self, side: str, raised: float, forward: float, bent: float, twisted: float) -> None:
        """Turn an arm.

        Args:
            side: ``_l`` or ``_r``.
            raised: Angle from hanging down; 90° is level.
            forward: Angle of the raised arm around the vertical: 0 is sideways, 90° to the front.
            bent: Angle of the elbow; 0 is straight.
            twisted: Angle of the upper arm around its axis.
        """
        out = 1 if side == "_l" else -1
        upper = self.direction("upperarm" + side, "lowerarm" + side)
        wanted = np.array(
            [out * math.sin(raised) * math.cos(forward), -math.cos(raised), math.sin(raised) * math.sin(forward)]
        )
        self.turn("upperarm" + side, rotation_between(upper, wanted) @ rotation(upper, out * twisted))
        self.turn("lowerarm" + side, rotation(np.cross(upper, FORWARD), bent))

    def turn_leg(self, side: str, raised: float, spread: float, bent: float, twisted: float) -> None:
        """Turn a leg: the thigh raised to the front, spread outwards and twisted around its axis, the knee bent."""
        out = 1 if side == "_l" else -1
        thigh = self.direction("thigh" + side, "calf" + side)
        wanted = np.array(
            [out * math.sin(spread), -math.cos(raised) * math.cos(spread), math.sin(raised) * math.cos(spread)]
        )
        self.turn("thigh" + side, rotation_between(thigh, wanted) @ rotation(thigh, out * twisted))
        self.turn("calf" + side, rotation(LEFTWARD, bent))

    def turn_hand(self, side: str, matrix: np.ndarray, curled: float) -> None:
        """Turn a hand at the wrist, and curl the fingers, but for the thumb."""
        self.turn("hand" + side, matrix)
        across, finger = (
            self.direction("pinky_01" + side, "index_01" + side),
            self.direction("middle_01" + side, "middle_03" + side),
        )
        palm = np.cross(finger, across)
        palm = palm if palm @ DOWN > 0 else -palm  # in the rest pose the palms look down
        curl = rotation(np.cross(finger, palm), curled)
        for name in FINGERS[3:]:
            if name + side in self.body.bones:
                self.turn(name + side, curl)


def draw_pose(body: BodyModel, rng: np.random.Generator) -> np.ndarray:
    """Rotations (J, 3, 3) of a random pose."""
    pose = Pose(body)
    lively = rng.uniform(0.3, 1)

    def angle(low: float, high: float) -> float:
        return math.radians(rng.uniform(low, high))

    lean, side, twist = lively * angle(-10, 25), lively * angle(-14, 14), lively * angle(-25, 25)
    for bone in ("spine_01", "spine_02", "spine_03"):
        pose.turn(bone, rotation(LEFTWARD, lean / 3) @ rotation(FORWARD, side / 3) @ rotation(UPWARD, twist / 3))
    nod, tilt, turn = lively * angle(-25, 30), lively * angle(-18, 18), lively * angle(-65, 65)
    for bone in ("neck_01", "head"):
        pose.turn(bone, rotation(UPWARD, turn / 2) @ rotation(LEFTWARD, nod / 2) @ rotation(FORWARD, tilt / 2))
    sitting = rng.random() < SITTING
    both = angle(50, 100)
    for name in ("_l", "_r"):
        kind = rng.random()
        if kind < 0.5:  # hanging
            pose.turn_arm(name, angle(4, 40), angle(-30, 80), angle(0, 60) * lively, angle(-40, 50))
        elif kind < 0.72:  # on the hip, before the belly, a thing in the hand
            pose.turn_arm(name, angle(10, 55), angle(-30, 85), angle(50, 140), angle(-60, 80))
        elif kind < 0.9:  # stretched out
            pose.turn_arm(name, angle(50, 110), angle(-25, 100), angle(0, 90) * lively, angle(-60, 60))
        else:  # up
            pose.turn_arm(name, angle(110, 170), angle(-10, 80), angle(0, 80), angle(-60, 60))
        turned = rotation(rng.normal(size=3), lively * angle(0, 35))
        pose.turn_hand(name, turned, angle(0, 80) if rng.random() < 0.7 else 0.0)
        if sitting:
            pose.turn_leg(name, both + angle(-10, 10), angle(0, 25), both + angle(-30, 25), angle(-20, 20))
        else:
            high = rng.random() < 0.15
            raised = angle(30, 95) if high else lively * angle(-25, 35)
            bent = angle(10, 110) if high else max(0.0, lively * angle(-25, 60))
            pose.turn_leg(name, raised, angle(0, 12 + 25 * lively), bent, lively * angle(-25, 25))
        pose.turn("foot" + name, rotation(LEFTWARD, lively * angle(-15, 25)))
    return pose.rotations


def walking_pose(body: BodyModel, phase: float) -> np.ndarray:
    """Rotations (J, 3, 3) of a walking body.

    Args:
        body: The body.
        phase: From 0 to 1 through a stride of two steps.
    """
    pose = Pose(body)
    for name, turn in (("_l", 2 * math.pi * phase), ("_r", 2 * math.pi * phase + math.pi)):
        swing = math.sin(turn)
        pose.turn_leg(name, 0.45 * swing, 0.05, 0.15 + 0.5 * max(0.0, math.cos(turn)), 0.0)
        pose.turn_arm(name, 0.2 + 0.35 * abs(swing), math.pi / 2 * (-0.9 if swing > 0 else 0.9), 0.5, 0.0)
    pose.turn("spine_02", rotation(UPWARD, 0.15 * math.sin(2 * math.pi * phase)))
    return pose.rotations
