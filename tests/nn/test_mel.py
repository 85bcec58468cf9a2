"""The mel spectrogram is librosa's, and Griffin–Lim gives a wave that has it."""

import numpy as np
import pytest
import torch

from potmeter.errors import UserError
from potmeter.nn.mel import (
    MelConfig,
    describe_difference,
    griffin_lim,
    hertz_to_mel,
    mel_filterbank,
    mel_spectrogram,
    mel_to_hertz,
    pad_to_frames,
)

NVIDIA = MelConfig(sample_rate=22_050)
CONFIGS = [MelConfig(), NVIDIA, MelConfig(hop_length=200, win_length=800, n_mels=40, f_min=50, f_max=7600)]


def tones(seconds=1.0, rate=16_000):
    """Three harmonics that swell and fade, over a little noise."""
    time = torch.arange(int(seconds * rate)) / rate
    harmonics = sum(torch.sin(2 * torch.pi * 180 * k * time + 20 * torch.sin(4 * time)) / k for k in (1, 2, 5))
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(1))
    return 0.2 * harmonics * torch.sin(torch.pi * time / seconds) + 1e-3 * noise


@pytest.mark.parametrize("config", CONFIGS)
def test_the_mel_spectrogram_is_librosas(config):
    librosa = pytest.importorskip("librosa")
    wave = tones(rate=config.sample_rate)
    magnitudes = librosa.feature.melspectrogram(
        y=wave.numpy(), sr=config.sample_rate, n_fft=config.n_fft, hop_length=config.hop_length,
        win_length=config.win_length, n_mels=config.n_mels, fmin=config.f_min, fmax=config.f_max, power=1.0,
        pad_mode="reflect", htk=False, norm="slaney",
    )  # fmt: skip
    reference = np.log(np.maximum(magnitudes, config.floor))
    np.testing.assert_allclose(mel_spectrogram(wave, config).numpy(), reference, atol=1e-4, rtol=0)


@pytest.mark.parametrize("config", CONFIGS)
def test_filters_rise_and_fall_once_have_an_area_of_one_and_cover_the_range(config):
    filters = mel_filterbank(config)
    step = config.sample_rate / config.n_fft
    wide = filters[-20:]  # over many bins, so that their sum is near to the integral
    torch.testing.assert_close(wide.sum(1) * step, torch.ones(20), rtol=0.02, atol=0)
    peaks = filters.argmax(1) * step
    assert (peaks.diff() >= 0).all() and peaks[0] >= config.f_min and peaks[-1] <= config.f_max


def test_the_scales_are_inverse_to_each_other():
    for frequency in (0.0, 10.0, 999.9, 1000.0, 1000.1, 7999.0):
        assert mel_to_hertz(hertz_to_mel(frequency)) == pytest.approx(frequency)


def test_spectrograms_of_a_batch_are_those_of_its_waves_and_silence_is_the_floor():
    config = MelConfig()
    waves = torch.stack([tones(), tones().flip(0), torch.zeros(16_000)])
    mels = mel_spectrogram(waves, config)
    assert mels.shape == (3, 80, 63)
    torch.testing.assert_close(mels[1], mel_spectrogram(waves[1], config))
    assert (mels[2] == torch.tensor(config.silence)).all()


@pytest.mark.parametrize("samples", [1, 512, 513, 16_000, 16_001])
def test_a_padded_wave_has_a_frame_for_each_hop_and_one_more(samples):
    wave = pad_to_frames(torch.ones(samples), MelConfig())
    assert len(wave) % 256 == 0 and len(wave) >= samples and wave[:samples].min() == 1 and wave[samples:].sum() == 0
    assert mel_spectrogram(wave, MelConfig()).shape[1] == len(wave) // 256 + 1


def test_griffin_lim_gives_a_wave_with_that_spectrogram_the_nearer_the_longer_it_goes_on():
    config = MelConfig()
    mel = mel_spectrogram(pad_to_frames(tones(), config), config)
    errors = []
    for iterations in (1, 10, 60):
        wave = griffin_lim(mel, config, iterations)
        assert wave.shape == (62 * 256 + 256,) and wave.abs().max() <= 1
        errors.append(float((mel_spectrogram(wave, config) - mel)[:, 2:-2].abs().mean()))
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.35
    assert torch.equal(griffin_lim(mel, config, 3), griffin_lim(mel, config, 3))


@pytest.mark.parametrize("config", [*CONFIGS, MelConfig(n_fft=512, win_length=512, hop_length=511)])
def test_griffin_lim_gives_a_hop_for_each_frame_but_the_first_however_few_there_are(config):
    for frames in range(2, 9):
        assert griffin_lim(torch.zeros(config.n_mels, frames) - 5, config, 2).shape == (
            (frames - 1) * config.hop_length,
        )


def test_configurations_tell_in_what_they_differ():
    assert describe_difference(MelConfig(), MelConfig()) == ""
    assert describe_difference(NVIDIA, MelConfig(f_max=7600)) == "sample_rate 22050, not 16000, f_max 8000, not 7600"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"hop_length": 2000}, "hop_length < win_length"),
        ({"hop_length": 1024}, "hop_length < win_length"),
        ({"n_fft": 1025}, "even n_fft"),
        ({"f_max": 9000.0}, "half the sample rate"),
        ({"n_mels": 0}, "at least 1"),
        ({"floor": 0.0}, "above 0"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, words):
    with pytest.raises(UserError, match=words):
        MelConfig(**wrong)


def test_waves_and_spectrograms_that_are_none_are_refused():
    with pytest.raises(UserError, match=r"at least 513 samples.*Received: 160 samples"):
        mel_spectrogram(torch.zeros(160), MelConfig())
    with pytest.raises(UserError, match=r"shape \(80, frames\)"):
        griffin_lim(torch.zeros(40, 9), MelConfig())
    with pytest.raises(UserError, match="finite"):
        griffin_lim(torch.full((80, 9), torch.nan), MelConfig())
    with pytest.raises(UserError, match="frames ≥ 2"):
        griffin_lim(torch.zeros(80, 1), MelConfig())
