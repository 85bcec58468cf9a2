"""WaveNet as a system: data, loss, training, use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch.optim import Optimizer

from potmeter.core.capabilities import check_vocoder
from potmeter.core.devices import training_dtype
from potmeter.core.progress import Stopped, progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.sounds import SoundData, sound_folder
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Audio, Chart, Text, draw_sounds
from potmeter.nn.mel import MelConfig, griffin_lim, mel_spectrogram, pad_to_frames
from potmeter.nn.muon import move_to_muon

from . import model
from .baselines import bits_baselines
from .companding import encode_levels
from .examples import example_sound, examples
from .generation import CHUNK, Voice, free_chunks, mel_chunks, speak_chunks
from .linear_prediction import move_mixture, predict_and_excite, prediction_filters
from .logistics import mixture_nats
from .measure import bits_of_sounds, judge_voice, sample_bits
from .presets import PRESETS
from .results import Bits, Resynthesis
from .segments import Segments
from .stack import fast_forward

GROWTH = 1.2
"""While a sound grows it is shown each time that it is so many times as long: an hour costs no more than twice itself."""
TEMPERATURE = 0.7
"""Of the distributions that speech which follows a spectrogram is drawn from, where no other is asked for: of 0.5 to 1 that
whose PESQ was best on validation prompts."""
MAX_SECONDS = 3600
"""Longest sound that is spoken or measured in one piece."""
BIN = 0.02
"""Seconds that a point of the chart of bits stands for, of a short sound."""
VALIDATION_SECONDS = 20
"""Of so much of the validation data the bits are measured during training."""
LONGEST = 1_200_000
"""Samples of which a sound of the data is measured at once, 75 s usually: the memory does not grow with a sound's length."""


