"""Names of moves: D4 or pass in Go and tic-tac-toe, a column's letter in Connect Four."""

from __future__ import annotations

from potmeter.errors import reject
from potmeter.media.board import LETTERS

from .rules import CONNECT_FOUR, GO, Rules


def name_action(rules: Rules, action: int) -> str:
    """The name of an action.

    Example:
        >>> from .rules import make_rules
        >>> rules = make_rules(GO, 9, 9)
        >>> name_action(rules, 0), name_action(rules, 80), name_action(rules, 81)
        ('A9', 'J1', 'pass')
    """
    if rules.kind == CONNECT_FOUR:
        return LETTERS[action]
    if action == rules.rows * rules.columns:
        return "pass"
    return f"{LETTERS[action % rules.columns]}{rules.rows - action // rules.columns}"


def parse_action(rules: Rules, name: str) -> int:
    """The action of this name, in whatever case. Raises UserError where it is not on the board."""
    names = {name_action(rules, action).casefold(): action for action in range(rules.actions)}
    word = name.strip().casefold()
    first, last = name_action(rules, 0), name_action(rules, rules.columns - 1)
    if word not in names:
        reject(f"Moves are named like {first} and {last}{', or pass' * (rules.kind == GO)}.", name)
    return names[word]


def parse_actions(rules: Rules, names: str) -> list[int]:
    """Actions from their names, separated by spaces or commas."""
    return [parse_action(rules, name) for name in names.replace(",", " ").split()]
