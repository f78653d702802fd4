"""The kind of value that kernels compute with: several numbers side by side, in numba's terms."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.extending import models, register_model

intrinsic: Any = extending.intrinsic  # what it makes is called without the typing context


class Vector(types.Type):
    """`width` numbers of the type `element`."""

    def __init__(self, element: types.Type, width: int) -> None:
        self.element, self.width = element, width
        super().__init__(name=f"Vector({element}, {width})")


LLVM_TYPES = {
    types.float64: ir.DoubleType(),
    types.float32: ir.FloatType(),
    types.boolean: ir.IntType(1),
}


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, ir.VectorType(LLVM_TYPES[kind.element], kind.width))


def element_of(kind: types.Type) -> types.Type:
    return kind.element if isinstance(kind, Vector) else kind


def width_of(kind: types.Type) -> int:
    return kind.width if isinstance(kind, Vector) else 1


def with_element(kind: types.Type, element: types.Type) -> types.Type:
    """A vector of as many elements of another type; of a number, that type."""
    return Vector(element, kind.width) if isinstance(kind, Vector) else element


def constant(kind: types.Type, value: Any, of: ir.Type | None = None) -> ir.Constant:
    """A constant in every element."""
    one = of if of is not None else LLVM_TYPES[element_of(kind)]
    if not isinstance(kind, Vector):
        return ir.Constant(one, value)
    return ir.Constant(ir.VectorType(one, kind.width), [value] * kind.width)


def spread(builder: Any, number: Any, kind: Vector) -> Any:
    """`number` in every element of a vector."""
    vector = ir.VectorType(number.type, kind.width)
    first = builder.insert_element(
        ir.Constant(vector, ir.Undefined), number, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.width), [0] * kind.width)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


# -- making and storing -------------------------------------------------------------------
