"""A pool of generated pictures of the past, which a discriminator is shown besides the new ones."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


class ImagePool:
    """The latest generated pictures, so that a discriminator does not forget what it knew (Shrivastava et al. 2016,
    arXiv:1612.07828, section 2.3).

    Args:
        size: How many are stored; 0 = none.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: Tensor | None = None

    def exchange(self, images: Float[Tensor, "b c h w"], numbers: Float[Tensor, "b 2"]) -> Float[Tensor, "b c h w"]:
        """Store pictures, and give as many: in half of the cases, once the pool is full, an old one, whose place it takes.

        Args:
            images: New pictures.
            numbers: Uniform random numbers in [0, 1): whether each is exchanged, and with which one.
        """
        if self.images is None:
            self.images = images.new_empty(0, *images.shape[1:])
        given = []
        for image, (chance, place) in zip(images, numbers.tolist(), strict=True):
            if len(self.images) < self.size:
                self.images = torch.cat([self.images, image[None]])
                given.append(image)
            elif self.size and chance < 0.5:
                number = int(place * self.size)
                given.append(self.images[number].clone())
                self.images[number] = image
            else:
                given.append(image)
        return torch.stack(given)
