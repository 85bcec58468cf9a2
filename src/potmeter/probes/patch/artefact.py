"""A patch as a file: a PNG, and beside it a card that says what it is for and how it was made."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from potmeter import registry
from potmeter.errors import UserError, suggest
from potmeter.media import Image, Text


@dataclass(frozen=True, eq=False)
class Card(Text):
    """What is known of an artefact, as JSON."""

    suffix = ".json"

    @property
    def facts(self) -> dict[str, Any]:
        """The card as a dictionary. Raises UserError when it is none."""
        try:
            facts = json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise UserError(f"The card is no JSON: {error}.", received=self.text[:60]) from None
        if not isinstance(facts, dict):
            raise UserError("The card must be one JSON object.", received=self.text[:60])
        return facts


def make_card(facts: dict[str, Any]) -> Card:
    """A card with these facts."""
    return Card(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


@dataclass(frozen=True)
class PatchArtefact:
    """A patch and its card: as a result, ``--out FOLDER`` writes ``patch.png`` and ``card.json``."""

    patch: Image
    card: Card

    @property
    def pixels(self) -> Tensor:
        """The patch (3, S, S) in [0, 1]: the middle square of its picture."""
        return self.patch.tensor(min(self.patch.size))

    @property
    def target(self) -> str | None:
        """The class that it is for; None for a picture without a card."""
        return self.card.facts.get("target")


def shipped_patches() -> dict[str, Path]:
    """The folders of the patches that come with the package, by name."""
    return {folder.name.partition(".")[2]: folder for folder in sorted(registry.WEIGHTS.glob("patch.*"))}


def load_patch(word: str) -> PatchArtefact:
    """A patch by the name of a shipped one, its folder, or a picture file (any picture can be a patch).

    Raises:
        UserError: When there is no such patch, or its picture or card is damaged.
    """
    path = shipped_patches().get(word) or Path(word)
    path = path / "patch.png" if os.path.isdir(path) else path
    if not os.path.isfile(path):  # os.path: a word may be too long or odd for a path
        hint = suggest(word, shipped_patches(), f"Shipped are {', '.join(shipped_patches()) or 'none'}.")
        raise UserError(f"There is no patch of that name, nor such a file. {hint}", received=word)
    beside = path.with_name("card.json")
    known = Card(Text.open(beside).text) if path.name == "patch.png" and os.path.isfile(beside) else make_card({})
    known.facts  # a damaged card is told now
    return PatchArtefact(Image.open(path), known)
