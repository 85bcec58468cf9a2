"""DeepFakes: the network's size, warping, blending, consent, marks, films, own data, bad input."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from potmeter.core.random import RandomStream
from potmeter.data.face_crops import Face
from potmeter.data.sets.drawn_people import PERSONS, draw_people, face_points
from potmeter.data.splits import Splits
from potmeter.errors import UserError
from potmeter.media import Image, Video
from potmeter.systems.generative.deepfakes import DeepFakes
from potmeter.systems.generative.deepfakes import system as system_module
from potmeter.systems.generative.deepfakes.augmentation import jitter, middle_crops, warp
from potmeter.systems.generative.deepfakes.blending import blend, soften, transfer_colours
from potmeter.systems.generative.deepfakes.judges import train_drawn_judge
from potmeter.systems.generative.deepfakes.measure import landmark_errors, load_crops, next_person
from potmeter.systems.generative.deepfakes.model import FaceSwapper

TINY = replace(DeepFakes.presets["tiny"], identities=("Ash", "Bea"))
FACE = face_points(PERSONS["Ash"], 0.1, 0.2, 0.0, 0.8)
"""Landmarks of a face, in eye distances."""


def noise(height=96, width=128, seed=0):
    """A picture of noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def system():
    torch.manual_seed(0)
    return DeepFakes(TINY).eval()


@pytest.fixture
def seen(monkeypatch):
    """Where faces are found in the tests without dlib's data: one face in the middle of every picture, or as many as set."""
    found = [1]

    def find(pixels):
        height, width = pixels.shape[:2]
        scale = min(height, width) / 6
        return [Face(FACE * scale + (width / 2 + 3 * n, height / 2)) for n in range(found[0])]

    monkeypatch.setattr(system_module, "find_faces", find)
    return found


# The network ----------------------------------------------------------------------------------------------------------


def test_the_paper_preset_has_as_many_parameters_as_faceswaps_model():
    with torch.device("meta"):
        swapper = FaceSwapper(replace(DeepFakes.presets["paper"], identities=("A", "B")))
    count = lambda module: sum(p.numel() for p in module.parameters())
    assert count(swapper.encoder) == 69_662_976 and count(swapper.decoders[0]) == 6_199_747


def test_each_face_is_drawn_by_its_identitys_decoder(system):
    faces, identity = torch.rand(5, 3, 32, 32), torch.tensor([0, 1, 1, 0, 1])
    with torch.no_grad():
        mixed = system(faces, identity)
        for place, number in enumerate(identity):
            alone = system.swapper.decoders[number](system.swapper.encoder(faces[place : place + 1]))
            torch.testing.assert_close(mixed[place : place + 1], alone)


def test_an_identity_that_cannot_be_drawn_is_refused(system):
    with pytest.raises(UserError, match=r"There are decoders 0 to 1. Received: \[2\]"):
        system(torch.rand(3, 3, 32, 32), torch.tensor([0, 2, 1]))


def test_weights_are_not_measured_on_people_they_do_not_know(system):
    data = draw_people(4, 1)
    data.tensors["label"][:4] += 2
    with pytest.raises(UserError, match="two of Ash, Bea or more, and of nobody else. Received: 1 of them, 1 others"):
        system.evaluate(data)


def test_an_identity_is_added_to_weights_without_touching_the_others(system):
    from potmeter.core.training.loop import build_system

    more = build_system(DeepFakes, replace(TINY, identities=("Ash", "Bea", "Cid")), 1, system)
    for key, value in system.swapper.state_dict().items():
        assert torch.equal(more.swapper.state_dict()[key], value)
    assert len(more.swapper.decoders) == 3


# Warping ------------------------------------------------------------------------------------------------------------


