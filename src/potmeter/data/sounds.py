"""Sounds to train on: any files, decoded once into one file of samples that stays on the disk."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from potmeter.data.batches import Batch
from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.file_split import split_files
from potmeter.data.files import content_digest, find_files, list_folders
from potmeter.data.fingerprint import digest
from potmeter.data.folder import SPLIT_BOUNDS
from potmeter.data.splits import Splits
from potmeter.errors import UserError, reject
from potmeter.media.audio import HEADLESS
from potmeter.notices import announce, note

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".aac", ".wma", ".aif", ".aiff", ".webm", *HEADLESS)
"""Endings of sound files, in any case."""
FEW = 3
"""Fewer files than this are split in time, since no file could be held out."""
SCALE = 32767
"""A sample of 1 as it is stored."""


class SoundData(Dataset):
    """Sounds of one rate, one after the other in an array of int16 that may be a file.

    Args:
        samples: int16 (total,).
        bounds: Where each sound begins and ends in it.
        rate: Samples per second.
        names: A name for each sound.
        speakers: Names of the speakers; empty where nobody asks.
        speaker: Number of each sound's speaker.
        digests: For each sound what its file has in common with its copies and with no other.
    """

    def __init__(
        self,
        samples: np.ndarray,
        bounds: Sequence[tuple[int, int]],
        rate: int,
        *,
        names: Sequence[str],
        speakers: Sequence[str] = (),
        speaker: Sequence[int] = (),
        digests: Sequence[str] = (),
    ) -> None:
        self.samples, self.bounds, self.rate = samples, list(bounds), rate
        self.names, self.speakers, self.digests = tuple(names), tuple(speakers), tuple(digests)
        self.speaker = tuple(speaker) or (0,) * len(self.bounds)

    def __len__(self) -> int:
        return len(self.bounds)

    def __getitem__(self, i: int) -> Batch:
        return {"wave": torch.from_numpy(self.wave(i)), "speaker": torch.tensor(self.speaker[i])}

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The sounds at these places, with zeros after the shorter ones: ``wave`` (B, longest), ``length`` and ``speaker``."""
        numbers = torch.as_tensor(indices, dtype=torch.long).tolist()
        waves = [torch.from_numpy(self.wave(i)) for i in numbers]
        return {
            "wave": torch.nn.utils.rnn.pad_sequence(waves, batch_first=True),
            "length": torch.tensor([len(wave) for wave in waves]),
            "speaker": torch.tensor([self.speaker[i] for i in numbers]),
        }

    def wave(self, i: int) -> np.ndarray:
        """A sound's samples, float32 (time,) in [-1, 1]."""
        start, stop = self.bounds[i]
        return self.samples[start:stop].astype(np.float32) / SCALE

    @property
    def lengths(self) -> np.ndarray:
        """Samples of each sound."""
        return np.array([stop - start for start, stop in self.bounds], dtype=np.int64)

    @property
    def seconds(self) -> float:
        """Duration of all."""
        return float(self.lengths.sum()) / self.rate

    def select(self, indices: Sequence[int] | Tensor) -> Self:
        """The sounds at these places as a data set of their own."""
        numbers = torch.as_tensor(indices, dtype=torch.long).tolist()

        def pick(values: Sequence[Any]) -> list[Any]:
            return [values[i] for i in numbers] if values else []

        return type(self)(
            self.samples, pick(self.bounds), self.rate, names=pick(self.names), speakers=self.speakers,
            speaker=pick(self.speaker), digests=pick(self.digests),
        )  # fmt: skip

    def cut(self, samples: int) -> Self:
        """The same sounds, each that is longer than so many samples in parts, which are sounds of their own."""
        parts = [
            (number, start, min(start + samples, stop))
            for number, (begin, stop) in enumerate(self.bounds)
            for start in range(begin, max(stop, begin + 1), samples)
        ]
        data = self.select([number for number, _, _ in parts])
        data.bounds = [(start, stop) for _, start, stop in parts]
        return data

    def fingerprint(self) -> str:
        """A digest of all samples."""
        return digest([self.rate, self.names, self.bounds, self.samples])

    @classmethod
    def from_waves(cls, waves: Iterable[np.ndarray], rate: int, **facts: Any) -> Self:
        """Sounds in memory, float (time,) each."""
        pieces = [np.round(np.clip(wave, -1, 1) * SCALE).astype(np.int16) for wave in waves]
        ends = np.cumsum([0, *map(len, pieces)]).tolist()
        return cls(np.concatenate(pieces), list(pairwise(ends)), rate, **facts)


