"""Training batches together with the pools of past pictures, so that a checkpoint holds both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from potmeter.nn.image_pool import ImagePool


class PooledBatches:
    """Batches that a checkpoint keeps the position of, and pools that it keeps the pictures of.

    Args:
        batches: From ``TrainingLoop.shuffle``.
        pools: Those that the system's ``step`` fills.
    """

    def __init__(self, batches: Any, pools: list[ImagePool]) -> None:
        self.batches, self.pools = batches, pools

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)

    def state_dict(self) -> dict[str, Any]:
        """The position, and the pictures."""
        return {"batches": self.batches.state_dict(), "pools": [pool.images for pool in self.pools]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to a position, with the pictures of that moment."""
        self.batches.load_state_dict(state["batches"])
        for pool, images in zip(self.pools, state["pools"], strict=True):
            pool.images = images
