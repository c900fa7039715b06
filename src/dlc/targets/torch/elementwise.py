"""Elementwise arithmetic, comparison, logic, functions of one number, casts."""

from __future__ import annotations

from functools import partial

from dlc.ir.graph import Apply
from dlc.targets.source.code import prefix
from dlc.targets.torch.table import (
    DTYPES,
    TABLE,
    Result,
    Site,
    call,
    dtype,
    infix,
    keep,
    lit,
    method,
    operand,
    pair,
)

_INFIX = {"add": "+", "sub": "-", "mul": "*", "equal": "==", "not_equal": "!=", "less": "<",
          "less_equal": "<=", "greater": ">", "greater_equal": ">=", "remainder": "%"}
_LOGICAL = {"logical_and": "&", "logical_or": "|", "logical_xor": "^"}
_METHODS = {"abs": "abs", "sign": "sign", "exp": "exp", "log": "log", "sqrt": "sqrt", "rsqrt": "rsqrt", "sin": "sin",
            "cos": "cos", "square": "square", "floor": "floor", "ceil": "ceil", "round": "round", "trunc": "trunc",
            "reciprocal": "reciprocal", "stop_gradient": "detach"}
_FUNCTIONS = {"log1p": "log1p", "expm1": "expm1", "exp2": "exp2", "log2": "log2", "log10": "log10", "tan": "tan",
              "asin": "asin", "acos": "acos", "atan": "atan", "sinh": "sinh", "cosh": "cosh", "asinh": "asinh",
              "acosh": "acosh", "atanh": "atanh", "erf": "erf", "erfc": "erfc", "is_nan": "isnan", "is_inf": "isinf",
              "is_finite": "isfinite"}
_BINARY = {"atan2": "atan2", "fmod": "fmod", "logaddexp": "logaddexp", "floor_divide": "floor_divide",
           "hypot": "hypot"}


def _infix(operator: str, site: Site) -> Result:
    left, right = pair(site)
    return infix(left, operator, right)


for _name, _operator in {**_INFIX, **_LOGICAL}.items():
    TABLE.writes(_name)(partial(_infix, _operator))


def _method(name: str, site: Site) -> Result:
    return method(site.x, name)


for _name, _method_name in _METHODS.items():
    TABLE.writes(_name)(partial(_method, _method_name))


def _function(name: str, site: Site) -> Result:
    return call(f"torch.{name}", *site.args)


for _name, _function_name in {**_FUNCTIONS, **_BINARY}.items():
    TABLE.writes(_name)(partial(_function, _function_name))


@TABLE.writes("pow")
def pow_(site: Site) -> Result:
    power = site.scalar(1)
    if power is not None and power == int(power) and site.scalar(0) is None:
        return infix(site.x, "**", lit(int(power), "power"))
    return infix(*_ordered(site))


def _ordered(site: Site) -> tuple[str, str, str]:
    left, right = pair(site)
    return left, "**", right


@TABLE.writes("logit")
def logit(site: Site) -> Result:
    return call("torch.logit", site.x, **keep(eps=(site["eps"], None)))


@TABLE.writes("neg")
def neg(site: Site) -> Result:
    return prefix("-", site.x)


@TABLE.writes("logical_not")
def logical_not(site: Site) -> Result:
    return prefix("~", site.x)


@TABLE.writes("div")
def div(site: Site) -> Result:
    left, right = pair(site)
    if site.type().dtype.is_integer:
        return call("torch.div", left, right, rounding_mode="trunc")
    return infix(left, "/", right)


@TABLE.writes("maximum", "minimum")
def extremum(site: Site) -> Result:
    bound = {"maximum": "min", "minimum": "max"}[site.node.op.name]
    for position in (1, 0):
        number = site.scalar(position)
        if number is not None and site.scalar(1 - position) is None:
            return method(site.arg(1 - position), "clamp", **{bound: operand(site, position)})
    return call(f"torch.{site.node.op.name}", site.x, site.y)


@TABLE.writes("where")
def where(site: Site) -> Result:
    left, right = site.scalar(1), site.scalar(2)
    if left is not None and right is not None:
        return call("torch.where", site.x, site.arg(1), operand(site, 2))
    return call("torch.where", site.x, operand(site, 1), operand(site, 2))


def _has_dtype(node: Apply) -> bool:
    return node.attributes["dtype"].name in DTYPES


@TABLE.writes("cast", when=_has_dtype, otherwise="an element type that PyTorch does not have")
def cast(site: Site) -> Result:
    to = site["dtype"]
    short = {"f32": "float", "f64": "double", "f16": "half", "i64": "long", "i32": "int", "bool": "bool"}
    if to.name in short:
        return method(site.x, short[to.name])
    return method(site.x, "to", dtype(to))


