"""Sumo: a ring with rules, fighters, Elo by its equations, self-play that goes on to the bit, bouts to watch."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.helpers import same, state, stop_after, trainer
from potmeter.cli import execute
from potmeter.core.reinforcement.policy import Policy
from potmeter.errors import UserError
from potmeter.systems.play.sumo import Sumo
from potmeter.systems.play.sumo.elo import fit_elo, rate
from potmeter.systems.play.sumo.experience import NOW, Experience
from potmeter.systems.play.sumo.fighters import meet, play_bouts, play_rounds, push, stand_still
from potmeter.systems.play.sumo.film import describe_end
from potmeter.systems.play.sumo.ring import (
    ACTION,
    LONGEST,
    OBSERVATION,
    OTHER,
    STARTS,
    TIME_LEFT,
    Ring,
    random_starts,
)
from potmeter.systems.play.sumo.symmetry import mirror_action, mirror_observation

pytestmark = pytest.mark.xdist_group("sumo")
TINY = replace(Sumo.presets["tiny"], num_envs=8, rollout_steps=16, batch_size=64)
STILL = np.zeros((1, 2, ACTION))


def begin(count=1, radius=1.4):
    """A ring in which bouts begin without any turn or shift."""
    ring = Ring(count, radius)
    ring.restart(slice(None), np.full((count, STARTS), 0.5))
    return ring


def place(ring, side, **where):
    """Put a beetle of the first bout somewhere: x, y, z, or its quaternion."""
    for name, value in where.items():
        column = {"x": 0, "y": 1, "z": 2, "quaternion": slice(3, 7)}[name]
        ring.positions[0, side][column] = value


# The ring ---------------------------------------------------------------------------------------------------------


def test_two_beetles_stand_face_to_face_and_stay_so():
    ring = begin()
    for _ in range(25):
        moment = ring.step(STILL)
    assert not moment.over.any() and not ring.touched.any()
    red, blue = ring.positions[0]
    assert red[0] == pytest.approx(-0.7, abs=0.02) and blue[0] == pytest.approx(0.7, abs=0.02)
    assert abs(red[3]) > 0.99 and abs(blue[6]) > 0.99, "one looks to the right, the other to the left"
    assert (ring.positions[0, :, 2] > 0.08).all(), "and neither sinks in"


@pytest.mark.parametrize("loser", [0, 1])
def test_who_leaves_the_ring_after_they_have_touched_has_lost(loser):
    ring = begin()
    ring.touched[:] = True
    place(ring, loser, x=-1.45 if loser == 0 else 1.45)
    moment = ring.step(STILL)
    assert moment.out.tolist() == [[loser == 0, loser == 1]] and not moment.down.any()
    assert moment.over.all() and moment.winner.tolist() == [1 - loser]


def test_who_leaves_the_ring_untouched_loses_to_nobody():
    ring = begin()
    place(ring, 1, x=1.45)
    moment = ring.step(STILL)
    assert moment.over.all() and moment.winner.tolist() == [-1]


def test_who_lies_on_its_back_after_they_have_touched_has_lost():
    ring = begin()
    ring.touched[:] = True
    place(ring, 0, quaternion=(0, 1, 0, 0), z=0.6)
    assert not ring.step(STILL).over.any(), "while it flies nothing is decided"
    place(ring, 0, z=0.12)
    moment = ring.step(STILL)
    assert moment.down.tolist() == [[True, False]] and moment.winner.tolist() == [1]


def test_when_both_are_out_at_once_or_the_time_is_up_nobody_wins():
    ring = begin()
    ring.touched[:] = True
    place(ring, 0, x=-1.45)
    place(ring, 1, x=1.45)
    assert ring.step(STILL).winner.tolist() == [-1]
    ring = begin()
    ring.steps[:] = LONGEST - 1
    moment = ring.step(STILL)
    assert moment.over.all() and not (moment.out | moment.down).any() and moment.winner.tolist() == [-1]


def test_a_bout_in_which_the_simulator_loses_its_way_is_drawn_and_nothing_is_left_behind(elsewhere, capfd):
    ring = begin(2)
    ring.touched[:] = True
    ring.velocities[0, 0, 6] = 1e12
    moment = ring.step(np.repeat(STILL, 2, 0))
    assert moment.over.tolist() == [True, False] and moment.winner.tolist() == [-1, -1]
    assert np.isfinite(ring.observe()).all() and not list(elsewhere.iterdir()) and capfd.readouterr() == ("", "")


def test_a_touch_is_noticed_and_remembered():
    ring = begin()
    place(ring, 0, x=-0.2)
    place(ring, 1, x=0.2)
    ring.step(STILL)
    assert ring.touched.all()
    place(ring, 0, x=-1.0)
    ring.step(STILL)
    assert ring.touched.all()


def test_each_sees_the_same_when_everything_is_turned_by_half():
    ring = begin()
    seen = ring.observe()
    assert seen.shape == (1, 2, OBSERVATION) and seen.dtype == np.float32
    np.testing.assert_allclose(seen[0, 0], seen[0, 1], atol=1e-6)
    np.testing.assert_allclose(seen[0, 0, OTHER], [1.4, 0, 0], atol=1e-5)
    assert seen[0, 0, TIME_LEFT] == 1
    place(ring, 1, y=0.5)
    red, blue = ring.observe()[0]
    np.testing.assert_allclose(red[OTHER], [1.4, 0.5, 0], atol=1e-5)  # to the left
    np.testing.assert_allclose(blue[OTHER], [1.4, 0.5, 0], atol=1e-5)  # of the other too, who looks back


def test_what_is_seen_does_not_hang_on_where_the_ring_is_turned():
    ring, turned = begin(), begin()
    rng = np.random.default_rng(0)
    for step in range(20):
        for each in (ring, turned):
            each.state[:] = ring.state
        action = rng.uniform(-1, 1, (1, 2, ACTION))
        ring.step(action)
        turned.state[:] = ring.state
        turned.steps[:] = ring.steps
        a = 0.3 * step  # turn both around the ring's middle
        c, s = np.cos(a), np.sin(a)
        for view in (turned.positions, turned.velocities):
            view[..., :2] = view[..., :2] @ np.array([[c, s], [-s, c]])
        w, x, y, z = np.moveaxis(turned.positions[..., 3:7].copy(), -1, 0)
        h, k = np.cos(a / 2), np.sin(a / 2)
        turned.positions[..., 3:7] = np.stack([h * w - k * z, h * x - k * y, h * y + k * x, h * z + k * w], -1)
        np.testing.assert_allclose(turned.observe(), ring.observe(), atol=1e-5)


def test_actions_move_the_joints_that_they_are_named_after():
    ring = begin()
    for number in range(ACTION):
        ring = begin()
        action = STILL.copy()
        action[0, 0, number] = 1
        for _ in range(10):
            ring.step(action)
        angles = np.abs(ring.positions[0, 0, 7:] - begin().positions[0, 0, 7:])
        moved = ["horn", "left_hip", "left_knee", "right_hip", "right_knee"][int(angles[1:].argmax()) + 1]
        if number < 4:
            assert moved == ("left_hip", "left_knee", "right_hip", "right_knee")[number]
        else:
            assert ring.positions[0, 0, 7] > 0.8, "the horn goes up"


def test_the_reward_of_exploration_is_for_the_way_to_the_other_and_for_driving_it_out():
    ring = begin()
    before = ring.positions[..., :2].copy()
    place(ring, 0, x=-0.6)  # a tenth of a metre nearer to the other, and to the middle
    shaped = ring.judge(before).shaped[0]
    assert shaped.tolist() == pytest.approx([0.5 * 0.1, -2 * 0.1])  # which drives it inwards, as it is for the other
    place(ring, 0, x=-0.75)
    assert ring.judge(before).shaped[0].tolist() == pytest.approx([-0.5 * 0.05, 2 * 0.05])
    assert ring.judge(ring.positions[..., :2].copy()).shaped.tolist() == [[0, 0]]


def test_a_bout_is_the_same_whoever_fights_beside_it():
    seeds = range(6)
    together = play_bouts([push, stand_still], np.array([[0, 1]] * 6), random_starts(seeds), 1.4)
    for i in seeds:
        alone = play_bouts([push, stand_still], np.array([[0, 1]]), random_starts([i]), 1.4)
        assert alone.winner[0] == together.winner[i] and alone.steps[0] == together.steps[i]


# Fighters ---------------------------------------------------------------------------------------------------------


def test_the_scripted_pusher_throws_out_who_stands_still():
    results = meet(push, stand_still, range(200, 280), 1.4)  # its strokes were searched for on others
    assert (results > 0).mean() > 0.45 and (results < 0).mean() < 0.15


def test_results_are_the_other_way_round_for_the_other():
    results = play_rounds([push, stand_still, push], range(4), 1.4)
    assert results.shape == (4, 3, 3) and np.array_equal(results, -results.transpose(0, 2, 1))
    newest = play_rounds([push, stand_still, push], range(4), 1.4, newest=1)
    assert np.array_equal(newest[:, 2], results[:, 2]) and not newest[:, :2, :2].any()


# Elo --------------------------------------------------------------------------------------------------------------


def test_elo_gives_back_the_strengths_that_results_were_made_with():
    true = np.array([0.0, 100.0, 250.0, 400.0])
    expected = 1 / (1 + 10 ** ((true[None] - true[:, None]) / 400))
    games = 10_000 * (1 - np.eye(4))
    found = fit_elo(games * expected, games)
    np.testing.assert_allclose(found - found[0], true, atol=1)


def test_who_has_won_everything_has_a_finite_rating_and_one_that_grows_with_the_games():
    few, many = (fit_elo(np.array([[0, n], [0, 0.0]]), np.array([[0, n], [n, 0.0]])) for n in (5, 50))
    assert np.isfinite(few).all() and 0 < few[0] - few[1] < many[0] - many[1] < 2000


def test_the_error_of_a_rating_is_the_spread_that_it_has_over_repetitions():
    rng = np.random.default_rng(0)
    estimates, errors = [], []
    for _ in range(200):
        results = np.zeros((30, 2, 2))
        results[:, 1, 0] = rng.choice([1, -1], 30, p=[0.7, 0.3])
        results[:, 0, 1] = -results[:, 1, 0]
        pseudo = rate(results)[:, 1]
        estimates.append(pseudo.mean())
        errors.append(pseudo.std(ddof=1) / 30**0.5)
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.15)
    assert np.mean(estimates) == pytest.approx(400 * np.log10(0.7 / 0.3), abs=15)


# Self-play --------------------------------------------------------------------------------------------------------


def test_training_goes_on_to_the_bit_league_and_ratings_too(tmp_path):
    data = Sumo.data(TINY)
    whole = trainer(Sumo, TINY, tmp_path / "whole", data, steps=6, eval_every=100)
    whole.fit()
    stop_after(3, trainer(Sumo, TINY, tmp_path / "parts", data, steps=6, eval_every=100))
    again = trainer(Sumo, TINY, tmp_path / "parts", data, steps=6, eval_every=100, resume=True)
    again.fit()
    assert same(state(again), state(whole))
    ladder = whole.system.ladder
    assert len(ladder) == TINY.versions and ladder.rate().shape[1] == TINY.versions
    weights = [policy.net[0].weight for policy in (*ladder.members, whole.system.policy)]
    assert not any(torch.equal(a, b) for a, b in zip(weights, weights[1:], strict=False))


def test_a_league_that_is_complete_stays_so_when_another_training_goes_on(tmp_path):
    ready = trainer(Sumo, TINY, tmp_path / "run", Sumo.data(TINY), steps=2, eval_every=100)
    for _ in range(TINY.versions):
        ready.system.ladder.enter(ready.system.policy)
    ready.system.ladder.fraction.fill_(1.0)
    ready.fit()
    assert len(ready.system.ladder) == TINY.versions and ready.system.trained_share("last") == 1.0


@pytest.mark.parametrize(("delta", "allowed"), [(0.0, {0, 1, 2, 3}), (0.5, {2, 3}), (1.0, {3})])
def test_opponents_are_drawn_from_the_last_part_of_the_past(tmp_path, delta, allowed):
    config = replace(TINY, delta=delta, versions=4)
    ready = trainer(Sumo, config, tmp_path / "run", Sumo.data(config), steps=1)
    assert (ready.batches.opponent == NOW).all(), "at first there is no past"
    for _ in range(4):
        ready.system.ladder.enter(ready.system.policy)
    experience = Experience(ready.system.policy, ready.system.ladder, replace(config, num_envs=800), ready)
    drawn, counts = np.unique(experience.opponent, return_counts=True)
    assert set(drawn.tolist()) == allowed
    assert counts.min() > 400 / len(allowed) * 0.7, "each as often"


def test_opponents_from_the_past_explore_by_a_share_that_is_drawn_when_a_bout_begins(tmp_path):
    ready = trainer(Sumo, TINY, tmp_path / "run", Sumo.data(TINY), steps=1)
    ready.system.ladder.enter(ready.system.policy)
    experience = Experience(ready.system.policy, ready.system.ladder, replace(TINY, num_envs=800), ready)
    share, places = np.sort(experience.exploration), (np.arange(400) + 0.5) / 400
    assert np.abs(share - places).max() < 0.1, "evenly from 0 to 1"
    observation, noise = experience.ring.observe(), torch.ones(800, 2, ACTION)
    moved = experience.act(observation, noise) - experience.act(observation, 0 * noise)
    own, past = moved[experience.learners], moved[experience.rivals]
    np.testing.assert_allclose(past / own[0], experience.exploration[:, None].repeat(ACTION, 1), rtol=1e-3, atol=1e-5)


def test_a_win_counts_1_anything_else_minus_1_and_the_dense_reward_ends(tmp_path):
    config = replace(TINY, rollout_steps=LONGEST, shaping=0.0)
    ready = trainer(Sumo, config, tmp_path / "run", Sumo.data(config), steps=1)
    batch = ready.batches.roll_out()
    ended = batch["ended"]
    assert ended.any() and set(batch["reward"][ended].tolist()) <= {1.0, -1.0}
    assert not batch["reward"][~ended].any()
    dense = trainer(
        Sumo, replace(config, shaping=0.5), tmp_path / "dense", Sumo.data(config), steps=1
    ).batches.roll_out()
    assert dense["reward"][~dense["ended"]].any()


def test_half_of_the_bouts_are_learnt_from_on_both_sides_and_half_are_against_the_past(tmp_path):
    ready = trainer(Sumo, TINY, tmp_path / "run", Sumo.data(TINY), steps=1)
    experience = ready.batches
    before = experience.ring.observe()
    batch = experience.roll_out()
    bout, side = experience.learners
    assert sorted(zip(bout.tolist(), side.tolist(), strict=True)) == sorted(
        [(i, s) for i in range(4) for s in (0, 1)] + [(4, 0), (5, 1), (6, 0), (7, 1)]
    )
    assert list(zip(*(index.tolist() for index in experience.rivals), strict=True)) == [(4, 1), (5, 0), (6, 1), (7, 0)]
    assert batch["observation"].shape == (16, 12, OBSERVATION)
    assert torch.equal(batch["observation"][0], torch.from_numpy(before[bout, side]))
    going = ~batch["ended"][:-1]
    assert torch.equal(batch["observation"][1:][going], batch["next_observation"][:-1][going])


def test_results_against_the_past_are_counted_from_the_learners_side(tmp_path):
    experience = trainer(Sumo, TINY, tmp_path / "run", Sumo.data(TINY), steps=1).batches
    over = np.array([True, True, False, False, True, True, True, False])
    experience.note_results(np.array([0, 1, -1, -1, 0, 0, -1, 1]), over)
    assert experience.results.tolist() == [1, -1, 0], "red is the learner in the fifth bout, blue in the sixth"


def test_the_first_pass_over_a_rollout_starts_from_the_policy_that_acted(tmp_path):
    ready = trainer(Sumo, TINY, tmp_path / "run", Sumo.data(TINY), steps=1)
    batch = next(iter(ready.batches))
    samples = {key: values.flatten(0, 1) for key, values in ready.system.prepare(batch).items()}
    assert float(ready.system.loss(samples)["kl"].detach()) == pytest.approx(0, abs=1e-6)


# Left and right ---------------------------------------------------------------------------------------------------


def test_a_mirrored_bout_is_seen_mirrored():
    ring, rng = Ring(2, 0.8), np.random.default_rng(0)
    start = rng.random((1, STARTS))
    ring.restart(slice(None), np.concatenate([start, 1 - start]))
    ring.positions[:, :, 0] = -0.26, 0.26  # so near that they soon touch
    see, do = mirror_observation(), mirror_action()
    for _ in range(25):
        seen = torch.from_numpy(ring.observe())
        torch.testing.assert_close(see(seen[1]), seen[0], rtol=0, atol=1e-5)
        actions = torch.from_numpy(rng.uniform(-1, 1, (2, ACTION)))
        ring.step(torch.stack([actions, do(actions)]).numpy())
    assert ring.touched.all(), "also where they push each other"


def test_policy_and_value_function_do_not_tell_left_from_right_when_they_have_learnt(lived):
    see, do = mirror_observation(), mirror_action()
    seen, noise = torch.randn(50, OBSERVATION), torch.randn(50, ACTION)
    policy, critic = lived.policy, lived.critic
    with torch.no_grad():
        torch.testing.assert_close(policy.sample(see(seen), do(noise)), do(policy.sample(seen, noise)))
        torch.testing.assert_close(policy.act(see(seen)), do(policy.act(seen)))
        torch.testing.assert_close(critic(see(seen)), critic(seen))
    assert policy.log_std[0] != policy.log_std[1] and not torch.equal(policy.act(see(seen)), policy.act(seen))


def test_without_symmetry_it_is_the_paper_s_policy():
    system = Sumo(replace(TINY, symmetric=False))
    assert {type(policy) for policy in (system.policy, *system.ladder.versions)} == {Policy}
    assert not Sumo.presets["paper"].symmetric


# Use --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A tiny system after a few steps, with a league."""
    ready = trainer(Sumo, TINY, tmp_path_factory.mktemp("lived") / "run", Sumo.data(TINY), steps=3, eval_every=100)
    ready.fit()
    return ready.system.eval()


