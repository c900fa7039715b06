"""Every operation as ONNX: written or refused, accepted by the checker, and equal to the float64 reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from targets.onnx.one_op import checked, compare, integers, program_of, retyped

import dlc.ops  # noqa: F401
from dlc.diagnostics import Unsupported
from dlc.ir.op import Problem, Sample, all_ops, op
from dlc.targets.onnx.build import build
from dlc.targets.onnx.table import load

TABLE = load()
ROWS = [(name, i) for name, o in all_ops().items() if name not in TABLE.refusals
        for i, _ in enumerate(o.samples())]


def test_nothing_is_missing() -> None:
    """Each operation has a writer, a definition to write instead, or a sentence that says why not."""
    assert TABLE.missing() == []


@pytest.mark.parametrize(("name", "index"), ROWS, ids=[f"{n}-{i}" for n, i in ROWS])
def test_sample(name: str, index: int, tmp_path: Path) -> None:
    """The file passes the full checker and strict inference, and ONNX Runtime computes what the reference does."""
    compare(op(name), list(op(name).samples())[index], tmp_path / "one.onnx")


WRITTEN = [name for name in all_ops() if name not in TABLE.refusals]
LACKING_F64 = ("Acos", "Asin", "Atan", "Conv", "ConvTranspose", "Erf")
"""What ONNX Runtime's CPU engine does not have in f64."""


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["i32", "i16", "i8", "u32", "u16", "u8"])
@pytest.mark.parametrize("name", WRITTEN)
def test_integers(name: str, dtype: str, tmp_path: Path) -> None:
    """Integers of every width that an operation takes give what the reference gives."""
    for sample in op(name).samples():
        other = integers(sample, dtype)
        if other is not None and _takes(name, other):
            compare(op(name), other, tmp_path / "one.onnx")


def _takes(name: str, sample: Sample) -> bool:
    """Whether the operation is defined for these types: most take i32 and i64 alone as indices."""
    try:
        program_of(op(name), [retyped(a, "f32") for a in sample.arguments], sample.attributes)
    except Problem:
        return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["f16", "f64"])
@pytest.mark.parametrize("name", WRITTEN)
def test_floats(name: str, dtype: str, tmp_path: Path) -> None:
    """Floats of other widths are as near to the reference as their roundings allow."""
    for sample in op(name).samples():
        floats = [a for a in sample.arguments if a is not None and a.type.startswith("f")]
        own = "dtype" in sample.attributes or sample.attributes.get("value") == -1e9
        if not floats or own:  # casts to a type of their own, and numbers that f16 lacks
            continue
        try:
            compare(op(name), sample, tmp_path / "one.onnx", dtype)
        except Exception as error:
            lacking = [f"an implementation for {o}(" for o in LACKING_F64]
            if dtype != "f64" or not any(words in str(error) for words in lacking):
                raise


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITTEN)
def test_bfloat16_is_valid(name: str, tmp_path: Path) -> None:
    """The checker accepts every operation on bf16 (ONNX Runtime has hardly any of them on the CPU)."""
    for sample in op(name).samples():
        types = [retyped(a, "bf16") for a in sample.arguments]
        checked(build(program_of(op(name), types, sample.attributes), {}), tmp_path / "one.onnx")


@pytest.mark.parametrize("name", sorted(TABLE.refusals))
def test_refusal(name: str) -> None:
    """A refused operation ends in Unsupported that names it, with the reason."""
    sample = next(iter(op(name).samples()))
    program = program_of(op(name), [retyped(a, "f32") for a in sample.arguments], sample.attributes)
    with pytest.raises(Unsupported, match=name):
        build(program, {})
