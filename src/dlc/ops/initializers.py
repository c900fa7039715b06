"""How weights start: the rules that `init=` names, and drawing from them, the same numbers in every engine and target.

The fans of a weight follow PyTorch: fan_in = shape[1] * kernel size, fan_out = shape[0] * kernel size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import Any

import numpy as np

from dlc.diagnostics import suggestion
from dlc.ir.attributes import INT, REAL, Kind, choice
from dlc.ir.dim import Dim
from dlc.ir.graph import Program
from dlc.ir.op import Initializer, Problem
from dlc.ir.types import Array, DType
from dlc.ops.sampling import between, standard_normal, truncated_normal

Rng = np.random.Generator
Fill = Callable[..., Array]


@dataclass(frozen=True)
class Parameter:
    """A compile-time argument of a rule."""

    name: str
    kind: Kind
    default: Any


@dataclass(frozen=True)
class Rule:
    """One way to fill a weight: `fill(shape, rng, working dtype, **arguments)`.

    ranks: the ranks that a weight may have, None for any.
    """

    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    fill: Fill
    ranks: tuple[int, ...] | None = None


RULES: dict[str, Rule] = {}
ALIASES = {"glorot_uniform": "xavier_uniform", "glorot_normal": "xavier_normal", "he_uniform": "kaiming_uniform",
           "he_normal": "kaiming_normal", "random_uniform": "uniform", "random_normal": "normal",
           "trunc_normal": "truncated_normal", "eye": "identity"}
"""Other names that people know; they mean the rule on the right."""

_GAIN = Parameter("gain", REAL, 1.0)
_MATRICES = (2, 3, 4, 5)


def _rule(*parameters: Parameter, ranks: tuple[int, ...] | None = None) -> Callable[[Fill], Fill]:
    def enter(fill: Fill) -> Fill:
        name = fill.__name__.removeprefix("_fill_")
        RULES[name] = Rule(name, " ".join((fill.__doc__ or "").split()), parameters, fill, ranks)
        return fill
    return enter


def initializer(name: str, **arguments: Any) -> Initializer:
    """The initialiser of that name, or of one of the aliases, with checked arguments in declared order.

    Raises Problem for an unknown name (E0217), an unknown argument (E0211), a wrong value (E0213).
    """
    rule = _find(name)
    known = {p.name: p for p in rule.parameters}
    for given in arguments:
        if given not in known:
            raise Problem(f"`{rule.name}` has no argument `{given}`", expected=", ".join(known) or "no arguments",
                          found=given, at=[given], hint=suggestion(given, known), code="E0211")
    checked = tuple((p.name, _checked(rule, p, arguments[p.name])) for p in rule.parameters if p.name in arguments)
    result = Initializer(rule.name, checked)
    _check_ranges(rule, arguments_of(result))
    return result


def arguments_of(start: Initializer) -> dict[str, Any]:
    """All arguments of an initialiser, defaults filled in."""
    return {p.name: p.default for p in _find(start.name).parameters} | dict(start.arguments)


def check(start: Initializer, shape: Sequence[Dim], dtype: DType) -> None:
    """Raise Problem if a weight of this type cannot be filled so."""
    rule = _find(start.name)
    if rule.ranks is not None and len(shape) not in rule.ranks:
        words = " or ".join(map(str, rule.ranks))
        raise Problem(f"`{rule.name}` cannot fill a weight of this rank", expected=f"rank {words}",
                      found=f"rank {len(shape)}: [{', '.join(map(str, shape))}]", code="E0222")
    if not dtype.is_float and rule.name not in ("zeros", "ones", "constant", "identity"):
        raise Problem(f"`{rule.name}` fills floating-point weights", expected="a float type", found=str(dtype),
                      code="E0221")


def fill(start: Initializer, shape: Sequence[int], dtype: DType, rng: Rng) -> Array:
    """A weight drawn from its initialiser. Raises Problem if it cannot be filled so.

    Numbers are drawn in float32 (float64 for f64) and converted.
    """
    check(start, shape, dtype)
    working = np.dtype(np.float64 if dtype.name == "f64" else np.float32)
    values = _find(start.name).fill(tuple(shape), rng, working, **arguments_of(start))
    return values.astype(dtype.numpy, copy=False)


def draw(program: Program, seed: int = 0) -> Mapping[str, Array]:
    """The first value of every weight of a program by its full path; each is drawn when first asked for.

    The numbers depend on the seed, the path, the type and the initialiser, on nothing else: neither on the order in
    which they are asked for, nor on other weights.
    """
    return _Drawn(program, seed)


def generator(seed: int, path: str) -> Rng:
    """The random numbers of one weight: Philox, keyed by seed and path."""
    digest = hashlib.blake2b(f"{seed}:{path}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


class _Drawn(Mapping[str, Array]):
    """Weights that are drawn when first asked for, and kept."""

    def __init__(self, program: Program, seed: int) -> None:
        self.weights, self.seed = program.weights(), seed
        self.known: dict[str, Array] = {}

    def __getitem__(self, path: str) -> Array:
        if path not in self.known:
            weight = self.weights[path]
            shape = [d for d in weight.type.shape if isinstance(d, int)]
            if len(shape) != weight.type.rank:
                raise Problem(f"the size of the weight `{path}` is not known", expected="numbers",
                              found=str(weight.type), hint="bind the named sizes")
            self.known[path] = fill(weight.initializer, shape, weight.type.dtype, generator(self.seed, path))
        return self.known[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.weights)

    def __len__(self) -> int:
        return len(self.weights)


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """(fan_in, fan_out) of a dense or convolution weight [out, in, *kernel]."""
    kernel = prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def gain(nonlinearity: str, a: float) -> float:
    """PyTorch's gain: the factor that keeps the variance through a nonlinearity."""
    fixed = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": sqrt(2), "selu": 0.75}
    return fixed[nonlinearity] if nonlinearity in fixed else sqrt(2 / (1 + a * a))