class WaveNetSystem(System):
    """Speaks sample by sample."""

    name = "wavenet"
    Config = model.Config
    presets = PRESETS
    goal = Goal("bits_per_sample", "lower")

    # 1. Sounds; the target at every sample is the next one

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Sounds to train on, and sounds that are held out.

        Args:
            source: prompts, vowels, a file or a folder of sounds of any rate; default: the Config's dataset
        """
        source = source or config.dataset
        if source in DATA_SETS and DATA_SETS[source].kind == "sounds":
            splits: Splits = DATA_SETS[source].read(rate=config.sample_rate)
            return splits
        return sound_folder(source, config.sample_rate, by_speaker=config.by_speaker, speakers=config.speakers)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        if not config.by_speaker:
            return config
        speakers = splits.train.speakers or reject(
            "by_speaker takes a folder with a folder for each speaker.", "no speakers"
        )
        return replace(config, speakers=speakers)

    # 2. The architecture

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.WaveNet(config)

    # 3. The loss: cross-entropy of the next sample

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Mean −log p of each sample given those before it, in nats."""
        wave = batch["wave"]  # (B, linear_prediction + 1 + T)
        parameters = self.predict(wave[:, :-1], batch.get("mel"), batch["speaker"])
        return {"loss": self.nats(parameters, wave[:, self.config.linear_prediction + 1 :]).mean()}

    def nats(self, parameters: Tensor, targets: Tensor) -> Tensor:
        """−log p (B, T) of samples (B, T), by the distributions (B, T, outputs)."""
        if self.config.output == "logistics":
            return mixture_nats(parameters, targets)
        return F.cross_entropy(parameters.transpose(1, 2), encode_levels(targets), reduction="none")

    def predict(self, wave: Tensor, mel: Tensor | None, speaker: Tensor | None) -> Tensor:
        """The distribution (B, T, outputs) of the sample after each of the last T of ``wave`` (B, linear_prediction + T)."""
        c = self.config
        length = wave.shape[1] - c.linear_prediction
        features = self.model.conditioner(mel, speaker, length // c.hop_length)
        dtype = training_dtype(c.precision, self.device) if self.training else torch.float32
        if not c.linear_prediction:
            inputs = encode_levels(wave) if c.output == "softmax" else wave[..., None]
            return fast_forward(self.model, inputs, features, dtype)
        assert mel is not None
        filters = prediction_filters(mel, c.mel, c.linear_prediction, c.emphasis)
        expected, gain, inputs = predict_and_excite(wave, filters, c.hop_length // model.BLOCKS)
        return move_mixture(fast_forward(self.model, inputs, features, dtype), expected, gain)

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW; with ``muon_lr``, Muon for the matrices of the residual blocks."""
        optimizers, c = super().optimizers(), self.config
        if c.muon_lr:
            matrices = [p for p in self.model.blocks.parameters() if p.ndim >= 2]
            optimizers["blocks"] = move_to_muon(matrices, optimizers["model"], c.muon_lr, c.weight_decay)
        return optimizers

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """Segments of the sounds, which stay on the disk."""
        return Segments(splits.train, self.config, seed=trainer.seed, device=trainer.device)

    def validate(self, data: SoundData) -> dict[str, Tensor]:
        """Bits per sample; what is spoken is judged by ``evaluate`` only."""
        data = data.cut(round(VALIDATION_SECONDS * data.rate))
        few = data.lengths.cumsum() <= VALIDATION_SECONDS * data.rate
        return {"bits_per_sample": bits_of_sounds(self, data.select(list(range(max(1, int(few.sum()))))))}

    def evaluate(self, data: SoundData) -> dict[str, Tensor]:
        """Bits per sample; and, where it follows spectrograms, how the sounds are when they are spoken from theirs."""
        data = data.cut(LONGEST)
        judged = judge_voice(self.revoice, data) if self.config.condition == "mel" else {}
        return {"bits_per_sample": bits_of_sounds(self, data)} | judged

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Bits per sample by linear prediction and by the levels' frequencies; the voice of Griffin–Lim."""
        test = splits.test.cut(LONGEST)
        bits = bits_baselines(splits.train.cut(LONGEST), test, self.config) if splits.train is not None else {}
        if self.config.condition != "mel":
            return bits
        judged = judge_voice(lambda wave, _: self.griffin_lim(wave), test)
        return bits | {f"griffinlim_{name}": float(values.mean()) for name, values in judged.items()}

    # 5. Use

    def forward(self, wave: Tensor, mel: Tensor | None = None, speaker: Tensor | None = None) -> Tensor:
        """The distribution of the sample after each one: ``predict``."""
        return self.predict(wave, mel, speaker)

    def run(
        self,
        sound: Audio | None = None,
        *,
        seconds: Annotated[float, Range(0.05, 3600)] = 3.0,
        speaker: Annotated[str, Choice("speakers")] | None = None,
        temperature: Annotated[float, Range(0.01, 2)] | None = None,
        seed: Annotated[int, Range(0, 2**31)] = 0,
        stream: bool = False,
    ) -> Audio | Iterator[Audio]:
        """Speak, sample by sample.

        Args:
            sound: whose mel spectrogram is spoken anew, where the weights follow one; default: a sound of the data that these
                were not trained on
            seconds: how long, at most; of the sound, its beginning
            speaker: whose voice, where the weights know several; default: the first
            temperature: below 1 tamer, above 1 wilder; default: as resynthesise's where a spectrogram is followed, otherwise 1
            seed: of the random numbers; the same seed speaks the same
            stream: return an iterator of the sound as it grows
        """
        c, mel = self.config, None
        if c.condition == "mel":
            wave = self.hear(sound if sound is not None else example_sound(c.dataset), seconds)
            mel = mel_spectrogram(wave, self.mel_config)
        elif sound is not None:
            reject("These weights follow no sound: they speak freely.", "a sound")
        grown = self.grow(self.speak(mel, seconds, speaker=speaker, temperature=temperature, seed=seed))
        return grown if stream else list(grown)[-1]

    @task
    def resynthesise(
        self,
        sound: Audio,
        *,
        seconds: Annotated[float, Range(0.05, 60)] = 5.0,
        speaker: Annotated[str, Choice("speakers")] | None = None,
        temperature: Annotated[float, Range(0.01, 2)] = TEMPERATURE,
        iterations: Annotated[int, Range(1, 1000)] = 60,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Resynthesis:
        """Turn a sound into its mel spectrogram and that into a sound again: by the network, and by Griffin–Lim.

        Args:
            sound: a voice
            seconds: how much of it, from its beginning
            speaker: whose voice, where the weights know several; default: the first
            temperature: below 1 tamer, above 1 wilder
            iterations: of Griffin–Lim
            seed: of the random numbers
        """
        self.require_mel()
        wave = self.hear(sound, seconds)
        mel = mel_spectrogram(wave, self.mel_config)
        chunks = list(self.speak(mel, seconds, speaker=speaker, temperature=temperature, seed=seed))
        waves = {
            "original": wave.numpy(),
            "wavenet": np.concatenate(chunks),
            "griffin_lim": griffin_lim(
                mel, self.mel_config, iterations, follow=lambda steps: progress(steps, "Griffin–Lim")
            ).numpy(),
        }
        sounds = {name: Audio(samples.astype(np.float32), self.config.sample_rate) for name, samples in waves.items()}
        titles = {"original": "original", "wavenet": "WaveNet", "griffin_lim": f"Griffin–Lim, {iterations} iterations"}
        picture = draw_sounds({titles[name]: one for name, one in sounds.items()})
        return Resynthesis(**sounds, spectrograms=picture)

    @task
    def bits(self, sound: Audio, *, speaker: Annotated[str, Choice("speakers")] | None = None) -> Bits:
        """How many bits each sample of a sound costs: where the network is surprised.

        Args:
            sound: any sound, up to an hour of it
            speaker: whose voice it is, where the weights know several; default: the first
        """
        wave, c = self.hear(sound, MAX_SECONDS).numpy(), self.config
        bits = sample_bits(self, wave, self.number_of(speaker))
        width = max(1, round(max(BIN, len(wave) / c.sample_rate / 500) * c.sample_rate))
        means = [float(part.mean()) for part in bits.split(width)]
        points = [((i + 0.5) * width / c.sample_rate, mean) for i, mean in enumerate(means)]
        mean, whole = float(bits.mean()), 8 if c.output == "softmax" else 16
        summary = (
            f"{mean:.2f} bits per sample, of {whole}: {mean * c.sample_rate / 1000:.1f} kbit/s at {c.sample_rate} Hz"
        )
        return Bits(Text(summary), Chart({"bits per sample": points}, "seconds", "bits per sample"))

    def examples(self) -> list[Example]:
        return examples(self.config)

    # What other systems use (core.capabilities)

    @property
    def mel_config(self) -> MelConfig:
        """How the mel spectrograms that it speaks are computed."""
        return self.config.mel

    @torch.no_grad()
    def vocode(self, mel: Float[Tensor, "mels frames"], config: MelConfig) -> Float[Tensor, " time"]:
        """The wave of a mel spectrogram: (frames - 1) · hop_length samples in [-1, 1], the same every time."""
        self.require_mel()
        check_vocoder(self, config, mel)
        return torch.from_numpy(np.concatenate(list(self.speak(mel, MAX_SECONDS))))

    @property
    def speakers(self) -> Sequence[str]:
        """Whose voices it knows; empty where it does not tell them apart."""
        return self.config.speakers

    def number_of(self, speaker: str | None) -> int:
        """The number of a speaker; None is the first."""
        return self.config.speakers.index(speaker) if speaker is not None else 0

    def require_mel(self) -> None:
        """Raise UserError for weights that follow no spectrogram."""
        self.config.condition == "mel" or reject(
            "These weights follow no mel spectrogram: they speak freely.", self.name
        )

    # Sounds in and out

    def hear(self, sound: Audio, seconds: float) -> Tensor:
        """The beginning of a sound, (time,), at the network's rate, with silence up to whole frames."""
        rate = self.config.sample_rate
        start = Audio(sound.samples[: max(1, round(seconds * sound.rate))], sound.rate).resample(rate)
        return pad_to_frames(torch.from_numpy(start.samples.copy()), self.mel_config)

    @torch.no_grad()
    def speak(
        self,
        mel: Tensor | None,
        seconds: float,
        *,
        speaker: str | None = None,
        temperature: float | None = None,
        seed: int = 0,
    ) -> Iterator[np.ndarray]:
        """A wave, a quarter of a second after the other, in memory that does not grow.

        Args:
            mel: (n_mels, frames), or None where none is followed.
            seconds: How long, where none is.
            speaker: Whose voice.
            temperature: Of the distributions; None: ``TEMPERATURE`` where a spectrogram is followed, otherwise 1.
            seed: Of the random numbers.
        """
        c = self.config
        if temperature is None:
            temperature = 1.0 if mel is None else TEMPERATURE
        voice = Voice(self.model, speaker=self.number_of(speaker), temperature=temperature, seed=seed)
        frames = max(1, round(seconds * c.sample_rate / c.hop_length)) if mel is None else mel.shape[1] - 1
        chunks: Iterator[tuple[Tensor | None, int]] = (
            free_chunks(frames) if mel is None else mel_chunks(mel.float().cpu())
        )
        waves = speak_chunks(voice, chunks, c.emphasis)
        return progress(waves, "speaking", -(-frames // CHUNK))

    def grow(self, chunks: Iterator[np.ndarray]) -> Iterator[Audio]:
        """The sound so far, now and then, and whole at the end; all of it too where it is stopped before."""
        spoken: list[np.ndarray] = []
        length, shown = 0, self.config.sample_rate / GROWTH
        try:
            for chunk in chunks:
                spoken.append(chunk)
                length += len(chunk)
                if length >= shown * GROWTH:
                    yield Audio(np.concatenate(spoken), self.config.sample_rate)
                    shown = length
        except (KeyboardInterrupt, Stopped):
            if spoken and length != shown:
                yield Audio(np.concatenate(spoken), self.config.sample_rate)
            raise
        if length != shown:
            yield Audio(np.concatenate(spoken), self.config.sample_rate)

    def revoice(self, wave: np.ndarray, speaker: int) -> np.ndarray:
        """A sound of the data, spoken anew from its spectrogram."""
        padded = pad_to_frames(torch.from_numpy(wave), self.mel_config)
        who = self.config.speakers[speaker] if self.config.speakers else None
        return np.concatenate(list(self.speak(mel_spectrogram(padded, self.mel_config), MAX_SECONDS, speaker=who)))

    def griffin_lim(self, wave: np.ndarray) -> np.ndarray:
        """The same by Griffin–Lim, with 60 iterations."""
        padded = pad_to_frames(torch.from_numpy(wave), self.mel_config)
        return griffin_lim(mel_spectrogram(padded, self.mel_config), self.mel_config).numpy()
