"""Placing blocks of memory."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from dlc.runtime.arena import ALIGNMENT, Lifetime, aligned, liveness_bound, place

BLOCKS = st.lists(st.builds(lambda size, first, length: Lifetime(size, first, first + length),
                            st.integers(0, 1000), st.integers(0, 20), st.integers(0, 8)), max_size=25)


@given(BLOCKS)
def test_no_two_living_blocks_overlap(blocks: list[Lifetime]) -> None:
    """Blocks that are needed at one step lie apart, and all begin at whole alignments."""
    offsets = place(blocks)
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    for (a, at_a), (b, at_b) in combinations(zip(blocks, offsets, strict=True), 2):
        if a.meets(b) and a.size and b.size:
            assert at_a + a.size <= at_b or at_b + b.size <= at_a


@given(BLOCKS)
def test_the_bound_is_a_bound(blocks: list[Lifetime]) -> None:
    """No step needs more than the bound, some step needs just that, and no placement is smaller."""
    needed = [sum(aligned(b.size) for b in blocks if b.first <= step <= b.last) for step in range(40)]
    assert liveness_bound(blocks) == max(needed)
    assert max((o + aligned(b.size) for o, b in zip(place(blocks), blocks, strict=True)), default=0) >= max(needed)


def test_a_gap_is_filled() -> None:
    """A small block goes into the room that a large one has left, and the smallest gap that fits is taken."""
    large, small = Lifetime(640, 0, 1), Lifetime(64, 2, 3)
    assert place([large, small]) == [0, 0]
    keep = [Lifetime(128, 0, 9), Lifetime(640, 0, 1), Lifetime(128, 0, 9), Lifetime(64, 2, 3)]
    offsets = place(keep)
    assert offsets[3] + 64 <= 640 + 256
    assert max(o + b.size for o, b in zip(offsets, keep, strict=True)) == 896
