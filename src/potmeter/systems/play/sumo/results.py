"""What sumo's tasks give."""

from dataclasses import dataclass

from potmeter.media import Chart, Result, Table, Video


@dataclass(frozen=True)
class LeagueResult(Result):
    """Everybody's Elo rating, and how it rose."""

    table: Table
    chart: Chart


@dataclass(frozen=True)
class BoutResult(Result):
    """Some bouts in figures, and the first ones to watch."""

    video: Video
    table: Table
