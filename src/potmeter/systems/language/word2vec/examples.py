"""What the word vectors are worth being tried on."""

from __future__ import annotations

from potmeter.core.system import Example

from .vocabulary import Vocabulary

COURT = [
    "king",
    "queen",
    "prince",
    "princess",
    "father",
    "mother",
    "son",
    "daughter",
    "brother",
    "sister",
    "husband",
    "wife",
    "man",
    "woman",
]
SEA = ["whale", "ship", "sea", "sail", "captain", "harpoon", "boat", "ocean", "deck", "sailor"]
STATE = [
    "congress",
    "president",
    "treasury",
    "senate",
    "treaty",
    "commerce",
    "government",
    "constitution",
    "tax",
    "budget",
]
FAITH = ["lord", "god", "prayer", "psalm", "prophet", "temple", "priest", "faith", "gospel", "sin"]
NATIONS = ["france", "england", "spain", "russia", "germany", "china", "japan", "mexico"]


def examples(dataset: str, vocabulary: Vocabulary) -> list[Example]:
    """The examples of the weights that were trained on a data set; those with words the vocabulary lacks are left out.

    The English words were chosen by looking, as some whose neighbours need no explanation, out of eighteen common ones; the
    second analogy as one that goes wrong, as three of four do.
    """
    if dataset == "own data":  # what its words mean is not known here
        frequent = list(vocabulary.frequent_words())
        tried = [
            Example("The nearest words to a frequent one of its text", words=frequent[:1]),
            Example("A map of frequent words of its text", task="map", words=frequent),
        ][: 1 if len(frequent) < 3 else 2]
    elif dataset == "synthetic":
        tried = [
            Example("Nearest to a noun: those of its topic, and those of its role", words=["baro"]),
            Example("baro is to bami as lero is to …", task="analogy", a="baro", b="bami", c="lero"),
            Example("A map of nouns", task="map", words=["baro", "bami", "bata", "lero", "lemi", "leta"]),
        ]
    else:
        tried = [
            Example("The nearest words to winter, after seven million words of English", words=["winter"], top=8),
            Example("The nearest words to Monday", words=["monday"], top=8),
            Example("man is to woman as king is to …: right", task="analogy", a="man", b="woman", c="king"),
            Example(
                "paris is to france as london is to …: england would be right",
                task="analogy",
                a="paris",
                b="france",
                c="london",
            ),
            Example(
                "A map of words from five fields: the same field lies together",
                task="map",
                words=[*COURT, *SEA, *STATE, *FAITH, *NATIONS],
            ),
        ]
    return [example for example in tried if all(word in vocabulary.index for word in words_of(example))]


def words_of(example: Example) -> list[str]:
    """The words of an example."""
    inputs = example.inputs
    return [*inputs.get("words", ()), *(inputs[key] for key in ("a", "b", "c") if key in inputs)]
