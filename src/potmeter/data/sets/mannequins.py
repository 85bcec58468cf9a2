"""Rendered mannequins, whose limbs are tubes, before photographs of installed libraries: easy to learn, and without network."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np
import PIL.Image

from potmeter.data.sets.bodies import LARGEST, SPLITS, Staging, compose
from potmeter.data.sets.body_charts import make_charts
from potmeter.data.sets.body_geodesics import Geodesics, measure_geodesics
from potmeter.data.sets.body_model import BodyModel, strongest_bones
from potmeter.data.sets.scenes import shrink
from potmeter.data.sets.wheel_photos import PHOTOS, wheel_photo_path
from potmeter.data.source_data import ItemGenerator
from potmeter.data.splits import Splits
from potmeter.data.surfaces import SurfaceData
from potmeter.errors import reject

COUNTS = {"train": 4_000, "valid": 40, "test": 100}
VERSION = 1
"""Of the rendering: part of a data set's fingerprint."""
PLACES = {
    "train": ("brick", "coffee", "grass", "gravel", "hubble", "motorcycle"),
    "valid": ("moon", "rocket"),
    "test": ("china", "flower", "page"),
}
"""Photographs without people."""
STAGING = Staging(two=0.05, rolled=0.0, simple=True, frames=((1.0, -2.0, (0.8, 1.02)),))
"""Whole and upright, nearly always alone, in colours that tell the place on the body."""
AROUND, ALONG = 12, 9
"""Vertices around a tube, and rings of them along it."""
JOINTS = {
    "pelvis": ("", (0.0, 0.06, 0.01)), "spine_01": ("pelvis", (0.0, 0.14, 0.0)), "spine_02": ("spine_01", (0.0, 0.24, 0.0)),
    "spine_03": ("spine_02", (0.0, 0.34, 0.0)), "neck_01": ("spine_03", (0.0, 0.56, 0.0)),
    "head": ("neck_01", (0.0, 0.66, 0.02)), "clavicle": ("spine_03", (0.03, 0.52, 0.0)),
    "upperarm": ("clavicle", (0.19, 0.5, 0.0)), "lowerarm": ("upperarm", (0.36, 0.3, 0.0)),
    "hand": ("lowerarm", (0.5, 0.13, 0.06)), "thigh": ("pelvis", (0.1, 0.04, 0.0)), "calf": ("thigh", (0.13, -0.36, 0.02)),
    "foot": ("calf", (0.15, -0.76, 0.0)), "ball": ("foot", (0.16, -0.81, 0.13)), "index_01": ("hand", (0.55, 0.06, 0.12)),
    "middle_01": ("hand", (0.56, 0.05, 0.1)), "middle_03": ("middle_01", (0.58, 0.0, 0.12)),
    "pinky_01": ("hand", (0.57, 0.05, 0.06)), "thumb_03": ("hand", (0.52, 0.08, 0.15)),
}  # fmt: skip
"""The parent of each joint, and its place in metres, x to the body's left; those beside the middle are mirrored."""
TUBES = {
    "torso": ((0.0, -0.04, 0.0), (0.0, 0.56, 0.0), 0.17, 0.17, 0.62),
    "head": ((0.0, 0.56, 0.01), (0.0, 0.86, 0.03), 0.07, 0.1, 1.15),
    "upperarm": ((0.17, 0.52, 0.0), (0.37, 0.29, 0.0), 0.062, 0.048, 1.0),
    "lowerarm": ((0.35, 0.32, 0.0), (0.5, 0.13, 0.06), 0.048, 0.034, 1.0),
    "hand": ((0.49, 0.14, 0.05), (0.6, -0.04, 0.14), 0.035, 0.035, 0.6),
    "thigh": ((0.1, 0.06, 0.0), (0.13, -0.38, 0.02), 0.095, 0.065, 1.0),
    "calf": ((0.13, -0.33, 0.02), (0.15, -0.77, 0.0), 0.062, 0.042, 1.0),
    "foot": ((0.15, -0.79, -0.05), (0.165, -0.81, 0.2), 0.045, 0.04, 0.8),
}
"""Of each limb where it begins and ends, its radii there, in metres, and its depth relative to its width."""
THICKNESS = 1.5
"""Factor on the radii, so that limbs are seen in small pictures."""
SHAPES = {"minweight": (0.78, 1.0), "maxweight": (1.35, 1.0), "child": (0.8, 0.65)}
"""Blend shapes: factors on the thickness and the length of limbs."""


def build(thickness: float, length: float) -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray]:
    """Vertices (V, 3), faces (F, 3), the limb of each vertex, and joints (J, 3) of a mannequin of a shape."""
    vertices, faces, owners, start = [], [], [], 0
    for name, (begin, end, first, last, depth) in TUBES.items():
        for side in ("",) if begin[0] == end[0] == 0 else ("_l", "_r"):
            mirror = np.array([-1.0 if side == "_r" else 1.0, 1.0, 1.0])
            big = 0.5 + 0.5 / length if name == "head" else 1.0  # a child's head is large
            thick = THICKNESS * thickness * length * big
            own = mirror * tube(length * np.array(begin), length * np.array(end), first * thick, last * thick, depth)
            vertices.append(own)
            faces.append(tube_faces(outwards=side != "_r") + start)
            owners += [name + side] * len(own)
            start += len(own)
    joints = np.array([length * np.array(place) for _, place in list_joints().values()])
    return np.concatenate(vertices), np.concatenate(faces), owners, joints


