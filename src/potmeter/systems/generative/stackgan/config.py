"""What a StackGAN can be set to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject

Widths = Annotated[tuple[int, ...], Range(1)]


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Sizes of the networks, the stages of the training and the weights of its losses."""

    dataset: str = "birds"
    """What it is trained on where no --data is given: birds, few-birds or another built-in set of pictures with captions."""
    image_size: Annotated[int, Range(1)] = 256
    """Side of stage II's pictures in pixels; stage I's are a quarter as wide."""
    vocabulary: tuple[str, ...] = ()
    """The words that it knows; filled from the data."""
    min_count: Annotated[int, Range(1)] = 2
    """How often a word must stand in the training sentences to be learned."""
    max_length: Annotated[int, Range(1)] = 50
    """Words of a sentence that are read; what comes later is not."""
    word_dim: Annotated[int, Range(1)] = 64
    """Dimension of the word embeddings."""
    text_hidden: Annotated[int, Range(1)] = 128
    """Hidden units of the text encoder's recurrent layer, in each direction."""
    text_dim: Annotated[int, Range(1)] = 128
    """Dimension of the text embedding φ, in which sentences and pictures are compared."""
    picture_widths: Widths = (24, 48, 96, 128)
    """Feature maps of the picture encoder that the text encoder is trained with; each has half the height and width."""
    condition_dim: Annotated[int, Range(1)] = 64
    """Dimension of the condition ĉ that conditioning augmentation samples, and of the text in the discriminators."""
    augmentation_relu: bool = False
    """Whether a ReLU follows the layer of conditioning augmentation, as in the authors' PyTorch code; the paper has none."""
    latent_dim: Annotated[int, Range(1)] = 64
    """Dimension of the noise z."""
    first_generator_widths: Widths = (192, 128, 96, 40, 24)
    """Feature maps of stage I's generator, from 4×4 pixels to its picture's size."""
    first_discriminator_widths: Widths = (24, 48, 96, 160)
    """Feature maps of stage I's discriminator, each of half the height and width, down to 4×4."""
    second_downsampling_widths: Widths = (24, 48, 96)
    """Feature maps of stage II's generator on its way down from stage I's picture, whose size the first has."""
    second_upsampling_widths: Widths = (48, 24, 12, 8)
    """Feature maps of stage II's generator on its way up, each of twice the height and width."""
    residual_blocks: Annotated[int, Range(0)] = 2
    """Residual blocks of stage II's generator, where text and picture have met."""
    second_discriminator_widths: Widths = (12, 24, 48, 96, 128, 128)
    """Feature maps of stage II's discriminator, each of half the height and width, down to 4×4."""
    skip: bool = True
    """Whether stage II corrects stage I's picture, enlarged, and sees its finest feature maps again; the paper's does not."""
    stages: Annotated[tuple[float, float], Range(0, 1)] = (0.1, 0.55)
    """Shares of the training after which the text encoder is done, and stage I is."""
    second_batch_size: Annotated[int, Range(1)] | None = None
    """Pictures of each process's minibatch that stage II, whose steps take so much longer, learns from; None = all."""
    train_text_encoder: bool = False
    """Whether the text encoder goes on learning in stage I, from pairs and the generator's losses; the paper's does not."""
    kl_weight: Annotated[float, Range(0)] = 2.0
    """Weight λ of the Kullback–Leibler divergence of conditioning augmentation (equation 4)."""
    adversarial_weight: Annotated[float, Range(0)] = 1.0
    """Weight of the adversarial loss among the generators' losses."""
    second_adversarial_weight: Annotated[float, Range(0)] | None = None
    """The same in stage II alone; None = as in stage I."""
    diff_augment: bool = False
    """Differentiable augmentation (color, translation, cutout) of what discriminators see, so that they memorise a small
    training set later (DiffAugment, arXiv:2006.10738); not for pictures whose colours sentences name, and not in the paper."""
    reconstruction_weight: Annotated[float, Range(0)] = 0.0
    """Weight of the distance, mean over pixels in [−1, 1], between training pictures and those generated of their sentence
    and of the noise that an encoder finds in them, as in a variational autoencoder, and between stage I's pictures and stage
    II's made small again; 0 = none, as in the paper."""
    latent_kl_weight: Annotated[float, Range(0)] = 0.05
    """Weight of the Kullback–Leibler divergence of that noise from the standard normal."""
    latent_widths: Widths = (16, 32, 48, 64)
    """Feature maps of the encoder that finds the noise in training pictures, each of half the height and width."""
    latent_bank: Annotated[int, Range(0)] = 0
    """How many training pictures' noise is kept, one of which, a little changed, z then is (density estimation after the
    training, arXiv:1903.12436); 0 = none, and z is standard normal, as in the paper."""
    matching_weight: Annotated[float, Range(0)] = 0.0
    """Weight of the cross-entropy by which the picture encoder tells, among the minibatch's sentences, the one that a
    picture of stage I belongs to (arXiv:1711.10485, equation 11); 0 = none, as in the paper."""
    beta1: Annotated[float, Range(0, 1, open="high")] = 0.5
    """Adam's decay of the mean gradient."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the convolutions in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""
    feature_extractor: str = "classifier.imagenet"
    """The network in whose features pictures are compared: a system with the capability Embedder."""
    feature_extractor_size: Annotated[int, Range(1)] = 128
    """Height and width in pixels that it sees them in."""

    def __post_init__(self) -> None:
        super().__post_init__()
        fewest = min(self.batch_size, self.second_batch_size or self.batch_size)
        fewest > 1 or reject("A minibatch has two pictures at least: each meets another's sentence.", fewest)
        for name in (field.name for field in fields(self) if field.name.endswith("_widths")):
            getattr(self, name) or reject(f"{name} name one layer at least.", ())
        sides = {
            "first_generator_widths": 4 * 2 ** (len(self.first_generator_widths) - 1),
            "first_discriminator_widths": 4 * 2 ** len(self.first_discriminator_widths),
        }
        for name, side in sides.items():
            if side != self.small_size:
                reject(f"{name} make pictures of {side} pixels; a quarter of image_size is wanted.", self.small_size)
        halving = {"picture_widths": self.picture_widths}
        halving |= {"latent_widths": self.latent_widths} if self.reconstruction_weight else {}
        for name, widths in halving.items():
            if 2 ** len(widths) > self.small_size:
                reject(f"{name} halve stage I's picture, {self.small_size} pixels wide, to less than one.", widths)
        large = 4 * 2 ** len(self.second_discriminator_widths)
        if large != self.image_size:
            reject(f"second_discriminator_widths see pictures of {large} pixels.", self.image_size)
        down, up = len(self.second_downsampling_widths) - 1, len(self.second_upsampling_widths)
        if up - down != 2:
            reject("second_upsampling_widths are one more than second_downsampling_widths, to four times the size.", up)
        if self.latent_bank and not self.reconstruction_weight:
            reject("Noise is found in training pictures only to reconstruct them: --latent-bank 0.", self.latent_bank)
        0 <= self.stages[0] <= self.stages[1] or reject("The stages end one after the other.", self.stages)

    @property
    def small_size(self) -> int:
        """Side of stage I's pictures in pixels."""
        return self.image_size // 4
