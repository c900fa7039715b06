"""Named sizes inside an ONNX graph: each is read from the shape of a tensor, expressions are computed from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlc.ir.dim import Answer, Atom, Dim, Expr, Extremum, FloorDiv, Name, Quotient, at_most, name
from dlc.ir.types import TensorType

Emit = Callable[..., Any]


@dataclass(frozen=True)
class Origin:
    """A name is `(shape(tensor)[axis] - offset) / factor * divisor`."""

    tensor: str
    axis: int
    offset: int = 0
    factor: int = 1
    divisor: int = 1

    @property
    def plain(self) -> bool:
        return self.offset == 0 and self.factor == 1 and self.divisor == 1


class Sizes:
    """Tensors that hold sizes, as int64 vectors of one element; every expression is computed once per graph.

    emit: `emit(op_type, *inputs, **attributes) -> name`. constant: `constant(array) -> name`. parent: the sizes of
    the graph around this one, whose tensors may be read.
    """

    def __init__(self, emit: Emit, constant: Callable[[Any], str], parent: Sizes | None = None) -> None:
        self.emit, self.constant = emit, constant
        self.known: dict[Dim, str] = dict(parent.known) if parent is not None else {}
        self.origins: dict[str, Origin] = dict(parent.origins) if parent is not None else {}

    def learn(self, tensor: str, type: TensorType) -> None:
        """Note which names can be read from the shape of a tensor; the simplest source of each is kept."""
        for axis, dim in enumerate(type.shape):
            found = _open_name(dim)
            if found is None:
                continue
            text, offset, factor, divisor = found
            origin = Origin(tensor, axis, offset, factor, divisor)
            old = self.origins.get(text)
            if old is None or (origin.plain and not old.plain):
                self.origins[text] = origin

    def shape(self, dims: Sequence[Dim]) -> str:
        """A vector of sizes."""
        if all(isinstance(d, int) for d in dims):
            return self.constant(np.array(dims, np.int64))
        parts: list[str] = []
        numbers: list[int] = []
        for dim in dims:
            if isinstance(dim, int):
                numbers.append(dim)
                continue
            if numbers:
                parts.append(self.constant(np.array(numbers, np.int64)))
                numbers = []
            parts.append(self.size(dim))
        if numbers:
            parts.append(self.constant(np.array(numbers, np.int64)))
        return parts[0] if len(parts) == 1 else str(self.emit("Concat", *parts, axis=0))

    def scalar(self, dim: Dim) -> str:
        """A size as a tensor of rank 0."""
        if isinstance(dim, int):
            return self.constant(np.array(dim, np.int64))
        return str(self.emit("Squeeze", self.size(dim), self.constant(np.array([0], np.int64))))

    def size(self, dim: Dim) -> str:
        """A size as a vector of one element. Raises KeyError for a name that no tensor shows."""
        if isinstance(dim, int):
            return self.constant(np.array([dim], np.int64))
        if dim not in self.known:
            self.known[dim] = self._sum(dim)
        return self.known[dim]

    def _sum(self, dim: Expr) -> str:
        total: str | None = None
        for monomial, coefficient in sorted(dim.terms, key=lambda term: term[1] < 0):
            factors = [self._atom(atom) for atom, power in monomial for _ in range(power)]
            magnitude = abs(coefficient) if total is not None else coefficient
            if magnitude != 1 or not factors:
                factors.append(self.size(magnitude))
            term = factors[0]
            for factor in factors[1:]:
                term = self.emit("Mul", term, factor)
            total = term if total is None else self.emit("Sub" if coefficient < 0 else "Add", total, term)
        assert total is not None
        return total

    def _atom(self, atom: Atom) -> str:
        if isinstance(atom, Name):
            return self._name(atom.text)
        if isinstance(atom, Quotient):
            return str(self.emit("Div", self._name(atom.text), self.size(atom.divisor)))
        if isinstance(atom, Extremum):
            return str(self.emit("Min" if atom.kind == "min" else "Max", *map(self.size, atom.among)))
        return self._floor(atom)

    def _floor(self, atom: FloorDiv) -> str:
        numerator, denominator = self.size(atom.numerator), self.size(atom.denominator)
        signs = at_most(0, atom.numerator), at_most(1, atom.denominator)
        if signs != (Answer.YES, Answer.YES):  # Div rounds towards zero; Mod has the sign of the divisor
            numerator = self.emit("Sub", numerator, self.emit("Mod", numerator, denominator))
        return str(self.emit("Div", numerator, denominator))

    def _name(self, text: str) -> str:
        whole = name(text)
        if whole in self.known:
            return self.known[whole]
        origin = self.origins[text]
        result = self.emit("Shape", origin.tensor, start=origin.axis, end=origin.axis + 1)
        if origin.offset:
            result = self.emit("Sub", result, self.size(origin.offset))
        if origin.factor != 1:
            result = self.emit("Div", result, self.size(origin.factor))
        if origin.divisor != 1:
            result = self.emit("Mul", result, self.size(origin.divisor))
        self.known[whole] = result
        return str(result)


def _open_name(dim: Dim) -> tuple[str, int, int, int] | None:
    """The only name in a dim that is linear in it: (name, offset, factor, divisor)."""
    if isinstance(dim, int):
        return None
    terms = dict(dim.terms)
    offset = terms.pop((), 0)
    if len(terms) != 1:
        return None
    (monomial, factor), = terms.items()
    atom, power = monomial[0]
    if len(monomial) != 1 or power != 1:
        return None
    if isinstance(atom, Name):
        return atom.text, offset, factor, 1
    return (atom.text, offset, factor, atom.divisor) if isinstance(atom, Quotient) else None
