"""potmeter: the deep-learning lecture that runs.

>>> import potmeter
>>> vae = potmeter.load("vae")
>>> picture = vae.run(count=16, seed=1)
>>> file = picture.save("digits.png")
"""

from __future__ import annotations

from potmeter.errors import UserError
from potmeter.version import __version__

__all__ = ["UserError", "__version__", "list_systems", "load"]


def list_systems(kind: str | None = None) -> list[str]:
    """The names of the systems and probes there are, those of installed packages included, in the lecture's order.

    Args:
        kind: ``system`` or ``probe``: only these; default: all.

    Example:
        >>> "vae" in list_systems("system"), "vae" in list_systems("probe")
        (True, False)
    """
    from potmeter import registry

    return [name for name, entry in registry.entries().items() if kind in (None, entry.kind)]


def __getattr__(name: str) -> object:
    # torch takes seconds to import: it waits until something is really loaded
    if name == "load":
        from potmeter.core.loading import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