def test_warping_by_nothing_changes_nothing_and_noise_is_the_streams(system):
    faces = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(warp(faces, 0.0, RandomStream(0)), faces, rtol=0, atol=1e-5)
    assert torch.equal(warp(faces, 0.05, RandomStream(3)), warp(faces, 0.05, RandomStream(3)))
    assert not torch.equal(warp(faces, 0.05, RandomStream(3)), faces)


def test_jitter_moves_picture_and_mask_alike():
    x = torch.rand(4, 1, 64, 64).repeat(1, 4, 1, 1)
    moved = jitter(x, 32, 1.0, RandomStream(0))
    assert moved.shape == (4, 4, 32, 32) and torch.equal(moved[:, 0], moved[:, 3])
    still = middle_crops(x, 32)
    assert not torch.allclose(moved, still)
    unmoved = jitter(x, 32, 0.0, RandomStream(0))  # at most mirrored
    for got, want in zip(unmoved, still, strict=True):
        assert torch.allclose(got, want, atol=1e-5) or torch.allclose(got, want.flip(-1), atol=1e-5)


def test_warping_and_jitter_fall_to_a_fifth_and_stay_in_the_paper_preset():
    def strengths(anneal):
        system = DeepFakes(replace(TINY, anneal=anneal))
        return [system.augmentation_strength(done) for done in (0, 0.25, 0.5, 1)]

    assert strengths(0.5) == pytest.approx([1, 0.6, 0.2, 0.2]) and strengths(1.0) == pytest.approx([1, 0.8, 0.6, 0.2])
    assert DeepFakes.presets["paper"].anneal == 0 and strengths(0.0) == [1, 1, 1, 1]


def test_training_warps_and_jitters_less_and_less(monkeypatch, tmp_path):
    from potmeter.core.training.loop import Trainer, build_system
    from potmeter.core.training.options import Options

    jittered, warped = [], []
    note = lambda function, seen, place: lambda *a: (seen.append(a[place]), function(*a))[1]
    monkeypatch.setattr(system_module, "jitter", note(jitter, jittered, 2))
    monkeypatch.setattr(system_module, "warp", note(warp, warped, 1))
    data = draw_people(8, 1)
    splits = Splits(data, data, data, dataset="drawn-people")
    options = Options(steps=4, eval_every=4, out=tmp_path / "run", device="cpu")
    Trainer(build_system(DeepFakes, replace(TINY, anneal=0.5), 0), splits, options, quiet=True).fit()
    assert jittered == pytest.approx([1, 0.6, 0.2, 0.2])
    assert warped == pytest.approx([TINY.warp * strength for strength in jittered])


# Blending -----------------------------------------------------------------------------------------------------------


def test_colours_are_transferred_inside_the_mask():
    faces, like = 0.3 + 0.2 * torch.rand(2, 3, 32, 32), 0.2 + 0.25 * torch.rand(2, 3, 32, 32)
    mask = torch.zeros(2, 1, 32, 32)
    mask[..., 8:24, 8:24] = 1
    got = transfer_colours(faces, like, mask)[..., 8:24, 8:24]
    want = like[..., 8:24, 8:24]
    torch.testing.assert_close(got.mean((2, 3)), want.mean((2, 3)), rtol=0, atol=1e-3)
    torch.testing.assert_close(got.std((2, 3)), want.std((2, 3)), rtol=0, atol=2e-3)


def test_blending_leaves_what_is_outside_and_has_no_seam():
    picture, drawn = torch.full((1, 3, 64, 64), 0.5), torch.rand(1, 3, 64, 64)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    soft = soften(mask)
    assert torch.equal(blend(drawn, picture, mask)[..., :10, :], picture[..., :10, :])
    assert soft.max() <= 1 and soft[0, 0, 32, 32] > 0.99 and soft[0, 0, 32].diff().abs().max() < 0.35


# Use ----------------------------------------------------------------------------------------------------------------


