"""Where blocks of memory with known lifetimes lie in one arena."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 64
"""Bytes; a cache line, and as much as any vector instruction wants."""


@dataclass(frozen=True)
class Lifetime:
    """A block of `size` bytes that is needed from step `first` to step `last`, both included."""

    size: int
    first: int
    last: int

    def meets(self, other: Lifetime) -> bool:
        """Whether both are needed at some step."""
        return self.first <= other.last and other.first <= self.last


def aligned(size: int) -> int:
    """The size rounded up to whole alignments."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def place(blocks: Sequence[Lifetime]) -> list[int]:
    """An offset for each block, so that no two that are needed together overlap.

    Large blocks first; each goes into the smallest gap that holds it between those already placed which it meets, or
    behind them. Blocks of no size get the offset 0.
    """
    offsets = [0] * len(blocks)
    placed: list[tuple[int, int]] = []
    for i in sorted(range(len(blocks)), key=lambda i: (-blocks[i].size, blocks[i].first)):
        if blocks[i].size == 0:
            continue
        taken = [(offset, offset + aligned(blocks[j].size)) for offset, j in placed if blocks[j].meets(blocks[i])]
        offsets[i] = _best_gap(taken, aligned(blocks[i].size))
        insort(placed, (offsets[i], i))
    return offsets


def _best_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    """The start of the smallest gap of at least `size` bytes; `taken` is sorted by start."""
    best: tuple[int, int] | None = None
    end = 0
    for start, stop in taken:
        gap = start - end
        if gap >= size and (best is None or gap < best[0]):
            best = gap, end
        end = max(end, stop)
    return end if best is None else best[1]


def liveness_bound(blocks: Sequence[Lifetime]) -> int:
    """The most bytes that are needed at any one step: no arena can be smaller."""
    changes: dict[int, int] = {}
    for block in blocks:
        changes[block.first] = changes.get(block.first, 0) + aligned(block.size)
        changes[block.last + 1] = changes.get(block.last + 1, 0) - aligned(block.size)
    most = now = 0
    for step in sorted(changes):
        now += changes[step]
        most = max(most, now)
    return most
