"""PPO: advantages and loss by the papers' equations, environments of every kind, and bodies that are watched and pushed."""

import json
import re
import sys
import textwrap
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch

from core.helpers import same, state, stop_after, trainer
from potmeter.cli import execute
from potmeter.core.evaluation import summarise
from potmeter.core.reinforcement.normaliser import Normaliser
from potmeter.core.reinforcement.policy import Policy
from potmeter.core.reinforcement.ppo import clipped_objective, estimate_advantages
from potmeter.core.training import checkpoints
from potmeter.errors import UserError
from potmeter.systems.play.locomotion import Locomotion
from potmeter.systems.play.locomotion.environments import (
    Environments,
    make_environment,
    restore_environment,
    save_environment,
)
from potmeter.systems.play.locomotion.film import film_episode
from potmeter.systems.play.locomotion.playing import play_episodes
from potmeter.systems.play.locomotion.push import Push, measure_robustness

pytestmark = pytest.mark.xdist_group("locomotion")
TINY = Locomotion.presets["tiny"]
BODIES = ("Hopper-v5", "Walker2d-v5", "HalfCheetah-v5", "Ant-v5", "Humanoid-v5", "Swimmer-v5")


def fitted(**changes):
    config = replace(TINY, **changes)
    return Locomotion.fit_config(config, Locomotion.data(config))


def column(*values):
    return torch.tensor(values).unsqueeze(1)


def no_action(environments):
    return lambda seen: np.zeros((len(seen), environments.spaces.actions))


# Advantages -------------------------------------------------------------------------------------------------------


def test_advantages_of_five_steps_worked_out_by_hand():
    """γ = ½, λ = ½; the second step ends by termination, the fourth by truncation, the fifth goes on."""
    reward, value = column(1.0, 2.0, 3.0, 4.0, 5.0), column(1.0, 1.0, 2.0, 2.0, 4.0)
    next_value = column(1.0, 8.0, 2.0, 6.0, 2.0)  # 8 after a termination must not count, 6 after a truncation must
    terminated, ended = column(False, True, False, False, False), column(False, True, False, True, False)
    # δ = r + γ V' − V:  0.5, 2 − 1 = 1, 2, 4 + 3 − 2 = 5, 5 + 1 − 4 = 2
    # A = δ + ¼ A' inside an episode: A₅ = 2, A₄ = 5, A₃ = 2 + 5/4, A₂ = 1, A₁ = 0.5 + 1/4
    expected = column(0.75, 1.0, 3.25, 5.0, 2.0)
    found = estimate_advantages(reward, value, next_value, terminated, ended, 0.5, 0.5)
    assert torch.equal(found, expected)


def test_lambda_1_gives_returns_and_lambda_0_errors_of_one_step():
    reward, value, after = torch.rand(20, 3), torch.rand(20, 3), torch.rand(20, 3)
    never = torch.zeros(20, 3, dtype=torch.bool)
    after = torch.cat([value[1:], after[-1:]])
    returns, later = [], after[-1]
    for r in reward.flip(0):
        later = r + 0.9 * later
        returns.insert(0, later)
    found = estimate_advantages(reward, value, after, never, never, 0.9, 1.0)
    torch.testing.assert_close(found, torch.stack(returns) - value)
    one_step = estimate_advantages(reward, value, after, never, never, 0.9, 0.0)
    torch.testing.assert_close(one_step, reward + 0.9 * after - value)


class Clock(gymnasium.Env):
    """Counts its steps, with a reward of 1 each, and is truncated after three: the observation is the count."""

    observation_space = gymnasium.spaces.Box(0, 100, (1,))
    action_space = gymnasium.spaces.Discrete(2, start=5)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.now = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        assert action in (5, 6)
        self.now += 1
        return np.full(1, self.now, np.float32), 1.0, False, self.now == 3, {}


