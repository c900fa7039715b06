"""How a tensor is looked at (where its channels are) and how it is stored.

A `View` says what the axes of a value mean in the program as it was written; a `Form` says in which order the elements
are stored in the rewritten program. For every view there are two storages: channels first and channels last; one of
them is the value as written, which needs no form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from dlc.ir.dim import Dim
from dlc.ir.types import TensorType


@dataclass(frozen=True)
class Axes:
    """Stored with its axes in another order: axis i as stored is axis `order[i]` as written."""

    order: tuple[int, ...]


@dataclass(frozen=True)
class Swap:
    """Stored with its last axis, which is `outer` times `inner` elements as written, in the order inner, outer."""

    outer: int
    inner: int


Form = Axes | Swap | None
"""How a value is stored; None is as written."""


@dataclass(frozen=True)
class Spatial:
    """Axis 0 is the batch; `channels` axes of channels come next (or, if `last`, after the spatial axes)."""

    channels: int
    last: bool

    def parts(self, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The axes of the channels and the spatial ones."""
        spatial = rank - 1 - self.channels
        if self.last:
            return tuple(range(1 + spatial, rank)), tuple(range(1, 1 + spatial))
        return tuple(range(1, 1 + self.channels)), tuple(range(1 + self.channels, rank))

    def form(self, rank: int, last: bool) -> Form:
        """How it is stored with its channels last, or first."""
        if last == self.last:
            return None
        channels, spatial = self.parts(rank)
        return Axes((0, *spatial, *channels) if last else (0, *channels, *spatial))

    def trivial(self, t: TensorType) -> bool:
        """Whether both storages hold the elements in one order, because the channels or the spatial axes are 1."""
        channels, spatial = self.parts(t.rank)
        return all(t.shape[a] == 1 for a in channels) or all(t.shape[a] == 1 for a in spatial)


@dataclass(frozen=True)
class Flat:
    """[N, channels * spatial]: a spatial tensor of known sizes flattened, its channels outermost unless `last`."""

    channels: int
    spatial: int
    last: bool

    def form(self, rank: int, last: bool) -> Form:
        """How it is stored with its channels innermost (last), or outermost."""
        if last == self.last:
            return None
        return Swap(self.spatial, self.channels) if self.last else Swap(self.channels, self.spatial)

    def trivial(self, t: TensorType) -> bool:
        return self.channels == 1 or self.spatial == 1


View = Spatial | Flat


def moved(view: Spatial, order: Sequence[int]) -> Spatial | None:
    """The view of a tensor with this view whose axes are put in another order; None if it is no spatial tensor."""
    if order[0] != 0:
        return None
    channels, _ = view.parts(len(order))
    count = len(channels)
    if set(order[1:1 + count]) == set(channels):
        return Spatial(count, False)
    if set(order[len(order) - count:]) == set(channels):
        return Spatial(count, True)
    return None


def pure(view: Spatial, order: Sequence[int]) -> bool:
    """Whether reordering only moves channels behind or before the spatial axes, without mixing either."""
    channels, spatial = view.parts(len(order))
    return tuple(order) in ((0, *channels, *spatial), (0, *spatial, *channels))


def reshaped(view: View, t: TensorType, shape: Sequence[Dim]) -> View | None:
    """The view after a reshape of a tensor of type `t`; None where channels and spatial elements mix."""
    if not shape or shape[0] != t.shape[0]:
        return None
    channels, spatial = _sizes(view, t)
    first, second = (spatial, channels) if view.last else (channels, spatial)
    rest = list(shape[1:])
    for cut in _cuts(view, t, len(rest)):
        if prod(rest[:cut]) == first and prod(rest[cut:]) == second:
            return Spatial(len(rest) - cut if view.last else cut, view.last)
    if len(rest) == 1 and isinstance(channels, int) and isinstance(spatial, int):
        return Flat(channels, spatial, view.last)
    return None


def _sizes(view: View, t: TensorType) -> tuple[Dim, Dim]:
    if isinstance(view, Flat):
        return view.channels, view.spatial
    channels, spatial = view.parts(t.rank)
    return prod(t.shape[a] for a in channels), prod(t.shape[a] for a in spatial)


def _cuts(view: View, t: TensorType, count: int) -> list[int]:
    """Where the axes after the batch may be divided, the likeliest first; channels and spatial axes both need one."""
    cuts = list(range(1, count))
    if isinstance(view, Flat):
        likely = count - 1 if view.last else 1
    else:
        spatial = t.rank - 1 - view.channels
        likely = spatial if view.last else count - spatial
    return sorted(cuts, key=lambda cut: abs(cut - likely))


def inverse(order: Sequence[int]) -> tuple[int, ...]:
    """The order that undoes `order`."""
    return tuple(sorted(range(len(order)), key=lambda i: order[i]))
