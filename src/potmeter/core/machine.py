"""What this machine can do at best, measured: the limits that benchmarks name."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import nn

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
