"""The search against a plain writing of it; self-play, its window and its signs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.helpers import lines, trainer
from potmeter.core import devices
from potmeter.core.training.loop import build_system
from potmeter.systems.play.alphazero import AlphaZero
from potmeter.systems.play.alphazero import rules as r
from potmeter.systems.play.alphazero.evaluators import NetworkEvaluator, RolloutEvaluator, encode
from potmeter.systems.play.alphazero.model import Network, fuse
from potmeter.systems.play.alphazero.players import (
    SearchPlayer,
    elo_difference,
    play_match,
    random_openings,
)  # fmt: skip
from potmeter.systems.play.alphazero.search import Search, SearchOptions, pick_actions
from potmeter.systems.play.alphazero.self_play import Replay, SelfPlay
from potmeter.systems.play.alphazero.thoughts import pieces_of

from .test_alphazero_rules import CONNECT_FOUR, TIC_TAC_TOE, MinimaxPlayer, legal, new, play

TINY = AlphaZero.presets["tiny"]


class Table:
    """An evaluator that gives every position its own fixed logits and value."""

    def __init__(self, rules):
        self.rules = rules

    def __call__(self, states):
        logits, values = [], []
        for state in states:
            board = state[self.rules.board : self.rules.board + self.rules.points].tobytes()
            rng = np.random.default_rng(np.frombuffer(board, np.uint8))
            logits.append(rng.normal(size=self.rules.actions))
            values.append(rng.uniform(-1, 1))
        return np.array(logits, np.float32), np.array(values, np.float32)


def plain_search(rules, state, evaluate, o):
    """One game, one leaf at a time, as the papers write it: dictionaries, and values always of the player to move."""

    def expand(state):
        logits, values = evaluate(state[None])
        moves = sorted(legal(rules, state))
        weights = np.exp(logits[0, moves] - logits[0, moves].max())
        priors = dict(zip(moves, weights / weights.sum(), strict=True))
        return {a: {"P": p, "N": 0, "W": 0.0, "node": None} for a, p in priors.items()}, float(values[0])

    def simulate(node, state):
        """The value for the player to move at this node."""
        total = 1 + sum(e["N"] for e in node["edges"].values())
        explored = sum(e["P"] for e in node["edges"].values() if e["N"])
        urgency = node["W"] / total - o.fpu_reduction * explored**0.5
        c = np.log((1 + total + o.c_base) / o.c_base) + o.c_init
        score = lambda e: (e["W"] / e["N"] if e["N"] else urgency) + c * e["P"] * total**0.5 / (1 + e["N"])
        action = max(node["edges"], key=lambda a: score(node["edges"][a]))
        edge, after = node["edges"][action], state.copy()
        r.play(rules, after, action)
        if after[r.OVER]:
            value = -r.outcome(rules, after, int(after[r.TO_PLAY]))
        elif edge["node"] is None:
            edges, value = expand(after)
            edge["node"] = {"edges": edges, "W": value}
            value = -value
        else:
            value = -simulate(edge["node"], after)
        edge["N"], edge["W"], node["W"] = edge["N"] + 1, edge["W"] + value, node["W"] + value
        return value

    edges, value = expand(state)
    root = {"edges": edges, "W": value}
    for _ in range(o.playouts - 1):
        simulate(root, state)
    visits = np.zeros(rules.actions)
    for action, edge in edges.items():
        visits[action] = edge["N"]
    return visits, root["W"] / o.playouts


@pytest.mark.parametrize(
    "rules", [TIC_TAC_TOE, CONNECT_FOUR, r.make_rules(r.GO, 3, 3, komi=0.5)], ids=["ttt", "c4", "go"]
)
def test_the_search_is_the_papers_written_plainly(rules):
    o = SearchOptions(playouts=120)
    openings = random_openings(rules, np.arange(4), 3)
    search = Search(rules, Table(rules), 4, o, np.random.default_rng(0))
    for game, state in enumerate(openings):
        search.set_state(game, state)
    visits = search.search()
    for game, state in enumerate(openings):
        wanted, value = plain_search(rules, state, Table(rules), o)
        assert visits[game].tolist() == wanted.tolist()
        assert search.root_values[game] == pytest.approx(value, abs=1e-4)


def test_a_search_sees_who_wins_from_whose_view():
    """The classic mistake is a sign: whoever can win at once must want to, whoever must block must block."""
    for moves, best in (("A1 B1 A2 B2", "A3"), ("A1 B1 C3 B2", "B3"), ("B2 A1 C1", "A3")):
        state = play(TIC_TAC_TOE, moves)
        search = Search(TIC_TAC_TOE, Table(TIC_TAC_TOE), 1, SearchOptions(playouts=400), np.random.default_rng(0))
        search.set_state(0, state)
        action = int(search.search()[0].argmax())
        assert action == r_action(best), (moves, best)
        assert (search.root_values[0] > 0.7) == (moves == "A1 B1 A2 B2")


def r_action(name):
    from potmeter.systems.play.alphazero.vertices import parse_action

    return parse_action(TIC_TAC_TOE, name)


def test_a_tree_that_is_gone_on_with_is_the_subtree():
    o = SearchOptions(playouts=200)
    search = Search(CONNECT_FOUR, Table(CONNECT_FOUR), 2, o, np.random.default_rng(0))
    search.search()
    game, action = 1, int(search.visits[1].argmax())
    kept = search.trees.child[game, 0, action]
    before = search.trees.visits[game, kept].copy(), int(search.trees.node_visits[game, kept])
    search.play(game, action)
    assert search.trees.visits[game, 0].tolist() == before[0].tolist()
    assert int(search.trees.node_visits[game, 0]) == before[1]
    visits = search.search()
    assert search.trees.node_visits[game, 0] == 200 and visits[game].sum() == 199


def test_leaves_that_are_evaluated_together_are_different_and_all_counted():
    o = SearchOptions(playouts=100, leaves=8)
    search = Search(CONNECT_FOUR, Table(CONNECT_FOUR), 3, o, np.random.default_rng(0))
    visits = search.search()
    assert (visits.sum(1) >= 99).all() and (visits.sum(1) <= 107).all()
    assert (np.abs(search.root_values) <= 1).all(), "no virtual loss is left"


def test_noise_is_a_mixture_over_legal_moves():
    o = SearchOptions(playouts=2, noise=0.25, alpha=0.5)
    search = Search(CONNECT_FOUR, Table(CONNECT_FOUR), 1, o, np.random.default_rng(0))
    search.set_state(0, play(CONNECT_FOUR, "A A A A A A"))
    search.search()
    prior = search.trees.prior[0, 0]
    assert prior[0] == -1 and prior[1:].sum() == pytest.approx(1, abs=1e-5) and (prior[1:] >= 0).all()


def test_actions_are_picked_in_proportion_to_their_visits():
    visits = np.tile([1, 3, 0, 6], (20_000, 1))
    rng = np.random.default_rng(0)
    shares = np.bincount(pick_actions(visits, np.ones(20_000), rng), minlength=4) / 20_000
    assert shares == pytest.approx([0.1, 0.3, 0, 0.6], abs=0.02)
    assert (pick_actions(visits, np.zeros(20_000), rng) == 3).all()


def test_more_playouts_win():
    rng = np.random.default_rng(0)
    seat = lambda playouts: SearchPlayer(
        CONNECT_FOUR, RolloutEvaluator(CONNECT_FOUR, rng), SearchOptions(playouts=playouts), rng
    )
    openings = random_openings(CONNECT_FOUR, np.arange(40) // 2, 2)
    assert play_match(CONNECT_FOUR, seat(200), seat(10), openings, np.arange(40) % 2 == 0).scores.mean() > 0.8


def test_nobody_beats_minimax_and_two_of_them_draw():
    rng = np.random.default_rng(0)
    openings = random_openings(TIC_TAC_TOE, np.arange(20), 0)
    black = np.arange(20) % 2 == 0
    perfect = lambda: MinimaxPlayer(TIC_TAC_TOE, rng)
    assert (play_match(TIC_TAC_TOE, perfect(), perfect(), openings, black).results == 0).all()
    weak = SearchPlayer(TIC_TAC_TOE, RolloutEvaluator(TIC_TAC_TOE, rng), SearchOptions(playouts=4), rng)
    assert (play_match(TIC_TAC_TOE, weak, perfect(), openings, black).results <= 0).all()


def test_elo_differences():
    assert elo_difference(0.5, 100)[0] == pytest.approx(0, abs=1e-9)
    assert elo_difference(10 / 11, 1000)[0] == pytest.approx(400, abs=1)
    middle, low, high = elo_difference(1.0, 20)
    assert low < middle < 1000 and high >= middle


# The network ------------------------------------------------------------------------------------------------------


def test_folding_batch_normalisation_changes_nothing():
    torch.manual_seed(0)
    network = Network(TINY).train()
    for _ in range(3):
        network(torch.rand(32, 3, 3, 3))
    planes = torch.rand(8, 3, 3, 3)
    for ours, theirs in zip(fuse(network)(planes), network.eval()(planes), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_the_paper_preset_has_the_layers_of_the_paper():
    network = Network(AlphaZero.presets["paper"])
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) == 1 + 2 * 19 + 2 and network.stem.in_channels == 17
    # by hand: stem, 19 blocks, policy head, value head; two numbers of each batch normalisation
    body = 17 * 9 * 256 + 2 * 256 + 19 * 2 * (256 * 256 * 9 + 2 * 256)
    policy = 256 * 2 + 2 * 2 + 722 * 362 + 362
    value = 256 + 2 + 361 * 256 + 256 + 256 + 1
    assert sum(p.numel() for p in network.parameters()) == body + policy + value


def test_a_larger_board_begins_with_the_tower_of_a_smaller_one_and_fresh_heads():
    small = replace(AlphaZero.presets["tiny"], game="go", size=3, komi=0.5)
    first = AlphaZero(small)
    first.network.tower[0].conv1.weight.data.mul_(2)
    second = build_system(AlphaZero, replace(small, size=5), 0, pretrained=first)
    own, kept = second.network.state_dict(), first.network.state_dict()
    fresh = {name for name in own if own[name].shape != kept[name].shape}
    assert fresh == {"policy.weight", "policy.bias", "value_hidden.weight"}
    assert all(torch.equal(own[name], kept[name]) for name in own.keys() - fresh)


def test_an_evaluation_is_the_same_however_a_position_is_turned_once_turned_back():
    """Of a network that knows no directions: one that only looks at the centre and at sums."""

    class Sums(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = torch.nn.Parameter(torch.zeros(1))

        def forward(self, planes):
            own = planes[:, 0].flatten(1) - planes[:, 1].flatten(1)
            return own, own.sum(1)

    states = random_openings(TIC_TAC_TOE, np.arange(50), 4)
    plain = NetworkEvaluator(Sums(), TIC_TAC_TOE)(states)
    turned = NetworkEvaluator(Sums(), TIC_TAC_TOE, np.random.default_rng(0))(states)
    assert (plain[0] == turned[0]).all() and (plain[1] == turned[1]).all()


# Self-play --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def experience():
    torch.manual_seed(0)
    config = replace(TINY, games=8, batch_size=32, playouts=8)
    experience = SelfPlay(Network(config).eval(), config, seed=0)
    while experience.replay.added < 400:
        experience.play_move()
    return experience


def test_positions_of_self_play_know_who_won(experience):
    """Results are those of the players to move: in a won game they alternate, and the last mover has won."""
    planes, policies, results = experience.replay.sample(np.arange(len(experience.replay)))
    assert policies.sum(1) == pytest.approx(np.ones(len(policies)), abs=1e-5)
    starts = np.flatnonzero(planes[:, :2].sum((1, 2)) == 0)  # empty boards
    assert len(starts) > 10
    for first, end in zip(starts, starts[1:], strict=False):
        game = results[first:end]
        assert (game == 0).all() or (game[-1] == 1 and (game[:-1] == -game[1:]).all())
        occupied = planes[first:end, :2].sum(1)
        assert (policies[first:end][occupied > 0] == 0).all(), "no visits of occupied cells"


def test_samples_are_turned_alike_in_planes_and_policy(experience):
    batch = experience.sample(256)
    occupied = batch["planes"][:, :2].sum(1).flatten(1)
    assert batch["policy"][occupied > 0].abs().sum() == 0
    assert set(batch["result"].tolist()) <= {-1.0, 0.0, 1.0}


def test_the_window_keeps_the_newest():
    replay = Replay(TIC_TAC_TOE, 10)
    for i in range(25):
        replay.add(np.full((1, 4), i, np.uint8), np.eye(9, dtype=np.float32)[i % 9][None], np.array([1]))
    assert len(replay) == 10 and sorted(replay.planes[:, 0]) == [*range(15, 25)]
    again = Replay(TIC_TAC_TOE, 10)
    again.load_state_dict(replay.state_dict())
    assert (again.planes == replay.planes).all() and again.added == 25


def test_random_openings_are_played_on_from_and_not_learnt(monkeypatch):
    """Where games begin after up to three random moves, as many positions of each are left out of the window."""
    monkeypatch.setattr(devices, "multiplies_bfloat16", lambda device: True)
    torch.manual_seed(0)
    config = replace(TINY, games=16, playouts=8, opening_moves=3, precision="bfloat16")
    experience = SelfPlay(Network(config).eval(), config, seed=0)
    assert set(experience.first.tolist()) == {0, 1, 2, 3}
    while experience.statistics["games"] < 60:
        experience.play_move()
    planes = experience.replay.sample(np.arange(len(experience.replay)))[0]
    counts = planes[:, :2].sum((1, 2))
    firsts = counts[np.flatnonzero(np.diff(counts, prepend=9) < 0)]  # of each game, whose boards only fill
    assert set(firsts.tolist()) == {0, 1, 2, 3}
    assert experience.replay.added < experience.statistics["moves"]


def test_nobody_resigns_while_moves_are_sampled():
    torch.manual_seed(0)
    config = replace(TINY, games=32, playouts=8, resign_below=-1e-9, explore_moves=4)
    experience = SelfPlay(Network(config).eval(), config, seed=0)
    for _ in range(4):
        experience.play_move()
    assert experience.statistics["games"] == 0, "it takes five moves to win"
    assert (experience.lowest == 1).all()


def test_resignation_ends_games_and_counts_where_it_would_have_been_wrong():
    torch.manual_seed(0)
    config = replace(TINY, games=32, playouts=16, resign_below=-0.3)
    experience = SelfPlay(Network(config).eval(), config, seed=0)
    while experience.statistics["games"] < 150:
        experience.play_move()
    s = experience.statistics
    assert 0 < s["would_resign"] <= 40 and 0 <= s["wrongly"] <= s["would_resign"]


def test_training_tells_how_it_goes_and_keeps_a_game_to_look_at(tmp_path):
    config = replace(TINY, games=8, batch_size=32, playouts=4, match_every=5)
    ready = trainer(AlphaZero, config, tmp_path / "run", steps=6, eval_every=100)
    ready.fit()
    told = {key for line in lines(ready.run) for key in line}
    assert {"policy", "value", "entropy", "games", "games_per_s", "moves_per_game", "elo"} <= told
    assert all(line["games"] > 0 and line["games_per_s"] > 0 for line in lines(ready.run) if "games" in line)
    assert [path.name for path in (ready.run / "media").iterdir()] == ["step-00000006.png"]
    game = ready.system.illustrate()
    state = new(TIC_TAC_TOE)
    for name, board in zip(game.moves, game.boards[1:], strict=True):
        assert r.is_legal(TIC_TAC_TOE, state, r_action(name))
        r.play(TIC_TAC_TOE, state, r_action(name))
        assert (pieces_of(TIC_TAC_TOE, state) == board).all()
    assert state[r.OVER] and game.result == {0: "0", r.BLACK: "B+", r.WHITE: "W+"}[int(state[r.WINNER])]


def test_the_pace_is_that_of_this_session(monkeypatch):
    clock = iter([100.0, 200.0, 300.0, 350.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    torch.manual_seed(0)
    experience = SelfPlay(Network(TINY).eval(), TINY, seed=0)
    experience.statistics["games"] = 50
    assert experience.pace() == 0.5
    experience.load_state_dict(experience.state_dict())
    experience.statistics["games"] = 60
    assert experience.pace() == 0.2


def test_a_gate_lets_only_a_better_network_play():
    torch.manual_seed(0)
    config = replace(TINY, games=4, gate=1.0, playouts=8)
    network = Network(config).eval()
    experience = SelfPlay(network, config, seed=0)
    with torch.no_grad():
        network.policy.bias[0] += 5  # loves a corner
    experience.position = 100
    experience.hold_match()
    assert experience.player is experience.previous and experience.elo == 0
    assert not torch.equal(experience.player.policy.bias, network.policy.bias)


def test_planes_of_many_states_are_those_of_each():
    states = random_openings(CONNECT_FOUR, np.arange(5), 4)
    cells = np.broadcast_to(np.arange(42), (5, 42))
    assert encode(CONNECT_FOUR, states, cells).shape == (5, 3, 6, 7)
    assert (encode(CONNECT_FOUR, states, cells)[2] == encode(CONNECT_FOUR, states[2:3], cells[:1])[0]).all()
    assert new(CONNECT_FOUR)[r.TO_PLAY] == r.BLACK
