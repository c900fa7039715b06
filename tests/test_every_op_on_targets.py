"""Every operation on every target: written or refused with a sentence, and equal to the reference where written."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from every_op.cases import cases, testable
from every_op.targets import findings

from dlc.ir.types import DTYPES
from dlc.targets.target import Target

TARGETS = ["torch", "onnx", "keras"]
OPS = list(testable())


def target_called(name: str) -> Target:
    """The target, where its framework is installed."""
    pytest.importorskip({"torch": "torch", "onnx": "onnxruntime", "keras": "keras"}[name])
    found: Target = import_module(f"dlc.targets.{name}").TARGET
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_missing(target: str) -> None:
    """Every target has decided about every operation, and refuses in sentences."""
    table = target_called(target).table
    assert table.missing() == []
    assert [name for name, reason in table.refusals.items() if len(reason.split()) < 4] == []


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", OPS)
def test_samples(name: str, target: str, tmp_path: Path) -> None:
    """Every sample is near the float64 reference with the inferred types, or refused with a sentence."""
    found = list(findings(target_called(target), cases(testable()[name]), tmp_path / "samples"))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", OPS)
def test_named_sizes(name: str, target: str, tmp_path: Path) -> None:
    """With a name for the size of first axes, what is written works for the arrays all the same."""
    found = list(findings(target_called(target), cases(testable()[name]), tmp_path / "samples", named=True))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["f64", "f16", "bf16", "i32", "i8", "u8"])
@pytest.mark.parametrize("name", OPS)
def test_element_types(name: str, dtype: str, target: str, tmp_path: Path) -> None:
    """The samples in other element types, where the operation takes them."""
    kind = DTYPES[dtype]
    chosen = [c for c in cases(testable()[name], kind)
              if c.holds(kind) and c.admitted() and any(t is not None and t.dtype == kind for t in c.types)]
    if chosen:
        found = list(findings(target_called(target), chosen, tmp_path / "samples"))
        assert not found, "\n" + "\n".join(found)
