"""Judges of speech: how it sounds beside the original (PESQ, STOI, mel-cepstral distortion), what is heard, how loud it is."""

from __future__ import annotations

import contextlib
import functools
import math
import re
import unicodedata
from typing import Any

import numpy as np
import torch

from potmeter.errors import missing_extra, reject
from potmeter.nn.mel import MelConfig, mel_spectrogram

PESQ_RATE = 16_000
"""Samples per second that wide-band PESQ, and the recogniser, take."""
LONGEST = 20
"""Seconds that PESQ judges at once: its code has room for fifty utterances, and may crash beyond them."""
SILENT = -70.0
"""Loudness in LUFS of what counts as silence."""
CEPSTRA = 24
"""Mel-cepstral coefficients that are compared, without the first, which is the level."""


def pesq(reference: np.ndarray, degraded: np.ndarray, rate: int = PESQ_RATE) -> float:
    """Wide-band PESQ (ITU-T P.862.2): what listeners would say of the degraded sound beside the reference, 1 to 4.64.

    Args:
        reference: float32 (time,), 16,000 samples per second; of more than ``LONGEST`` seconds, equal parts are judged.
        degraded: float32 (time,); what one is longer than the other is left out.
        rate: Of both.

    Returns:
        The score, or the mean of the parts' that have an utterance; NaN where there is none.

    Raises:
        UserError: For another rate, for less than 0.25 s, or without the extra ``speech``.
    """
    reference, degraded = pair(reference, degraded, rate)
    try:
        from pesq import NoUtterancesError
        from pesq import pesq as score
    except ImportError as error:
        raise missing_extra("PESQ", "speech", error.name) from None
    count, scores = -(-len(reference) // (LONGEST * rate)), []
    for one, other in zip(np.array_split(reference, count), np.array_split(degraded, count), strict=True):
        if one.any() and other.any():
            with contextlib.suppress(NoUtterancesError):
                scores.append(float(score(rate, one, other, "wb")))
    return sum(scores) / len(scores) if scores else math.nan


def stoi(reference: np.ndarray, degraded: np.ndarray, rate: int = PESQ_RATE) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), up to 1; arguments as for ``pesq``."""
    reference, degraded = pair(reference, degraded, rate)
    try:
        from pystoi import stoi as score
    except ImportError as error:
        raise missing_extra("STOI", "speech", error.name) from None
    return float(score(reference, degraded, rate))


def pair(reference: np.ndarray, degraded: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Both sounds, as long as the shorter one. Raises UserError for another rate and for what is too short to judge."""
    rate == PESQ_RATE or reject(f"Speech is judged at {PESQ_RATE} Hz: resample it.", rate)
    length = min(len(reference), len(degraded))
    length >= rate // 4 or reject("Speech is judged from a quarter of a second on.", f"{length / rate:g} s")
    return reference[:length], degraded[:length]


def mel_cepstra(wave: np.ndarray, config: MelConfig) -> np.ndarray:
    """Mel-cepstral coefficients (frames, CEPSTRA): the cosine transform of the log-mel spectrogram, without its mean."""
    from scipy.fft import dct

    mel = mel_spectrogram(torch.as_tensor(wave, dtype=torch.float32), config).numpy()
    coefficients: np.ndarray = dct(mel, axis=0, norm="ortho")[1 : CEPSTRA + 1].T * math.sqrt(2 / config.n_mels)
    return coefficients


def mel_cepstral_distortion(reference: np.ndarray, degraded: np.ndarray, config: MelConfig | None = None) -> float:
    """Distance of the spectral envelopes in dB (Kubichek 1993): 10 / ln 10 · √(2 Σ Δc²), the mean over the frames.

    Both sounds are in time with each other; nothing is warped.

    Args:
        reference: float32 (time,).
        degraded: float32 (time,); what one is longer than the other is left out.
        config: The spectrograms whose cepstra are compared; by default at 16 kHz.

    Example:
        >>> wave = np.sin(np.arange(16_000, dtype=np.float32))
        >>> mel_cepstral_distortion(wave, wave)
        0.0
    """
    config = config or MelConfig()
    one, other = mel_cepstra(reference, config), mel_cepstra(degraded, config)
    frames = min(len(one), len(other))
    distances = np.sqrt(2 * np.square(one[:frames] - other[:frames]).sum(axis=1))
    return float(10 / math.log(10) * distances.mean())


# What is heard ------------------------------------------------------------------------------------------------------