# A user's own sounds ------------------------------------------------------------------------------------------------


def sound_folder(source: str | Path, rate: int, *, by_speaker: bool = False, speakers: Sequence[str] = ()) -> Splits:
    """Read a folder of sounds, or one file, and say in one line what was understood.

    Sounds of any rate, length, depth and number of channels: channels are averaged, other rates resampled. They are decoded
    once, into the cache, a block after the other: the memory does not grow with the folder. 80 % of the files are for
    training, 10 % for validation, 10 % for testing, by a hash of their names; of fewer than three, parts of each.

    Args:
        source: The folder or file.
        rate: Samples per second that are handed out.
        by_speaker: Whether each folder in the folder is a speaker.
        speakers: Those that a network knows: the folder has no others.

    Raises:
        UserError: For a missing or empty folder, a file that is broken or no sound, and for nothing but silence.
    """
    root = Path(source)
    os.path.exists(root) or reject(f"There is no folder {root}.", str(source))
    rows = [(root, "")] if os.path.isfile(root) else list_sounds(root, by_speaker)
    known = tuple(sorted({name for _, name in rows})) if by_speaker else ()
    if by_speaker and speakers and (strange := [name for name in known if name not in speakers]):
        reject(f"The network knows the speakers {', '.join(speakers)}.", ", ".join(strange))
    known = tuple(speakers) or known
    stored = decode_sounds([path for path, _ in rows], rate)
    folder = root if root.is_dir() else root.parent

    def data(cut: Sequence[tuple[int, int, int]]) -> SoundData:
        """Of each part the number of the file, and where it begins and ends in it."""
        files, starts = [rows[number] for number, _, _ in cut], [stored.bounds[number][0] for number, _, _ in cut]
        return SoundData(
            stored.samples, [(at + a, at + b) for at, (_, a, b) in zip(starts, cut, strict=True)], rate,
            names=[path.name for path, _ in files], speakers=known,
            speaker=[known.index(name) for _, name in files] if known else (),
            digests=[content_digest(path) for path, _ in files],
        )  # fmt: skip

    whole = [(number, 0, stop - start) for number, (start, stop) in enumerate(stored.bounds)]
    if len(rows) >= FEW:
        numbers = {path: number for number, (path, _) in enumerate(rows)}
        parts = [[whole[numbers[path]] for path, _ in part] for part in split_files(rows, folder, SPLIT_BOUNDS)]
    else:
        cuts = (0, *SPLIT_BOUNDS, 1)
        parts = [[(n, int(a * size), int(b * size)) for n, _, size in whole] for a, b in pairwise(cuts)]
    train, valid, test = map(data, parts)
    resampled = f", resampled to {rate} Hz" if stored.rates - {rate} else f" at {rate} Hz"
    who = f" by {len(known)} speakers" if known else ""
    note(
        f"{root}: {len(rows)} sounds{who}, {data(whole).seconds / 60:.1f} minutes{resampled}; {train.seconds / 60:.1f} to "
        f"train on, {valid.seconds / 60:.1f} to validate with, {test.seconds / 60:.1f} to test.",
        about="splits",
    )
    everything = data(whole) if len(rows) >= FEW else None
    return Splits(train, valid, test, unsplit=everything)


def list_sounds(root: Path, by_speaker: bool) -> list[tuple[Path, str]]:
    """The sounds below a folder, each with its speaker, the name of the folder it lies in; empty where nobody asks."""
    folders = [(folder, folder.name) for folder in list_folders(root)] if by_speaker else [(root, "")]
    rows, others = [], []
    for folder, name in folders:
        found = find_files(folder, SUFFIXES)
        rows += [(path, name) for path in found.files]
        others += found.others
    if others:
        note(f"{root}: skipped {len(others)} files that are not sounds, such as {others[0].name}.")
    where = f"{root}/SPEAKER" if by_speaker else str(root)
    return rows or reject(f"There are no sounds in {where}.", str(root))


