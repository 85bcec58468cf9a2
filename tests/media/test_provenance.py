"""Marks of how a picture or film came about, and the sound that a film keeps."""

import io
import json
from xml.etree import ElementTree

import av
import numpy as np
import PIL.Image
import pytest

from potmeter.errors import UserError
from potmeter.media import Image, Manifest, Provenance, Video

MARK = Provenance("compositeWithTrainedAlgorithmicMedia", "c2pa.edited", "a face was <swapped> & marked")
PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp"])
def test_a_picture_brings_its_mark_back(tmp_path, suffix):
    back = Image.open(Image(PIXELS, provenance=MARK).save(tmp_path / f"x{suffix}"))
    assert back.provenance and back.provenance.source_type == MARK.source_type
    assert back.provenance.is_ours and back.provenance.software == MARK.software
    assert back.size == (50, 40)


def test_pillow_finds_the_mark_where_xmp_belongs(tmp_path):
    for suffix in (".png", ".jpg", ".webp"):
        with PIL.Image.open(Image(PIXELS, provenance=MARK).save(tmp_path / f"x{suffix}")) as picture:
            told = {part.tag.split("}")[1]: part.text for part in ElementTree.fromstring(picture.info["xmp"]).iter()}
        assert told["DigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
        assert json.loads(told["c2pa"]) == MARK.assertion()


def test_what_has_no_place_for_a_mark_is_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"marked picture is saved as .png, .jpg, .jpeg, .jfif or .webp. Received: .bmp"
    ):
        Image(PIXELS, provenance=MARK).save(tmp_path / "x.bmp")
    assert not [*tmp_path.iterdir()]


def test_an_unmarked_picture_has_none(tmp_path):
    assert Image.open(Image(PIXELS).save(tmp_path / "x.png")).provenance is None


def test_the_manifest_is_c2pas_assertion(tmp_path):
    path = Manifest(MARK).save(tmp_path / "mark")
    (assertion,) = json.loads(path.read_text())["assertions"]
    assert path.suffix == ".json" and assertion["label"] == "c2pa.actions.v2"
    assert assertion["data"]["actions"][0]["action"] == "c2pa.edited"


def test_a_page_says_in_words_what_the_manifest_says_in_json():
    page = Manifest(MARK).html()
    assert page.startswith("<p>a face was &lt;swapped&gt; &amp; marked</p><details>") and "<swapped>" not in page


def film_with_sound(codec: str, kind: str) -> bytes:
    """A second of film with two channels of sound."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        pictures = container.add_stream("libx264", rate=8)
        pictures.width, pictures.height, pictures.pix_fmt = 48, 40, "yuv420p"
        sound = container.add_stream(codec, rate=16_000)
        sound.layout = "stereo"
        for _ in range(8):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(PIXELS[:, :48], format="rgb24")))
        container.mux(pictures.encode())
        wave = np.sin(np.arange(16_000) * 0.2) * 0.5
        samples = (np.stack([wave, -wave], 1) * 2**15).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate = 16_000
        resampler = av.AudioResampler(
            format=sound.format, layout="stereo", rate=16_000, frame_size=sound.frame_size or 1024
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(sound.encode(piece))
        container.mux(sound.encode())
    return buffer.getvalue()


def packets(path) -> list[bytes]:
    """The coded sound of a film."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_film_keeps_its_sound_as_it_was_coded_and_its_mark(tmp_path, suffix):
    (tmp_path / "in.mp4").write_bytes(film_with_sound("aac", "mp4"))
    film = Video.open(tmp_path / "in.mp4")
    assert film.sound and film.provenance is None
    out = Video(255 - np.asarray(film.frames), film.fps, sound=film.sound, provenance=MARK).save(
        tmp_path / f"out{suffix}"
    )
    assert packets(out) == packets(tmp_path / "in.mp4")
    back = Video.open(out)
    assert back.frames.shape == film.frames.shape and back.provenance and back.provenance.is_ours


def test_sound_that_mp4_cannot_hold_is_coded_anew(tmp_path):
    (tmp_path / "in.mkv").write_bytes(film_with_sound("pcm_s16le", "matroska"))
    film = Video.open(tmp_path / "in.mkv")
    with av.open(str(film.save(tmp_path / "out.mp4"))) as container:
        sound = container.streams.audio[0]
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(sound)], 1)
        assert sound.codec_context.name == "aac" and sound.rate == 16_000
    assert abs(samples.shape[1] / 16_000 - 1) < 0.15 and abs(np.abs(samples).max() - 0.5) < 0.1


@pytest.mark.parametrize(
    ("codec", "source", "target", "becomes"),
    [
        ("pcm_alaw", "mov", ".mp4", "aac"),
        ("libopus", "matroska", ".mov", "aac"),
        ("libopus", "matroska", ".mp4", "opus"),
    ],
)
def test_sound_that_a_container_cannot_hold_is_coded_anew_for_it_alone(tmp_path, codec, source, target, becomes):
    (tmp_path / "in").write_bytes(film_with_sound(codec, source))
    with av.open(str(Video.open(tmp_path / "in").save(tmp_path / f"out{target}"))) as container:
        sound = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(sound))
        assert sound.codec_context.name == becomes and abs(samples / sound.rate - 1) < 0.15


def test_a_silent_film_stays_silent(tmp_path):
    film = Video.open(Video(np.stack([PIXELS] * 3)).save(tmp_path / "x.mp4"))
    assert film.sound == b""
