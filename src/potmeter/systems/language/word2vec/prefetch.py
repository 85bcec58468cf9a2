"""Ask the processor for memory before it is needed: noise words lie anywhere in a matrix that no cache holds."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def prefetch(typing_context: Any, address: Any) -> Any:
    """Fetch the cache line at an address into the nearest cache, to be written (LLVM's ``llvm.prefetch``)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = ir.IntType(32)
        pointer = builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())
        name, kind = "llvm.prefetch.p0", ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
        function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        builder.call(function, [pointer, number(1), number(3), number(1)])  # to write, keep close, data
        return context.get_dummy_value()

    return types.void(types.uintp), generate
