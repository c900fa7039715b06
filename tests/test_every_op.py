"""Every operation is what its declaration says: types, precision, independent truth, gradients, and every target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from every_op import truth
from every_op.cases import Case, cases, distance, feeds, program_of, testable, tolerance
from every_op.facts import fact_findings
from every_op.gradients import DETACHED, ONCE, Differentiation
from every_op.layers import owned
from every_op.symbolic import symbolic_variants

from dlc.ir.evaluate import run
from dlc.ir.op import Problem
from dlc.ir.types import DTYPES, Array, TensorType, dtype_of
from dlc.ir.verify import verify
from dlc.ops.initializers import check

truth.load()
OPS = list(testable())


@contextmanager
def each(name: str, dtype: str | None = None) -> Iterator[tuple[list[Case], list[str]]]:
    """The cases of an operation, and a list for findings, which fails the test at the end where it is not empty."""
    findings: list[str] = []
    yield cases(testable()[name], DTYPES[dtype] if dtype else None), findings
    assert not findings, "\n" + "\n".join(findings)


def evaluated(case: Case, precision: str) -> list[Array]:
    """The results of a case by the reference."""
    program = program_of(case.op, case.types, case.attributes)
    return list(run(program, feeds(case.arrays()), weights={}, precision=precision).values())


def mismatch(case: Case, found: list[Array], exact: list[Array], rounding: float) -> Iterator[str]:
    """A sentence for each result that is further from the exact one than the operation claims."""
    allowed = tolerance(case.op, exact, rounding)
    for i, (f, e) in enumerate(zip(found, exact, strict=True)):
        if f.shape != e.shape:
            yield f"{case}: result {i} has shape {f.shape}, expected {e.shape}"
        elif not distance(f, e) <= allowed:
            yield f"{case}: result {i} is off by {distance(f, e):.3g}, allowed is {allowed:.3g}\n{f}\n{e}"


@pytest.mark.parametrize("name", OPS)
def test_declaration(name: str) -> None:
    """Every operation has samples that cover each attribute, a summary and a graph that verifies."""
    op = testable()[name]
    samples = cases(op)
    assert samples
    assert op.summary.rstrip().endswith((".", ":", ")")), op.summary
    for case in samples:
        verify(program_of(op, case.types, case.attributes))
    given = {name for case in samples for name, value in case.inferred()[0].items()
             if name in case.sample.attributes or value != op.attribute[name].default}
    assert not set(op.attribute) - given, f"attributes without a sample: {set(op.attribute) - given}"


@pytest.mark.parametrize("name", OPS)
def test_facts(name: str) -> None:
    """What an operation states about itself holds for its samples; attributes that it names exist."""
    op = testable()[name]
    assert {*op.axis_attributes, *op.positional} <= op.attribute.keys()
    assert op.spatial == ("layout" in op.attribute)
    with each(name) as (samples, findings):
        for case in samples:
            findings.extend(fact_findings(case))


@pytest.mark.parametrize("name", [name for name in OPS if testable()[name].layer is not None])
def test_layer(name: str) -> None:
    """As a layer, an operation owns weights of the types that its samples give it, with initialisers that fit."""
    pairs = [pair for case in cases(testable()[name]) if (pair := owned(case)) is not None]
    assert pairs, "no sample has just the weights of a layer"
    for given, specs in pairs:
        assert given == [spec.type for spec in specs]
        for spec in specs:
            check(spec.initializer, spec.type.shape, spec.type.dtype)


@pytest.mark.parametrize("name", OPS)
def test_precision_and_types(name: str) -> None:
    """Float32 is within the op's ulps of float64, and the inferred types are the actual ones."""
    with each(name) as (samples, findings):
        for case in samples:
            _, types = case.inferred()
            single, double = evaluated(case, "float32"), evaluated(case, "float64")
            actual = tuple(TensorType(dtype_of(a), a.shape) for a in single)
            if actual != types:
                findings.append(f"{case}: inferred {types}, actual {actual}")
            else:
                findings.extend(mismatch(case, single, double, float(np.finfo(np.float32).eps)))


@pytest.mark.parametrize("name", OPS)
def test_named_sizes(name: str) -> None:
    """With names for sizes the inferred types, and the definition, are those of the numbers they stand for."""
    with each(name) as (samples, findings):
        for case in samples:
            findings.extend(finding for variant in symbolic_variants(case) for finding in variant.findings())