def tube(begin: np.ndarray, end: np.ndarray, first: float, last: float, depth: float) -> np.ndarray:
    """Vertices (``ALONG`` · ``AROUND``, 3) of a tube with round ends."""
    axis = (end - begin) / np.linalg.norm(end - begin)
    across = np.cross((0.0, 0.0, 1.0), axis)
    across = across / np.linalg.norm(across) if np.linalg.norm(across) > 0.3 else np.array([1.0, 0.0, 0.0])
    front = np.cross(axis, across)
    at = 0.5 - 0.5 * np.cos(np.linspace(0, math.pi, ALONG))
    round_off = np.sqrt(np.clip(1 - np.abs(2 * at - 1) ** 6, 0, 1)).clip(0.02)
    radius = (first + (last - first) * at) * round_off
    turn = np.arange(AROUND) * 2 * math.pi / AROUND
    ring = np.cos(turn)[:, None] * across + depth * np.sin(turn)[:, None] * front  # (AROUND, 3)
    places = begin + at[:, None, None] * (end - begin) + radius[:, None, None] * ring
    whole: np.ndarray = places.reshape(-1, 3)
    return whole


def tube_faces(*, outwards: bool) -> np.ndarray:
    """The triangles (F, 3) between the rings of a tube, in the order in which their normals point outwards, or inwards."""
    faces = []
    for ring in range(ALONG - 1):
        for step in range(AROUND):
            a, b = ring * AROUND + step, ring * AROUND + (step + 1) % AROUND
            faces += [(a, b, b + AROUND), (a, b + AROUND, a + AROUND)]
    whole = np.array(faces, np.int64)
    return whole if outwards else whole[:, ::-1]


def list_joints() -> dict[str, tuple[str, tuple[float, ...]]]:
    """By name the parent and the place of all joints, those beside the middle on both sides; parents come first."""
    joints: dict[str, tuple[str, tuple[float, ...]]] = {}
    for name, (parent, (x, y, z)) in JOINTS.items():
        for side, sign in (("_l", 1), ("_r", -1)) if x else (("", 0),):
            paired = bool(parent) and JOINTS[parent][1][0] != 0
            joints[name + side] = (parent + side if paired else parent, (sign * x, y, z))
    return joints


@cache
def mannequin() -> BodyModel:
    """A body of 15 tubes with the joints of a human one."""
    vertices, faces, owners, joints = build(1, 1)
    bones = list_joints()
    names = [*bones]
    skinning = np.zeros((len(vertices), len(names)), np.float32)
    spine = [name for name in names if name.startswith(("pelvis", "spine"))]
    heights = np.array([bones[name][1][1] for name in spine])
    for vertex, owner in enumerate(owners):
        bone = spine[int((vertices[vertex, 1] >= heights).sum() or 1) - 1] if owner == "torso" else owner
        skinning[vertex, names.index(bone)] = 1
    tails = joints.copy()
    for number, name in enumerate(names):
        children = [joints[names.index(other)] for other, (parent, _) in bones.items() if parent == name]
        tails[number] = children[0] if children else joints[number] + (0, 0.01, 0)
    shapes = [build(*shape) for shape in SHAPES.values()]
    bone_indices, bone_weights = strongest_bones(skinning)
    return BodyModel(
        template=vertices.astype(np.float32),
        blend_shapes=np.stack([other - vertices for other, _, _, _ in shapes]).astype(np.float32),
        joints=joints.astype(np.float32),
        joint_shapes=np.stack([other - joints for _, _, _, other in shapes]).astype(np.float32),
        shape_names=tuple(SHAPES),
        bones=tuple(names),
        parents=np.array([names.index(parent) if parent else -1 for parent, _ in bones.values()]),
        bone_indices=bone_indices,
        bone_weights=bone_weights,
        faces=faces,
        layers=np.zeros(len(faces), np.uint8),
        charts=make_charts(vertices, faces, skinning, names, joints, tails),
    )


@cache
def mannequin_geodesics() -> Geodesics:
    """Geodesic distances along a mannequin, whose limbs are joined where they touch."""
    return measure_geodesics(mannequin())


@cache
def wheel_places(split: str) -> list[PIL.Image.Image]:
    """Photographs of installed libraries that belong to a split."""
    photos = [PIL.Image.open(wheel_photo_path(PHOTOS[name])).convert("RGB") for name in PLACES[split]]
    return [shrink(photo, LARGEST) for photo in photos]


def mannequins(size: int = 64) -> Splits:
    """Rendered mannequins before photographs.

    Args:
        size: Side in pixels.

    Returns:
        Splits of SurfaceData: 4,000 train, 40 valid, 100 test.
    """
    size >= 32 or reject("Mannequins are rendered in pictures of at least 32 pixels a side.", size)

    def read(split: str) -> SurfaceData:
        generate = partial(compose, split, size=size, model=mannequin, places=wheel_places, staging=STAGING)
        return SurfaceData(ItemGenerator(generate, ["mannequins", VERSION, split, size]), COUNTS[split])

    train, valid, test = map(read, SPLITS)
    return Splits(train, valid, test, dataset="mannequins")
