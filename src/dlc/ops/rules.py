"""Pieces that type rules and gradients share: broadcasting, agreement of types and sizes, and undoing a broadcast."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dlc.ir.build import Builder
from dlc.ir.dim import Answer, Dim, equal, extremum_in
from dlc.ir.graph import Node, Value
from dlc.ir.op import Problem
from dlc.ir.types import DType, TensorType


def need(condition: bool, message: str, *, expected: str | None = None, found: str | None = None,
         hint: str | None = None, at: Sequence[str] = (), code: str = "E0220") -> None:
    """Raise a Problem unless the condition holds."""
    if not condition:
        raise Problem(message, expected=expected, found=found, hint=hint, at=at, code=code)


def need_rank(name: str, t: TensorType, *ranks: int) -> None:
    """The tensor called `name` has one of these ranks."""
    words = " or ".join(map(str, ranks))
    need(t.rank in ranks, f"`{name}` has the wrong rank", expected=f"rank {words}", found=f"rank {t.rank}: {t}",
         at=[name], code="E0222")


def need_equal(what: str, a: Dim, b: Dim, at: Sequence[str] = ()) -> None:
    """Two sizes are equal for every value of their names; unknown is refused too, with the way out."""
    answer = equal(a, b)
    if answer is Answer.YES:
        return
    if answer is Answer.NO:
        raise Problem(f"{what} differ", expected=str(a), found=str(b), at=at, code="E0230")
    raise Problem(f"{what} cannot be proved equal", expected=str(a), found=str(b), at=at, code="E0231",
                  hint=way_out(a, b))


def way_out(a: Dim, b: Dim) -> str:
    """What to write where two sizes cannot be proved equal: that they are, or which of two in them is the smaller."""
    unclear = extremum_in(a) or extremum_in(b)
    if unclear is None or len(unclear.among) != 2:
        return f"if they are always equal, say so: `assume {a} == {b}`"
    one, other = unclear.among
    if one in (a, b) or (isinstance(one, int) and other not in (a, b)):
        one, other = other, one
    more, less = (one, other) if unclear.kind == "min" or isinstance(other, int) else (other, one)
    said = f"{less} <= {more}" if isinstance(more, int) else f"{more} >= {less}"
    return f"say which is the smaller one: `assume {said}`"


def same_dtype(**types: TensorType) -> None:
    """All operands have one element type."""
    (first, a), *others = types.items()
    for name, t in others:
        need(t.dtype == a.dtype, f"`{first}` and `{name}` have different element types", at=[first, name], code="E0221",
             expected=str(a.dtype), found=str(t.dtype), hint=f"convert one: `cast({name}, {a.dtype})`")


def broadcast(a: TensorType, b: TensorType, at: tuple[str, str] = ("x", "y")) -> tuple[Dim, ...]:
    """The common shape: axes are matched from the last; a literal 1 or a missing leading axis stretches."""
    short, long = sorted([a.shape, b.shape], key=len)
    result = list(long[:len(long) - len(short)])
    offset = len(long) - len(short)
    for axis in range(offset, len(long)):
        left, right = (s[axis - len(long) + len(s)] for s in (a.shape, b.shape))
        if isinstance(left, int) and left == 1:
            result.append(right)
        elif isinstance(right, int) and right == 1:
            result.append(left)
        else:
            _need_shapes(a, b, left, right, axis - len(long), at)
            result.append(left)
    return tuple(result)


def _need_shapes(a: TensorType, b: TensorType, left: Dim, right: Dim, axis: int, at: tuple[str, str]) -> None:
    answer = equal(left, right)
    if answer is Answer.YES:
        return
    known = answer is Answer.NO
    raise Problem(
        f"shapes {_shape(a)} and {_shape(b)} {'differ' if known else 'cannot be proved equal'} on axis {axis}",
        expected=str(a), found=str(b), at=at, code="E0230" if known else "E0231",
        hint=None if known else way_out(left, right))


def _shape(t: TensorType) -> str:
    return f"[{', '.join(map(str, t.shape))}]"


def unbroadcast(b: Builder, gradient: Value, to: TensorType) -> Value:
    """Sum a gradient over the axes that a broadcast from `to` stretched."""
    missing = gradient.type.rank - to.rank
    axes = list(range(missing))
    for axis, dim in enumerate(to.shape):
        if isinstance(dim, int) and dim == 1 and gradient.type.shape[missing + axis] != 1:
            axes.append(missing + axis)
    if not axes:
        return gradient
    summed: Value = b.sum(gradient, axis=axes)
    result: Value = b.reshape(summed, shape=to.shape) if summed.type.shape != to.shape else summed
    return result


def reduced(shape: Sequence[Dim], axes: Iterable[int], keepdims: bool) -> tuple[Dim, ...]:
    """The shape after a reduction over `axes`."""
    gone = set(axes)
    if keepdims:
        return tuple(1 if i in gone else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in gone)


def size_value(b: Builder, size: Dim, dtype: DType) -> Value:
    """A size as a scalar of an element type: a constant where it is a number."""
    result: Value = b.constant(size, dtype) if isinstance(size, int) else b.cast(b.dimension(size=size), dtype=dtype)
    return result


def given(node: Node) -> tuple[Value, ...]:
    """The operands of a node that has none omitted."""
    values = tuple(v for v in node.operands if v is not None)
    assert len(values) == len(node.operands), node
    return values
