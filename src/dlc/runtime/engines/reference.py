"""The engine `reference`: the numpy meaning of every operation, its results put where the plan says. CPU only."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dlc.diagnostics import Diagnostic, UsageError
from dlc.ir.evaluate import step as evaluate_step
from dlc.ir.graph import Apply, Program, Value
from dlc.ir.types import Array
from dlc.runtime.arena import ALIGNMENT
from dlc.runtime.engines.engine import Setting
from dlc.runtime.plan import Plan


def open_reference(program: Program, weights: Mapping[str, Array], setting: Setting) -> ReferenceEngine:
    """The engine for a program. Raises UsageError for another device than the CPU."""
    if setting.device != "cpu":
        raise UsageError(Diagnostic("E0520", "the reference engine runs on the CPU", None, expected="cpu",
                                    found=setting.device, hint="use `--engine torch` for CUDA"))
    return ReferenceEngine(weights)


class ReferenceEngine:
    """Runs plans with numpy."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.weights = weights

    def specialise(self, plan: Plan) -> ArenaRun:
        return ArenaRun(plan, self.weights)


@dataclass(frozen=True)
class _Step:
    """A node, and the slots of its operands and outputs; `ends` are slots that nobody reads afterwards."""

    node: Apply
    operands: tuple[int | None, ...]
    outputs: tuple[int, ...]
    ends: tuple[int, ...]


class ArenaRun:
    """One plan, ready to run again and again. Each call that is under way has an arena of its own."""

    def __init__(self, plan: Plan, weights: Mapping[str, Array]) -> None:
        self.plan, self.weights = plan, weights
        graph = plan.graph
        values = [*graph.inputs, *graph.weights.values(), *(v for s in plan.steps for v in s.outputs)]
        self.slots: dict[Value, int] = {value: slot for slot, value in enumerate(values)}
        self.constant = [weights[path].astype(w.type.dtype.numpy, copy=False) for path, w in graph.weights.items()]
        self.steps = self._steps()
        self.outputs = [self.slots[v] for v in graph.outputs]
        self.arenas: deque[tuple[Array, list[Array | None]]] = deque()

    def _steps(self) -> list[_Step]:
        last = {v: i for i, s in enumerate(self.plan.steps) for v in (*s.operands, *s.outputs) if v is not None}
        for value in self.plan.graph.outputs:
            last[value] = len(self.plan.steps)
        return [_Step(step, tuple(None if v is None else self.slots[v] for v in step.operands),
                      tuple(self.slots[v] for v in step.outputs),
                      tuple({self.slots[v] for v in (*step.operands, *step.outputs)
                             if v is not None and last[v] == i}))
                for i, step in enumerate(self.plan.steps)]

    def __call__(self, inputs: Sequence[Array]) -> list[Array]:
        try:
            arena, places = self.arenas.pop()
        except IndexError:
            arena, places = self._allocate()
        try:
            return self._run(inputs, places)
        finally:
            self.arenas.append((arena, places))

    def _allocate(self) -> tuple[Array, list[Array | None]]:
        """An arena, and for each slot its part of it."""
        memory = np.empty(self.plan.peak + ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % ALIGNMENT
        arena = memory[start:start + self.plan.peak]
        places: list[Array | None] = []
        for value in self.slots:
            placement = self.plan.placements[value]
            if placement.offset is None or placement.how == "view":
                places.append(None)
                continue
            part = arena[placement.offset:placement.offset + placement.nbytes]
            places.append(part.view(value.type.dtype.numpy).reshape([int(str(d)) for d in value.type.shape]))
        return arena, places

    def _run(self, inputs: Sequence[Array], places: Sequence[Array | None]) -> list[Array]:
        known: list[Array | None] = [None] * len(self.slots)
        known[:len(inputs)] = inputs
        known[len(inputs):len(inputs) + len(self.constant)] = self.constant
        sizes = dict(self.plan.sizes)
        for step in self.steps:
            arrays = [None if slot is None else known[slot] for slot in step.operands]
            results = evaluate_step(step.node, arrays, weights=self.weights, sizes=sizes)
            for slot, value, result in zip(step.outputs, step.node.outputs, results, strict=True):
                known[slot] = self._put(value, result, places[slot])
            for slot in step.ends:
                known[slot] = None
        return [np.array(known[slot]) for slot in self.outputs]

    def _put(self, value: Value, result: Array, place: Array | None) -> Array:
        """The result where the plan has it; what lies outside the arena must not be a view into it."""
        if place is not None:
            np.copyto(place, result)
            return place
        return np.array(result) if self.plan.placements[value].how == "dynamic" else result
