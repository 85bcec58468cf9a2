"""Bodies: the rasteriser, the division into parts, shape and pose, distances along the surface, the pictures, files of one's own."""

import gzip
from itertools import product

import numpy as np
import pytest
import torch

from fixtures.people import own_data
from potmeter.data.formats.makehuman import read_grouped_mesh, read_offsets
from potmeter.data.rasterise import interpolate_corners, interpolate_vertices, rasterise, vertex_normals
from potmeter.data.sets.body_charts import MIRRORED, PARTS, SEGMENTS, TORSO
from potmeter.data.sets.body_geodesics import build_graph, measure_geodesics
from potmeter.data.sets.body_model import FACTORS, NEUTRAL
from potmeter.data.sets.body_poses import draw_pose, rotation, rotation_between, walking_pose
from potmeter.data.sets.mannequins import PLACES, mannequin, mannequins
from potmeter.data.surface_files import surface_files
from potmeter.errors import UserError
from potmeter.media import Image
from potmeter.metrics.point_similarity import point_similarity
from potmeter.notices import drop_notes, pending

# The rasteriser -----------------------------------------------------------------------------------------------------


def test_the_nearest_triangle_is_seen_at_every_pixel():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-3, 15, (30, 2)), rng.uniform(1, 5, (30, 1))], 1).astype(np.float32)
    faces = rng.integers(0, 30, (25, 3))
    number, shares, depth = rasterise(points, faces, 9, 12)
    for y, x in product(range(9), range(12)):
        best, nearest = -1, np.inf
        for face, corners in enumerate(faces):
            matrix = np.stack([np.ones(3), points[corners, 0], points[corners, 1]]).astype(float)
            if abs(np.linalg.det(matrix)) > 1e-9:
                share = np.linalg.solve(matrix, [1, x + 0.5, y + 0.5])
                far = share @ points[corners, 2]
                if share.min() >= 0 and far < nearest:
                    best, nearest = face, far
        assert number[y, x] == best
        if best >= 0:
            assert depth[y, x] == pytest.approx(nearest, rel=1e-5) and shares[y, x].sum() == pytest.approx(1, abs=1e-5)
            assert shares[y, x] @ points[faces[best]][:, :2] == pytest.approx((x + 0.5, y + 0.5), abs=1e-3)


def test_what_lies_behind_the_eye_or_beside_the_picture_is_not_drawn():
    points = np.array([[0, 0, 1], [9, 0, 1], [0, 9, 0], [90, 90, 1], [99, 90, 1], [90, 99, 1]], np.float32)
    assert (rasterise(points, np.array([[0, 1, 2], [3, 4, 5]]), 8, 8)[0] == -1).all()


def test_values_are_mixed_by_the_shares_of_the_corners():
    rng = np.random.default_rng(1)
    values, faces, shares = (
        rng.normal(size=(6, 2)).astype(np.float32),
        rng.integers(0, 6, (4, 3)),
        rng.dirichlet((1, 1, 1), 5),
    )
    number, shares = np.array([0, 3, 1, 1, 2]), shares.astype(np.float32)
    expected = np.einsum("nk,nkc->nc", shares, values[faces[number]])
    assert interpolate_vertices(values, faces, number, shares) == pytest.approx(expected, abs=1e-6)
    assert interpolate_corners(values[faces], number, shares) == pytest.approx(expected, abs=1e-6)


def test_normals_of_a_convex_body_look_outwards():
    body = mannequin()
    normals = vertex_normals(body.template, body.faces)
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(len(normals)), abs=1e-4)
    for part in range(1, 25):
        own = np.unique(body.faces[body.charts.parts == part])
        limb = np.unique(
            body.faces[np.isin(body.charts.parts, [p for p in range(25) if SEGMENTS[p] == SEGMENTS[part]])]
        )
        away = body.template[own] - body.template[limb].mean(0)
        assert (np.einsum("nc,nc->n", normals[own], away) > 0).mean() > 0.9, PARTS[part - 1]


# Parts, shapes, poses -----------------------------------------------------------------------------------------------


def test_every_part_has_a_face_and_coordinates_from_0_to_1():
    charts = mannequin().charts
    assert set(charts.parts) == set(range(1, 25)) == set(range(1, len(PARTS) + 1))
    assert charts.uv.min() >= 0 and charts.uv.max() <= 1
    for part in range(1, 25):
        uv = charts.uv[charts.parts == part].reshape(-1, 2)
        assert (np.ptp(uv, 0) > 0.8).all(), f"{PARTS[part - 1]} fills its chart"
    around = np.ptp(charts.uv[..., 0], 1)
    assert np.median(around) < 0.2 and np.median(np.ptp(charts.uv[..., 1], 1)) < 0.3, "a face is a small place of it"


