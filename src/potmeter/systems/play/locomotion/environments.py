"""Gymnasium's environments side by side: made by name, stepped together, saved and restored where that is possible."""

from __future__ import annotations

import difflib
import importlib
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from potmeter.core.user_code import describe_user_error
from potmeter.errors import UserError, missing_extra, reject, shorten

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # stdout belongs to --json
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # pygame draws into memory, with no display


# One environment ---------------------------------------------------------------------------------------------------


def make_environment(name: str, **settings: Any) -> Any:
    """A Gymnasium environment by its id, or by ``module:function``.

    Raises:
        UserError: There is none of that name, something that it needs is missing, or no flat network can live in it.
    """
    try:
        import gymnasium
    except ImportError as error:
        raise missing_extra("locomotion", "play", error.name) from None
    factory = find_factory(name)
    try:
        with no_warnings():
            environment = factory(**settings) if factory else gymnasium.make(name, disable_env_checker=True, **settings)
    except gymnasium.error.DependencyNotInstalled as error:
        raise UserError(f"{name} needs more: {error}.", received=name) from None
    except (gymnasium.error.Error, ModuleNotFoundError) as error:
        near = difflib.get_close_matches(name, gymnasium.registry, 1)
        versions = [known for known in gymnasium.registry if near and known.split("-v")[0] == near[0].split("-v")[0]]
        why = f" Did you mean {versions[-1]}?" if near else f" {str(error).rstrip('.?')}."
        raise UserError(f"There is no such environment.{why}", received=name) from None
    except Exception as error:  # whatever somebody's environment raises
        raise describe_trouble(error, name, "being made") from error
    isinstance(environment, gymnasium.Env) or reject(f"{name} must return a gymnasium.Env.", type(environment).__name__)
    require_flat(name, environment)
    return environment


@contextmanager
def no_warnings() -> Iterator[None]:
    """Without Gymnasium's that a newer version exists, and MuJoCo's of old bodies' files, which it also logs to a file here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import mujoco
        except ImportError:
            yield
            return
        before = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(lambda message: None)
        try:
            yield
        finally:
            mujoco.set_mju_user_warning(before)


def find_factory(name: str) -> Any:
    """The function that ``module:function`` names; None for an id, which may name a module that registers it.

    Weights name their environment, and weights may be anybody's: Python's own modules are not looked into, and of a package
    only a class of environments is called, any function only of a module in the folder that one is in.
    """
    import gymnasium

    module, _, function = name.partition(":")
    if not function:
        return None
    module.partition(".")[0] not in sys.stdlib_module_names or reject(
        f"{module} is a module of Python's own: there is no environment in it.", name
    )
    sys.path.insert(0, os.getcwd())
    try:
        found = importlib.import_module(module)
    except Exception as error:  # whatever somebody's environment raises
        if isinstance(error, ImportError) and error.name == module:
            raise UserError(f"There is no module {module} here.", received=name) from None
        raise describe_trouble(error, name, "being imported") from error
    finally:
        sys.path.remove(os.getcwd())
    factory = getattr(found, function, None)
    if factory is not None and not (isinstance(factory, type) and issubclass(factory, gymnasium.Env)):
        own, top = Path(getattr(found, "__file__", None) or "/"), Path.cwd() / module.partition(".")[0]
        (own == top.with_suffix(".py") or own.is_relative_to(top)) or reject(
            f"{function} of {module} is no class of environments, and no function of this folder's.", name
        )
    return factory


def describe_trouble(error: Exception, name: str, when: str) -> UserError:
    """What an environment raised, as one line; of a user's own with the place in his file."""
    if isinstance(error, UserError):
        return error
    reason = shorten(f"{type(error).__name__}: {error}")
    return describe_user_error(error, name) or UserError(f"{name} raised while {when}: {reason}.", received=name)


def require_flat(name: str, environment: Any) -> None:
    """Raise UserError where observations are no flat vectors, or actions neither vectors nor one of several."""
    from gymnasium import spaces

    seen, done = environment.observation_space, environment.action_space
    if isinstance(seen, spaces.Dict):
        reject(f"{name} has dictionary observations; a wrapper such as FlattenObservation makes vectors of them.", seen)
    if isinstance(seen, spaces.Box) and len(seen.shape) >= 2:
        reject(f"{name} shows pictures or arrays; locomotion's network takes vectors only.", f"shape {seen.shape}")
    if not isinstance(seen, spaces.Box) or len(seen.shape) != 1 or seen.shape[0] == 0:
        reject(f"The observations of {name} are no vectors of numbers.", seen)
    if not isinstance(done, spaces.Box | spaces.Discrete):
        reject(f"The actions of {name} are neither vectors (Box) nor one of several (Discrete).", done)