def test_bouts_are_a_video_with_a_score(lived):
    video = lived.run(opponent="still", bouts=1, seed=2)
    assert video.frames.shape[1:] == (400, 640, 3) and video.fps == 25
    assert 30 < len(video.frames) <= LONGEST + 31 and 0 <= video.score <= 1
    assert "red (last)" in video.caption and "blue (stands still)" in video.caption
    colours = video.frames[0].astype(int)
    assert (colours[..., 0] - colours[..., 2] > 120).sum() > 300 < (colours[..., 2] - colours[..., 0] > 80).sum()
    assert np.array_equal(video.frames[-1], lived.run(opponent="still", bouts=1, seed=2).frames[-1])


def test_any_two_can_meet(lived):
    result = lived.bout(red="pusher", blue="v1", bouts=10)
    (row,) = result.table.json()
    assert row["red"] == "pusher" and row["blue"] == "v1"
    assert row["red won"] + row["drawn"] + row["blue won"] == row["bouts"] == 10
    assert row["points of red a bout"] == pytest.approx((row["red won"] + row["drawn"] / 2) / 10)


def test_the_league_has_everybody_with_a_rating_and_its_error(lived):
    result = lived.league()
    rows = result.table.json()
    assert {row["fighter"] for row in rows} == {"v1", "v2", "v3", "last", "pusher"}
    assert [row["Elo"] for row in rows] == sorted((row["Elo"] for row in rows), reverse=True)
    assert next(row for row in rows if row["fighter"] == "pusher")["Elo"] == 0
    assert all(row["won"] + row["drawn"] + row["lost"] == 4 * 20 for row in rows)
    shares = [x for x, _ in result.chart.lines["policy"]]
    assert shares == pytest.approx([0, 100 / 3, 200 / 3, 200 / 3]), "the last update, of three, began after two"


