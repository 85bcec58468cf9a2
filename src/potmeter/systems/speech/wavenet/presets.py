"""The sizes that a WaveNet comes in."""

from __future__ import annotations

from potmeter.data.splits import OWN_DATA

from .model import Config

PRESETS = {
    "tiny": Config(
        dataset="vowels", sample_rate=8000, dilations=(1, 3, 9, 27), residual_channels=32, skip_channels=32,
        condition_channels=16, hop_length=64, n_fft=256, n_mels=20, segment=512, gain=0.0, batch_size=4, lr=1e-2,
        muon_lr=0.03, ema=0.98,
    ),
    "lecture": Config(
        dataset="prompts", output="logistics", mixtures=4, linear_prediction=24, batch_size=4, lr=2e-3, muon_lr=0.01,
        weight_decay=0.1, warmup=0.02, clip=1.0, ema=0.999, precision="bfloat16",
    ),
    "free": Config(
        dataset="prompts", condition="none", batch_size=4, lr=2e-3, muon_lr=0.01, weight_decay=0.1, warmup=0.02, clip=1.0,
        ema=0.999, precision="bfloat16",
    ),
    "paper": Config(
        dataset=OWN_DATA, condition="none", by_speaker=True, dilations=3 * tuple(2**n for n in range(10)), kernel_size=2,
        residual_channels=512, skip_channels=256, condition_channels=128, emphasis=0.0, gain=0.0, segment=16384,
        batch_size=8, lr=1e-3, ema=0.9999,
    ),
}  # fmt: skip
