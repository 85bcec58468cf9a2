"""Judges of speech: the better sound is judged better, errors of words are counted, loudness is the standard's."""

import numpy as np
import pytest

from potmeter.errors import UserError
from potmeter.metrics.speech import (
    SILENT,
    loudness,
    mel_cepstral_distortion,
    pesq,
    recognise,
    stoi,
    word_error_rate,
    word_errors,
)

RATE = 16_000


def voice(seconds=2.0, seed=0):
    """A buzz with formants that come and go like syllables."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(RATE * seconds)) / RATE
    harmonics = range(1, 40)
    buzz = sum(
        np.exp(-(((130 * k - 700 - 300 * np.sin(5 * time)) / 400) ** 2)) * np.sin(2 * np.pi * 130 * k * time)
        for k in harmonics
    )
    syllables = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    return (0.2 * buzz * syllables + 1e-4 * rng.standard_normal(len(time))).astype(np.float32)


def noisy(wave, level, seed=1):
    return (wave + level * np.random.default_rng(seed).standard_normal(len(wave))).astype(np.float32)


@pytest.mark.parametrize(("judge", "better"), [(pesq, 1), (stoi, 1), (mel_cepstral_distortion, -1)])
def test_the_more_noise_the_worse(judge, better):
    wave = voice()
    scores = [better * judge(wave, noisy(wave, level)) for level in (0.001, 0.01, 0.1)]
    assert scores == sorted(scores, reverse=True) and scores[0] > scores[-1]


def test_a_sound_is_judged_best_beside_itself():
    wave = voice()
    assert pesq(wave, wave) > 4.6 and stoi(wave, wave) > 0.999 and mel_cepstral_distortion(wave, wave) == 0
    assert np.isnan(pesq(wave, np.zeros_like(wave))), "silence is not judged"


def test_a_long_sound_is_judged_in_parts_those_of_silence_left_out():
    wave = np.concatenate([voice(15.0), np.zeros(15 * RATE, np.float32), voice(15.0, seed=2)])
    worse = noisy(wave, 0.01)
    ends = [pesq(wave[part], worse[part]) for part in (slice(15 * RATE), slice(-15 * RATE, None))]
    assert pesq(wave, worse) == pytest.approx(sum(ends) / 2) and ends[0] != ends[1]


@pytest.mark.parametrize("judge", [pesq, stoi])
def test_what_cannot_be_judged_is_refused(judge):
    with pytest.raises(UserError, match=r"16000 Hz.*Received: 8000"):
        judge(voice(), voice(), 8000)
    with pytest.raises(UserError, match="quarter of a second"):
        judge(voice()[:100], voice())


@pytest.mark.parametrize(
    ("reference", "heard", "errors", "words"),
    [
        ("The cat sat.", "the CAT, sat", 0, 3),
        ("the cat sat", "", 3, 3),
        ("the cat sat", "cat sat down", 2, 3),
        ("don’t", "don't", 0, 1),
    ],
)
def test_word_errors_are_the_edit_distance(reference, heard, errors, words):
    assert word_errors(reference, heard) == (errors, words)


def test_the_error_rate_counts_words_not_sentences():
    assert word_error_rate(["a b c", "d"], ["a b c", "e"]) == 0.25
    with pytest.raises(UserError, match="at least one word"):
        word_error_rate(["…"], ["a"])


def test_pocketsphinx_hears_nothing_in_silence_and_refuses_other_rates():
    assert recognise(np.zeros(RATE, np.float32)) == ""
    with pytest.raises(UserError, match=r"16000 Hz.*Received: 8000"):
        recognise(voice(), 8000)


def test_what_pocketsphinx_hears_does_not_hang_on_what_it_heard_before():
    first = recognise(voice(4.0))
    recognise(noisy(np.zeros(4 * RATE, np.float32), 0.3))
    assert first and recognise(voice(4.0)) == first


def test_loudness_follows_the_level_leaves_pauses_out_and_does_not_hang_on_the_rate():
    def tone(level, rate=48_000, seconds=2.0):
        return (level * np.sin(2 * np.pi * 997 * np.arange(int(rate * seconds)) / rate)).astype(np.float32)

    assert loudness(tone(0.1), 48_000) == pytest.approx(-23.0, abs=0.1)  # of BS.1770: a full tone in one channel, -3.01
    assert loudness(tone(0.1), 48_000) == pytest.approx(loudness(tone(0.05), 48_000) + 6.02, abs=0.05)
    assert loudness(tone(0.1, RATE), RATE) == pytest.approx(-23.0, abs=0.2)
    with_pause = np.concatenate([tone(0.1), np.zeros(96_000, np.float32)])
    assert loudness(with_pause, 48_000) == pytest.approx(-23.0, abs=0.5), "-26 with the pause"
    assert loudness(np.zeros(48_000, np.float32), 48_000) == loudness(tone(0.1)[:100], 48_000) == SILENT
