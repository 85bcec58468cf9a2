"""Films of any length: their frames are changed one by one, and what was interrupted goes on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from media.test_provenance import film_with_sound, packets
from potmeter import notices
from potmeter.core.films import change_frames, fingerprint_work, save_film
from potmeter.errors import UserError
from potmeter.media import Video, frames, segments
from potmeter.media.frames import Frames
from potmeter.media.sound_track import until_broken

LEVELS = 20
"""Frame t is of brightness 10 t, which tells it after coding."""


def brightness(film) -> list[int]:
    """The number that each frame bears."""
    return [round(float(frame.mean()) / 10) for frame in film.frames]


@pytest.fixture
def film(tmp_path) -> Video:
    """A film in a file: twenty ever brighter frames."""
    frames = np.stack([np.full((16, 24, 3), 10 * t, np.uint8) for t in range(LEVELS)])
    return Video.open(Video(frames, fps=8).save(tmp_path / "in.mp4"))


@pytest.fixture
def short_segments(monkeypatch) -> None:
    monkeypatch.setattr(segments, "MAX_FRAMES", 6)


def darker(frame):
    return frame - np.minimum(frame, 10)


class Interrupted:
    """Changes frames until it is interrupted before one, and counts them."""

    def __init__(self, at: int | None) -> None:
        self.at, self.calls = at, 0

    def __call__(self, frame):
        if self.calls == self.at:
            raise KeyboardInterrupt
        self.calls += 1
        return None if frame.mean() < 35 else darker(frame)


def test_frames_of_a_file_are_changed_while_they_are_written_and_those_in_memory_at_once(film, tmp_path):
    change = Interrupted(None)
    lazy = change_frames(film, change, "working")
    assert change.calls == 0
    out = lazy.save(tmp_path / "out.mp4")
    assert change.calls == LEVELS and lazy.json()["frames"] == LEVELS
    assert brightness(Video.open(out)) == [0, 1, 2, 3, *range(3, LEVELS - 1)]
    now = change_frames(Video(np.asarray(film.frames)), change, "working")
    assert change.calls == 2 * LEVELS and isinstance(now.frames, np.ndarray)
    assert brightness(now) == brightness(Video.open(out))


def test_progress_is_told_of_each_frame(film, tmp_path):
    from potmeter.core.progress import reporter

    told = []
    token = reporter.set(lambda *report: told.append(report))
    try:
        change_frames(film, darker, "working").save(tmp_path / "out.mp4")
    finally:
        reporter.reset(token)
    assert told == [("working", n, LEVELS) for n in range(LEVELS + 1)]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_film_of_several_segments_is_the_same_film(tmp_path, short_segments, suffix):
    frames = np.stack([np.full((16, 24, 3), 10 * t, np.uint8) for t in range(LEVELS)])
    opened = Video.open(Video(frames, fps=29.97).save(tmp_path / f"x{suffix}"))
    assert brightness(opened) == [*range(LEVELS)] and opened.fps == pytest.approx(29.97, abs=0.01)
    assert opened.frames.seconds == pytest.approx(LEVELS / 29.97, abs=0.05)
    assert [path.name for path in tmp_path.iterdir()] == [f"x{suffix}"]


def test_what_was_interrupted_goes_on_after_the_last_closed_segment(film, tmp_path, short_segments, capsys):
    told, out, folder = [], tmp_path / "out.mp4", tmp_path / "out.mp4.segments"
    finish = lambda *counts: told.append(counts)
    with pytest.raises(KeyboardInterrupt):
        save_film(change_frames(film, Interrupted(14), "working", finish), out, "a")
    assert not out.exists() and sorted(p.name for p in folder.iterdir()) == ["000000.mp4", "000001.mp4", "film.json"]
    assert "the same command goes on after frame 12" in capsys.readouterr().err
    closed = [path.read_bytes() for path in sorted(folder.glob("*.mp4"))]

    again = Interrupted(3)
    with pytest.raises(KeyboardInterrupt):  # within the segment: as if nothing had been
        save_film(change_frames(film, again, "working", finish), out, "a")
    assert [path.read_bytes() for path in sorted(folder.glob("*.mp4"))] == closed

    last = Interrupted(None)
    assert save_film(change_frames(film, last, "working", finish), out, "a") == out
    assert last.calls == LEVELS - 12, "only what was missing is computed"
    assert told == [(LEVELS, 4)], "what was counted before counts"
    assert "goes on after frame 12" in capsys.readouterr().err
    whole = save_film(change_frames(film, Interrupted(None), "working"), tmp_path / "whole.mp4", "a")
    assert brightness(Video.open(out)) == brightness(Video.open(whole)) == [0, 1, 2, 3, *range(3, LEVELS - 1)]
    difference = np.asarray(Video.open(out).frames).astype(int) - np.asarray(Video.open(whole).frames)
    assert np.abs(difference).max() <= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4", "whole.mp4"]


def test_an_interruption_before_the_first_segment_leaves_nothing(film, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        save_film(change_frames(film, Interrupted(3), "working"), tmp_path / "out.mp4", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_segments_of_other_work_are_not_used_and_it_is_said(film, tmp_path, short_segments, capsys):
    with pytest.raises(KeyboardInterrupt):
        save_film(change_frames(film, Interrupted(14), "working"), tmp_path / "out.mp4", "a")
    change = Interrupted(None)
    save_film(change_frames(film, change, "working"), tmp_path / "out.mp4", "b")
    assert change.calls == LEVELS and "begins anew" in capsys.readouterr().err


def test_what_is_not_whole_begins_anew(film, tmp_path, short_segments, capsys):
    out, folder = tmp_path / "out.mp4", tmp_path / "out.mp4.segments"
    folder.mkdir()  # as a call leaves it that was ended before it noted anything
    with pytest.raises(KeyboardInterrupt):
        save_film(change_frames(film, Interrupted(14), "working"), out, "a")
    (folder / "000000.mp4").unlink()
    change = Interrupted(None)
    save_film(change_frames(film, change, "working"), out, "a")
    assert change.calls == LEVELS and "begins anew: " in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_a_folder_that_is_not_ours_is_left_alone(film, tmp_path):
    (tmp_path / "out.mp4.segments").mkdir()
    (tmp_path / "out.mp4.segments" / "film.json").write_text("[]")
    with pytest.raises(UserError, match=r"something else is in it. Received: .*out.mp4.segments"):
        save_film(change_frames(film, darker, "working"), tmp_path / "out.mp4", "a")
    assert (tmp_path / "out.mp4.segments" / "film.json").read_text() == "[]"


def test_a_refusal_after_the_last_frame_leaves_nothing(film, tmp_path, short_segments):
    def finish(count, unchanged):
        raise UserError(f"{unchanged} of {count}")

    with pytest.raises(UserError, match="20 of 20"):
        save_film(change_frames(film, lambda frame: None, "working", finish), tmp_path / "out.mp4", "a")
    with pytest.raises(UserError, match="20 of 20"):
        change_frames(film, lambda frame: None, "working", finish).save(tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_sound_is_kept_as_it_was_coded(tmp_path, monkeypatch):
    monkeypatch.setattr(segments, "MAX_FRAMES", 3)
    (tmp_path / "in.mp4").write_bytes(film_with_sound("aac", "mp4"))
    out = save_film(change_frames(Video.open(tmp_path / "in.mp4"), darker, "working"), tmp_path / "out.mkv", "a")
    assert packets(out) == packets(tmp_path / "in.mp4")


def test_sound_and_pictures_lie_side_by_side_in_a_file(tmp_path):
    import av

    (tmp_path / "in.mp4").write_bytes(film_with_sound("aac", "mp4"))
    out = Video.open(tmp_path / "in.mp4").save(tmp_path / "out.mp4")
    with av.open(str(out)) as container:
        times = [float(packet.dts * packet.time_base) for packet in container.demux() if packet.size]
    assert max(np.maximum.accumulate(times) - times) < 0.5, "a player need not look for one far from the other"


def test_a_sound_that_cannot_be_read_further_ends_there_and_it_is_told():
    import av

    def damaged():
        yield "packet"
        raise av.error.InvalidDataError(1, "Invalid data found")

    notices.drop_notes()
    assert [*until_broken(damaged())] == ["packet"]
    assert [*notices.pending] == ["The sound breaks off: Invalid data found."]


def test_a_film_that_a_phone_took_upright_is_upright(tmp_path):
    import av

    frames = np.zeros((3, 32, 48, 3), np.uint8)
    frames[:, :16] = 200  # bright above
    flat = Video(frames, fps=8).save(tmp_path / "flat.mp4")
    with av.open(str(flat)) as source, av.open(str(tmp_path / "turned.mp4"), "w") as target:
        pictures = source.streams.video[0]
        stream = target.add_stream_from_template(pictures)
        stream.set_display_rotation(90)
        for packet in source.demux(pictures):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    film = Video.open(tmp_path / "turned.mp4")
    assert film.frames.shape == (3, 48, 32, 3)
    left, right = (np.asarray(film.frames)[:, :, part].mean() for part in (slice(0, 16), slice(16, 32)))
    assert left > 190 and right < 10, "turned counterclockwise, what was above is on the left"


@pytest.fixture
def long_files(tmp_path) -> dict[str, bytes]:
    """12 seconds of film with the index behind the pictures, before them, and without one."""
    import av

    frames = np.random.default_rng(0).integers(0, 255, (100, 48, 64, 3), np.uint8)
    behind, none = (Video(frames, fps=8).save(tmp_path / f"whole{suffix}") for suffix in (".mp4", ".mkv"))
    options = {"movflags": "faststart"}
    with av.open(str(behind)) as source, av.open(str(tmp_path / "before.mp4"), "w", options=options) as target:
        pictures = source.streams.video[0]
        stream = target.add_stream_from_template(pictures)
        for packet in source.demux(pictures):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    paths = {"behind": behind, "before": tmp_path / "before.mp4", "none": none}
    return {name: path.read_bytes() for name, path in paths.items()}


@pytest.mark.parametrize("index", ["before", "none"])
def test_of_half_a_file_what_can_be_read_is_told(tmp_path, long_files, index):
    notices.drop_notes()
    (tmp_path / "half").write_bytes(long_files[index][: len(long_files[index]) // 2])
    half = Video.open(tmp_path / "half")
    out = Video.open(change_frames(half, darker, "working").save(tmp_path / "out.mp4"))
    assert 30 < sum(1 for _ in out.frames) < 70
    (line,) = notices.pending.values()
    assert line.startswith("half breaks off after ") and "of 12 s can be read" in line


def test_half_a_file_without_its_index_is_refused(tmp_path, long_files):
    (tmp_path / "half").write_bytes(long_files["behind"][: len(long_files["behind"]) // 2])
    with pytest.raises(UserError, match="half is not a video of a known format"):
        Video.open(tmp_path / "half")


class Claimed(Frames):
    """Some frames, of which far more are claimed, as a file may."""

    shape = (10**12, 8, 8, 3)

    def __init__(self, count: int) -> None:
        self.number = count

    def read(self, first: int = 0):
        return (np.full((8, 8, 3), t, np.uint8) for t in range(first, self.number))


def test_an_array_of_frames_takes_no_memory_for_those_that_do_not_come(monkeypatch):
    monkeypatch.setattr(frames, "MAX_PIXELS", 64)  # 10 frames at most
    assert np.asarray(Claimed(10))[:, 0, 0, 0].tolist() == [*range(10)]
    with pytest.raises(UserError, match=r"too long to be in memory whole. Received: 11 frames"):
        np.asarray(Claimed(11))


PEAK = """
import resource, sys
import numpy as np
from potmeter.core.films import change_frames, save_film
from potmeter.media import Video
from potmeter.media.frames import Frames
from pathlib import Path

