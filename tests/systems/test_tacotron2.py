"""Tacotron 2: its equations, its losses, how it speaks, and what it says when speech fails."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from potmeter.core import devices
from potmeter.errors import UserError
from potmeter.media import Audio, Text
from potmeter.systems.speech.tacotron2 import Config, Tacotron2
from potmeter.systems.speech.tacotron2.alignment import align_monotonically, find_times, group_words
from potmeter.systems.speech.tacotron2.checkpoints import nvidia_names
from potmeter.systems.speech.tacotron2.diagnosis import diagnose
from potmeter.systems.speech.tacotron2.evaluation import find_nearest, warped_mel_error
from potmeter.systems.speech.tacotron2.loss import guided_attention_loss, measure_losses, stop_loss
from potmeter.systems.speech.tacotron2.model import Prediction, Tacotron2Network
from potmeter.systems.speech.tacotron2.shared_factor import SharedFactor
from potmeter.systems.speech.tacotron2.synthesis import synthesise
from potmeter.systems.speech.tacotron2.vocoder import FADE_SECONDS, join_pieces, load_vocoder

SMALL = Config(
    text="letters", language="none", symbols=tuple("_~ abcdef."), alphabet="abcdef", max_symbols=20, embedding_dim=12,
    encoder_layers=2, prenet_dim=8, attention_dim=6, location_filters=4, location_kernel=5, attention_hidden=10,
    decoder_hidden=9, postnet_channels=7, postnet_layers=3, n_mels=5, dropout=0.0, lstm_dropout=0.0, prenet_dropout=0.0,
    sample_rate=8000, n_fft=256, win_length=256, hop_length=128, f_max=4000.0, reduction=2,
)  # fmt: skip


def network(**changes):
    torch.manual_seed(0)
    return Tacotron2Network(replace(SMALL, **changes)).eval()


def minibatch(frames=8):
    torch.manual_seed(1)
    lengths = torch.tensor([7, 5, 2])
    symbols = torch.randint(2, 10, (3, 7)) * (torch.arange(7) < lengths[:, None])
    return symbols, lengths, torch.randn(3, frames, 5), torch.tensor([frames, frames - 2, frames - 4])


# The equations ------------------------------------------------------------------------------------------------------


def lstm(weights, prefix, x, hidden, cell):
    """An LSTM's step as Hochreiter and Schmidhuber, with forget gate, have it."""
    gates = x @ weights[f"{prefix}.weight_ih"].T + weights[f"{prefix}.bias_ih"]
    gates = gates + hidden @ weights[f"{prefix}.weight_hh"].T + weights[f"{prefix}.bias_hh"]
    i, f, g, o = gates.split(len(hidden))
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


def speak_by_the_paper(weights, memory, mel, reduction):
    """Frames, stop logits and attention of one sentence, teacher-forced, a step and a symbol at a time."""
    size, steps = len(memory), len(mel) // reduction
    hidden, cell = torch.zeros(10), torch.zeros(10)
    upper, upper_cell, context = torch.zeros(9), torch.zeros(9), torch.zeros(12)
    last, total, frame = torch.zeros(size), torch.zeros(size), torch.zeros(5)
    frames, stops, attention = [], [], []
    filters = weights["attention.location_convolution.weight"]
    for step in range(steps):
        x = frame
        for layer in ("prenet.layers.0", "prenet.layers.1"):
            x = (weights[f"{layer}.weight"] @ x).clamp_min(0)
        hidden, cell = lstm(weights, "attention_lstm", torch.cat([x, context]), hidden, cell)
        energies = []
        for n in range(size):
            location = torch.zeros(4)
            for offset in range(-2, 3):
                if 0 <= n + offset < size:
                    location = (
                        location
                        + filters[:, 0, offset + 2] * last[n + offset]
                        + filters[:, 1, offset + 2] * total[n + offset]
                    )
            inside = weights["attention.query.weight"] @ hidden + weights["attention.memory.weight"] @ memory[n]
            inside = inside + weights["attention.location.weight"] @ location
            energies.append(weights["attention.score.weight"][0] @ inside.tanh())
        last = torch.stack(energies).softmax(0)
        total, context = total + last, last @ memory
        upper, upper_cell = lstm(weights, "decoder_lstm", torch.cat([hidden, context]), upper, upper_cell)
        features = torch.cat([upper, context])
        frames += [*(weights["frames.weight"] @ features + weights["frames.bias"]).view(reduction, 5)]
        stops.append(weights["stop.weight"][0] @ features + weights["stop.bias"][0])
        attention.append(last)
        frame = mel[(step + 1) * reduction - 1]
    return torch.stack(frames), torch.stack(stops), torch.stack(attention)


