"""The presets of StackGAN: sizes, and how much helps a short training."""

from __future__ import annotations

from .config import Config

PRESETS = {
    "tiny": Config(
        dataset="few-birds", image_size=64, word_dim=32, text_hidden=48, text_dim=48, picture_widths=(16, 32), condition_dim=32,
        latent_dim=16, first_generator_widths=(64, 32, 16), first_discriminator_widths=(16, 32),
        second_downsampling_widths=(16, 32), second_upsampling_widths=(24, 16, 8), residual_blocks=1,
        second_discriminator_widths=(8, 16, 32, 32), latent_widths=(16, 32), latent_bank=256, stages=(0.25, 0.65),
        kl_weight=0.25, latent_kl_weight=1.0, adversarial_weight=0.5, second_adversarial_weight=0.05,
        reconstruction_weight=60.0, matching_weight=1.0, train_text_encoder=True, lr=2e-3, batch_size=32, schedule="constant",
        ema=0.98, feature_extractor="classifier.digits", feature_extractor_size=28,
    ),
    "lecture": Config(
        batch_size=32, second_batch_size=12, lr=1e-3, schedule="cosine", ema=0.99, stages=(0.1, 0.65), precision="bfloat16",
        kl_weight=0.25, latent_kl_weight=1.5, adversarial_weight=0.5, second_adversarial_weight=0.005,
        reconstruction_weight=60.0, matching_weight=0.5, latent_bank=1024, train_text_encoder=True,
    ),
    "paper": Config(
        dataset="own data", text_hidden=512, text_dim=1024, condition_dim=128, latent_dim=100, batch_size=64, lr=2e-4,
        picture_widths=(64, 128, 256, 512), first_generator_widths=(1024, 512, 256, 128, 64),
        first_discriminator_widths=(64, 128, 256, 512), second_downsampling_widths=(128, 256, 512),
        second_upsampling_widths=(256, 128, 64, 32), second_discriminator_widths=(64, 128, 256, 512, 1024, 2048),
        residual_blocks=4, skip=False, schedule="linear",
    ),
}  # fmt: skip
