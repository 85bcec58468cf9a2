"""Pictures on pages, compared."""

from potmeter.media.pages import resize_for_page
from potmeter.probes.latents.strips import SIDE


def looks_like(image, x, side=SIDE):
    """Whether a picture on a page is that of a tensor."""
    return (image.pixels == resize_for_page(x, side).pixels).all()
