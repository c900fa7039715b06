"""Elementwise arithmetic, comparison, logic, functions of one number, casts."""

from __future__ import annotations

from functools import partial

from dlc.ir.graph import Apply
from dlc.targets.keras.table import DTYPES, TABLE, Result, Site, call, dtype, infix, operand, pair
from dlc.targets.source.code import prefix

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "less": "<", "less_equal": "<=", "greater": ">",
          "greater_equal": ">=", "remainder": "%", "floor_divide": "//"}
_BINARY = {"equal": "equal", "not_equal": "not_equal", "logical_and": "logical_and", "logical_or": "logical_or",
           "logical_xor": "logical_xor", "atan2": "arctan2", "fmod": "fmod", "logaddexp": "logaddexp",
           "maximum": "maximum", "minimum": "minimum"}
_FUNCTIONS = {"abs": "abs", "sign": "sign", "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1",
              "sqrt": "sqrt", "rsqrt": "rsqrt", "reciprocal": "reciprocal", "square": "square", "sin": "sin",
              "cos": "cos", "tan": "tan", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "sinh": "sinh",
              "cosh": "cosh", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "erf": "erf",
              "erfc": "erfc", "floor": "floor", "ceil": "ceil", "round": "round", "trunc": "trunc",
              "log2": "log2", "log10": "log10", "is_nan": "isnan", "is_inf": "isinf", "is_finite": "isfinite",
              "logical_not": "logical_not", "stop_gradient": "stop_gradient"}


def _infix(operator: str, site: Site) -> Result:
    left, right = pair(site)
    return infix(left, operator, right)


for _name, _operator in _INFIX.items():
    TABLE.writes(_name)(partial(_infix, _operator))


def _binary(function: str, site: Site) -> Result:
    left, right = pair(site)
    return call(f"ops.{function}", left, right)


for _name, _function in _BINARY.items():
    TABLE.writes(_name)(partial(_binary, _function))


def _unary(function: str, site: Site) -> Result:
    return call(f"ops.{function}", site.x)


for _name, _function in _FUNCTIONS.items():
    TABLE.writes(_name)(partial(_unary, _function))



@TABLE.writes("exp2", when=lambda node: node.output.type.dtype.name == "f32")
def exp2(site: Site) -> Result:
    return call("ops.exp2", site.x)


_INTEGER_POWER = '''
def integer_power(x, y):
    """x to the power y in integers; 1 / x is rounded towards zero."""
    power = ops.power(x, ops.maximum(y, 0))
    sign = ops.where(ops.logical_and(ops.equal(x, -1), ops.equal(y % 2, 1)), -1, 1)
    unit = ops.where(ops.equal(ops.abs(x), 1), ops.cast(sign, x.dtype), ops.zeros_like(power))
    return ops.where(y >= 0, power, unit)
'''


@TABLE.writes("pow")
def power(site: Site) -> Result:
    exponent = site.scalar(1)
    if site.type().dtype.is_integer and (exponent is None or exponent < 0):
        site.function.helper(_INTEGER_POWER)
        return call("integer_power", site.x, site.y)
    left, right = pair(site)
    return infix(left, "**", right)


@TABLE.writes("neg")
def neg(site: Site) -> Result:
    return prefix("-", site.x)


@TABLE.writes("where")
def where(site: Site) -> Result:
    if site.scalar(1) is not None and site.scalar(2) is not None:
        return call("ops.where", site.x, site.arg(1), operand(site, 2))
    return call("ops.where", site.x, operand(site, 1), operand(site, 2))


def _has_dtype(node: Apply) -> bool:
    return node.attributes["dtype"].name in DTYPES


@TABLE.writes("cast", when=_has_dtype, otherwise="an element type that Keras does not have")
def cast(site: Site) -> Result:
    return call("ops.cast", site.x, dtype(site["dtype"]))
