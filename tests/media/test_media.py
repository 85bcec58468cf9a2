"""Media come back from a file as they were saved, and whatever else a file holds is told in one line."""

import errno
import io
import json
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from potmeter.errors import UserError
from potmeter.media import Audio, Bars, Chart, Image, Page, Table, Text, Video, draw_sounds, parts

FEW = settings(deadline=None, max_examples=25)
PIXELS = st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)).flatmap(lambda shape: arrays(np.uint8, shape))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("media")


def saved(folder, picture, name="picture.png", **options):
    """A Pillow picture in a file."""
    picture.save(folder / name, **options)
    return folder / name


# Round trips --------------------------------------------------------------------------------------------------------


@FEW
@given(pixels=PIXELS, suffix=st.sampled_from([".png", ".bmp", ".tiff"]))
def test_a_picture_is_kept_exactly(folder, pixels, suffix):
    assert np.array_equal(Image.open(Image(pixels).save(folder / f"kept{suffix}")).pixels, pixels)


def test_of_a_picture_of_another_shape_the_middle_is_kept():
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255  # the middle third
    x = Image(pixels).tensor((10, 10))
    assert x.shape == (3, 10, 10) and x[:, :, 1:-1].min() > 0.95
    wide = Image(pixels).tensor((10, 30))
    assert wide.shape == (3, 10, 30) and wide[0].mean(0).round().tolist() == [0.0] * 10 + [1.0] * 10 + [0.0] * 10


@FEW
@given(pixels=PIXELS)
def test_a_picture_survives_being_a_tensor(pixels):
    x = Image(pixels).tensor()
    assert x.shape == (3, *pixels.shape[:2]) and 0 <= x.min() and x.max() <= 1
    assert np.array_equal(Image.from_tensor(x).pixels, pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_formats_stay_close(tmp_path, suffix):
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    pixels = np.stack(np.broadcast_arrays(ramp[:, None], ramp, ramp[::-1]), 2)
    opened = Image.open(Image(pixels).save(tmp_path / f"x{suffix}")).pixels
    assert np.abs(opened.astype(int) - pixels).mean() < 4


@FEW
@given(
    samples=arrays(np.float32, st.integers(1, 200), elements=st.floats(-1, 1, width=32)),
    rate=st.sampled_from([8000, 22050, 48000]),
)
def test_a_sound_is_kept_within_one_step_of_16_bits(folder, samples, rate):
    opened = Audio.open(Audio(samples, rate).save(folder / "kept.wav"))
    assert opened.rate == rate and np.abs(opened.samples - samples).max() <= 1 / 32767


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3"])
def test_other_sound_formats_keep_length_and_pitch(tmp_path, suffix):
    wave = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32) / 2
    opened = Audio.open(Audio(wave, 22050).save(tmp_path / f"x{suffix}"))
    assert opened.rate == 22050 and abs(opened.seconds - 1) < 0.1
    assert abs(np.abs(np.fft.rfft(opened.samples, 22050)).argmax() - 440) <= 2


def test_channels_are_averaged(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "stereo.wav", np.stack([np.full(9, 0.5), np.full(9, -0.25)], 1), 8000, subtype="FLOAT")
    assert np.allclose(Audio.open(tmp_path / "stereo.wav").samples, 0.125)


@pytest.mark.parametrize(("suffix", "format"), [(".m4a", "mp4"), (".g722", "g722"), (".webm", "webm")])
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_what_libsndfile_does_not_know_is_read_too(tmp_path, suffix, format, layout):
    import av

    if (suffix, layout) == (".g722", "stereo"):
        pytest.skip("G.722 has one channel")
    rate = {".g722": 16000, ".webm": 48000}.get(suffix, 44100)
    wave = np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32) / 2
    with av.open(str(tmp_path / f"x{suffix}"), "w", format=format) as container:
        coding = {".m4a": "aac", ".g722": "g722", ".webm": "libopus"}[suffix]
        stream = container.add_stream(coding, rate=rate, layout=layout)
        samples = np.repeat((wave * 32767).astype(np.int16)[None], 2 if layout == "stereo" else 1, axis=0)
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    opened = Audio.open(tmp_path / f"x{suffix}")
    assert opened.rate == rate and abs(opened.seconds - 1) < 0.1
    assert abs(np.abs(np.fft.rfft(opened.samples, rate)).argmax() - 440) <= 2 and 0.4 < opened.samples.max() < 0.6


