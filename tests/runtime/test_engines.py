"""What engines do beyond giving the right numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from runtime.programs import perceptron

from dlc.diagnostics import DlcError, UsageError
from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program
from dlc.ir.types import DTYPES, TensorType
from dlc.runtime.engines.engine import Setting
from dlc.runtime.engines.torch import GraphRun, TorchEngine, array_of, tensor_of
from dlc.runtime.executor import executor
from dlc.runtime.plan import plan_program


class Recorded:
    """In the place of CUDA: a capture whose replay computes again from the static inputs into the same outputs."""

    device = "cpu"

    def __init__(self) -> None:
        self.replays = 0

    def capture(self, function: Any, inputs: Sequence[Any]) -> tuple[Callable[[], None], Sequence[Any]]:
        outputs = [o.clone() for o in function(inputs)]

        def replay() -> None:
            self.replays += 1
            for static, fresh in zip(outputs, function(inputs), strict=True):
                static.copy_(fresh)
        return replay, outputs


def test_a_recorded_run_replays_over_static_buffers() -> None:
    """Each call copies its inputs in, replays once, and gives results that later calls leave alone."""
    program, weights = perceptron()
    plan = plan_program(program, {"N": 3})
    device = Recorded()
    function = TorchEngine(torch, weights, Setting())._function(plan)[0]
    call = GraphRun(torch, function, plan, device)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    kept = []
    for _ in range(3):
        x = rng.normal(size=(3, 8)).astype(np.float32)
        want = run(program, {"x": x, "s": np.float32(2)}, weights=weights)
        kept.append((call([x, np.array(2, np.float32)]), want))
    assert device.replays == 3
    for got, want in kept:
        for value, expected in zip(got, want.values(), strict=True):
            np.testing.assert_allclose(value, expected, atol=2e-6)


@pytest.mark.parametrize("dtype", ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "f16", "bf16", "f32", "f64",
                                   "f8e4m3", "f8e5m2"])
@pytest.mark.parametrize("shape", [(), (2, 3), (0,)])
def test_arrays_and_tensors(dtype: str, shape: tuple[int, ...]) -> None:
    """An array of each element type survives the way to torch and back, without strides, writable or not."""
    kind = DTYPES[dtype]
    array = (np.arange(max(int(np.prod(shape)), 1)) % 2)[: int(np.prod(shape))].reshape(shape).astype(kind.numpy)
    for given in (array, array.T, np.broadcast_to(array, array.shape)):
        back = array_of(torch, tensor_of(torch, given), kind)
        assert back.dtype == kind.numpy
        np.testing.assert_array_equal(back, given)


@pytest.mark.parametrize("engine", ["reference", "onnxruntime"])
def test_engines_of_the_cpu(engine: str) -> None:
    """Asked for CUDA they say that they cannot, and which engine can."""
    program, weights = perceptron()
    with pytest.raises(UsageError, match="--engine torch"):
        executor(program, weights, engine=engine, device="cuda")(np.ones((1, 8), np.float32))


def test_what_onnxruntime_lacks() -> None:
    """A model that it cannot run ends in a diagnostic with its own words, and `auto` takes another engine."""
    graph = Graph("double")
    x = graph.add_input("x", TensorType(DTYPES["f64"], (3,)))
    graph.add_output("y", Builder(graph).erf(x))
    with pytest.raises(DlcError, match="ONNX Runtime cannot run this model"):
        executor(Program(graph), {}, engine="onnxruntime")(np.zeros(3))
    auto = executor(Program(graph), {})
    assert auto(np.zeros(3))["y"].tolist() == [0, 0, 0]
    assert "onnxruntime" not in auto.report


@pytest.mark.parametrize("engine", ["reference", "torch", "onnxruntime"])
def test_control_flow(engine: str) -> None:
    """Steps that are chosen while it runs."""
    graph = Graph("loop")
    x = graph.add_input("x", TensorType(DTYPES["f32"], (2,)))
    then, other = Graph("then"), Graph("else")
    for region, operation in ((then, "exp"), (other, "neg")):
        inner = region.add_input("x", x.type)
        region.add_output("y", Builder(region).apply(operation, inner))
    b = Builder(graph)
    graph.add_output("y", b.apply("cond", b.greater(b.sum(x), 0.0), x, regions=[then, other]))
    call = executor(Program(graph), {}, engine=engine)
    np.testing.assert_allclose(call(np.array([1, 0], np.float32))["y"], [np.e, 1], rtol=1e-6)
    np.testing.assert_allclose(call(np.array([-1, 0], np.float32))["y"], [1, 0])
