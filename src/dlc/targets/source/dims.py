"""A symbolic size as a Python expression over the shapes of the tensors at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import gcd

from dlc.ir.dim import Atom, Dim, Expr, Extremum, FloorDiv, Monomial, Name, Quotient
from dlc.ir.types import TensorType
from dlc.targets.source.code import Code, call, infix, level, lit

AxisText = Callable[[str, int], str]
"""How a framework reads one axis of a tensor: `axis("x", 0)` is `x.shape[0]`."""


class UnknownSize(Exception):
    """No tensor at hand has the size in its shape. `dim` is what was wanted."""

    def __init__(self, dim: Dim) -> None:
        super().__init__(f"the size {dim} cannot be read from any tensor at hand")
        self.dim = dim


class Sizes:
    """Sizes that can be read at one place of a function.

        Sizes({"x": f32[N, 2 * H]}, known={}).expression(H + 1)       # x.shape[1] // 2 + 1

    tensors: type by variable, those to be preferred first. known: sizes that already have a variable.
    """

    def __init__(self, tensors: Iterable[tuple[str, TensorType]], known: Mapping[Dim, str] | None = None,
                 axis: AxisText = lambda name, index: f"{name}.shape[{index}]") -> None:
        self._known: dict[Dim, str] = dict(known or {})
        for variable, type_ in tensors:
            for index, dim in enumerate(type_.shape):
                if isinstance(dim, Expr):
                    self._known.setdefault(dim, axis(variable, index))

    def expression(self, dim: Dim, hint: str = "size") -> Code:
        """The size; a number is a marked literal. Raises UnknownSize."""
        if isinstance(dim, int):
            return lit(dim, hint)
        if dim in self._known:
            return Code(self._known[dim])
        near = self._scaled(dim) or self._shifted(dim)
        if near is not None:
            return near
        positive = [t for t in dim.terms if t[1] > 0]
        negative = [t for t in dim.terms if t[1] < 0]
        result = None
        for monomial, coefficient in positive or negative:
            text = self._term(monomial, coefficient, dim)
            result = text if result is None else infix(result, "+", text)
        for monomial, coefficient in negative if positive else []:
            assert result is not None
            result = infix(result, "-", self._term(monomial, -coefficient, dim))
        assert result is not None
        return result

    def _scaled(self, dim: Expr) -> Code | None:
        """A whole multiple or an exact part of an axis."""
        for axis, text in self._known.items():
            ratio = _ratio(dim, axis)
            if ratio is None:
                continue
            over, under = ratio
            scaled = text if over == 1 else infix(lit(over, "factor"), "*", text)
            return Code(scaled, level(scaled)) if under == 1 else infix(scaled, "//", lit(under, "divisor"))
        return None

    def _shifted(self, dim: Expr) -> Code | None:
        """An axis and a number more or less."""
        for axis, text in self._known.items():
            offset = dim - axis
            if isinstance(offset, int) and isinstance(axis, Expr):
                return infix(text, "+" if offset > 0 else "-", lit(abs(offset), "offset"))
        return None

    def _term(self, monomial: Monomial, coefficient: int, wanted: Dim) -> Code:
        if not monomial:
            return lit(coefficient, "offset")
        factors: list[str] = [] if coefficient == 1 else [lit(coefficient, "factor")]
        rest = dict(monomial)
        for axis, text in sorted(self._known.items(), key=lambda item: -_degree(item[0])):
            part = _unit_monomial(axis)
            while part is not None and all(rest.get(a, 0) >= p for a, p in part):
                factors.append(text)
                for a, p in part:
                    rest[a] -= p
        for a, power in rest.items():
            factors += [self._atom(a, wanted)] * power
        result = Code(factors[0], level(factors[0]))
        for factor in factors[1:]:
            result = infix(result, "*", factor)
        return result

    def _atom(self, atom: Atom, wanted: Dim) -> Code:
        single = Expr(((((atom, 1),), 1),))
        solved = self._solved(single)
        if solved is not None:
            return solved
        if isinstance(atom, FloorDiv):
            return infix(self.expression(atom.numerator), "//", self.expression(atom.denominator))
        if isinstance(atom, Extremum):
            return call(atom.kind, *(self.expression(d) for d in atom.among))
        if isinstance(atom, Quotient):
            name = Expr(((((Name(atom.text), 1),), 1),))
            if name in self._known:
                return infix(self._known[name], "//", lit(atom.divisor, "divisor"))
        raise UnknownSize(wanted)

    def _solved(self, atom: Expr) -> Code | None:
        """The atom from an axis that is linear in it: (x.shape[0] - 1) // 2."""
        monomial = atom.terms[0][0]
        for axis, text in self._known.items():
            if not isinstance(axis, Expr):
                continue
            terms = dict(axis.terms)
            factor = terms.pop(monomial, 0)
            if factor <= 0 or any(m for m in terms):
                continue
            offset = terms.get((), 0)
            shifted: str = text
            if offset != 0:
                shifted = infix(text, "-" if offset > 0 else "+", lit(abs(offset), "offset"))
            return Code(shifted, level(shifted)) if factor == 1 else infix(shifted, "//", lit(factor, "divisor"))
        return None


def _ratio(dim: Expr, axis: Dim) -> tuple[int, int] | None:
    """(p, q) in lowest terms with dim == axis * p / q, for p, q > 0."""
    if not isinstance(axis, Expr) or [m for m, _ in dim.terms] != [m for m, _ in axis.terms]:
        return None
    p, q = dim.terms[0][1], axis.terms[0][1]
    shared = gcd(p, q)
    p, q = p // shared, q // shared
    if p * q < 0 or any(a * q != b * p for (_, a), (_, b) in zip(dim.terms, axis.terms, strict=True)):
        return None
    return abs(p), abs(q)


def _degree(dim: Dim) -> int:
    part = _unit_monomial(dim)
    return sum(power for _, power in part) if part else 0


def _unit_monomial(dim: Dim) -> Monomial | None:
    """The monomial of a dim that is one monomial with coefficient 1."""
    if isinstance(dim, Expr) and len(dim.terms) == 1 and dim.terms[0][1] == 1:
        return dim.terms[0][0]
    return None