def test_a_24_bit_sound_keeps_its_small_steps(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "fine.wav", np.arange(9) / 2**20, 96000, subtype="PCM_24")
    opened = Audio.open(tmp_path / "fine.wav")
    assert opened.rate == 96000 and np.array_equal(opened.samples, np.arange(9, dtype=np.float32) / 2**20)


def test_sounds_show_their_wave_and_their_spectrum_below_each_other():
    rate = 16000
    low, high = (
        Audio(np.sin(2 * np.pi * f * np.arange(rate) / rate).astype(np.float32) / 2, rate) for f in (500, 6000)
    )
    one, both = draw_sounds({"": low}), draw_sounds({"low": low, "high": high})
    assert both.size[0] == one.size[0] and both.size[1] > 1.5 * one.size[1]
    assert "<audio controls" in low.html() and "<img" in low.html()
    short = Audio(np.zeros(1, np.float32), 8000)
    assert draw_sounds({"": short}).size == one.size
    with pytest.raises(UserError, match="at least one sound"):
        draw_sounds({})


@pytest.mark.parametrize(("rate", "other"), [(22050, 16000), (8000, 48000)])
def test_resampling_keeps_duration_and_pitch(rate, other):
    wave = Audio(np.sin(2 * np.pi * 1000 * np.arange(rate) / rate).astype(np.float32), rate).resample(other)
    assert wave.rate == other and wave.seconds == pytest.approx(1, abs=1e-3)
    assert abs(np.abs(np.fft.rfft(wave.samples)).argmax() - 1000) <= 1


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(("height", "width"), [(32, 48), (33, 49)])
def test_a_video_keeps_its_length_and_looks(tmp_path, suffix, height, width):
    frames = np.zeros((7, height, width, 3), np.uint8)
    for t in range(7):
        frames[t, :, : 4 * t + 4] = 200
    opened = Video.open(Video(frames, fps=10).save(tmp_path / f"x{suffix}"))
    assert opened.frames.shape == (7, 32, 48, 3), "an odd last row or column is cut off"
    assert opened.fps == pytest.approx(10)
    assert np.abs(np.asarray(opened.frames).astype(int) - frames[:, :32, :48]).mean() < 5


@FEW
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_text_is_kept_exactly(folder, text):
    assert Text.open(Text(text).save(folder / "kept.txt")).text == text.removeprefix("\ufeff")


CELL = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda s: not s.strip().replace(".", "").replace("-", "").isnumeric()
    ),
)


@FEW
@given(rows=st.lists(st.tuples(CELL, CELL), max_size=5))
def test_a_table_is_kept(folder, rows):
    rows = [tuple(float(c) if is_number(c) else c for c in row) for row in rows]  # what looks like a number is one
    opened = Table.open(Table(("first", "second"), rows).save(folder / "kept.csv"))
    assert opened.columns == ("first", "second") and opened.rows == rows


def is_number(cell) -> bool:
    try:
        return np.isfinite(float(cell)) and "_" not in str(cell)
    except ValueError:
        return False


def test_words_that_python_would_read_as_numbers_stay_words(tmp_path):
    (tmp_path / "t.csv").write_text("word,n\nnan,1\ninfinity,2\n1_000,3\n")
    table = Table.open(tmp_path / "t.csv")
    assert [row[0] for row in table.rows] == ["nan", "infinity", "1_000"]
    assert json.loads(json.dumps(table.json(), allow_nan=False))


def test_a_table_from_a_spreadsheet_is_read(tmp_path):
    (tmp_path / "t.csv").write_bytes("\ufeffwort;n\n".replace(";", ",").encode() + b"K\xc3\xb6nig,1\r\n\r\n")
    assert Table.open(tmp_path / "t.csv").json() == [{"wort": "König", "n": 1.0}]


# Rules by which pictures are read -----------------------------------------------------------------------------------


def test_transparency_lies_over_white(tmp_path):
    picture = PIL.Image.new("RGBA", (3, 1))
    picture.putdata([(255, 0, 0, 255), (255, 0, 0, 0), (0, 0, 0, 128)])
    assert Image.open(saved(tmp_path, picture)).pixels.tolist() == [[[255, 0, 0], [255, 255, 255], [127, 127, 127]]]


