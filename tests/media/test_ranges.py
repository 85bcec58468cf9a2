"""Values become pictures and sounds by the range that their type or the file's tags state; what states none is refused."""

import struct

import numpy as np
import PIL.Image
import pytest
import torch

from potmeter.core.conversion import to_medium
from potmeter.errors import UserError
from potmeter.media import Audio, Image, Video

GREY = [0, 64, 255]
"""What each of the following becomes."""
SAME = {
    "uint8": np.array(GREY, np.uint8),
    "uint16": np.array([0, 64 * 257, 65535], np.uint16),
    "float16": np.array([0, 64 / 255, 1], np.float16),
    "float32": np.array([0, 64 / 255, 1], np.float32),
    "float64": np.array([0, 64 / 255, 1]),
    "a rounding error beyond": np.array([-1e-4, 64 / 255, 1.0001], np.float32),
}


@pytest.mark.parametrize("values", SAME.values(), ids=SAME)
def test_arrays_and_tensors_of_every_known_type_are_the_same_picture(values):
    tensor = torch.from_numpy(values)[None]  # (H = 1, W)
    for picture in (
        to_medium("image", Image, values[None]),
        to_medium("image", Image, values[None, :, None].repeat(3, 2)),
        to_medium("image", Image, tensor),
        to_medium("image", Image, tensor[None].expand(3, -1, -1)),
    ):
        assert picture.pixels[0, :, 0].tolist() == GREY and (picture.pixels == picture.pixels[..., :1]).all()


def test_a_file_is_the_same_picture_by_path_tensor_array_and_pillow(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 3), np.uint8)
    path = Image(pixels).save(tmp_path / "x.png")
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)  # as torchvision.io.read_image gives it
    for given in (path, str(path), pixels, pixels / 255, tensor, tensor / 255, PIL.Image.open(path)):
        assert np.array_equal(to_medium("image", Image, given).pixels, pixels)


def test_truth_values_are_black_and_white_and_bfloat16_is_read():
    mask = np.array([[True, False]])
    for given in (mask, torch.from_numpy(mask), torch.from_numpy(mask).to(torch.bfloat16)):
        assert to_medium("image", Image, given).pixels[0, :, 0].tolist() == [255, 0]


