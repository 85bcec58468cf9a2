"""What Tacotron 2 can be set to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject
from potmeter.nn.mel import MelConfig

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
    """Of the matrix products in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""
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
