"""How well the network predicts sounds that it was not trained on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.data.sounds import SoundData
from potmeter.errors import UserError
from potmeter.media import Audio
from potmeter.metrics.speech import PESQ_RATE, mel_cepstral_distortion, pesq, stoi
from potmeter.notices import note

from .segments import cut_segment

PIECE = 16_384
"""Samples that are predicted at once."""
JUDGED_SECONDS = 1.0
"""Shortest sound that PESQ and STOI are asked about."""


@torch.no_grad()
def sample_bits(system: Any, wave: np.ndarray, speaker: int = 0) -> Tensor:
    """−log₂ p of each sample (time,) of a sound given those before it, and its spectrogram where the network follows one."""
    c = system.config
    piece = replace(c, segment=-(-max(PIECE, c.receptive_field) // c.hop_length) * c.hop_length)
    overlap = -(-c.receptive_field // c.hop_length) * c.hop_length  # of which the later piece only sees the end
    bits, device = [], system.device
    who = torch.tensor([speaker], device=device)
    for start in range(0, len(wave), piece.segment):
        seen = replace(piece, segment=piece.segment + min(start, overlap))
        cut = cut_segment(wave, start - min(start, overlap), seen)
        samples = cut["wave"][None].to(device)
        mel = cut["mel"][None].to(device) if "mel" in cut else None
        parameters = system.predict(samples[:, :-1], mel, who)[:, -piece.segment :]
        bits.append(system.nats(parameters, samples[:, -piece.segment :])[0].cpu() / math.log(2))
    return torch.cat(bits)[: len(wave)]


def bits_of_sounds(system: Any, data: SoundData) -> Tensor:
    """Bits per sample, the mean over the samples of all sounds: a scalar."""
    sums = [sample_bits(system, data.wave(i), data.speaker[i]).double().sum() for i in range(len(data))]
    return torch.stack(sums).sum() / float(data.lengths.sum())


def judge_voice(speak: Callable[[np.ndarray, int], np.ndarray], data: SoundData) -> dict[str, Tensor]:
    """PESQ, STOI and mel-cepstral distortion of each sound that is spoken anew, beside the original; at 16 kHz.

    Sounds shorter than a second are not judged; without the extra ``speech`` none is, which is noted.

    Args:
        speak: A sound (time,), and the number of its speaker, to the sound spoken anew.
        data: The sounds.
    """
    long_enough = [i for i, length in enumerate(data.lengths) if length >= JUDGED_SECONDS * data.rate]
    scores: dict[str, list[float]] = {"pesq": [], "stoi": [], "mcd": []}
    for i in progress(long_enough, "judging"):
        wave = data.wave(i)
        original, spoken = (to_judge(one, data.rate) for one in (wave, speak(wave, data.speaker[i])[: len(wave)]))
        try:
            heard = pesq(original, spoken), stoi(original, spoken), mel_cepstral_distortion(original, spoken)
        except UserError as error:
            note(str(error), about="judges")
            return {}
        if not any(map(math.isnan, heard)):
            for name, score in zip(scores, heard, strict=True):
                scores[name].append(score)
    return {name: torch.tensor(values) for name, values in scores.items() if values}


def to_judge(wave: np.ndarray, rate: int) -> np.ndarray:
    """The sound at the rate that PESQ takes."""
    return Audio(np.clip(wave, -1, 1).astype(np.float32), rate).resample(PESQ_RATE).samples
