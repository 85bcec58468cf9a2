"""``potmeter fetch``: bring data packages ahead of their first use."""

from __future__ import annotations

import json
from typing import Any

from potmeter.errors import reject, suggest
from potmeter.presentation.arguments import common_flags, parse


def fetch(argv: list[str]) -> None:
    """Bring data packages into the cache; without names, list what there is."""
    from potmeter.core.signature import Parameter
    from potmeter.data.fetching.fetch import fetch as bring
    from potmeter.data.fetching.packages import PACKAGES

    own = [
        Parameter("tags", str, (), positional=True, many=True, help="packages to bring; none: list them"),
        Parameter("list", bool, False, help="list the packages, and bring nothing"),
    ]
    values = parse(
        "potmeter fetch", [*own, *common_flags("json")], argv, "Bring data packages ahead of their first use."
    )
    tags = values["tags"]
    for tag in tags:  # before the first one is brought
        tag in PACKAGES or reject(
            f"No data package has this name. {suggest(tag, PACKAGES, '`potmeter fetch` lists all.')}", tag
        )
    if tags and not values["list"]:
        folders = {tag: str(bring(tag)) for tag in tags}
        print(json.dumps({"packages": folders}) if values["json"] else "\n".join(folders.values()))
        return
    rows = [describe(tag) for tag in tags or PACKAGES]
    if values["json"]:
        print(json.dumps({"packages": rows}, ensure_ascii=False))
        return
    for row in rows:
        state = "in the cache" if row["cached"] else f"{row['bytes'] / 1e6:.0f} MB from {row['registry']}"
        print(f"{row['tag']:10}  {state}\n{'':12}{row['what']}\n{'':12}Licence: {row['licence']}")


def describe(tag: str) -> dict[str, Any]:
    """The facts of a package that a user chooses by."""
    from potmeter.data.fetching.fetch import cached_folder
    from potmeter.data.fetching.packages import PACKAGES

    p = PACKAGES[tag]
    folder = cached_folder(tag)
    facts = {"tag": tag, "what": p.what, "licence": p.licence, "bytes": p.size, "registry": p.registry}
    return facts | {"package": f"{p.name} {p.version}", "cached": folder.is_dir(), "folder": str(folder)}
