"""The surface of a body divided into DensePose's 24 parts, each with U and V in [0, 1] (arXiv:1802.00434, figure 2).

The paper unwraps the parts of its own body model; this is our rule, for any body with a skeleton, in the rest pose. A face
belongs to the limb whose bones have the largest skinning weights. V runs along the limb's axis, U around it. A hand and a
foot are one part: U turns once around, cut opposite the thumb and under the sole. All others are two: of torso, arms and legs
the front and the back, of the head the right and the left half; U runs from one edge of a half to the other: on arms and legs
from outside to inside, on the torso from left to right, on the head from back to front. Mirroring a body thus swaps left and
right parts, and reverses U of the torso.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PARTS = (
    "back", "chest and belly", "right hand", "left hand", "left foot", "right foot",
    "right thigh, back", "left thigh, back", "right thigh, front", "left thigh, front",
    "right shin, back", "left shin, back", "right shin, front", "left shin, front",
    "left upper arm, front", "right upper arm, front", "left upper arm, back", "right upper arm, back",
    "left forearm, front", "right forearm, front", "left forearm, back", "right forearm, back",
    "right half of the head", "left half of the head",
)  # fmt: skip
"""Names of the parts, from 1 on; 0 is the background."""
SEGMENTS = (0, 1, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8, 9, 8, 9, 10, 11, 10, 11, 12, 13, 12, 13, 14, 14)
"""By part the segment that it belongs to: torso, hands, feet, thighs, shins, arms, head; 0 is the background."""
MIRRORED = (0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23)
"""By part the one that it becomes in a mirrored picture."""
MIRRORED_SEGMENTS = tuple(SEGMENTS[MIRRORED[SEGMENTS.index(segment)]] for segment in range(15))
"""By segment the same."""
TORSO = (1, 2)
"""Parts whose U is reversed in a mirrored picture."""
FINGERS = tuple(f"{finger}_0{joint}" for finger in ("thumb", "index", "middle", "ring", "pinky") for joint in (1, 2, 3))
UP, FRONT, LEFT = np.eye(3)[[1, 2, 0]]


@dataclass(frozen=True)
class Limb:
    """A limb and its parts.

    Args:
        bones: The bones that move it.
        parts: Those on the side of positive angles and on the other one; or a single one.
    """

    bones: tuple[str, ...]
    parts: tuple[int, ...]


def list_limbs() -> dict[str, Limb]:
    """The limbs by name, those on the body's own left and right ending in ``_l`` and ``_r``."""
    limbs = {
        "torso": Limb(("Root", "pelvis", "spine_01", "spine_02", "spine_03", "clavicle_l", "clavicle_r"), (2, 1)),
        "head": Limb(("neck_01", "head"), (24, 23)),
    }
    for side, right in (("_l", 0), ("_r", 1)):
        bones = {"hand": ("hand", *FINGERS), "foot": ("foot", "ball")}
        parts = {
            "hand": (4 - right,), "foot": (5 + right,), "thigh": (10 - right, 8 - right), "calf": (14 - right, 12 - right),
            "upperarm": (15 + right, 17 + right), "lowerarm": (19 + right, 21 + right),
        }  # fmt: skip
        for name, own in parts.items():
            limbs[name + side] = Limb(tuple(bone + side for bone in bones.get(name, (name,))), own)
    return limbs


@dataclass(frozen=True)
class Charts:
    """Part and coordinates of every face.

    Args:
        parts: uint8 (F,), from 1 to 24.
        uv: float32 (F, 3, 2), at its corners.
    """

    parts: np.ndarray
    uv: np.ndarray


def make_charts(
    vertices: np.ndarray, faces: np.ndarray, skinning: np.ndarray, bones: Sequence[str], heads: np.ndarray, tails: np.ndarray
) -> Charts:  # fmt: skip
    """Divide a surface.

    Args:
        vertices: (V, 3) in the rest pose, x to the left, y up, z to the front.
        faces: int64 (F, 3).
        skinning: (V, J), the skinning weights.
        bones: The names of the bones, (J,).
        heads, tails: (J, 3), where they begin and end.
    """
    limbs = list_limbs()
    limb_of_bone = {bone: number for number, limb in enumerate(limbs.values()) for bone in limb.bones}
    weights = np.zeros((len(vertices), len(limbs)), np.float32)
    for number, bone in enumerate(bones):
        weights[:, limb_of_bone[bone]] += skinning[:, number]
    owner = weights[faces].sum(1).argmax(1)  # (F,)
    parts, uv = np.zeros(len(faces), np.uint8), np.zeros((len(faces), 3, 2), np.float32)
    for number, (name, limb) in enumerate(limbs.items()):
        own = np.where(owner == number)[0]
        corners = vertices[faces[own]]  # (n, 3, 3)
        joints = {bone: (heads[i], tails[i]) for i, bone in enumerate(bones)}
        origin, axis, reference, side = limb_frame(name, joints, corners)
        along = (corners - origin) @ axis
        v = (along - along.min()) / (along.max() - along.min())
        away = corners - origin - along[..., None] * axis
        angle = np.arctan2(away @ side, away @ reference)  # (n, 3)
        middle = away.mean(1)
        centre = np.arctan2(middle @ side, middle @ reference)[:, None]
        angle = centre + (angle - centre + np.pi) % (2 * np.pi) - np.pi  # all corners on the middle's side of a cut
        if len(limb.parts) == 1:
            parts[own], u = limb.parts[0], 0.5 + angle / (2 * np.pi)
        else:
            positive = centre[:, 0] >= 0
            parts[own] = np.where(positive, *limb.parts)
            u = np.where(positive[:, None], angle, -angle) / np.pi
        uv[own] = np.stack([u, v], -1).clip(0, 1)
    return Charts(parts, uv)


def limb_frame(
    name: str, joints: dict[str, tuple[np.ndarray, np.ndarray]], corners: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Origin and axis of a limb, and the directions of the angles 0° and 90°, which on the right are mirrored, so that U is."""
    kind, outwards = name.rpartition("_")[0] or name, -LEFT if name.endswith("_r") else LEFT
    if kind in ("torso", "head"):
        origin = corners.mean((0, 1)) * (0, 1, 1)
        return (origin, UP, LEFT, FRONT) if kind == "torso" else (origin, UP, -FRONT, LEFT)
    side = name[-2:]
    if kind == "foot":
        begin, end, reference = joints["foot" + side][0], joints["ball" + side][1], UP
        begin = np.array([*begin[:1], end[1] + 0.5 * (begin[1] - end[1]), begin[2]])
    elif kind == "hand":
        begin, end = joints["hand" + side][0], joints["middle_01" + side][0]
        reference = joints["thumb_03" + side][1] - begin
    else:
        (begin, end), reference = joints[name], outwards
    axis = (end - begin) / np.linalg.norm(end - begin)
    reference = reference - (reference @ axis) * axis
    reference = reference / np.linalg.norm(reference)
    across = np.cross(axis, reference)
    across = across if side == "_l" else -across
    return begin, axis, reference, across
