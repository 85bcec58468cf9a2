"""Attribute vectors: directions in a latent space along which pictures gain or lose an attribute.

White, "Sampling Generative Networks" (arXiv:1609.04468), section 3: the mean of the codes that have the attribute minus the
mean of those that have not; balanced where attributes correlate; or the normal of a separating plane.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from potmeter.errors import UserError, reject

METHODS = ("mean", "svm")
FILE = "vector.json"
"""What a vector is called in a folder of its own."""


def mean_difference(z: Float[Tensor, "n d"], has: Bool[Tensor, " n"]) -> Float[Tensor, " d"]:
    """The mean code of those that have an attribute minus the mean code of those that have not.

    It takes along whatever else differs between the two groups: where smiles come with long hair, hair grows.

    Raises:
        UserError: When all have it, or none.
    """
    if not 0 < (count := int(has.sum())) < len(has):
        reject(
            "An attribute vector takes pictures that have the attribute and pictures that have not.",
            f"{count} of {len(has)}",
        )
    return z[has].mean(0) - z[~has].mean(0)


def balanced_difference(
    z: Float[Tensor, "n d"], has: Bool[Tensor, " n"], other: Bool[Tensor, " n"]
) -> Float[Tensor, " d"]:
    """The mean difference within those that have another attribute and within those that have not, averaged.

    Both groups then have the other attribute in the same share, so that it takes no part in the direction.

    Raises:
        UserError: When one of the four kinds does not occur.
    """
    kinds = {(a, b): int(((has == a) & (other == b)).sum()) for a in (True, False) for b in (True, False)}
    if min(kinds.values()) == 0:
        reject("Balancing takes pictures with both attributes, with either, and with neither.", sorted(kinds.values()))
    return (mean_difference(z[other], has[other]) + mean_difference(z[~other], has[~other])) / 2


def svm_normal(
    z: Float[Tensor, "n d"], has: Bool[Tensor, " n"], other: Bool[Tensor, " n"] | None = None
) -> Float[Tensor, " d"]:
    """The normal of a linear support vector machine's plane, as long as the means of the two groups lie apart along it.

    The machine sees the codes moved and scaled to mean 0 and variance 1, by one factor for all dimensions, which turns no
    normal: it holds its threshold as small as its weights, and errs far from the origin.

    Args:
        z: Codes.
        has: Which have the attribute.
        other: An attribute to balance: the four kinds then count alike, however many there are of each.

    Raises:
        UserError: When a kind does not occur.
    """
    from sklearn.svm import LinearSVC

    step = mean_difference(z, has) if other is None else balanced_difference(z, has, other)
    kind = has.long() if other is None else 2 * has.long() + other.long()
    weight = len(z) / kind.bincount()[kind]
    machine = LinearSVC(C=1.0, max_iter=20_000, random_state=0)
    centred = z.double() - z.double().mean(0)
    centred = centred / centred.square().mean().sqrt().clamp(min=1e-12)
    machine.fit(centred.cpu().numpy(), has.cpu().numpy(), sample_weight=(weight / weight.mean()).cpu().numpy())
    normal = torch.from_numpy(machine.coef_[0]).to(z)
    normal = normal / normal.norm()
    return (step @ normal) * normal


def attribute_direction(
    z: Float[Tensor, "n d"], has: Bool[Tensor, " n"], other: Bool[Tensor, " n"] | None = None, method: str = "mean"
) -> Float[Tensor, " d"]:
    """The vector of an attribute by one of ``METHODS``, balanced where another attribute is given."""
    if method == "svm":
        step = svm_normal(z, has, other)
    else:
        step = mean_difference(z, has) if other is None else balanced_difference(z, has, other)
    return extend_step(step, z, has)


def extend_step(step: Float[Tensor, " d"], z: Float[Tensor, "n d"], has: Bool[Tensor, " n"]) -> Float[Tensor, " d"]:
    """A step at least as long as the standard deviation, along it, of the codes within the two groups.

    Where the groups overlap their means lie so close together that the step between them could not be seen.
    """
    along = z @ (step / step.norm().clamp(min=1e-12))
    within = torch.where(has, along - along[has].mean(), along - along[~has].mean()).square().mean().sqrt()
    return step * (within / step.norm().clamp(min=1e-12)).clamp(min=1)


# As a file ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Vector:
    """An attribute vector with what must be known to use it."""

    attribute: str
    values: tuple[float, ...]
    """What is added, times a coefficient, to a code."""
    balance: str | None = None
    """The attribute that it was balanced against."""
    method: str = "mean"
    space: str = "z"
    """The latent space."""
    model: str = ""
    """Name of the system."""
    weights: str = ""
    """Fingerprint of its parameters: in another network the same numbers mean nothing."""
    source: str = ""
    """What the codes came from."""
    count: int = 0
    """How many there were."""

    def tensor(self, like: Tensor) -> Tensor:
        """The values (d,), as a tensor of the type and on the device of another."""
        return torch.tensor(self.values).to(like)

    def text(self) -> str:
        """The vector as JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def is_vector_file(word: str) -> bool:
    """Whether a vector's file or its folder is meant; a folder that is merely called like an attribute is not."""
    folder = os.path.isdir(word) and (os.sep in word or os.path.isfile(os.path.join(word, FILE)))
    return word.endswith(".json") or folder


def read_vector(path: str | Path) -> Vector:
    """A vector from a file that ``potmeter run latents:vector`` wrote, or the folder it is in. Raises UserError."""
    path = Path(path) / FILE if os.path.isdir(path) else Path(path)
    try:
        values: Any = json.loads(path.read_text("utf-8"))
        found = Vector(**values | {"values": tuple(map(float, values["values"]))})
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"{path} holds no attribute vector: {error}.", received=path.name) from None
    named = (found.attribute, found.space)
    all(isinstance(name, str) for name in named) or reject(f"{path} holds names that are no text.", named)
    sound = bool(found.values) and bool(torch.tensor(found.values).isfinite().all())
    return found if sound else reject(f"{path} holds what is no finite number.", path.name)