class Noise(Frames):
    shape = (int(sys.argv[1]), 120, 160, 3)
    def read(self, first=0):
        tile = np.random.default_rng(0).integers(0, 255, (120, 320, 3), np.uint8)
        return (np.roll(tile, t, 1)[:, :160] // 8 for t in range(first, self.shape[0]))

folder = Path(sys.argv[2])
Video(Noise(), 25).save(folder / "long.mp4")
film = Video.open(folder / "long.mp4")
save_film(change_frames(film, lambda frame: 255 - frame, "working"), folder / "out.mp4", "a")
assert sum(1 for _ in Video.open(folder / "out.mp4").frames) == int(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no resource module")
def test_a_long_film_takes_no_more_memory_than_a_short_one(tmp_path):
    peaks = []
    for count in (300, 3000):
        told = subprocess.run(
            [sys.executable, "-c", PEAK, str(count), str(tmp_path)], capture_output=True, text=True, check=True
        )
        peaks.append(int(told.stdout))
    assert peaks[1] - peaks[0] < 30, "MiB; the frames alone are 165"


def test_a_fingerprint_knows_weights_arguments_and_files(tmp_path):
    import torch

    net, other, file = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2), tmp_path / "in.mp4"
    file.write_bytes(b"one")
    first = fingerprint_work(net, "x:video", {"clip": str(file), "size": 8})
    assert first == fingerprint_work(net, "x:video", {"clip": str(file), "size": 8})
    assert first != fingerprint_work(other, "x:video", {"clip": str(file), "size": 8})
    assert first != fingerprint_work(net, "x:video", {"clip": str(file), "size": 9})
    file.write_bytes(b"other")
    assert first != fingerprint_work(net, "x:video", {"clip": str(file), "size": 8})


def test_a_command_that_was_interrupted_goes_on_when_it_is_given_again(
    tmp_path, film, short_segments, monkeypatch, capsys
):
    from potmeter.cli import execute
    from potmeter.systems.generative.styletransfer import system

    paint, calls = system.paint, Interrupted(8)
    monkeypatch.setattr(system, "paint", lambda network, image, **options: (calls(image.pixels), paint(network, image, **options))[1])  # fmt: skip
    command = ["run", "styletransfer:video", str(film.frames.source), "--out", str(tmp_path / "out.mp4")]
    assert execute(command) == 130 and not (tmp_path / "out.mp4").exists()
    calls.at = None
    assert execute([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == {"result": str(tmp_path / "out.mp4")} and report["result"]["frames"] == LEVELS
    assert calls.calls == 8 + LEVELS - 6
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == ["in.mp4", "out.mp4"]


def test_on_a_full_disk_what_is_finished_stays_and_goes_on_when_there_is_room(
    film, tmp_path, short_segments, monkeypatch, capsys
):
    import errno

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    out, write = tmp_path / "out.mp4", segments.write_segment
    monkeypatch.setattr(segments, "write_segment", full)
    with pytest.raises(UserError, match="out.mp4 cannot be written: No space left on device"):
        save_film(change_frames(film, darker, "working"), out, "a")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"], "nothing was finished: nothing is left"

    monkeypatch.setattr(segments, "write_segment", write)
    monkeypatch.setattr("potmeter.media.video.join_segments", full)
    with pytest.raises(UserError, match="No space left"):
        save_film(change_frames(film, darker, "working"), out, "a")
    assert not out.exists() and f"goes on after frame {LEVELS}" in capsys.readouterr().err

    monkeypatch.undo()
    again = Interrupted(None)
    assert save_film(change_frames(film, again, "working"), out, "a") == out
    assert again.calls == 0 and len(brightness(Video.open(out))) == LEVELS


def test_two_processes_do_not_write_the_same_film(film, tmp_path):
    out = tmp_path / "out.mp4"

    def second(frame):
        with pytest.raises(UserError, match=r"Another process is writing this film. Received: .*out.mp4"):
            save_film(change_frames(film, darker, "working"), out, "b")
        return darker(frame)

    save_film(change_frames(film, second, "working"), out, "a")
    assert brightness(Video.open(out)) == [0, *range(LEVELS - 1)], "the first one's"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


@pytest.mark.parametrize("fps", [24000 / 1001, 30000 / 1001, 1 / 3600])
def test_the_rate_of_frames_is_that_of_the_film(tmp_path, fps):
    frames = np.zeros((3, 16, 16, 3), np.uint8)
    opened = Video.open(Video(frames, fps).save(tmp_path / "x.mp4"))
    assert opened.fps == pytest.approx(fps, rel=1e-9)


def test_a_film_of_single_pixels_is_refused_in_one_line(tmp_path):
    with pytest.raises(UserError, match=r"at least 2 × 2 pixels large. Received: 1 × 4"):
        Video(np.zeros((3, 4, 1, 3), np.uint8)).save(tmp_path / "x.mp4")
    assert not [*tmp_path.iterdir()]


def film_of_two_rates(path: Path) -> Path:
    """100 frames at 30 a second, then 100 at 10: 13.2 seconds, in a file that says 30."""
    from fractions import Fraction

    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width = stream.height = 32
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for t in range(200):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), t, np.uint8), format="rgb24")
            frame.pts, frame.time_base = 33 * t if t < 100 else 3300 + 100 * (t - 100), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_film_of_variable_rate_lasts_as_long_as_before_and_it_is_told(tmp_path, suffix):
    notices.drop_notes()
    film = Video.open(film_of_two_rates(tmp_path / f"phone{suffix}"))
    out = Video.open(change_frames(film, darker, "working").save(tmp_path / "out.mp4"))
    assert out.frames.seconds == pytest.approx(film.frames.seconds, abs=0.1) and len(out.frames) == 200
    (line,) = notices.pending.values()
    assert line.startswith(f"phone{suffix} has frames of unequal duration")
    assert f"up to {100 / film.fps - 3.3:.1f} s off" in line, "where the rate changes"
