"""The presets of the GAN: sizes and objectives."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

LECTURE = Config(batch_size=64, lr=2e-3, schedule="linear", ema=0.999, filters=(32, 64))

PRESETS = {
    "tiny": Config(dataset="digits", latent_dim=16, filters=(16, 32), lr=2e-3, ema=0.98),
    "lecture": LECTURE,
    "hinge": replace(LECTURE, objective="hinge", norm="spectral", r1=0.0),
    "wgan-gp": replace(LECTURE, objective="wgan-gp", r1=0.0, critic_steps=5, lr=2e-4, beta2=0.9),
    "faces": replace(
        LECTURE, dataset="faces", image_size=64, channels=3, conditional=False, filters=(32, 64, 128, 256),
        r1=0.2, feature_extractor="classifier.imagenet", feature_extractor_size=128,
    ),
    "paper": Config(
        dataset="own data", image_size=64, channels=3, conditional=False, latent_dim=100, batch_size=128,
        filters=(128, 256, 512, 1024), norm="batch", minibatch_std_group=1, r1=0.0, lr=2e-4, beta1=0.5, beta2=0.999,
        schedule="constant", feature_extractor="classifier.imagenet", feature_extractor_size=128,
    ),
}  # fmt: skip
