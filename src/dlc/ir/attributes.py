"""The kinds of compile-time values that operations take, and how each is brought to one form.

A kind turns what a person or a reader wrote into the canonical value that is stored on the node (so that equal
nodes are equal) and back into the text of the language. It raises `ValueError` with a sentence of what it expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from dlc.ir.dim import Dim, Expr
from dlc.ir.types import DTYPES, DType


@dataclass(frozen=True)
class Kind:
    """A kind of attribute: `text` for people, `canonical(value, rank)` where rank is that of the first operand.

    none: whether none has a canonical form of its own (for axes: all of them) and does not just mean "not given".
    """

    text: str
    convert: Callable[[Any, int], Any]
    none: bool = False

    def canonical(self, value: Any, rank: int) -> Any:
        return self.convert(value, rank)


def _int(value: Any, rank: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number")
    return value


def _float(value: Any, rank: int) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a number")
    return float(value)


def _bool(value: Any, rank: int) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _str(value: Any, rank: int) -> str:
    if not isinstance(value, str):
        raise ValueError("a string")
    return value


def _dtype(value: Any, rank: int) -> DType:
    if isinstance(value, str) and value in DTYPES:
        return DTYPES[value]
    if not isinstance(value, DType):
        raise ValueError("an element type such as f32 or i64")
    return value


def _dim(value: Any, rank: int) -> Dim:
    if isinstance(value, bool) or not isinstance(value, (int, Expr)):
        raise ValueError("a size")
    return value


def _dims(value: Any, rank: int) -> tuple[Dim, ...]:
    return tuple(_dim(v, rank) for v in _sequence(value, "a list of sizes"))


def _ints(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(_int(v, rank) for v in _sequence(value, "a list of whole numbers"))


def _one_or_more(value: Any, rank: int) -> tuple[int, ...]:
    return _ints([value] if isinstance(value, int) else value, rank)


def _floats(value: Any, rank: int) -> tuple[float, ...]:
    return tuple(_float(v, rank) for v in _sequence(value, "a list of numbers"))


def _axis(value: Any, rank: int) -> int:
    axis = _int(value, rank)
    if not -rank <= axis < rank:
        raise ValueError(f"an axis from {-rank} to {rank - 1} (the tensor has rank {rank})")
    return axis % rank


def _axes(value: Any, rank: int) -> tuple[int, ...]:
    """An axis or a list of different axes, sorted; None means all of them."""
    if value is None:
        return tuple(range(rank))
    axes = [_axis(v, rank) for v in ([value] if isinstance(value, int) else _sequence(value, "an axis or a list"))]
    if len(set(axes)) != len(axes):
        raise ValueError("axes that are all different")
    return tuple(sorted(axes))


def _spatial(value: Any, rank: int) -> tuple[int, ...]:
    """A number for every spatial axis, or one number for all of them."""
    spatial = rank - 2
    values = [value] * spatial if isinstance(value, int) else list(_sequence(value, "a number or a list of them"))
    if len(values) != spatial:
        raise ValueError(f"one number or a list of {spatial} (one for each spatial axis)")
    return tuple(_int(v, rank) for v in values)


def _pad(value: Any, rank: int) -> Any:
    """`(before, after)` for every spatial axis, from a number, a list of numbers or pairs; `"same"` stays."""
    if value == "same":
        return value
    spatial = rank - 2
    items = [value] * spatial if isinstance(value, int) else list(_sequence(value, 'a number, a list or "same"'))
    if len(items) != spatial:
        raise ValueError(f'one number, a list of {spatial} numbers or pairs (one for each spatial axis), or "same"')
    pairs = [(i, i) if isinstance(i, int) else tuple(_sequence(i, "a pair")) for i in items]
    if any(len(p) != 2 or any(isinstance(v, bool) or not isinstance(v, int) or v < 0 for v in p) for p in pairs):
        raise ValueError("padding of whole numbers >= 0")
    return tuple(pairs)


def _pairs(value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    pairs = [tuple(_sequence(p, "a pair")) for p in _sequence(value, "a list of pairs")]
    if any(len(p) != 2 for p in pairs):
        raise ValueError("a list of pairs")
    return tuple((_int(a, rank), _int(b, rank)) for a, b in pairs)


def _size_pairs(value: Any, rank: int) -> tuple[tuple[Dim, Dim], ...]:
    """A pair of sizes for each axis; a single size stands for both of a pair."""
    items = _sequence(value, "a list of pairs, one for each axis")
    pairs = [(i, i) if isinstance(i, (int, Expr)) else tuple(_sequence(i, "a pair")) for i in items]
    if any(len(p) != 2 for p in pairs):
        raise ValueError("a list of pairs, one for each axis")
    return tuple((_dim(a, rank), _dim(b, rank)) for a, b in pairs)


def _bounds(value: Any, rank: int) -> tuple[Dim | None, ...]:
    what = "a list of sizes, none for an open end"
    return tuple(None if v is None else _dim(v, rank) for v in _sequence(value, what))


def _named_sizes(value: Any, rank: int) -> tuple[tuple[str, Dim], ...]:
    """Sizes by name, from a mapping or from pairs, sorted by name."""
    pairs = value.items() if isinstance(value, Mapping) else _sequence(value, "sizes by name")
    return tuple(sorted((_str(name, rank), _dim(size, rank)) for name, size in pairs))


def _sequence(value: Any, what: str) -> Sequence[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise ValueError(what)
    return value


def _value(value: Any, rank: int) -> Any:
    """Nested lists of numbers or bools, as tuples."""
    if isinstance(value, (bool, int, float)):
        return value
    return tuple(_value(v, rank) for v in _sequence(value, "a number or nested lists of numbers"))


def optional(kind: Kind) -> Kind:
    """The kind, or none."""
    return Kind(f"{kind.text} or none", lambda value, rank: None if value is None else kind.convert(value, rank))


def choice(*words: str) -> Kind:
    """One of these strings."""
    def convert(value: Any, rank: int) -> str:
        if value not in words:
            raise ValueError(" or ".join(f'"{w}"' for w in words))
        return str(value)
    return Kind(" | ".join(f'"{w}"' for w in words), convert)


INT, REAL, BOOL, STR = Kind("int", _int), Kind("float", _float), Kind("bool", _bool), Kind("str", _str)
ELEMENT_TYPE, SIZE, SIZES = Kind("dtype", _dtype), Kind("size", _dim), Kind("size[]", _dims)
INTS, REALS = Kind("int[]", _ints), Kind("float[]", _floats)
AXIS, AXES = Kind("axis", _axis), Kind("axes", _axes, none=True)
SPATIAL, PAD, PAIRS = Kind("int | int[]", _spatial), Kind('int | pairs | "same"', _pad), Kind("pairs", _pairs)
SIZE_PAIRS, BOUNDS = Kind("size pairs", _size_pairs), Kind("(size or none)[]", _bounds)
ONE_OR_MORE = Kind("int | int[]", _one_or_more)
NAMED_SIZES = Kind("sizes by name", _named_sizes)
LITERAL, LAYOUT = Kind("number | nested list", _value), choice("NCHW", "NHWC")

Int = Annotated[int, INT]
Real = Annotated[float, REAL]
Bool = Annotated[bool, BOOL]
Str = Annotated[str, STR]
ElementType = Annotated[DType, ELEMENT_TYPE]
Size = Annotated[Dim, SIZE]
Sizes = Annotated[tuple[Dim, ...], SIZES]
Ints = Annotated[tuple[int, ...], INTS]
OneOrMore = Annotated[tuple[int, ...], ONE_OR_MORE]
Reals = Annotated[tuple[float, ...], REALS]
Axis = Annotated[int, AXIS]
Axes = Annotated[tuple[int, ...], AXES]
Spatial = Annotated[tuple[int, ...], SPATIAL]
Pad = Annotated[tuple[tuple[int, int], ...], PAD]
Pairs = Annotated[tuple[tuple[int, int], ...], PAIRS]
SizePairs = Annotated[tuple[tuple[Dim, Dim], ...], SIZE_PAIRS]
Bounds = Annotated[tuple[Dim | None, ...], BOUNDS]
NamedSizes = Annotated[tuple[tuple[str, Dim], ...], NAMED_SIZES]
Literal = Annotated[Any, LITERAL]
Layout = Annotated[str, LAYOUT]
