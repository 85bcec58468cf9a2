"""Pictures on pages, compared."""

from potmeter.media.image_grid import resize_to_side
from potmeter.probes.latents.strips import SIDE


def looks_like(image, x, side=SIDE):
    """Whether a picture on a page is that of a tensor."""
    return (image.pixels == resize_to_side(x, side).pixels).all()