def test_a_truncated_episode_is_continued_by_the_value_of_where_it_led(registered, tmp_path):
    config = fitted(
        env="Clock-v0", num_envs=1, rollout_steps=6, batch_size=6, normalise_observations=False, normalise_rewards=False,
        gamma=0.5, gae_lambda=1.0,
    )  # fmt: skip
    ready = trainer(Locomotion, config, tmp_path / "run", Locomotion.data(config), steps=1)
    batch = next(iter(ready.batches))
    assert batch["observation"].flatten().tolist() == [0, 1, 2, 0, 1, 2], "an ended episode is followed by a new one"
    assert batch["next_observation"].flatten().tolist() == [1, 2, 3, 1, 2, 3], "which its last step does not see"
    assert batch["ended"].flatten().tolist() == [False, False, True] * 2 and not batch["terminated"].any()
    assert batch["returns"].tolist() == [3, 3]
    with torch.no_grad():
        value = lambda x: ready.system.critic(torch.tensor([[float(x)]]))[0, 0]
        targets = ready.system.prepare(batch)["value_target"].flatten()
    expected = [1 + 0.5 + 0.25 + 0.125 * value(3), 1 + 0.5 + 0.25 * value(3), 1 + 0.5 * value(3)]
    torch.testing.assert_close(targets, torch.stack(expected * 2))


# The networks and the loss ----------------------------------------------------------------------------------------


def test_the_normaliser_has_the_moments_of_all_that_it_was_given():
    rng = np.random.default_rng(0)
    parts = [rng.normal(1000, 3, (n, 2)) * (1, 0.01) for n in (1, 7, 500, 64)]
    normaliser = Normaliser(2)
    for part in parts:
        normaliser.update(torch.tensor(part, dtype=torch.float32))
    whole = np.concatenate(parts).astype(np.float32).astype(np.float64)
    assert normaliser.count == len(whole)
    np.testing.assert_allclose(normaliser.mean, whole.mean(0), rtol=1e-6)
    np.testing.assert_allclose(normaliser.variance, whole.var(0), rtol=2e-3)
    values = normaliser(torch.tensor(whole, dtype=torch.float32))
    assert values.mean().abs() < 0.01 and abs(values.std() - 1) < 0.01
    assert normaliser(torch.tensor([[1e9, -1e9]])).tolist() == [[10, -10]]


@pytest.mark.parametrize("discrete", [True, False])
def test_probabilities_are_those_of_torchs_distributions(discrete):
    policy = Policy(3, 4, (64, 64), discrete=discrete)
    x = torch.randn(50, 3)
    with torch.no_grad():
        policy.net[-1].weight.mul_(100)
        if discrete:
            ours, theirs = policy(x), torch.distributions.Categorical(logits=policy(x))
        else:
            policy.log_std.copy_(torch.tensor([0.1, -1.0, 0.5, 0.0]))
            normal = torch.distributions.Normal(policy(x), policy.log_std.exp())
            ours, theirs = policy(x), torch.distributions.Independent(normal, 1)
        actions = theirs.sample()
        torch.testing.assert_close(policy.log_prob(ours, actions), theirs.log_prob(actions))
        torch.testing.assert_close(policy.entropy(ours), theirs.entropy().mean())


def test_what_is_sampled_has_the_policys_probabilities():
    policy = Policy(1, 3, (64, 64), discrete=True)
    with torch.no_grad():
        policy.net[-1].bias.copy_(torch.tensor([0.2, 0.5, 0.3]).log())
        policy.net[-1].weight.zero_()
        drawn = policy.sample(torch.zeros(1000, 1), torch.arange(1000) / 1000)
    assert drawn.bincount().tolist() == [200, 500, 300]
    assert policy.act(torch.zeros(1, 1)).tolist() == [1]


@pytest.mark.parametrize(("advantage", "ratio", "expected"), [
    (2.0, 1.1, 2.2), (2.0, 1.5, 2.4), (2.0, 0.5, 1.0), (-2.0, 0.9, -1.8), (-2.0, 0.5, -1.6), (-2.0, 1.5, -3.0),
])  # fmt: skip
def test_the_objective_is_clipped_where_it_would_promise_more(advantage, ratio, expected):
    """Schulman et al. 2017, figure 1: flat beyond 1.2 for a good action, and below 0.8 for a bad one, and only there."""
    ratio = torch.tensor([ratio], requires_grad=True)
    objective = clipped_objective(ratio, torch.tensor([advantage]), 0.2)
    assert float(objective.detach()) == pytest.approx(expected)
    objective.backward()
    flat = (advantage > 0 and ratio > 1.2) or (advantage < 0 and ratio < 0.8)
    assert float(ratio.grad) == (0 if flat else advantage)