@pytest.mark.parametrize("reduction", [1, 2])
def test_the_decoder_is_an_independent_writing_of_its_equations(reduction):
    net = network(reduction=reduction)
    symbols, lengths, mel, _ = minibatch()
    with torch.no_grad():
        memory = net.encoder(symbols, lengths)
        found = net.decoder(memory, lengths, mel)
        for i, length in enumerate(lengths.tolist()):
            expected = speak_by_the_paper(net.decoder.state_dict(), memory[i, :length], mel[i], reduction)
            for ours, theirs in zip(found, expected, strict=True):
                ours = ours[i, :, :length] if ours is found[2] else ours[i]
                torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def convolve_by_the_paper(weights, prefix, x, nonlinearity):
    """Convolution over five places of (T, C), zeros outside, and batch normalisation by running means, a place at a time."""
    filters, bias = weights[f"{prefix}.0.weight"], weights[f"{prefix}.0.bias"]
    padded = torch.cat([torch.zeros(2, x.shape[1]), x, torch.zeros(2, x.shape[1])])
    rows = [sum(filters[:, :, k] @ padded[t + k] for k in range(5)) + bias for t in range(len(x))]
    mean, variance = weights[f"{prefix}.1.running_mean"], weights[f"{prefix}.1.running_var"]
    scaled = (torch.stack(rows) - mean) / (variance + 1e-5).sqrt()
    return nonlinearity(scaled * weights[f"{prefix}.1.weight"] + weights[f"{prefix}.1.bias"])


def test_encoder_and_postnet_are_an_independent_writing_of_theirs():
    net = network()
    for name, value in net.state_dict().items():
        if name.endswith(("1.running_mean", "1.running_var", "1.weight", "1.bias")):
            value.copy_(torch.rand_like(value) + 0.5)
    symbols, lengths, mel, _ = minibatch()
    weights = net.encoder.state_dict()
    with torch.no_grad():
        memory, added = net.encoder(symbols, lengths), net.postnet(mel, torch.ones(3, 8, dtype=torch.bool))
    for i, length in enumerate(lengths.tolist()):
        x = weights["embedding.weight"][symbols[i, :length]]
        for layer in range(2):
            x = convolve_by_the_paper(weights, f"convolutions.{layer}", x, torch.relu)
        ways = []
        for suffix in ("", "_reverse"):
            parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            one = {f"lstm.{part}": weights[f"lstm.{part}_l0{suffix}"] for part in parts}
            hidden, cell, states = torch.zeros(6), torch.zeros(6), []
            for row in x.flip(0) if suffix else x:
                hidden, cell = lstm(one, "lstm", row, hidden, cell)
                states.append(hidden)
            ways.append(torch.stack(states[::-1] if suffix else states))
        torch.testing.assert_close(memory[i, :length], torch.cat(ways, 1), rtol=1e-5, atol=1e-5)
        assert not memory[i, length:].any()
        x = mel[i]
        for layer, nonlinearity in enumerate((torch.tanh, torch.tanh, lambda y: y)):
            x = convolve_by_the_paper(net.postnet.state_dict(), f"{layer}", x, nonlinearity)
        torch.testing.assert_close(added[i], x, rtol=1e-5, atol=1e-5)


def test_all_steps_at_once_and_step_after_step_are_the_same_with_the_same_gradients():
    net = network()
    symbols, lengths, mel, _ = minibatch()

    def stepwise():
        decoder, memory = net.decoder, net.encoder(symbols, lengths)
        keys, state, frame = decoder.attention.memory(memory), decoder.initial_state(memory), mel.new_zeros(3, 5)
        padding, kept = torch.arange(7) >= lengths[:, None], []
        for step in range(4):
            group, stop, state = decoder.step(frame, state, memory, keys, padding)
            kept.append((group, stop, state.weights[:, 0]))
            frame = mel[:, 2 * step + 1]
        groups, stops, weights = zip(*kept, strict=True)
        return torch.cat(groups, 1), torch.stack(stops, 1), torch.stack(weights, 1)

    gradients = []
    for outputs in (stepwise(), net.decoder(net.encoder(symbols, lengths), lengths, mel)):
        net.zero_grad()
        sum(each.square().sum() for each in outputs).backward()
        gradients.append([p.grad.clone() for p in net.parameters() if p.grad is not None])
    assert len(gradients[0]) == len(gradients[1]) > 20
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_a_sentence_does_not_hang_on_the_others_of_its_minibatch():
    net = network()
    symbols, lengths, mel, frames = minibatch()
    with torch.no_grad():
        together = net(symbols, lengths, mel, frames)
        for i in range(3):
            alone = net(
                symbols[i : i + 1, : lengths[i]], lengths[i : i + 1], mel[i : i + 1, : frames[i]], frames[i : i + 1]
            )
            torch.testing.assert_close(together.mel[i : i + 1, : frames[i]], alone.mel, rtol=1e-4, atol=1e-5)


