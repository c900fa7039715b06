"""The meaning of a graph: numpy references, node by node, in float32 or float64.

Everything else is compared with this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from dlc.ir.build import body_graph
from dlc.ir.dim import Expr, names, solve
from dlc.ir.dim import evaluate as size_of
from dlc.ir.graph import Apply, Assumption, Call, Graph, Node, Program, Value, Weight, join
from dlc.ir.op import Composite, ControlFlow, Op, Primitive
from dlc.ir.types import F64, Array, DType, TensorType, dtype_of


class SizeMismatch(ValueError):
    """An array whose shape does not fit the declared type, or an assumption that does not hold."""


def run(program: Program, inputs: Mapping[str, Array], *, weights: Mapping[str, Array],
        precision: str = "float32") -> dict[str, Array]:
    """The outputs of a program by name.

    inputs: array by input name; optional inputs may be left out. weights: array by full path.
    precision: "float32" computes in the declared element types, "float64" all floats in float64.
    Raises SizeMismatch for arrays that do not fit.
    """
    double = precision == "float64"
    sizes = bind(program.entry.inputs, inputs, program.assumptions)
    arrays = [_input(value, inputs, sizes, double) for value in program.entry.inputs]
    results = _Run(weights, sizes, double).graph(program.entry, arrays, "")
    return dict(zip(program.entry.output_names, results, strict=True))


def bind(declared: Sequence[Value], inputs: Mapping[str, Array | TensorType],
         assumptions: Sequence[Assumption] = ()) -> dict[str, int]:
    """The named sizes that follow from the shapes of the arrays.

    Raises SizeMismatch naming both places of a conflict.
    """
    sizes: dict[str, int] = {}
    origin: dict[str, str] = {}
    pairs = [(v, i, d, n) for v in declared if v.name in inputs
             for i, (d, n) in enumerate(zip(v.type.shape, _shape(v, inputs[v.name]), strict=True))]
    for _ in range(2):
        for value, axis, dim, size in pairs:
            solved = solve(dim, size, sizes)
            if solved is not None:
                sizes[solved[0]] = solved[1]
                origin[solved[0]] = f"axis {axis} of `{value.name}`"
    for assumption in assumptions:
        if assumption.names <= sizes.keys() and not assumption.holds(sizes):
            given = ", ".join(f"{n} = {sizes[n]}" for n in sorted(assumption.names))
            raise SizeMismatch(assumption.message or f"the model assumes {assumption}, but {given}")
    for value, axis, dim, size in pairs:
        try:
            expected = size_of(dim, sizes)
        except KeyError as error:
            raise SizeMismatch(f"the size {error.args[0]!r} in the type of `{value.name}` ({value.type}) cannot be "
                               f"found from the shapes of the inputs") from error
        if expected != size:
            because = ", ".join(f"{n} = {sizes[n]} from {origin[n]}" for n in sorted(names(dim)) if n in origin)
            raise SizeMismatch(f"`{value.name}` has size {size} on axis {axis}, expected {dim}"
                               + (f" = {expected} ({because})" if isinstance(dim, Expr) else ""))
    return sizes


def _shape(value: Value, given: Array | TensorType) -> tuple[int, ...]:
    shape = tuple(given.shape)
    if len(shape) != value.type.rank:
        raise SizeMismatch(f"`{value.name}` has shape {list(shape)}, expected rank {value.type.rank}: {value.type}")
    return shape


def _input(value: Any, inputs: Mapping[str, Array], sizes: Mapping[str, int], double: bool) -> Array:
    dtype = working(value.type.dtype, double)
    if value.name in inputs:
        return np.asarray(inputs[value.name]).astype(dtype.numpy, copy=False)
    if value.default is None:
        raise SizeMismatch(f"the input `{value.name}` ({value.type}) is missing")
    return np.full([size_of(d, sizes) for d in value.type.shape], value.default, dtype.numpy)


def working(dtype: DType, double: bool) -> DType:
    """The element type that is computed in: every float is f64 when `double`."""
    return F64 if double and dtype.is_float else dtype


class _Run:
    """One evaluation: the weights, the sizes that are known, the precision."""

    def __init__(self, weights: Mapping[str, Array], sizes: dict[str, int], double: bool) -> None:
        self.weights, self.sizes, self.double = weights, sizes, double

    def graph(self, graph: Graph, arrays: Sequence[Array | None], prefix: str) -> list[Array]:
        known: dict[Value, Array | None] = dict(zip(graph.inputs, arrays, strict=True))
        for path, weight in graph.weights.items():
            dtype = working(weight.type.dtype, self.double)
            known[weight] = self.weights[prefix + path].astype(dtype.numpy, copy=False)
        readers = {v: len(v.uses) for v in known}
        for value in graph.outputs:
            readers[value] = readers.get(value, 0) + 1
        for node in graph.nodes:
            results = self.node(node, [None if v is None else known[v] for v in node.operands], prefix)
            for value, array in zip(node.outputs, results, strict=True):
                known[value] = array
                readers[value] = readers.get(value, 0) + len(value.uses)
                self.learn(value, array)
            self._release(node, known, readers)
        return [known[v] for v in graph.outputs]  # type: ignore[misc]

    def learn(self, value: Value, array: Array) -> None:
        """Sizes that depend on data become known where they are made."""
        for dim, size in zip(value.type.shape, array.shape, strict=True):
            if isinstance(dim, Expr):
                solved = solve(dim, size, self.sizes)
                if solved is not None:
                    self.sizes[solved[0]] = solved[1]

    @staticmethod
    def _release(node: Node, known: dict[Value, Array | None], readers: dict[Value, int]) -> None:
        for value in node.operands:
            if value is not None:
                readers[value] -= 1
                if not readers[value]:
                    known[value] = None

    def node(self, node: Node, arrays: Sequence[Array | None], prefix: str) -> Sequence[Array]:
        if isinstance(node, Call):
            return self.graph(node.block, arrays, join(prefix, node.instance))
        assert isinstance(node, Apply)
        attributes = concrete(node.attributes, self.sizes, self.double)
        if isinstance(node.op, ControlFlow):
            return node.op.execute(node, arrays, lambda region, inner: self.graph(region, inner, prefix), **attributes)
        return apply(node.op, arrays, attributes)


class _Trace(_Run):
    """An evaluation that keeps what every named value, layer and block instance came to, by path."""

    def __init__(self, weights: Mapping[str, Array], sizes: dict[str, int], double: bool) -> None:
        super().__init__(weights, sizes, double)
        self.found: dict[str, Array] = {}

    def node(self, node: Node, arrays: Sequence[Array | None], prefix: str) -> Sequence[Array]:
        results = super().node(node, arrays, prefix)
        for value, array in zip(node.outputs, results, strict=True):
            name = prefix + (_own_name(node) or value.name)
            if name != prefix:
                self.found.setdefault(name if len(node.outputs) == 1 else f"{name}:{value.index}", array)
        return results


def _own_name(node: Node) -> str:
    """The instance of a call, the label of a layer; empty for others."""
    if isinstance(node, Call):
        return node.instance
    weights = (v for v in node.operands if isinstance(v, Weight))
    return next((w.path.rpartition(".")[0] for w in weights), "")


def trace(program: Program, inputs: Mapping[str, Array], *, weights: Mapping[str, Array],
          precision: str = "float32") -> dict[str, Array]:
    """What every named value, layer and block instance comes to, by path, in the order of evaluation."""
    double = precision == "float64"
    sizes = bind(program.entry.inputs, inputs, program.assumptions)
    tracer = _Trace(weights, sizes, double)
    tracer.graph(program.entry, [_input(v, inputs, sizes, double) for v in program.entry.inputs], "")
    return tracer.found


def step(node: Node, arrays: Sequence[Array | None], *, weights: Mapping[str, Array],
         sizes: dict[str, int]) -> Sequence[Array]:
    """One node of a flat graph on arrays, in the declared element types.

    weights: array by full path, for weights in regions. sizes: the named sizes known so far; those that depend on
    data are entered.
    """
    run = _Run(weights, sizes, False)
    results = run.node(node, arrays, "")
    for value, array in zip(node.outputs, results, strict=True):
        run.learn(value, array)
    return results


def apply(op: Op, arrays: Sequence[Array | None], attributes: Mapping[str, Any]) -> tuple[Array, ...]:
    """One operation on arrays, with attributes that hold no named sizes."""
    if isinstance(op, Primitive):
        with np.errstate(all="ignore"):
            result = op.evaluate(*arrays, **attributes)
        return tuple(np.asarray(r) for r in result) if isinstance(result, (tuple, list)) else (np.asarray(result),)
    assert isinstance(op, Composite), op
    types = tuple(None if a is None else TensorType(dtype_of(a), a.shape) for a in arrays)
    graph = _body(op, types, tuple(attributes.items()))
    return tuple(_Run({}, {}, False).graph(graph, [a for a in arrays if a is not None], ""))


@lru_cache(maxsize=512)
def _body(op: Op, types: tuple[TensorType | None, ...], attributes: tuple[tuple[str, Any], ...]) -> Graph:
    return body_graph(op, types, dict(attributes))


def concrete(attributes: Mapping[str, Any], sizes: Mapping[str, int], double: bool = False) -> dict[str, Any]:
    """Attributes with every named size replaced by its number, and every float type by f64 when `double`."""
    return {name: _concrete(value, sizes, double) for name, value in attributes.items()}


def _concrete(value: Any, sizes: Mapping[str, int], double: bool) -> Any:
    if isinstance(value, Expr):
        return size_of(value, sizes)
    if isinstance(value, DType):
        return working(value, double)
    if isinstance(value, tuple):
        return tuple(_concrete(v, sizes, double) for v in value)
    return value
