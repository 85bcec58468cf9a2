"""The decoder left to itself: it speaks until it says that it has ended, many texts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.core.progress import progress

from .decoder import mask_of
from .diagnosis import Diagnosis, diagnose
from .model import Tacotron2Network
from .symbols import pad

BATCH = 16
"""Texts that are spoken side by side."""
FRAMES_PER_SYMBOL, EXTRA_FRAMES = 15, 60
"""Speech without an end is broken off after so many frames a symbol, and some more."""


@dataclass(frozen=True)
class Speech:
    """What the network speaks of a text."""

    mel: Float[Tensor, "t m"]
    """Normalised log-mel frames, after the postnet."""
    attention: Float[Tensor, "s n"]
    """Attention weights of each step over the symbols."""
    diagnosis: Diagnosis


@torch.no_grad()
def synthesise(network: Tacotron2Network, texts: Sequence[list[int]], seed: int, retries: int = 0) -> list[Speech]:
    """Speak texts; those that fail once more, with other dropout, and of all tries the best counts.

    Args:
        network: In evaluation mode.
        texts: Symbols of each.
        seed: Of the prenet's dropout.
        retries: How often what failed is tried again.

    Returns:
        Speech in the order of the texts; that of a text does not hang on the others.
    """
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    spoken: dict[int, Speech] = {}
    for start in progress(range(0, len(order), BATCH), "speech"):
        numbers = order[start : start + BATCH]
        for attempt in range(retries + 1):
            tried = speak_batch(network, [texts[i] for i in numbers], seed + attempt)
            for number, speech in zip(numbers, tried, strict=True):
                known = spoken.get(number)
                if known is None or speech.diagnosis.badness < known.diagnosis.badness:
                    spoken[number] = speech
            numbers = [number for number in numbers if spoken[number].diagnosis.failed]
            if not numbers:
                break
    return [spoken[number] for number in range(len(texts))]


def speak_batch(network: Tacotron2Network, texts: Sequence[list[int]], seed: int) -> list[Speech]:
    """Speak texts side by side, each with random numbers of its own."""
    config, device = network.config, network.encoder.embedding.weight.device
    symbols, lengths = (each.to(device) for each in pad(list(texts)))
    memory = network.encoder(symbols, lengths)
    decoder, padding = network.decoder, ~mask_of(lengths, memory.shape[1])
    keys = decoder.attention.memory(memory)
    limit = (FRAMES_PER_SYMBOL * int(lengths.max()) + EXTRA_FRAMES) // config.reduction + 1
    generators = [torch.Generator().manual_seed(seed) for _ in texts]
    state, frame = decoder.initial_state(memory), memory.new_zeros(len(texts), config.n_mels)
    ends = torch.zeros(len(texts), dtype=torch.int64, device=device)  # steps of each that has ended, else 0
    frames, attention = [], []
    for step in range(1, limit + 1):
        uniforms = torch.stack([torch.rand(2, config.prenet_dim, generator=each) for each in generators]).to(device)
        group, stop, state = decoder.step(frame, state, memory, keys, padding, uniforms)
        frames.append(group)
        attention.append(state.weights[:, 0])
        frame = group[:, -1]
        ends = torch.where((ends == 0) & (stop > 0), step, ends)
        if bool((ends > 0).all()):
            break
    ended = (ends > 0).tolist()
    steps = torch.where(ends > 0, ends, len(frames))
    decoded, weights = torch.cat(frames, 1), torch.stack(attention, 1)
    mel = decoded + network.postnet(decoded, mask_of(steps * config.reduction, decoded.shape[1]))
    spoken = []
    for i, count in enumerate(steps.tolist()):
        own = weights[i, :count, : len(texts[i])].cpu()
        spoken.append(Speech(mel[i, : count * config.reduction].cpu(), own, diagnose(own, ended[i])))
    return spoken
