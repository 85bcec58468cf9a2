"""CTranslate2, the fastest translator for CPUs that one can install, with the weights of our Transformer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.nn.beam_search import Beam

from .compiled_search import CompiledSearch
from .model import END, START
from .presets import PRESETS
from .tokenizer import SPECIAL
from .transformer import DecoderLayer, EncoderLayer, MultiHeadAttention, Transformer, sinusoidal_positions

SENTENCES, TOKENS = 32, 20
"""Sentences that are translated at once, and tokens of each, and of each translation."""


@torch.inference_mode()
def compare_with_ctranslate2() -> Iterator[Row]:
    """Sentences a second of a Transformer with random weights, greedily and by a beam of 5, in float32."""
    config = PRESETS["lecture"]
    # with one vocabulary random weights repeat what they read
    config = replace(config, both_directions=False, target_vocab_size=config.vocab_size)
    torch.manual_seed(0)
    model = Transformer(config).eval().requires_grad_(False)
    suppress_special_tokens(model)
    rows = torch.randint(len(SPECIAL), config.vocab_size, (SENTENCES, TOKENS)).tolist()
    names = [*SPECIAL, *(f"t{number}" for number in range(len(SPECIAL), config.vocab_size))]
    numbers = {name: number for number, name in enumerate(names)}
    with tempfile.TemporaryDirectory() as folder:
        search, peer = CompiledSearch(model), convert(model, names, Path(folder))
        for width, kind in ((1, "greedy"), (5, "beam_5")):
            if not is_selected(what := f"sentences_per_s_ctranslate2_{kind}"):
                continue
            beam = Beam(width, length_penalty=0.0, min_length=TOKENS)

            def run_ours(beam: Beam = beam) -> list[list[int]]:
                sources = [[*row, END] for row in rows]
                found = search(sources, beam, [TOKENS + 1] * SENTENCES, config.vocab_size)
                return [hypotheses[0].tokens for hypotheses in found]

            def run_peer(width: int = width) -> list[list[int]]:
                sources = [[*(names[i] for i in row), names[END]] for row in rows]
                found = peer.translate_batch(
                    sources, beam_size=width, length_penalty=0, max_decoding_length=TOKENS,
                    min_decoding_length=TOKENS,
                )  # fmt: skip
                return [[numbers[name] for name in one.hypotheses[0]] for one in found]

            same = sum(a == b for a, b in zip(run_ours(), run_peer(), strict=True))
            # a beam's last choice hangs, here, on how unlikely the end is, which only ours counts
            assert width > 1 or same >= 0.9 * SENTENCES, f"only {same} of {SENTENCES} translations are the same"
            seconds = interleave({"ours": stopwatch(run_ours), "peer": stopwatch(run_peer)}, 7)
            rates = {name: SENTENCES / value for name, value in seconds.items()}
            note = f"{same} of {SENTENCES} translations are the same; {torch.get_num_threads()} threads each"
            yield compare(what, "sentences/s", rates["ours"], rates["peer"], "CTranslate2, float32", note=note)


def suppress_special_tokens(model: Transformer) -> None:
    """Make special tokens so unlikely that neither writes them: random weights do not know what they are."""
    direction = nn.functional.normalize(torch.randn(model.config.embedding_dim), dim=0)
    model.decoder_norm.bias.add_(3 * direction)
    assert model.output_projection is not None
    model.output_projection.weight[: len(SPECIAL)] = -30 * direction


def convert(model: Transformer, names: list[str], folder: Path) -> Any:
    """The same weights as a translator of CTranslate2's."""
    import ctranslate2
    from ctranslate2.specs import Activation, TransformerSpec

    config = model.config
    spec = TransformerSpec.from_config(
        (config.encoder_layers, config.decoder_layers), config.num_heads, pre_norm=True, activation=Activation.RELU
    )
    for side, layers, norm, embedding in (
        (spec.encoder, model.encoder, model.encoder_norm, model.source_embedding),
        (spec.decoder, model.decoder, model.decoder_norm, model.target_embedding),
    ):
        target = side.embeddings[0] if isinstance(side.embeddings, list) else side.embeddings
        target.weight = embedding.weight.numpy()
        side.position_encodings.encodings = sinusoidal_positions(0, 512, embedding.weight).numpy()
        copy_layer(side.layer_norm, norm)
        for target, layer in zip(side.layer, layers, strict=True):
            copy_block(target, layer)  # type: ignore[arg-type]
    assert model.output_projection is not None
    spec.decoder.projection.weight = model.output_projection.weight.numpy()
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


def copy_layer(target: Any, layer: nn.Linear | nn.LayerNorm) -> None:
    """Weights and bias of a layer, under CTranslate2's names."""
    weight = layer.weight.numpy()
    setattr(target, "gamma" if isinstance(layer, nn.LayerNorm) else "weight", weight)
    setattr(target, "beta" if isinstance(layer, nn.LayerNorm) else "bias", layer.bias.numpy())


def copy_block(target: Any, layer: EncoderLayer | DecoderLayer) -> None:
    """One layer of the encoder or the decoder."""
    copy_layer(target.self_attention.layer_norm, layer.self_attention_norm)
    copy_attention(target.self_attention, layer.self_attention, fused=True)
    if isinstance(layer, DecoderLayer):
        copy_layer(target.attention.layer_norm, layer.cross_attention_norm)
        copy_attention(target.attention, layer.cross_attention, fused=False)
    copy_layer(target.ffn.layer_norm, layer.feed_forward_norm)
    copy_layer(target.ffn.linear_0, layer.feed_forward.linear1)
    copy_layer(target.ffn.linear_1, layer.feed_forward.linear2)


def copy_attention(target: Any, attention: MultiHeadAttention, fused: bool) -> None:
    """The matrices of an attention: query, key and value in one for self-attention."""
    first = [attention.query, attention.key_value]
    if fused:
        target.linear[0].weight = torch.cat([layer.weight for layer in first]).numpy()
        target.linear[0].bias = torch.cat([layer.bias for layer in first]).numpy()
    else:
        for place, layer in zip(target.linear[:2], first, strict=True):
            copy_layer(place, layer)
    copy_layer(target.linear[-1], attention.output)
