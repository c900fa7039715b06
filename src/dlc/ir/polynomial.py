"""Sizes of tensors: whole numbers, or integer expressions over named sizes in a normal form.

A `Dim` is an `int` or an `Expr`. An `Expr` is a polynomial with integer coefficients over *atoms*:
a named size, an exact quotient of one, a floor-division, a minimum or a maximum. Building an expression
normalises it and interns it, so two dims that are equal by these rules are the same object.
Arithmetic that ends in a constant gives a plain `int`; type rules are therefore written in ordinary Python arithmetic.
A named size stands for a whole number >= 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import ClassVar, cast

Monomial = tuple[tuple["Atom", int], ...]
"""Atoms with their powers, sorted; the empty monomial is 1."""


@dataclass(frozen=True, slots=True)
class Name:
    """A named size, such as the `N` of `f32[N, 64]`."""

    text: str


@dataclass(frozen=True, slots=True)
class Quotient:
    """`name / divisor`, known to be exact because the size was assumed divisible."""

    text: str
    divisor: int


@dataclass(frozen=True, slots=True)
class FloorDiv:
    """`numerator // denominator`, rounded towards minus infinity."""

    numerator: Dim
    denominator: Dim


@dataclass(frozen=True, slots=True)
class Extremum:
    """The least (`min`) or greatest (`max`) of several dims, ordered by their text."""

    kind: str
    among: tuple[Dim, ...]


Atom = Name | Quotient | FloorDiv | Extremum


class Expr:
    """A polynomial over atoms, never a constant. Equal expressions are one object, so `==` is identity."""

    __slots__ = ("__weakref__", "_text", "terms")
    _interned: ClassVar[dict[tuple[tuple[Monomial, int], ...], Expr]] = {}

    terms: tuple[tuple[Monomial, int], ...]
    _text: str | None

    def __new__(cls, terms: tuple[tuple[Monomial, int], ...]) -> Expr:
        known = cls._interned.get(terms)
        if known is None:
            known = object.__new__(cls)
            known.terms = terms
            known._text = None
            cls._interned[terms] = known
        return known

    def __reduce__(self) -> tuple[type[Expr], tuple[tuple[tuple[Monomial, int], ...]]]:
        return Expr, (self.terms,)

    def __add__(self, other: Dim) -> Dim:
        return _sum([self, other])

    def __sub__(self, other: Dim) -> Dim:
        return _sum([self, _scale(other, -1)])

    def __rsub__(self, other: Dim) -> Dim:
        return _sum([other, _scale(self, -1)])

    def __neg__(self) -> Dim:
        return _scale(self, -1)

    def __mul__(self, other: Dim) -> Dim:
        return _multiply(self, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        return floor_div(self, other)

    def __rfloordiv__(self, other: Dim) -> Dim:
        return floor_div(other, self)

    def __mod__(self, other: Dim) -> Dim:
        return self - other * floor_div(self, other)

    def __rmod__(self, other: Dim) -> Dim:
        return other - self * floor_div(other, self)

    def __pow__(self, power: int) -> Dim:
        result: Dim = 1
        for _ in range(power):
            result = result * self
        return result

    def __str__(self) -> str:
        if self._text is None:
            self._text = _format(self.terms)
        return self._text

    __repr__ = __str__


Dim = int | Expr
"""A size: a number or an expression over named sizes."""


def name(text: str) -> Expr:
    """The named size `text`."""
    return atom_expr(Name(text))


def ceil_div(a: Dim, b: Dim) -> Dim:
    """a / b, rounded up."""
    return -((-a) // b)


def product(dims: Iterable[Dim]) -> Dim:
    """All dims multiplied; 1 for none."""
    return reduce(lambda a, b: a * b, dims, cast(Dim, 1))


def floor_div(a: Dim, b: Dim) -> Dim:
    """a // b in normal form. Raises ZeroDivisionError for b == 0.

    Whole multiples of b leave the quotient; for a constant b > 0 signs, common factors and nested
    quotients are normalised too: -(-H // 2) and (H + 1) // 2 are one object.
    """
    if isinstance(b, int):
        return a // b if isinstance(a, int) else _floor_div_constant(a, b)
    if isinstance(a, int) and a == 0:
        return 0
    if a is b:
        return 1
    outside, rest = _split_multiples(terms_of(a), b)
    if not rest:
        return outside
    remainder = _build(rest)
    return outside + atom_expr(FloorDiv(remainder, b))


def _floor_div_constant(a: Expr, q: int) -> Dim:
    if q == 0:
        raise ZeroDivisionError("division of a size by zero")
    if q < 0:
        return floor_div(-a, -q)
    if q == 1:
        return a
    outside: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, coefficient in a.terms:
        whole = coefficient // q if (coefficient >= 0 or monomial == ()) else -((-coefficient) // q)
        outside[monomial] = whole
        rest[monomial] = coefficient - whole * q
    rest = {m: c for m, c in rest.items() if c}
    symbols = [m for m in rest if m]
    if not symbols:
        return _build(outside)
    if rest[symbols[0]] < 0:
        return _build(outside) - floor_div(q - 1 - _build(rest), q)
    constant = rest.pop((), 0)
    shared = reduce(gcd, rest.values(), q)
    rest = {m: c // shared for m, c in rest.items()}
    numerator, q = _build(rest) + constant // shared, q // shared
    if q == 1:
        return _build(outside) + numerator
    return _build(outside) + _nested_quotient(numerator, q)


def _nested_quotient(numerator: Dim, q: int) -> Dim:
    """(x // m + c) // q is (x + c m) // (m q)."""
    terms = dict(terms_of(numerator))
    constant = terms.pop((), 0)
    if len(terms) == 1:
        ((monomial, coefficient),) = terms.items()
        atom, power = monomial[0]
        if coefficient == 1 and len(monomial) == 1 and power == 1 and isinstance(atom, FloorDiv) \
                and isinstance(atom.denominator, int):
            m = atom.denominator
            return floor_div(atom.numerator + constant * m, m * q)
    return atom_expr(FloorDiv(numerator, q))


def _split_multiples(terms: tuple[tuple[Monomial, int], ...], b: Expr) -> tuple[Dim, dict[Monomial, int]]:
    """The terms that the divisor divides exactly, divided; and the others."""
    ratio = _ratio(terms, b)
    if ratio is not None:
        return ratio, {}
    if len(b.terms) != 1:
        return 0, dict(terms)
    (divisor, factor), = b.terms
    outside: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, coefficient in terms:
        quotient = _monomial_ratio(monomial, divisor)
        if quotient is None or coefficient % factor:
            rest[monomial] = coefficient
        else:
            outside[quotient] = coefficient // factor
    return _build(outside), rest


def _ratio(terms: tuple[tuple[Monomial, int], ...], b: Expr) -> Dim | None:
    """q with terms == q * b, for a q of one term."""
    (lead, factor) = b.terms[0]
    (monomial, coefficient) = terms[0]
    quotient = _monomial_ratio(monomial, lead)
    if quotient is None or coefficient % factor or len(terms) != len(b.terms):
        return None
    q = _build({quotient: coefficient // factor})
    return q if terms_of(q * b) == terms else None


def _monomial_ratio(a: Monomial, b: Monomial) -> Monomial | None:
    powers = dict(a)
    for atom, power in b:
        left = powers.get(atom, 0) - power
        if left < 0:
            return None
        if left:
            powers[atom] = left
        else:
            del powers[atom]
    return _monomial(powers)


def sole_atom(dim: Dim) -> Atom | None:
    if isinstance(dim, Expr) and len(dim.terms) == 1:
        monomial, coefficient = dim.terms[0]
        if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1:
            return monomial[0][0]
    return None


# --- normal form ------------------------------------------------------------------------------------------------

def terms_of(dim: Dim) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(dim, Expr):
        return dim.terms
    return (((), dim),) if dim else ()


def atom_expr(atom: Atom) -> Expr:
    return Expr(((((atom, 1),), 1),))


def _build(terms: Mapping[Monomial, int]) -> Dim:
    kept = {m: c for m, c in terms.items() if c}
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    return Expr(tuple(sorted(kept.items(), key=_term_order)))


def _term_order(term: tuple[Monomial, int]) -> tuple[int, str]:
    monomial = term[0]
    return -sum(power for _, power in monomial), _monomial_key(monomial)


def _monomial_key(monomial: Monomial) -> str:
    return " ".join(f"{_atom_text(atom)}^{power}" for atom, power in monomial)


def _monomial(powers: Mapping[Atom, int]) -> Monomial:
    return tuple(sorted(powers.items(), key=lambda item: _atom_text(item[0])))


def _sum(dims: Iterable[Dim]) -> Dim:
    total: dict[Monomial, int] = {}
    for dim in dims:
        for monomial, coefficient in terms_of(dim):
            total[monomial] = total.get(monomial, 0) + coefficient
    return _build(total)


def _scale(dim: Dim, factor: int) -> Dim:
    if isinstance(dim, int):
        return dim * factor
    return _build({m: c * factor for m, c in dim.terms})


def _multiply(a: Dim, b: Dim) -> Dim:
    if isinstance(b, int):
        return _scale(a, b)
    total: dict[Monomial, int] = {}
    for left, x in terms_of(a):
        for right, y in b.terms:
            powers = dict(left)
            for atom, power in right:
                powers[atom] = powers.get(atom, 0) + power
            monomial = _monomial(powers)
            total[monomial] = total.get(monomial, 0) + x * y
    return _build(total)


# --- text, which the language reads back ------------------------------------------------------------------------

def _format(terms: tuple[tuple[Monomial, int], ...]) -> str:
    positive = [t for t in terms if t[1] > 0]
    ordered = positive + [t for t in terms if t[1] < 0]
    parts: list[str] = []
    for monomial, coefficient in ordered:
        text = _format_term(monomial, abs(coefficient))
        if not parts:
            parts.append(text if coefficient > 0 else f"-({text})" if "//" in text else f"-{text}")
        else:
            parts.append(f"{'+' if coefficient > 0 else '-'} {text}")
    return " ".join(parts)


def _format_term(monomial: Monomial, coefficient: int) -> str:
    factors: list[str] = []
    for atom, power in monomial:
        for _ in range(power):
            if isinstance(atom, Quotient):
                shared = gcd(coefficient, atom.divisor)
                coefficient //= shared
                left = atom.divisor // shared
                factors.append(atom.text if left == 1 else f"({atom.text} // {left})")
            else:
                factors.append(f"({_atom_text(atom)})" if isinstance(atom, FloorDiv) else _atom_text(atom))
    if coefficient != 1 or not factors:
        factors.insert(0, str(coefficient))
    if len(factors) == 1:
        return factors[0].removeprefix("(").removesuffix(")") if factors[0].startswith("(") else factors[0]
    return " * ".join(factors)


def _atom_text(atom: Atom) -> str:
    if isinstance(atom, Name):
        return atom.text
    if isinstance(atom, Quotient):
        return f"{atom.text} // {atom.divisor}"
    if isinstance(atom, Extremum):
        return f"{atom.kind}({', '.join(map(str, atom.among))})"
    return f"{_parenthesised(atom.numerator)} // {_parenthesised(atom.denominator)}"


def _parenthesised(dim: Dim) -> str:
    text = str(dim)
    plain = isinstance(dim, int) or _sole_name(dim)
    return text if plain else f"({text})"


def _sole_name(dim: Dim) -> bool:
    return isinstance(sole_atom(dim), (Name, Extremum))
