"""An album: many pictures in one file, by their names."""

import io
import zipfile

import numpy as np
import pytest

from potmeter.errors import UserError
from potmeter.media import Album, Image


def plain(value, name=""):
    return Image(np.full((2, 3, 3), value, np.uint8), name)


def test_an_album_holds_every_picture_once():
    album = Album([plain(0, "a.jpg"), plain(1), plain(2, "a.png"), plain(3, "b.tar.gif"), plain(4, "a.webp")])
    assert album.file_names == ["a.png", "1.png", "a-2.png", "b.tar.png", "a-3.png"]
    with zipfile.ZipFile(io.BytesIO(album.encode(".zip"))) as file:
        values = [Image.decode(file.read(name)).pixels[0, 0, 0] for name in album.file_names]
    assert values == [0, 1, 2, 3, 4] and album.encode(".zip") == album.encode(".zip")
    assert album.html().count("<figure>") == 5 and album.json()[3] == {"name": "b.tar.png", "width": 3, "height": 2}


def test_a_number_that_a_file_bears_already_is_left_out():
    assert Album([plain(0, "a-2.jpg"), plain(1, "a.jpg"), plain(2, "a.png")]).file_names == [
        "a-2.png",
        "a.png",
        "a-3.png",
    ]


def test_an_album_is_saved_as_a_folder_where_the_path_has_no_ending_or_is_one(tmp_path):
    album = Album([plain(7, "a.jpg"), plain(8, "b.jpg")])
    assert album.save(tmp_path / "new") == tmp_path / "new"
    (tmp_path / "old.v2").mkdir()
    (tmp_path / "old.v2" / "mine.txt").write_text("stays")
    album.save(tmp_path / "old.v2")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.png", "b.png"]
    assert sorted(path.name for path in (tmp_path / "old.v2").iterdir()) == ["a.png", "b.png", "mine.txt"]
    assert Image.open(tmp_path / "new" / "b.png").pixels[0, 0, 0] == 8
    assert zipfile.is_zipfile(album.save(tmp_path / "all.zip"))
    with pytest.raises(UserError, match="cannot be written"):
        album.save(tmp_path / "new" / "a.png" / "below")


def test_an_album_is_not_empty_and_is_saved_as_zip():
    with pytest.raises(UserError, match="at least one picture"):
        Album([])
    with pytest.raises(UserError, match=r"saved as \.zip"):
        Album([plain(0)]).encode(".png")
