"""Made-up sentences with a known structure: nouns have a topic and a role, which show in the words around them only.

A noun is written as its topic's syllable and its role's: ``baro`` is to ``bami`` as ``lero`` is to ``lemi``. Two nouns
never stand in one sentence: what they have in common can only be learned from the company they keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

TOPICS = ("ba", "le", "zu", "no", "ki", "fe")
ROLES = ("ro", "mi", "ta", "su", "ve")
ENDINGS = ("nal", "rim", "sot", "dek", "pul", "gav", "hob", "wix")
"""Of the words that only go with one topic or one role."""
SENTENCES = {"train": 6000, "valid": 600, "test": 600}


def generate_sentences(part: str) -> Iterator[str]:
    """Sentences of one part: a noun among words of its topic and of its role, in any order."""
    rng = np.random.default_rng([*SENTENCES].index(part))
    for _ in range(SENTENCES[part]):
        topic, role = TOPICS[rng.integers(len(TOPICS))], ROLES[rng.integers(len(ROLES))]
        company = [kind + ENDINGS[rng.integers(len(ENDINGS))] for kind in (topic, topic, role, role)]
        words = [topic + role, *company]
        yield " ".join(words[i] for i in rng.permutation(len(words))) + "\n"


def list_analogies() -> list[tuple[str, str, str, str]]:
    """All analogies between nouns: a is to b as c is to d."""
    return [
        (one + a, one + b, other + a, other + b)
        for one, other in permutations(TOPICS, 2)
        for a, b in permutations(ROLES, 2)
    ]
