"""Tacotron 2 as a system: sentences with their sounds, loss, training, use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch, to_device
from potmeter.data.speech import LONGEST, find_speech
from potmeter.data.splits import Splits, take_evenly
from potmeter.data.spoken import load_spoken
from potmeter.errors import reject, shorten
from potmeter.media import Audio, Image, Result, Table, Text
from potmeter.notices import note

from . import config as settings
from .alignment import align_monotonically, find_times, group_words
from .batches import CurriculumBatches, SpokenSymbols, normalise_mel, restore_mel
from .checkpoints import read_nvidia
from .evaluation import find_nearest, measure_word_errors, warped_mel_error
from .examples import examples
from .loss import measure_losses
from .mels import CachedMels, compute_mel
from .model import Prediction, Tacotron2Network
from .pictures import draw_alignment, draw_attention
from .pieces import Piece, cut_text
from .presets import PRESETS
from .symbols import END, check_script, decode, encode, learn_alphabet, learn_symbols, pad, spell
from .synthesis import BATCH, Speech, synthesise
from .vocoder import GRIFFIN_LIM, Vocode, join_pieces, load_vocoder, vocode_mel

VALIDATED = 28
"""Validation sentences that are spoken during training."""
RETRIES = 3
"""How often speech that failed is tried again, with other dropout."""
Retries = Annotated[int, Range(0, 20)]
Seed = Annotated[int, Range(0, 2**31)]


@dataclass(frozen=True)
class Spoken(Result):
    """What ``run`` gives."""

    speech: Audio
    attention: Image
    mel: Image
    report: Text


@dataclass(frozen=True)
class Alignment(Result):
    """What ``align`` gives."""

    picture: Image
    words: Table
    symbols: Table


class Tacotron2(System):
    """Speaks a text: symbols in, a mel spectrogram out, which a vocoder turns into sound."""

    name = "tacotron2"
    Config = settings.Config
    presets = PRESETS
    goal = Goal("mel_error", "lower")

    def __init__(self, config: settings.Config) -> None:
        super().__init__(config)
        self.network = Tacotron2Network(config)

    # 1. Sentences with their sounds

    @classmethod
    def data(cls, config: settings.Config, source: str | None = None) -> Splits:
        """Sentences with their sounds.

        Args:
            source: flite, tones, festvox-ru, or a folder of your own in LJSpeech's layout (metadata.csv and wavs/)
        """
        return load_spoken(source or config.dataset)

    @classmethod
    def fit_config(cls, config: settings.Config, splits: Splits) -> settings.Config:
        spelt = [spell(text, config) for text in splits.train.texts]
        mean, std = CachedMels(splits.train, config.mel_config).measure() if config.normalise else (0.0, 1.0)
        return replace(
            config, symbols=config.symbols or learn_symbols(spelt), alphabet=learn_alphabet(splits.train.texts, config),
            max_symbols=config.max_symbols or min(max(map(len, spelt)), settings.MAX_SYMBOLS), mel_mean=mean, mel_std=std,
        )  # fmt: skip

    # 3. The loss

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Squared error of the frames before and after the postnet, the stop token's and the guided attention's loss."""
        with self.autocast(enabled=self.training):
            prediction = self.network(batch["symbols"], batch["lengths"], batch["mel"], batch["frames"])
        prediction = Prediction(*(each.float() for each in prediction))
        return measure_losses(prediction, batch["mel"], batch["frames"], batch["lengths"], self.config)

    # 4. Training

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Iterable[Any]:
        """Minibatches of about equally long sentences, the shorter ones first."""
        data, config = SpokenSymbols(splits.train, self.config), self.config
        return CurriculumBatches(data, config.batch_size, config.short_epochs, seed=trainer.seed, device=trainer.device)

    def validate(self, data: Any) -> dict[str, Tensor]:
        """Speech without a teacher of some sentences, and the loss with one: only the first shows that it will speak."""
        spoken = SpokenSymbols(take_evenly(data, VALIDATED), self.config)
        return self.compare(spoken, synthesise(self.network, spoken.symbols, 0)) | self.teach(spoken)

    @torch.no_grad()
    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Speech of all sentences, as ``run`` speaks: its distance, what is heard of it; and the loss with a teacher."""
        spoken = SpokenSymbols(data, self.config)
        speech = synthesise(self.network, spoken.symbols, 0, RETRIES)
        heard = self.hear(data.texts, [restore_mel(each.mel, self.config) for each in speech]) if self.is_heard else {}
        return heard | self.compare(spoken, speech) | self.teach(spoken)

    def compare(self, spoken: SpokenSymbols, speech: list[Speech]) -> dict[str, Tensor]:
        """The distance of each speech from the original in dB, time warped, and whether it failed."""
        mels = [restore_mel(each.mel, self.config) for each in speech]
        return {
            "mel_error": torch.tensor([warped_mel_error(mel, spoken.mels[i]) for i, mel in enumerate(mels)]),
            "alignment_failures": torch.tensor([float(each.diagnosis.failed) for each in speech]),
        }

    @torch.no_grad()
    def teach(self, spoken: SpokenSymbols) -> dict[str, Tensor]:
        """The loss with a teacher."""
        order = sorted(range(len(spoken)), key=lambda i: spoken.lengths[i])
        parts = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        with fixed_dropout():
            losses = [self.loss(to_device(spoken.collate(part), self.device))["loss"] * len(part) for part in parts]
        return {"loss": torch.stack(losses).sum() / len(order)}

    def hear(self, texts: Sequence[str], mels: Sequence[Tensor]) -> dict[str, Tensor]:
        """What a recogniser makes of log-mel frames through Griffin–Lim: the word error rate as a share of each sentence."""
        vocode = load_vocoder(GRIFFIN_LIM, self.config.mel_config)
        sounds = (join_pieces([vocode_mel(vocode, mel)], [], self.config.sample_rate) for mel in mels)
        return {"wer": measure_word_errors(texts, progress(sounds, "sentences heard", len(mels)))}

    @property
    def is_heard(self) -> bool:
        """Whether there is a recogniser for the language."""
        return self.config.language.split("-")[0] == "en"

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The training sentence whose symbols are most alike; what is heard of the original, and of its mel spectrogram."""
        known, mels = CachedMels(splits.train, self.config.mel_config), CachedMels(splits.test, self.config.mel_config)
        train, test = ([spell(text, self.config) for text in part.texts] for part in (splits.train, splits.test))
        nearest = [find_nearest(text, train) for text in progress(test, "nearest sentences")]
        errors = [warped_mel_error(known[other], mels[i]) for i, other in enumerate(nearest)]
        found = {"nearest_mel_error": sum(errors) / len(errors)}
        if self.is_heard:
            originals = (splits.test[i][1] for i in range(len(splits.test)))
            found["teacher_wer"] = float(measure_word_errors(splits.test.texts, originals).mean())
            frames = [mels[i] for i in range(len(mels))]
            found["griffinlim_teacher_wer"] = float(self.hear(splits.test.texts, frames)["wer"].mean())
        return found

    # 5. Use

    def forward(self, symbols: Tensor, lengths: Tensor, mel: Tensor, frames: Tensor) -> Tensor:
        """Log-mel frames (B, T, M) with a teacher, of symbols (B, N) and log-mel frames (B, T, M) of these lengths (B,)."""
        prediction = self.network(symbols, lengths, normalise_mel(mel, self.config), frames)
        return restore_mel(prediction.mel, self.config)

    def run(
        self, text: str = "Hello, world.", *, vocoder: str = GRIFFIN_LIM, retries: Retries = RETRIES, seed: Seed = 0
    ) -> Spoken:
        """Speak a text.

        Args:
            text: what is spoken, as long as you like; numbers and abbreviations are read out
            vocoder: what makes sound of the mel spectrogram: griffinlim, or a system that can, as wavenet
            retries: how often a sentence whose attention has failed is tried again
            seed: of the dropout, which is active when it speaks too
        """
        vocode = load_vocoder(vocoder, self.config.mel_config)
        pieces = cut_text(text, self.config)
        speech = synthesise(self.network, [piece.symbols for piece in pieces], seed, retries)
        sound = self.sound(pieces, speech, vocode)
        names = [decode(piece.symbols, self.config) for piece in pieces]
        shown = [(symbols, each.attention) for symbols, each in zip(names, speech, strict=True)]
        attention = draw_attention(shown, self.seconds_per_step)
        return Spoken(sound, attention, self.draw_first(names[0], speech[0]), Text(report(pieces, speech, sound)))

    @task
    @torch.no_grad()
    def align(self, sound: Audio, text: str) -> Alignment:
        """Find where each word and each symbol of a text is spoken in a sound.

        Args:
            sound: a sentence, spoken by the voice that the weights have learnt, or one like it
            text: what is said in it
        """
        sound.seconds <= LONGEST or reject(
            f"A sentence lasts up to {LONGEST:g} s: cut the sound.", f"{sound.seconds:.0f} s"
        )
        bool(sound.samples.any()) or reject("The sound is silent.", f"{sound.seconds:g} s of zeros")
        check_script(text, self.config)
        spelt = spell(text, self.config)
        len(spelt) <= settings.MAX_SYMBOLS or reject(
            f"A sentence has up to {settings.MAX_SYMBOLS:,} symbols: cut the text.", f"{len(spelt):,}"
        )
        numbers = encode(spelt, self.config)
        names = decode(numbers, self.config)
        symbols, lengths = (each.to(self.device) for each in pad([numbers]))
        start = find_speech(sound.resample(self.config.sample_rate))[0] / self.config.sample_rate
        mel = compute_mel(sound, self.config.mel_config)
        missing, silence = -len(mel) % self.config.reduction, self.config.mel_config.silence
        whole = torch.nn.functional.pad(mel, (0, 0, 0, missing), value=silence)[None].to(self.device)  # (1, T, M)
        frames = torch.tensor([whole.shape[1]], device=self.device)
        with fixed_dropout():
            attention = self.network(symbols, lengths, normalise_mel(whole, self.config), frames).attention[0].cpu()
        times = find_times(align_monotonically(attention), len(names), self.seconds_per_step, start)
        words = group_words(names, times)
        rows = [(c, a, b) for c, (a, b) in zip(names, times, strict=True) if not c.isspace() and c != END]
        columns = ("start, s", "end, s")
        return Alignment(
            draw_alignment(mel, len(mel) * self.seconds_per_step / self.config.reduction, start, words),
            Table(("word", *columns), words),
            Table(("symbol", *columns), rows),
        )

    @task
    def batch(
        self,
        text: Text,
        *,
        folder: Path = Path("speech"),
        vocoder: str = GRIFFIN_LIM,
        retries: Retries = RETRIES,
        seed: Seed = 0,
    ) -> Table:
        """Speak each line of a text into a file of its own, 0001.wav and so on; LJSpeech's metadata.csv lists them.

        Args:
            text: a text file, or lines; empty ones are left out
            folder: where the sounds go
            vocoder: what makes sound of the mel spectrogram: griffinlim, or a system that can, as wavenet
            retries: how often a sentence whose attention has failed is tried again
            seed: of the dropout, which is active when it speaks too
        """
        vocode = load_vocoder(vocoder, self.config.mel_config)
        lines = [" ".join(line.split()) for line in text.text.splitlines() if line.strip()]
        lines or reject("The text has no line to speak.", "0 lines")
        cut = [cut_text(line, self.config) for line in lines]  # mistakes are told before anything is written
        rows, digits = [], max(len(str(len(lines))), 4)
        for number, (line, pieces) in enumerate(zip(progress(lines, "lines"), cut, strict=True), 1):
            speech = synthesise(self.network, [piece.symbols for piece in pieces], seed, retries)
            sound, name = self.sound(pieces, speech, vocode), f"{number:0{digits}}"
            sound.save(folder / "wavs" / f"{name}.wav")
            rows.append((name, line.replace("|", " "), sound.seconds, describe_failures(pieces, speech) or "aligned"))
        Text("".join(f"{name}|{line}\n" for name, line, _, _ in rows)).save(folder / "metadata.csv")
        return Table(("name", "text", "seconds", "attention"), rows)

    def examples(self) -> list[Example]:
        return examples(self.config)

    def sound(self, pieces: Sequence[Piece], speech: Sequence[Speech], vocode: Vocode) -> Audio:
        """The pieces of a text as one sound."""
        mels = (restore_mel(each.mel, self.config) for each in speech)
        sounds = [vocode_mel(vocode, mel) for mel in progress(mels, "sound", len(speech))]
        return join_pieces(sounds, [piece.pause for piece in pieces], self.config.sample_rate)

    def draw_first(self, names: Sequence[str], speech: Speech) -> Image:
        """The mel spectrogram of the first piece, with its words where attention was on them."""
        times = find_times(align_monotonically(speech.attention), len(names), self.seconds_per_step, 0.0)
        seconds = len(speech.attention) * self.seconds_per_step
        return draw_alignment(restore_mel(speech.mel, self.config), seconds, 0.0, group_words(names, times))

    @property
    def seconds_per_step(self) -> float:
        """How long a step of the decoder lasts."""
        return self.config.reduction * self.config.hop_length / self.config.sample_rate

    # Weights in the layout of NVIDIA's code

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """A network from the file that NVIDIA's code has saved (``checkpoints.py``)."""
        config, state = read_nvidia(file)
        system = cls(config)
        system.network.load_state_dict(state)
        return system


@contextmanager
def fixed_dropout() -> Iterator[None]:
    """The prenet's dropout, which is active at all times, is the same each time; the random numbers outside go on."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def report(pieces: Sequence[Piece], speech: Sequence[Speech], sound: Audio) -> str:
    """What is told of a speech: how long it is, how it was spelt, and what failed."""
    spelt = " ".join(piece.spelt for piece in pieces)
    failures = describe_failures(pieces, speech)
    if failures:
        note(f"attention failed: {failures}")
    lines = [f"{sound.seconds:.1f} s, {len(pieces)} piece{'s' * (len(pieces) > 1)}; attention: {failures or 'aligned'}"]
    return "\n".join([*lines, shorten(spelt, 1000)])


def describe_failures(pieces: Sequence[Piece], speech: Sequence[Speech]) -> str:
    """The pieces whose attention failed, and how; empty where none did."""
    return "; ".join(
        f"{shorten(piece.text, 40)!r}: {each.diagnosis.describe()}"
        for piece, each in zip(pieces, speech, strict=True)
        if each.diagnosis.failed
    )
