"""A program that computes all floating-point numbers in another element type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlc.ir.graph import Graph, Program, Value, regions
from dlc.ir.types import Array, DType
from dlc.passes.clone import clone


def retype(program: Program, dtype: DType) -> Program:
    """A copy in which every float tensor and every float type among the attributes is `dtype`."""
    copy = clone(program)
    for graph in copy.graphs():
        for value in _values(graph):
            if value.type.dtype.is_float:
                value.type = value.type.with_dtype(dtype)
        for node in graph.walk():
            attributes: dict[str, Any] = getattr(node, "attributes", {})
            for name, attribute in attributes.items():
                if isinstance(attribute, DType) and attribute.is_float:
                    attributes[name] = dtype
    return copy


def _values(graph: Graph) -> Iterator[Value]:
    yield from graph.inputs
    yield from graph.weights.values()
    for node in graph.nodes:
        yield from node.outputs
        for region in regions(node):
            yield from _values(region)


class _Retyped(Mapping[str, Array]):
    """Weights converted when they are asked for."""

    def __init__(self, weights: Mapping[str, Array], dtype: DType) -> None:
        self._weights, self._dtype = weights, dtype

    def __getitem__(self, path: str) -> Array:
        array = self._weights[path]
        is_float = array.dtype.kind == "f" or array.dtype.name == "bfloat16"
        return array.astype(self._dtype.numpy, copy=False) if is_float else array

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


def retyped_weights(weights: Mapping[str, Array], dtype: DType) -> Mapping[str, Array]:
    """The weights with every float array in `dtype`, each converted when it is read."""
    return _Retyped(weights, dtype)