def test_a_mirror_swaps_left_and_right_and_turns_the_torso_around():
    body = mannequin()
    middles, parts, uv = body.template[body.faces].mean(1), body.charts.parts, body.charts.uv.mean(1)
    mirrored = middles * (-1, 1, 1)
    away = np.abs(middles[:, None] - mirrored).sum(2)
    twin, near = away.argmin(1), away.min(1)
    same = near < 1e-3
    assert same.mean() > 0.3
    assert (np.array(MIRRORED)[parts[same]] == parts[twin[same]]).mean() > 0.95
    fit = same & (np.array(MIRRORED)[parts] == parts[twin])
    turned = np.where(np.isin(parts, TORSO), 1 - uv[:, 0], uv[:, 0])
    assert np.abs(turned - uv[twin, 0])[fit].max() < 0.1 and np.abs(uv[:, 1] - uv[twin, 1])[fit].max() < 0.02
    assert sorted(MIRRORED) == [*range(25)] and all(MIRRORED[MIRRORED[part]] == part for part in range(25))


def test_the_average_body_has_the_template_s_shape_and_extremes_theirs():
    body = mannequin()
    vertices, joints = body.shape(NEUTRAL)
    assert vertices == pytest.approx(body.template, abs=1e-6) and joints == pytest.approx(body.joints, abs=1e-6)
    child, _ = body.shape(NEUTRAL | {"age": (1.0, 0.0, 0.0)})
    assert np.ptp(child[:, 1]) < 0.75 * np.ptp(vertices[:, 1])
    heavy, _ = body.shape(NEUTRAL | {"weight": (0.0, 0.0, 1.0)})
    assert np.ptp(heavy[body.faces[body.charts.parts == 2], 0]) > np.ptp(
        vertices[body.faces[body.charts.parts == 2], 0]
    )
    assert all(
        len(NEUTRAL[name]) == len(levels) and sum(NEUTRAL[name]) == pytest.approx(1) for name, levels in FACTORS.items()
    )


def test_skinning_is_the_weighted_sum_over_bones_along_the_chain():
    body, rng = mannequin(), np.random.default_rng(2)
    rotations = draw_pose(body, rng)
    posed = body.pose(body.template, body.joints, rotations)
    transforms = []
    for bone, parent in enumerate(body.parents):
        own = np.eye(4)
        own[:3, :3], own[:3, 3] = rotations[bone], body.joints[bone] - rotations[bone] @ body.joints[bone]
        transforms.append(own if parent < 0 else transforms[parent] @ own)
    points = np.c_[body.template, np.ones(len(body.template))]
    moved = np.einsum("jab,vb->vja", np.array(transforms), points)[..., :3]
    expected = (np.take_along_axis(moved, body.bone_indices[..., None], 1) * body.bone_weights[..., None]).sum(1)
    assert posed == pytest.approx(expected, abs=1e-4)
    still = np.tile(np.eye(3), (len(body.bones), 1, 1))
    assert body.pose(body.template, body.joints, still) == pytest.approx(body.template, abs=1e-5)


def test_rotations_are_rotations_and_turn_where_they_should():
    rng = np.random.default_rng(3)
    for _ in range(20):
        start, end = rng.normal(size=(2, 3))
        turn = rotation_between(start, end)
        assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-6) and np.linalg.det(turn) == pytest.approx(1)
        assert turn @ start / np.linalg.norm(start) == pytest.approx(end / np.linalg.norm(end), abs=1e-6)
    assert rotation((0, 1, 0), np.pi / 2) @ (0, 0, 1) == pytest.approx((1, 0, 0))
    for rotations in (*(draw_pose(mannequin(), rng) for _ in range(5)), walking_pose(mannequin(), 0.3)):
        assert rotations @ rotations.transpose(0, 2, 1) == pytest.approx(
            np.tile(np.eye(3), (len(rotations), 1, 1)), abs=1e-6
        )


# Distances ----------------------------------------------------------------------------------------------------------


def test_distances_are_those_along_the_surface():
    geodesics = measure_geodesics(mannequin())
    part, uv = np.array([10]), np.array([[0.5, 0.5]])
    assert geodesics.distance(part, uv, part, uv) == 0
    thigh = geodesics.distance(part, np.array([[0.5, 0.1]]), part, np.array([[0.5, 0.9]]))[0]
    assert thigh == pytest.approx(0.8 * 0.44, rel=0.2), "along the thigh, in metres"
    there, back = (
        geodesics.distance(np.array([a]), np.array([[0.3, 0.4]]), np.array([b]), np.array([[0.6, 0.7]]))
        for a, b in ((2, 9), (9, 2))
    )
    assert there == 0 or np.isfinite(there).all()
    assert geodesics.distances == pytest.approx(geodesics.distances.T, abs=1e-5)
    front, behind = (
        geodesics.distance(np.array([2]), np.array([[0.5, 0.5]]), np.array([p]), np.array([[0.5, 0.5]])) for p in (2, 1)
    )
    assert front == 0 and behind > 0.25, "around the body, not through it"
    assert geodesics.distance(np.array([2]), np.array([[0.5, 0.5]]), np.array([0]), np.array([[0.0, 0.0]])) == np.inf
    assert np.isfinite(back).all()


def test_the_lengths_of_a_graph_are_those_of_its_edges():
    vertices = np.array([[0, 0, 0], [3, 4, 0], [3, 4, 12]], np.float32)
    graph = build_graph(vertices, np.array([[0, 1], [1, 0], [2, 1]])).toarray()
    assert graph == pytest.approx(np.array([[0, 5, 0], [5, 0, 12], [0, 12, 0]]))


