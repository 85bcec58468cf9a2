"""Hostile archives leave nothing outside the folder, and say what is wrong."""

import io
import shutil
import subprocess
import tarfile
import zipfile

import pytest

from potmeter.data.fetching.unpack import unpack
from potmeter.errors import UserError


def zip_of(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def tar_of(path, *members, mode="w:gz"):
    """Members are (name, content) or (name, link target, type)."""
    with tarfile.open(path, mode) as file:
        for name, content, *kind in members:
            info = tarfile.TarInfo(name)
            if kind:
                info.type, info.linkname = kind[0], content
                file.addfile(info)
            else:
                info.size = len(content)
                file.addfile(info, io.BytesIO(content))
    return path


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_only_wanted_members_are_written(tmp_path):
    archive = zip_of(tmp_path / "a.whl", {"d/a.txt": "1", "d/b.py": "2", "d/e/c.txt": "3"})
    files = unpack(archive, tmp_path / "out", ("d/*.txt",))
    assert [path.read_text() for path in files] == ["1"]
    assert everything(tmp_path / "out") == ["d/a.txt"]


@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "/evil.txt", "..\\evil.txt", "C:evil.txt"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_that_point_outside_are_refused(tmp_path, name, kind):
    if kind == "zip":
        archive = zip_of(tmp_path / "a.zip", {name: "x"})
    else:
        archive = tar_of(tmp_path / "a.tgz", (name, b"x"))
    with pytest.raises(UserError, match=r"outside.*Received: "):
        unpack(archive, tmp_path / "out" / "in", ("*.txt",))
    assert everything(tmp_path) == [archive.name]


def test_a_file_cannot_be_written_through_a_link(tmp_path):
    archive = tar_of(tmp_path / "a.tgz", ("d", str(tmp_path), tarfile.SYMTYPE), ("d/a.txt", b"x"))
    unpack(archive, tmp_path / "out", ("d/*.txt",))
    assert everything(tmp_path) == ["a.tgz", "out/d/a.txt"]
    assert not (tmp_path / "out" / "d").is_symlink()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused_where_a_file_is_expected(tmp_path, kind):
    with pytest.raises(UserError, match="link or device"):
        unpack(tar_of(tmp_path / "a.tgz", ("d/a.txt", "/etc/hostname", kind)), tmp_path / "out", ("d/*.txt",))


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("d/a.txt")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(info, "/etc/hostname")
    with pytest.raises(UserError, match="link or device"):
        unpack(tmp_path / "a.zip", tmp_path / "out", ("d/*.txt",))


def test_a_bomb_is_stopped_at_the_limit(tmp_path):
    archive = zip_of(tmp_path / "a.zip", {"a.txt": bytes(5_000_000)})
    with pytest.raises(UserError, match="more than is allowed"):
        unpack(archive, tmp_path / "out", ("*.txt",), max_bytes=1_000_000)
    assert (tmp_path / "out" / "a.txt").stat().st_size <= 1_000_000


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("potmeter.data.fetching.unpack.MAX_FILES", 3)
    with pytest.raises(UserError, match="more than 3 members"):
        unpack(zip_of(tmp_path / "a.zip", {f"{i}.txt": "" for i in range(5)}), tmp_path / "out", ("*.txt",))


def test_a_name_that_comes_twice_is_refused(tmp_path):
    with pytest.raises(UserError, match="twice"):
        unpack(tar_of(tmp_path / "a.tgz", ("a.txt", b"1"), ("a.txt", b"2")), tmp_path / "out", ("*.txt",))


@pytest.mark.parametrize("name", ["a.whl", "a.tgz"])
def test_broken_archives_are_told(tmp_path, name):
    (tmp_path / name).write_bytes(b"not an archive")
    with pytest.raises(UserError, match=f"{name} cannot be unpacked"):
        unpack(tmp_path / name, tmp_path / "out", ("*",))


def test_a_truncated_tar_is_told(tmp_path):
    archive = tar_of(tmp_path / "a.tar.gz", ("a.txt", bytes(range(256)) * 4000))
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(UserError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "out", ("*.txt",))


def test_an_archive_without_the_files_is_told(tmp_path):
    with pytest.raises(UserError, match="none of the files"):
        unpack(zip_of(tmp_path / "a.zip", {"b.py": ""}), tmp_path / "out", ("*.txt",))


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_debian_packages_are_unpacked(tmp_path):
    (tmp_path / "p" / "DEBIAN").mkdir(parents=True)
    (tmp_path / "p" / "usr" / "share").mkdir(parents=True)
    (tmp_path / "p" / "usr" / "share" / "a.txt").write_text("real")
    (tmp_path / "p" / "usr" / "share" / "link").symlink_to("/etc")
    (tmp_path / "p" / "DEBIAN" / "control").write_text(
        "Package: fake\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: fake\n"
    )
    subprocess.run(["dpkg-deb", "--build", "p", "fake_1_all.deb"], cwd=tmp_path, check=True, capture_output=True)
    files = unpack(tmp_path / "fake_1_all.deb", tmp_path / "out", ("usr/share/*.txt",))
    assert [path.read_text() for path in files] == ["real"]
    (tmp_path / "bad.deb").write_bytes(b"!<arch>\n")
    with pytest.raises(UserError, match=r"bad.deb"):
        unpack(tmp_path / "bad.deb", tmp_path / "out2", ("*",))