@dataclass(frozen=True)
class Spaces:
    """What goes out of an environment and into it."""

    observations: int
    """Numbers in an observation."""
    actions: int
    """Discrete actions, or numbers in a continuous one."""
    discrete: bool


def spaces_of(environment: Any) -> Spaces:
    """The sizes of an environment's observations and actions."""
    space = environment.action_space
    discrete = hasattr(space, "n")
    size = int(space.n) if discrete else int(np.prod(space.shape))
    return Spaces(environment.observation_space.shape[0], size, discrete)


def bounds_of(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest values of a continuous action, each (A,), at most 1 where there is no bound; of discrete ones 0."""
    space = make_environment(name).action_space
    if hasattr(space, "n"):
        return np.zeros(1), np.zeros(1)
    low, high = (np.nan_to_num(side.reshape(-1), posinf=1.0, neginf=-1.0) for side in (space.low, space.high))
    return low, high


def to_native(space: Any, action: np.ndarray) -> Any:
    """An action of the policy's as the environment takes it: in its bounds, shape and type."""
    if hasattr(space, "n"):
        return int(action) + int(space.start)
    return np.clip(action.reshape(space.shape), space.low, space.high).astype(space.dtype)


# Saving and restoring one ------------------------------------------------------------------------------------------

DERIVED = (
    "xpos", "xquat", "xmat", "xipos", "ximat", "geom_xpos", "geom_xmat", "site_xpos", "site_xmat", "subtree_com",
    "cinert", "cvel", "cacc", "cfrc_int", "cfrc_ext", "qacc", "qfrc_actuator", "qfrc_constraint", "sensordata",
)  # fmt: skip
"""What MuJoCo computes on its way, and observations or rewards may read: after a step it is that of the moment before."""
TRANSPARENT = ("OrderEnforcing", "PassiveEnvChecker", "TimeLimit")
"""Wrappers of Gymnasium that have no state but the count of steps."""


def save_environment(environment: Any) -> dict[str, Any] | None:
    """All that decides how an environment goes on; None where nobody but itself knows.

    Known are Gymnasium's classic control and its MuJoCo bodies. Anything else may say itself, by ``state_dict()`` (tensors,
    numbers, texts) and ``load_state_dict``.
    """
    own, state = environment.unwrapped, {"steps": count_steps(environment)}
    if state["steps"] is None:
        return None
    if hasattr(own, "state_dict") and hasattr(own, "load_state_dict"):
        return state | {"own": own.state_dict(), "rng": save_rng(own)}
    family = type(own).__module__
    if family.startswith("gymnasium.envs.classic_control."):
        return state | {"state": torch.tensor(np.asarray(own.state)), "rng": save_rng(own)}
    if family.startswith("gymnasium.envs.mujoco."):
        import mujoco

        physics = np.empty(mujoco.mj_stateSize(own.model, mujoco.mjtState.mjSTATE_INTEGRATION))
        mujoco.mj_getState(own.model, own.data, physics, mujoco.mjtState.mjSTATE_INTEGRATION)
        derived = {key: torch.tensor(np.array(getattr(own.data, key), np.float64)) for key in DERIVED}
        return state | {"physics": torch.from_numpy(physics), "derived": derived, "rng": save_rng(own)}
    return None


def restore_environment(environment: Any, state: dict[str, Any]) -> None:
    """Bring a freshly reset environment to where another was saved."""
    own = environment.unwrapped
    layer = environment
    while layer is not own:
        if type(layer).__name__ == "TimeLimit":
            layer._elapsed_steps = state["steps"]
        layer = layer.env
    own.np_random.bit_generator.state = json.loads(state["rng"])
    if "own" in state:
        own.load_state_dict(state["own"])
    elif "state" in state:
        own.state = state["state"].numpy().copy()
    else:
        import mujoco

        mujoco.mj_setState(own.model, own.data, state["physics"].numpy(), mujoco.mjtState.mjSTATE_INTEGRATION)
        for key, values in state["derived"].items():
            getattr(own.data, key)[:] = values.numpy()


def count_steps(environment: Any) -> int | None:
    """Steps of the present episode as its time limit counts them, 0 without one; None under a wrapper we do not know."""
    steps, layer = 0, environment
    while layer is not environment.unwrapped:
        if type(layer).__name__ not in TRANSPARENT or not type(layer).__module__.startswith("gymnasium.wrappers."):
            return None
        steps = getattr(layer, "_elapsed_steps", steps) if type(layer).__name__ == "TimeLimit" else steps
        layer = layer.env
    return steps or 0


def save_rng(own: Any) -> str:
    """The state of an environment's random numbers, as text: its whole numbers have 128 bits."""
    return json.dumps(own.np_random.bit_generator.state)


# Many side by side -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transition:
    """What one step in each of N environments brings."""

    reward: np.ndarray
    """(N,)"""
    observation: np.ndarray
    """(N, D): where it led, also where the episode ended with it."""
    terminated: np.ndarray
    """(N,) bool: the task is over, and nothing comes after."""
    truncated: np.ndarray
    """(N,) bool: only the time is up."""


class Environments:
    """Environments of one kind side by side; where an episode ends, the next one begins at once.

    Args:
        name: As for ``make_environment``.
        seeds: Of each one's first episode; later ones follow from it.
        settings: Of ``make_environment``.

    Raises:
        UserError: An environment raised, or gave values that are not finite or of another shape than it said.
    """

    def __init__(self, name: str, seeds: Sequence[int], **settings: Any) -> None:
        self.name = name
        self.members = [make_environment(name, **settings) for _ in seeds]
        self.spaces = spaces_of(self.members[0])
        self.space = self.members[0].action_space
        self.observation = np.zeros((len(seeds), self.spaces.observations), np.float32)
        """Where each one is, (N, D)."""
        for i, seed in enumerate(seeds):
            self.reset(i, int(seed))

    def __len__(self) -> int:
        return len(self.members)

    def reset(self, i: int, seed: int | None = None) -> None:
        """Begin a new episode in environment ``i``."""
        try:
            observation, _ = self.members[i].reset(seed=seed)
        except Exception as error:  # whatever somebody's environment raises
            raise describe_trouble(error, self.name, "being reset") from error
        self.put(self.observation, i, observation)

    def step(self, actions: np.ndarray) -> Transition:
        """Take one action in each: (N,) numbers of discrete ones, or (N, A)."""
        count = len(self.members)
        reward, after = np.zeros(count, np.float32), np.empty_like(self.observation)
        terminated, truncated = np.zeros(count, bool), np.zeros(count, bool)
        for i, environment in enumerate(self.members):
            try:
                seen, reward[i], terminated[i], truncated[i], _ = environment.step(to_native(self.space, actions[i]))
            except Exception as error:  # whatever somebody's environment raises
                raise describe_trouble(error, self.name, "being stepped") from error
            self.put(after, i, seen)
        np.isfinite(reward).all() or reject(f"{self.name} gave a reward that is not finite.", reward)
        self.observation = after.copy()
        for i in np.flatnonzero(terminated | truncated).tolist():
            self.reset(i)
        return Transition(reward, after, terminated, truncated)

    def put(self, rows: np.ndarray, i: int, observation: Any) -> None:
        """Write an observation into its row, once it is seen to be one."""
        shape = getattr(observation, "shape", None)
        shape == rows[i].shape or reject(
            f"An observation of {self.name} has {rows.shape[1]} numbers.", shape or type(observation).__name__
        )
        rows[i] = observation
        np.isfinite(rows[i]).all() or reject(f"{self.name} gave an observation that is not finite.", observation)

    def state_dict(self) -> dict[str, Any]:
        """What restores them; of those that cannot be restored, None."""
        members = [save_environment(environment) for environment in self.members]
        return {"observation": torch.from_numpy(self.observation.copy()), "members": members}

    def load_state_dict(self, state: dict[str, Any]) -> bool:
        """Go on where others of the same kind were saved; whether that was possible. Else all is as it was."""
        members = state["members"]
        if len(members) != len(self.members) or None in members:
            return False
        for environment, saved in zip(self.members, members, strict=True):
            restore_environment(environment, saved)
        self.observation = state["observation"].numpy().copy()
        return True
