"""Do two ways of computing a model agree? Distances are measured from the float64 answer, never from each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dlc.diagnostics import Diagnostic, DlcError
from dlc.ir import evaluate
from dlc.ir.graph import Program
from dlc.ir.types import Array

FACTOR = 8.0
"""A result may be this many times further from the exact answer than our own float32 reference is."""

_EPSILONS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
FLOOR = 64.0
"""Roundings of the largest result that are always allowed: sums in another order cost that much."""


@dataclass(frozen=True)
class Agreement:
    """How near one output is to the exact answer.

    error: largest distance to the float64 answer; reference: the same for the float32 reference; scale: the largest
    finite magnitude of the answer; allowed: what `error` may be.
    """

    name: str
    error: float
    reference: float
    scale: float
    allowed: float

    @property
    def ok(self) -> bool:
        return self.error <= self.allowed

    def __str__(self) -> str:
        sign = "ok" if self.ok else "DIFFERS"
        return (f"{self.name}: {sign}, {self.error:.2g} from the float64 answer "
                f"(reference {self.reference:.2g}, allowed {self.allowed:.2g}, largest value {self.scale:.3g})")


class Oracle:
    """The exact answer of a program on some inputs, computed once and compared with any number of results."""

    def __init__(self, program: Program, weights: Mapping[str, Array], inputs: Mapping[str, Array]) -> None:
        self.exact = evaluate.run(program, inputs, weights=weights, precision="float64")
        self.single = evaluate.run(program, inputs, weights=weights)

    def compare(self, results: Mapping[str, Array]) -> list[Agreement]:
        """One row per output. Raises DlcError where an output is missing or has another shape."""
        return [self._one(name, exact, results) for name, exact in self.exact.items()]

    def _one(self, name: str, exact: Array, results: Mapping[str, Array]) -> Agreement:
        if name not in results:
            raise DlcError(Diagnostic("E0610", f"the output `{name}` is missing from the result", None,
                                      found=", ".join(results)))
        found = np.asarray(results[name])
        if found.shape != exact.shape:
            raise DlcError(Diagnostic("E0610", f"the output `{name}` has another shape", None,
                                      expected=str(list(exact.shape)), found=str(list(found.shape))))
        kind = self.single[name].dtype.name
        reference, scale = distance(self.single[name], exact), magnitude(exact)
        allowed = FACTOR * reference + FLOOR * _EPSILONS.get(kind, 0.0) * scale
        return Agreement(name, distance(found, exact), reference, scale, allowed)


def distance(found: Array, exact: Array) -> float:
    """The largest absolute difference; infinite where NaN or infinity stand in different places."""
    if exact.dtype.kind not in "fcV" and exact.dtype.name != "bfloat16":
        return float(np.count_nonzero(found != exact))
    a, b = np.asarray(found, np.float64), np.asarray(exact, np.float64)
    finite = np.isfinite(b)
    if not np.array_equal(np.where(finite, 0.0, b), np.where(np.isfinite(a), 0.0, a), equal_nan=True):
        return float("inf")
    return float(np.max(np.abs(a[finite] - b[finite]), initial=0.0))


def magnitude(exact: Array) -> float:
    """The largest finite absolute value."""
    values = np.abs(np.asarray(exact, np.float64))
    return float(np.max(values[np.isfinite(values)], initial=0.0))


def require_agreement(agreements: list[Agreement], what: str) -> None:
    """Raise DlcError E0611 unless every output agrees."""
    wrong = [a for a in agreements if not a.ok]
    if wrong:
        raise DlcError(*(Diagnostic("E0611", f"{what} computes something else: {a}", None,
                                    hint="this is a fault of dlc unless the model amplifies rounding; "
                                         "`--no-verify` writes the result all the same") for a in wrong))


Execute = Callable[[Mapping[str, Array]], dict[str, Array]]
