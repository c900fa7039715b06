"""`dlc verify A B`: do two models compute the same function, and if not, where do they part?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dlc.diagnostics import Diagnostic, UsageError
from dlc.ir.evaluate import trace
from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.journeys.models import Model, load
from dlc.journeys.samples import sample_inputs, sample_sizes
from dlc.journeys.verification import Agreement, Oracle, distance, magnitude
from dlc.targets import target, target_names
from dlc.targets.target import Target


@dataclass(frozen=True)
class Comparison:
    """The outputs' distances, and the first layer at which the two differ where that was asked for."""

    agreements: tuple[Agreement, ...]
    first: str | None

    @property
    def same(self) -> bool:
        return all(a.ok for a in self.agreements)

    def lines(self) -> list[str]:
        """The comparison for people."""
        verdict = "the two compute the same" if self.same else "the two differ"
        where = [f"first difference: {self.first}"] if self.first is not None else []
        return [*map(str, self.agreements), *where, verdict]


def compare_models(a: Model, b: str, *, sizes: Mapping[str, int], layers: bool = False, seed: int = 0,
                   arguments: Mapping[str, object] | None = None) -> Comparison:
    """Compare a model with another one, or with what `dlc compile` wrote (a folder or file), on generated inputs.

    `b` is measured against the float64 answer of `a`. layers: also find the first value with the same name in both
    that differs; both must then be `.dl` models.
    """
    bound = sample_sizes(a.program, sizes)
    inputs = sample_inputs(a.program, bound)
    oracle = Oracle(a.program, a.weights, inputs)
    written = _artefact(Path(b))
    if written is not None:
        if layers:
            raise UsageError(Diagnostic("E0712", "`--layers` compares two `.dl` models", None, found=b))
        return Comparison(tuple(oracle.compare(written.execute(a.program, Path(b), inputs))), None)
    other = load(b, arguments=arguments, seed=seed)
    _same_inputs(a.program, other.program)
    results = oracle.compare(Oracle(other.program, other.weights, inputs).single)
    return Comparison(tuple(results), _first_difference(a, other, inputs) if layers else None)


def _same_inputs(a: Program, b: Program) -> None:
    left, right = ({v.name: v.type for v in p.entry.inputs} for p in (a, b))
    if left.keys() != right.keys():
        raise UsageError(Diagnostic("E0711", "the two models have different inputs", None,
                                    expected=", ".join(left), found=", ".join(right)))


def _artefact(path: Path) -> Target | None:
    """The target that can execute a written folder or file."""
    if path.is_dir() and (path / "model.py").is_file():
        source = (path / "model.py").read_text(encoding="utf-8")
        return next((target(n) for n in target_names() if f"import {n}" in source), None)
    if path.is_dir() and (path / "model.onnx").is_file():
        return target("onnx")
    return next((target(n) for n in target_names() if path.suffix in target(n).suffixes), None)


def _first_difference(a: Model, b: Model, inputs: Mapping[str, Array]) -> str | None:
    """The first value, by path, that both programs have and that differs by more than rounding."""
    ours = trace(a.program, inputs, weights=a.weights)
    theirs = trace(b.program, inputs, weights=b.weights)
    for path, array in ours.items():
        if path not in theirs or array.dtype.kind != "f":
            continue
        other = theirs[path]
        if other.shape != array.shape:
            return f"{path} has shape {list(array.shape)} and {list(other.shape)}"
        far = distance(other, array)
        if far > 1e-4 * max(magnitude(array), 1e-30):
            return f"{path} differs by {far:.3g} (largest value {magnitude(array):.3g})"
    return None
