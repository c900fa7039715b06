"""Sums of products in Einstein's notation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_letters
from typing import Any

import numpy as np

from dlc.ir.attributes import Str
from dlc.ir.build import Builder
from dlc.ir.dim import Dim, product
from dlc.ir.graph import Apply, Value
from dlc.ir.op import Arg, Number, Primitive, Problem, Sample, operation, sample
from dlc.ir.types import Array, TensorType
from dlc.ops.rules import given, need, need_equal, same_dtype, unbroadcast


@dataclass(frozen=True)
class Equation:
    """An equation with its ellipses written out: the labels of each operand and of the result."""

    inputs: tuple[str, ...]
    output: str

    def __str__(self) -> str:
        return f"{','.join(self.inputs)}->{self.output}"


def parse(equation: str, ranks: Sequence[int]) -> Equation:
    """Read an equation for operands of these ranks. Raises Problem.

    `...` stands for leading, middle or trailing axes that are aligned from their last. Without `->` the result has the
    ellipsis and then, in alphabetical order, every label that occurs once.
    """
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    need(len(terms) == len(ranks), "the equation is for another number of tensors", at=["equation"],
         expected=f"{len(ranks)} terms separated by commas", found=equation)
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        right = ("..." if "..." in left else "") + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    for term in (*terms, right):
        letters = term.replace("...", "", 1)
        need(all(c in ascii_letters for c in letters), "the equation has a term that cannot be read", at=["equation"],
             expected="letters, and `...` at most once in a term", found=term or equation)
    spare = [c for c in ascii_letters if c not in text]
    inputs = tuple(_expanded(term, rank, spare) for term, rank in zip(terms, ranks, strict=True))
    widest = max((rank - len(term) + 3 for term, rank in zip(terms, ranks, strict=True) if "..." in term), default=0)
    output = right.replace("...", "".join(reversed(spare[:widest])))
    for label in output:
        need(output.count(label) == 1, f"the label `{label}` occurs twice in the result", at=["equation"],
             expected="each label once after `->`", found=equation)
        need(any(label in term for term in inputs), f"the label `{label}` of the result is in no term", at=["equation"],
             expected="labels that occur before `->`", found=equation)
    return Equation(inputs, output)


def _expanded(term: str, rank: int, spare: Sequence[str]) -> str:
    """A term with letters for its ellipsis: the last axis of every ellipsis has the first spare letter."""
    hidden = rank - len(term.replace("...", ""))
    if "..." not in term or hidden < 0:
        need(hidden == 0, f"the term `{term}` does not fit its tensor", at=["equation"],
             expected=f"{rank} labels, one for each axis", found=term)
        return term
    need(hidden <= len(spare), "the equation has more axes than there are letters", found=str(rank), at=["equation"])
    return term.replace("...", "".join(reversed(spare[:hidden])))


def label_sizes(equation: Equation, shapes: Sequence[Sequence[Dim]]) -> dict[str, Dim]:
    """The size of each label; a literal 1 stretches to the others. Raises Problem where they disagree."""
    sizes: dict[str, Dim] = {}
    for term, shape in zip(equation.inputs, shapes, strict=True):
        for label, size in zip(term, shape, strict=True):
            known = sizes.get(label, 1)
            if isinstance(known, int) and known == 1:
                sizes[label] = size
            elif not (isinstance(size, int) and size == 1):
                need_equal(f"the sizes of `{label}` in `{equation}`", known, size, at=["equation"])
    return sizes


@operation
class Einsum(Primitive):
    """Products of the operands, summed over every label that the result lacks: `einsum("bij,bjk->bik", x, y)`.

    One term for each operand with a letter for each axis; equal letters mean equal sizes (or a literal 1, which
    stretches), a letter twice in a term is the diagonal. `...` stands for any axes. Without `->` the result has the
    labels that occur once, in alphabetical order.
    """

    ulps = 32
    positional = ("equation",)

    def infer(self, *xs: Number, equation: Str) -> TensorType:
        if not xs:
            raise Problem("`einsum` needs a tensor", expected="one tensor or more", found="none", code="E0210")
        same_dtype(**{f"operand {i}": x for i, x in enumerate(xs)})
        explicit = parse(equation, [x.rank for x in xs])
        sizes = label_sizes(explicit, [x.shape for x in xs])
        return xs[0].with_shape(*(sizes[label] for label in explicit.output))

    def macs(self, *xs: TensorType, equation: str) -> Dim:
        sizes = label_sizes(parse(equation, [x.rank for x in xs]), [x.shape for x in xs])
        return product(sizes.values()) if len(xs) > 1 else 0

    def evaluate(self, *xs: Array, equation: str) -> Any:
        explicit = parse(equation, [x.ndim for x in xs])
        wide = np.result_type(xs[0].dtype, np.float32) if xs[0].dtype.kind not in "iuc" else xs[0].dtype
        return np.einsum(str(explicit), *(x.astype(wide, copy=False) for x in xs)).astype(xs[0].dtype, copy=False)

    def gradient(self, b: Builder, node: Apply, g: Value) -> Sequence[Value | None]:
        xs = given(node)
        explicit = parse(node.attributes["equation"], [x.type.rank for x in xs])
        return [_partial(b, explicit, xs, i, g) for i in range(len(xs))]

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3]", "f32[3, 4]", equation="ij,jk->ik")
        yield sample("f32[5, 2, 3]", "f32[5, 3, 4]", equation="bij,bjk->bik")
        yield sample("f32[2, 3]", "f32[3, 4]", equation="ij,jk")
        yield sample("f32[5, 2, 3]", "f32[3, 4]", equation="...ij,jk->...ik")
        yield sample("f32[6, 5, 2, 3]", "f32[5, 3, 4]", equation="...ij, ...jk -> ...ik")
        yield sample("f32[6, 5, 2]", "f32[2]", equation="...i,i")
        yield sample("f32[2, 3, 4]", equation="ijk->kj")
        yield sample("f32[3, 3]", equation="ii->i")
        yield sample("f32[3, 3]", equation="ii")
        yield sample("f32[2, 3]", "f32[4]", equation="ij,k->kij")
        yield sample("f32[2, 3]", "f32[3, 4]", "f32[4, 5]", equation="ij,jk,kl->il")
        yield sample("f32[2, 3]", "f32[2, 3]", equation="ij,ij->")
        yield sample("f32[2, 4, 3, 5]", "f32[2, 4, 6, 5]", equation="bhqd,bhkd->bhqk")
        yield sample(Arg("i64[2, 3]", -5, 5), Arg("i64[3, 4]", -5, 5), equation="ij,jk->ik")


def _partial(b: Builder, equation: Equation, xs: Sequence[Value], position: int, g: Value) -> Value:
    """The gradient of one operand: the others and g, summed over what the operand lacks.

    A label that is twice in the operand stands on a diagonal: an identity matrix spreads it. A label that occurs in
    this operand alone was summed over, so its gradient is the same along that axis.
    """
    x, term = xs[position], equation.inputs[position]
    others = [(t, v) for i, (t, v) in enumerate(zip(equation.inputs, xs, strict=True)) if i != position]
    terms, values = [equation.output, *(t for t, _ in others)], [g, *(v for _, v in others)]
    spare = iter(c for c in ascii_letters if c not in str(equation))
    labels: list[str] = []
    for axis, label in enumerate(term):
        fresh = label if label not in labels else next(spare)
        if fresh != label:
            terms.append(label + fresh)
            values.append(b.eye(n=x.type.shape[axis], dtype=x.type.dtype))
        labels.append(fresh)
    present = [label for label in labels if any(label in t for t in terms)]
    result = b.einsum(*values, equation=f"{','.join(terms)}->{''.join(present)}")
    absent = [axis for axis, label in enumerate(labels) if label not in present]
    if absent:
        result = b.unsqueeze(result, axis=absent)
    sizes = label_sizes(equation, [v.type.shape for v in xs])
    full = [sizes[label] for label in term]
    if list(result.type.shape) != full:
        result = b.broadcast_to(result, shape=full)
    return unbroadcast(b, result, x.type)
