"""How much work one program may ask for. Whoever hits a limit is told which one."""

from __future__ import annotations

NODES = 200_000
"""Nodes that are built, over all blocks."""
EXPANDED = 5_000_000
"""Nodes when every call is counted as what it calls."""
DEPTH = 100
"""Blocks and functions inside one another."""
STEPS = 200_000
"""Rounds of all `for` and `repeat`, and calls of functions."""
CALL = 4
"""Rounds that a call of a function counts as: its body is elaborated anew."""
LIST = 100_000
"""Elements of a compile-time list, with those of the lists in it."""
LEVELS = 16
"""Lists in one another."""
TEXT = 10_000
"""Characters of a compile-time string that is put together, and of a size as it is written."""
FACTORS = 500
"""Terms of a size, and the names and quotients multiplied in them."""
BITS = 1024
"""Bits of a compile-time whole number."""
SIZE = 2**40
"""Elements of one axis, and of one weight."""
FRAMES = 60_000
"""Python frames while elaborating: deeper than the limits above can lead."""
