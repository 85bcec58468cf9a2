"""How often a patch succeeds, beside plain pictures of the same thing, and with another network."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from potmeter.data.sets.furniture import furniture
from potmeter.media import Image

from .trials import centre_squares, load_test_photos, run_trials


def control_pictures() -> dict[str, Image]:
    """Five plain pictures to paste instead of a patch.

    The packages that our data come from carry one true picture of a toaster, a rendered one, which MobileNetV2 calls a
    toaster too: here whole, close, and each mirrored; and of the other 819 pictures of household things beside it the
    oven that one would take for a toaster most easily.
    """
    return {
        "toaster": furniture("toaster"),
        "toaster mirrored": furniture("toaster", mirrored=True),
        "toaster close": furniture("toaster", close=True),
        "toaster close mirrored": furniture("toaster", close=True, mirrored=True),
        "oven close": furniture("small-oven", close=True),
    }


def centre_square(picture: Image) -> Tensor:
    """The middle square (3, S, S) of any picture."""
    return picture.tensor(min(picture.size))


def measure_success(
    model: Any, patch: Tensor, target: int, shares: tuple[float, ...] = (0.10, 0.25)
) -> dict[str, float]:
    """Shares of trials that are taken for the target: ``success_10`` where the patch (3, S, S) covers 10 % of the photos …"""
    photos = centre_squares(load_test_photos(), model.input_shape)
    return {
        f"success_{100 * share:.0f}": float(run_trials(model, photos, patch, target, share).float().mean())
        for share in shares
    }


def measure_controls(model: Any, target: int, share: float = 0.25) -> dict[str, float]:
    """The same trials with each of the control pictures, and with nothing on the photos (``none``)."""
    photos = centre_squares(load_test_photos(), model.input_shape)
    patches: dict[str, Tensor | None] = {name: centre_square(image) for name, image in control_pictures().items()}
    return {
        name: float(run_trials(model, photos, patch, target, share).float().mean())
        for name, patch in (patches | {"none": None}).items()
    }


def best_control(shares: dict[str, float]) -> float:
    """The largest share that a control picture reached."""
    return max(share for name, share in shares.items() if name != "none")
