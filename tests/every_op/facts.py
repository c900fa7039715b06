"""The facts that an operation states about itself, tried on its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from dlc.ir.evaluate import run
from dlc.ir.types import Array
from every_op.cases import Case, distance, feeds, program_of, tolerance


def fact_findings(case: Case) -> Iterator[str]:
    """A sentence for each stated fact that does not hold for a sample."""
    op, arrays = case.op, case.arrays()
    given = [a for a in arrays if a is not None]
    if op.elementwise and len({a.shape for a in given}) == 1:
        turned = _results(case, [None if a is None else np.flip(a) for a in arrays])
        yield from _compared(case, "elementwise", [np.flip(y) for y in turned], _results(case, arrays))
    if op.commutative and len({(a.shape, a.dtype) for a in given}) == 1 and len(given) == 2:
        yield from _compared(case, "commutative", _results(case, arrays[::-1]), _results(case, arrays))
    if len(given) == 2 and given[0].dtype.kind == "f":
        x = given[0]
        if op.unit is not None:
            yield from _compared(case, "unit", _results(case, [x, np.full_like(x, op.unit)], like=0), [x])
        if op.zero is not None:
            zero = np.full_like(x, op.zero)
            yield from _compared(case, "zero", _results(case, [x, zero], like=0), [zero])


def _results(case: Case, arrays: Sequence[Array | None], like: int | None = None) -> list[Array]:
    """The results for other operands of the same types, or all of the type of operand `like`."""
    types = case.types if like is None else [case.types[like]] * len(arrays)
    program = program_of(case.op, types, case.attributes)
    return list(run(program, feeds(arrays), weights={}, precision="float32").values())


def _compared(case: Case, fact: str, found: list[Array], expected: list[Array]) -> Iterator[str]:
    for f, e in zip(found, expected, strict=True):
        if f.shape != e.shape or not distance(f, e) <= tolerance(case.op, expected):
            yield f"{case}: is not {fact}: {f} instead of {e}"