def _find(name: str) -> Rule:
    name = ALIASES.get(name, name)
    if name not in RULES:
        raise Problem(f"there is no initialiser `{name}`", expected=", ".join(RULES), found=name,
                      hint=suggestion(name, [*RULES, *ALIASES]), code="E0217")
    return RULES[name]


def _checked(rule: Rule, parameter: Parameter, value: Any) -> Any:
    try:
        return parameter.kind.canonical(value, 0)
    except ValueError as error:
        raise Problem(f"`{rule.name}` cannot take this as `{parameter.name}`", expected=str(error), found=str(value),
                      at=[parameter.name], code="E0213") from error


def _check_ranges(rule: Rule, arguments: Mapping[str, Any]) -> None:
    if "low" in arguments and not arguments["low"] <= arguments["high"]:
        raise Problem(f"the bounds of `{rule.name}` are the wrong way round", expected="low <= high",
                      found=f"low {arguments['low']}, high {arguments['high']}", at=["low", "high"], code="E0213")
    if arguments.get("std", 0) < 0:
        raise Problem(f"`{rule.name}` cannot take this as `std`", expected="0 or more", found=str(arguments["std"]),
                      at=["std"], code="E0213")
    if arguments.get("groups", 1) < 1:
        raise Problem(f"`{rule.name}` cannot take this as `groups`", expected="1 or more",
                      found=str(arguments["groups"]), at=["groups"], code="E0213")


# --- the rules --------------------------------------------------------------------------------------------------

Shape = tuple[int, ...]
WorkingType = np.dtype[Any]
_MODE = Parameter("mode", choice("fan_in", "fan_out"), "fan_in")
_NONLINEARITY = Parameter("nonlinearity", choice("linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"),
                          "leaky_relu")
_SLOPE = Parameter("a", REAL, 0.0)


@_rule()
def _fill_zeros(shape: Shape, rng: Rng, dtype: WorkingType) -> Array:
    """0 everywhere."""
    return np.zeros(shape, dtype)


@_rule()
def _fill_ones(shape: Shape, rng: Rng, dtype: WorkingType) -> Array:
    """1 everywhere."""
    return np.ones(shape, dtype)


@_rule(Parameter("value", REAL, 0.0))
def _fill_constant(shape: Shape, rng: Rng, dtype: WorkingType, value: float) -> Array:
    """One value everywhere."""
    return np.full(shape, value, dtype)


@_rule(Parameter("low", REAL, 0.0), Parameter("high", REAL, 1.0))
def _fill_uniform(shape: Shape, rng: Rng, dtype: WorkingType, low: float, high: float) -> Array:
    """Evenly between `low` and `high`."""
    return between(shape, rng, dtype, low, high)


@_rule(Parameter("mean", REAL, 0.0), Parameter("std", REAL, 1.0))
def _fill_normal(shape: Shape, rng: Rng, dtype: WorkingType, mean: float, std: float) -> Array:
    """The normal distribution."""
    return standard_normal(shape, rng, dtype) * dtype.type(std) + dtype.type(mean)


@_rule(Parameter("mean", REAL, 0.0), Parameter("std", REAL, 1.0), Parameter("low", REAL, -2.0),
       Parameter("high", REAL, 2.0))
