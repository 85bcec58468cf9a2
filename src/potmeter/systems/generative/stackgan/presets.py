"""The presets of StackGAN: sizes, and how much helps a short training."""

from __future__ import annotations

from .config import Config

PRESETS = {
    "tiny": Config(
        dataset="few-birds", image_size=64, word_dim=32, text_hidden=48, text_dim=48, picture_widths=(16, 32), condition_dim=32,
        latent_dim=16, generator_widths=(64, 32, 16), discriminator_widths=(16, 32), refiner_widths=(16, 32),
        upsampling_widths=(24, 16, 8), residual_blocks=1, critic_widths=(8, 16, 32, 32), latent_widths=(16, 32),
        latent_bank=256, stages=(0.25, 0.65), kl=0.25, latent_kl=1.0, adversarial=0.5, second_adversarial=0.05,
        reconstruction=60.0, matching=1.0, tune_text=True, lr=2e-3, batch_size=32, schedule="constant", ema=0.98,
        feature_extractor="classifier.digits", feature_extractor_size=28,
    ),
    "lecture": Config(
        batch_size=32, large_batch=12, lr=1e-3, schedule="cosine", ema=0.99, stages=(0.1, 0.65), precision="bfloat16",
        kl=0.25, adversarial=0.5, second_adversarial=0.05, reconstruction=60.0, latent_kl=1.5, latent_bank=1024, matching=0.5,
        tune_text=True,
    ),
    "paper": Config(
        dataset="own data", text_hidden=512, text_dim=1024, condition_dim=128, latent_dim=100, batch_size=64, lr=2e-4,
        picture_widths=(64, 128, 256, 512), generator_widths=(1024, 512, 256, 128, 64),
        discriminator_widths=(64, 128, 256, 512), refiner_widths=(128, 256, 512), upsampling_widths=(256, 128, 64, 32),
        residual_blocks=4, critic_widths=(64, 128, 256, 512, 1024, 2048), skip=False, schedule="linear",
    ),
}  # fmt: skip
