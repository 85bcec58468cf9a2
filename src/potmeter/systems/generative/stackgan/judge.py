"""A classifier of birds' attributes that is trained apart, on drawn birds only: it tells whether pictures show what was said.

``tools/train_bird_judge.py`` trains it; its weights lie beside this file. It has learned from no generated picture.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from safetensors.torch import load_file
from torch import Tensor, nn

from potmeter.core.weights import expand
from potmeter.data.sets.bird_anatomy import ATTRIBUTES

FILE = Path(__file__).with_name("judge.safetensors")
SIDE = 64
"""Height and width in pixels of the pictures that it sees."""
WIDTHS = (16, 32, 64, 96, 128)
"""Feature maps of its convolutions; the first sees every pixel, each other halves height and width."""
BATCH = 100


class BirdJudge(nn.Module):
    """Pictures (B, 3, 64, 64) in [0, 1] to logits of the values of all attributes (B, V), one attribute after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(inputs, outputs, 3, stride=1 if level == 0 else 2, padding=1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                )
                for level, (inputs, outputs) in enumerate(pairwise((3, *WIDTHS)))
            )
        )
        self.heads = nn.Linear(16 * WIDTHS[-1], sum(map(len, ATTRIBUTES.values())))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b values"]:
        x = self.convolutions(2 * images.contiguous(memory_format=torch.channels_last) - 1)
        return self.heads(x.flatten(1))  # type: ignore[no-any-return]

    def split(self, logits: Float[Tensor, "b values"]) -> list[Tensor]:
        """The logits of each attribute."""
        return list(logits.split([len(values) for values in ATTRIBUTES.values()], 1))

    @torch.no_grad()
    def predict(self, images: Float[Tensor, "n 3 h w"]) -> Int[Tensor, "n attributes"]:
        """The number of each attribute's likeliest value, in square pictures in [0, 1] of any size."""
        values = []
        for part in images.split(BATCH):
            small = F.interpolate(part.float(), size=(SIDE, SIDE), mode="area") if part.shape[-1] > SIDE else part
            small = F.interpolate(small, size=(SIDE, SIDE), mode="bilinear") if part.shape[-1] < SIDE else small
            values.append(torch.stack([each.argmax(1) for each in self.split(self(small))], 1))
        return torch.cat(values)


@cache
def load_judge() -> BirdJudge:
    """The classifier with its weights, in evaluation mode."""
    judge = BirdJudge()
    judge.load_state_dict(expand(load_file(FILE)))
    return judge.eval().requires_grad_(False)
