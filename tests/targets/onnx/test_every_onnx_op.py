"""Every operation as ONNX: written or refused, accepted by the checker, and equal to the float64 reference."""

from __future__ import annotations

from pathlib import Path

import pytest
from targets.onnx.one_op import compare, program_of, retyped

import dlc.ops  # noqa: F401
from dlc.diagnostics import Unsupported
from dlc.ir.op import all_ops, op
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


@pytest.mark.parametrize("name", sorted(TABLE.refusals))
def test_refusal(name: str) -> None:
    """A refused operation ends in Unsupported that names it, with the reason."""
    sample = next(iter(op(name).samples()))
    program = program_of(op(name), [retyped(a, "f32") for a in sample.arguments], sample.attributes)
    with pytest.raises(Unsupported, match=name):
        build(program, {})