def test_transparent_palettes_and_greys_lie_over_white_too(tmp_path):
    palette = PIL.Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1])
    assert Image.open(saved(tmp_path, palette, "p.png", transparency=1)).pixels.tolist() == [
        [[255, 0, 0], [255, 255, 255]]
    ]
    grey = PIL.Image.new("LA", (2, 1))
    grey.putdata([(9, 255), (9, 0)])
    assert Image.open(saved(tmp_path, grey, "g.png")).pixels[0, :, 0].tolist() == [9, 255]


def test_exif_rotation_is_applied(tmp_path):
    picture = PIL.Image.new("RGB", (16, 8), "black")
    picture.paste("white", (0, 0, 8, 8))  # white on the left
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    pixels = Image.open(saved(tmp_path, picture, exif=exif)).pixels
    assert pixels.shape == (16, 8, 3) and pixels[:8].min() == 255 and pixels[8:].max() == 0, "white is on top now"


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [("CMYK", (0, 255, 255, 0), (255, 0, 0)), ("L", 77, (77, 77, 77)), ("1", 1, (255, 255, 255)), ("P", 0, (0, 0, 0))],
)
def test_colour_spaces_become_rgb(tmp_path, mode, colour, expected):
    path = saved(tmp_path, PIL.Image.new(mode, (9, 9), colour), "x.tiff" if mode == "CMYK" else "x.png")
    assert Image.open(path).pixels.reshape(-1, 3).tolist() == [list(expected)] * 81


def profile(red="rXYZ", green="gXYZ"):
    """An sRGB profile (IEC 61966-2-1) in which other tags may stand for the colours of red and green."""
    data = bytearray(PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes())
    places = {data[at : at + 4].decode(): at for at in range(132, 132 + 12 * data[131], 12)}
    data[places["rXYZ"] : places["rXYZ"] + 4], data[places["gXYZ"] : places["gXYZ"] + 4] = red.encode(), green.encode()
    return bytes(data)


def display_p3():
    """Display P3: sRGB with the primaries of DCI-P3, in s15Fixed16 relative to D50 (as Apple publishes them)."""
    data = bytearray(profile())
    for tag, xyz in (
        ("rXYZ", (0.51512, 0.2412, -0.00105)),
        ("gXYZ", (0.29198, 0.69225, 0.04189)),
        ("bXYZ", (0.1571, 0.06657, 0.78407)),
    ):
        at = next(at for at in range(132, 132 + 12 * data[131], 12) if data[at : at + 4] == tag.encode())
        offset = int.from_bytes(data[at + 4 : at + 8], "big")
        data[offset + 8 : offset + 20] = struct.pack(">3i", *(round(value * 65536) for value in xyz))
    return bytes(data)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp", "x.tiff"])
def test_colours_are_those_of_an_embedded_profile(tmp_path, name):
    swapped = profile(red="gXYZ", green="rXYZ")
    exact = {"x.webp": {"lossless": True}, "x.jpg": {"quality": 100, "subsampling": 0}}.get(name, {})
    path = saved(tmp_path, PIL.Image.new("RGB", (8, 8), (255, 0, 0)), name, icc_profile=swapped, **exact)
    np.testing.assert_allclose(Image.open(path).pixels[4, 4].astype(int), (0, 255, 0), atol=3)
    assert Image.check(path) is None


def test_a_phone_s_photograph_in_display_p3_becomes_srgb(tmp_path):
    """P3 (200, 100, 100) by the matrices of CSS Color 4: redder in sRGB."""
    path = saved(tmp_path, PIL.Image.new("RGB", (8, 8), (200, 100, 100)), "p3.png", icc_profile=display_p3())
    np.testing.assert_allclose(Image.open(path).pixels[4, 4].astype(int), (215, 93, 97), atol=1)


def test_transparency_and_palettes_keep_their_place_beside_a_profile(tmp_path):
    swapped = profile(red="gXYZ", green="rXYZ")
    clear = PIL.Image.new("RGBA", (2, 1))
    clear.putdata([(255, 0, 0, 255), (255, 0, 0, 0)])
    palette = PIL.Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([0, 1])
    for picture, options in ((clear, {}), (palette, {"transparency": 1})):
        found = Image.open(saved(tmp_path, picture, "c.png", icc_profile=swapped, **options)).pixels
        np.testing.assert_allclose(found[0].astype(int), [(0, 255, 0), (255, 255, 255)], atol=1)


