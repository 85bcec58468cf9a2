"""Generation as a compiled loop (numba): a queue of past inputs for each convolution, so that a sample costs one pass through
the weights and no past is computed twice ("Fast Wavenet generation", arXiv:1611.09482).

The weights are read once for each sample, which is what the time goes into: they lie as the loop reads them, in panels of
``PANEL`` outputs, whose sums stay in registers while all inputs pass. The innermost loop is written in LLVM's intermediate
language, since numba alone would keep the sums in memory.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import float32, njit, types

from potmeter.nn.compiled import LANES, REORDER, address, exp, intrinsic, maximum

from .model import UNROLL

VECTORS = 2
"""Vectors of outputs that are summed at once."""
PANEL = VECTORS * LANES
"""Outputs of a panel."""


class Weights(NamedTuple):
    """What the loop reads. ``panels`` are (panels, depth, PANEL), filled up with zeros."""

    first: np.ndarray
    """The first convolution: (taps, 256, R) columns to look up, or (taps, inputs, R) to multiply."""
    first_bias: np.ndarray
    """(R,)."""
    conv: np.ndarray
    """(layers, panels, taps · R, PANEL)."""
    out: np.ndarray
    """(layers, panels, R, PANEL): the residual and the skip connection, one after the other."""
    hidden: np.ndarray
    """(panels, S, PANEL)."""
    hidden_bias: np.ndarray
    """(panels · PANEL,)."""
    head: np.ndarray
    """(panels, S, PANEL)."""
    head_bias: np.ndarray
    """(panels · PANEL,)."""
    sizes: np.ndarray
    """int64: R, S, outputs, taps, whether the output is a softmax."""
    delays: np.ndarray
    """int64 (layers,): how many past inputs each queue holds."""


class State(NamedTuple):
    """Where generation stands: all that a chunk needs from those before it."""

    queues: np.ndarray
    """float32 (inputs, R): the layers' queues, one after the other."""
    starts: np.ndarray
    """int64 (layers,): where each begins."""
    places: np.ndarray
    """int64 (layers,): the oldest input in each."""
    levels: np.ndarray
    """int64 (taps,): the levels of the last samples, the newest last; -1 where there is none, before the beginning."""
    heard: np.ndarray
    """float32 (taps, inputs): what was heard of them, where they are no levels."""
    past: np.ndarray
    """float32 (order,): the last samples, the newest first, from which the next is predicted."""


class Steering(NamedTuple):
    """What steers each block of samples."""

    conditions: np.ndarray
    """float32 (blocks, layers, 2R): is added to filter and gate, with their bias."""
    coefficients: np.ndarray
    """float32 (blocks, order): of the linear prediction; order 0 where there is none."""
    gain: np.ndarray
    """float32 (blocks,): expected size of the excitation."""
    level: np.ndarray
    """float32 (blocks,): expected size of a sample."""


@intrinsic
def multiply_panel(typing_context, x, depth, panel, y):  # type: ignore[no-untyped-def]
    """y += Wᵀ x for one panel of W. All are addresses; ``depth``, the number of inputs, is a multiple of ``UNROLL``.

    So many inputs are multiplied at once, each into sums of its own: else one sum would wait for the one before.
    """
    signature = types.void(types.uintp, types.intp, types.uintp, types.uintp)

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        x, depth, panel, y = arguments
        scalar, index = ir.FloatType(), ir.IntType(64)
        vector = ir.VectorType(scalar, LANES)
        splat = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        undefined, zero = ir.Constant(vector, ir.Undefined), ir.Constant(vector, [0.0] * LANES)

        def pointer(base: Any, offset: Any, kind: ir.Type) -> Any:
            return builder.inttoptr(builder.add(base, builder.mul(offset, index(4))), kind.as_pointer())

        def load(base: Any, offset: Any, kind: ir.Type) -> Any:
            loaded = builder.load(pointer(base, offset, kind))
            loaded.align = 4
            return loaded

        vectors = range(VECTORS)
        start = [load(y, index(LANES * v), vector) for v in vectors]
        before, loop, after = builder.block, builder.append_basic_block("loop"), builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(index)
        sums = [[builder.phi(vector) for _ in vectors] for _ in range(UNROLL)]
        fuse, added = {"flags": ["contract"]}, []
        for step, partial in enumerate(sums):
            row = builder.add(k, index(step))
            number = builder.insert_element(undefined, load(x, row, scalar), ir.IntType(32)(0))
            number = builder.shuffle_vector(number, undefined, splat)
            place = builder.mul(row, index(PANEL))
            weights = [load(panel, builder.add(place, index(LANES * v)), vector) for v in vectors]
            pairs = zip(weights, partial, strict=True)
            added.append([builder.fadd(builder.fmul(number, w, **fuse), total, **fuse) for w, total in pairs])
        following = builder.add(k, index(UNROLL))
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, after)
        k.add_incoming(index(0), before)
        k.add_incoming(following, loop)
        for step, (partial, new) in enumerate(zip(sums, added, strict=True)):
            for v in vectors:
                partial[v].add_incoming(zero if step else start[v], before)
                partial[v].add_incoming(new[v], loop)
        builder.position_at_end(after)
        for v in vectors:
            total = added[0][v]
            for new in added[1:]:
                total = builder.fadd(total, new[v])
            builder.store(total, pointer(y, index(LANES * v), vector)).align = 4
        return context.get_dummy_value()

    return signature, generate


