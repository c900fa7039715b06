"""Every operation in the engines that have kernels of their own: equal to the float64 reference."""

from __future__ import annotations

import pytest
from targets.onnx.one_op import EPS, close, draw, program_of, retyped

import dlc.ops  # noqa: F401
from dlc.ir.evaluate import run
from dlc.ir.op import all_ops, op
from dlc.runtime.executor import executor


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("engine", ["reference", "torch"])
@pytest.mark.parametrize("name", sorted(all_ops()))
def test_operation(name: str, engine: str) -> None:
    """Each sample gives the right numbers, in the inferred types and shapes. (For ONNX see the tests of its target.)"""
    for sample in op(name).samples():
        types = [retyped(a, "f32") for a in sample.arguments]
        program = program_of(op(name), types, sample.attributes)
        inputs = {f"x{i}": draw(a, t, i) for i, (a, t) in enumerate(zip(sample.arguments, types, strict=True))
                  if a is not None and t is not None}
        exact = run(program, inputs, weights={}, precision="float64")
        got = executor(program, {}, engine=engine)(**inputs)
        for value, (label, expected) in zip(program.entry.outputs, exact.items(), strict=True):
            assert got[label].dtype == value.type.dtype.numpy
            assert got[label].shape == expected.shape
            close(got[label], expected, max(op(name).ulps, 8) * EPS["f32"], label)
