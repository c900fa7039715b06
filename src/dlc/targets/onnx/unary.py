"""Functions of one number, element by element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlc.ir.graph import Apply
from dlc.targets.onnx.table import TABLE, enter_same

if TYPE_CHECKING:
    from dlc.targets.onnx.emitter import Emitter

enter_same({
    "neg": "Neg", "abs": "Abs", "sign": "Sign", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos",
    "asin": "Asin", "acos": "Acos", "atan": "Atan", "tanh": "Tanh", "sigmoid": "Sigmoid", "erf": "Erf",
    "floor": "Floor", "ceil": "Ceil", "round": "Round",
})


@TABLE.writes("trunc")
def write_trunc(e: Emitter, node: Apply, x: str) -> str:
    return str(e("Mul", e("Sign", x), e("Floor", e("Abs", x))))


@TABLE.writes("expm1")
def write_expm1(e: Emitter, node: Apply, x: str) -> str:
    """Near 0 through 2 t / (1 - t) with t = tanh(x / 2), where exp(x) - 1 would lose its digits."""
    dtype = node.output.type.dtype
    one, two = e.constant(1, dtype), e.constant(2, dtype)
    t = e("Tanh", e("Div", x, two))
    near = e("Div", e("Mul", two, t), e("Sub", one, t))
    return str(e("Where", e("Less", e("Abs", x), one), near, e("Sub", e("Exp", x), one)))


@TABLE.writes("log1p")
def write_log1p(e: Emitter, node: Apply, x: str) -> str:
    """log(u) x / (u - 1) with u = 1 + x, which makes up for the rounding of u (after Kahan)."""
    one = e.constant(1, node.output.type.dtype)
    u = e("Add", x, one)
    log = e("Log", u)
    mended = e("Div", e("Mul", log, x), e("Sub", u, one))
    return str(e("Where", e("Equal", u, one), x, e("Where", e("Equal", u, x), log, mended)))


@TABLE.writes("stop_gradient")
def write_identity(e: Emitter, node: Apply, x: str) -> str:
    return x
