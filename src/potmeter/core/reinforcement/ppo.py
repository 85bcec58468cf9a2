"""Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347) with generalised advantage estimation."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch

from .policy import Policy


def estimate_advantages(
    reward: Float[Tensor, "t n"],
    value: Float[Tensor, "t n"],
    next_value: Float[Tensor, "t n"],
    terminated: Bool[Tensor, "t n"],
    ended: Bool[Tensor, "t n"],
    gamma: float,
    gae_lambda: float,
) -> Float[Tensor, "t n"]:
    """Generalised advantage estimation (Schulman et al. 2015, arXiv:1506.02438, equation 16).

    Where an episode was truncated, the time was up but the task was not over: what would have come after counts by
    its value, V of the state that was reached. Where it terminated, nothing comes after. Neither lets through what
    happened in the next episode.

    Args:
        reward: r_t.
        value: V(s_t).
        next_value: V(s_{t+1}), of the state that the action led to, not of the next episode's first.
        terminated: Whether the task was over after the step.
        ended: Whether the episode was, by that or by truncation.
        gamma, gae_lambda: γ and λ.

    Example:
        >>> r, v = torch.ones(2, 1), torch.zeros(2, 1)
        >>> no = torch.zeros(2, 1, dtype=torch.bool)
        >>> estimate_advantages(r, v, v, no, no, 0.5, 1.0).flatten()
        tensor([1.5000, 1.0000])
    """
    surprise = reward + gamma * next_value * ~terminated - value  # δ_t
    advantage, later = torch.zeros_like(reward), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        later = surprise[t] + gamma * gae_lambda * ~ended[t] * later
        advantage[t] = later
    return advantage


def clipped_objective(
    ratio: Float[Tensor, " b"], advantage: Float[Tensor, " b"], clip_range: float
) -> Float[Tensor, " b"]:
    """The clipped surrogate objective (Schulman et al. 2017, equation 7), which is raised.

    Args:
        ratio: r, how much likelier the action is than under the policy that took it.
        advantage: A, how much better than expected it was.
        clip_range: ε.

    Example:
        >>> clipped_objective(torch.tensor([0.5, 1.5]), torch.tensor([1.0, 1.0]), 0.2)
        tensor([0.5000, 1.2000])
    """
    return torch.minimum(ratio * advantage, ratio.clamp(1 - clip_range, 1 + clip_range) * advantage)


def surrogate_loss(
    policy: Policy, critic: nn.Module, batch: Batch, *, clip_range: float, value_coef: float, entropy_coef: float
) -> dict[str, Tensor]:
    """The clipped surrogate objective, the value function's error and the entropy bonus (Schulman et al. 2017, eq. 9).

    Args:
        policy: π.
        critic: V: (B, D) to (B, 1).
        batch: ``observation`` (B, D), normalised; ``action``; ``log_prob`` (B,) under the policy that acted;
            ``advantage`` (B,), which is normalised here; ``value_target`` (B,).
        clip_range: ε.
        value_coef, entropy_coef: Weights of the error and of the bonus.
    """
    advantage = batch["advantage"]
    output = policy(batch["observation"])
    log_ratio = policy.log_prob(output, batch["action"]) - batch["log_prob"]
    ratio = log_ratio.exp()  # r_t(θ)
    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
    surrogate = -clipped_objective(ratio, advantage, clip_range).mean()
    value = (critic(batch["observation"])[:, 0] - batch["value_target"]).square().mean()
    entropy = policy.entropy(output)
    total = surrogate + value_coef * value - entropy_coef * entropy
    with torch.no_grad():
        kl = (ratio - 1 - log_ratio).mean()  # of old and new policy, by Schulman's unbiased estimate
    return {"loss": total, "policy": surrogate, "value": value, "entropy": entropy, "kl": kl}


def learn_from(
    samples: Batch, loss: Callable[[Batch], dict[str, Tensor]], trainer: TrainingLoop, *, epochs: int, size: int
) -> dict[str, Tensor]:
    """Pass several times over samples in shuffled minibatches, each of which updates the weights.

    Args:
        samples: Tensors (samples, …).
        loss: Of a minibatch; the one called ``loss`` is minimised.
        trainer: Updates, and shuffles.
        epochs: Passes.
        size: Of a minibatch, of this process's samples.

    Returns:
        The mean of each loss over all minibatches.
    """
    taken = []
    for _ in range(epochs):
        order = trainer.rng.uniform(len(samples["advantage"])).argsort()
        shuffled = {key: values[order] for key, values in samples.items()}
        for i in range(0, len(order) - size + 1, size):
            losses = loss({key: values[i : i + size] for key, values in shuffled.items()})
            trainer.update(losses["loss"])
            taken.append(torch.stack([value.detach() for value in losses.values()]))
    return dict(zip(losses, torch.stack(taken).mean(0), strict=True))
