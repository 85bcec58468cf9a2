"""What a match gives."""

from dataclasses import dataclass

from potmeter.media import Game, Result, Table


@dataclass(frozen=True)
class MatchResult(Result):
    """A match in figures, and its first game."""

    table: Table
    first_game: Game
