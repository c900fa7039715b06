"""What Python's slices and indices mean on axes of symbolic size."""

from __future__ import annotations

from dataclasses import dataclass

from dlc.ir.dim import (
    Answer,
    Atom,
    Dim,
    Expr,
    Extremum,
    FloorDiv,
    at_most,
    ceil_div,
    floor_div,
    maximum,
    minimum,
)
from dlc.ir.op import Problem
from dlc.ir.types import TensorType


@dataclass(frozen=True)
class Range:
    """The indices start, start + step, ...: `count` of them, on an axis of `size`.

    canonical: start and stop as they are stored on a node, the stop None where the range reaches the end of the axis
    (for negative steps: its beginning). A bound whose place depends on the size stays as it was given.
    """

    size: Dim
    start: Dim
    step: int
    count: Dim
    canonical: tuple[Dim, Dim | None]

    @property
    def last(self) -> Dim:
        """The last index."""
        return self.start + (self.count - 1) * self.step

    @property
    def cuts(self) -> bool:
        """Whether it is anything but the whole axis in order."""
        return not (self.step == 1 and self.canonical == (0, None))


def resolve_range(size: Dim, start: Dim | None, stop: Dim | None, step: int) -> Range:
    """start:stop:step on an axis of `size`, with Python's rules; named sizes are taken to be 1 or more."""
    low: Dim = 0 if step > 0 else -1
    high: Dim = size if step > 0 else size - 1
    first, end = (low, high) if step > 0 else (high, low)
    open_end = end
    kept_start, kept_stop = first, end
    if start is not None:
        first, kept_start = _place(start, size, low, high)
    if stop is not None:
        end, kept_stop = _place(stop, size, low, high)
    canonical = (kept_start, None if kept_stop == open_end else kept_stop)
    if step == 1 and end == size and kept_start != first and _negative(kept_start):
        return Range(size, first, step, least(size, -kept_start), canonical)
    if size == 0:
        return Range(0, 0, 1, 0, (0, None))
    span = end - first if step > 0 else first - end
    count = greatest(0, ceil_div(span, abs(step)))
    if count == 0:
        return Range(size, 0, step, 0, (0, 0))
    return Range(size, first, step, count, canonical)


def trusted_range(size: Dim, start: Dim | None, stop: Dim | None, step: int) -> Range:
    """start:stop:step whose bounds are said to lie on the axis: nothing is clamped. Raises Problem if they cannot."""
    first: Dim = (0 if step > 0 else size - 1) if start is None else _counted(start, size)
    open_end: Dim = size if step > 0 else -1
    end = open_end if stop is None else _counted(stop, size)
    span = end - first if step > 0 else first - end
    low, high = (first, end) if step > 0 else (end + 1, first + 1)
    if any(isinstance(d, int) and d < 0 for d in (low, size - high, span)):
        raise Problem("the bounds of the slice lie outside the axis", expected=f"0 to {size}", found=f"{low} to {high}",
                      at=["starts", "stops"], code="E0213")
    return Range(size, first, step, ceil_div(span, abs(step)), (first, None if end == open_end else end))


def _counted(bound: Dim, size: Dim) -> Dim:
    return size + bound if _negative(bound) else bound


def _place(bound: Dim, size: Dim, low: Dim, high: Dim) -> tuple[Dim, Dim]:
    """Where a bound lies, clamped; and how it is stored: the same where that is decided."""
    counted = _counted(bound, size)
    clamped = greatest(low, least(counted, high))
    if clamped in (low, high, counted):
        return clamped, clamped
    return clamped, bound if isinstance(bound, int) or _negative(bound) else greatest(0, bound)


def resolve_index(x: TensorType, index: Dim, axis: int) -> Dim:
    """An index from the start of an axis. Raises Problem where it is known to lie outside."""
    size = x.shape[axis]
    found = _counted(index, size)
    if _known(found, -1) or _known(size, found):
        raise Problem(f"index {index} is out of range on axis {axis}", at=["x", "index"], found=str(index),
                      expected=f"{-size} to {size - 1}", code="E0213")
    return found


def least(a: Dim, b: Dim) -> Dim:
    """The smaller one, where named sizes are 1 or more."""
    return a if _known(a, b) else b if _known(b, a) else minimum(a, b)


def greatest(a: Dim, b: Dim) -> Dim:
    """The greater one, where named sizes are 1 or more."""
    return b if _known(a, b) else a if _known(b, a) else maximum(a, b)


def _negative(bound: Dim) -> bool:
    return _known(bound, -1)


def _known(a: Dim, b: Dim) -> bool:
    """Whether a <= b is sure when every named size is 1 or more."""
    difference = b - a
    if isinstance(difference, int):
        return difference >= 0
    return at_most(0, _shifted(difference)) is Answer.YES


def _shifted(dim: Dim) -> Dim:
    """The dim with n + 1 for every named size n and every exact quotient: what is left to range from 0 on."""
    if isinstance(dim, int):
        return dim
    total: Dim = 0
    for monomial, coefficient in dim.terms:
        term: Dim = coefficient
        for atom, power in monomial:
            for _ in range(power):
                term = term * _shifted_atom(atom)
        total = total + term
    return total


def _shifted_atom(atom: Atom) -> Dim:
    if isinstance(atom, FloorDiv):
        return floor_div(_shifted(atom.numerator), _shifted(atom.denominator))
    if isinstance(atom, Extremum):
        return (minimum if atom.kind == "min" else maximum)(*map(_shifted, atom.among))
    return Expr(((((atom, 1),), 1),)) + 1
