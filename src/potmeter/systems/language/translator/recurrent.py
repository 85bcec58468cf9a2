"""Translation by long short-term memories, as tensorflow/nmt has it: Luong's attention, GNMT's, or none.

Luong, Pham and Manning, "Effective Approaches to Attention-based Neural Machine Translation" (arXiv:1508.04025), with
the dot product scaled by a learned number, and the last attention fed to the next step's input:

    αₜ = softmax(g · hₜ K)        cₜ = Σ αₜₛ mₛ        aₜ = W [hₜ; cₜ]

h is the decoder's top layer, m the encoder's output and K = M m; scores come from a. In GNMT (Wu et al.,
arXiv:1609.08144) the bottom layer looks, and every upper layer sees its c. Instead of g · hₜ K, additive attention (Bahdanau
et al., arXiv:1409.0473) has g · v/|v| · tanh(K + Q hₜ + b), normalised as by Salimans and Kingma (arXiv:1602.07868).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from .model import PAD, Config, State, Translation

FORGET = 1.0
"""Added to the forget gate, so that a new memory keeps what it has."""


class LSTM(nn.Module):
    """A long short-term memory; its one matrix is kept in two parts, as the inputs come.

        i, g, f, o = W [x; h] + b        c' = σ(f + 1) c + σ(i) tanh(g)        h' = σ(o) tanh(c')

    Args:
        ahead: How many numbers of x are known before the first step: they meet their part of W at once.
        fed: How many become known step by step.
        width: Of h and c.
    """

    def __init__(self, ahead: int, fed: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.ahead = nn.Parameter(torch.empty(4 * width, ahead))
        self.each = nn.Parameter(torch.empty(4 * width, fed + width))
        self.bias = nn.Parameter(torch.zeros(4 * width))

    def begin(self, x: Float[Tensor, "b s a"]) -> tuple[Float[Tensor, "b g"], ...]:
        """What the numbers known ahead add to the gates, for each step."""
        return F.linear(x, self.ahead, self.bias).unbind(1)

    def step(self, gates: Tensor, fed_and_h: Float[Tensor, "b k"], c: Float[Tensor, "b w"]) -> tuple[Tensor, Tensor]:
        """New h and c, from what ``begin`` gave (or the bias) and the rest of [x; h]."""
        i, g, f, o = (gates + F.linear(fed_and_h, self.each)).chunk(4, 1)
        c = (f + FORGET).sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def forward(
        self, x: Float[Tensor, "b s a"], mask: Bool[Tensor, "b s"], backward: bool = False
    ) -> tuple[Float[Tensor, "b s w"], Float[Tensor, "b w"], Float[Tensor, "b w"]]:
        """Read sequences from either end; padding leaves the memory as it is.

        Returns:
            h after each token, and the last h and c.
        """
        gates, real = self.begin(x), mask[:, :, None].unbind(1)
        h = c = x.new_zeros(len(x), self.width)
        outputs = [h] * x.shape[1]
        for t in reversed(range(x.shape[1])) if backward else range(x.shape[1]):
            new_h, new_c = self.step(gates[t], h, c)
            h, c = torch.where(real[t], new_h, h), torch.where(real[t], new_c, c)
            outputs[t] = h
        return torch.stack(outputs, 1), h, c


class Encoder(nn.Module):
    """Layers in two directions (luong), or one such layer and residual ones above it (gnmt)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        w, pairs = config.width, 1 if config.architecture == "gnmt" else config.layers // 2
        self.forwards = nn.ModuleList(LSTM(2 * w if n else w, 0, w) for n in range(pairs))
        self.backwards = nn.ModuleList(LSTM(2 * w if n else w, 0, w) for n in range(pairs))
        above = config.layers - 1 if config.architecture == "gnmt" else 0
        self.above = nn.ModuleList(LSTM(w if n else 2 * w, 0, w) for n in range(above))
        self.dropout = nn.Dropout(config.dropout)
        self.width = w if above else 2 * w

    def forward(
        self, x: Float[Tensor, "b s w"], mask: Bool[Tensor, "b s"]
    ) -> tuple[Float[Tensor, "b s m"], list[tuple[Tensor, Tensor]]]:
        """The output for each token, and h and c with which each layer of the decoder begins."""
        last = []
        for one, other in zip(self.forwards, self.backwards, strict=True):
            x = self.dropout(x)
            ahead, *first = one(x, mask)
            back, *second = other(x, mask, backward=True)
            x = torch.cat([ahead, back], 2)
            last += [(first[0], first[1]), (second[0], second[1])]
        if self.above:
            last = last[1:]  # the decoder's bottom layer goes on from the backward one
        for number, layer in enumerate(self.above):
            y, h, c = layer(self.dropout(x), mask)
            x = x + y if number else y
            last.append((h, c))
        return x, last


class Recurrent(Translation):
    """The whole of it."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        w, kind = config.width, config.architecture
        self.encoder = Encoder(config)
        m = self.encoder.width
        first = {"luong": w, "gnmt": m, "none": 0}[kind]
        upper = w + m if kind == "gnmt" else w
        self.bottom = LSTM(w, first, w)
        self.upper = nn.ModuleList(LSTM(0, upper, w) for _ in range(config.decoder_layers - 1))
        if kind != "none":
            self.keys = nn.Linear(m, w, bias=False)
            self.scale = nn.Parameter(torch.ones(()))
        if kind != "none" and config.attention == "additive":
            self.query = nn.Linear(w, w, bias=False)
            self.vector, self.shift = nn.Parameter(torch.randn(w)), nn.Parameter(torch.zeros(w))
            self.scale = nn.Parameter(torch.tensor(w**-0.5))
        if kind == "luong":
            self.attention = nn.Linear(w + m, w, bias=False)
        for parameter in self.parameters():
            if parameter.ndim > 1 and config.uniform is not None:
                nn.init.uniform_(parameter, -config.uniform, config.uniform)
            elif parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def encode(self, source: Int[Tensor, "b s"]) -> State:
        mask = source != PAD
        memory, last = self.encoder(self.source(source), mask)
        state = State(mask)
        for number, (h, c) in enumerate(last):
            state[f"h{number}"], state[f"c{number}"] = h, c
        if self.config.architecture != "none":
            keys = self.keys(memory)
            state["memory"] = memory
            state["keys"] = keys * self.scale if self.config.attention == "multiplicative" else keys + self.shift
            fed = self.config.width if self.config.architecture == "luong" else memory.shape[2]
            state["fed"] = memory.new_zeros(len(source), fed)
        return state

    def decode(
        self, tokens: Int[Tensor, "b t"], state: State
    ) -> tuple[Float[Tensor, "b t w"], Float[Tensor, "b t s"] | None]:
        gates = self.bottom.begin(self.dropout(self.target(tokens)))
        outputs, weights = zip(*(self.step(part, state) for part in gates), strict=True)
        state.length += tokens.shape[1]
        return torch.stack(outputs, 1), None if weights[0] is None else torch.stack(weights, 1)

    def step(self, gates: Float[Tensor, "b g"], state: State) -> tuple[Float[Tensor, "b w"], Tensor | None]:
        """One token: what the scores are made of, and the weights of the attention."""
        kind, weights = self.config.architecture, None
        seen = [state["h0"]] if kind == "none" else [self.dropout(state["fed"]), state["h0"]]
        x, state["c0"] = self.bottom.step(gates, torch.cat(seen, 1), state["c0"])
        state["h0"] = x
        if kind == "gnmt":
            state["fed"], weights = self.look(x, state)
        for number, layer in enumerate(self.upper, 1):
            inputs = self.dropout(torch.cat([x, state["fed"]], 1) if kind == "gnmt" else x)
            h, c = layer.step(layer.bias, torch.cat([inputs, state[f"h{number}"]], 1), state[f"c{number}"])  # type: ignore[operator]
            state[f"h{number}"], state[f"c{number}"] = h, c
            x = x + h if kind == "gnmt" and number > 1 else h
        if kind == "luong":
            context, weights = self.look(x, state)
            x = state["fed"] = self.attention(torch.cat([x, context], 1))
        return x, weights

    def look(self, h: Float[Tensor, "b w"], state: State) -> tuple[Float[Tensor, "b m"], Float[Tensor, "b s"]]:
        """The attended mixture of the encoder's output, and its weights."""
        if self.config.attention == "multiplicative":
            scores = torch.einsum("bw,bsw->bs", h, state["keys"])
        else:
            scores = (state["keys"] + self.query(h)[:, None]).tanh() @ (self.scale * F.normalize(self.vector, dim=0))
        weights = scores.masked_fill(~state.mask, -torch.inf).softmax(1)
        return torch.einsum("bs,bsm->bm", weights, state["memory"]), weights