def test_nothing_is_swapped_without_consent(system, seen, tmp_path):
    for call in (
        lambda: system.run(Image(noise())),
        lambda: system.video(Video(noise()[None])),
        lambda: system.folder([Image(noise())]),
        lambda: DeepFakes.data(TINY, str(tmp_path)),
    ):
        with pytest.raises(UserError, match="consented, or does not exist: confirm it with --consent"):
            call()


def test_a_swapped_picture_bears_mark_and_label(system, seen, tmp_path):
    picture = noise()
    result = system.run(Image(picture, "x.png"), "Ash", consent=True)
    plain = system.run(Image(picture), "Ash", consent=True, label=False)
    back = Image.open(result.picture.save(tmp_path / "out.png"))
    assert back.provenance.is_ours and back.provenance.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert "Ash" in json.dumps(result.provenance.json())
    changed = (result.picture.pixels != plain.picture.pixels).any(-1)
    assert changed.any() and not changed[: len(changed) // 2].any(), "the label stands below, the rest is the same"
    assert (plain.picture.pixels != picture).any() and plain.picture.provenance.is_ours
    assert (plain.picture.pixels[:, :8] == picture[:, :8]).all(), "what is no face stays"


def test_of_several_faces_the_largest_is_replaced_and_it_is_said(system, seen, capsys):
    from potmeter import notices

    seen[0] = 5
    system.run(Image(noise()), consent=True)
    assert "5 faces were found; the largest is replaced." in notices.pending.values()


def test_a_picture_without_a_face_is_told(system, seen):
    seen[0] = 0
    for call in (
        lambda: system.run(Image(noise()), consent=True),
        lambda: system.folder([Image(noise())], consent=True),
        lambda: system.extract([Image(noise())]),
        lambda: system.video(Video(np.stack([noise()] * 2)), consent=True),
    ):
        with pytest.raises(UserError, match="A face seen from the front.*Received: no face in"):
            call()


def test_a_film_of_one_frame_keeps_its_sound_and_is_marked(system, seen, tmp_path):
    from media.test_provenance import film_with_sound, packets

    (tmp_path / "in.mp4").write_bytes(film_with_sound("aac", "mp4"))
    film = Video.open(tmp_path / "in.mp4")
    one = replace(film, frames=np.asarray(film.frames)[:1])
    result = system.video(one, consent=True)
    out = result.film.save(tmp_path / "out.mp4")
    assert len(Video.open(out).frames) == 1 and Video.open(out).provenance.is_ours
    assert packets(out) == packets(tmp_path / "in.mp4")


def test_a_film_can_be_watched_and_stopped(system, seen):
    from potmeter.core.progress import reporter

    class Stop(Exception):
        pass

    told = []

    def report(label, done, total):
        told.append((label, done, total))
        if done == 2:
            raise Stop

    token = reporter.set(report)
    try:
        with pytest.raises(Stop):
            system.video(Video(np.stack([noise()] * 4)), consent=True)
    finally:
        reporter.reset(token)
    assert told == [("swapping faces", n, 4) for n in range(3)]


def test_a_folder_tells_what_was_found_and_leaves_out_what_has_no_face(system, seen, monkeypatch):
    find = system_module.find_faces
    monkeypatch.setattr(system_module, "find_faces", lambda pixels: find(pixels) if pixels[0, 0, 0] else [])
    bright, dark = noise(), noise()
    bright[0, 0], dark[0, 0] = 255, 0
    result = system.folder([Image(bright, "a.jpg"), Image(dark, "b.jpg")], consent=True)
    assert result.pictures.file_names == ["a.png"] and [row[1] for row in result.found.rows] == [1, 0]
    assert all(image.provenance for image in result.pictures.images)


def test_extraction_lists_what_would_not_be_learned_from(system, seen):
    seen[0] = 2
    result = system.extract([Image(noise(), "two.jpg")], side=32)
    assert len(result.faces.images) == 2 and result.faces.images[0].size == (32, 32)
    assert result.found.rows[0][0] == "two.jpg" and result.found.rows[0][3].startswith("not learned from")


def test_detection_tells_of_mark_and_face(system, seen, tmp_path):
    swapped = Image.open(system.run(Image(noise()), consent=True).picture.save(tmp_path / "x.jpg"))
    rows = dict(system.detect(swapped).rows)
    assert (
        rows["mark"] == "compositeWithTrainedAlgorithmicMedia, by this package" and "sure of a swap" in rows["face 1"]
    )
    assert dict(system.detect(Image(noise())).rows)["mark"].startswith("none, which proves nothing")


# Own data -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Pictures of two people and a film, and a finder for them: as many faces as the first pixel's red says."""
    from potmeter.data import face_folder

    def find(pixels):
        return [Face(FACE * 12 + 32)] * round(pixels[0, 0, 0] / 100)

    monkeypatch.setattr(face_folder, "find_faces", find)
    for person in ("ann", "bob"):
        for number in range(16):
            picture = noise(64, 64, number)
            picture[:2, :2] = 100 * (0 if number == 3 else 2 if number == 4 else 1)
            Image(picture).save(tmp_path / "people" / person / f"{number}.png")
    return tmp_path / "people"


def test_a_folder_for_each_person_is_split_and_the_rejected_are_told(own, capsys):
    from potmeter import notices

    splits = DeepFakes.data(DeepFakes.presets["tiny"], str(own), consent=True)
    assert splits.classes == ("ann", "bob")
    assert sum(len(part) for part in (splits.train, splits.valid, splits.test)) == 28
    assert all({0, 1} == set(part.tensors["label"].tolist()) for part in (splits.train, splits.valid, splits.test))
    assert any("14 faces; 2 pictures or frames without exactly one" in line for line in notices.pending.values())
    config = DeepFakes.fit_config(TINY, splits)
    assert DeepFakes(config).loss(splits.train.__getitems__(range(8)))["loss"].isfinite()


def test_a_new_person_gets_the_next_label(own):
    splits = DeepFakes.data(replace(TINY, identities=("ann", "cid")), str(own), consent=True)
    assert splits.classes == ("ann", "cid", "bob") and set(splits.train.tensors["label"].tolist()) == {0, 2}


def test_a_folder_of_one_picture_is_refused(tmp_path, own):
    Image(np.full((64, 64, 3), 100, np.uint8)).save(own / "cid" / "only.png")
    with pytest.raises(UserError, match=r"cid must be seen alone in at least 10 pictures or frames.*Received: 1 faces"):
        DeepFakes.data(TINY, str(own), consent=True)


# Judges and real faces ------------------------------------------------------------------------------------------------


def test_the_judge_of_drawn_people_knows_them():
    crops = load_crops(draw_people(30, 5), 64)
    judge = train_drawn_judge()
    who, places = judge.judge(crops.faces, crops.faces)
    assert (who == crops.label).float().mean() > 0.97
    assert landmark_errors(places, crops.landmarks).mean() < 0.05
    torch.testing.assert_close(landmark_errors(crops.landmarks, crops.landmarks), torch.zeros(60))


def test_people_are_swapped_in_turns_among_those_that_there_are_pictures_of():
    assert next_person(torch.tensor([0, 2, 5, 2])).tolist() == [2, 5, 0, 5]


@pytest.mark.network
@pytest.mark.slow
def test_shipped_weights_swap_a_portrait_and_are_found_out():
    from potmeter.data.samples import sample

    system = DeepFakes.from_pretrained("pair")
    portrait = Image(np.array(sample("person-7").pil().resize((512, 512))))
    result = system.run(portrait, "P010", consent=True)
    buffer = io.BytesIO(result.picture.encode(".png"))
    told = dict(system.detect(Image.decode(buffer.getvalue())).rows)
    assert told["face 1"].startswith("swapped")
    assert dict(system.detect(portrait).rows)["face 1"].startswith("untouched")
