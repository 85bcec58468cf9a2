"""Sequence to sequence by LSTMs, as tensorflow/nmt has it: without attention, with Luong's, or with GNMT's.

Luong, Pham and Manning, "Effective Approaches to Attention-based Neural Machine Translation" (arXiv:1508.04025), with
the dot product scaled by a learned number, and with input feeding: the attentional vector a goes into the next step.

    αₜ = softmax(g · hₜ K)        cₜ = Σ αₜₛ mₛ        aₜ = W [hₜ; cₜ]

h is the decoder's top layer, m the encoder's output (the memory) and K = W_K m its keys; the logits come from a. In GNMT
(Wu et al., arXiv:1609.08144) the bottom layer attends, and every upper layer takes its context c. Instead of g · hₜ K,
additive attention (Bahdanau et al., arXiv:1409.0473) has g · v/|v| · tanh(K + W_Q hₜ + b), normalised as by Salimans and
Kingma (arXiv:1602.07868).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .model import PAD, Config, DecoderState, Seq2Seq

FORGET_BIAS = 1.0
"""Added to the forget gate, so that a new LSTM remembers (TensorFlow's ``BasicLSTMCell``)."""


class LSTM(nn.Module):
    """A long short-term memory; its one matrix W is kept in two parts, as the inputs become known.

        i, g, f, o = W [x; h] + b        c' = σ(f + 1) c + σ(i) tanh(g)        h' = σ(o) tanh(c')

    The gates (input, cell, forget, output) stand in TensorFlow's order; PyTorch's is i, f, g, o, without the 1.

    Args:
        input_size: Of the part of x that is known for all steps: it is multiplied by its part of W at once.
        feed_size: Of the part of x that becomes known step by step.
        hidden_size: Of h and c.
    """

    def __init__(self, input_size: int, feed_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_input = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hidden = nn.Parameter(torch.empty(4 * hidden_size, feed_size + hidden_size))
        self.bias = nn.Parameter(torch.zeros(4 * hidden_size))

    def project_inputs(self, x: Float[Tensor, "b s i"]) -> tuple[Float[Tensor, "b gates"], ...]:
        """The part of the gates that comes of the inputs x (B, S, I), one (B, 4 hidden_size) for each of the S steps."""
        return F.linear(x, self.weight_input, self.bias).unbind(1)

    def step(
        self, gates: Tensor, feed_and_h: Float[Tensor, "b k"], c: Float[Tensor, "b c"]
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """New h and c, from what ``project_inputs`` gave (or the bias) and the rest of [x; h]."""
        i, g, f, o = (gates + F.linear(feed_and_h, self.weight_hidden)).chunk(4, 1)
        c = (f + FORGET_BIAS).sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def forward(
        self, x: Float[Tensor, "b s i"], mask: Bool[Tensor, "b s"], backward: bool = False
    ) -> tuple[Float[Tensor, "b s c"], Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """Read sequences from either end; padding leaves h and c as they are.

        Returns:
            h after each token, and the last h and c.
        """
        gates, real = self.project_inputs(x), mask[:, :, None].unbind(1)
        h = c = x.new_zeros(len(x), self.hidden_size)
        outputs = [h] * x.shape[1]
        for t in reversed(range(x.shape[1])) if backward else range(x.shape[1]):
            new_h, new_c = self.step(gates[t], h, c)
            h, c = torch.where(real[t], new_h, h), torch.where(real[t], new_c, c)
            outputs[t] = h
        return torch.stack(outputs, 1), h, c


class Encoder(nn.Module):
    """Bidirectional layers (lstm, luong), or one of them and residual layers above it (gnmt)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        c, pairs = config.embedding_dim, 1 if config.architecture == "gnmt" else config.encoder_layers // 2
        self.forward_layers = nn.ModuleList(LSTM(2 * c if n else c, 0, c) for n in range(pairs))
        self.backward_layers = nn.ModuleList(LSTM(2 * c if n else c, 0, c) for n in range(pairs))
        upper = config.encoder_layers - 1 if config.architecture == "gnmt" else 0
        self.upper_layers = nn.ModuleList(LSTM(c if n else 2 * c, 0, c) for n in range(upper))
        self.dropout = nn.Dropout(config.dropout)
        self.memory_dim = c if upper else 2 * c

    def forward(
        self, x: Float[Tensor, "b s c"], mask: Bool[Tensor, "b s"]
    ) -> tuple[Float[Tensor, "b s m"], list[tuple[Tensor, Tensor]]]:
        """The memory, and h and c with which each layer of the decoder begins."""
        last = []
        for forward_layer, backward_layer in zip(self.forward_layers, self.backward_layers, strict=True):
            x = self.dropout(x)
            forward_output, *forward_state = forward_layer(x, mask)
            backward_output, *backward_state = backward_layer(x, mask, backward=True)
            x = torch.cat([forward_output, backward_output], 2)
            last += [(forward_state[0], forward_state[1]), (backward_state[0], backward_state[1])]
        if self.upper_layers:
            last = last[1:]  # the decoder's bottom layer goes on from the backward one
        for number, layer in enumerate(self.upper_layers):
            output, h, c = layer(self.dropout(x), mask)
            x = x + output if number else output
            last.append((h, c))
        return x, last


class RecurrentSeq2Seq(Seq2Seq):
    """Encoder, decoder and attention."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        c, architecture = config.embedding_dim, config.architecture
        self.encoder = Encoder(config)
        m = self.encoder.memory_dim
        feed_size = {"luong": c, "gnmt": m, "lstm": 0}[architecture]
        upper_size = c + m if architecture == "gnmt" else c
        self.bottom_layer = LSTM(c, feed_size, c)
        self.upper_layers = nn.ModuleList(LSTM(0, upper_size, c) for _ in range(config.decoder_layers - 1))
        if architecture != "lstm":
            self.key_projection = nn.Linear(m, c, bias=False)
            self.attention_scale = nn.Parameter(torch.ones(()))
        if architecture != "lstm" and config.attention == "additive":
            self.query_projection = nn.Linear(c, c, bias=False)
            self.attention_vector, self.attention_bias = nn.Parameter(torch.randn(c)), nn.Parameter(torch.zeros(c))
            self.attention_scale = nn.Parameter(torch.tensor(c**-0.5))
        if architecture == "luong":
            self.attention_layer = nn.Linear(c + m, c, bias=False)
        for parameter in self.parameters():
            if parameter.ndim > 1 and config.init_range is not None:
                nn.init.uniform_(parameter, -config.init_range, config.init_range)
            elif parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def encode(self, source: Int[Tensor, "b s"]) -> DecoderState:
        mask = source != PAD
        memory, last = self.encoder(self.source_embedding(source), mask)
        state = DecoderState(mask)
        for number, (h, c) in enumerate(last):
            state[f"h{number}"], state[f"c{number}"] = h, c
        if self.config.architecture != "lstm":
            keys, additive = self.key_projection(memory), self.config.attention == "additive"
            state["memory"] = memory
            state["keys"] = keys + self.attention_bias if additive else keys * self.attention_scale
            feed_size = self.config.embedding_dim if self.config.architecture == "luong" else memory.shape[2]
            state["feed"] = memory.new_zeros(len(source), feed_size)
        return state

    def decode(
        self, tokens: Int[Tensor, "b t"], state: DecoderState
    ) -> tuple[Float[Tensor, "b t c"], Float[Tensor, "b t s"] | None]:
        gates = self.bottom_layer.project_inputs(self.dropout(self.target_embedding(tokens)))
        outputs, weights = zip(*(self.step(part, state) for part in gates), strict=True)
        state.length += tokens.shape[1]
        return torch.stack(outputs, 1), None if weights[0] is None else torch.stack(weights, 1)

    def step(
        self, gates: Float[Tensor, "b gates"], state: DecoderState
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b s"] | None]:
        """One token: the decoder's output and the attention weights."""
        architecture, weights = self.config.architecture, None
        feed_and_h = [state["h0"]] if architecture == "lstm" else [self.dropout(state["feed"]), state["h0"]]
        x, state["c0"] = self.bottom_layer.step(gates, torch.cat(feed_and_h, 1), state["c0"])
        state["h0"] = x
        if architecture == "gnmt":
            state["feed"], weights = self.attend(x, state)
        for number, layer in enumerate(self.upper_layers, 1):
            inputs = self.dropout(torch.cat([x, state["feed"]], 1) if architecture == "gnmt" else x)
            h, c = layer.step(layer.bias, torch.cat([inputs, state[f"h{number}"]], 1), state[f"c{number}"])  # type: ignore[operator]
            state[f"h{number}"], state[f"c{number}"] = h, c
            x = x + h if architecture == "gnmt" and number > 1 else h
        if architecture == "luong":
            context, weights = self.attend(x, state)
            x = state["feed"] = self.attention_layer(torch.cat([x, context], 1))
        return x, weights

    def attend(self, h: Float[Tensor, "b c"], state: DecoderState) -> tuple[Float[Tensor, "b m"], Float[Tensor, "b s"]]:
        """The context vector, and the attention weights."""
        if self.config.attention == "multiplicative":
            scores = torch.einsum("bc,bsc->bs", h, state["keys"])
        else:
            vector = self.attention_scale * F.normalize(self.attention_vector, dim=0)
            scores = (state["keys"] + self.query_projection(h)[:, None]).tanh() @ vector
        weights = scores.masked_fill(~state.source_mask, -torch.inf).softmax(1)
        return torch.einsum("bs,bsm->bm", weights, state["memory"]), weights