def test_a_shared_factor_has_autograd_s_gradients():
    torch.manual_seed(0)
    factor, memory = torch.randn(4, 4, dtype=torch.double), torch.randn(3, 5, 4, dtype=torch.double)

    def run(share):
        leaves = [factor.clone().requires_grad_(), memory.clone().requires_grad_()]
        products = [share(leaf) for leaf in leaves]
        x = torch.ones(3, 4, dtype=torch.double)
        for _ in range(3):
            x = products[0](x).tanh()
            x = products[1](F.pad(x, (0, 1))[:, None].softmax(2))[:, 0] + x
        x.square().sum().backward()
        return [leaf.grad for leaf in leaves]

    torch.testing.assert_close(run(lambda leaf: SharedFactor(leaf).multiply), run(lambda leaf: lambda x: x @ leaf))


def test_bfloat16_changes_the_training_loss_little(monkeypatch):
    monkeypatch.setattr(devices, "multiplies_bfloat16", lambda device: True)
    torch.manual_seed(0)
    system = Tacotron2(replace(SMALL, embedding_dim=64, attention_hidden=64, decoder_hidden=64, precision="bfloat16"))
    symbols, lengths, mel, frames = minibatch()
    batch = {"symbols": symbols, "lengths": lengths, "mel": mel, "frames": frames}
    exact = system.eval().loss(batch)["loss"]
    system.network.encoder.convolutions.eval()
    system.training = True
    assert system.loss(batch)["loss"].item() == pytest.approx(exact.item(), rel=0.02)


# Losses -------------------------------------------------------------------------------------------------------------


def test_guided_attention_costs_nothing_on_the_diagonal_and_the_papers_penalty_off_it():
    steps = lengths = torch.tensor([4])
    assert guided_attention_loss(torch.eye(4)[None], steps, lengths, 0.2) == 0
    first = torch.zeros(1, 4, 4)
    first[..., 0] = 1
    expected = (1 - torch.exp(-((torch.arange(4) / 4) ** 2) / (2 * 0.2**2))).mean()
    torch.testing.assert_close(guided_attention_loss(first, steps, lengths, 0.2), expected)


def test_the_stop_token_is_one_at_the_last_step_and_counts_as_often_as_it_is_told():
    logits, steps = torch.zeros(2, 3), torch.tensor([3, 2])
    torch.testing.assert_close(stop_loss(logits, steps, 1.0), torch.tensor(2.0).log())
    torch.testing.assert_close(stop_loss(logits, steps, 4.0), torch.tensor(2.0).log() * (5 + 2 * 3) / 5)
    sure = torch.tensor([[-9.0, -9.0, 9.0], [-9.0, 9.0, -50.0]])
    assert stop_loss(sure, steps, 4.0) < 1e-3


def test_padding_does_not_count():
    mel, frames, lengths = torch.randn(2, 6, 5), torch.tensor([6, 4]), torch.tensor([3, 2])
    config = replace(SMALL, guided_attention=1.0)
    attention = torch.softmax(torch.randn(2, 3, 3), 2)
    prediction = Prediction(torch.randn(2, 6, 5), torch.randn(2, 6, 5), torch.randn(2, 3), attention)
    losses = measure_losses(prediction, mel, frames, lengths, config)
    changed = Prediction(*(each.clone() for each in prediction))
    changed.decoded[1, 4:], changed.mel[1, 4:], changed.stop[1, 2:], changed.attention[1, 2:] = 1e3, -1e3, 1e3, 1e3
    for name, value in measure_losses(changed, mel, frames, lengths, config).items():
        torch.testing.assert_close(value, losses[name], msg=name)


# Sizes and foreign weights ------------------------------------------------------------------------------------------


