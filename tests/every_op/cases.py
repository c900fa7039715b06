"""Every sample of every operation as a case: arrays for its operands, and a program that holds the one call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np

import dlc.ops  # noqa: F401  (declares every operation)
from dlc.ir.build import Builder, resolve
from dlc.ir.graph import Graph, Program, Value
from dlc.ir.op import Arg, ControlFlow, Op, Problem, Sample, all_ops
from dlc.ir.types import DTYPES, F32, Array, DType, TensorType

FLOAT32_ROUNDING = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Case:
    """One sample. `dtype`, where given, takes the place of f32 (or of i64 if it is an integer) in the operands."""

    op: Op
    index: int
    sample: Sample
    dtype: DType | None = None

    def __str__(self) -> str:
        shown = ", ".join("none" if a is None else a.type for a in self.sample.arguments)
        extra = "".join(f", {k}={v!r}" for k, v in self.sample.attributes.items())
        return f"{self.op.name}({shown}{extra})" + (f" in {self.dtype}" if self.dtype else "")

    @property
    def types(self) -> list[TensorType | None]:
        """The operand types, one for each declared operand and more for a variadic one."""
        found = [None if a is None else self._type(a) for a in self.sample.arguments]
        fixed = len(self.op.operands) - self.op.variadic
        return found + [None] * (fixed - len(found))

    def _type(self, arg: Arg) -> TensorType:
        t = read_type(arg.type)
        replaced = self.dtype is not None and (t.dtype is F32 if self.dtype.is_float else t.dtype.name == "i64")
        return t.with_dtype(self.dtype) if replaced and self.dtype is not None else t

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes, in the element type of the case where they name f32."""
        if self.dtype is None or not self.dtype.is_float:
            return dict(self.sample.attributes)
        return {k: self.dtype if v in ("f32", F32) else v for k, v in self.sample.attributes.items()}

    def holds(self, dtype: DType) -> bool:
        """Whether the numbers of the sample keep their meaning in a narrow or unsigned element type."""
        limits = {"u8": (0, 255), "i8": (-128, 127), "f16": (-16, 16), "bf16": (-16, 16)}
        low, high = limits.get(dtype.name, (-np.inf, np.inf))
        bounds = [b for a, t in zip(self.sample.arguments, self.types, strict=False)
                  if a is not None and t is not None and t.dtype == dtype
                  for b in (np.ravel([a.low, a.high] if a.values is None else a.values))]
        bounds += [v for v in self.sample.attributes.values() if isinstance(v, float)] if dtype.is_float else []
        if dtype.name == "u8":
            bounds = [b for a in self.sample.arguments if a is not None and a.values is not None
                      for b in np.ravel(a.values)]
        return all(low <= b <= high for b in bounds)

    def inferred(self) -> tuple[dict[str, Any], tuple[TensorType, ...]]:
        """Canonical attributes and output types."""
        return resolve(self.op, self.types, self.attributes)

    def admitted(self) -> bool:
        """Whether the operation takes these element types."""
        try:
            self.inferred()
        except Problem:
            return False
        return True

    def arrays(self) -> list[Array | None]:
        """The operands, the same in every run; floats are exact in f32 (or in the narrower type of the case)."""
        rng = np.random.default_rng(crc32(f"{self.op.name}/{self.index}".encode()))
        drawn = [None if a is None else draw(a, t, rng)
                 for a, t in zip(self.sample.arguments, self.types, strict=False)]
        return drawn + [None] * (len(self.types) - len(drawn))


def read_type(text: str) -> TensorType:
    """The type written as in the language, of numbers."""
    found = re.fullmatch(r"(\w+?)(?:\[([\d, ]*)\])?", text)
    assert found, text
    sizes = [int(d) for d in (found[2] or "").split(",") if d.strip()]
    return TensorType(DTYPES[found[1]], tuple(sizes))


def draw(arg: Arg, t: TensorType, rng: np.random.Generator) -> Array:
    """Numbers of an operand: its own values, or numbers from [low, high)."""
    shape = tuple(int(str(d)) for d in t.shape)
    if arg.values is not None:
        return np.asarray(arg.values).astype(t.dtype.numpy).reshape(shape)
    if t.dtype.kind == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    low, high, size = arg.low, arg.high, int(np.prod(shape))
    if t.dtype.is_integer:
        if t.dtype.kind == "uint":
            low = max(low, 0)
        values = rng.permutation(np.arange(low, low + max(size, high - low)))[:size] if arg.distinct else \
            rng.integers(int(low), int(high), size)
    elif arg.distinct:
        values = rng.permutation(np.linspace(low, high, size))
    else:
        values = rng.uniform(low, high, size).astype(np.float32)
    return values.astype(t.dtype.numpy).reshape(shape)


def cases(op: Op, dtype: DType | None = None) -> list[Case]:
    """The samples of one operation."""
    return [Case(op, i, s, dtype) for i, s in enumerate(op.samples())]


@lru_cache
def testable() -> dict[str, Op]:
    """Every operation that is called with tensors alone; run-time control flow is tested with its regions elsewhere."""
    return {name: op for name, op in all_ops().items() if not isinstance(op, ControlFlow)}


def program_of(op: Op, types: Sequence[TensorType | None], attributes: Mapping[str, Any]) -> Program:
    """A program with the inputs x0, x1 ... that makes the one call; its outputs are y0, y1 ..."""
    graph = Graph("Case")
    values = [None if t is None else graph.add_input(f"x{i}", t) for i, t in enumerate(types)]
    for i, value in enumerate(results(Builder(graph), op, values, attributes)):
        graph.add_output(f"y{i}", value)
    return Program(graph)


def results(b: Builder, op: Op, values: Sequence[Value | None], attributes: Mapping[str, Any]) -> tuple[Value, ...]:
    """The outputs of a call, always as a tuple."""
    found = b.apply(op.name, *values, **attributes)
    return (found,) if isinstance(found, Value) else tuple(found)


def feeds(arrays: Sequence[Array | None]) -> dict[str, Array]:
    """The arrays by the input names of `program_of`."""
    return {f"x{i}": a for i, a in enumerate(arrays) if a is not None}


def tolerance(op: Op, exact: Sequence[Array], rounding: float = FLOAT32_ROUNDING) -> float:
    """How far a result may be from the exact ones: the op's ulps times one rounding of the largest finite number."""
    finite = [np.abs(e[np.isfinite(e)]).max(initial=0.0) for e in exact if e.dtype.kind == "f"]
    return op.ulps * rounding * max([*finite, 1e-30])


def distance(found: Array, exact: Array) -> float:
    """The greatest difference; infinities and what is not a number must stand at the same places."""
    if exact.dtype.kind != "f":
        return 0.0 if np.array_equal(found, exact) else float("inf")
    found = np.asarray(found, np.float64)
    same = (found == exact) | (np.isnan(found) & np.isnan(exact))
    with np.errstate(invalid="ignore"):
        gap = np.where(same, 0.0, np.abs(found - exact))
    return float(np.where(np.isnan(gap), np.inf, gap).max(initial=0.0))