@pytest.mark.parametrize("name", OPS)
def test_truth(name: str) -> None:
    """The reference in float64 equals an independent truth."""
    if name in truth.UNTESTED:
        assert truth.UNTESTED[name].endswith("."), "a reason is a sentence"
        return
    assert name in truth.TORCH or name in truth.FORMULA, f"`{name}` has no truth in tests/every_op/truth_*.py"
    with each(name) as (samples, findings):
        for case in samples:
            exact = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in expected(case)]
            findings.extend(mismatch(case, evaluated(case, "float64"), exact, 1e-14 * 100 / max(case.op.ulps, 1)))


def expected(case: Case) -> list[Array]:
    """The results of a case by its truth, in float64."""
    canonical, _ = case.inferred()
    arrays = [a.astype(np.float64) if a is not None and a.dtype.kind == "f" else a for a in case.arrays()]
    with np.errstate(all="ignore"):
        found: Any = _by_torch(case, arrays, canonical) if case.op.name in truth.TORCH else \
            truth.FORMULA[case.op.name](*arrays, **canonical)
    results = list(found) if isinstance(found, (tuple, list)) else [found]
    return [np.asarray(r) for r in results]


def _by_torch(case: Case, arrays: list[Array | None], attributes: dict[str, Any]) -> list[Array]:
    torch = pytest.importorskip("torch")
    found = truth.TORCH[case.op.name](*(None if a is None else torch.tensor(a) for a in arrays), **attributes)
    return [t.numpy() for t in (found if isinstance(found, (tuple, list)) else [found])]


@pytest.mark.parametrize("name", OPS)
def test_gradients(name: str) -> None:
    """The gradients equal central differences in float64, and torch autograd where torch has the function."""
    with each(name) as (samples, findings):
        for case in samples:
            differentiation = Differentiation(case)
            if case.sample.gradient and differentiation.exists:
                findings.extend(f"{case}: {f}" for f in gradient_findings(differentiation, truth.TORCH.get(name)))


def gradient_findings(differentiation: Differentiation, function: truth.Function | None) -> Iterator[str]:
    """A sentence for each operand whose gradients disagree."""
    by_rules = differentiation.by_rules()
    by_torch = differentiation.by_torch(function) if function is not None else {}
    for operand, slopes in by_rules.items():
        x = differentiation.arrays[operand]
        assert x is not None
        slopes = np.zeros(x.shape) if slopes is None else slopes
        scale = max(1.0, float(np.abs(slopes).max(initial=0.0)))
        for direction, slope in [] if differentiation.case.op.name in DETACHED else \
                differentiation.by_differences(operand):
            if not abs(float((slopes * direction).sum()) - slope) <= 1e-6 * scale * max(1.0, np.abs(direction).sum()):
                yield (f"operand {operand}: the slope by differences is {slope}, by the rule "
                       f"{float((slopes * direction).sum())}")
        if operand in by_torch and not distance(slopes, by_torch[operand]) <= 1e-9 * scale:
            yield f"operand {operand}: torch's gradient is\n{by_torch[operand]}\nours\n{slopes}"


@pytest.mark.parametrize("name", [name for name in OPS if name not in ONCE | DETACHED])
def test_second_gradients(name: str) -> None:
    """Gradients can be differentiated again: the rules applied twice equal differences of the rules applied once."""
    with each(name) as (samples, findings):
        for case in samples:
            differentiation = Differentiation(case)
            if case.sample.gradient and differentiation.exists:
                by_rules, slope = differentiation.second()
                if not abs(by_rules - slope) <= 1e-5 * max(1.0, abs(slope)):
                    findings.append(f"{case}: by the rules twice {by_rules}, by differences {slope}")


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("dtype", ["f64", "f16", "bf16", "i32", "i8", "u8"])
def test_element_types(name: str, dtype: str) -> None:
    """Other element types are refused with a sentence, or the results have the inferred types and are near."""
    kind = DTYPES[dtype]
    with each(name, dtype) as (samples, findings):
        for case in samples:
            if not any(t is not None and t.dtype == kind for t in case.types) or not case.holds(kind):
                continue
            try:
                _, types = case.inferred()
            except Problem as problem:
                findings += [] if problem.expected else [f"{case} is refused without what was expected: {problem}"]
                continue
            found = evaluated(case, "float32")
            actual = tuple(TensorType(dtype_of(a), a.shape) for a in found)
            if actual != types:
                findings.append(f"{case}: inferred {types}, actual {actual}")
            elif all(t.dtype.is_float for t in types):
                findings.extend(mismatch(case, found, evaluated(case, "float64"), ROUNDING[dtype]))


ROUNDING = {"f64": 1e-13, "f16": 2.0**-9, "bf16": 2.0**-6, "i32": 2.0**-23, "i8": 2.0**-23, "u8": 2.0**-23}
"""What one rounding is counted as. The 16-bit claims are weak: each step of a definition rounds to 16 bits."""