@njit(nogil=True, cache=True)
def multiply(x, depth, panels, count, y):  # type: ignore[no-untyped-def]
    """y += Wᵀ x; x, the first of ``count`` panels and y are addresses."""
    for panel in range(count):
        multiply_panel(x, depth, panels + 4 * panel * depth * PANEL, y + 4 * panel * PANEL)


@njit(nogil=True, fastmath={"contract", "nsz", "nnan"}, cache=True)
def gate(z, width, gated):  # type: ignore[no-untyped-def]
    """gated = tanh(z[:width]) · σ(z[width:])."""
    for i in range(width):
        negative = exp(-abs(z[i]) * float32(2))  # tanh|x| = (1 - e⁻²ˣ) / (1 + e⁻²ˣ)
        size = (float32(1) - negative) / (float32(1) + negative)
        small = exp(-abs(z[width + i]))
        opened = (float32(1) if z[width + i] >= 0 else small) / (float32(1) + small)
        gated[i] = (size if z[i] >= 0 else -size) * opened


@njit(nogil=True, fastmath=REORDER, cache=True)
def choose_level(logits, count, temperature, uniform, probs):  # type: ignore[no-untyped-def]
    """The first level at which the cumulated probability exceeds a uniform number."""
    highest = logits[0]
    for i in range(count):
        highest = maximum(highest, logits[i])
    factor, total = float32(1) / temperature, float32(0)
    for i in range(count):
        probs[i] = exp((logits[i] - highest) * factor)
        total += probs[i]
    left = uniform * total
    for i in range(count):
        left -= probs[i]
        if left < 0:
            return i
    return count - 1


@njit(nogil=True, cache=True)
def choose_sample(parameters, mixtures, temperature, uniforms, probs, min_log_scale):  # type: ignore[no-untyped-def]
    """A 16-bit sample of a mixture of logistics: which one by the first uniform number, where in it by the second."""
    chosen = choose_level(parameters, mixtures, float32(1), uniforms[0], probs)
    scale = math.exp(max(parameters[2 * mixtures + chosen], min_log_scale)) * temperature
    inner = min(max(uniforms[1], float32(1e-7)), float32(1 - 1e-7))
    value = parameters[mixtures + chosen] + scale * (math.log(inner) - math.log(float32(1) - inner))
    return min(max(round(value * 32767.5) / 32767.5, -1.0), 1.0)