def minibatch(system, size):
    rng = torch.Generator().manual_seed(0)
    return {
        "observation": torch.randn(size, system.config.num_observations, generator=rng),
        "action": torch.arange(size) % 2, "log_prob": torch.zeros(size),
        "advantage": torch.randn(size, generator=rng), "value_target": torch.randn(size, generator=rng),
    }  # fmt: skip


def test_the_loss_is_the_papers_sum():
    c = replace(TINY, num_observations=3, num_actions=2, value_coef=0.7, entropy_coef=0.03)
    system = Locomotion(c)
    batch = minibatch(system, 40)
    losses = system.loss(batch)
    value = (system.critic(batch["observation"]).squeeze(1) - batch["value_target"]).square().mean()
    torch.testing.assert_close(losses["value"], value)
    ratio = system.policy.log_prob(system.policy(batch["observation"]), batch["action"]).exp()  # of old ones of 1
    advantage = (batch["advantage"] - batch["advantage"].mean()) / batch["advantage"].std()
    torch.testing.assert_close(losses["policy"], -clipped_objective(ratio, advantage, 0.2).mean())
    total = losses["policy"] + 0.7 * losses["value"] - 0.03 * losses["entropy"]
    torch.testing.assert_close(losses["loss"], total)
    torch.testing.assert_close(losses["kl"], (ratio - 1 - ratio.log()).mean())


def test_the_first_pass_over_a_rollout_starts_from_the_policy_that_acted(tmp_path):
    config = fitted()
    ready = trainer(Locomotion, config, tmp_path / "run", Locomotion.data(config), steps=1)
    batch = next(iter(ready.batches))
    samples = {key: values.flatten(0, 1) for key, values in ready.system.prepare(batch).items()}
    assert float(ready.system.loss(samples)["kl"].detach()) == pytest.approx(0, abs=1e-7)


# Environments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*BODIES, "CartPole-v1", "Pendulum-v1", "Acrobot-v1", "MountainCarContinuous-v0"])
def test_an_environment_is_restored_to_the_bit(name):
    first, second = make_environment(name), make_environment(name)
    first.reset(seed=1)
    second.reset(seed=2)
    first.action_space.seed(0)
    for _ in range(7):
        first.step(first.action_space.sample())
    restore_environment(second, save_environment(first))
    for _ in range(30):
        action = first.action_space.sample()
        (seen, reward, *ends, _), (other, other_reward, *other_ends, _) = first.step(action), second.step(action)
        assert np.array_equal(seen, other) and reward == other_reward and ends == other_ends
        if any(ends):
            assert np.array_equal(first.reset()[0], second.reset()[0]), "the next episode begins alike too"
    assert first.get_wrapper_attr("_elapsed_steps") == second.get_wrapper_attr("_elapsed_steps")


@pytest.mark.parametrize("name", ["Hopper-v5", "Pendulum-v1"])
def test_training_in_continuous_worlds_goes_on_to_the_bit(tmp_path, name):
    config = fitted(env=name)
    data = Locomotion.data(config)
    whole = trainer(Locomotion, config, tmp_path / "whole", data, steps=4, eval_every=100)
    whole.fit()
    stop_after(2, trainer(Locomotion, config, tmp_path / "parts", data, steps=4, eval_every=100))
    again = trainer(Locomotion, config, tmp_path / "parts", data, steps=4, eval_every=100, resume=True)
    again.fit()
    assert same(state(again), state(whole))
    assert whole.system.policy.normaliser.count > 0 and whole.system.reward_normaliser.count > 0


@pytest.fixture
def registered():
    """``Clock`` under a name of its own."""
    gymnasium.register("Clock-v0", entry_point=Clock)
    yield
    del gymnasium.registry["Clock-v0"]


