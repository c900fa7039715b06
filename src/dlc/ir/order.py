"""What holds of dims whatever their names stand for: order, equality, bounds, least and greatest."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import reduce
from math import gcd

from dlc.ir.polynomial import (
    Atom,
    Dim,
    Extremum,
    FloorDiv,
    Monomial,
    Name,
    Quotient,
    atom_expr,
    sole_atom,
    terms_of,
)


class Answer(Enum):
    """What can be said of a comparison of two dims."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("an Answer has three values; compare it with Answer.YES, .NO or .UNKNOWN")


def minimum(*dims: Dim) -> Dim:
    """The least of the dims, decided where it can be."""
    return extremum("min", dims)


def maximum(*dims: Dim) -> Dim:
    """The greatest of the dims, decided where it can be."""
    return extremum("max", dims)


def extremum(kind: str, dims: Iterable[Dim]) -> Dim:
    kept: list[Dim] = []
    flat: list[Dim] = []
    for dim in dims:
        atom = sole_atom(dim)
        flat.extend(atom.among if isinstance(atom, Extremum) and atom.kind == kind else [dim])
    for dim in flat:
        better = at_most if kind == "min" else _at_least
        if any(better(other, dim) is Answer.YES for other in kept):
            continue
        kept = [other for other in kept if better(dim, other) is not Answer.YES]
        kept.append(dim)
    if len(kept) == 1:
        return kept[0]
    return atom_expr(Extremum(kind, tuple(sorted(kept, key=str))))


def equal(a: Dim, b: Dim) -> Answer:
    """Whether two dims are the same size for every (YES), for no (NO), or only for some values of the names."""
    if a is b or (isinstance(a, int) and isinstance(b, int) and a == b):
        return Answer.YES
    difference = a - b
    if isinstance(difference, int):
        return Answer.YES if difference == 0 else Answer.NO
    low, high = bounds(difference)
    if (low is not None and low > 0) or (high is not None and high < 0):
        return Answer.NO
    constant = dict(difference.terms).get((), 0)
    shared = reduce(gcd, (c for m, c in difference.terms if m), 0)
    return Answer.NO if constant % shared else Answer.UNKNOWN


def at_most(a: Dim, b: Dim) -> Answer:
    """Whether a <= b for every value of the names."""
    difference = b - a
    low, high = bounds(difference)
    if low is not None and low >= 0:
        return Answer.YES
    if high is not None and high < 0:
        return Answer.NO
    scaled, factor = _without_quotients(difference)
    low, _ = bounds(scaled)
    return Answer.YES if low is not None and low > -factor else Answer.UNKNOWN


def _without_quotients(dim: Dim) -> tuple[Dim, int]:
    """A dim b without quotients and a factor f with f * dim >= b: p // q lies between (p - q + 1) / q and p / q.

    So 2 (W - W // 2) is at least 2 W - W. A whole dim is >= 0 where b > -f.
    """
    for monomial, coefficient in terms_of(dim):
        atom = monomial[0][0] if len(monomial) == 1 and monomial[0][1] == 1 else None
        if isinstance(atom, FloorDiv) and isinstance(atom.denominator, int):
            q, rest = atom.denominator, dim - coefficient * atom_expr(atom)
            bound = atom.numerator if coefficient < 0 else atom.numerator - (q - 1)
            inner, factor = _without_quotients(q * rest + coefficient * bound)
            return inner, q * factor
    return dim, 1


def _at_least(a: Dim, b: Dim) -> Answer:
    return at_most(b, a)


Interval = tuple[int | None, int | None]


def bounds(dim: Dim) -> Interval:
    """The least and greatest value that the dim can have, None where it has no bound. Names are >= 0."""
    if isinstance(dim, int):
        return dim, dim
    low: int | None = 0
    high: int | None = 0
    for monomial, coefficient in dim.terms:
        term_low, term_high = _times(_monomial_bounds(monomial), (coefficient, coefficient))
        low = None if low is None or term_low is None else low + term_low
        high = None if high is None or term_high is None else high + term_high
    return low, high


def _monomial_bounds(monomial: Monomial) -> Interval:
    result: Interval = (1, 1)
    for atom, power in monomial:
        interval = _atom_bounds(atom)
        for _ in range(power):
            result = _times(result, interval)
    return result


def _atom_bounds(atom: Atom) -> Interval:
    if isinstance(atom, (Name, Quotient)):
        return 0, None
    if isinstance(atom, Extremum):
        lows, highs = zip(*(bounds(d) for d in atom.among), strict=True)
        known_low, known_high = [v for v in lows if v is not None], [v for v in highs if v is not None]
        if atom.kind == "max":
            return (max(known_low) if known_low else None,
                    max(known_high) if len(known_high) == len(highs) else None)
        return (min(known_low) if len(known_low) == len(lows) else None,
                min(known_high) if known_high else None)
    low, high = bounds(atom.numerator)
    if isinstance(atom.denominator, int):
        q = atom.denominator
        return (None if low is None else low // q), (None if high is None else high // q)
    return (0 if low is not None and low >= 0 else None), (high if low is not None and low >= 0 else None)


def _times(a: Interval, b: Interval) -> Interval:
    """The interval product; exact for the signs that sizes have, (None, None) where neither sign is known."""
    if a[0] is not None and a[0] >= 0 and b[0] is not None and b[0] >= 0:
        return a[0] * b[0], None if a[1] is None or b[1] is None else a[1] * b[1]
    if b[0] is not None and b[0] == b[1]:
        scaled = [None if v is None else v * b[0] for v in a]
        return (scaled[0], scaled[1]) if b[0] >= 0 else (scaled[1], scaled[0])
    if a[0] is not None and a[0] == a[1]:
        return _times(b, a)
    return None, None