def normalise_words(text: str) -> list[str]:
    """The words of a text for comparison: lower case, without accents and punctuation but the apostrophe within.

    Example:
        >>> normalise_words("It's a café, isn’t it?")
        ["it's", 'a', 'cafe', "isn't", 'it']
    """
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z0-9]+(?:'[a-z]+)*", plain)


def word_errors(reference: str, heard: str) -> tuple[int, int]:
    """Words to insert, delete or replace (Levenshtein) to turn what was heard into the reference, and the latter's words.

    Example:
        >>> word_errors("the cat sat", "the cat has sad")
        (2, 3)
    """
    wanted, given = normalise_words(reference), normalise_words(heard)
    costs = list(range(len(given) + 1))
    for row, word in enumerate(wanted, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(given, 1):
            best = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (word != other))
            diagonal, costs[column] = costs[column], best
    return costs[-1], len(wanted)


def word_error_rate(references: list[str], heard: list[str]) -> float:
    """Word errors of many sentences over their words; more than 1 where more was heard than said.

    Raises:
        UserError: When there is not one heard text for each reference, or no word at all.
    """
    len(references) == len(heard) or reject(
        "Every sentence takes one that was heard.", f"{len(references)} and {len(heard)}"
    )
    errors = [word_errors(*both) for both in zip(references, heard, strict=True)]
    words = sum(count for _, count in errors)
    words > 0 or reject("A word error rate takes at least one word.", "none")
    return sum(wrong for wrong, _ in errors) / words


def recognise(wave: np.ndarray, rate: int = PESQ_RATE) -> str:
    """What pocketsphinx hears in English speech; its model is in the package. Empty for silence.

    Args:
        wave: float32 (time,), 16,000 samples per second, in [-1, 1].
        rate: Its rate.

    Raises:
        UserError: For another rate, or without the extra ``speech``.
    """
    rate == PESQ_RATE or reject(f"Speech is heard at {PESQ_RATE} Hz: resample it.", rate)
    if loudness(wave, rate) <= SILENT:
        return ""  # the recogniser would hear a word in silence, too
    decoder = load_recogniser()
    decoder.reinit_feat()  # else its estimate of the noise would be that of the sound before
    pcm = (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return "" if hypothesis is None else re.sub(r"<[^>]*>|\[[^\]]*\]", " ", hypothesis.hypstr).strip()


@functools.cache
def load_recogniser() -> Any:
    """pocketsphinx with the English model of its package, loaded once."""
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise missing_extra("Hearing words", "speech", error.name) from None
    return Decoder(loglevel="FATAL")


# Level --------------------------------------------------------------------------------------------------------------


def loudness(wave: np.ndarray, rate: int) -> float:
    """Integrated loudness in LUFS (ITU-R BS.1770-4): K-weighted power over 400 ms blocks that are not pauses.

    Args:
        wave: float32 (time,), in [-1, 1].
        rate: Samples per second.

    Returns:
        At least ``SILENT``, which is also that of less than 400 ms.

    Example:
        >>> tone = np.sin(2 * np.pi * 997 * np.arange(48_000) / 48_000)
        >>> round(loudness(tone.astype(np.float32), 48_000), 1)
        -3.0
    """
    block, step = int(0.4 * rate), int(0.1 * rate)
    if len(wave) < block:
        return SILENT
    power = np.concatenate([[0.0], np.cumsum(np.square(weight(wave, rate)))])
    starts = np.arange(0, len(wave) - block + 1, step)
    blocks = (power[starts + block] - power[starts]) / block
    blocks = blocks[-0.691 + 10 * np.log10(blocks + 1e-20) > SILENT]
    if not len(blocks):
        return SILENT
    relative = -0.691 + 10 * math.log10(blocks.mean()) - 10
    loud = blocks[-0.691 + 10 * np.log10(blocks) > relative]
    return float(-0.691 + 10 * math.log10(loud.mean()))


def weight(wave: np.ndarray, rate: int) -> np.ndarray:
    """The K-weighting of BS.1770: a shelf that lifts the high frequencies by 4 dB, and a high-pass.

    Both are analogue filters with the standard's frequencies and qualities, brought to this rate by the bilinear transform.
    """
    from scipy.signal import lfilter

    gain = 10 ** (3.999843853973347 / 20)
    k, quality = math.tan(math.pi * 1681.974450955533 / rate), 0.7071752369554196
    norm = 1 + k / quality + k * k
    middle = gain**0.4996667741545416
    shelf = [gain + middle * k / quality + k * k, 2 * (k * k - gain), gain - middle * k / quality + k * k]
    wave = lfilter(np.array(shelf) / norm, [1, 2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm], wave)
    k, quality = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    norm = 1 + k / quality + k * k
    high: np.ndarray = lfilter([1, -2, 1], [1, 2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm], wave)
    return high
