"""Elementwise arithmetic on two tensors."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE, enter_same

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

enter_same({"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "pow": "Pow"})


@TABLE.writes("maximum", "minimum")
def write_extremum(e: Emitter, node: Apply, x: str, y: str) -> str:
    """What is not a number wins; the vector kernels of ONNX Runtime keep the other operand instead."""
    result = str(e("Max" if node.op.name == "maximum" else "Min", x, y))
    if not node.output.type.dtype.is_float:
        return result
    return str(e("Where", e("IsNaN", x), x, e("Where", e("IsNaN", y), y, result)))


@TABLE.writes("fmod")
def write_fmod(e: Emitter, node: Apply, x: str, y: str) -> str:
    return str(e("Mod", x, y, fmod=1))


@TABLE.writes("remainder")
def write_remainder(e: Emitter, node: Apply, x: str, y: str) -> str:
    return remainder(e, node, x, y)


def remainder(e: Emitter, node: Apply, x: str, y: str) -> str:
    """The remainder with the sign of y; ONNX has it for integers only."""
    dtype = node.output.type.dtype
    if not dtype.is_float:
        return str(e("Mod", x, y))
    zero = e.constant(0, dtype)
    rest = e("Mod", x, y, fmod=1)
    opposite = e("Less", e("Mul", e("Sign", rest), e("Sign", y)), zero)
    return str(e("Where", opposite, e("Add", rest, y), rest))


@TABLE.writes("floor_divide")
def write_floor_divide(e: Emitter, node: Apply, x: str, y: str) -> str:
    """(x - remainder) / y, which rounding cannot push over the next whole number; x / 0 stays infinite."""
    whole = e("Div", e("Sub", x, remainder(e, node, x, y)), y)
    dtype = node.output.type.dtype
    if not dtype.is_float:
        return str(whole)
    return str(e("Where", e("Equal", y, e.constant(0, dtype)), e("Div", x, y), e("Round", whole)))


@TABLE.writes("atan2")
def write_atan2(e: Emitter, node: Apply, y: str, x: str) -> str:
    """atan(y / x), half a turn further where x is negative, a quarter turn where x is zero."""
    dtype = node.output.type.dtype
    zero, half = e.constant(0, dtype), e.constant(pi, dtype)
    angle = e("Atan", e("Div", y, x))
    turn = e("Where", e("Less", y, zero), e("Neg", half), half)
    beyond = e("Where", e("Less", x, zero), e("Add", angle, turn), angle)
    return str(e("Where", e("Equal", x, zero), e("Mul", e("Sign", y), e.constant(pi / 2, dtype)), beyond))
