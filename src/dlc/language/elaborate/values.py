"""What an expression can be worth while a program is elaborated, besides tensors (`dlc.ir.graph.Value`).

Compile-time values are int, float, bool, str, None, tuple, `range`, DType, Initializer, sizes (`Expr`) and the classes
below.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dlc.diagnostics import Source, Span
from dlc.ir.dim import Dim, Expr
from dlc.ir.graph import Value
from dlc.ir.op import Initializer, Op
from dlc.ir.types import DType, TensorType
from dlc.language import ast
from dlc.language.elaborate import limits


class Poison:
    """The worth of what was complained about, or of what cannot be known: it makes no further complaints."""

    def __repr__(self) -> str:
        return "?"


POISON = Poison()


class Phantom(Value):
    """A tensor of a block whose body is wrong: it has the declared type, and no node that makes it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quotient of sizes that may not be whole; `ceil`, `floor` and `round` make a size of it."""

    numerator: Dim
    denominator: Dim

    def __str__(self) -> str:
        return f"({self.numerator}) / ({self.denominator})"


@dataclass(frozen=True, slots=True)
class Condition:
    """Comparisons of sizes, all of which must hold, and which no rule decides."""

    parts: tuple[tuple[Dim, str, Dim], ...]

    def __str__(self) -> str:
        return " and ".join(f"{left} {relation} {right}" for left, relation, right in self.parts)


@dataclass(eq=False)
class Module:
    """One file: its tree and what its names mean."""

    source: Source
    tree: ast.File
    layout: str | None = None
    items: dict[str, Item] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    weights: ast.WeightsDecl | None = None
    models: dict[str, ast.ModelDecl] = field(default_factory=dict)
    recipes: list[ast.TrainDecl] = field(default_factory=list)


@dataclass(frozen=True, eq=False, slots=True)
class BlockRef:
    """A block of a file. One object per declaration."""

    decl: ast.BlockDecl
    module: Module

    @property
    def name(self) -> str:
        return self.decl.name

    def __str__(self) -> str:
        return self.decl.name


@dataclass(frozen=True, eq=False, slots=True)
class FnRef:
    """A function of a file. One object per declaration."""

    decl: ast.FnDecl
    module: Module

    @property
    def name(self) -> str:
        return self.decl.name

    def __str__(self) -> str:
        return self.decl.name


@dataclass(frozen=True, eq=False, slots=True)
class ModelRef:
    """A model's name where a value is expected: it can be trained and loaded, never called."""

    decl: ast.ModelDecl

    @property
    def name(self) -> str:
        return self.decl.name


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of compile-time values."""

    name: str
    apply: Callable[..., Any] = field(compare=False)
    arguments: tuple[int, int | None] = (1, 1)


@dataclass(frozen=True, slots=True)
class Given:
    """An evaluated argument: its name if it was written with one, and where it stands."""

    name: str | None
    value: Any
    span: Span


@dataclass(eq=False, slots=True)
class Layer:
    """`layer name = call`: a callee with arguments, and the weights it got at its first call."""

    name: str
    callee: Op | BlockRef
    given: tuple[Given, ...]
    path: str
    span: Span
    home: Any
    weights: dict[str, Value] = field(default_factory=dict)
    types: tuple[TensorType | None, ...] | None = None
    first: Span | None = None


Item = BlockRef | FnRef | ModelRef | Poison
Callee = Op | BlockRef | FnRef | Layer | Builtin


def is_dim(value: Any) -> bool:
    """Whether it is a whole number or a size."""
    return isinstance(value, Expr) or (isinstance(value, int) and not isinstance(value, bool))


def bounded(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """The list, if it is small enough. Raises ValueError for too many elements, or too deep a list.

    Lists in lists are shared, so that few steps could make more elements than there is memory for.
    """
    count = extent(value, {}, limits.LEVELS)
    if count > limits.LIST:
        raise ValueError(f"the list has more than {limits.LIST:,} elements")
    return value


def bounded_size(size: Any) -> Any:
    """The value, unless it is a size of more parts than anybody could read. Raises ValueError then."""
    if isinstance(size, Expr):
        factors = sum(1 + sum(power for _, power in monomial) for monomial, _ in size.terms)
        if factors > limits.FACTORS or len(str(size)) > limits.TEXT:
            raise ValueError("the size is made of too many parts")
    return size


def extent(value: tuple[Any, ...], known: dict[int, int], levels: int) -> int:
    """The elements of a list and of the lists in it. Raises ValueError for more than so many lists in one another."""
    if not levels:
        raise ValueError(f"lists stand in one another more than {limits.LEVELS} deep")
    total = len(value)
    for item in value:
        if isinstance(item, tuple):
            if id(item) not in known:
                known[id(item)] = extent(item, known, levels - 1)
            total += known[id(item)]
    return total


def is_number(value: Any) -> bool:
    """Whether it is a number that a tensor could hold."""
    return isinstance(value, (int, float))


def spelled(value: Any) -> str:
    """A compile-time value as it would be written."""
    if isinstance(value, (tuple, list, range)):
        parts = [spelled(v) for v in value[:12]]
        return f"[{', '.join(parts)}{', ...' if len(value) > 12 else ''}]"
    if isinstance(value, (bool, type(None))):
        return {True: "true", False: "false", None: "none"}[value]
    return f'"{value[:60]}"' if isinstance(value, str) else str(value)[:60]


def describe(value: Any) -> str:
    """A value as the found side of a complaint."""
    if isinstance(value, Value):
        return f"a tensor {value.type}"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the number {value}"
    if isinstance(value, float):
        return f"the number {value:g}"
    if isinstance(value, str):
        return f'the string "{value[:40]}"'
    if isinstance(value, Expr):
        return f"the size {value}"
    if isinstance(value, Ratio):
        return f"{value}, which may not be whole"
    if isinstance(value, Condition):
        return f"the condition {value}"
    if isinstance(value, (tuple, range)):
        return f"a list of {len(value)}"
    return _describe_reference(value)


def _describe_reference(value: Any) -> str:
    if isinstance(value, DType):
        return f"the element type {value}"
    if isinstance(value, Initializer):
        return f"the initialiser {value.name}"
    if isinstance(value, Op):
        return f"the operation {value.name}"
    if isinstance(value, Layer):
        return f"the layer {value.name}"
    kind = {BlockRef: "block", FnRef: "function", ModelRef: "model", Builtin: "function"}.get(type(value), "value")
    return f"the {kind} {getattr(value, 'name', value)}"
