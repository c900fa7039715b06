"""The engine `torch`: the straight-line PyTorch source of a plan, on the CPU, or on CUDA with the launches recorded.

On CUDA a plan without run-time control flow is captured once as a CUDA Graph over static buffers: a call copies the
inputs in, replays, and copies the outputs out. Plans whose sizes or steps depend on data run step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

import ml_dtypes
import numpy as np

from dlc.diagnostics import Diagnostic, DlcError
from dlc.ir.evaluate import step
from dlc.ir.graph import Apply, Graph, Program, Weight
from dlc.ir.op import Initializer
from dlc.ir.types import Array, DType
from dlc.passes.clone import clone_graph
from dlc.passes.lower import lower_graph
from dlc.runtime.engines.engine import Call, Setting
from dlc.runtime.plan import Plan
from dlc.targets.target import need
from dlc.targets.torch import TARGET
from dlc.targets.torch.flat import straight_line

HOISTED_ELEMENTS = 2**22
"""Larger constants are made anew in every run."""

Function = Callable[[Sequence[Any]], Sequence[Any]]
"""Tensors of all inputs in order to tensors of all outputs in order."""


def open_torch(program: Program, weights: Mapping[str, Array], setting: Setting) -> TorchEngine:
    """The engine for a program. Raises MissingExtra without torch, DlcError where there is no CUDA device."""
    torch = need("torch", "torch")
    if setting.device == "cuda" and not torch.cuda.is_available():
        raise DlcError(Diagnostic("E0525", "there is no CUDA device that PyTorch can use", None,
                                  expected="a CUDA device", found=f"torch {torch.__version__} without one",
                                  hint="use `--device cpu`"))
    return TorchEngine(torch, weights, setting)


class TorchEngine:
    """Holds the weights as tensors on the device; each is converted when a plan first reads it."""

    def __init__(self, torch: Any, weights: Mapping[str, Array], setting: Setting) -> None:
        self.torch, self.weights, self.setting = torch, weights, setting
        self.tensors: dict[str, Any] = {}

    def specialise(self, plan: Plan) -> Call:
        function, tensors = self._function(plan)
        if self.setting.device == "cuda" and not depends_on_data(plan):
            return GraphRun(self.torch, function, plan, CudaGraphs(self.torch))
        held = [t.reshape(-1).view(self.torch.uint8).numpy() for t in tensors if t.device.type == "cpu" and t.numel()]
        return EagerRun(self.torch, function, plan, self.setting, held)

    def _function(self, plan: Plan) -> tuple[Function, list[Any]]:
        """The function of a plan, and the tensors that it holds."""
        graph = clone_graph(plan.graph, {})
        lower_graph(graph, TARGET.table.keeps)
        TARGET.table.require(Program(graph))
        weights = [self._weight(path) for path in graph.weights]
        weights += [tensor_of(self.torch, a).to(self.setting.device) for a in hoist_constants(graph)]
        space: dict[str, Any] = {}
        exec(compile(straight_line(graph), f"<plan of {graph.name}>", "exec"), space)  # our own source
        written = space["run"]
        return (lambda inputs: written(*inputs, *weights)), weights

    def _weight(self, path: str) -> Any:
        if path not in self.tensors:
            self.tensors[path] = tensor_of(self.torch, self.weights[path]).to(self.setting.device)
        return self.tensors[path]


def hoist_constants(graph: Graph) -> list[Array]:
    """Make weights of the tensors that need no operands, scalars apart; their arrays.

    They are computed once and not in every run, and a recorded run must not copy from the host.
    """
    arrays: list[Array] = []
    for node in graph.nodes:
        if not isinstance(node, Apply) or node.operands or node.regions or len(node.outputs) != 1:
            continue
        type = node.output.type
        if type.rank == 0 or not isinstance(type.size, int) or type.size > HOISTED_ELEMENTS:
            continue
        (array,) = step(node, [], weights={}, sizes={})
        weight = graph.add_weight(Weight(type, path=f"hoisted {len(arrays)}", initializer=Initializer("zeros")))
        graph.replace(node.output, weight)
        graph.remove(node)
        arrays.append(np.ascontiguousarray(array))
    return arrays


def depends_on_data(plan: Plan) -> bool:
    """Whether a size or a step of the plan is decided while it runs."""
    return any(step.regions for step in plan.steps) or any(p.how == "dynamic" for p in plan.placements.values())


class EagerRun:
    """Runs the function step by step. Safe to call from several threads.

    PyTorch returns views where it can. Which outputs share memory with an input, a weight in `held`, or another output
    is found out in the first call, and they are copied from then on: shapes are fixed, so it is always the same.
    """

    def __init__(self, torch: Any, function: Function, plan: Plan, setting: Setting, held: Sequence[Array]) -> None:
        self.torch, self.function, self.plan, self.setting, self.held = torch, function, plan, setting, held
        self.dtypes = [v.type.dtype for v in plan.graph.outputs]
        self.plain = setting.device == "cpu" and not any(
            v.type.dtype.numpy.name in _BITS for v in (*plan.graph.inputs, *plan.graph.outputs))
        self.shared: tuple[int, ...] | None = None

    def __call__(self, inputs: Sequence[Array]) -> list[Array]:
        torch, threads = self.torch, self.setting.threads
        if threads is not None and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with torch.inference_mode():
            arrays = self._plain(inputs) if self.plain else self._special(inputs)
        if self.shared is None:
            self.shared = self._find_shared(inputs, arrays)
        for position in self.shared:
            arrays[position] = arrays[position].copy()
        return arrays

    def _find_shared(self, inputs: Sequence[Array], results: Sequence[Array]) -> tuple[int, ...]:
        if depends_on_data(self.plan):
            return tuple(range(len(results)))
        found = []
        for i, result in enumerate(results):
            others = (*inputs, *self.held, *results[:i])
            if any(np.may_share_memory(result, other) for other in others):
                found.append(i)
        return tuple(found)

    def _plain(self, inputs: Sequence[Array]) -> list[Array]:
        """On the CPU, with element types that numpy has: nothing but the function."""
        torch = self.torch
        tensors = [torch.from_numpy(a if (f := a.flags).c_contiguous and f.writeable else np.array(a)) for a in inputs]
        return [t.numpy() for t in self.function(tensors)]

    def _special(self, inputs: Sequence[Array]) -> list[Array]:
        tensors = [tensor_of(self.torch, a).to(self.setting.device) for a in inputs]
        results = self.function(tensors)
        return [array_of(self.torch, t, d) for t, d in zip(results, self.dtypes, strict=True)]


class CudaGraphs:
    """The calls to the CUDA runtime that a captured run needs."""

    device = "cuda"

    def __init__(self, torch: Any) -> None:
        self.torch = torch

    def capture(self, function: Function, inputs: Sequence[Any]) -> tuple[Callable[[], None], Sequence[Any]]:
        """Record the launches of one run over these tensors: how to replay them, and the tensors of the outputs."""
        torch = self.torch
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # libraries choose and load their kernels before anything is recorded
            for _ in range(2):
                function(inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = function(inputs)
        return graph.replay, outputs


class GraphRun:
    """Static buffers around a recorded run. Calls from several threads wait for each other."""

    def __init__(self, torch: Any, function: Function, plan: Plan, device: CudaGraphs) -> None:
        self.torch, self.plan, self.lock = torch, plan, Lock()
        self.dtypes = [v.type.dtype for v in plan.graph.outputs]
        with torch.inference_mode():
            empty = [np.zeros([int(str(d)) for d in v.type.shape], v.type.dtype.numpy) for v in plan.graph.inputs]
            self.inputs = [tensor_of(torch, a).to(device.device) for a in empty]
            self.replay, self.outputs = device.capture(function, self.inputs)

    def __call__(self, inputs: Sequence[Array]) -> list[Array]:
        torch = self.torch
        with self.lock, torch.inference_mode():
            for static, array in zip(self.inputs, inputs, strict=True):
                static.copy_(tensor_of(torch, array))
            self.replay()
            return [np.array(array_of(torch, t, d)) for t, d in zip(self.outputs, self.dtypes, strict=True)]


_BITS = {"bfloat16": (np.int16, "bfloat16"), "float8_e4m3fn": (np.int8, "float8_e4m3fn"),
         "float8_e5m2": (np.int8, "float8_e5m2")}


def tensor_of(torch: Any, array: Array) -> Any:
    """A tensor on the CPU over the memory of an array, which is copied only where torch cannot share it."""
    special = _BITS.get(array.dtype.name)
    if special is not None:
        bits = np.array(array).view(special[0])
        return torch.from_numpy(bits).view(getattr(torch, special[1]))
    if not array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array)
    return torch.from_numpy(array)


def array_of(torch: Any, tensor: Any, dtype: DType) -> Array:
    """The array of a tensor, over its memory where that is on the CPU."""
    tensor = tensor.detach().cpu()
    special = _BITS.get(dtype.numpy.name)
    if special is None:
        result: Array = tensor.numpy()
        return result
    kind: Any = getattr(ml_dtypes, special[1])
    whole: Array = tensor.contiguous().view(torch.int16 if special[0] is np.int16 else torch.int8).numpy().view(kind)
    return whole
