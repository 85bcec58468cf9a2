"""What this machine can do at best, and what a computation asks of it: the limits that benchmarks name."""

from __future__ import annotations

import multiprocessing
import re
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor, nn

SECONDS = 0.5
"""How long each measurement takes."""


def best_rate(function: Callable[[], object], work: float, seconds: float = SECONDS) -> float:
    """Work per second in the fastest of many calls: a limit is what is reached when nothing else disturbs."""
    fastest, until = float("inf"), time.perf_counter() + seconds
    function()
    while time.perf_counter() < until:
        started = time.perf_counter()
        function()
        fastest = min(fastest, time.perf_counter() - started)
    return work / fastest


def matmul_rate(size: int = 1024) -> float:
    """Floating-point operations per second of a square float32 matrix product, with torch's present threads."""
    a, b, c = (torch.rand(size, size) for _ in range(3))
    return best_rate(lambda: torch.mm(a, b, out=c), 2 * size**3)


def read_bandwidth(megabytes: int = 1024) -> float:
    """Bytes per second read from main memory, by summing an array larger than the caches, even a server's."""
    x = torch.ones(megabytes * 2**20 // 4)
    return best_rate(x.sum, x.nbytes)


def conv_rate(batch: int = 8, channels: int = 64, size: int = 56, kernel: int = 3) -> float:
    """Floating-point operations per second of a float32 convolution's forward pass, padded to keep the size."""
    convolution = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False).requires_grad_(False)
    x = torch.rand(batch, channels, size, size)
    return best_rate(lambda: convolution(x), 2 * batch * channels * channels * kernel**2 * size**2)


@torch.no_grad()
def count_products(module: nn.Module, *inputs: Tensor) -> int:
    """The multiplications by weights of convolutions and linear layers in a call of the module, counted by their shapes."""
    total = 0

    def add(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        places = given[0] if isinstance(layer, nn.ConvTranspose2d) else output
        total += places.numel() * layer.weight[0].numel()  # type: ignore[operator, index]

    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    module(*inputs)
    for hook in hooks:
        hook.remove()
    return total


def call_memory(prepare: Callable[[], Callable[[], object]]) -> float:
    """MB that a call takes at its peak above what its process had taken before, with one thread, in a process of its own.

    Args:
        prepare: A function at the top of a module. It loads, and tries on something small, what the call needs, and gives it.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=send_call_memory, args=(sender, prepare))
    process.start()
    sender.close()
    taken: float = receiver.recv()
    process.join()
    return taken


def send_call_memory(pipe: Connection, prepare: Callable[[], Callable[[], object]]) -> None:
    """What ``call_memory`` does in the other process."""
    torch.set_num_threads(1)
    call = prepare()
    before = peak_memory()
    call()
    pipe.send((peak_memory() - before) / 1e6)


def peak_memory() -> int:
    """The most bytes of main memory that this process has had."""
    if sys.platform == "linux":  # where getrusage's figure begins with that of the process which started this one
        return 1024 * int(re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))[0])
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
