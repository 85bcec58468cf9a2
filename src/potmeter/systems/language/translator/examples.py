"""Sentences worth translating, none of which was trained on.

All were chosen before their translations were seen, but for the one that shows copying: in a first one, of two clauses,
the word was left out, which happens.
"""

from __future__ import annotations

from potmeter.core.system import Example

OFFICE = "Select the cells that contain the text."
GAME = "The orcs have taken the castle, and our men are dead."
HUNGARIAN = "A parancs megnyitja a kiválasztott dokumentumot."
COPIED = "The file Łódź cannot be opened."
EVERYDAY = "Good morning, how are you?\nWhere is the nearest railway station?\nI would like a cup of coffee, please."


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset == "reverse":
        return [
            Example("A row of digits, turned round: it looks at them from the last to the first", text="4 0 7 1 9 3"),
            Example("Many rows at once", task="batch", texts="1 2 3\n\n9 8 7 6 5 4"),
        ]
    if dataset != "english-hungarian":
        return []  # languages of the user's own
    return [
        Example("Into Hungarian, in the manner of its software", text=OFFICE, direction="en-hu"),
        Example("… and of its fantasy game", text=GAME, direction="en-hu"),
        Example("Out of Hungarian", text=HUNGARIAN, direction="hu-en"),
        Example("A word with letters that it has never seen is copied", text=COPIED, direction="en-hu", best=1),
        Example("What it cannot do: everyday language", task="batch", texts=EVERYDAY, direction="en-hu"),
    ]
