"""With which komi GNU Go against itself is nearest to even, from the openings of a match.

python tools/komi.py alphazero.go7 60

Each opening is played once, with the komi of the weights; of each komi it says how many games Black would have won.
"""

from __future__ import annotations

import argparse

import numpy as np

import potmeter
from potmeter.systems.play.alphazero import rules as r
from potmeter.systems.play.alphazero.players import ProgramPlayer, play_match, random_openings
from potmeter.systems.play.alphazero.system import AT_ONCE, OPENING_MOVES, gnugo_command


def play_itself(rules: r.Rules, seeds: np.ndarray) -> list[float]:
    """By how many points Black is ahead at the end of a game from the opening of each seed, without komi."""
    openings = random_openings(rules, seeds, OPENING_MOVES[r.GO])
    players = [ProgramPlayer(rules, str(gnugo_command())) for _ in range(2)]
    try:
        match = play_match(rules, *players, openings, np.ones(len(seeds), bool))
    finally:
        for player in players:
            player.close()
    for state, actions in zip(openings, match.actions, strict=True):
        for action in actions:
            r.play(rules, state, action)
    return [r.area_score(rules, state) + rules.twice_komi / 2 for state in openings]


def main() -> None:
    """Play, and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="weights for Go: alphazero.go7")
    parser.add_argument("games", type=int)
    arguments = parser.parse_args()
    system = potmeter.load(arguments.name)
    seeds = np.unique(system.data(system.config).test.tensors["opening"])[: arguments.games]
    blocks = np.array_split(seeds, -(-len(seeds) // AT_ONCE))
    leads = np.array([lead for block in blocks for lead in play_itself(system.rules, block)])
    for komi in np.arange(np.floor(np.median(leads)) - 5.5, np.median(leads) + 6, 1):
        print(f"komi {komi:g}: Black wins {int((leads > komi).sum())} of {len(leads)}")
    print(f"komi {system.config.komi:g}: Black wins {int((leads > system.config.komi).sum())} of {len(leads)}")


if __name__ == "__main__":
    main()
