"""Tacotron 2: from symbols to a mel spectrogram by attention, some frames at each step, and a postnet that corrects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.mel import MelConfig

from .shared_factor import SharedFactor

MEL_FIELDS = ("sample_rate", "n_fft", "win_length", "hop_length", "n_mels", "f_min", "f_max")
"""What a Config and a MelConfig have in common."""
MAX_SYMBOLS = 1000
"""Longest text that is read at once: what attention needs grows with its square."""
PAD = 0
"""The symbol that fills a minibatch's shorter texts."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """The sizes of Tacotron 2, how text is read, which mel spectrogram is predicted, and what helps on small hardware."""

    dataset: str = "flite"
    """Speech that it is trained on where no --data is given; saved with weights, that which they were trained on."""
    text: Literal["letters", "phonemes"] = "phonemes"
    """What the network reads: letters as they are written, or the phonemes that eSpeak NG finds."""
    language: str = "en-us"
    """Of the text, as eSpeak NG calls it: en-us, hu, ru. Numbers are read out in it."""
    symbols: tuple[str, ...] = ()
    """What the text consists of, the padding first; from the data when it is trained."""
    alphabet: str = ""
    """The letters that the texts are written in; from the data when it is trained."""
    max_symbols: Annotated[int, Range(0, MAX_SYMBOLS)] = 0
    """Longest text in symbols: longer ones are not trained on, and are spoken in parts; 0 = the longest of the data."""
    embedding_dim: Annotated[int, Range(2, 4096)] = 512
    """Of a symbol's embedding, of the encoder's feature maps, and of its bidirectional LSTM's two directions together."""
    encoder_layers: Annotated[int, Range(0, 16)] = 3
    """Convolutions of the encoder."""
    prenet_dim: Annotated[int, Range(1, 4096)] = 256
    """Units of each of the prenet's two layers."""
    prenet_dropout: Annotated[float, Range(0, 1, open="high")] = 0.5
    """Dropout of the prenet, which is active when it speaks, too."""
    attention_dim: Annotated[int, Range(1, 4096)] = 128
    """Dimension in which the query is compared with the memory."""
    location_filters: Annotated[int, Range(1, 1024)] = 32
    """Filters over the attention weights so far."""
    location_kernel: Annotated[int, Range(1, 255)] = 31
    """Their length in symbols; odd."""
    attention_hidden: Annotated[int, Range(1, 8192)] = 1024
    """Units of the LSTM whose state is the query."""
    decoder_hidden: Annotated[int, Range(1, 8192)] = 1024
    """Units of the LSTM above it."""
    lstm_dropout: Annotated[float, Range(0, 1, open="high")] = 0.1
    """Dropout of both LSTMs' hidden states."""
    dropout: Annotated[float, Range(0, 1, open="high")] = 0.5
    """Dropout of the convolutions of encoder and postnet."""
    postnet_channels: Annotated[int, Range(1, 4096)] = 512
    """Channels of the postnet's feature maps."""
    postnet_layers: Annotated[int, Range(2, 16)] = 5
    """Convolutions of the postnet."""
    reduction: Annotated[int, Range(1, 16)] = 1
    """Reduction factor: mel frames that the decoder predicts at a step."""
    guided_attention: Annotated[float, Range(0)] = 0.0
    """Weight of the guided attention loss, which wants attention along the diagonal; 0 = none."""
    guided_width: Annotated[float, Range(0, 10, open="low")] = 0.2
    """Standard deviation of what counts as along the diagonal, as a fraction of text and speech."""
    stop_weight: Annotated[float, Range(0, open="low")] = 1.0
    """Weight of the step at which speech ends in the stop token's loss, because it is rare."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the matrix products in training; bfloat16 is automatic mixed precision, faster where the processor has it."""
    short_epochs: Annotated[int, Range(0)] = 0
    """Epochs in which only the shorter sentences are trained on, ever longer ones; 0 = all from the start."""
    normalise: bool = False
    """Whether the log-mel values are scaled to mean 0 and standard deviation 1; False: as they are."""
    mel_mean: float = 0.0
    """What is subtracted from log-mel values; from the data when it is trained."""
    mel_std: Annotated[float, Range(0, open="low")] = 1.0
    """What they are divided by; from the data when it is trained."""
    sample_rate: Annotated[int, Range(1000, 192_000)] = 22_050
    """Samples a second of the speech; other sounds are resampled."""
    n_fft: Annotated[int, Range(16, 65_536)] = 1024
    """Samples of a frame's Fourier transform."""
    hop_length: Annotated[int, Range(1, 65_536)] = 256
    """Samples from one frame to the next."""
    win_length: Annotated[int, Range(2, 65_536)] = 1024
    """Samples of the Hann window."""
    n_mels: Annotated[int, Range(1, 1024)] = 80
    """Mel bands."""
    f_min: Annotated[float, Range(0)] = 0.0
    """Lower edge of the lowest band, in Hz."""
    f_max: Annotated[float, Range(0, open="low")] = 8000.0
    """Upper edge of the highest band, in Hz."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.embedding_dim % 2 == 0 or reject("embedding_dim is even: two directions share it.", self.embedding_dim)
        self.location_kernel % 2 or reject("location_kernel is odd.", self.location_kernel)
        assert self.mel_config  # whose sizes must fit each other

    @property
    def mel_config(self) -> MelConfig:
        """How mel spectrograms are computed."""
        return MelConfig(**{name: getattr(self, name) for name in MEL_FIELDS})


class ConvolutionBlock(nn.Sequential):
    """Convolution of 5 steps, batch normalisation, a nonlinearity (none: the last of the postnet), dropout."""

    def __init__(self, inputs: int, outputs: int, nonlinearity: nn.Module | None, dropout: float) -> None:
        gain = {nn.ReLU: "relu", nn.Tanh: "tanh"}.get(type(nonlinearity), "linear")  # type: ignore[arg-type]
        convolution = nn.Conv1d(inputs, outputs, 5, padding=2)
        nn.init.xavier_uniform_(convolution.weight, nn.init.calculate_gain(gain))  # type: ignore[arg-type]
        last = [nonlinearity] if nonlinearity else []
        super().__init__(convolution, nn.BatchNorm1d(outputs), *last, nn.Dropout(dropout))


class Encoder(nn.Module):
    """Symbols in context: embedding, convolutions, a bidirectional LSTM."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        size = config.embedding_dim
        self.embedding = nn.Embedding(max(len(config.symbols), 1), size)
        bound = (6 / (len(config.symbols) + size)) ** 0.5
        nn.init.uniform_(self.embedding.weight, -bound, bound)
        self.convolutions = nn.ModuleList(
            ConvolutionBlock(size, size, nn.ReLU(), config.dropout) for _ in range(config.encoder_layers)
        )
        self.lstm = nn.LSTM(size, size // 2, batch_first=True, bidirectional=True)

    def forward(self, symbols: Int[Tensor, "b n"], lengths: Int[Tensor, " b"]) -> Float[Tensor, "b n e"]:
        """The memory: a vector of each symbol, 0 where a text has ended."""
        mask = mask_of(lengths, symbols.shape[1])[:, None]  # (B, 1, N)
        x = self.embedding(symbols).mT  # (B, E, N)
        for block in self.convolutions:
            x = block(x * mask)
        with torch.autocast(x.device.type, enabled=False):  # PyTorch's LSTM is slower in half precision, on a CPU
            packed = nn.utils.rnn.pack_padded_sequence(
                x.float().mT, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            memory, _ = nn.utils.rnn.pad_packed_sequence(
                self.lstm(packed)[0], batch_first=True, total_length=x.shape[2]
            )
        return memory


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
        seen = self.prenet(frame, uniforms)
        hidden, cell = self.attention_lstm(torch.cat([seen, state.context], 1), state.attention)
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
        kept: tuple[list[Tensor], ...] = ([], [], [])
        for gates in inputs.unbind(1):
            hidden, cell = lstm_cell(gates + recurrent.multiply(torch.cat([context, hidden], 1)), cell)
            hidden = autocast(self.drop(hidden))
            location = located.multiply(autocast(torch.cat([weights, total], 1))).unflatten(1, (size, -1))
            weights = self.attention.normalise(queried.multiply(hidden)[:, None] + keys + location, padding)
            context, total = attended.multiply(autocast(weights)[:, None])[:, 0], total + weights
            for values, value in zip(kept, (hidden, context, weights), strict=True):
                values.append(value)
        hiddens, contexts, attention = (torch.stack(values, 1) for values in kept)
        features = torch.cat([self.run_upper(torch.cat([hiddens, contexts], 2), state.decoder), contexts], 2)
        frames = self.frames(features).view(len(memory), steps * self.config.reduction, -1)
        return frames, self.stop(features)[..., 0], attention

    def run_upper(self, inputs: Float[Tensor, "b s i"], state: tuple[Tensor, Tensor]) -> Float[Tensor, "b s h"]:
        """The upper LSTM over all steps."""
        lstm, (hidden, cell) = self.decoder_lstm, (autocast(state[0]), state[1])
        assert lstm.bias_ih is not None
        assert lstm.bias_hh is not None
        recurrent, kept = SharedFactor(autocast(lstm.weight_hh.T)), []
        for gates in F.linear(inputs, lstm.weight_ih, lstm.bias_ih + lstm.bias_hh).unbind(1):
            hidden, cell = lstm_cell(gates + recurrent.multiply(hidden), cell)
            hidden = autocast(self.drop(hidden))
            kept.append(hidden)
        return torch.stack(kept, 1)

    def drop(self, hidden: Tensor) -> Tensor:
        """Dropout of a hidden state."""
        return F.dropout(hidden, self.config.lstm_dropout, self.training)


class Postnet(nn.ModuleList):
    """Convolutions that see frames before and after: what is to be added to a mel spectrogram."""

    def __init__(self, config: Config) -> None:
        channels = [config.n_mels, *[config.postnet_channels] * (config.postnet_layers - 1), config.n_mels]
        last = config.postnet_layers - 1
        super().__init__(
            ConvolutionBlock(channels[i], channels[i + 1], nn.Tanh() if i < last else None, config.dropout)
            for i in range(config.postnet_layers)
        )

    def forward(self, mel: Float[Tensor, "b t m"], mask: Bool[Tensor, "b t"]) -> Float[Tensor, "b t m"]:
        """The corrections of frames; where ``mask`` is false there is nothing."""
        x = mel.mT
        for block in self:
            x = block(x * mask[:, None])
        return x.mT


class Prediction(NamedTuple):
    """What the network says of a minibatch, in normalised log-mel values."""

    decoded: Tensor
    """(B, T, M): frames before the postnet."""
    mel: Tensor
    """(B, T, M): frames after it."""
    stop: Tensor
    """(B, S): logits of the stop token."""
    attention: Tensor
    """(B, S, N)."""


class Tacotron2Network(nn.Module):
    """Shen et al. 2017, arXiv:1712.05884."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.postnet = Postnet(config)

    def forward(
        self, symbols: Int[Tensor, "b n"], lengths: Int[Tensor, " b"], mel: Float[Tensor, "b t m"],
        frames: Int[Tensor, " b"],
    ) -> Prediction:  # fmt: skip
        """Teacher-forced.

        Args:
            symbols: Texts, padded by ``PAD``.
            lengths: Of the texts.
            mel: Normalised log-mel frames, padded; T is a multiple of the reduction.
            frames: Of each sentence.
        """
        decoded, stop, attention = self.decoder(self.encoder(symbols, lengths), lengths, mel)
        mask = mask_of(frames, decoded.shape[1])
        return Prediction(decoded, decoded + self.postnet(decoded, mask), stop, attention)


def lstm_cell(gates: Float[Tensor, "b g"], cell: Float[Tensor, "b h"]) -> tuple[Tensor, Tensor]:
    """An LSTM's hidden state and cell from the sums that go into its gates (input, forget, cell, output)."""
    size = cell.shape[1]
    gates = gates.float()  # the cell sums over all steps: never in half precision
    opened = gates.sigmoid()  # the cell's quarter is not used
    cell = opened[:, size : 2 * size] * cell + opened[:, :size] * gates[:, 2 * size : 3 * size].tanh()
    return opened[:, 3 * size :] * cell.tanh(), cell


def autocast(x: Tensor) -> Tensor:
    """A tensor in the precision of matrix products: lower where mixed precision is on."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def mask_of(lengths: Int[Tensor, " b"], size: int) -> Bool[Tensor, "b size"]:
    """Where a padded sequence has not ended yet."""
    return torch.arange(size, device=lengths.device) < lengths[:, None]
