"""The sizes that Tacotron 2 comes in."""

from __future__ import annotations

import string
from dataclasses import replace

from .config import Config

VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
CONSONANTS = (
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N", "NG", "P", "R", "S", "SH", "T", "TH",
    "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
ARPABET = sorted([*CONSONANTS, *(vowel + stress for vowel in VOWELS for stress in ("", "0", "1", "2"))])
"""The phonemes of the CMU dictionary, vowels also with their stress."""
NVIDIA_SYMBOLS = (
    "_",
    "-",
    *"!'(),.:;? ",
    *string.ascii_uppercase,
    *string.ascii_lowercase,
    *(f"@{p}" for p in ARPABET),
)
"""The 148 symbols of NVIDIA's weights, the padding first."""

LECTURE = Config(
    embedding_dim=256, prenet_dim=128, attention_dim=64, location_filters=16, attention_hidden=320, decoder_hidden=384,
    postnet_channels=128, reduction=4, dropout=0.0, lstm_dropout=0.0, precision="bfloat16", sample_rate=16_000,
    normalise=True, guided_attention=5.0, stop_weight=5.0, short_epochs=3, max_symbols=50, batch_size=16, lr=1.5e-3,
    warmup=0.02, weight_decay=1e-3, clip=1.0,
)  # fmt: skip

PRESETS = {
    "tiny": replace(
        LECTURE, dataset="tones", text="letters", language="none", embedding_dim=64, encoder_layers=1, prenet_dim=32,
        prenet_dropout=0.2, attention_dim=32, location_filters=8, location_kernel=7, attention_hidden=96, decoder_hidden=96,
        postnet_channels=32, postnet_layers=2, reduction=4, precision="float32", sample_rate=8000, n_fft=256,
        win_length=256, hop_length=128, n_mels=20, f_max=4000.0, max_symbols=0, short_epochs=0, batch_size=32, lr=1e-2,
        weight_decay=0.0,
    ),
    "lecture": LECTURE,
    "russian": replace(LECTURE, dataset="festvox-ru", language="ru", max_symbols=0, dropout=0.1),
    "paper": Config(
        text="letters", symbols=NVIDIA_SYMBOLS, batch_size=64, lr=1e-3, weight_decay=1e-6, schedule="constant", clip=1.0,
    ),
}  # fmt: skip
"""``russian`` is ``lecture`` for a real voice; ``paper`` has the sizes and symbols of NVIDIA's weights."""