@dataclass(frozen=True)
class StoredSounds:
    """Sounds as one file of samples."""

    samples: np.ndarray
    """int16 (total,), mapped into memory."""
    bounds: list[tuple[int, int]]
    """Where each sound begins and ends."""
    rates: frozenset[int]
    """The rates that the files had."""


def decode_sounds(paths: Sequence[Path], rate: int) -> StoredSounds:
    """Decode files into one array on the disk, kept in the cache under a name made of their contents.

    Raises:
        UserError: For a broken file, which it names; for silence alone; where the disk is full.
    """
    key = hashlib.sha256(json.dumps([rate, *map(content_digest, paths)]).encode()).hexdigest()[:24]
    folder = cache_folder() / "sounds"
    array, index = folder / f"{key}.s16", folder / f"{key}.json"
    if not index.is_file():
        try:
            folder.mkdir(exist_ok=True)
            write_sounds(paths, rate, array, index)
        except OSError as error:
            raise UserError(f"{array} cannot be written: {error.strerror}.", received=str(array)) from None
    facts = json.loads(index.read_text(encoding="utf-8"))
    bounds = [(start, stop) for start, stop in facts["bounds"]]
    return StoredSounds(np.memmap(array, np.int16, "r"), bounds, frozenset(facts["rates"]))


def write_sounds(paths: Sequence[Path], rate: int, array: Path, index: Path) -> None:
    """Write samples and index aside, and rename them, the index last: where it is, both are whole."""
    bounds: list[tuple[int, int]] = []
    rates: set[int] = set()
    total, loud = 0, False
    handle, temporary = tempfile.mkstemp(dir=array.parent, prefix=".sounds-")
    if sum(path.stat().st_size for path in paths) > 2**28:
        announce(f"decoding {len(paths)} sounds, once …")
    try:
        with open(handle, "wb") as file:
            for path in paths:
                start = total
                for block in decode_blocks(path, rate, rates.add):
                    samples = np.round(block.clip(-1, 1) * SCALE).astype("<i2")
                    loud = loud or bool(samples.any())
                    file.write(samples.tobytes())
                    total += len(samples)
                total > start or reject(f"{path} holds no samples.", path.name)
                bounds.append((start, total))
        loud or reject("All sounds are silent: there is nothing to learn.", f"{total:,} samples of 0")
        Path(temporary).replace(array)
        aside = index.with_name(f".{os.getpid()}-{index.name}")
        aside.write_text(json.dumps({"bounds": bounds, "rates": sorted(rates)}), encoding="utf-8")
        aside.replace(index)
    finally:
        Path(temporary).unlink(missing_ok=True)


def decode_blocks(path: Path, rate: int, heard: Callable[[int], object]) -> Iterator[np.ndarray]:
    """A file's samples (time,) at this rate, channels averaged, a block after the other.

    Args:
        path: The file.
        rate: Samples per second.
        heard: Is told the rate of the file.

    Raises:
        UserError: When FFmpeg finds no sound in the file, or a sample that is no number.
    """
    import av

    try:
        with av.open(str(path), "r", HEADLESS.get(path.suffix.lower())) as container:
            container.streams.audio or reject(f"{path} is not a sound of a known format.", path.name)
            resampler = av.AudioResampler(format="fltp", rate=rate)
            for frame in container.decode(audio=0):
                heard(frame.sample_rate)
                yield from average(resampler.resample(frame), path)
            yield from average(resampler.resample(None), path)
    except (av.FFmpegError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is broken, or not a sound of a known format.", received=str(error)[:80]) from None


def average(frames: Iterable[Any], path: Path) -> Iterator[np.ndarray]:
    """The mean of the channels of each frame."""
    for frame in frames:
        block = frame.to_ndarray().mean(axis=0)
        bool(np.isfinite(block).all()) or reject(f"{path} holds samples that are no numbers.", "NaN or infinity")
        yield block
