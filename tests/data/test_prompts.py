"""The telephone prompts: every recording once, families whole, at the level of a voice."""

import numpy as np
import pytest
from scipy.signal import resample_poly

from potmeter.data.sets.prompts import COPIES, TEST, TONES, VALID, prompts
from potmeter.data.sets.vowels import COUNTS, vowels
from potmeter.metrics.speech import loudness


@pytest.mark.network
def test_families_are_in_one_part_and_no_recording_is_in_two():
    splits = prompts()
    parts = {"train": splits.train, "valid": splits.valid, "test": splits.test}
    families = {name: {one.partition("-")[0] for one in part.names} for name, part in parts.items()}
    assert families["valid"] == set(VALID) and families["test"] == set(TEST)
    assert not families["train"] & (families["valid"] | families["test"])
    names = [name for part in parts.values() for name in part.names]
    assert len(names) == len(set(names)) == 558 - len(TONES) - len(COPIES)
    assert 21 < splits.train.seconds / 60 < 22 and splits.test.seconds > 100 and splits.valid.seconds > 50
    lengths = {part.wave(i).tobytes() for part in parts.values() for i in range(len(part))}
    assert len(lengths) > 0.98 * len(names)
    levels = [loudness(splits.test.wave(i), 16_000) for i in range(len(splits.test))]
    assert -26 < np.median(levels) < -20


@pytest.mark.network
def test_prompts_are_resampled_to_another_rate():
    low, own = prompts(8000).test, prompts().test
    assert low.names == own.names and low.rate == 8000
    assert np.abs(low.lengths - own.lengths / 2).max() <= 1
    wave, expected = low.wave(0), resample_poly(own.wave(0), 1, 2)[: len(low.wave(0))]
    assert np.corrcoef(wave[: len(expected)], expected)[0, 1] > 0.99


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_vowels_are_the_same_every_time_and_buzz(rate):
    one, other = vowels(rate), vowels(rate)
    assert [len(part) for part in (one.train, one.valid, one.test)] == list(COUNTS.values())
    assert one.fingerprint() == other.fingerprint() and not set(one.train.names) & set(one.test.names)
    wave = one.test.wave(0)
    assert len(wave) == int(0.8 * rate) and 0.1 < np.sqrt(np.square(wave).mean()) < 0.2
    spectrum = np.abs(np.fft.rfft(wave))
    assert spectrum[: len(spectrum) // 2].sum() > spectrum[len(spectrum) // 2 :].sum(), "more below than above"
