"""What comes in: only uploaded files, of known kinds and bounded size; only texts that name no file."""

import io
import zipfile
from dataclasses import MISSING

import numpy as np
import PIL.Image
import pytest

from potmeter import media
from potmeter.core.signature import Parameter
from potmeter.errors import UserError
from potmeter.gallery import limits
from potmeter.media import Image

IMAGE = Parameter("image", Image, MISSING)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The upload folder."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "up"))
    (tmp_path / "up").mkdir()
    return tmp_path / "up"


def png(width, height):
    buffer = io.BytesIO()
    PIL.Image.new("1", (width, height)).save(buffer, format="PNG")
    return buffer.getvalue()


def zip_bomb():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("zeros"), bytes(50_000_000), zipfile.ZIP_DEFLATED)  # of no particular time
    return buffer.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(/etc/passwd) (r) file\n"


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("huge.png", png(10_000, 10_000), "larger than 25,000,000 pixels"),
        ("colossal.png", png(20_000, 20_000), "larger than 25,000,000 pixels"),
        ("bomb.png", zip_bomb(), "not a picture"),
        ("script.svg", SVG, "takes a file of kind"),
        ("script.png", SVG, "not a picture"),
        ("program.png", EPS, "not a picture"),
        ("page.png", b"<html><script>alert(1)</script>", "not a picture"),
        ("empty.png", b"", "not a picture"),
        ("heavy.png", bytes(limits.MAX_UPLOAD + 1), "larger than 16 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith((".png", ".svg")) else "",
)
def test_hostile_pictures_are_refused_by_name_and_not_by_place(folder, name, data, says):
    (folder / name).write_bytes(data)
    with pytest.raises(UserError, match=says) as caught:
        limits.open_upload(IMAGE, {"path": str(folder / name), "orig_name": name})
    assert str(folder) not in str(caught.value) and "Received: " in str(caught.value)


@pytest.mark.parametrize("place", ["/etc/passwd", "../secret.png", "../../etc/passwd", "{up}/../secret.png", "{up}/link.png", "",
                                   "{up}", "http://127.0.0.1/x.png", "x\0.png", None, 3, ["a"], {"path": 3}])  # fmt: skip
def test_no_file_outside_the_upload_folder_is_read(folder, place):
    Image(np.zeros((8, 8, 3), np.uint8)).save(folder.parent / "secret.png")
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    path = place.format(up=folder) if isinstance(place, str) else place
    with pytest.raises(UserError):
        limits.open_upload(IMAGE, {"path": path})
    with pytest.raises(UserError):
        limits.open_upload(IMAGE, path)


def test_a_name_with_a_path_in_it_is_only_its_last_part(folder):
    Image(np.zeros((8, 8, 3), np.uint8)).save(folder / "a.png")
    for name in ("../../evil.png", "C:\\temp\\evil.png", "/root/evil.png"):
        assert limits.resolve_upload({"path": str(folder / "a.png"), "orig_name": name})[1] == "evil.png"


def test_null_bytes_are_refused(folder):
    Image(np.zeros((8, 8, 3), np.uint8)).save(folder / "a.png")
    with pytest.raises(UserError, match="no null byte"):
        limits.open_upload(IMAGE, {"path": str(folder / "a.png"), "orig_name": "a\0.png"})
    with pytest.raises(UserError, match="no null byte"):
        limits.check_text("prompt", "a\0b")


def test_pictures_of_a_phone_come_through(folder):
    Image(np.zeros((3000, 4000, 3), np.uint8)).save(folder / "photo.jpg")
    assert limits.open_upload(IMAGE, {"path": str(folder / "photo.jpg")}).size == (4000, 3000)


def test_sounds_that_are_too_long_are_refused_by_their_header(folder):
    sound = Parameter("sound", media.Audio, MISSING)
    media.Audio(np.zeros(8000 * 700, np.float32), 8000).save(folder / "long.flac")
    with pytest.raises(UserError, match="longer than 600 s"):
        limits.open_upload(sound, {"path": str(folder / "long.flac")})
    media.Audio(np.zeros(8000, np.float32), 8000).save(folder / "short.wav")
    assert limits.open_upload(sound, {"path": str(folder / "short.wav")}).seconds == 1


def test_words_that_name_a_file_are_refused(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "here").mkdir()
    for word in ("/etc/passwd", "/etc", "~", "~/x", "../up", "here", ".", "/no/such/place"):
        with pytest.raises(UserError, match="names a file"):
            limits.check_word("data", word)
    for word in ("mnist", "It was a truth universally acknowledged", "/ is a slash", "", "日本語"):
        assert limits.check_word("data", word) == word


def test_endless_texts_are_refused():
    with pytest.raises(UserError, match="at most 20,000 characters"):
        limits.check_text("prompt", "x" * 20_001)
