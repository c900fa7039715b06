"""Every sample of an operation written for a target, run there, and compared with the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dlc.diagnostics import Unsupported
from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program
from dlc.ir.types import BOOL, F32, I64, Array, TensorType, dtype_of
from dlc.targets.target import Options, Target
from every_op.cases import FLOAT32_ROUNDING, Case, distance, results, tolerance
from every_op.symbolic import symbolic_variants

ROUNDING = {"f64": FLOAT32_ROUNDING, "f16": 2.0**-9, "bf16": 2.0**-6}
"""What one rounding counts in an element type other than f32. The 16-bit claims are weak, as each step rounds; and so
is that of f64, as Keras and ONNX hold the numbers of attributes (a slope, a scale) in f32."""

EXACT = {"torch": {"f64": 1e-12}}
"""Targets that do better than `ROUNDING`."""

LACKING = ("NOT_IMPLEMENTED", "not implemented for 'Half'", "not implemented for 'BFloat16'",
           "does not support double yet", "Could not find device for node", "not in list of allowed values")
"""How runtimes say that they have no kernel for an element type; the written model is right all the same."""


class Batch:
    """Some cases as one program: case i reads `c<i>x<j>` and gives `c<i>y<k>`."""

    def __init__(self, cases: Sequence[Case], named: bool = False) -> None:
        self.cases = cases
        graph = Graph("Samples")
        b = Builder(graph)
        anchor = graph.add_input("anchor", TensorType(F32, (2,)))
        graph.add_output("anchored", b.neg(anchor))
        self.inputs: dict[str, Array] = {"anchor": np.ones(2, np.float32)}
        self.types: dict[str, TensorType] = {}
        for i, case in enumerate(cases):
            types = batched(case) if named else case.types
            values = [None if t is None else graph.add_input(f"c{i}x{j}", t) for j, t in enumerate(types)]
            self.inputs |= {f"c{i}x{j}": a for j, a in enumerate(case.arrays()) if a is not None}
            for k, value in enumerate(results(b, case.op, values, case.attributes)):
                graph.add_output(f"c{i}y{k}", value)
                self.types[f"c{i}y{k}"] = case.inferred()[1][k]
        self.program = Program(graph, layout="NCHW")

    def exact(self) -> dict[str, Array]:
        """The results by the reference in float64."""
        return run(self.program, self.inputs, weights={}, precision="float64")

    def on(self, target: Target, folder: Path) -> dict[str, Array]:
        """The results by the target. Raises Unsupported."""
        folder.mkdir()
        where = folder if target.folder else folder / f"model{target.suffixes[0]}"
        target.write(self.program, {}, where, options=Options())
        return target.execute(self.program, where, self.inputs)

    def differences(self, found: dict[str, Array], target: str) -> Iterator[str]:
        """A sentence for each result that differs from the reference in type or by more than the op's ulps."""
        exact = self.exact()
        for i, case in enumerate(self.cases):
            names = [n for n in self.types if n.startswith(f"c{i}y")]
            claims = {**ROUNDING, **EXACT.get(target, {})}
            rounding = claims.get(str(case.dtype), FLOAT32_ROUNDING)
            allowed = tolerance(case.op, [exact[n] for n in names], rounding)
            for name in names:
                actual = TensorType(dtype_of(found[name]), found[name].shape)
                if actual != self.types[name]:
                    yield f"{case}: inferred {self.types[name]}, actual {actual}"
                elif not distance(found[name], exact[name]) <= allowed:
                    yield (f"{case}: off by {distance(found[name], exact[name]):.3g}, allowed is {allowed:.3g}; found "
                           f"{np.ravel(found[name])[:6]}, exact {np.ravel(exact[name])[:6]}")


def batched(case: Case) -> Sequence[TensorType | None]:
    """The operand types with a name for the size of the first axis, where the operation takes that."""
    return next((v.types for v in symbolic_variants(case, [slice(0, 1)])), case.types)


def findings(target: Target, cases: Sequence[Case], folder: Path, named: bool = False) -> Iterator[str]:
    """What is wrong with these cases on a target; a case that it refuses with a sentence is right.

    named: the sizes of first axes are names in the program that is written.
    """
    try:
        batch = Batch(cases, named)
        yield from batch.differences(batch.on(target, folder), target.name)
    except Exception as error:
        if len(cases) > 1:
            for i, case in enumerate(cases):
                yield from findings(target, [case], folder.with_name(f"{folder.name}-{i}"), named)
        elif not refused(cases[0], error):
            yield f"{cases[0]}: {type(error).__name__}: {str(error)[:600]}"


def refused(case: Case, error: Exception) -> bool:
    """Whether the target says in sentences that it cannot, or the runtime lacks a kernel for a rarer element type."""
    if isinstance(error, Unsupported):
        return all(len(d.message.split()) > 3 for d in error.diagnostics)
    rare = any(t is not None and t.dtype not in (F32, I64, BOOL) for t in (*case.types, *case.inferred()[1]))
    return rare and any(words in str(error) for words in LACKING)
