"""What the executor adds to the engine's own call, in microseconds.

    python benchmarks/overhead.py

For each engine a small perceptron is called many times through the executor, and through the engine alone: the
compiled numpy plan, the PyTorch function under `inference_mode`, the ONNX Runtime session. The figures are those of
the quickest of many batches, which other work on the machine disturbs least; the difference is what is added.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

import dlc.ops  # noqa: F401
from dlc.ir.build import Builder
from dlc.ir.dim import name
from dlc.ir.graph import Graph, Program, Weight
from dlc.ir.op import Initializer
from dlc.ir.types import F32, Array, TensorType
from dlc.runtime.engines.onnxruntime import OnnxRuntimeEngine
from dlc.runtime.engines.torch import EagerRun
from dlc.runtime.executor import Executor, executor

BATCHES, CALLS = 200, 50


def perceptron() -> tuple[Program, dict[str, Array]]:
    """x: f32[N, 64] -> relu(linear) -> linear: f32[N, 10]."""
    graph = Graph("perceptron")
    b, value = Builder(graph), graph.add_input("x", TensorType(F32, (name("N"), 64)))
    weights: dict[str, Array] = {}
    rng = np.random.default_rng(0)
    for layer, (rows, columns) in {"a": (64, 64), "b": (10, 64)}.items():
        path = f"{layer}.weight"
        weight = graph.add_weight(Weight(TensorType(F32, (rows, columns)), path=path, initializer=Initializer("zeros")))
        weights[path] = rng.normal(size=(rows, columns)).astype(np.float32)
        value = b.relu(b.linear(value, weight, None))
    graph.add_output("y", value)
    return Program(graph), weights


def microseconds(*calls: Callable[[], object]) -> list[float]:
    """The least time of each call; the calls take turns, so that a busy machine slows all of them alike."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(BATCHES):
        for found, call in zip(times, calls, strict=True):
            start = perf_counter()
            for _ in range(CALLS):
                call()
            found.append((perf_counter() - start) / CALLS * 1e6)
    return [min(found) for found in times]


def engine_call(run: Executor, x: Array) -> Callable[[], object]:
    """The engine's own call for the same input."""
    (ready,) = run._ready.values()
    engine = run._opened[ready.engine]
    if isinstance(engine, OnnxRuntimeEngine):
        session, feeds = engine.session, {"x": x}
        return lambda: session.run(None, feeds)
    call = ready.call
    if isinstance(call, EagerRun):
        torch, function = call.torch, call.function

        def torch_call() -> object:
            with torch.inference_mode():
                return [t.numpy() for t in function([torch.from_numpy(x)])]
        return torch_call
    return lambda: call([x])


def main() -> None:
    program, weights = perceptron()
    x = np.random.default_rng(1).normal(size=(1, 64)).astype(np.float32)
    print(f"{'engine':<12} {'engine alone':>13} {'by position':>12} {'by name':>9} {'added':>7}   (microseconds)")
    for engine in ("reference", "torch", "onnxruntime"):
        run = executor(program, weights, engine=engine, threads=1)
        run(x)
        alone, position, by_name = microseconds(engine_call(run, x), lambda run=run: run(x), lambda run=run: run(x=x))
        print(f"{engine:<12} {alone:13.1f} {position:12.1f} {by_name:9.1f} {max(position, by_name) - alone:7.1f}")


if __name__ == "__main__":
    main()