@njit(nogil=True, cache=True)
def generate(  # type: ignore[no-untyped-def]
    weights, state, steering, hold, table, uniforms, temperature, min_log_scale, given, parameters, spoken, largest
):
    """Speak one sample after the other.

    Args:
        weights: ``Weights``.
        state: ``State``, which is updated.
        steering: ``Steering`` of each block of ``hold`` samples.
        hold: Samples of a block.
        table: (256,): the sample of each level.
        uniforms: (T, 2), in [0, 1).
        temperature: Of the distribution.
        min_log_scale: Of the mixture.
        given: (T,): samples that are heard instead of those spoken; or (0,).
        parameters: (T, outputs), is filled by the distributions; or (0, outputs).
        largest: What excitations and scaled samples are cut to.
        spoken: (T,), is filled.
    """
    width, skips, outputs, taps, softmax = weights.sizes
    layers, order = len(weights.conv), steering.coefficients.shape[1]
    stream = np.zeros(weights.out.shape[1] * PANEL, np.float32)  # the residual stream, then the sum of the skips
    seen, z = np.zeros(taps * width, np.float32), np.zeros(weights.conv.shape[1] * PANEL, np.float32)
    gated = np.zeros(width, np.float32)
    rectified, hidden = np.zeros(skips, np.float32), np.zeros(len(weights.hidden_bias), np.float32)
    logits, probs = np.zeros(len(weights.head_bias), np.float32), np.zeros(outputs, np.float32)
    for t in range(len(spoken)):
        for i in range(width):
            stream[i] = weights.first_bias[i]
        for i in range(width, len(stream)):
            stream[i] = 0
        for tap in range(taps):
            if softmax and state.levels[tap] >= 0:
                for i in range(width):
                    stream[i] += weights.first[tap, state.levels[tap], i]
            elif not softmax:
                for channel in range(state.heard.shape[1]):
                    for i in range(width):
                        stream[i] += weights.first[tap, channel, i] * state.heard[tap, channel]
        for layer in range(layers):
            start, place, delay = state.starts[layer], state.places[layer], weights.delays[layer]
            spacing = delay // (taps - 1) if taps > 1 else 0
            for tap in range(taps - 1):
                slot = place + tap * spacing
                slot = start + (slot - delay if slot >= delay else slot)
                for i in range(width):
                    seen[tap * width + i] = state.queues[slot, i]
            for i in range(width):
                seen[(taps - 1) * width + i] = stream[i]
            if taps > 1:
                for i in range(width):
                    state.queues[start + place, i] = stream[i]
                state.places[layer] = place + 1 if place + 1 < delay else 0
            for i in range(2 * width):
                z[i] = steering.conditions[t // hold, layer, i]
            multiply(
                address(seen, (0,)),
                taps * width,
                address(weights.conv, (layer,)),
                weights.conv.shape[1],
                address(z, (0,)),
            )
            gate(z, width, gated)
            multiply(
                address(gated, (0,)), width, address(weights.out, (layer,)), weights.out.shape[1], address(stream, (0,))
            )
        for i in range(skips):
            rectified[i] = max(stream[width + i], float32(0))
        hidden[:] = weights.hidden_bias
        multiply(
            address(rectified, (0,)), skips, address(weights.hidden, (0,)), len(weights.hidden), address(hidden, (0,))
        )
        for i in range(skips):
            rectified[i] = max(hidden[i], float32(0))
        logits[:] = weights.head_bias
        multiply(address(rectified, (0,)), skips, address(weights.head, (0,)), len(weights.head), address(logits, (0,)))
        expected, block = float32(0), t // hold
        if order:
            for i in range(order):
                expected += steering.coefficients[block, i] * state.past[i]
            log_gain = float32(math.log(steering.gain[block]))
            for i in range(outputs // 3):
                mean, log_scale = outputs // 3 + i, outputs // 3 * 2 + i
                logits[mean] = expected + steering.gain[block] * logits[mean]
                logits[log_scale] += log_gain
        if len(parameters):
            for i in range(outputs):
                parameters[t, i] = logits[i]
        level = 0
        if softmax:
            level = choose_level(logits, outputs, temperature, uniforms[t, 0], probs)
            sample = table[level]
        else:
            sample = float32(choose_sample(logits, outputs // 3, temperature, uniforms[t], probs, min_log_scale))
        spoken[t] = sample
        if len(given):
            sample = given[t]
            level = np.abs(table - sample).argmin() if softmax else 0
        for tap in range(taps - 1):
            state.levels[tap] = state.levels[tap + 1]
            state.heard[tap] = state.heard[tap + 1]
        state.levels[taps - 1] = level
        if order:
            scaled, excitation = sample / steering.level[block], (sample - expected) / steering.gain[block]
            state.heard[taps - 1, 0] = min(max(scaled, -largest), largest)
            state.heard[taps - 1, 1] = min(max(excitation, -largest), largest)
            for i in range(order - 1, 0, -1):
                state.past[i] = state.past[i - 1]
            state.past[0] = sample
        else:
            state.heard[taps - 1, 0] = sample
