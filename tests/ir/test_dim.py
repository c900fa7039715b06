"""Dims: the normal form keeps the value, equal dims are equal objects, comparisons are never wrong."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlc.ir import dim
from dlc.ir.dim import Answer, Dim

H, W, N = (dim.name(text) for text in "HWN")
SIZES = st.fixed_dictionaries({n: st.integers(0, 9) for n in "HWN"})


def _combine(children: st.SearchStrategy[tuple[str, Dim]]) -> st.SearchStrategy[tuple[str, Dim]]:
    """Python source and the dim that it builds, from two smaller ones."""
    divisors = st.sampled_from([2, 3, 4, 6, 7, -2])
    return st.one_of(
        st.tuples(children, children).map(lambda p: (f"({p[0][0]} + {p[1][0]})", p[0][1] + p[1][1])),
        st.tuples(children, children).map(lambda p: (f"({p[0][0]} - {p[1][0]})", p[0][1] - p[1][1])),
        st.tuples(children, children).map(lambda p: (f"({p[0][0]} * {p[1][0]})", p[0][1] * p[1][1])),
        st.tuples(children, divisors).map(lambda p: (f"({p[0][0]} // {p[1]})", p[0][1] // p[1])),
        st.tuples(children, divisors).map(lambda p: (f"({p[0][0]} % {p[1]})", p[0][1] % p[1])),
        st.tuples(children, children).map(lambda p: (f"min({p[0][0]}, {p[1][0]})", dim.minimum(p[0][1], p[1][1]))),
        st.tuples(children, children).map(lambda p: (f"max({p[0][0]}, {p[1][0]})", dim.maximum(p[0][1], p[1][1]))),
    )


LEAVES = st.one_of(st.sampled_from([("H", H), ("W", W), ("N", N)]), st.integers(-3, 9).map(lambda i: (f"({i})", i)))
DIMS = st.recursive(LEAVES, _combine, max_leaves=8)


@given(DIMS, SIZES)
def test_normal_form_keeps_the_value(pair: tuple[str, Dim], sizes: dict[str, int]) -> None:
    """A dim comes to the same number as the Python expression that built it."""
    source, built = pair
    assert dim.evaluate(built, sizes) == eval(source, {"min": min, "max": max}, sizes)


@given(DIMS, SIZES)
def test_text_builds_the_same_object(pair: tuple[str, Dim], sizes: dict[str, int]) -> None:
    """The text of a dim, evaluated over the named sizes, is the very same object."""
    names = {"min": dim.minimum, "max": dim.maximum, "H": H, "W": W, "N": N}
    again = eval(str(pair[1]), names)
    assert again is pair[1] or again == pair[1]
    assert eval(str(pair[1]), {"min": min, "max": max}, sizes) == dim.evaluate(pair[1], sizes)


@given(DIMS, SIZES)
def test_bounds_hold(pair: tuple[str, Dim], sizes: dict[str, int]) -> None:
    """No value of a dim lies outside its bounds."""
    low, high = dim.bounds(pair[1])
    value = dim.evaluate(pair[1], sizes)
    assert low is None or low <= value
    assert high is None or value <= high


@given(DIMS, DIMS, SIZES)
def test_comparisons_are_never_wrong(a: tuple[str, Dim], b: tuple[str, Dim], sizes: dict[str, int]) -> None:
    """YES and NO hold for every sizes that are tried."""
    left, right = (dim.evaluate(d[1], sizes) for d in (a, b))
    claims = [(dim.equal(a[1], b[1]), left == right), (dim.at_most(a[1], b[1]), left <= right)]
    assert all(answer is Answer.UNKNOWN or (answer is Answer.YES) == truth for answer, truth in claims)


@given(DIMS, SIZES, st.sampled_from("HWN"))
def test_substitution_agrees_with_evaluation(pair: tuple[str, Dim], sizes: dict[str, int], replaced: str) -> None:
    """Replacing one name and then evaluating is evaluating with that size."""
    partly = dim.substitute(pair[1], {replaced: sizes[replaced]})
    assert replaced not in dim.names(partly)
    assert dim.evaluate(partly, sizes) == dim.evaluate(pair[1], sizes)


@pytest.mark.parametrize(("a", "b"), [
    (dim.ceil_div(H, 2), (H + 1) // 2),
    ((H + 2 - 2 - 1) // 2 + 1, (H + 1) // 2),
    ((H // 2) // 2, H // 4),
    (((H + 1) // 2 + 1) // 2, (H + 3) // 4),
    ((N * H * W) // (H * W), N),
    ((2 * H + 1) // 4, H // 2),
    ((N * 3136) // 3136, N),
    (H % 4 + 4 * (H // 4), H),
    (dim.maximum(H, 0), H),
    (dim.minimum(H, W, H), dim.minimum(W, H)),
    (dim.minimum(W, W // 2), W // 2),
    (dim.maximum((H + 1) // 2, H // 2), (H + 1) // 2),
])
def test_equal_dims_are_one_object(a: Dim, b: Dim) -> None:
    """Two ways to write one size give one object."""
    assert a is b


@pytest.mark.parametrize(("a", "b", "answer"), [
    (H, H, Answer.YES), (H, W, Answer.UNKNOWN), (H, H + 1, Answer.NO), (2 * H + 1, 2 * W, Answer.NO),
    (H + W + 1, 0, Answer.NO), (3, 4, Answer.NO), (4, 4, Answer.YES), (H // 2 * 2, H, Answer.UNKNOWN),
])
def test_equality_answers(a: Dim, b: Dim, answer: Answer) -> None:
    """Equality is yes, no or unknown."""
    assert dim.equal(a, b) is answer


def test_assumed_divisibility_makes_quotients_exact() -> None:
    """After H % 16 == 0, halving four times and doubling four times is H again."""
    facts = dim.divisible(H, 16)
    assert facts is not None
    h = dim.substitute(H, facts)
    assert h // 16 * 16 is h
    assert (h // 2) // 2 * 4 is h
    assert str(h // 4) == "H // 4"
    assert dim.evaluate(h // 4, {"H": 32}) == 8
    assert dim.equal(h // 32 * 32, h) is Answer.UNKNOWN


def test_an_answer_has_no_truth_value() -> None:
    """Using a three-valued answer as a condition is an error, not a silent yes."""
    with pytest.raises(TypeError, match="three values"):
        bool(dim.equal(H, W))


def test_pickling_keeps_identity() -> None:
    """An expression read from a pickle is the interned object."""
    assert pickle.loads(pickle.dumps(H // 2 + 1)) is H // 2 + 1


@pytest.mark.parametrize(("declared", "size", "solved"), [
    (H, 7, ("H", 7)), (2 * H + 1, 7, ("H", 3)),
    (H - 3, 7, ("H", 10)), (H * W, 6, None), (H // 2, 3, None), (5, 5, None),
])
def test_solve(declared: Dim, size: int, solved: tuple[str, int] | None) -> None:
    """A size that is linear in one open name gives that name its value."""
    assert dim.solve(declared, size, {}) == solved
