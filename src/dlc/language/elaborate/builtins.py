"""Functions of compile-time values: numbers, sizes, lists. They raise ValueError with a sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from dlc.ir.dim import Dim, Expr, ceil_div, floor_div, maximum, minimum
from dlc.language.elaborate import limits
from dlc.language.elaborate.values import Builtin, Ratio, bounded_size, describe, is_dim, is_number


def _number(value: Any) -> int | float:
    if not is_number(value):
        raise ValueError(f"expected a number, found {describe(value)}")
    number: int | float = value
    return number


def _sequence(value: Any) -> Iterable[Any]:
    if not isinstance(value, (tuple, range)):
        raise ValueError(f"expected a list, found {describe(value)}")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, found {describe(value)}")
    return value


def _rounded(ratio: Callable[[Dim, Dim], Dim], number: Callable[[float], int]) -> Callable[[Any], Dim]:
    def apply(value: Any) -> Dim:
        if is_dim(value):
            size: Dim = value
            return size
        if isinstance(value, Ratio):
            return ratio(value.numerator, value.denominator)
        found = _number(value)
        if not math.isfinite(found):
            raise ValueError(f"{found} has no whole number near it")
        return number(found)

    return apply


def _half_up(a: Dim, b: Dim) -> Dim:
    return floor_div(2 * a + b, 2 * b)


def power(base: Any, exponent: Any) -> Any:
    """base ** exponent; of a size for a whole exponent >= 0."""
    if isinstance(base, Expr):
        if not isinstance(exponent, int) or not 0 <= exponent <= 16:
            raise ValueError(f"a size can be raised to whole numbers from 0 to 16, found {describe(exponent)}")
        result: Any = 1
        for _ in range(exponent):
            result = bounded_size(result * base)
        return result
    a, b = _number(base), _number(exponent)
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        if abs(a) > 1 and b * a.bit_length() > limits.BITS:
            raise ValueError(f"the result has more than {limits.BITS} bits")
        return a**b
    try:
        fraction = float(a) ** float(b)
    except (OverflowError, ZeroDivisionError) as error:
        raise ValueError(f"{a} ** {b} is not a finite number") from error
    if isinstance(fraction, complex):
        raise ValueError(f"{a} ** {b} is not a real number")
    return fraction


def _real(function: Callable[[float], float]) -> Callable[[Any], float]:
    def apply(value: Any) -> float:
        number = _number(value)
        try:
            return function(number)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"it is not defined at {number}") from error

    return apply


def _extremum(dims: Callable[..., Dim], numbers: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        items = tuple(_sequence(values[0])) if len(values) == 1 else values
        if not items:
            raise ValueError("the list is empty")
        if len(items) <= 64 and all(is_dim(v) for v in items):
            return dims(*items)
        return numbers(_number(v) for v in items)

    return apply


def _absolute(value: Any) -> Any:
    return maximum(value, -value) if isinstance(value, Expr) else abs(_number(value))


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return len(tuple(_sequence(value)))


def _range(*values: Any) -> range:
    numbers = [_whole(v) for v in values]
    if len(numbers) == 3 and numbers[2] == 0:
        raise ValueError("the step is 0")
    result = range(*numbers)
    if abs(numbers[-1] if len(numbers) == 1 else numbers[1] - numbers[0]) > 2**62 or len(result) > limits.LIST:
        raise ValueError(f"the list has more than {limits.LIST:,} elements")
    return result


def _sum(values: Any) -> Any:
    total: Any = 0
    for value in _sequence(values):
        if not is_dim(value) and not is_number(value):
            raise ValueError(f"expected numbers, found {describe(value)}")
        total = bounded_size(total + value)
    return total


def _int(value: Any) -> Any:
    if is_dim(value):
        return value
    number = _number(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not a whole number")
    return int(number)


def _float(value: Any) -> float:
    try:
        return float(_number(value))
    except OverflowError as error:
        raise ValueError("the number is too large") from error


_TABLE: list[tuple[str, Callable[..., Any], tuple[int, int | None]]] = [
    ("pow", power, (2, 2)),
    ("max", _extremum(maximum, max), (1, None)),
    ("min", _extremum(minimum, min), (1, None)),
    ("ceil", _rounded(ceil_div, math.ceil), (1, 1)),
    ("floor", _rounded(floor_div, math.floor), (1, 1)),
    ("round", _rounded(_half_up, round), (1, 1)),
    ("sqrt", _real(math.sqrt), (1, 1)),
    ("log", _real(math.log), (1, 1)),
    ("exp", _real(math.exp), (1, 1)),
    ("abs", _absolute, (1, 1)),
    ("len", _length, (1, 1)),
    ("range", _range, (1, 3)),
    ("sum", _sum, (1, 1)),
    ("int", _int, (1, 1)),
    ("float", _float, (1, 1)),
]

BUILTINS: dict[str, Builtin] = {name: Builtin(name, apply, counts) for name, apply, counts in _TABLE}
