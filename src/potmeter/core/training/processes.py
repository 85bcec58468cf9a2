"""Many processes: who am I, average the gradients, check that all agree. Without ``torchrun`` everything is a no-op."""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from potmeter.core.devices import resolve_device

BUCKET = 2**22
"""Numbers sent in one message: large enough to use the link, small enough to start early."""


def setup(device: str) -> torch.device:
    """Join the processes that ``torchrun`` started, and return this one's device."""
    chosen = resolve_device(device)
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    if chosen.type == "cuda" and chosen.index is None:
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(chosen)
    return chosen


def rank() -> int:
    """This process's number; 0 writes the files."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def barrier() -> None:
    """Wait until every process is here."""
    if world_size() > 1:
        dist.barrier()


def broadcast_float(value: float) -> float:
    """The first process's value, so that decisions by the clock are the same everywhere."""
    if world_size() == 1:
        return value
    box = torch.tensor([value], dtype=torch.float64)
    box = box.cuda() if dist.get_backend() == "nccl" else box
    dist.broadcast(box, 0)
    return float(box)


def all_reduce_mean(value: Tensor) -> Tensor:
    """The mean over processes of a tensor of any shape, the same in all; it is not changed in place."""
    if world_size() > 1:
        value = value.clone()
        dist.all_reduce(value)
        value /= world_size()
    return value


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over processes, in buckets that travel while the next one is packed."""
    if world_size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    sent: list[tuple[list[Tensor], Tensor, dist.Work]] = []
    while gradients:
        bucket = [gradients.pop()]
        size = bucket[0].numel()
        while gradients and gradients[-1].dtype == bucket[0].dtype and size + gradients[-1].numel() <= BUCKET:
            bucket.append(gradients.pop())
            size += bucket[-1].numel()
        flat = torch.cat([g.reshape(-1) for g in bucket])
        sent.append((bucket, flat, dist.all_reduce(flat, async_op=True)))
    for bucket, flat, work in sent:
        work.wait()
        flat /= world_size()
        for gradient, part in zip(bucket, flat.split([g.numel() for g in bucket]), strict=True):
            gradient.copy_(part.view_as(gradient))


def broadcast_parameters(module: nn.Module) -> None:
    """Give every process the first one's parameters and buffers."""
    if world_size() > 1:
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, 0)


def assert_equal_weights(module: nn.Module) -> None:
    """Raise RuntimeError when the processes' parameters have drifted apart: a gradient was not averaged."""
    if world_size() == 1:
        return
    sums = torch.stack([p.detach().double().sum() for p in module.parameters()] or [torch.zeros(())])
    low, high = sums.clone(), sums.clone()
    dist.all_reduce(low, dist.ReduceOp.MIN)
    dist.all_reduce(high, dist.ReduceOp.MAX)
    if not torch.equal(low, high):
        raise RuntimeError("The processes' weights differ: every gradient must go through trainer.update().")
