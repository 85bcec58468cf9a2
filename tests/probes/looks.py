"""Pictures on pages, compared."""

from potmeter.media.pages import shown
from potmeter.probes.latents.strips import SIDE


def looks_like(image, x, side=SIDE):
    """Whether a picture on a page is that of a tensor."""
    return (image.pixels == shown(x, side).pixels).all()
