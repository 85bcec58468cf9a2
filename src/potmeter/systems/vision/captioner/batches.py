"""Training pictures, or their feature maps, with all their captions as tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.data.batches import Batch
from potmeter.data.captions import CaptionData

from .features import CachedFeatures
from .model import PAD, Config
from .words import encode_captions


class TokenData:
    """A data set whose batches have ``captions`` int64 (B, K, T), and ``maps`` (B, F, hs, ws) or ``image`` (B, 3, H, W).

    Every picture has K rows: where it has fewer captions they come again.

    Args:
        data: Pictures with captions.
        config: With its vocabulary.
        features: The pictures' feature maps, where these are kept.
    """

    def __init__(self, data: CaptionData, config: Config, features: CachedFeatures | None = None) -> None:
        self.data, self.features = data, features
        texts = [(text, language) for each in data.captions for language, some in each.items() for text in some]
        encoded = {
            language: iter(encode_captions([text for text, its in texts if its == language], language, config))
            for language in data.languages
        }
        rows = [[next(encoded[language]) for language, some in each.items() for _ in some] for each in data.captions]
        most, longest = max(map(len, rows)), max(len(row) for each in rows for row in each)
        self.captions = torch.full((len(rows), most, longest), PAD, dtype=torch.int32)
        for number, some in enumerate(rows):
            for k in range(most):
                row = some[k % len(some)]
                self.captions[number, k, : len(row)] = row

    def __len__(self) -> int:
        return len(self.captions)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The samples at these places."""
        captions = self.captions[torch.as_tensor(indices)].long()
        if self.features is not None:
            return {"maps": self.features[list(indices)], "captions": captions}
        return {"image": self.data.__getitems__(indices)["image"], "captions": captions}


def trim(tokens: Tensor) -> Tensor:
    """Rows of tokens without the columns in which all are padding."""
    return tokens[:, : int((tokens != PAD).any(0).sum())]


def cross_entropy(logits: Tensor, tokens: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """−log p of each token after the first, in nats, 0 for padding: (B, T)."""
    return F.cross_entropy(
        logits.transpose(1, 2), tokens, ignore_index=PAD, label_smoothing=label_smoothing, reduction="none"
    )
