"""What patterns say, and what they may not say."""

import pytest
from op_oracle import infer

from dlc.ir.op import Problem
from dlc.ops.patterns import read


def test_reading() -> None:
    """A side is a row of groups: names, nothing for `1`, and `...` on its own or inside a group."""
    pattern = read("a 1 (b  c)... -> (a ...) b c")
    assert [g.names for g in pattern.left] == [("a",), (), ("b", "c"), ("...",)]
    assert [g.spread for g in pattern.left] == [False, False, False, True]
    assert [g.names for g in pattern.right] == [("a", "..."), ("b",), ("c",)]


@pytest.mark.parametrize(("operation", "pattern", "sizes", "words"), [
    ("rearrange", "a b", {}, "one `->`"),
    ("rearrange", "a b c -> a b", {}, "`c` stands only on the left side"),
    ("rearrange", "a b -> a b c", {}, "`c` stands only on the right side"),
    ("rearrange", "a b -> a b", {}, "does not fit the rank"),
    ("rearrange", "a a b -> a b", {}, "stands twice"),
    ("rearrange", "a (b c d -> a b c d", {}, "not closed"),
    ("rearrange", "a b) c -> a b c", {}, r"`\)` without"),
    ("rearrange", "a ((b) c) d -> a b c d", {}, "inside parentheses"),
    ("rearrange", "a 2 c -> a c", {}, "`2` has no meaning"),
    ("rearrange", "a, b c -> a b c", {}, "`,` has no meaning"),
    ("rearrange", "a (b d) c -> a b d c", {}, "not determined"),
    ("rearrange", "a (b d) c -> a b d c", {"b": 4}, "not divisible"),
    ("rearrange", "a b c -> a c b", {"heads": 4}, "does not occur"),
    ("rearrange", "a b c -> a c b", {"a": 5}, "differ"),
    ("rearrange", "a 1 c -> a c", {}, "differ"),
    ("repeat", "a b c -> a b", {"k": 2}, "stands only on the left"),
    ("repeat", "a b c -> a b c k", {}, "how often"),
])
def test_refusals(operation: str, pattern: str, sizes: dict[str, int], words: str) -> None:
    """A pattern that says nothing sensible is refused in words that name what is wrong."""
    with pytest.raises(Problem, match=words):
        infer(operation, "f32[2, 6, 4]", pattern=pattern, **sizes)
