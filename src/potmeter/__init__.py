"""potmeter: the deep-learning lecture that runs.

>>> import potmeter
>>> vae = potmeter.load("vae")
>>> picture = vae.run(count=16, seed=1)
>>> file = picture.save("digits.png")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potmeter.core.loading import load as load

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # torch takes seconds to import: it waits until something is really loaded
    if name == "load":
        from potmeter.core.loading import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