@pytest.mark.parametrize(
    "broken",
    [b"no profile", profile()[:200], profile().replace(b"RGB ", b"CMYK"), b"\0" * 3000],
    ids=["text", "half", "of other channels", "zeros"],  # a profile has its time of birth in it
)
def test_a_profile_that_is_none_changes_nothing(tmp_path, broken):
    path = saved(tmp_path, PIL.Image.new("RGB", (8, 8), (255, 0, 0)), "x.png", icc_profile=broken)
    assert Image.open(path).pixels[0, 0].tolist() == [255, 0, 0]


def test_srgb_stays_srgb_and_grey_stays_grey(tmp_path):
    ramp = PIL.Image.fromarray(np.arange(256, dtype=np.uint8)[None].repeat(3, 0))
    for mode in ("L", "RGB"):
        path = saved(tmp_path, ramp.convert(mode), f"{mode}.png", icc_profile=profile())
        np.testing.assert_allclose(Image.open(path).pixels[0, :, 0].astype(int), np.arange(256), atol=1)


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    frames = [PIL.Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    path = saved(tmp_path, frames[0], "x.gif", save_all=True, append_images=frames[1:])
    assert Image.open(path).pixels[0, 0].tolist() == [255, 0, 0]


def test_a_tensor_is_the_centre_square_in_the_wanted_size():
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255  # the middle third is white
    x = Image(pixels).tensor(10, channels=1)
    assert x.shape == (1, 10, 10) and x.min() > 0.9


@pytest.mark.parametrize("pixels", [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), [[1]], None])
def test_pixels_of_another_form_are_refused(pixels):
    with pytest.raises(UserError, match="Image takes uint8 pixels.*Received"):
        Image(pixels)


# Files that are no such medium --------------------------------------------------------------------------------------