def test_a_fourth_channel_is_transparency_over_white():
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8)
    for given in (pixels, torch.from_numpy(pixels).permute(2, 0, 1).float() / 255):
        assert to_medium("image", Image, given).pixels.tolist() == [[[255, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (torch.rand(3, 4, 4) * 255, r"floats lie in \[0, 1\].*0…255 as uint8.*Received: float32 from "),
        (torch.rand(3, 4, 4) - 0.5, r"floats lie in \[0, 1\]"),
        (torch.randn(1, 4, 4).half() * 9, r"floats lie in \[0, 1\]"),
        (np.full((4, 4), np.nan), "Received: float64 from nan to nan"),
        (np.array([[0.0, np.inf]]), "Received: float64 from 0 to inf"),
        (np.full((4, 4, 3), 200), "uint8, uint16, bool, or floats.*Received: int64"),
        (torch.full((3, 4, 4), 200), "uint8, uint16, bool, or floats.*Received: int64"),
        (np.full((4, 4, 3), 20, np.int8), "Received: int8"),
        (np.full((4, 4), 1j), "Received: complex128"),
        (torch.full((4, 4), 1j), "complex"),
        (np.array([["a"]]), "uint8, uint16, bool, or floats"),
        (torch.zeros(2, 5, 5), "A picture's tensor has shape"),
        (torch.zeros(5), "A picture's tensor has shape"),
        (torch.zeros(1, 3, 5, 5), "A picture's tensor has shape"),
        (torch.zeros(3, 0, 5), "A picture's tensor has shape"),
        (np.zeros((3, 5, 5)), "A picture's array has shape"),
        (np.zeros((0, 5)), "A picture's array has shape"),
        (np.zeros((5, 5, 2)), "A picture's array has shape"),
    ],
)
def test_what_states_no_range_or_is_beyond_it_is_refused(values, told):
    with pytest.raises(UserError, match=f"{told}.*" if "Received" in told else f"{told}.*Received: "):
        to_medium("image", Image, values)


# Files of more than 8 bits ------------------------------------------------------------------------------------------


def tiff(path, strip, width, bits, format=1, photometric=1, extra=()):
    """A grey TIFF of one row, little-endian; ``extra`` has further tags as (number, type, value)."""
    tags = [(256, 4, width), (257, 4, 1), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (273, 4, 8), (277, 3, 1)]
    tags += [(278, 4, 1), (279, 4, len(strip)), (339, 3, format), *extra]
    place = 8 + len(strip) + len(strip) % 2
    entries = b"".join(
        struct.pack("<HHI", number, kind, 1)
        + {3: struct.Struct("<HH"), 4: struct.Struct("<I"), 9: struct.Struct("<i"), 11: struct.Struct("<f")}[kind].pack(
            *((value, 0) if kind == 3 else (value,))
        )
        for number, kind, value in sorted(tags)
    )
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    path.write_bytes(b"II*\0" + struct.pack("<I", place) + strip.ljust(place - 8, b"\0") + directory)
    return path


TWELVE = bytes([0x00, 0x08, 0x00, 0xFF, 0xF0, 0x00])  # 0, 2048, 4095, 0 in 12 bits each
FILES = {
    "16 bits": (np.array([0, 32896, 65535], "<u2").tobytes(), 3, 16, {}, [0, 128, 255]),
    "16 bits, white is zero": (np.array([0, 32896, 65535], "<u2").tobytes(), 3, 16, {"photometric": 0}, [255, 127, 0]),
    "12 bits": (TWELVE, 4, 12, {}, [0, 128, 255, 0]),
    "12 bits in 16": (np.array([0, 2048, 4095], "<u2").tobytes(), 3, 16, {"extra": [(281, 3, 4095)]}, [0, 128, 255]),
    "32 bits": (np.array([0, 500, 1000], "<u4").tobytes(), 3, 32, {"extra": [(281, 4, 1000)]}, [0, 128, 255]),
    "signed": (np.array([-100, 0, 100], "<i4").tobytes(), 3, 32, {"format": 2, "extra": [(340, 9, -100), (341, 9, 100)]}, [0, 128, 255]),
    "floats": (np.array([0, 0.5, 1], "<f4").tobytes(), 3, 32, {"format": 3}, [0, 128, 255]),
    "floats to 200": (np.array([0, 100, 200], "<f4").tobytes(), 3, 32, {"format": 3, "extra": [(341, 11, 200.0)]}, [0, 128, 255]),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_tags_say_what_is_white(tmp_path, name):
    strip, width, bits, options, expected = FILES[name]
    assert Image.open(tiff(tmp_path / "x.tif", strip, width, bits, **options)).pixels[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    ("values", "bits", "format", "told"),
    [
        (np.array([0, 500, 1000], "<i4"), 32, 2, "x.tif is white.*Received: signed integers of 32 bits"),
        (np.array([0, 500, 1000], "<u4"), 32, 1, "x.tif is white.*Received: integers of 32 bits"),
        (np.array([-5, 0, 1000], "<i2"), 16, 2, "x.tif is white.*Received: signed integers of 16 bits"),
        (np.array([0, 100, 200], "<f4"), 32, 3, "x.tif should lie between 0 and 1.*Received: 0 to 200"),
        (np.array([0, np.nan, 1], "<f4"), 32, 3, "x.tif should lie between 0 and 1.*Received: nan"),
    ],
)
def test_a_file_that_does_not_say_it_is_refused_by_name(tmp_path, values, bits, format, told):
    with pytest.raises(UserError, match=told):
        Image.open(tiff(tmp_path / "x.tif", values.tobytes(), 3, bits, format))


def test_16_bits_of_other_formats_are_scaled(tmp_path):
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    PIL.Image.fromarray(values).save(tmp_path / "x.png")
    (tmp_path / "x.pgm").write_bytes(b"P5 4 1 65535\n" + values.astype(">u2").tobytes())
    (tmp_path / "y.pgm").write_bytes(b"P5 3 1 4095\n" + np.array([0, 2048, 4095], ">u2").tobytes())
    assert Image.open(tmp_path / "x.png").pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    assert Image.open(tmp_path / "x.pgm").pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    assert Image.open(tmp_path / "y.pgm").pixels[0, :, 0].tolist() == [0, 128, 255]


def test_a_deep_picture_is_turned_as_its_exif_data_say(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    PIL.Image.fromarray(np.array([[65535, 0, 0]], np.uint16)).save(tmp_path / "x.png", exif=exif)
    assert Image.open(tmp_path / "x.png").pixels[:, 0, 0].tolist() == [255, 0, 0]


def test_pillow_pictures_in_memory_follow_the_same_rules():
    assert Image.from_pil(PIL.Image.fromarray(np.array([[0, 65535]], np.uint16))).pixels[0, :, 0].tolist() == [0, 255]
    with pytest.raises(UserError, match="Nothing says which value.*Received: integers of 32 bits"):
        Image.from_pil(PIL.Image.fromarray(np.array([[0, 255]], np.int32)))
    with pytest.raises(UserError, match="between 0 and 1.*Received: 0 to 255"):
        Image.from_pil(PIL.Image.fromarray(np.array([[0, 255]], np.float32)))


# Sounds and videos --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([-32768, 0, 16384], np.int16), [-1, 0, 0.5]),
        (np.array([-(2**31), 0, 2**30], np.int32), [-1, 0, 0.5]),
        (np.array([0, 128, 192], np.uint8), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.5]), [-1, 0, 0.5]),
        (torch.tensor([-1, 0, 0.5]).bfloat16(), [-1, 0, 0.5]),
        (torch.tensor([-32768, 0, 16384], dtype=torch.int16), [-1, 0, 0.5]),
    ],
)
def test_samples_are_read_by_their_type(samples, expected):
    sound = Audio.from_array(samples, 8000)
    assert sound.samples.tolist() == expected and sound.samples.dtype == np.float32


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.array([0.0, 20_000.0]), r"lie in \[-1, 1\].*Received: 0 to 20000"),
        (np.array([0.0, np.nan]), r"lie in \[-1, 1\]"),
        (np.array([1, 2]), "uint8, int16, int32, or floats.*Received: int64"),
        (np.zeros((2, 9)), "shape .time,.: average the channels"),
    ],
)
def test_samples_of_another_scale_are_refused(samples, told):
    with pytest.raises(UserError, match=told):
        Audio.from_array(samples, 8000)


