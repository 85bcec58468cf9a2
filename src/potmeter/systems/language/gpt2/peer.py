"""CTranslate2, a fast decoder for CPUs, with the weights of our Transformer: a peer of the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from .model import Transformer


def convert_to_ctranslate2(model: Transformer, folder: Path) -> None:
    """Write the weights in CTranslate2's own format; tokens are named ``t0``, ``t1`` …"""
    from ctranslate2.specs import Activation, TransformerDecoderModelSpec

    config = model.config
    spec = TransformerDecoderModelSpec.from_config(
        config.num_layers, config.num_heads, pre_norm=True, activation=Activation.GELUTanh
    )
    spec.decoder.scale_embeddings = False
    spec.decoder.embeddings.weight = spec.decoder.projection.weight = model.token_embedding.weight.numpy()
    spec.decoder.position_encodings.encodings = model.position_embedding.weight.numpy()
    copy_layer(spec.decoder.layer_norm, model.norm)
    blocks: Any = model.blocks
    for layer, block in zip(spec.decoder.layer, blocks, strict=True):
        copy_layer(layer.self_attention.layer_norm, block.attention_norm)
        copy_layer(layer.self_attention.linear[0], block.attention.qkv_proj)
        copy_layer(layer.self_attention.linear[1], block.attention.out_proj)
        copy_layer(layer.ffn.layer_norm, block.mlp_norm)
        copy_layer(layer.ffn.linear_0, block.mlp.in_proj)
        copy_layer(layer.ffn.linear_1, block.mlp.out_proj)
    spec.register_vocabulary([f"t{token}" for token in range(config.vocab_size)])
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "t0"
    spec.validate()
    spec.save(str(folder))


def copy_layer(target: Any, layer: nn.Linear | nn.LayerNorm) -> None:
    """Weights and bias of a layer, under CTranslate2's names."""
    is_norm = isinstance(layer, nn.LayerNorm)
    setattr(target, "gamma" if is_norm else "weight", layer.weight.numpy())
    setattr(target, "beta" if is_norm else "bias", layer.bias.numpy())


class CTranslate2Decoder:
    """Greedy decoding of one text by CTranslate2, with as many threads as torch has.

    Args:
        folder: What ``convert_to_ctranslate2`` wrote.
        compute_type: ``float32`` or ``int8``.
    """

    def __init__(self, folder: Path, compute_type: str) -> None:
        import ctranslate2

        threads = torch.get_num_threads()
        self.generator = ctranslate2.Generator(
            str(folder), device="cpu", compute_type=compute_type, inter_threads=1, intra_threads=threads
        )

    def generate(self, ids: list[int], tokens: int) -> list[int]:
        """So many tokens that follow."""
        found = self.generator.generate_batch(
            [[f"t{token}" for token in ids]], max_length=tokens, min_length=tokens, sampling_topk=1,
            include_prompt_in_result=False, return_end_token=True, end_token=[],
        )  # fmt: skip
        return list(found[0].sequences_ids[0])
