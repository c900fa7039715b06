"""Dims: what type rules and writers do with sizes. The normal form is in `polynomial.py`, comparisons in `order.py`.

A `Dim` is an `int` or an `Expr`; arithmetic on them is ordinary Python arithmetic, equal dims are equal objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from dlc.ir.order import Answer, at_most, bounds, equal, extremum, maximum, minimum
from dlc.ir.polynomial import (
    Atom,
    Dim,
    Expr,
    Extremum,
    FloorDiv,
    Monomial,
    Name,
    Quotient,
    atom_expr,
    ceil_div,
    floor_div,
    name,
    product,
    sole_atom,
    terms_of,
)

__all__ = [
    "Answer",
    "Atom",
    "Dim",
    "Expr",
    "Extremum",
    "FloorDiv",
    "Monomial",
    "Name",
    "Quotient",
    "at_most",
    "bounds",
    "ceil_div",
    "divisible",
    "equal",
    "evaluate",
    "extremum_in",
    "floor_div",
    "maximum",
    "minimum",
    "name",
    "names",
    "product",
    "sole_atom",
    "solve",
    "substitute",
]


def names(dim: Dim) -> frozenset[str]:
    """The named sizes in a dim."""
    if isinstance(dim, int):
        return frozenset()
    return frozenset().union(*(_atom_names(atom) for monomial, _ in dim.terms for atom, _ in monomial))


def _atom_names(atom: Atom) -> frozenset[str]:
    if isinstance(atom, (Name, Quotient)):
        return frozenset([atom.text])
    inner = atom.among if isinstance(atom, Extremum) else (atom.numerator, atom.denominator)
    return frozenset().union(*(names(d) for d in inner))


def extremum_in(dim: Dim) -> Extremum | None:
    """A least or greatest size that a dim is made of, with no other in it; None if there is none."""
    for monomial, _ in terms_of(dim):
        for atom, _ in monomial:
            parts = (atom.numerator, atom.denominator) if isinstance(atom, FloorDiv) else ()
            own = atom if isinstance(atom, Extremum) else None
            found = next((e for e in map(extremum_in, own.among if own else parts) if e is not None), own)
            if found is not None:
                return found
    return None


def evaluate(dim: Dim, sizes: Mapping[str, int]) -> int:
    """The number that a dim is under the given sizes. Raises KeyError(name) for a name that has none."""
    result = substitute(dim, sizes)
    if isinstance(result, int):
        return result
    raise KeyError(min(names(result)))


def substitute(dim: Dim, sizes: Mapping[str, Dim]) -> Dim:
    """The dim with some of its names replaced."""
    if isinstance(dim, int) or not sizes:
        return dim
    total: Dim = 0
    for monomial, coefficient in dim.terms:
        term: Dim = coefficient
        for atom, power in monomial:
            value = _substitute_atom(atom, sizes)
            for _ in range(power):
                term = term * value
        total = total + term
    return total


def _substitute_atom(atom: Atom, sizes: Mapping[str, Dim]) -> Dim:
    if isinstance(atom, Name):
        return sizes.get(atom.text, atom_expr(atom))
    if isinstance(atom, Quotient):
        return sizes[atom.text] // atom.divisor if atom.text in sizes else atom_expr(atom)
    if isinstance(atom, FloorDiv):
        return floor_div(substitute(atom.numerator, sizes), substitute(atom.denominator, sizes))
    return extremum(atom.kind, [substitute(d, sizes) for d in atom.among])


def solve(dim: Dim, size: int, sizes: Mapping[str, int]) -> tuple[str, int] | None:
    """The one name that `dim == size` still leaves open under the known sizes, with its value.

    None where nothing is open, or the equation is not linear in one name. The caller checks the equation afterwards.
    """
    rest = substitute(dim, sizes)
    if isinstance(rest, int):
        return None
    terms = dict(rest.terms)
    constant = terms.pop((), 0)
    if len(terms) != 1:
        return None
    (monomial, coefficient), = terms.items()
    atom, power = monomial[0]
    if len(monomial) != 1 or power != 1:
        return None
    if isinstance(atom, Name):
        return atom.text, (size - constant) // coefficient
    return (atom.text, (size - constant) * atom.divisor // coefficient) if isinstance(atom, Quotient) else None


def divisible(dim: Dim, divisor: int) -> dict[str, Dim] | None:
    """The substitution under which `dim % divisor == 0` holds, for a dim of one named size times a constant.

    `H % 16 == 0` gives `{H: 16 * (H / 16)}` with an exact quotient: from then on H // 4 * 4 is H.
    """
    atoms = [(m[0][0], c) for m, c in terms_of(dim) if len(m) == 1 and m[0][1] == 1]
    if len(terms_of(dim)) != 1 or not atoms:
        return None
    atom, coefficient = atoms[0]
    if not isinstance(atom, (Name, Quotient)):
        return None
    factor = divisor // gcd(divisor, coefficient)
    known = atom.divisor if isinstance(atom, Quotient) else 1
    return {atom.text: known * factor * atom_expr(Quotient(atom.text, known * factor))}


def divisibility(left: Dim, right: Dim) -> tuple[Dim, int] | None:
    """(x, k) where `left == right` says x - k * (x // k) == 0, which is x % k == 0."""
    if right != 0 or not isinstance(left, Expr):
        return None
    for monomial, coefficient in left.terms:
        atom = monomial[0][0] if len(monomial) == 1 and monomial[0][1] == 1 else None
        if not isinstance(atom, FloorDiv) or not isinstance(atom.denominator, int):
            continue
        x = left - coefficient * atom_expr(atom)
        if coefficient < 0 and x // -coefficient is atom_expr(atom):
            return x, -coefficient
    return None