def test_the_papers_size_is_nvidias_and_its_84_tensors_load(tmp_path):
    torch.manual_seed(0)
    config = Tacotron2.presets["paper"]
    assert len(config.symbols) == 148
    system = Tacotron2(config).eval()
    assert sum(p.numel() for p in system.parameters()) == 28_193_153
    state = system.network.state_dict()
    names = nvidia_names(state)
    assert len(set(names.values())) == len(state) == 84
    assert names["decoder.attention_lstm.weight_ih"] == "decoder.attention_rnn.weight_ih"
    assert names["postnet.4.1.running_var"] == "postnet.convolutions.4.1.running_var"
    torch.save({"state_dict": {names[key]: value for key, value in state.items()}}, tmp_path / "tacotron2_statedict.pt")
    loaded = Tacotron2.from_pretrained(tmp_path / "tacotron2_statedict.pt")
    assert loaded.config.symbols == config.symbols
    for key, value in loaded.network.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_foreign_weights_that_do_not_fit_name_the_tensor(tmp_path):
    torch.save({"state_dict": {"embedding.weight": torch.zeros(3, 3)}}, tmp_path / "x.pt")
    with pytest.raises(UserError, match=r"x\.pt does not fit: .* is missing"):
        Tacotron2.from_pretrained(tmp_path / "x.pt")


# Speech without a teacher -------------------------------------------------------------------------------------------


def test_speech_of_a_text_does_not_hang_on_the_others_and_seeds_matter():
    net = network(prenet_dropout=0.5)
    net.decoder.stop.bias.data.fill_(-9.0)  # it never ends by itself
    texts = [[3, 4, 5, 1], [3, 1], [7, 8, 9, 2, 3, 1]]
    together = synthesise(net, texts, 0)
    for text, speech in zip(texts, together, strict=True):
        alone = synthesise(net, [text], 0)[0]
        frames = min(len(alone.mel), len(speech.mel)) - 12  # the postnet sees where speech was broken off
        torch.testing.assert_close(speech.mel[:frames], alone.mel[:frames], rtol=1e-4, atol=1e-5)
        assert not speech.diagnosis.ended and "no end was found" in speech.diagnosis.describe()
    assert not torch.equal(synthesise(net, texts[:1], 1)[0].mel[:10], together[0].mel[:10])


def test_speech_ends_with_the_step_of_the_stop_token():
    net = network()
    net.decoder.stop.weight.data.zero_()
    net.decoder.stop.bias.data.fill_(9.0)
    (speech,) = synthesise(net, [[3, 4, 1]], 0)
    assert speech.mel.shape == (2, 5) and speech.attention.shape == (1, 3)


@pytest.mark.parametrize(
    ("places", "size", "ended", "told"),
    [
        (range(20), 20, True, "aligned"),
        (range(20), 20, False, "no end was found"),
        ([*range(8), *range(18, 24)], 24, True, "10 symbols are skipped"),
        ([*range(10), *range(10)], 20, True, "symbols are skipped.*symbols are spoken again"),
        ([*range(12), *range(2, 20)], 20, True, "9 symbols are spoken again"),
        (range(20), 40, True, "symbols are skipped"),
        ([*range(10), *[10] * 40, *range(11, 20)], 20, True, "stays on one symbol"),
        ([5] * 30, 30, True, "not diagonal"),
    ],
)
def test_failures_are_told_by_what_attention_did(places, size, ended, told):
    import re

    diagnosis = diagnose(torch.eye(size)[[*places]], ended)
    assert re.search(told, diagnosis.describe()) and diagnosis.failed == (told != "aligned")
    assert (diagnosis.badness > 0) == diagnosis.failed


def test_what_failed_is_tried_again_and_the_best_try_counts(monkeypatch):
    from potmeter.systems.speech.tacotron2 import synthesis

    seeds = []

    def speak(_, texts, seed):
        seeds.append((seed, len(texts)))
        good = torch.eye(12)
        bad = torch.eye(12)[[0, 1, 2, 11]]
        attention = [good if len(text) == 2 or seed == 2 else bad for text in texts]
        return [synthesis.Speech(torch.zeros(2, 5), each, diagnose(each, True)) for each in attention]

    monkeypatch.setattr(synthesis, "speak_batch", speak)
    spoken = synthesis.synthesise(network(), [[3, 4, 1], [3, 1]], 0, retries=3)
    assert seeds == [(0, 2), (1, 1), (2, 1)] and not any(each.diagnosis.failed for each in spoken)


# Alignment and distance ---------------------------------------------------------------------------------------------