def test_a_sound_and_a_video_are_of_their_type():
    with pytest.raises(UserError, match=r"float32 samples of shape .time,.*Received: int16 of shape .9,."):
        Audio(np.zeros(9, np.int16), 8000)
    with pytest.raises(UserError, match=r"lie in \[-1, 1\].*Received: 0 to 3"):
        Audio(np.array([0, 3], np.float32), 8000)
    with pytest.raises(UserError, match="uint8 frames of shape.*Received: float64"):
        Video(np.zeros((2, 4, 4, 3)))


def test_a_sound_file_of_another_scale_is_refused_by_name_and_a_loud_mp3_is_clipped(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "scale.wav", np.array([0, 9000.0]), 8000, subtype="FLOAT")
    with pytest.raises(UserError, match=r"scale.wav lie in \[-1, 1\].*Received: 0 to 9000"):
        Audio.open(tmp_path / "scale.wav")
    square = np.sign(np.sin(np.arange(22050) / 9)).astype(np.float32)  # coded, it overshoots
    soundfile.write(tmp_path / "loud.mp3", square, 22050)
    decoded, _ = soundfile.read(tmp_path / "loud.mp3")
    assert np.abs(decoded).max() > 1.01
    assert np.abs(Audio.open(tmp_path / "loud.mp3").samples).max() == 1


def test_resampling_a_loud_sound_clips_what_overshoots():
    square = np.sign(np.sin(np.arange(8000) / 9)).astype(np.float32)
    assert np.abs(Audio(square, 8000).resample(11025).samples).max() == 1
