"""Segments of sounds, each with the frames of its mel spectrogram: what the network is trained on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from potmeter.core.training.batches import ResumableBatches
from potmeter.data.batches import Batch, to_device
from potmeter.data.sounds import SCALE, SoundData
from potmeter.errors import reject
from potmeter.nn.mel import MelConfig, mel_filterbank

from .companding import emphasise
from .model import MARGIN, Config


class Segments(ResumableBatches):
    """Minibatches of segments that begin at a frame of their sound, drawn evenly from all frames.

    Args:
        data: The sounds, which stay on the disk.
        config: How long segments are, and how they are made louder and quieter.
        seed: Of the order.
        device: Where the minibatches go.

    Raises:
        UserError: When there is no sound as long as a frame.
    """

    def __init__(self, data: SoundData, config: Config, *, seed: int = 0, device: torch.device | str = "cpu") -> None:
        super().__init__(config.batch_size, seed=seed)
        self.data, self.config, self.device = data, config, device
        starts = np.maximum(0, data.lengths - config.segment) // config.hop_length + 1
        starts[data.lengths < config.hop_length] = 0
        self.ends = np.cumsum(starts)
        (len(data) and self.ends[-1] > 0) or reject(
            "There is no sound to train on that is long enough.", f"{len(data)} sounds"
        )

    def generate(self) -> Iterator[Batch]:
        position = self.position
        while True:
            rng = self.epoch_rng(position)
            places = torch.randint(int(self.ends[-1]), (self.batch_size,), generator=rng)
            gains = 10 ** (self.config.gain * (2 * torch.rand(self.batch_size, generator=rng) - 1) / 20)
            chosen = self.local_slice(torch.stack([places.double(), gains.double()], 1))
            rows = [self.cut(int(place), float(gain)) for place, gain in chosen]
            yield to_device({key: torch.stack([row[key] for row in rows]) for key in rows[0]}, self.device)
            position += 1

    def cut(self, place: int, gain: float) -> Batch:
        """The segment that begins at one of all frames."""
        number = int(np.searchsorted(self.ends, place, side="right"))
        start = (place - (int(self.ends[number - 1]) if number else 0)) * self.config.hop_length
        first, stop = self.data.bounds[number]
        sound = self.data.samples[first:stop]
        segment = cut_segment(sound, start, self.config, gain / SCALE)
        return segment | {"speaker": torch.tensor(self.data.speaker[number])}


def cut_segment(sound: np.ndarray, start: int, config: Config, gain: float = 1.0) -> Batch:
    """A piece of a sound as the network takes it.

    Args:
        sound: Samples (time,); after the end there is silence.
        start: Where the piece begins, a multiple of hop_length.
        config: How long it is.
        gain: By which the samples are multiplied.

    Returns:
        ``wave`` (linear_prediction + 1 + segment,), pre-emphasised, with the samples before the piece at its head; and, where
        the network follows one, ``mel`` (segment / hop_length + 1 + 2 · MARGIN, n_mels), the frames of the sound's spectrogram.
    """
    before = config.linear_prediction + 1
    wave = torch.from_numpy(take(sound, np.arange(start - before - 1, start + config.segment)) * np.float32(gain))
    piece = {"wave": emphasise(wave, config.emphasis)}
    if config.condition == "mel":
        frames = config.segment // config.hop_length
        first = start // config.hop_length - MARGIN
        numbers = np.arange(first, first + frames + 1 + 2 * MARGIN)
        piece["mel"] = mel_frames(sound, numbers, config.mel, gain)
    return piece


def take(sound: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The samples at these places, float32; 0 before the beginning and after the end."""
    inside = (places >= 0) & (places < len(sound))
    return np.where(inside, sound[places.clip(0, len(sound) - 1)], 0).astype(np.float32)


def mel_frames(sound: np.ndarray, numbers: np.ndarray, config: MelConfig, gain: float) -> Tensor:
    """Some frames (frames, n_mels) of the mel spectrogram of a sound, without computing the others.

    They are those of ``mel_spectrogram``, for the sound with silence after it up to whole frames. Beyond its ends the first
    and the last frame stand.
    """
    hop = config.hop_length
    length = max(-(-len(sound) // hop), -(-config.min_samples // hop)) * hop
    centres = numbers.clip(0, length // hop) * hop
    places = np.abs(centres[:, None] + np.arange(-(config.n_fft // 2), config.n_fft - config.n_fft // 2))
    places = np.where(places >= length, 2 * (length - 1) - places, places)  # mirrored at the ends
    frames = torch.from_numpy(take(sound, places) * np.float32(gain)) * torch.hann_window(config.n_fft)
    magnitudes = torch.fft.rfft(frames).abs()
    return (magnitudes @ mel_filterbank(config).T).clamp_min(config.floor).log()
