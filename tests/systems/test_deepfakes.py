"""DeepFakes: the network's size and layout, alignment, warping, blending, consent, marks, films, bad input."""

import io
import json
import sys
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from data.test_hdf5 import write_hdf5
from potmeter.core.random import RandomStream
from potmeter.data import face_crops
from potmeter.data.face_crops import Face, alignment, apply_affine, crop_face, find_faces, fit_similarity, invert_affine
from potmeter.data.head_views import draw_view, turn_points
from potmeter.data.sets.drawn_people import PERSONS, draw_people, face_points
from potmeter.errors import UserError
from potmeter.media import Image, Video
from potmeter.nn.ssim import ssim
from potmeter.systems.generative.deepfakes import DeepFakes
from potmeter.systems.generative.deepfakes import system as system_module
from potmeter.systems.generative.deepfakes.augmentation import jitter, middle_crops, warp
from potmeter.systems.generative.deepfakes.blending import blend, soften, transfer_colours
from potmeter.systems.generative.deepfakes.judges import train_drawn_judge
from potmeter.systems.generative.deepfakes.measure import landmark_errors, load_crops, next_person
from potmeter.systems.generative.deepfakes.model import FaceSwapper

FEW = settings(deadline=None, max_examples=15)
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


def keras_weights(filters=(4, 6), code=5, side=4, shared=3, decoder=(2,)):
    """Layers of the three files, as Keras has them: kernels (height, width, in, out), dense ones (in, out)."""
    rng, number = np.random.default_rng(0), {"conv2d": 0, "dense": 0}

    def layer(kind, *shape):
        number[kind] += 1
        arrays = {"kernel:0": 0.3 * rng.standard_normal(shape), "bias:0": 0.3 * rng.standard_normal(shape[-1])}
        return f"{kind}_{number[kind]}", arrays

    widths = (3, *filters)
    encoder = [layer("conv2d", 5, 5, a, b) for a, b in zip(widths, filters, strict=False)]
    flat = filters[-1] * side**2
    encoder += [layer("dense", flat, code), layer("dense", code, flat), layer("conv2d", 3, 3, filters[-1], 4 * shared)]
    files = {"encoder": encoder}
    for name in ("decoder_A", "decoder_B"):
        widths = (shared, *decoder)
        layers = [layer("conv2d", 3, 3, a, 4 * b) for a, b in zip(widths, decoder, strict=False)]
        files[name] = [*layers, layer("conv2d", 5, 5, decoder[-1], 3)]
    return {name: dict(layers) for name, layers in files.items()}


