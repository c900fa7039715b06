"""Gradients of a case three ways: by the rules of dlc, by central differences, and by torch autograd."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program
from dlc.ir.types import F64, Array, TensorType
from dlc.passes.autodiff import gradients
from every_op.cases import Case, feeds, program_of, results

STEP = 1e-5
PROBES = 12
"""How many elements of each operand are moved; a random direction over all of them is added."""

LACKING: dict[str, tuple[tuple[int, ...], str]] = {
    "batch_norm": ((1, 2), "torch has no derivative for the running statistics"),
    "floor_divide": ((0, 1), "torch has no derivative of it"),
    "hard_sigmoid": ((0,), "torch's derivative is 1/6 rounded to f32, even in f64"),
    "nll_loss": ((2,), "torch has no derivative for the weight"),
    "cross_entropy": ((2,), "torch has no derivative for the weight"),
    "binary_cross_entropy": ((2,), "torch has no derivative for the weight"),
    "binary_cross_entropy_with_logits": ((2, 3), "torch has no derivative for the weights"),
    "soft_margin_loss": ((1,), "torch has no derivative for the target"),
}
"""Operands whose gradient torch cannot judge, by operation, and why; differences still do."""

DETACHED = {
    "stop_gradient": "that is what it is for",
    "embedding": "the padding row receives no gradient, though the result depends on it",
    "gaussian_nll_loss": "the lower bound of the variance is no part of the gradient",
}
"""Operations whose gradient is by definition not the slope; torch still judges it."""

ONCE = {
    "gaussian_nll_loss": "the lower bound of the variance is no part of the gradient",
    "prod": "where elements are zero the gradient chooses by a mask, which is constant",
}
"""Operations whose second derivative is not promised at every sample, and why."""


class Differentiation:
    """One case in float64, with a random weight for each element of its results: loss = sum(weight * result)."""

    def __init__(self, case: Case) -> None:
        self.case = Case(case.op, case.index, case.sample, F64)
        self.arrays = self.case.arrays()
        self.program = program_of(self.case.op, self.case.types, self.case.attributes)
        rng = np.random.default_rng(case.index)
        self.seeds: list[Array | None] = [
            rng.uniform(0.5, 1.5, tuple(int(str(d)) for d in v.type.shape)) if v.type.dtype.is_float else None
            for v in self.program.entry.outputs]
        self.floats = [i for i, a in enumerate(self.arrays) if a is not None and a.dtype.kind == "f"]

    @property
    def exists(self) -> bool:
        """Whether there is anything to differentiate."""
        return bool(self.floats) and any(s is not None for s in self.seeds)

    def by_rules(self) -> dict[int, Array | None]:
        """The gradient of each floating-point operand by `passes.autodiff`; None where no result depends on it."""
        graph = Graph("Gradient")
        b = Builder(graph)
        xs = [None if t is None else graph.add_input(f"x{i}", t) for i, t in enumerate(self.case.types)]
        ys = results(b, self.case.op, xs, self.case.attributes)
        seeds = [None if s is None else graph.add_input(f"seed{i}", TensorType(F64, s.shape))
                 for i, s in enumerate(self.seeds)]
        wanted = [x for i, x in enumerate(xs) if i in self.floats and x is not None]
        pairs = [(y, s) for y, s in zip(ys, seeds, strict=True) if s is not None]
        found = gradients(b, [y for y, _ in pairs], wanted, [s for _, s in pairs])
        for i, g in zip(self.floats, found, strict=True):
            if g is not None:
                graph.add_output(f"d{i}", g)
        given = {**feeds(self.arrays), **{f"seed{i}": s for i, s in enumerate(self.seeds) if s is not None}}
        values = run(Program(graph), given, weights={}, precision="float64")
        return {i: values.get(f"d{i}") for i in self.floats}

    def change(self, operand: int, step: Array) -> float:
        """How much the loss changes when the operand moves from -step to step; differences first, then the sum."""
        after, before = (run(self.program, feeds(self._moved(operand, s)), weights={}, precision="float64")
                         for s in (step, -step))
        return float(sum((s * (after[f"y{i}"] - before[f"y{i}"])).sum()
                         for i, s in enumerate(self.seeds) if s is not None))

    def by_differences(self, operand: int) -> list[tuple[Array, float]]:
        """Directions in which the operand is moved, and the slope of the loss along each."""
        x = self.arrays[operand]
        assert x is not None
        rng = np.random.default_rng(operand)
        directions = [rng.uniform(-1, 1, x.shape)] if x.size else []
        for place in rng.permutation(x.size)[:PROBES]:
            direction = np.zeros(x.size)
            direction[place] = 1.0
            directions.append(direction.reshape(x.shape))
        return [(d, self.change(operand, d * STEP) / (2 * STEP)) for d in directions]

    def _moved(self, operand: int, step: Array) -> list[Array | None]:
        moved = list(self.arrays)
        original = moved[operand]
        assert original is not None
        moved[operand] = original + step
        return moved

    def second(self) -> tuple[float, float]:
        """The slope of the sum of all gradients along a random direction: by the rules, applied twice, and by
        differences of the rules applied once."""
        graph = Graph("Second")
        b = Builder(graph)
        xs = [None if t is None else graph.add_input(f"x{i}", t) for i, t in enumerate(self.case.types)]
        ys = [y for y in results(b, self.case.op, xs, self.case.attributes) if y.type.dtype.is_float]
        wanted = [x for i, x in enumerate(xs) if i in self.floats and x is not None]
        once = [g for g in gradients(b, ys, wanted) if g is not None]
        twice = gradients(b, once, wanted)
        for word, values in (("once", once), ("twice", twice)):
            for i, value in enumerate(values):
                if value is not None:
                    graph.add_output(f"{word}{i}", value)
        rng = np.random.default_rng(7)
        step = {i: rng.uniform(-1, 1, np.shape(self.arrays[i])) for i in self.floats}
        program = Program(graph)

        def at(scale: float) -> dict[str, Array]:
            moved = [a + scale * step[i] if i in step and a is not None else a for i, a in enumerate(self.arrays)]
            return run(program, feeds(moved), weights={}, precision="float64") if graph.outputs else {}
        after, before, here = at(STEP), at(-STEP), at(0.0)
        by_differences = sum(float((after[n] - before[n]).sum()) for n in here if n.startswith("once")) / (2 * STEP)
        by_rules = sum(float((here[f"twice{k}"] * step[i]).sum()) for k, i in enumerate(self.floats)
                       if f"twice{k}" in here)
        return by_rules, by_differences

    def by_torch(self, function: Callable[..., object]) -> dict[int, Array]:
        """The gradients that torch autograd gives for the same function, of the operands for which it has one."""
        import torch

        lacking, _ = LACKING.get(self.case.op.name, ((), ""))
        operands = [i for i in self.floats if i not in lacking]
        if not operands:
            return {}
        tensors = [None if a is None else torch.tensor(a) for a in self.arrays]
        for i in operands:
            tensor = tensors[i]
            assert tensor is not None
            tensor.requires_grad_()
        canonical, _ = self.case.inferred()
        found = function(*tensors, **canonical)
        ys = found if isinstance(found, (tuple, list)) else [found]
        loss = sum((torch.tensor(s) * y).sum() for s, y in zip(self.seeds, ys, strict=True) if s is not None)
        if not getattr(loss, "requires_grad", False):
            return {i: np.zeros_like(self.arrays[i]) for i in operands}
        slopes = torch.autograd.grad(loss, [tensors[i] for i in operands], allow_unused=True)  # type: ignore[arg-type]
        return {i: np.zeros_like(self.arrays[i]) if g is None else g.numpy()
                for i, g in zip(operands, slopes, strict=True)}
