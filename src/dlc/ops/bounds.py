"""What Python's slices and indices mean on axes of symbolic size."""

from __future__ import annotations

from dataclasses import dataclass

from dlc.ir.dim import Answer, Dim, at_most, ceil_div, maximum, minimum, name, names, substitute
from dlc.ir.op import Problem
from dlc.ir.types import TensorType


@dataclass(frozen=True)
class Range:
    """The indices start, start + step, ...: `count` of them, on an axis of `size`. Bounds are resolved and clamped."""

    size: Dim
    start: Dim
    stop: Dim
    step: int
    count: Dim

    @property
    def open_stop(self) -> Dim | None:
        """The stop, None where the range reaches the end of the axis (for negative steps: its beginning)."""
        end: Dim = self.size if self.step > 0 else -1
        return None if self.stop == end else self.stop

    @property
    def last(self) -> Dim:
        """The last index."""
        return self.start + (self.count - 1) * self.step

    @property
    def cuts(self) -> bool:
        """Whether it is anything but the whole axis in order."""
        return not (self.step == 1 and self.start == 0 and self.stop == self.size)


def resolve_range(size: Dim, start: Dim | None, stop: Dim | None, step: int) -> Range:
    """start:stop:step on an axis of `size`, with Python's rules; named sizes are taken to be 1 or more."""
    low: Dim = 0 if step > 0 else -1
    high: Dim = size if step > 0 else size - 1
    first, end = (low, high) if step > 0 else (high, low)
    first = first if start is None else _clamp(_from_start(start, size), low, high)
    end = end if stop is None else _clamp(_from_start(stop, size), low, high)
    if step == 1 and start is not None and stop is None and _negative(start):
        return Range(size, first, end, step, least(size, -start))
    span = end - first if step > 0 else first - end
    return Range(size, first, end, step, greatest(0, ceil_div(span, abs(step))))


def resolve_index(x: TensorType, index: Dim, axis: int) -> Dim:
    """An index from the start of an axis. Raises Problem where it is known to lie outside."""
    size = x.shape[axis]
    found = _from_start(index, size)
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


def _clamp(bound: Dim, low: Dim, high: Dim) -> Dim:
    return greatest(low, least(bound, high))


def _from_start(bound: Dim, size: Dim) -> Dim:
    return size + bound if _negative(bound) else bound


def _negative(bound: Dim) -> bool:
    return _known(bound, -1)


def _known(a: Dim, b: Dim) -> bool:
    """Whether a <= b is sure when every named size is 1 or more."""
    difference = b - a
    if isinstance(difference, int):
        return difference >= 0
    shifted = substitute(difference, {n: name(n) + 1 for n in names(difference)})
    return at_most(0, shifted) is Answer.YES
