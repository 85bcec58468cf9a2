"""WaveNet: the paper's equations, one state a layer, the same voice chunk by chunk, and any sounds as data."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from torch.nn import functional as F

from potmeter.cli.run import stream
from potmeter.core.progress import Stopped
from potmeter.data.sounds import SoundData, sound_folder
from potmeter.data.splits import Splits
from potmeter.errors import UserError
from potmeter.media import Audio
from potmeter.nn.mel import mel_spectrogram, pad_to_frames
from potmeter.notices import drop_notes, pending
from potmeter.systems.speech.wavenet import WaveNetSystem
from potmeter.systems.speech.wavenet.bench import EagerLoop
from potmeter.systems.speech.wavenet.companding import decode_levels, deemphasise, emphasise, encode_levels
from potmeter.systems.speech.wavenet.generation import Voice, free_chunks, mel_chunks, speak_chunks
from potmeter.systems.speech.wavenet.logistics import STEP, mixture_nats
from potmeter.systems.speech.wavenet.measure import bits_of_sounds, sample_bits
from potmeter.systems.speech.wavenet.model import Config, WaveNet
from potmeter.systems.speech.wavenet.segments import Segments, cut_segment
from potmeter.systems.speech.wavenet.stack import fast_forward
from potmeter.systems.speech.wavenet.system import TEMPERATURE

SMALL = Config(
    dilations=(1, 2, 5), residual_channels=8, skip_channels=12, condition_channels=8, sample_rate=8000, hop_length=32,
    n_fft=128, n_mels=16, segment=256, batch_size=2,
)  # fmt: skip
KINDS = {
    "mel": {},
    "free": {"condition": "none"},
    "speakers": {"condition": "none", "by_speaker": True, "speakers": ("a", "b")},
    "mel and speakers": {"by_speaker": True, "speakers": ("a", "b")},
    "logistics": {"output": "logistics", "mixtures": 4},
    "linear prediction": {"output": "logistics", "mixtures": 4, "linear_prediction": 8},
}


def network(seed=0, **changes):
    """A network with weights of some size, so that every path counts."""
    torch.manual_seed(seed)
    net = WaveNet(replace(SMALL, **changes))
    for p in net.parameters():
        p.data = 0.4 * torch.randn_like(p)
    return net.requires_grad_(False)


def some_wave(samples, seed=0):
    rng = np.random.default_rng(seed)
    return (0.3 * np.sin(np.arange(samples) / 7) + 0.1 * rng.standard_normal(samples)).clip(-1, 1).astype(np.float32)


def heard_by(net, wave):
    """The samples before each one, as the network takes them: one of silence, then the wave."""
    before = torch.cat([torch.zeros(1), torch.from_numpy(wave)[:-1]])
    return encode_levels(before)[None] if net.config.output == "softmax" else before[None, :, None]


def distributions(net, wave, mel, frames, speaker=0):
    """The distribution (T, outputs) of each sample of a wave, by the full convolutions."""
    system = WaveNetSystem(net.config).eval()
    system.model = net
    before = torch.cat([torch.zeros(1 + net.config.linear_prediction), torch.from_numpy(wave)[:-1]])[None]
    piece = None if mel is None else next(iter(mel_chunks(mel, frames)))[0][None]
    return system.predict(before, piece, torch.tensor([speaker]))[0]


def conditions_of(net, frames):
    mel = torch.randn(net.config.n_mels, frames + 1, generator=torch.Generator().manual_seed(3)) - 5
    return mel if net.config.condition == "mel" else None


def features_of(net, mel, frames, speaker=0):
    piece = None if mel is None else next(iter(mel_chunks(mel, frames)))[0][None]
    return net.conditioner(piece, torch.tensor([speaker]), frames)


# The network --------------------------------------------------------------------------------------------------------


def paper(net, levels, features):
    """Section 2 of the paper with convolutions of torch, channels first: an independent writing."""
    c = net.config
    one_hot = F.one_hot(levels, 256).to(net.head.weight).transpose(1, 2)

    def causal(x, conv):
        size = conv.weight.shape[2]
        return F.conv1d(F.pad(x, ((size - 1) * conv.dilation, 0)), conv.weight, conv.bias, dilation=conv.dilation)

    x, skips = causal(one_hot, net.first), 0
    for block in net.blocks:
        z = causal(x, block.conv)
        if features is not None:
            held = F.conv1d(features.transpose(1, 2), block.condition.weight[..., None])
            z = z + F.interpolate(held, scale_factor=x.shape[2] // held.shape[2], mode="nearest")
        z = torch.tanh(z[:, : c.residual_channels]) * torch.sigmoid(z[:, c.residual_channels :])
        skips = skips + F.conv1d(z, block.skip.weight[..., None])
        if block.residual is not None:
            x = x + F.conv1d(z, block.residual.weight[..., None])
    hidden = F.conv1d(F.relu(skips), net.hidden.weight[..., None], net.hidden.bias)
    return F.conv1d(F.relu(hidden), net.head.weight[..., None], net.head.bias).transpose(1, 2)


@pytest.mark.parametrize("kind", ["mel", "free", "mel and speakers"])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_network_is_the_papers(kind, size):
    net = network(**KINDS[kind], kernel_size=size).double()
    levels = torch.randint(256, (2, 256))
    mel = torch.randn(2, 8 + 5, 16).double() - 5 if net.config.condition == "mel" else None
    features = net.conditioner(mel, torch.tensor([0, 1]), 8)
    torch.testing.assert_close(net(levels, features), paper(net, levels, features), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "linear prediction"])
@pytest.mark.parametrize("dilations", [(1, 2, 5), (300,)])
def test_the_fast_stack_has_the_same_outputs_and_gradients(kind, dilations):
    net = network(**KINDS[kind], dilations=dilations).double().requires_grad_()
    frames = 8
    inputs = torch.randint(256, (2, 256)) if net.config.output == "softmax" else torch.rand(2, 256, 1).double() - 0.5
    mel = torch.randn(2, frames + 5, 16).double() - 5 if net.config.condition == "mel" else None
    gradients = []
    for forward in (net, lambda *args: fast_forward(net, *args, torch.float64)):
        outputs = forward(inputs, net.conditioner(mel, torch.tensor([0, 1]), frames))
        weights = torch.linspace(-1, 1, outputs.numel(), dtype=torch.float64).view_as(outputs)
        gradients.append([outputs, *torch.autograd.grad((outputs * weights).sum(), [*net.parameters()])])
    for plain, fast in zip(*gradients, strict=True):
        torch.testing.assert_close(fast.double(), plain, rtol=1e-5, atol=1e-5)


def test_in_bfloat16_the_fast_stack_stays_near():
    net = WaveNet(SMALL)
    levels, features = torch.randint(256, (2, 256)), torch.randn(2, 8 * 4, 8)
    torch.testing.assert_close(
        fast_forward(net, levels, features, torch.bfloat16), net(levels, features), rtol=0.05, atol=0.05
    )


@pytest.mark.parametrize("size", [1, 2, 4])
def test_a_prediction_hangs_on_the_receptive_field_and_nothing_of_the_future(size):
    net = network(output="logistics", condition="none", kernel_size=size)
    wave = torch.zeros(1, 128, 1, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(wave)[0, 100].square().sum(), wave)
    touched = gradient[0, :, 0].nonzero().flatten()
    assert touched.max() == 100 and 100 - touched.min() + 1 == net.config.receptive_field == 9 * (size - 1) + 1


# Generation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_queues_give_what_the_full_convolutions_do_whatever_the_chunks(kind, size):
    net = network(**KINDS[kind], kernel_size=size)
    frames, hop = 7, net.config.hop_length
    wave, mel = some_wave(frames * hop), conditions_of(net, 7)
    heard = decode_levels(encode_levels(torch.from_numpy(wave))).numpy() if net.config.output == "softmax" else wave
    whole = distributions(net, heard, mel, frames, speaker=1)
    voice, place = Voice(net, speaker=1), 0
    for piece, count in mel_chunks(mel, 3) if mel is not None else free_chunks(frames, 3):
        part = slice(place * hop, (place + count) * hop)
        parameters = np.zeros((count * hop, net.config.outputs), np.float32)
        voice.step(voice.steer(piece, count), np.zeros((count * hop, 2), np.float32), heard[part], parameters)
        np.testing.assert_allclose(parameters, whole[part].numpy(), rtol=1e-5, atol=1e-5)
        place += count


def eager(net, mel, frames, uniforms, temperature):
    """The plain loop: everything computed anew for each sample, which is the first whose cumulated probability exceeds u."""
    c = net.config
    spoken = []
    for t in range(frames * c.hop_length):
        so_far = np.zeros(frames * c.hop_length, np.float32)
        so_far[:t] = spoken
        parameters = distributions(net, so_far, mel, frames)[t]
        if c.output == "softmax":
            probs = (parameters / temperature).softmax(0).double()
            spoken.append(float(decode_levels((probs.cumsum(0) <= uniforms[t, 0]).sum().clamp(max=255))))
        else:
            logits, means, log_scales = parameters.chunk(3)
            chosen = int((logits.softmax(0).double().cumsum(0) <= uniforms[t, 0]).sum())
            inner = float(uniforms[t, 1])
            value = means[chosen] + log_scales[chosen].exp() * temperature * (np.log(inner) - np.log(1 - inner))
            spoken.append(float((value / STEP).round() * STEP) if abs(value) < 1 else float(value.sign()))
    return np.array(spoken, np.float32)


@pytest.mark.parametrize("kind", ["mel", "free", "logistics", "linear prediction"])
def test_the_same_uniforms_speak_the_same_samples_as_a_plain_loop(kind):
    net = network(**KINDS[kind])
    mel, hop = conditions_of(net, 3), net.config.hop_length
    uniforms = np.random.default_rng(5).uniform(0.01, 0.99, (3 * hop, 2)).astype(np.float32)
    voice = Voice(net, temperature=0.8)
    piece, frames = next(iter(mel_chunks(mel, 3) if mel is not None else free_chunks(3, 3)))
    spoken = voice.step(voice.steer(piece, frames), uniforms)
    np.testing.assert_allclose(spoken, eager(net, mel, 3, uniforms, 0.8), atol=1e-4)
    assert len(set(spoken.tolist())) > 10


def test_the_bench_s_plain_loop_speaks_the_same():
    net = network(**KINDS["linear prediction"])
    piece, frames = next(iter(mel_chunks(conditions_of(net, 3), 3)))
    steering = Voice(net).steer(piece, frames)
    uniforms = np.random.default_rng(7).uniform(0.01, 0.99, (frames * 32, 2)).astype(np.float32)
    np.testing.assert_allclose(EagerLoop(net).speak(steering, uniforms), Voice(net).step(steering, uniforms), atol=1e-4)


def test_what_is_spoken_without_end_is_spoken_piece_by_piece():
    chunks = speak_chunks(Voice(network(condition="none")), free_chunks(10**9, 4), 0.85)
    assert [len(next(chunks)) for _ in range(3)] == [128, 128, 128]


@pytest.mark.parametrize("kind", ["mel", "free"])
def test_chunks_of_any_length_speak_the_same_wave(kind):
    net = network(**KINDS[kind])
    mel = conditions_of(net, 9)
    waves = []
    for chunk in (1, 4, 9):
        chunks = mel_chunks(mel, chunk) if mel is not None else free_chunks(9, chunk)
        waves.append(np.concatenate(list(speak_chunks(Voice(net, seed=4), chunks, 0.85))))
    assert waves[0].shape == (9 * 32,) and np.ptp(waves[0]) > 0.01
    assert np.array_equal(waves[0], waves[1]) and np.array_equal(waves[0], waves[2])


def test_seeds_and_temperatures_speak_otherwise_and_a_low_one_says_what_is_likeliest():
    net = network(condition="none")

    def speak(**wishes):
        return np.concatenate(list(speak_chunks(Voice(net, **wishes), free_chunks(4), 0.0)))

    assert not np.array_equal(speak(seed=0), speak(seed=1)) and np.array_equal(speak(seed=1), speak(seed=1))
    assert np.array_equal(speak(seed=0, temperature=1e-3), speak(seed=1, temperature=1e-3))


# Samples ------------------------------------------------------------------------------------------------------------


def test_every_level_is_the_nearest_to_its_sample_and_small_ones_are_finer():
    levels = torch.arange(256)
    samples = decode_levels(levels)
    assert torch.equal(encode_levels(samples), levels) and samples[0] == -1 and samples[-1] == 1
    steps = samples.diff()
    assert (steps[128:].diff() > 0).all() and steps[127] < 2e-4
    torch.testing.assert_close(samples, -samples.flip(0))


def test_deemphasis_undoes_preemphasis_and_goes_on_where_it_stopped():
    wave = torch.from_numpy(some_wave(400)) * 0.5
    emphasised = emphasise(F.pad(wave, (1, 0)), 0.85).numpy()
    np.testing.assert_allclose(deemphasise(emphasised, 0.85), wave.numpy(), rtol=0, atol=1e-5)
    first = deemphasise(emphasised[:150], 0.85)
    rest = deemphasise(emphasised[150:], 0.85, before=float(first[-1]))
    np.testing.assert_allclose(np.concatenate([first, rest]), wave.numpy(), rtol=0, atol=1e-5)


def test_the_probabilities_of_all_16_bit_samples_are_one():
    parameters = torch.tensor([0.3, -1.0, 0.5, -0.9, 0.1, 1.2, -2.0, -4.0, -9.5]).double()
    samples = (torch.arange(65536).double() - 32767.5) * STEP
    assert len(samples.unique()) == 65536
    nats = mixture_nats(parameters.expand(65536, -1), samples)
    assert float((-nats.double()).exp().sum()) == pytest.approx(1, abs=2e-3)
    assert (nats > 0).all() and nats.isfinite().all()


# Data ---------------------------------------------------------------------------------------------------------------


def test_a_segment_has_the_frames_of_its_sounds_spectrogram_and_the_sample_before_it():
    wave = some_wave(2000)
    padded = pad_to_frames(torch.from_numpy(wave), SMALL.mel)
    mel = mel_spectrogram(padded, SMALL.mel).T  # (64, n_mels)
    for start in (0, 320, 1728):
        piece = cut_segment(wave, start, SMALL)
        numbers = torch.arange(start // 32 - 2, start // 32 + 8 + 3).clamp(0, len(mel) - 1)
        torch.testing.assert_close(piece["mel"], mel[numbers], rtol=1e-4, atol=1e-4)
        before = np.concatenate([np.zeros(2), wave, np.zeros(256)])[start : start + 258]
        np.testing.assert_allclose(piece["wave"], (before[1:] - 0.85 * before[:-1]).clip(-1, 1), atol=1e-6)


def test_all_frames_of_all_long_enough_sounds_are_trained_on_and_a_gain_changes_wave_and_spectrogram():
    data = SoundData.from_waves([some_wave(300), some_wave(20), some_wave(700, seed=1)], 8000, names=["a", "b", "c"])
    segments = Segments(data, replace(SMALL, gain=0.0))
    assert segments.ends.tolist() == [2, 2, 16]
    starts = [segments.cut(place, 1.0)["wave"] for place in range(16)]
    assert len({tuple(row.tolist()) for row in starts}) == 16
    loud, quiet = segments.cut(5, 2.0), segments.cut(5, 1.0)
    np.testing.assert_allclose(loud["wave"].clamp(-0.9, 0.9), (2 * quiet["wave"]).clamp(-0.9, 0.9), atol=1e-4)
    np.testing.assert_allclose((loud["mel"] - quiet["mel"]).mean(), np.log(2), atol=0.02)
    with pytest.raises(UserError, match="long enough"):
        Segments(data.select([1]), SMALL)


def test_bits_do_not_hang_on_the_pieces_in_which_they_are_computed(monkeypatch):
    torch.manual_seed(0)
    system = WaveNetSystem(SMALL).eval()
    wave = some_wave(3000)
    whole = sample_bits(system, wave)
    monkeypatch.setattr("potmeter.systems.speech.wavenet.measure.PIECE", 512)
    assert whole.shape == (3000,)
    torch.testing.assert_close(sample_bits(system, wave), whole, rtol=1e-4, atol=1e-4)


def test_a_long_sound_is_measured_in_pieces_and_in_training_only_its_beginning(monkeypatch):
    torch.manual_seed(0)
    system = WaveNetSystem(replace(SMALL, condition="none")).eval()
    data = SoundData.from_waves([some_wave(900), some_wave(5000, seed=1)], 8000, names=["a", "b"])
    cut = data.cut(2000)
    assert cut.lengths.tolist() == [900, 2000, 2000, 1000] and cut.names == ("a", "b", "b", "b")
    assert np.array_equal(np.concatenate([cut.wave(i) for i in (1, 2, 3)]), data.wave(1))
    splits = Splits(data, data, data)
    whole = system.evaluate(data) | system.baselines(splits)
    monkeypatch.setattr("potmeter.systems.speech.wavenet.system.LONGEST", 2000)
    lengths = []

    def measure(system, data):
        lengths.append(data.lengths.tolist())
        return bits_of_sounds(system, data)

    monkeypatch.setattr("potmeter.systems.speech.wavenet.system.bits_of_sounds", measure)
    in_pieces = system.evaluate(data) | system.baselines(splits)
    assert lengths == [[900, 2000, 2000, 1000]] and in_pieces.keys() == whole.keys()
    for name, bits in whole.items():
        assert float(in_pieces[name]) == pytest.approx(float(bits), abs=0.1), name
    monkeypatch.setattr("potmeter.systems.speech.wavenet.system.VALIDATION_SECONDS", 0.25)
    system.validate(data.select([1]))
    assert lengths[1:] == [[2000]]


@pytest.fixture
def folder(tmp_path):
    """Six sounds of several rates, depths and channels in folders of two speakers, and a text."""
    for number, (rate, subtype, channels) in enumerate(
        [
            (8000, "PCM_16", 1),
            (96_000, "PCM_24", 2),
            (44_100, "FLOAT", 1),
            (16_000, "PCM_U8", 1),
            (22_050, "PCM_32", 3),
            (48_000, "PCM_16", 1),
        ]
    ):
        wave = 0.5 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate)
        path = tmp_path / "sounds" / ("ann", "bob")[number % 2] / f"{number}.{'flac' if number == 5 else 'wav'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.stack([wave] * channels, 1), rate, subtype=subtype)
    (tmp_path / "sounds" / "ann" / "notes.txt").write_text("not a sound")
    return tmp_path / "sounds"


@pytest.mark.parametrize("rate", [8000, 16_000])
def test_a_folder_of_any_sounds_becomes_data_of_one_rate(folder, rate):
    drop_notes()
    splits = sound_folder(folder, rate)
    assert any(f"6 sounds, 0.1 minutes, resampled to {rate} Hz" in line for line in pending.values())
    parts = (splits.train, splits.valid, splits.test)
    assert sum(map(len, parts)) == 6 and all(map(len, parts)) and not set(splits.train.names) & set(splits.test.names)
    for part in parts:
        for i in range(len(part)):
            wave = part.wave(i)
            assert abs(len(wave) - rate) <= 2 and 0.48 < wave.max() < 0.53
            assert abs(np.abs(np.fft.rfft(wave, rate)).argmax() - 300) <= 1
    assert splits.fingerprint() == sound_folder(folder, rate).fingerprint()
    by_speaker = sound_folder(folder, rate, by_speaker=True)
    assert by_speaker.train.speakers == ("ann", "bob")
    assert {by_speaker.train.speakers[s] for s in by_speaker.train.speaker} == {"ann", "bob"}
    with pytest.raises(UserError, match=r"knows the speakers ann, eve. Received: bob"):
        sound_folder(folder, rate, by_speaker=True, speakers=("ann", "eve"))


def test_one_long_file_is_split_in_time(tmp_path):
    soundfile.write(tmp_path / "long.wav", 0.1 + np.arange(8000) / 16000, 8000, subtype="PCM_16")
    splits = sound_folder(tmp_path / "long.wav", 8000)
    assert [len(part.wave(0)) for part in (splits.train, splits.valid, splits.test)] == [6400, 800, 800]
    assert (
        splits.train.wave(0).max() < splits.valid.wave(0).min()
        and splits.valid.wave(0).max() < splits.test.wave(0).min()
    )


def test_what_is_no_sound_is_told(tmp_path):
    with pytest.raises(UserError, match="There is no folder"):
        sound_folder(tmp_path / "missing", 8000)
    with pytest.raises(UserError, match="no sounds in"):
        sound_folder(tmp_path, 8000)
    (tmp_path / "text.wav").write_text("It was a truth universally acknowledged")
    with pytest.raises(UserError, match=r"text.wav is"):
        sound_folder(tmp_path, 8000)
    (tmp_path / "text.wav").unlink()
    soundfile.write(tmp_path / "silent.wav", np.zeros(8000), 8000)
    with pytest.raises(UserError, match="All sounds are silent"):
        sound_folder(tmp_path, 8000)
    soundfile.write(tmp_path / "nan.wav", np.array([0.5, np.nan] * 2000, np.float32), 8000, subtype="FLOAT")
    with pytest.raises(UserError, match="no numbers"):
        sound_folder(tmp_path, 8000)


# Use ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def system():
    torch.manual_seed(0)
    return WaveNetSystem(SMALL).eval()


def test_a_sound_of_any_rate_is_spoken_as_long_as_asked(system):
    sound = Audio(some_wave(48_000), 48_000)
    spoken = system.run(sound, seconds=0.25, seed=3)
    assert spoken.rate == 8000 and abs(spoken.seconds - 0.25) < 0.005
    assert np.array_equal(spoken.samples, system.run(sound, seconds=0.25, seed=3).samples)
    assert len(system.run(Audio(some_wave(2), 8000)).samples) == 96, "as long as a spectrogram must be"


def test_what_follows_a_spectrogram_is_spoken_tamely_and_free_speech_is_not(system):
    sound = Audio(some_wave(2000), 8000)
    samples = [system.run(sound, temperature=wish).samples for wish in (None, TEMPERATURE, 1.0)]
    assert np.array_equal(samples[0], samples[1]) and not np.array_equal(samples[0], samples[2])
    mel = mel_spectrogram(pad_to_frames(torch.from_numpy(sound.samples), system.mel_config), system.mel_config)
    assert np.array_equal(system.vocode(mel, system.mel_config).numpy(), samples[1][: 32 * (mel.shape[1] - 1)])
    free = WaveNetSystem(replace(SMALL, condition="none")).eval()
    assert np.array_equal(free.run(seconds=0.1).samples, free.run(seconds=0.1, temperature=1.0).samples)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Stopped])
def test_what_has_been_spoken_is_kept_when_it_is_stopped(system, stop):
    chunks = [np.full(1000, n / 100, np.float32) for n in range(31)]

    def speak():
        yield from chunks
        raise stop

    heard = []
    with pytest.raises(stop):
        for sound in system.grow(speak()):
            heard.append(sound)
    np.testing.assert_array_equal(heard[-1].samples, np.concatenate(chunks))


def test_what_has_been_spoken_grows_to_the_whole(system):
    parts = list(system.run(Audio(some_wave(16_000), 8000), seconds=2.0, stream=True))
    lengths = [len(part.samples) for part in parts]
    assert lengths == sorted(set(lengths)) and len(parts) > 1 and lengths[-1] == 16_000
    for part in parts:
        assert np.array_equal(part.samples, parts[-1].samples[: len(part.samples)])


def test_ctrl_c_keeps_what_has_been_spoken(capsys):
    first = Audio(some_wave(800), 8000)

    def interrupted(*parts):
        yield from parts
        raise KeyboardInterrupt

    assert stream(interrupted(first), quiet=True) == (first, False)
    assert "what there is so far is kept" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        stream(interrupted(), quiet=True)


def test_resynthesis_has_three_sounds_of_one_length_and_bits_a_mean(system):
    result = system.resynthesise(Audio(some_wave(8000), 8000), seconds=0.5, iterations=3)
    assert {len(one.samples) for one in (result.original, result.wavenet, result.griffin_lim)} == {4000}
    bits = system.bits(Audio(some_wave(8000), 8000))
    points = bits.over_time.lines["bits per sample"]
    assert len(points) == 50 and float(bits.summary.text.split()[0]) == pytest.approx(
        np.mean([y for _, y in points]), abs=0.01
    )


def test_weights_that_follow_nothing_speak_freely_and_say_what_they_cannot():
    torch.manual_seed(0)
    free = WaveNetSystem(replace(SMALL, condition="none", by_speaker=True, speakers=("ann", "bob"))).eval()
    ann, bob = (free.run(seconds=0.2, speaker=name) for name in ("ann", "bob"))
    assert ann.seconds == pytest.approx(0.2, abs=0.005) and not np.array_equal(ann.samples, bob.samples)
    with pytest.raises(UserError, match="speak freely"):
        free.run(Audio(some_wave(800), 8000))
    with pytest.raises(UserError, match="follow no mel spectrogram"):
        free.vocode(torch.zeros(16, 9), free.mel_config)
    with pytest.raises(UserError, match="eve"):
        free.run(seconds=0.2, speaker="eve")


def test_a_system_fitted_to_own_data_asks_for_a_sound(system):
    with pytest.raises(UserError, match="name one"):
        system.run()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"hop_length": 30}, "multiple of 4"),
        ({"residual_channels": 33}, "residual_channels is a multiple of 4"),
        ({"skip_channels": 2}, "skip_channels is a multiple of 4"),
        ({"segment": 250}, "multiple of hop_length"),
        ({"dilations": ()}, "one a block"),
        ({"dilations": (1, 0)}, "one a block"),
        ({"n_fft": 16}, "hop_length < win_length"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, words):
    with pytest.raises(UserError, match=words):
        replace(SMALL, **wrong)