def test_without_training_there_is_no_league():
    with pytest.raises(UserError, match=r"no league.*Received: 0"):
        Sumo(TINY).league()


def test_ends_are_told_in_words():
    yes, no = np.array([True, False]), np.array([False, False])
    assert (
        describe_end(yes, no, 1) == "red is out: blue wins"
        and describe_end(no, yes[::-1], 0) == "blue is down: red wins"
    )
    assert describe_end(yes, no, -1) == "untouched: drawn" and describe_end(no, no, -1) == "time: drawn"


# What a user may get wrong ----------------------------------------------------------------------------------------


def test_a_config_that_does_not_fit_is_told():
    with pytest.raises(UserError, match=r"batch_size must not exceed the 128 steps.*Received: 129"):
        replace(TINY, batch_size=129)
    for changes in ({"hidden": ()}, {"radius": 0.1}, {"delta": 1.5}, {"versions": 1}, {"shaping": -0.1}):
        with pytest.raises(UserError, match="Received: "):
            replace(TINY, **changes)


def test_a_missing_extra_is_told_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(UserError, match=r"sumo needs an extra: .*\[play\].*Received: no mujoco"):
        Sumo.data(TINY)


def test_an_opponent_that_there_is_not_is_told_with_those_there_are(lived, tmp_path, capsys):
    lived.save_pretrained(tmp_path / "weights")
    assert execute(["run", "sumo", "--weights", str(tmp_path / "weights"), "--opponent", "v9"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "opponent" in error and "v3" in error and error.endswith("Received: v9")