def test_an_environment_that_cannot_be_restored_begins_anew_and_says_so(registered, tmp_path, capsys):
    config = fitted(env="Clock-v0")
    data = Locomotion.data(config)
    stop_after(2, trainer(Locomotion, config, tmp_path / "run", data, steps=4))
    again = trainer(Locomotion, config, tmp_path / "run", data, steps=4, resume=True)
    again.fit()
    assert "Clock-v0 cannot be restored to the step: its environments begin fresh episodes" in capsys.readouterr().err


def test_a_users_environment_may_say_how_it_is_restored(registered, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Clock, "state_dict", lambda self: {"now": self.now}, raising=False)
    monkeypatch.setattr(Clock, "load_state_dict", lambda self, state: setattr(self, "now", state["now"]), raising=False)
    config = fitted(env="Clock-v0")
    data = Locomotion.data(config)
    whole = trainer(Locomotion, config, tmp_path / "whole", data, steps=4, eval_every=100)
    whole.fit()
    stop_after(2, trainer(Locomotion, config, tmp_path / "parts", data, steps=4, eval_every=100))
    again = trainer(Locomotion, config, tmp_path / "parts", data, steps=4, eval_every=100, resume=True)
    again.fit()
    assert same(state(again), state(whole)) and "fresh episodes" not in capsys.readouterr().err


def test_the_same_seeds_are_the_same_episodes_whoever_plays_beside_them():
    act = lambda seen: (seen[:, 2] > 0).astype(int)
    alone = [float(play_episodes("CartPole-v1", [seed], act).returns) for seed in (3, 4, 5)]
    assert play_episodes("CartPole-v1", [3, 4, 5], act).returns.tolist() == alone


# What a user may get wrong ----------------------------------------------------------------------------------------


BROKEN = """
    import gymnasium
    import numpy as np
    from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

    class Own(gymnasium.Env):
        observation_space, action_space = Box(-1, 1, (3,)), Box(-2, 2, (2,))
        def __init__(self, trouble=None):
            self.trouble, self.steps = trouble, 0
            if trouble == "making":
                raise RuntimeError("no such body")
        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.steps = 0
            return np.zeros(3, np.float32), {}
        def step(self, action):
            self.steps += 1
            assert action.shape == (2,) and abs(action).max() <= 2
            if self.trouble == "raises" and self.steps > 5:
                raise ValueError("a leg is broken")
            seen = np.full(3, np.nan if self.trouble == "nan" else 0.5, np.float32)
            seen = seen[:2] if self.trouble == "short" else seen
            reward = np.inf if self.trouble == "reward" else float(action[0])
            return seen, reward, self.steps == 20, False, {}

    def works(**settings): return Own()
    def making(**settings): return Own("making")
    def raises(**settings): return Own("raises")
    def nan(**settings): return Own("nan")
    def short(**settings): return Own("short")
    def reward(**settings): return Own("reward")
    def nothing(**settings): return 3
    def dictionary(**settings):
        own = Own(); own.observation_space = Dict(a=Box(0, 1, (2,))); return own
    def pictures(**settings):
        own = Own(); own.observation_space = Box(0, 255, (210, 160, 3), np.uint8); return own
    def number(**settings):
        own = Own(); own.observation_space = Discrete(5); return own
    def several(**settings):
        own = Own(); own.action_space = MultiDiscrete([2, 3]); return own
"""


@pytest.fixture
def own_worlds(elsewhere):
    """A user's module, in the current folder."""
    (elsewhere / "worlds.py").write_text(textwrap.dedent(BROKEN))
    yield elsewhere
    sys.modules.pop("worlds", None)


TROUBLES = [
    ("Hoper-v5", "no such environment.*Did you mean Hopper-v5"),
    ("Nothing/At-All", "no such environment"),
    ("CartPole-v77", "no such environment"),
    ("nowhere:function", "no module nowhere"),
    ("os:abort", "a module of Python's own"),
    ("numpy:zeros", "zeros of numpy is no class of environments, and no function of this folder"),
    ("worlds:absent", "no such environment"),
    ("worlds:nothing", "must return a gymnasium.Env"),
    ("worlds:making", r"worlds\.py, line \d+: RuntimeError: no such body"),
    ("worlds:raises", r"worlds\.py, line \d+: ValueError: a leg is broken"),
    ("worlds:nan", "an observation that is not finite"),
    ("worlds:short", "An observation of worlds:short has 3 numbers"),
    ("worlds:reward", "a reward that is not finite"),
    ("worlds:dictionary", "dictionary observations"),
    ("worlds:pictures", "pictures or arrays"),
    ("worlds:number", "are no vectors of numbers"),
    ("worlds:several", r"neither vectors \(Box\) nor one of several"),
    ("Blackjack-v1", "are no vectors of numbers"),
]