def keras_forward(files, decoder, bgr):
    """The model on pictures (B, H, W, 3), with channels last, as Keras computes it."""

    def conv(x, layer, stride=1):
        kernel = torch.tensor(layer["kernel:0"])
        size = kernel.shape[0]
        total = max((-(-x.shape[1] // stride) - 1) * stride + size - x.shape[1], 0)  # "same": the odd one at the end
        x = F.pad(x.permute(0, 3, 1, 2), (total // 2, total - total // 2) * 2)
        return F.conv2d(x, kernel.permute(3, 2, 0, 1), torch.tensor(layer["bias:0"]), stride).permute(0, 2, 3, 1)

    def upscale(x, layer):
        x = F.leaky_relu(conv(x, layer), 0.1)
        b, h, w, c = x.shape
        return x.reshape(b, h, w, 2, 2, c // 4).permute(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, c // 4)

    encoder = list(files["encoder"].values())
    convs = [layer for layer in encoder if layer["kernel:0"].ndim == 4]
    x = bgr
    for layer in convs[:-1]:
        x = F.leaky_relu(conv(x, layer, 2), 0.1)
    shape = x.shape
    x = x.flatten(1)
    for layer in encoder:
        if layer["kernel:0"].ndim == 2:
            x = x @ torch.tensor(layer["kernel:0"]) + torch.tensor(layer["bias:0"])
    x = upscale(x.reshape(shape), convs[-1])
    *upscales, last = files[decoder].values()
    for layer in upscales:
        x = upscale(x, layer)
    return conv(x, last).sigmoid()


def test_faceswaps_files_give_the_faces_that_keras_gives(tmp_path):
    files = keras_weights()
    for name, layers in files.items():
        write_hdf5(tmp_path / f"{name}.h5", layers)
    loaded = DeepFakes.from_pretrained(tmp_path / "encoder.h5")
    assert loaded.config.image_size == 16 and loaded.identities == ("A", "B")
    assert dict(loaded.detect(Image(noise())).rows)["faces"] == "not looked at: these weights came without a detector"
    x = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for number, decoder in enumerate(("decoder_A", "decoder_B")):
        with torch.no_grad():
            ours = loaded(x, torch.full((3,), number))
        theirs = keras_forward(files, decoder, x.flip(1).permute(0, 2, 3, 1).double())
        torch.testing.assert_close(ours.double(), theirs.permute(0, 3, 1, 2).flip(1), rtol=0, atol=1e-5)


def test_one_of_faceswaps_files_alone_is_refused(tmp_path):
    write_hdf5(tmp_path / "encoder.h5", keras_weights()["encoder"])
    with pytest.raises(UserError, match=r"encoder.h5, decoder_A.h5, decoder_B.h5, in one folder.*decoder_A.h5"):
        DeepFakes.from_pretrained(tmp_path / "encoder.h5")


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


# Alignment, views, warping ------------------------------------------------------------------------------------------


@FEW
@given(
    angle=st.floats(-3, 3),
    scale=st.floats(0.1, 10),
    x=st.floats(-100, 100),
    y=st.floats(-100, 100),
    seed=st.integers(0, 99),
)
def test_a_similarity_is_found_again(angle, scale, x, y, seed):
    points = np.random.default_rng(seed).standard_normal((5, 2))
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[c, -s, x], [s, c, y]])
    np.testing.assert_allclose(fit_similarity(points, apply_affine(matrix, points)), matrix, atol=1e-6)
    np.testing.assert_allclose(apply_affine(invert_affine(matrix), apply_affine(matrix, points)), points, atol=1e-6)


def test_a_crop_is_the_same_however_the_face_lies_in_the_picture():
    picture = np.asarray(PIL.Image.fromarray(noise(16, 16)).resize((256, 256), PIL.Image.Resampling.BICUBIC))
    landmarks = FACE * 40 + 128
    crop, places = crop_face(picture, landmarks, 64)
    turned = np.ascontiguousarray(np.rot90(picture))  # a quarter to the left: (x, y) becomes (y, 256 - x)
    again, same = crop_face(turned, np.stack([landmarks[:, 1], 256 - landmarks[:, 0]], 1), 64)
    np.testing.assert_allclose(same, places, atol=1e-6)
    assert np.abs(again.astype(int) - crop).mean() < 1.5


def test_beyond_the_pictures_edge_its_last_pixels_are_repeated():
    picture = np.full((40, 40, 3), 200, np.uint8)
    crop, _ = crop_face(picture, FACE * 30 + 5, 32)
    assert (crop == 200).all()


def test_a_view_without_a_turn_is_the_picture_and_a_turn_moves_the_nose_most():
    drawn = draw_people(1, 7)
    pixels = drawn.tensors["image"][0].permute(1, 2, 0).numpy()
    landmarks = 64 * drawn.tensors["landmarks"][0].double().numpy()
    view, places = draw_view([(pixels, landmarks)], (1.0,), 0.0, 0.0)
    assert np.abs(view - pixels).mean() < 1 and np.abs(places - landmarks).max() < 1e-9
    moved = turn_points(landmarks, landmarks, 0.2, 0.0)[:, 0] - landmarks[:, 0]
    assert moved[30] > 0 and moved[30] - moved[[0, 16]].mean() > 0.1 * (landmarks[45, 0] - landmarks[36, 0])


def test_warping_by_nothing_changes_nothing_and_noise_is_the_streams(system):
    faces = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(warp(faces, 0.0, RandomStream(0)), faces, rtol=0, atol=1e-5)
    assert torch.equal(warp(faces, 0.05, RandomStream(3)), warp(faces, 0.05, RandomStream(3)))
    assert not torch.equal(warp(faces, 0.05, RandomStream(3)), faces)


def test_jitter_moves_picture_and_mask_alike():
    x = torch.rand(4, 1, 64, 64).repeat(1, 4, 1, 1)
    moved = jitter(x, 32, RandomStream(0))
    assert moved.shape == (4, 4, 32, 32) and torch.equal(moved[:, 0], moved[:, 3])
    assert not torch.allclose(moved, middle_crops(x, 32))


def test_ssim_is_one_for_equal_pictures_and_scikit_images_otherwise():
    from skimage.metrics import structural_similarity

    x, y = (torch.rand(1, 3, 40, 30, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    torch.testing.assert_close(ssim(x, x), torch.ones_like(x))
    _, full = structural_similarity(
        x[0].double().numpy(), y[0].double().numpy(), win_size=7, data_range=1, channel_axis=0, full=True,
        use_sample_covariance=False,
    )  # fmt: skip
    torch.testing.assert_close(ssim(x.double(), y.double())[0, :, 4:-4, 4:-4], torch.tensor(full)[:, 4:-4, 4:-4])


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
    one = replace(film, frames=film.frames[:1])
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
def test_real_faces_are_found_in_pictures_of_any_size_and_number():
    from potmeter.data.samples import sample

    portrait = sample("person-7").pil().resize((400, 400))
    (face,) = find_faces(np.array(portrait))
    (large,) = find_faces(np.array(portrait.resize((8000, 8000))))
    np.testing.assert_allclose(large.landmarks / 20, face.landmarks, atol=6)
    five = PIL.Image.new("RGB", (2000, 400))
    for number in range(5):
        five.paste(portrait, (400 * number, 0))
    assert len(find_faces(np.array(five))) == 5
    assert find_faces(noise(300, 300)) == []


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


def test_dlib_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    face_crops.load_dlib.cache_clear()
    with pytest.raises(UserError, match=r"Finding faces needs an extra.*\[deepfakes\]"):
        face_crops.load_dlib()


def test_alignment_puts_eyes_and_mouth_in_their_places():
    places = apply_affine(alignment(FACE * 55 + 9, 100), FACE * 55 + 9)
    eyes = places[36:42].mean(0), places[42:48].mean(0)
    assert abs(eyes[0][1] - 40) < 4 and abs(eyes[1][1] - 40) < 4 and 20 < eyes[1][0] - eyes[0][0] < 36