def _fill_truncated_normal(shape: Shape, rng: Rng, dtype: WorkingType, mean: float, std: float, low: float,
                           high: float) -> Array:
    """The normal distribution cut off at the values `low` and `high`, as PyTorch's `trunc_normal_`."""
    return truncated_normal(shape, rng, dtype, mean, std, low, high)


@_rule(_GAIN, ranks=_MATRICES)
def _fill_xavier_uniform(shape: Shape, rng: Rng, dtype: WorkingType, gain: float) -> Array:
    """Evenly within ±gain * sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = gain * sqrt(6 / max(sum(fans(shape)), 1))
    return between(shape, rng, dtype, -bound, bound)


@_rule(_GAIN, ranks=_MATRICES)
def _fill_xavier_normal(shape: Shape, rng: Rng, dtype: WorkingType, gain: float) -> Array:
    """Normal with standard deviation gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    return _fill_normal(shape, rng, dtype, 0.0, gain * sqrt(2 / max(sum(fans(shape)), 1)))


@_rule(_MODE, _NONLINEARITY, _SLOPE, ranks=_MATRICES)
def _fill_kaiming_uniform(shape: Shape, rng: Rng, dtype: WorkingType, mode: str, nonlinearity: str, a: float) -> Array:
    """Evenly within ±gain * sqrt(3 / fan), with the gain of the nonlinearity: sqrt(2) for relu,
    sqrt(2 / (1 + a²)) for leaky_relu with the slope `a` (He et al., 2015)."""
    bound = sqrt(3) * _kaiming_deviation(shape, mode, nonlinearity, a)
    return between(shape, rng, dtype, -bound, bound)


@_rule(_MODE, _NONLINEARITY, _SLOPE, ranks=_MATRICES)
def _fill_kaiming_normal(shape: Shape, rng: Rng, dtype: WorkingType, mode: str, nonlinearity: str, a: float) -> Array:
    """Normal with standard deviation gain / sqrt(fan), with the gain of the nonlinearity: sqrt(2) for relu,
    sqrt(2 / (1 + a²)) for leaky_relu with the slope `a` (He et al., 2015)."""
    return _fill_normal(shape, rng, dtype, 0.0, _kaiming_deviation(shape, mode, nonlinearity, a))


def _kaiming_deviation(shape: Shape, mode: str, nonlinearity: str, a: float) -> float:
    fan = fans(shape)[mode == "fan_out"]
    return gain(nonlinearity, a) / sqrt(max(fan, 1))


@_rule(ranks=_MATRICES)
def _fill_lecun_uniform(shape: Shape, rng: Rng, dtype: WorkingType) -> Array:
    """Evenly within ±sqrt(3 / fan_in) (LeCun et al., 1998)."""
    bound = sqrt(3 / max(fans(shape)[0], 1))
    return between(shape, rng, dtype, -bound, bound)


@_rule(ranks=_MATRICES)
def _fill_lecun_normal(shape: Shape, rng: Rng, dtype: WorkingType) -> Array:
    """Normal, cut off at twice its standard deviation, with the standard deviation sqrt(1 / fan_in) after the cut, as
    in Keras (LeCun et al., 1998)."""
    std = sqrt(1 / max(fans(shape)[0], 1)) / TRUNCATED_DEVIATION
    return truncated_normal(shape, rng, dtype, 0.0, std, -2 * std, 2 * std)


TRUNCATED_DEVIATION = 0.87962566103423978
"""The standard deviation of the standard normal distribution cut off at ±2."""


@_rule(_GAIN, ranks=_MATRICES)
def _fill_orthogonal(shape: Shape, rng: Rng, dtype: WorkingType, gain: float) -> Array:
    """gain times a random matrix [shape[0], the rest] with orthonormal rows or columns, whichever are fewer
    (Saxe et al., 2014)."""
    rows, columns = shape[0], prod(shape[1:])
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)  # without this the distribution would not be uniform
    return (gain * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)


@_rule(_GAIN, ranks=(2,))
def _fill_identity(shape: Shape, rng: Rng, dtype: WorkingType, gain: float) -> Array:
    """gain times the identity matrix."""
    return np.eye(*shape, dtype=dtype) * dtype.type(gain)


@_rule(Parameter("groups", INT, 1), ranks=(3, 4, 5))
def _fill_dirac(shape: Shape, rng: Rng, dtype: WorkingType, groups: int) -> Array:
    """A convolution kernel that hands channel i of each group on: 1 in the middle of kernel [i, i], else 0."""
    values = np.zeros(shape, dtype)
    each = shape[0] // groups
    middle = tuple(n // 2 for n in shape[2:])
    for group in range(groups):
        for i in range(min(each, shape[1])):
            values[(group * each + i, i, *middle)] = 1
    return values