def bomb(width, height) -> bytes:
    """A PNG file of a few bytes that claims to be huge."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def cut_png() -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()[:3000]


@pytest.mark.parametrize(
    ("kind", "name", "data", "message"),
    [
        (Image, "huge.png", bomb(20_000, 20_000), "larger than 100,000,000 pixels"),
        (Image, "larger.png", bomb(2_000_000, 2_000_000), "larger than|broken picture"),
        (Image, "cut.png", cut_png(), "broken picture"),
        (Image, "empty.png", b"", "is empty"),
        (Image, "text.png", b"It was a truth", "not a picture"),
        (Image, "svg.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (Audio, "text.wav", b"It was a truth", "not a sound"),
        (Audio, "empty.wav", b"", "is empty"),
        (Audio, "cut.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", "not a sound"),
        (Audio, "silent.wav", b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00\x80>\x00\x00\x02\x00\x10\x00data\x00\x00\x00\x00", "holds no samples"),
        (Video, "text.mp4", b"It was a truth", "not a video"),
        (Video, "empty.mp4", b"", "is empty"),
        (Text, "latin.txt", "Café".encode("latin-1"), "not UTF-8"),
        (Text, "empty.txt", b"", "is empty"),
        (Table, "ragged.csv", b"a,b\n1\n", "line 2 must have 2 columns"),
        (Table, "null.csv", b"a,b\n1,\0\n", "works"),
        (Table, "long.csv", b"a\n" + b"x" * 200_000 + b"\n", "not a table"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_told(tmp_path, kind, name, data, message):
    (tmp_path / name).write_bytes(data)
    if message == "works":
        kind.open(tmp_path / name)
        return
    with pytest.raises(UserError, match=f"{name}.*(?:{message}).*Received: "):
        kind.open(tmp_path / name)


@pytest.mark.parametrize("kind", [Text, Image, Audio, Video, Table])
def test_a_folder_or_nothing_is_told(tmp_path, kind):
    for path in (tmp_path, tmp_path / "missing", tmp_path / ("x" * 300), "with\0null"):
        with pytest.raises(UserError, match="Received: "):
            kind.open(path)


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    (tmp_path / "huge.png").write_bytes(bomb(11_000, 11_000))
    monkeypatch.setattr(PIL.Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with warnings.catch_warnings(), pytest.raises(UserError, match="11000 × 11000"):
        warnings.simplefilter("error")
        Image.open(tmp_path / "huge.png")


# Saving and showing -------------------------------------------------------------------------------------------------

ALL = {
    "text": Text("a <b>"),
    "image": Image(np.zeros((2, 3, 3), np.uint8)),
    "audio": Audio(np.zeros(8, np.float32), 8000),
    "video": Video(np.zeros((2, 16, 16, 3), np.uint8)),
    "table": Table(("<a>", "b"), [("<x>", 0.5)]),
    "bars": Bars({"<cat>": 0.9, "dog": 0.1}),
    "chart": Chart({"a": [(0.0, 1.0), (1.0, 2.0)], "b": []}, "x (m)", "y <s>"),
    "page": Page(Image(np.zeros((2, 3, 3), np.uint8)), 6.0, "a <b>"),
}


@pytest.mark.parametrize("medium", ALL.values(), ids=ALL)
def test_every_medium_saves_shows_and_describes_itself(tmp_path, medium):
    path = medium.save(tmp_path / "new" / "out")
    assert path.suffix == medium.suffix and path.stat().st_size > 0
    assert json.loads(json.dumps(medium.json()))
    assert (
        "<b>" not in medium.html().replace("<b style", "")
        and "<x>" not in medium.html()
        and "<cat>" not in medium.html()
    )
    assert medium.html() in medium._repr_html_()


@pytest.mark.parametrize(
    "medium", [m for name, m in ALL.items() if name != "text"], ids=[name for name in ALL if name != "text"]
)
@pytest.mark.parametrize("name", ["out.xyz", "out.hdf5", "out.raw"])
def test_an_unknown_ending_is_told_and_nothing_is_written(tmp_path, medium, name):
    with pytest.raises(UserError, match=r"saved as \..*Received: \."):
        medium.save(tmp_path / "new" / name)
    assert not list(tmp_path.iterdir())


def test_a_file_without_end_is_refused(monkeypatch):
    monkeypatch.setattr("potmeter.media.medium.MAX_BYTES", 2**20)
    with pytest.raises(UserError, match="/dev/zero is larger than 1 MiB.*Received"):
        Text.open("/dev/zero")


def test_formats_that_start_a_program_are_not_read(tmp_path):
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "picture.eps")
    with pytest.raises(UserError, match="not a picture of a known format.*Received"):
        Image.open(tmp_path / "picture.eps")


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text("before")

    def half(path, data):
        path.write_text("hal")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(UserError, match="cannot be written: No space left"):
        Text("half of it").save(tmp_path / "text.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]
    assert (tmp_path / "text.txt").read_text() == "before"


def test_a_dollar_sign_is_no_formula():
    assert Chart({"$x^$": [(0.0, 1.0)], "b": [(0.0, 1.0)]}, x="$^$", y="in $").encode(".png")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot be written: .*Received: "):
        ALL["image"].save(tmp_path / "file" / "x.png")


def test_a_page_shows_its_picture_at_its_physical_size(tmp_path):
    page = Page(Image(np.zeros((20, 30, 3), np.uint8)), 6.0)
    sheet = Image.open(page.save(tmp_path / "page.png"))
    dark = (sheet.pixels[:600] < 50).all(2)  # the rule is below
    across, down = dark.any(0).sum() / 72 * 2.54, dark.any(1).sum() / 72 * 2.54
    assert sheet.size == (595, 841) and page.height == pytest.approx(4.0)
    assert across == pytest.approx(6.0, abs=0.1) and down == pytest.approx(4.0, abs=0.1)


@pytest.mark.parametrize(
    ("width", "shape"), [(0.0, (2, 2, 3)), (-1.0, (2, 2, 3)), (20.5, (2, 2, 3)), (10.0, (30, 10, 3))]
)
def test_a_picture_that_does_not_fit_on_its_page_is_told(width, shape):
    with pytest.raises(UserError, match=r"must fit on a sheet of 21 × 29.7 cm. Received: "):
        Page(Image(np.zeros(shape, np.uint8)), width)


def test_a_result_is_a_medium_or_a_dataclass_of_media():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Both:
        image: Image
        text: Text

    both = Both(ALL["image"], ALL["text"])
    assert parts(both) == {"image": both.image, "text": both.text} and parts(ALL["text"]) == {"": ALL["text"]}
    for other in ("text", 3, {"a": ALL["text"]}, Both):
        with pytest.raises(TypeError, match="A result is a medium"):
            parts(other)
