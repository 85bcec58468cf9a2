"""Make the picture on a system's card in the gallery from one of its examples: ``python tools/cover.py vae.plane 0``.

The picture of what comes out (of a film the frame after a quarter, of no picture what goes in), cut to 16 : 9 around a place.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import PIL.Image
import PIL.ImageOps

import potmeter
from potmeter import media, registry

SIZE = (640, 360)


def main() -> None:
    """Run the example and write ``cover.webp`` into the system's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="system and weights: vae.plane")
    parser.add_argument("example", type=int, help="its number, from 0")
    parser.add_argument("--at", type=float, nargs=2, default=(0.5, 0.5), help="the middle of the cut, from 0 to 1")
    arguments = parser.parse_args()
    system = potmeter.load(arguments.name)
    example = system.examples()[arguments.example]
    result = getattr(system, example.task)(**example.inputs)
    result = list(result)[-1] if isinstance(result, Iterator) else result
    candidates = [*media.parts(result).values(), *example.inputs.values()]
    picture = next(found for found in map(picture_of, candidates) if found is not None)
    cover = PIL.ImageOps.fit(picture, SIZE, PIL.Image.Resampling.LANCZOS, centering=tuple(arguments.at))
    path = registry.resolve(arguments.name).entry.source / "cover.webp"
    cover.save(path, quality=82, method=6)
    print(f"{path.parent.name}/{path.name}: {path.stat().st_size:,} bytes")


def picture_of(medium: Any) -> PIL.Image.Image | None:
    """A medium as a picture, where it is one."""
    if isinstance(medium, media.Image):
        return medium.pil()
    if isinstance(medium, media.Detections):
        return medium.draw().pil()
    if isinstance(medium, media.Video):
        return PIL.Image.fromarray(medium.frames[len(medium.frames) // 4])
    if isinstance(medium, media.Chart):
        return PIL.Image.open(BytesIO(medium.encode(".png"))).convert("RGB")
    return None


if __name__ == "__main__":
    main()
