"""The two systems of speech work together: by the capability, whatever folder their weights lie in."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from potmeter.core.loading import load
from potmeter.errors import UserError
from potmeter.systems.speech.tacotron2 import Tacotron2
from potmeter.systems.speech.wavenet import WaveNetSystem


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Weights folders of a Tacotron 2, of a WaveNet for its mel spectrograms, and of one for others; none is trained."""
    torch.manual_seed(0)
    tiny = Tacotron2.presets["tiny"]
    config = Tacotron2.fit_config(tiny, Tacotron2.data(tiny))
    same = replace(WaveNetSystem.presets["tiny"], hop_length=config.hop_length, n_fft=config.n_fft)
    systems = (Tacotron2(config), WaveNetSystem(same), WaveNetSystem(WaveNetSystem.presets["tiny"]))
    paths = [tmp_path_factory.mktemp("weights") / name for name in ("tacotron2", "wavenet", "other")]
    for system, path in zip(systems, paths, strict=True):
        system.save_pretrained(path)
    return paths


def test_a_text_is_spoken_by_both(folders):
    speaker, vocoder = load(folders[0]), load(folders[1])
    assert vocoder.mel_config == speaker.config.mel_config
    spoken, by_griffin_lim = (speaker.run("ab", vocoder=name).speech for name in (str(folders[1]), "griffinlim"))
    assert spoken.rate == by_griffin_lim.rate and len(spoken.samples) == len(by_griffin_lim.samples) > 0
    assert np.ptp(spoken.samples) > 0.01 and not np.allclose(spoken.samples, by_griffin_lim.samples, atol=0.01)


def test_a_vocoder_for_other_spectrograms_is_refused_with_what_differs(folders):
    with pytest.raises(UserError, match="hop_length 64, not 128"):
        load(folders[0]).run("ab", vocoder=str(folders[2]))
