"""Sentences with their sounds: spoken by flite, read by a man, made of chords, and a user's own."""

import numpy as np
import pytest

from potmeter.data.sets import flite
from potmeter.data.sets.tones import LETTERS, RATE, sound_out, tones
from potmeter.data.speech import MARGIN_SECONDS, SpeechData, find_speech
from potmeter.data.spoken import load_spoken
from potmeter.errors import UserError
from potmeter.media import Audio


def test_speech_is_found_between_silence():
    rng = np.random.default_rng(0)
    noise = (1e-4 * rng.standard_normal(16_000)).astype(np.float32)
    tone = (0.5 * np.sin(np.arange(8000) / 5)).astype(np.float32)
    start, stop = find_speech(Audio(np.concatenate([noise, tone, noise]), 16_000))
    margin = MARGIN_SECONDS * 16_000
    assert start == pytest.approx(16_000 - margin, abs=160) and stop == pytest.approx(24_000 + margin, abs=160)
    assert find_speech(Audio(np.zeros(100, np.float32), 16_000)) == (0, 100)


def test_a_selection_has_its_own_texts_sounds_and_fingerprint():
    data = tones().train
    part = data.select([3, 1])
    assert part.texts == (data.texts[3], data.texts[1]) and len(part) == 2
    assert np.array_equal(part[1][1].samples, data[1][1].samples)
    assert len({data.fingerprint(), part.fingerprint(), data.select([1, 3]).fingerprint()}) == 3


def test_chords_are_those_of_their_letters_and_no_sentence_is_in_two_parts():
    spectrum = np.abs(np.fft.rfft(sound_out("c.").samples, RATE))
    assert sorted(np.argsort(spectrum)[-2:]) == pytest.approx(sorted(LETTERS["c"]), abs=12)
    splits = tones()
    texts = [text for part in (splits.train, splits.valid, splits.test) for text in part.texts]
    assert len(texts) == len(set(texts)) == 560


def test_sentences_are_plain_and_whole():
    text = 'He said: "Come in, please." Nobody moved! In 1813 it rained. Darcy, it’s late.\nIs it — no? THE END. So be it;\nand'
    assert [*flite.find_sentences([text])] == ["Come in, please.", "Nobody moved!", "Darcy, it's late."]


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Windows", "AMD64"), ("Linux", "aarch64")])
def test_where_flite_does_not_run_one_reads_what_to_do_before_anything_is_fetched(monkeypatch, system, machine):
    monkeypatch.setattr(flite.platform, "system", lambda: system)
    monkeypatch.setattr(flite.platform, "machine", lambda: machine)
    monkeypatch.setattr(flite, "fetch", lambda tag: pytest.fail(f"{tag} is fetched"))
    monkeypatch.setattr(flite, "english", lambda: pytest.fail("the books are fetched"))
    flite.load_flite.cache_clear()
    with pytest.raises(UserError, match=f"--data FOLDER.*--preset russian. Received: {system} {machine}"):
        load_spoken("flite")


@pytest.mark.network
def test_as_many_sentences_of_each_length_none_of_them_in_two_parts():
    parts = flite.select_sentences()
    assert {name: len(texts) for name, texts in parts.items()} == flite.SENTENCES
    counts = np.bincount([text.count(" ") + 1 for text in parts["train"]], minlength=15)[1:]
    assert len(set(counts.tolist())) == 1
    everything = [text for texts in parts.values() for text in texts]
    assert len(everything) == len(set(everything))


@pytest.mark.network
def test_flite_speaks_the_same_each_time():
    sound = flite.speak("Come in, please.")
    assert sound.rate == 16_000 and 0.8 < sound.seconds < 2
    assert np.array_equal(sound.samples, flite.speak("Come in, please.").samples)


@pytest.mark.network
def test_the_russian_sentences_are_real_speech_with_their_text():
    splits = load_spoken("festvox-ru")
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [558, 31, 31]
    text, sound = splits.test[0]
    assert isinstance(splits.test, SpeechData) and "+" not in "".join(splits.train.texts)
    assert sound.rate == 16_000 and 3 < len(text) / sound.seconds < 30
