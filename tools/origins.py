"""What stands behind what is shipped, for its card: data packages and libraries, with versions, sums and licences."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from potmeter.data.fetching.packages import PACKAGES
from potmeter.data.sets.records import DATA_SETS
from potmeter.registry import Weights


def list_origins(facts: Weights) -> list[dict[str, Any]]:
    """The packages and libraries of the data sets, and the package of the network that training began with.

    A name that is no data set is that of a data package, or of points that the system makes itself.
    """
    records = [DATA_SETS[name] for name in facts.data if name in DATA_SETS]
    tags = [tag for record in records for tag in record.packages]
    tags += [name for name in facts.data if name not in DATA_SETS and name in PACKAGES]
    tags += [facts.pretrained] if facts.pretrained else []
    libraries = {library: licence for record in records for library, licence in record.libraries.items()}
    return [asdict(PACKAGES[tag]) for tag in tags] + [
        {"name": library, "version": version(library), "licence": licence} for library, licence in libraries.items()
    ]
