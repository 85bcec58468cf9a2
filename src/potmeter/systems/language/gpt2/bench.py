"""Speed of GPT-2: of decoding one text, in float32 and with weights in 8 bits, and of training."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import matmul_rate, read_bandwidth

from .checkpoints import translate_state
from .compiled import CompiledStep
from .model import Config, Transformer
from .peer import CTranslate2Decoder, convert_to_ctranslate2
from .sampler import Sampler, generate
from .system import GPT2

PROMPT, TOKENS = 16, 64
"""Tokens of the prompt, and tokens that are generated, in each round: as many as ``run`` adds by default."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if any(is_selected(f"decode_124m_{kind}") for kind in ("fp32", "int8")):
        yield from compare_decoding()
    if is_selected("train_tokens_per_s"):
        yield from compare_training()


def compare_decoding() -> Iterator[Row]:
    """Tokens a second of one text by a model of 124 million random weights; peers with the same weights.

    They are ``transformers``, and CTranslate2 in float32 and with weights and activations in 8 bits.
    """
    config = GPT2.presets["124M"]
    peer = build_peer(config).eval().requires_grad_(False)
    model = Transformer(config).eval().requires_grad_(False)
    model.load_state_dict(translate_state(peer.state_dict()))
    ids = torch.randint(config.vocab_size, (1, PROMPT))

    def run_ours(step: CompiledStep) -> Callable[[], Any]:
        return lambda: list(islice(generate(model, ids[0].tolist(), Sampler(0.0), config.vocab_size, step), TOKENS))

    def run_peer() -> None:
        peer.generate(ids, max_new_tokens=TOKENS, min_new_tokens=TOKENS, do_sample=False, pad_token_id=0)

    with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        convert_to_ctranslate2(model, Path(folder))
        decoders = {kind: CTranslate2Decoder(Path(folder), kind) for kind in ("float32", "int8")}
        fp32, int8 = run_ours(CompiledStep(model)), run_ours(CompiledStep(model, int8=True))
        assert decoders["float32"].generate(ids[0].tolist(), TOKENS) == fp32(), "CTranslate2 writes another text"
        functions = {"fp32": stopwatch(fp32), "int8": stopwatch(int8), "peer": stopwatch(run_peer)}
        for kind, decoder in decoders.items():
            functions[kind + "_ct2"] = stopwatch(partial(decoder.generate, ids[0].tolist(), TOKENS))
        found = interleave({**functions, "bandwidth": read_bandwidth}, 5)
    size = sum(p.numel() for p in model.parameters()) - model.position_embedding.weight.numel()
    for kind, compute_type, width in (("fp32", "float32", 4), ("int8", "int8", 1)):
        note = "limit: bytes of the weights over the measured read bandwidth"
        yield compare(f"decode_124m_{kind}", "tokens/s", TOKENS / found[kind], TOKENS / found["peer"],
                      "transformers generate, float32", limit=found["bandwidth"] / (width * size), note=note)  # fmt: skip
        yield compare(f"decode_124m_{kind}", "tokens/s", TOKENS / found[kind], TOKENS / found[f"{compute_type}_ct2"],
                      f"CTranslate2, {compute_type}", limit=found["bandwidth"] / (width * size), note=note)  # fmt: skip


def compare_training() -> Iterator[Row]:
    """Tokens a second of training steps of nanoGPT's size for CPUs."""
    config = replace(GPT2.presets["nanogpt"], vocab_size=1024)
    ids = torch.randint(config.vocab_size, (config.batch_size, config.context_length + 1))
    system, bare, peer = GPT2(config), PlainTransformer(config), build_peer(config)

    def peer_loss(ids: Tensor) -> Tensor:
        logits = peer(ids[:, :-1]).logits
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())

    functions = {
        "ours": training_step(system, lambda ids: system.loss({"ids": ids})["loss"], ids),
        "bare": training_step(bare, bare, ids),
        "peer": training_step(peer.train(), peer_loss, ids),
    }
    count = ids[:, 1:].numel()
    rates = {name: count / seconds for name, seconds in interleave(functions, 25).items()}
    products = sum(
        p.numel() for name, p in system.named_parameters() if p.ndim == 2 and "position_embedding" not in name
    )
    limit = matmul_rate() / (6 * products)
    for name, who in (("bare", "plain PyTorch after nanoGPT"), ("peer", "transformers")):
        yield compare("train_tokens_per_s", "tokens/s", rates["ours"], rates[name], who, limit=limit)


def training_step(model: nn.Module, loss: Callable[[Tensor], Tensor], ids: Tensor) -> Callable[[], float]:
    """One training step with the same optimiser for all, timed."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1, fused=True)

    def once() -> None:
        loss(ids).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return stopwatch(once)


def build_peer(config: Config) -> Any:
    """The model of ``transformers`` of the same size, without dropout."""
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes: dict[str, Any] = {
        "n_layer": config.num_layers,
        "n_head": config.num_heads,
        "n_embd": config.embedding_dim,
        "n_positions": config.context_length,
    }
    none: dict[str, Any] = {
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "bos_token_id": 0,
        "eos_token_id": 0,
    }
    return GPT2LMHeadModel(GPT2Config(vocab_size=config.vocab_size, **sizes, **none))


class PlainTransformer(nn.Module):
    """The model as one would write it in a script: torch's own layer, exact GELU, everything in one forward."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        dim, layer = config.embedding_dim, nn.TransformerEncoderLayer
        self.token_embedding = nn.Embedding(config.vocab_size, dim)
        self.position_embedding = nn.Parameter(0.02 * torch.randn(config.context_length, dim))
        self.blocks = nn.ModuleList(
            layer(dim, config.num_heads, 4 * dim, 0.0, F.gelu, batch_first=True, norm_first=True)
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.token_embedding(ids[:, :-1]) + self.position_embedding[: ids.shape[1] - 1]
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        for block in self.blocks:
            x = block(x, mask, is_causal=True)
        logits = F.linear(self.norm(x), self.token_embedding.weight)
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