def test_the_path_of_an_alignment_never_goes_back_and_is_the_best_of_all():
    from itertools import combinations_with_replacement

    torch.manual_seed(0)
    attention = torch.softmax(3 * torch.randn(5, 4), 1)
    path = align_monotonically(attention).tolist()
    ways = {
        way: float(attention[range(5), list(way)].log().sum()) for way in combinations_with_replacement(range(4), 5)
    }
    assert path == sorted(path) and tuple(path) == max(ways, key=ways.get)


def test_times_and_words_of_an_alignment():
    times = find_times(np.array([0, 0, 1, 2, 3, 3, 4]), 5, 0.1, 1.0)
    assert times[0] == pytest.approx((1.0, 1.2)) and times[4] == pytest.approx((1.6, 1.7))
    words = group_words("ab c.", times)
    assert [word for word, _, _ in words] == ["ab", "c"] and words[1][1:] == pytest.approx((1.4, 1.6))


def test_a_slower_speech_is_as_near_as_its_frames_are():
    torch.manual_seed(0)
    mel = torch.randn(12, 5)
    assert warped_mel_error(mel.repeat_interleave(3, 0), mel) == 0
    louder = warped_mel_error(mel + np.log(10) / 20, mel)  # each band by a decibel: no way is longer
    assert 0 < louder <= 1.0 + 1e-5
    assert find_nearest("abcd", ["xyz", "abd", "dcba"]) == 1


# Sound --------------------------------------------------------------------------------------------------------------


def test_pieces_are_joined_without_clicks_at_the_loudness_of_broadcasts():
    from potmeter.metrics.speech import loudness

    rate = 16_000
    tone = 0.5 * np.sin(2 * np.pi * 300 * np.arange(rate) / rate + 1.0).astype(np.float32)
    sound = join_pieces([tone, tone], [0.3, 0.0], rate)
    assert sound.seconds == pytest.approx(2.3)
    assert loudness(sound.samples, rate) == pytest.approx(-23.0, abs=0.1)
    assert np.abs(np.diff(sound.samples)).max() < 1.05 * np.abs(np.diff(sound.samples[3000:12_000])).max()
    assert sound.samples[0] == sound.samples[-1] == 0 and FADE_SECONDS * rate > 1
    short = join_pieces([tone[:1600]], [], rate)
    assert 0.1 < np.abs(short.samples).max() <= 0.9


def test_a_vocoder_for_other_spectrograms_and_one_that_is_none_are_refused():
    with pytest.raises(UserError, match="is a Vocoder"):
        load_vocoder("vae.plane", SMALL.mel_config)
    with pytest.raises(UserError, match="no system of that name"):
        load_vocoder("griffin", SMALL.mel_config)


# Use ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fresh():
    """A system of chords that has learnt nothing yet."""
    torch.manual_seed(0)
    config = Tacotron2.presets["tiny"]
    return Tacotron2(Tacotron2.fit_config(config, Tacotron2.data(config))).eval()


def test_a_batch_writes_a_folder_that_can_be_trained_on(fresh, tmp_path):
    table = fresh.batch(Text("ab c.\n\nfed.\n"), folder=tmp_path / "out", retries=0)
    assert [row[:2] for row in table.rows] == [("0001", "ab c."), ("0002", "fed.")]
    assert (tmp_path / "out" / "metadata.csv").read_text() == "0001|ab c.\n0002|fed.\n"
    assert Audio.open(tmp_path / "out" / "wavs" / "0002.wav").rate == 8000


def test_a_batch_with_a_line_that_cannot_be_spoken_writes_nothing(fresh, tmp_path):
    with pytest.raises(UserError, match="of these letters"):
        fresh.batch(Text("ab c.\nqq.\n"), folder=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_failed_speech_is_marked(fresh):
    endless = copy.deepcopy(fresh)
    endless.network.decoder.stop.bias.data.fill_(-9.0)
    spoken = endless.run("abc fed abc fed.", retries=0)
    assert "'abc fed abc': no end was found" in spoken.report.text and "'fed.': no end" in spoken.report.text


def test_silence_hours_and_books_are_not_aligned(fresh):
    with pytest.raises(UserError, match="silent"):
        fresh.align(Audio(np.zeros(8000, np.float32), 8000), "ab.")
    with pytest.raises(UserError, match="up to 30 s"):
        fresh.align(Audio(np.full(8000 * 40, 0.1, np.float32), 8000), "ab.")
    with pytest.raises(UserError, match="up to 1,000 symbols: cut the text. Received: 3,000"):
        fresh.align(Audio(np.full(8000, 0.1, np.float32), 8000), "ab " * 999 + "abc")
