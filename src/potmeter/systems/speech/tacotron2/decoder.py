"""The decoder: prenet, location-sensitive attention and two LSTMs, a step at a time or, with a teacher, all steps at once."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from .config import Config
from .shared_factor import SharedFactor


class Prenet(nn.Module):
    """Two layers without biases, with dropout that is always active: it keeps the decoder from copying its last frame."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(inputs, config.prenet_dim, bias=False) for inputs in (config.n_mels, config.prenet_dim)
        )
        self.dropout = config.prenet_dropout

    def forward(
        self, frames: Float[Tensor, "*b m"], uniforms: Float[Tensor, "b 2 p"] | None = None
    ) -> Float[Tensor, "*b p"]:
        """What the decoder sees of frames.

        Args:
            frames: The last frames.
            uniforms: Numbers in [0, 1) for the dropout of either layer; None = it draws them itself.
        """
        for number, layer in enumerate(self.layers):
            frames = F.relu(layer(frames))
            if uniforms is None:
                frames = F.dropout(frames, self.dropout, training=True)
            else:
                frames = frames * (uniforms[:, number] >= self.dropout) / (1 - self.dropout)
        return frames


class LocationAttention(nn.Module):
    """Location-sensitive attention (Chorowski et al. 2015, arXiv:1506.07503): what was attended to so far counts, too."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size, filters, kernel = config.attention_dim, config.location_filters, config.location_kernel
        self.query = nn.Linear(config.attention_hidden, size, bias=False)
        self.memory = nn.Linear(config.embedding_dim, size, bias=False)
        self.location_convolution = nn.Conv1d(2, filters, kernel, padding=kernel // 2, bias=False)
        self.location = nn.Linear(filters, size, bias=False)
        self.score = nn.Linear(size, 1, bias=False)
        for layer in (self.query, self.memory, self.location):
            nn.init.xavier_uniform_(layer.weight, nn.init.calculate_gain("tanh"))

    def forward(
        self, query: Float[Tensor, "b h"], keys: Float[Tensor, "b n a"], weights: Float[Tensor, "b 2 n"],
        padding: Bool[Tensor, "b n"],
    ) -> Float[Tensor, "b n"]:  # fmt: skip
        """Attention weights.

        Args:
            query: The attention LSTM's state.
            keys: ``self.memory(memory)``.
            weights: The last step's attention weights, and the sum of all steps'.
            padding: Where a text has ended.
        """
        location = self.location(self.location_convolution(weights).mT)  # (B, N, A)
        return self.normalise(self.query(query)[:, None] + keys + location, padding)

    def normalise(self, sums: Float[Tensor, "b n a"], padding: Bool[Tensor, "b n"]) -> Float[Tensor, "b n"]:
        """Attention weights from the sums of query, keys and location."""
        energies = self.score(torch.tanh(sums))[..., 0]
        return energies.float().masked_fill(padding, -torch.inf).softmax(1)

    def location_matrix(self, size: int) -> Float[Tensor, "c na"]:
        """Convolution and projection of the attention weights as one matrix, (2 N, N A): the fastest for short texts.

        ``weights.flatten(1) @ matrix`` is what ``location(location_convolution(weights).mT)`` is, flattened.
        """
        kernel = self.location_convolution.kernel_size[0]
        filters = torch.einsum("fck,af->cka", self.location_convolution.weight, self.location.weight)  # (2, K, A)
        place = torch.arange(size, device=filters.device)
        offsets = place[:, None] - place + kernel // 2  # (N, N): from the symbol that is convolved to the other
        inside = (offsets >= 0) & (offsets < kernel)
        matrix = filters[:, offsets.clamp(0, kernel - 1)] * inside[..., None]  # (2, N, N, A)
        return matrix.flatten(2).flatten(0, 1)


class State(NamedTuple):
    """What the decoder carries from step to step: two LSTMs' states, attention weights (last, sum), context vector."""

    attention: tuple[Tensor, Tensor]
    decoder: tuple[Tensor, Tensor]
    weights: Tensor
    context: Tensor


