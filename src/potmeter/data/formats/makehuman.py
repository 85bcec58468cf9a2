"""MakeHuman's files of a body: a mesh with named groups, blend shapes, a skeleton, and skinning weights."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from potmeter.errors import UserError


@dataclass(frozen=True)
class GroupedMesh:
    """A mesh of quadrilaterals whose faces have names.

    Args:
        vertices: float32 (V, 3), x to the body's left, y up, z to its front, in decimetres.
        faces: By the name of the group, int64 (F, 4).
    """

    vertices: np.ndarray
    faces: dict[str, np.ndarray]


@dataclass(frozen=True)
class Bone:
    """A bone of a skeleton.

    Args:
        parent: Name of its parent; empty for the root.
        head, tail: The vertices at whose mean it begins and ends.
    """

    parent: str
    head: tuple[int, ...]
    tail: tuple[int, ...]


def read_grouped_mesh(path: Path) -> GroupedMesh:
    """The mesh of an ``.obj`` file; UserError if it is none."""
    vertices, faces, group = list[list[float]](), dict[str, list[list[int]]](), ""
    try:
        for line in path.read_text("utf-8").splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "v":
                vertices.append([float(x) for x in rest.split()])
            elif kind == "g":
                group = rest.strip()
            elif kind == "f":
                faces.setdefault(group, []).append([int(corner.split("/")[0]) - 1 for corner in rest.split()])
        quads = {name: np.array(corners, np.int64).reshape(-1, 4) for name, corners in faces.items()}
        return GroupedMesh(np.array(vertices, np.float32).reshape(-1, 3), quads)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no mesh of quadrilaterals.", received=str(error)[:80]) from None


def read_offsets(path: Path, count: int) -> np.ndarray:
    """A blend shape of a ``.target.gz``, offsets of ``count`` vertices, float32 (count, 3); UserError if it is none."""
    offsets = np.zeros((count, 3), np.float32)
    try:
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
        rows = np.array([line.split() for line in lines if line and not line.startswith("#")], np.float64)
        vertex, *xyz = rows.reshape(-1, 4).T
        offsets[vertex.astype(np.int64)] = np.stack(xyz, 1)
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise UserError(f"{path} holds no offsets of {count} vertices.", received=str(error)[:80]) from None
    return offsets


def read_skeleton(path: Path, mesh: GroupedMesh) -> dict[str, Bone]:
    """The bones of a ``rig`` file, parents first; a joint is a small cube of the mesh, or some of its vertices."""
    stored = json.loads(path.read_text("utf-8"))

    def joint(end: dict) -> tuple[int, ...]:
        cube = end.get("cube_name")
        return tuple(np.unique(mesh.faces[cube]).tolist()) if cube else tuple(end["vertex_indices"])

    bones = {name: Bone(bone["parent"], joint(bone["head"]), joint(bone["tail"])) for name, bone in stored.items()}
    ordered: dict[str, Bone] = {}
    while len(ordered) < len(bones):
        ordered |= {name: bone for name, bone in bones.items() if bone.parent in ("", *ordered)}
    return ordered


def read_skinning(path: Path, names: tuple[str, ...], count: int) -> np.ndarray:
    """The skinning weights float32 (count, bones) of a ``weights`` file, which sum to 1 for each vertex."""
    weights = np.zeros((count, len(names)), np.float32)
    for name, rows in json.loads(path.read_text("utf-8"))["weights"].items():
        for vertex, weight in rows:
            weights[vertex, names.index(name)] = weight
    return weights / weights.sum(1, keepdims=True).clip(1e-6)
