"""Tacotron 2 learns a user's own speech, from a folder in LJSpeech's layout; what is wrong with one is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from potmeter.data.speech import SpeechData
from potmeter.errors import UserError
from potmeter.media import Audio
from potmeter.systems.speech.tacotron2 import Tacotron2
from potmeter.systems.speech.tacotron2.batches import CurriculumBatches, SpokenSymbols
from potmeter.systems.speech.tacotron2.mels import compute_mel
from potmeter.systems.speech.tacotron2.symbols import END


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="counts memory as Linux tells it")
def test_neither_sounds_nor_spectrograms_of_a_large_folder_are_held_in_memory(tmp_path, monkeypatch):
    def held():  # MB, without files that are mapped
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
        return int(line.split()[1]) / 1000

    monkeypatch.setenv("POTMETER_CACHE", str(tmp_path))
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 80_000).astype(np.float32)
    texts = ["a" * (1 + number % 20) for number in range(500)]
    data = SpeechData(
        texts, lambda i: Audio(np.roll(noise, i), 8000), origin=("noise", 1)
    )  # 160 MB of sounds, 50 of mels
    config = replace(
        Tacotron2.presets["tiny"], n_mels=80, n_fft=512, symbols=("_", END, "a"), alphabet="a", max_symbols=20
    )
    compute_mel(data[0][1], config.mel_config)  # what libraries hold at first use
    before, peak = held(), 0.0
    symbols = SpokenSymbols(data, config)
    batches = iter(CurriculumBatches(symbols, 8, 0, seed=0, device="cpu"))
    for _ in range(len(texts) // 8):
        next(batches)
        peak = max(peak, held() - before)
    assert symbols.mels.frames.nbytes > 40e6 and peak < 30


@pytest.fixture
def own(tmp_path):
    """Thirty sentences of chords in LJSpeech's layout, of several kinds of files."""
    from potmeter.data.sets.tones import sound_out

    lines = []
    for number in range(30):
        text = f"{'abcdef'[number % 6]}{'fedcba'[number // 6]} a."
        sound = sound_out(text).resample((8000, 16_000, 96_000)[number % 3])
        sound.save(tmp_path / "wavs" / f"s{number:02}.{('wav', 'flac')[number % 2]}")
        lines.append(f"s{number:02}|{text.upper()}|{text}\n" + "\n" * (number == 3))
    (tmp_path / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    return tmp_path


def test_a_folder_in_ljspeechs_layout_trains_and_goes_on(own):
    config = replace(Tacotron2.presets["tiny"], batch_size=4)
    splits = Tacotron2.data(config, str(own))
    config = Tacotron2.fit_config(config, splits)
    assert config.symbols == (*"_~ .", *"abcdef") and config.alphabet == "abcdef"
    assert sorted(map(len, (splits.valid, splits.test))) >= [1, 1] and len(splits.unsplit) == 30
    data = SpokenSymbols(splits.train, config)
    batches = CurriculumBatches(data, 4, 2, seed=0, device="cpu")
    first = [batch["symbols"] for batch, _ in zip(batches, range(9), strict=False)]
    again = CurriculumBatches(data, 4, 2, seed=0, device="cpu")
    again.load_state_dict({"position": 5})
    assert torch.equal(next(iter(again))["symbols"], first[5])
    later = CurriculumBatches(data, 4, 2, seed=0, device="cpu")
    later.load_state_dict({"position": 8})  # in an epoch that has more batches than the first
    assert torch.equal(next(iter(later))["symbols"], first[8])
    assert max(data.lengths[i] for i in batches.epoch(0)[0].tolist()) <= sorted(data.lengths)[len(data) // 3]


def test_sentences_that_are_too_long_to_be_trained_on_are_told(own):
    from potmeter import notices

    splits = Tacotron2.data(Tacotron2.presets["tiny"], str(own))
    config = Tacotron2.fit_config(replace(Tacotron2.presets["tiny"], max_symbols=5), splits)
    notices.drop_notes()
    data = SpokenSymbols(splits.train, config)
    CurriculumBatches(data, 4, 0, seed=0, device="cpu")
    assert not notices.pending
    data.config = replace(config, max_symbols=4)
    data.symbols[3] = data.symbols[3][1:]
    batches = CurriculumBatches(data, 4, 0, seed=0, device="cpu")
    (line,) = notices.pending.values()
    assert f"{len(data) - 1} of {len(data)} sentences are longer than 4 symbols" in line
    assert batches.order.tolist() == [3]
    data.config = replace(config, max_symbols=3)
    with pytest.raises(UserError, match="raise --max-symbols. Received: 3"):
        CurriculumBatches(data, 4, 0, seed=0, device="cpu")


def test_stereo_of_24_bits_is_read(own, tmp_path):
    import soundfile

    from potmeter.data.spoken import load_spoken

    sound = Audio.open(own / "wavs" / "s00.wav")
    soundfile.write(own / "wavs" / "s00.wav", np.stack([sound.samples] * 2, 1), sound.rate, subtype="PCM_24")
    splits = load_spoken(own)
    assert len(splits.unsplit[0][1].samples) == len(sound.samples)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: [*lines, "s99|a.|a."], r"1 of the 31 sounds .* are missing. Received: s99.wav"),
        (lambda lines: [*lines, lines[0]], "line 32: the name came before. Received: s00"),
        (lambda lines: ["nothing"], r"line 1: name\|text is expected"),
        (lambda lines: ["", " "], "has no sentence"),
        (lambda lines: lines[:2], "too few sentences"),
    ],
)
def test_mistakes_in_the_metadata_are_named(own, change, told):
    from potmeter.data.spoken import load_spoken

    path = own / "metadata.csv"
    path.write_text("\n".join(change(path.read_text().splitlines())), encoding="utf-8")
    with pytest.raises(UserError, match=told):
        load_spoken(own)


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        (np.zeros(80, np.float32), "too short for a sentence"),
        (np.full(8000 * 31, 0.1, np.float32), "too long for a sentence"),
        (np.zeros(8000, np.float32), "is silent"),
        (None, "not a sound of a known format"),
    ],
)
def test_sounds_that_are_none_are_named(own, samples, told):
    from potmeter.data.spoken import load_spoken

    path = own / "wavs" / "s02.wav"
    path.write_text("It was a truth.") if samples is None else Audio(samples, 8000).save(path)
    with pytest.raises(UserError, match=f"s02.wav .*{told}"):
        load_spoken(own).unsplit[2]
