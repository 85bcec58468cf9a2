"""Speed of speaking: seconds of speech a second, beside a plain loop over sentences, eSpeak NG and flite; and of training."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from potmeter.core.bench import Row, compare, interleave, is_selected, one_core, stopwatch
from potmeter.core.devices import training_dtype
from potmeter.core.machine import matmul_rate
from potmeter.data.sets.flite import speak

from .decoder import mask_of
from .loss import measure_losses
from .model import Prediction, Tacotron2Network
from .phonemes import speak_with_espeak
from .pieces import cut_text
from .presets import PRESETS
from .synthesis import synthesise
from .system import Tacotron2
from .vocoder import GRIFFIN_LIM, load_vocoder

TEXTS = (
    "The little kettle sings upon the stove.",
    "Nobody had seen him since the winter.",
    "Open the window, and let the morning in.",
    "They walked along the river until it was dark.",
    "What is the name of that bird?",
    "He wrote a long letter to his sister.",
    "Rain fell softly on the old roof.",
    "The children ran laughing through the field.",
)
"""What is spoken."""

VOCODERS = (GRIFFIN_LIM, "wavenet")
"""What makes sound of the mel spectrograms."""


def rows() -> Iterator[Row]:
    """The comparisons, on one core."""
    with one_core():
        if any(is_selected(f"{name}_seconds_per_s") for name in ("mel", *VOCODERS)):
            yield from speech()
        if is_selected("training_sentences_per_s"):
            yield training()


def speech() -> Iterator[Row]:
    """Seconds of speech a second: of the mel spectrograms alone, and with a vocoder."""
    system = Tacotron2.from_pretrained()
    config = system.config
    pieces = cut_text(" ".join(TEXTS), config)
    symbols, hop = [piece.symbols for piece in pieces], config.hop_length / config.sample_rate

    def together() -> float:
        return sum(len(each.mel) for each in synthesise(system.network, symbols, 0)) * hop

    def one_by_one() -> float:
        return sum(len(synthesise(system.network, [each], 0)[0].mel) for each in symbols) * hop

    speech = synthesise(system.network, symbols, 0)
    frames = sum(len(each.mel) for each in speech)
    products = count_products(system.network, sum(map(len, symbols)), frames)
    found = interleave({"ours": rate(together), "plain": rate(one_by_one)}, rounds=3)
    note = "sentences side by side share each matrix that is read; limit: the multiplications, as fast as in large matrices"
    yield compare(
        "mel_seconds_per_s", "s of speech/s", found["ours"], found["plain"], "a sentence after the other",
        limit=matmul_rate() / (2 * products) * frames * hop, note=note,
    )  # fmt: skip
    vocoders = {name: load_vocoder(name, config.mel_config) for name in VOCODERS}

    def voice(name: str) -> Callable[[], float]:
        return rate(lambda: system.sound(pieces, synthesise(system.network, symbols, 0), vocoders[name]).seconds)

    def vocoder_alone(name: str) -> Callable[[], float]:
        return rate(lambda: system.sound(pieces, speech, vocoders[name]).seconds)

    engines = {
        "espeak-ng": rate(lambda: sum(speak_with_espeak(text).seconds for text in TEXTS)),
        "flite": rate(lambda: sum(speak(text).seconds for text in TEXTS)),
    }
    alone = {f"{name} alone": vocoder_alone(name) for name in VOCODERS}
    found = interleave({name: voice(name) for name in VOCODERS} | alone | engines, rounds=3)
    for name, peer in itertools.product(VOCODERS, engines):
        note = "has rules and trees in place of matrices for each frame, and again for each sample; limit: the vocoder alone"
        yield compare(
            f"{name}_seconds_per_s",
            "s of speech/s",
            found[name],
            found[peer],
            peer,
            limit=found[f"{name} alone"],
            note=note,
        )


def count_products(network: Tacotron2Network, symbols: int, frames: int) -> int:
    """Multiplications by weights for texts of so many symbols and frames; those of attention are few, and not counted."""
    encoder, decoder, postnet = (
        sum(p.numel() for p in module.parameters() if p.ndim > 1)
        for module in (network.encoder, network.decoder, network.postnet)
    )
    encoder -= network.encoder.embedding.weight.numel()  # is looked up
    return encoder * symbols + decoder * frames // network.config.reduction + postnet * frames


def rate(speak_all: Callable[[], float]) -> Callable[[], float]:
    """How many seconds of speech a second something makes, measured once."""

    def measure() -> float:
        started = time.perf_counter()
        seconds = speak_all()
        return seconds / (time.perf_counter() - started)

    return measure


def training() -> Row:
    """Sentences a second that are trained on: all steps' products at once, or a loop over the decoder's steps."""
    config = replace(PRESETS["lecture"], symbols=tuple("_~" + "abcdefghijklmnopqrstuvwxyz ."))
    torch.manual_seed(0)
    network, size, steps = Tacotron2Network(config), 16, 25
    symbols, lengths = torch.randint(2, 28, (size, 30)), torch.full((size,), 30)
    mel = torch.randn(size, steps * config.reduction, config.n_mels)
    frames = torch.full((size,), mel.shape[1])
    optimizer = torch.optim.AdamW(network.parameters())
    is_mixed = training_dtype(config.precision, torch.device("cpu")) == torch.bfloat16

    def update(mixed: bool, plain: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            if plain:
                prediction = plain_prediction(network, symbols, lengths, mel)
            else:
                prediction = network(symbols, lengths, mel, frames)
        prediction = Prediction(*(each.float() for each in prediction))
        measure_losses(prediction, mel, frames, lengths, config)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()

    seconds = interleave(
        {
            "ours": stopwatch(lambda: update(mixed=is_mixed, plain=False)),
            "exact": stopwatch(lambda: update(mixed=False, plain=False)),
            "plain": stopwatch(lambda: update(mixed=False, plain=True)),
        },
        rounds=3,
    )
    rates = {name: size / value for name, value in seconds.items()}
    products = count_products(network, 30, mel.shape[1])
    kind = "bfloat16" if is_mixed else "float32, as bfloat16 is slower here"
    note = f"in {kind}; in float32 {rates['exact']:.0f}: the recurrence multiplies only what hangs on it; limit: in float32"
    return compare(
        "training_sentences_per_s", "sentences/s", rates["ours"], rates["plain"], "step after step",
        limit=matmul_rate() / (6 * products), note=note,
    )  # fmt: skip


def plain_prediction(network: Tacotron2Network, symbols: Tensor, lengths: Tensor, mel: Tensor) -> Prediction:
    """What the network predicts, by a loop over the decoder's steps."""
    decoder, memory = network.decoder, network.encoder(symbols, lengths)
    keys, state, frame = decoder.attention.memory(memory), decoder.initial_state(memory), torch.zeros_like(mel[:, 0])
    padding, reduction, kept = ~mask_of(lengths, memory.shape[1]), network.config.reduction, []
    for step in range(mel.shape[1] // reduction):
        group, stop, state = decoder.step(frame, state, memory, keys, padding)
        kept.append((group, stop, state.weights[:, 0]))
        frame = mel[:, (step + 1) * reduction - 1]
    groups, stops, weights = zip(*kept, strict=True)
    decoded, mask = torch.cat(groups, 1), torch.ones(mel.shape[:2], dtype=torch.bool)
    return Prediction(decoded, decoded + network.postnet(decoded, mask), torch.stack(stops, 1), torch.stack(weights, 1))
