"""Geodesic distances along the surface of a body between places that are given by part, U and V."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.sets.body_charts import PARTS
from potmeter.data.sets.body_model import BODY, VERSION, BodyModel, human_body
from potmeter.errors import UserError
from potmeter.notices import announce

SPACING = 0.03
"""Metres between sampled vertices, at least."""
LIMIT = 1.2
"""Metres at which distances end: what is farther counts as so far."""
CELLS = 48
"""Of a part along U and along V, for each of which the nearest sampled vertex is kept."""
JOINED = 8
"""Vertices by which a component that is not connected, as a mannequin's limbs are not, is joined to the nearest others."""


@dataclass(frozen=True)
class Geodesics:
    """Distances between sampled vertices of a body.

    Args:
        distances: float32 (S, S), in metres, at most ``LIMIT``.
        nearest: int64 (25, CELLS, CELLS), by part, U and V the index of the nearest sampled vertex.
    """

    distances: np.ndarray
    nearest: np.ndarray

    def distance(self, part: np.ndarray, uv: np.ndarray, other_part: np.ndarray, other_uv: np.ndarray) -> np.ndarray:
        """Distances (N,) in metres between N places and N others, ∞ where the part of one is 0, the background.

        Args:
            part, other_part: (N,).
            uv, other_uv: (N, 2), in [0, 1].
        """
        a, b = (
            self.nearest[parts, *np.minimum((places.T * CELLS).astype(np.int64), CELLS - 1)]
            for parts, places in ((part, uv), (other_part, other_uv))
        )
        return np.where((part > 0) & (other_part > 0), self.distances[a, b], np.inf)


def measure_geodesics(body: BodyModel) -> Geodesics:
    """Sample vertices of the template, and measure the shortest paths between them along its surface (Dijkstra 1959)."""
    skin = body.layers == BODY
    faces, parts, uv = body.faces[skin], body.charts.parts[skin], body.charts.uv[skin].mean(1)
    graph = surface_graph(body.template, faces)
    samples = sample_vertices(body.template, np.unique(faces))
    distances = dijkstra(graph, indices=samples, limit=LIMIT)[:, samples]
    _, _, sources = dijkstra(graph, indices=samples, min_only=True, return_predecessors=True)
    number = {int(vertex): place for place, vertex in enumerate(samples)}
    of_face = np.array([number.get(int(source), 0) for source in sources[faces[:, 0]]])
    middles = (np.arange(CELLS) + 0.5) / CELLS
    grid = np.stack(np.meshgrid(middles, middles, indexing="ij"), -1).reshape(-1, 2)
    nearest = np.zeros((len(PARTS) + 1, CELLS, CELLS), np.int64)
    for part in range(1, len(PARTS) + 1):
        inside = np.where(parts == part)[0]
        nearest[part] = of_face[inside[cKDTree(uv[inside]).query(grid)[1]]].reshape(CELLS, CELLS)
    return Geodesics(np.minimum(distances, LIMIT).astype(np.float32), nearest)


def surface_graph(vertices: np.ndarray, faces: np.ndarray) -> csr_matrix:
    """The graph of a surface: its edges, and across each edge the line between the opposite corners of its two triangles.

    Args:
        vertices: (V, 3).
        faces: (F, 3). Components that are not connected are joined where they are nearest to others.
    """
    edges = np.concatenate([faces[:, [0, 1, 2]], faces[:, [1, 2, 0]], faces[:, [2, 0, 1]]])  # ends, and opposite corner
    edges[:, :2] = np.sort(edges[:, :2], 1)
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    shared = (edges[:-1, :2] == edges[1:, :2]).all(1)
    pairs = np.concatenate([edges[:, :2], np.stack([edges[:-1, 2][shared], edges[1:, 2][shared]], 1)])
    used = np.unique(faces)
    _, component = connected_components(build_graph(vertices, pairs), directed=False)
    for number in np.unique(component[used]):
        own, others = used[component[used] == number], used[component[used] != number]
        if len(others):
            away, nearest = cKDTree(vertices[others]).query(vertices[own])
            closest = np.argsort(away)[:JOINED]
            pairs = np.concatenate([pairs, np.stack([own[closest], others[nearest[closest]]], 1)])
    return build_graph(vertices, pairs)


def build_graph(vertices: np.ndarray, pairs: np.ndarray) -> csr_matrix:
    """The undirected graph with edges between pairs (E, 2) of vertices, as long as these are apart."""
    pairs = np.unique(np.sort(pairs, 1), axis=0)
    lengths = np.linalg.norm(vertices[pairs[:, 0]] - vertices[pairs[:, 1]], axis=1) + 1e-9  # 0 would be no edge
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return csr_matrix((np.tile(lengths, 2), (both[:, 0], both[:, 1])), (len(vertices), len(vertices)))


def sample_vertices(vertices: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Indices of some candidates, no two of them nearer than ``SPACING``, and to every other one so near to one of them."""
    tree, free, chosen = cKDTree(vertices[candidates]), np.ones(len(candidates), bool), []
    for place in range(len(candidates)):
        if free[place]:
            chosen.append(candidates[place])
            free[tree.query_ball_point(vertices[candidates[place]], SPACING)] = False
    return np.array(chosen)


@cache
def human_geodesics() -> Geodesics:
    """Those of MakeHuman's body, measured once, in half a minute, and read from the cache from then on.

    Raises:
        UserError: When the body cannot be fetched, or what is in the cache is damaged.
    """
    path = cache_folder() / f"makehuman-{VERSION}-geodesics.npz"
    if not path.is_file():
        from filelock import FileLock  # comes with torch and huggingface_hub

        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                announce("measuring distances along a body, once …")
                found, aside = measure_geodesics(human_body()), path.with_name(f".{path.name}.part.npz")
                np.savez_compressed(
                    aside, distances=found.distances.astype(np.float16), nearest=found.nearest.astype(np.int16)
                )
                aside.replace(path)
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Geodesics(stored["distances"].astype(np.float32), stored["nearest"].astype(np.int64))
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged: delete it, and it is made anew.", received=str(error)[:80]) from None
