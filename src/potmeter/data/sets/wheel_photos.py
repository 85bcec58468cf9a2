"""Photographs that installed libraries carry, for examples without network."""

from __future__ import annotations

from pathlib import Path

PHOTOS = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "cat": "chelsea.png",
    "china": "china.jpg",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "flower": "flower.jpg",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "hubble": "hubble_deep_field.jpg",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "page": "page.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}
"""Photos inside the wheels of scikit-image (public domain, CC0 or by permission) and scikit-learn (CC BY 2.0)."""


def wheel_photo_path(name: str) -> Path:
    """A photo inside scikit-image's or scikit-learn's wheel: by its path, since their own functions may go online."""
    import skimage
    import sklearn.datasets

    folders = Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent / "images"
    return next(folder / name for folder in folders if (folder / name).is_file())
