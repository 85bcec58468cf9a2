"""BLEU and chrF by sacreBLEU (Post, arXiv:1804.08771), so that the figures are those of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu import BLEU, CHRF

from potmeter.errors import reject


@dataclass(frozen=True)
class Scores:
    """Corpus BLEU and chrF of translations, both from 0 to 100."""

    bleu: float
    chrf: float


def metric_signatures() -> dict[str, str]:
    """How ``score_translations`` computes BLEU and chrF, in sacreBLEU's own form."""
    one = [["."]]  # the number of references is part of it
    return {"bleu": str(BLEU(references=one).get_signature()), "chrf": str(CHRF(references=one).get_signature())}


def score_translations(translations: Sequence[str], references: Sequence[str]) -> Scores:
    """Corpus BLEU (Papineni et al. 2002) and chrF2 (Popović 2015).

    Args:
        translations: One sentence each.
        references: Of as many sentences.

    Raises:
        UserError: When they are not as many, or none.

    Example:
        >>> score_translations(["The cat sat on the mat."], ["The cat sat on the mat."]).bleu
        100.0
    """
    0 < len(translations) == len(references) or reject(
        "There must be as many references as translations, one at least.", f"{len(translations)} and {len(references)}"
    )
    value = BLEU().corpus_score(list(translations), [list(references)]).score
    other = CHRF().corpus_score(list(translations), [list(references)]).score
    return Scores(min(float(value), 100.0), float(other))
