"""BLEU, chrF and cross-entropy of held-out pairs, in each direction and over all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from potmeter.metrics.translation import score_translations

from .batches import encode_pairs
from .decoding import BATCH
from .model import Seq2Seq, pad
from .pairs import Pairs
from .vocabularies import Vocabularies


def measure_bleu(
    translate: Callable[[list[str], str], list[str]], data: Pairs, directions: Sequence[str]
) -> dict[str, Tensor]:
    """BLEU and chrF of translations: the means over the directions and, of several, each direction's.

    Args:
        translate: Takes sentences and a direction.
        data: Held-out pairs.
        directions: What is translated.
    """
    metrics: dict[str, float] = {}
    means = {"bleu": 0.0, "chrf": 0.0}
    for direction in directions:
        sources, references = data.sides(direction)
        scores = score_translations(translate(sources, direction), references)
        for name in means:
            metrics[f"{direction.replace('-', '_')}_{name}"] = getattr(scores, name)
            means[name] += getattr(scores, name) / len(directions)
    return {name: torch.tensor(value) for name, value in (means | (metrics if len(directions) > 1 else {})).items()}


@torch.no_grad()
def measure_loss(
    model: Seq2Seq, data: Pairs, directions: Sequence[str], vocabularies: Vocabularies, device: torch.device
) -> Tensor:
    """Mean cross-entropy of the references' tokens in nats, over all directions: shape ()."""
    parts = []
    for direction in directions:
        rows = [plain for plain, _ in encode_pairs(data, direction, vocabularies)]
        rows.sort(key=lambda row: len(row[0]) + len(row[1]))
        for start in range(0, len(rows), BATCH):
            sources, targets = zip(*rows[start : start + BATCH], strict=True)
            parts.append(model.cross_entropy(pad([*sources], device), pad([*targets], device)))
    return torch.cat(parts).cpu().double().mean()
