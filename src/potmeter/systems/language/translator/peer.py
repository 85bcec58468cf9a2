"""CTranslate2, the fastest translator for CPUs that one can install, with the weights of our Transformer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from potmeter.core.bench import Row, compare, interleave, stopwatch

from .model import END, START, filled
from .search import Beam, search
from .system import Translator
from .tokenizer import SPECIAL
from .transformer import Attention, DecoderLayer, Layer, Transformer, positions

SENTENCES, TOKENS = 32, 20
"""Sentences that are translated at once, and tokens of each, and of each translation."""


@torch.inference_mode()
def against_ctranslate2() -> Iterator[Row]:
    """Sentences a second of a Transformer of random weights, greedily and by a beam of 5, in float32."""
    config = Translator.presets["lecture"]
    config = replace(
        config, both=False, target_vocabulary=config.vocabulary
    )  # else random weights repeat what they read
    torch.manual_seed(0)
    model = Transformer(config).eval().requires_grad_(False)
    ordinary(model)
    rows = torch.randint(len(SPECIAL), config.vocabulary, (SENTENCES, TOKENS)).tolist()
    names = [*SPECIAL, *(f"t{number}" for number in range(len(SPECIAL), config.vocabulary))]
    with tempfile.TemporaryDirectory() as folder:
        peer = converted(model, names, Path(folder))
        for width, kind in ((1, "greedy"), (5, "beam_5")):
            beam = Beam(width, length=0.0, longest=TOKENS + 1, shortest=TOKENS)

            def ours(beam: Beam = beam) -> list[list[int]]:
                return [one[0].tokens for one in search(model, filled([[*row, END] for row in rows]), beam)]

            def theirs(width: int = width) -> list[list[int]]:
                sources = [[*(names[i] for i in row), names[END]] for row in rows]
                found = peer.translate_batch(
                    sources, beam_size=width, length_penalty=0, max_decoding_length=TOKENS,
                    min_decoding_length=TOKENS,
                )  # fmt: skip
                return [[names.index(name) for name in one.hypotheses[0]] for one in found]

            same = sum(a == b for a, b in zip(ours(), theirs(), strict=True))
            # a beam's last choice hangs, here, on how unlikely the end is, which only ours counts
            assert width > 1 or same >= 0.9 * SENTENCES, f"only {same} of {SENTENCES} translations are the same"
            seconds = interleave({"ours": stopwatch(ours), "peer": stopwatch(theirs)}, 7)
            rates = {name: SENTENCES / value for name, value in seconds.items()}
            note = f"{same} of {SENTENCES} translations are the same; {torch.get_num_threads()} threads each"
            yield compare(f"sentences_per_s_ctranslate2_{kind}", "sentences/s", rates["ours"], rates["peer"],
                          "CTranslate2, float32", note=note)  # fmt: skip


def ordinary(model: Transformer) -> None:
    """Make special tokens so unlikely that neither writes them: random weights do not know what they are."""
    away = nn.functional.normalize(torch.randn(model.config.width), dim=0)
    model.decoder_norm.bias.add_(3 * away)
    assert model.output is not None
    model.output.weight[: len(SPECIAL)] = -30 * away


def converted(model: Transformer, names: list[str], folder: Path) -> Any:
    """The same weights as a translator of CTranslate2's."""
    import ctranslate2
    from ctranslate2.specs import Activation, TransformerSpec

    config = model.config
    spec = TransformerSpec.from_config(
        (config.layers, config.decoder_layers), config.heads, pre_norm=True, activation=Activation.RELU
    )
    for side, layers, norm, table in (
        (spec.encoder, model.encoder, model.encoder_norm, model.source),
        (spec.decoder, model.decoder, model.decoder_norm, model.target),
    ):
        embedding = side.embeddings[0] if isinstance(side.embeddings, list) else side.embeddings
        embedding.weight = table.weight.numpy()
        side.position_encodings.encodings = positions(0, 512, table.weight).numpy()
        put(side.layer_norm, norm)
        for target, layer in zip(side.layer, layers, strict=True):
            put_layer(target, layer)  # type: ignore[arg-type]
    assert model.output is not None
    spec.decoder.projection.weight = model.output.weight.numpy()
    spec.register_source_vocabulary(names)
    spec.register_target_vocabulary(names)
    spec.config.bos_token, spec.config.eos_token, spec.config.decoder_start_token = (
        names[START],
        names[END],
        names[START],
    )
    spec.config.add_source_eos = spec.config.add_source_bos = False
    spec.validate()
    spec.save(str(folder))
    threads = torch.get_num_threads()
    return ctranslate2.Translator(str(folder), device="cpu", compute_type="float32", intra_threads=threads)


def put(target: Any, layer: nn.Linear | nn.LayerNorm) -> None:
    """Weights and bias of a layer, under CTranslate2's names."""
    weight = layer.weight.numpy()
    setattr(target, "gamma" if isinstance(layer, nn.LayerNorm) else "weight", weight)
    setattr(target, "beta" if isinstance(layer, nn.LayerNorm) else "bias", layer.bias.numpy())


def put_layer(target: Any, layer: Layer) -> None:
    """One layer of the encoder or the decoder."""
    put(target.self_attention.layer_norm, layer.own_norm)
    put_attention(target.self_attention, layer.own, fused=True)
    if isinstance(layer, DecoderLayer):
        put(target.attention.layer_norm, layer.cross_norm)
        put_attention(target.attention, layer.cross, fused=False)
    put(target.ffn.layer_norm, layer.wide_norm)
    put(target.ffn.linear_0, layer.wide)
    put(target.ffn.linear_1, layer.narrow)


def put_attention(target: Any, attention: Attention, fused: bool) -> None:
    """The matrices of an attention: query, key and value in one where it looks at itself."""
    first = [attention.query, attention.pair]
    if fused:
        target.linear[0].weight = torch.cat([layer.weight for layer in first]).numpy()
        target.linear[0].bias = torch.cat([layer.bias for layer in first]).numpy()
    else:
        for place, layer in zip(target.linear[:2], first, strict=True):
            put(place, layer)
    put(target.linear[-1], attention.out)