class Decoder(nn.Module):
    """From memory to mel frames, ``reduction`` of them at a step."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        size, attention, decoder = config.embedding_dim, config.attention_hidden, config.decoder_hidden
        self.prenet = Prenet(config)
        self.attention_lstm = nn.LSTMCell(config.prenet_dim + size, attention)
        self.attention = LocationAttention(config)
        self.decoder_lstm = nn.LSTMCell(attention + size, decoder)
        self.frames = nn.Linear(decoder + size, config.n_mels * config.reduction)
        self.stop = nn.Linear(decoder + size, 1)

    def initial_state(self, memory: Float[Tensor, "b n e"]) -> State:
        """All zero."""
        zeros = lambda *shape: memory.new_zeros(len(memory), *shape)
        cells = [(zeros(size), zeros(size)) for size in (self.config.attention_hidden, self.config.decoder_hidden)]
        return State(cells[0], cells[1], zeros(2, memory.shape[1]), zeros(memory.shape[2]))

    def step(
        self, frame: Float[Tensor, "b m"], state: State, memory: Float[Tensor, "b n e"], keys: Float[Tensor, "b n a"],
        padding: Bool[Tensor, "b n"], uniforms: Float[Tensor, "b 2 p"] | None = None,
    ) -> tuple[Tensor, Tensor, State]:  # fmt: skip
        """The next frames (B, R, M), the stop token's logit (B,), and the state, after the last frame there is."""
        inputs = self.prenet(frame, uniforms)
        hidden, cell = self.attention_lstm(torch.cat([inputs, state.context], 1), state.attention)
        hidden = self.drop(hidden)
        weights = self.attention(hidden, keys, state.weights, padding)
        context = (weights[:, None] @ memory)[:, 0]
        upper, upper_cell = self.decoder_lstm(torch.cat([hidden, context], 1), state.decoder)
        upper = self.drop(upper)
        features = torch.cat([upper, context], 1)
        history = torch.stack([weights, state.weights[:, 1] + weights], 1)
        frames = self.frames(features).unflatten(1, (self.config.reduction, -1))
        return frames, self.stop(features)[:, 0], State((hidden, cell), (upper, upper_cell), history, context)

    def forward(
        self, memory: Float[Tensor, "b n e"], lengths: Int[Tensor, " b"], mel: Float[Tensor, "b t m"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Teacher forcing: each step is given the true frame before it.

        The same as ``step`` after ``step``, in another order: what does not depend on the recurrence is multiplied for all
        steps at once, and the upper LSTM, to which nothing below looks up, follows when the attention is done.

        Args:
            memory: What the encoder gives.
            lengths: Of the texts.
            mel: The true frames; T is a multiple of the reduction.

        Returns:
            Frames (B, T, M), the stop token's logits (B, S), attention weights (B, S, N), of S = T / reduction steps.
        """
        steps, size = mel.shape[1] // self.config.reduction, memory.shape[1]
        last = F.pad(mel[:, self.config.reduction - 1 : -1 : self.config.reduction], (0, 0, 1, 0))  # (B, S, M)
        state, keys = self.initial_state(memory), self.attention.memory(memory)
        padding = ~mask_of(lengths, size)
        lstm, prenet = self.attention_lstm, self.config.prenet_dim
        assert lstm.bias_ih is not None
        assert lstm.bias_hh is not None
        inputs = F.linear(self.prenet(last), lstm.weight_ih[:, :prenet], lstm.bias_ih + lstm.bias_hh)  # (B, S, 4H)
        recurrent = SharedFactor(autocast(torch.cat([lstm.weight_ih[:, prenet:], lstm.weight_hh], 1).T))
        located = SharedFactor(autocast(self.attention.location_matrix(size)))
        attended = SharedFactor(autocast(memory))
        queried = SharedFactor(autocast(self.attention.query.weight.T))
        hidden, cell = autocast(state.attention[0]), state.attention[1]
        context, total = autocast(state.context), state.weights[:, 1]
        weights = total
        outputs: tuple[list[Tensor], ...] = ([], [], [])
        for gates in inputs.unbind(1):
            hidden, cell = lstm_cell(gates + recurrent.multiply(torch.cat([context, hidden], 1)), cell)
            hidden = autocast(self.drop(hidden))
            location = located.multiply(autocast(torch.cat([weights, total], 1))).unflatten(1, (size, -1))
            weights = self.attention.normalise(queried.multiply(hidden)[:, None] + keys + location, padding)
            context, total = attended.multiply(autocast(weights)[:, None])[:, 0], total + weights
            for values, value in zip(outputs, (hidden, context, weights), strict=True):
                values.append(value)
        hiddens, contexts, attention = (torch.stack(values, 1) for values in outputs)
        features = torch.cat([self.run_upper(torch.cat([hiddens, contexts], 2), state.decoder), contexts], 2)
        frames = self.frames(features).view(len(memory), steps * self.config.reduction, -1)
        return frames, self.stop(features)[..., 0], attention

    def run_upper(self, inputs: Float[Tensor, "b s i"], state: tuple[Tensor, Tensor]) -> Float[Tensor, "b s h"]:
        """The upper LSTM over all steps."""
        lstm, (hidden, cell) = self.decoder_lstm, (autocast(state[0]), state[1])
        assert lstm.bias_ih is not None
        assert lstm.bias_hh is not None
        recurrent, outputs = SharedFactor(autocast(lstm.weight_hh.T)), []
        for gates in F.linear(inputs, lstm.weight_ih, lstm.bias_ih + lstm.bias_hh).unbind(1):
            hidden, cell = lstm_cell(gates + recurrent.multiply(hidden), cell)
            hidden = autocast(self.drop(hidden))
            outputs.append(hidden)
        return torch.stack(outputs, 1)

    def drop(self, hidden: Tensor) -> Tensor:
        """Dropout of a hidden state."""
        return F.dropout(hidden, self.config.lstm_dropout, self.training)


def lstm_cell(gates: Float[Tensor, "b g"], cell: Float[Tensor, "b h"]) -> tuple[Tensor, Tensor]:
    """An LSTM's hidden state and cell from the sums that go into its gates (input, forget, cell, output)."""
    size = cell.shape[1]
    gates = gates.float()  # the cell sums over all steps: never in half precision
    activations = gates.sigmoid()  # the cell's quarter is not used
    cell = activations[:, size : 2 * size] * cell + activations[:, :size] * gates[:, 2 * size : 3 * size].tanh()
    return activations[:, 3 * size :] * cell.tanh(), cell


def autocast(x: Tensor) -> Tensor:
    """A tensor in the precision of matrix products: lower where mixed precision is on."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def mask_of(lengths: Int[Tensor, " b"], size: int) -> Bool[Tensor, "b size"]:
    """Where a padded sequence has not ended yet."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]
