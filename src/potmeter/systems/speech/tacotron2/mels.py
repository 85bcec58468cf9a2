"""The mel spectrograms of a data set's sounds: computed once, kept in a file of the cache, memory-mapped."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.fingerprint import digest
from potmeter.data.speech import SpeechData, trim_silence
from potmeter.errors import UserError
from potmeter.media import Audio
from potmeter.nn.mel import MelConfig, mel_spectrogram
from potmeter.notices import announce

VERSION = 1
"""Changes when the same sounds give other files."""


def compute_mel(sound: Audio, config: MelConfig) -> Float[Tensor, "t m"]:
    """The log-mel frames of a sound, resampled where its rate is another, without the silence at its ends."""
    samples = torch.from_numpy(trim_silence(sound.resample(config.sample_rate)).samples)
    missing = config.min_samples - len(samples)
    return mel_spectrogram(torch.nn.functional.pad(samples, (0, max(missing, 0))), config).T


class CachedMels:
    """The log-mel frames of each sound of a data set.

    Args:
        data: Sentences with sounds.
        config: How the frames are computed.
    """

    def __init__(self, data: SpeechData, config: MelConfig) -> None:
        name = digest([data.fingerprint(), astuple(config), VERSION])[:16]
        folder = cache_folder() / f"speech-mels-{name}"
        if not folder.is_dir():
            from filelock import FileLock

            with FileLock(folder.with_suffix(".lock")):
                if not folder.is_dir():
                    write_mels(folder, data, config)
        try:
            self.ends = np.load(folder / "ends.npy", allow_pickle=False)
            shape = (int(self.ends[-1]), config.n_mels)
            self.frames = np.memmap(folder / "frames.f16", np.float16, "r", shape=shape)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{folder} is damaged: delete it, and it is computed anew.", received=str(error)[:80]
            ) from None

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> list[int]:
        """Frames of each sound."""
        return np.diff(self.ends, prepend=0).tolist()  # type: ignore[no-any-return]

    def __getitem__(self, index: int) -> Float[Tensor, "t m"]:
        """The frames of a sound."""
        start = int(self.ends[index - 1]) if index else 0
        return torch.from_numpy(self.frames[start : int(self.ends[index])].astype(np.float32))

    def measure(self) -> tuple[float, float]:
        """Mean and standard deviation of the log-mel values."""
        sums = np.zeros(2)
        for part in np.array_split(self.frames, max(len(self.frames) // 2**16, 1)):
            sums += part.sum(dtype=np.float64), np.square(part, dtype=np.float64).sum()
        mean, square = sums / self.frames.size
        return float(mean), float((square - mean**2) ** 0.5)


def write_mels(folder: Path, data: SpeechData, config: MelConfig) -> None:
    """Compute all frames into files aside, then rename: what is in the cache is whole."""
    announce(f"computing the mel spectrograms of {len(data):,} sentences into the cache, once …")
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        total, ends = 0, []
        with open(aside / "frames.f16", "wb") as file:
            for index in progress(range(len(data)), "mel spectrograms"):
                frames = compute_mel(data[index][1], config).numpy().astype(np.float16)
                file.write(frames.tobytes())
                ends.append(total := total + len(frames))
        np.save(aside / "ends.npy", np.array(ends))
        aside.rename(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}.", received=str(folder)) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
