"""What a computation asks of the machine: multiplications, and memory."""

import numpy as np
import torch
from torch import nn

from potmeter.core.machine import call_memory, count_products
from potmeter.systems.generative.unit.bench import PlainGenerator

MEGABYTES = 60


def test_products_are_counted_once_for_each_place_and_filter():
    generator = PlainGenerator(4, 0)
    wide = 128 * 128 * 4 * 3 * 49 * 2  # the first and the last convolution
    inner = 9 * (64 * 64 * 8 * 4 + 32 * 32 * 16 * 8) * 2  # down, and up by as many
    assert count_products(generator, torch.rand(1, 3, 128, 128)) == wide + inner
    assert count_products(nn.Linear(5, 7), torch.rand(2, 3, 5)) == 2 * 3 * 5 * 7


def make_call():
    """A call that takes so many megabytes, after as many have come and gone less ten."""
    np.ones((MEGABYTES - 10) * 10**6, np.uint8)
    return lambda: [np.ones(MEGABYTES * 10**6, np.uint8) for _ in range(2)]


def test_memory_is_that_of_the_call_whatever_the_process_that_asks_has_had():
    large = np.ones(10**9, np.uint8)  # of which a process that it starts inherits the peak, by getrusage
    del large
    assert abs(call_memory(make_call) - (2 * MEGABYTES - (MEGABYTES - 10))) < 8