@pytest.mark.parametrize(("name", "message"), TROUBLES, ids=[name for name, _ in TROUBLES])
def test_what_no_network_can_live_in_is_told_in_one_line(own_worlds, capsys, name, message):
    assert execute(["train", "locomotion", "--preset", "tiny", "--env", name, "--steps", "2"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(message, error), error
    assert error.startswith("potmeter: error: ") and "Received: " in error
    assert not (own_worlds / "runs" / "locomotion").exists() or not list(own_worlds.glob("runs/*/*"))


def test_a_users_own_world_trains_by_its_name(own_worlds, capsys):
    assert execute(["train", "locomotion", "--preset", "tiny", "--env", "worlds:works", "--steps", "3"]) == 0
    assert execute(["eval", "locomotion", "--weights", "runs/locomotion", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"random_return", "zero_return"} == report["baselines"].keys() and "return" in report["metrics"]
    assert execute(["run", "locomotion:push", "--weights", "runs/locomotion"]) == 2
    assert "Only MuJoCo's bodies and CartPole can be pushed" in capsys.readouterr().err


def test_a_missing_extra_is_told_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(UserError, match=r"locomotion needs an extra: .*\[play\].*Received: no gymnasium"):
        Locomotion.data(TINY)


def test_a_config_that_does_not_fit_is_told():
    with pytest.raises(UserError, match=r"batch_size must not exceed the 128 steps.*Received: 129"):
        replace(TINY, batch_size=129)
    for changes in ({"env": ""}, {"hidden": ()}, {"gamma": 1.1}, {"gae_lambda": -0.1}, {"clip_range": 0.0}):
        with pytest.raises(UserError, match="Received: "):
            replace(TINY, **changes)


# Learning, and what is kept of it ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def balanced(tmp_path_factory):
    """A tiny network that has learnt to balance a pole, and its run's folder."""
    config = fitted()
    ready = trainer(
        Locomotion,
        config,
        tmp_path_factory.mktemp("balanced") / "run",
        Locomotion.data(config),
        steps=120,
        eval_every=20,
    )
    ready.fit()
    return ready


def test_it_learns_to_balance_a_pole_in_seconds(balanced):
    best = Locomotion.from_pretrained(balanced.run)
    metrics, _ = summarise(best.evaluate(balanced.splits.test))
    assert metrics["return"] >= 475, "CartPole-v1 counts as solved"
    rivals = balanced.system.baselines(balanced.splits)
    assert max(rivals.values()) < 60


def test_the_learning_curve_rises_and_counts_steps(balanced):
    ((name, line),) = balanced.system.curve().lines.items()
    steps, returns = zip(*line, strict=True)
    assert name == "return" and 120 * 4 * 32 >= steps[-1] > 100 * 4 * 32 and list(steps) == sorted(steps)
    assert 10 < returns[0] < 60 and returns[-1] > 3 * returns[0]
    assert len(line) <= 100


def test_a_network_that_has_not_lived_has_no_curve():
    with pytest.raises(UserError, match="no learning curve"):
        Locomotion(fitted()).curve()


def test_policies_of_the_past_are_kept(balanced):
    early, late = (p.net[0].weight for p in (balanced.system.past["early"], balanced.system.policy))
    assert not torch.equal(early, late) and not torch.equal(early, balanced.system.past["middle"].net[0].weight)
    worse = play_episodes("CartPole-v1", range(20), balanced.system.chooser(balanced.system.past["early"]))
    assert worse.returns.mean() < 250, "and the early one balances badly"


def test_the_first_and_the_last_evaluation_leave_a_video_in_the_runs_folder(balanced):
    names = sorted(path.name for path in (balanced.run / "media").iterdir())
    assert names[0] == "step-00000020.mp4" and names[-1] == "step-00000120.mp4"
    assert checkpoints.list_checkpoints(balanced.run)


def test_a_world_that_cannot_be_drawn_is_trained_in_all_the_same(registered, tmp_path, capsys):
    config = fitted(env="Clock-v0")
    trainer(Locomotion, config, tmp_path / "run", Locomotion.data(config), steps=2).fit()
    assert not (tmp_path / "run" / "media").exists()


# Watching ---------------------------------------------------------------------------------------------------------


def test_an_episode_is_a_video_with_its_return(balanced):
    video = balanced.system.run(seed=3, seconds=1.2)
    assert video.frames.shape[0] == 30 and video.fps == 25 and video.frames.shape[3] == 3
    assert video.score == 60 and video.caption == "return 60 in 60 steps"
    assert np.ptp(video.frames) > 200 and not np.array_equal(video.frames[0], video.frames[-1])
    assert video.json()["score"] == 60 and "return 60 in 60 steps</p>" in video.html()
    assert np.array_equal(video.frames, balanced.system.run(seed=3, seconds=1.2).frames)


def test_early_middle_and_late_stand_side_by_side(balanced):
    video = balanced.system.watch(seed=3, seconds=2.0)
    assert video.frames.shape[2] == 3 * 320 and "early (3%)" in video.caption and "late: return 100" in video.caption


def test_pushes_show_how_much_it_bears(balanced):
    result = balanced.system.push(force=10.0, seed=3)
    assert len(result.video.frames) > 30
    line = dict(result.robustness.lines["return"])
    assert len(line) == 9 and line[0.0] == 100 and min(line) == -30 and max(line) == 30
    assert max(line.values()) <= 100


def test_where_it_cannot_be_drawn_it_is_told_in_one_line_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(UserError, match=r"pygame is not installed, run `pip install .*Received: CartPole-v1") as told:
        film_episode("CartPole-v1", 0, lambda seen: np.zeros(len(seen), int), seconds=0.3)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["Hopper-v5", "Ant-v5"])
def test_a_body_is_drawn_without_a_display(name, monkeypatch):
    for variable in ("DISPLAY", "MUJOCO_GL"):
        monkeypatch.delenv(variable, raising=False)
    still = no_action(Environments(name, [0]))
    film = film_episode(name, 0, still, seconds=0.32)
    assert film.frames[0].shape == (320, 480, 3) and len(film.frames) >= 3
    sky, floor = film.frames[0][0, -1].astype(int), film.frames[0][-1, 0].astype(int)
    assert sky[2] > sky[0] and floor[0] > floor[2]
    wooden = (film.frames[0].astype(int)[..., 0] - film.frames[0].astype(int)[..., 2] > 60).sum()
    assert wooden > 500, "the body is there"


def test_the_arrow_is_drawn_where_it_is_pushed_and_the_force_ends():
    environments = Environments("HalfCheetah-v5", [0])
    push = Push("HalfCheetah-v5", [50.0])
    forces = []
    for step in range(push.last + 2):
        push(environments, step)
        forces.append(float(environments.members[0].unwrapped.data.xfrc_applied[1, 0]))
        environments.step(np.zeros((1, 6)))
    assert sum(force == 50 for force in forces) == push.last - push.first == 2 and forces[-1] == 0
    calm = film_episode("HalfCheetah-v5", 0, no_action(environments), seconds=1.6)
    pushed = film_episode("HalfCheetah-v5", 0, no_action(environments), seconds=1.6, disturb=push)
    red = lambda frame: (frame[..., 0].astype(int) - frame[..., 1] > 100).sum()
    assert np.array_equal(calm.frames[0], pushed.frames[0]) and red(pushed.frames[-1]) > red(calm.frames[-1]) + 100


def test_a_stronger_push_costs_more():
    chart = measure_robustness("Hopper-v5", lambda seen: np.zeros((len(seen), 3)), 200.0)
    line = dict(chart.lines["return"])
    assert line[0.0] == 100 and len(line) == 9


# The shipped weights ----------------------------------------------------------------------------------------------