def test_the_similarity_of_points_is_a_half_at_thirty_centimetres():
    assert point_similarity(np.zeros(3)) == 1 and point_similarity(np.full(3, np.inf)) == 0
    assert point_similarity(np.array([0.3])) == pytest.approx(0.5, abs=0.01)
    assert point_similarity(np.array([0.1, 0.5])) == pytest.approx(
        sum(np.exp(-(d**2) / (2 * 0.255**2)) for d in (0.1, 0.5)) / 2
    )


# Pictures -----------------------------------------------------------------------------------------------------------


def test_pictures_are_the_same_in_every_run_and_their_maps_agree():
    first, second = mannequins(48), mannequins(48)
    assert first.fingerprint() == second.fingerprint() != mannequins(64).fingerprint()
    for number in range(20):
        one, other = (splits.train.source.read(number) for splits in (first, second))
        assert (one.pixels == other.pixels).all() and (one.uv == other.uv).all()
        assert ((one.person > 0) == (one.part > 0)).all() and ((one.part > 0) == (one.segment > 0)).all()
        assert (np.array(SEGMENTS)[one.part] == one.segment).all() and one.uv.min() >= 0 and one.uv.max() <= 1
        assert set(np.unique(one.person)) - {0} == set(range(1, int(one.person.max()) + 1))
    nobody = sum(not first.test.source.read(number).person.any() for number in range(100))
    assert 0 < nobody < 15
    train, test = first.train.source.read(5), first.test.source.read(5)
    assert (train.pixels != test.pixels).any() and (train.part != test.part).any()
    assert not set(PLACES["train"]) & {*PLACES["valid"], *PLACES["test"]}


def test_a_minibatch_has_the_masks_of_everybody():
    data = mannequins(48).test
    batch = data.__getitems__(range(12))
    assert batch["image"].shape == (12, 3, 48, 48) and batch["uv"].shape == (12, 2, 48, 48)
    assert torch.equal(batch["masks"].any(1), batch["part"] > 0) and batch["masks"].sum(1).max() == 1
    assert torch.equal(batch["labels"] > 0, batch["masks"].flatten(2).any(2))
    assert (
        torch.equal(data.select([3, 5])[1]["image"], data[5]["image"])
        and data.head(4).fingerprint() != data.fingerprint()
    )


# Files of one's own -------------------------------------------------------------------------------------------------


def test_a_folder_of_densepose_s_own_files_is_read_as_it_was_saved(tmp_path):
    drop_notes()
    data = own_data(tmp_path / "people")
    splits = surface_files(tmp_path / "people", 64, 96)
    assert "20 pictures of people. 10 without NAME_INDS.png" in pending["splits"]
    assert len(splits.train) + len(splits.valid) + len(splits.test) == 20
    files = splits.train.source
    for place in range(len(files.rows)):
        expected, found = data.source.read(int(files.rows[place].image.stem)), files.read(place)
        assert (found.part == expected.part).all() and (found.pixels == expected.pixels).all()
        assert np.abs(found.uv - expected.uv)[expected.part > 0].max(initial=0) < 1 / 254
        if files.rows[place].people is not None:
            assert (found.person == expected.person).all()


def test_files_that_are_broken_or_of_another_size_are_told(tmp_path):
    folder = tmp_path / "people"
    own_data(folder, 10, 48)
    Image(np.zeros((9, 9, 3), np.uint8)).save(folder / "3_IUV.png")
    with pytest.raises(UserError, match=r"3_IUV.png must be as large as its picture, 48 × 48 pixels.*Received: 9 × 9"):
        surface_files(folder, 64, 96)
    Image(np.full((48, 48, 3), 200, np.uint8)).save(folder / "3_IUV.png")
    with pytest.raises(UserError, match="has a part that there is not"):
        surface_files(folder, 64, 96)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="needs NAME_IUV.png beside its pictures"):
        surface_files(tmp_path / "empty", 64, 96)
    with pytest.raises(UserError, match="There is no folder"):
        surface_files(tmp_path / "missing", 64, 96)


def test_makehuman_s_files_that_are_broken_are_told(tmp_path):
    (tmp_path / "mesh.obj").write_text("v 0 0 0\ng body\nf 1 2 x\n")
    with pytest.raises(UserError, match="no mesh of quadrilaterals"):
        read_grouped_mesh(tmp_path / "mesh.obj")
    (tmp_path / "a.target.gz").write_bytes(gzip.compress(b"# words\n1 .5 0 -1\n"))
    assert read_offsets(tmp_path / "a.target.gz", 3).tolist() == [[0, 0, 0], [0.5, 0, -1], [0, 0, 0]]
    for broken in (b"none", gzip.compress(b"7 0 0 0\n"), gzip.compress(b"1 a b c\n"), gzip.compress(b"1 2 3 4")[:-6]):
        (tmp_path / "a.target.gz").write_bytes(broken)
        with pytest.raises(UserError, match="no offsets of 3 vertices"):
            read_offsets(tmp_path / "a.target.gz", 3)
