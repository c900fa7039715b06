"""Emitting ONNX nodes: names, scopes, constants, sizes and nested graphs.

The emitter walks blocks where they are called, so that the written graph is flat and its node names tell the scope
(`/layer1.0/conv1/Conv`). A composite operation that the table has no writer for is written through its definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from dlc.diagnostics import Diagnostic, Unsupported
from dlc.ir.build import body_graph
from dlc.ir.graph import Apply, Call, Graph, Node, Value, Weight, join
from dlc.ir.op import Composite, Op, Problem
from dlc.ir.types import Array, DType, TensorType, dtype_of
from dlc.targets.onnx.sizes import Sizes
from dlc.targets.onnx.table import ELEMENT_TYPES, TABLE
from dlc.targets.onnx.widening import is_narrow, wide, widened


@dataclass(frozen=True)
class Initializer:
    """A tensor stored in the file, loaded when it is written: `load()` gives an array of that type."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    load: Callable[[], Array]

    @property
    def nbytes(self) -> int:
        """Its size in the file; two 4-bit integers share a byte."""
        count = int(np.prod(self.shape, dtype=np.int64))
        return (count + 1) // 2 if self.dtype.bits == 4 else count * self.dtype.numpy.itemsize


class Store:
    """What the graphs of one file share: names that are taken, initializers, notes for the reader."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.weights = weights
        self.taken: set[str] = set()
        self.counters: dict[str, int] = {}
        self.initializers: dict[str, Initializer] = {}
        self.constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self.derived: dict[tuple[str, tuple[str, ...]], str] = {}
        self.notes: list[str] = []

    def unique(self, text: str) -> str:
        """`text`, or `text_1`, `text_2`, ... where it is taken."""
        candidate = text
        while candidate in self.taken:
            self.counters[text] = self.counters.get(text, 0) + 1
            candidate = f"{text}_{self.counters[text]}"
        self.taken.add(candidate)
        return candidate

    def note(self, text: str) -> None:
        """Keep a sentence for the reader, once."""
        if text not in self.notes:
            self.notes.append(text)

    def weight(self, path: str, type: TensorType) -> str:
        """The initializer of a weight, named by its path."""
        for dim in type.shape:
            if not isinstance(dim, int):
                raise Unsupported(Diagnostic("E0613", f"the weight `{path}` has the size {dim}, which is no number",
                                             None, hint="ONNX stores weights of known size only"))
        if path not in self.initializers:
            dtype = type.dtype
            shape = tuple(d for d in type.shape if isinstance(d, int))
            self.taken.add(path)
            self.initializers[path] = Initializer(
                path, dtype, shape, lambda: self.weights[path].astype(dtype.numpy, copy=False).reshape(shape))
        return path

    def constant(self, array: Array) -> str:
        """An initializer for a constant; equal ones are stored once."""
        array = np.asarray(array)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self.constants:
            name = self.constants[key] = self.unique("constant")
            self.initializers[name] = Initializer(name, dtype_of(array), array.shape, lambda: array)
        return self.constants[key]


class Emitter:
    """Collects the nodes of one ONNX graph. Calling it emits a node and gives the name of its output.

    Names of omitted optional inputs are None. With `outputs=n` a list of names is given.
    """

    def __init__(self, store: Store, parent: Emitter | None = None) -> None:
        self.store, self.parent = store, parent
        self.nodes: list[Any] = []
        self.types: dict[str, TensorType] = {}
        self.scope: str = parent.scope if parent is not None else ""
        self.doc = ""
        self.prefix: str = parent.prefix if parent is not None else ""
        self.sizes: Sizes = Sizes(self, store.constant, parent.sizes if parent is not None else None)

    def __call__(self, op_type: str, *inputs: str | None, outputs: int = 1, **attributes: Any) -> Any:
        from onnx import helper
        where = f"{self.scope}/{op_type}"
        names = [self.store.unique(f"{where}_output_{i}") for i in range(outputs)]
        given = list(inputs)
        while given and given[-1] is None:
            given.pop()
        node = helper.make_node(op_type, ["" if i is None else i for i in given], names, name=self.store.unique(where),
                                **{k: v for k, v in attributes.items() if v is not None})
        if self.doc:
            node.doc_string = self.doc
        self.nodes.append(node)
        return names[0] if outputs == 1 else names

    # --- pieces that writers share ---

    def constant(self, value: Any, dtype: DType | None = None) -> str:
        """The name of a constant: int64 for whole numbers unless the element type is given."""
        with np.errstate(over="ignore"):  # a bound beyond a narrow type is infinite in it
            array = np.asarray(value) if dtype is None else np.asarray(value).astype(dtype.numpy)
        return self.store.constant(array)

    def ints(self, values: Iterable[int]) -> str:
        """An int64 vector."""
        return self.store.constant(np.array(list(values), np.int64))

    def cast(self, x: str, dtype: DType) -> str:
        return str(self("Cast", x, to=ELEMENT_TYPES[dtype.name]))

    def transpose(self, x: str, axes: Sequence[int]) -> str:
        return x if list(axes) == list(range(len(axes))) else str(self("Transpose", x, perm=list(axes)))

    def derived(self, suffix: str, inputs: Sequence[str], function: Callable[..., Array]) -> str | None:
        """An initializer computed from initializers when the file is written; None if an input is not one."""
        known = self.store.derived.get((suffix, tuple(inputs)))
        if known is not None:
            return known
        sources = [self.store.initializers.get(i) for i in inputs]
        if any(s is None for s in sources):
            return None
        empty = [np.empty(s.shape, s.dtype.numpy) for s in sources if s is not None]
        like = function(*empty)
        name = self.store.derived[suffix, tuple(inputs)] = self.store.unique(f"{inputs[0]}{suffix}")
        self.store.initializers[name] = Initializer(
            name, dtype_of(like), like.shape,
            lambda: np.ascontiguousarray(function(*(s.load() for s in sources if s is not None))))
        return name

    # --- graphs, blocks and operations ---

    def graph(self, graph: Graph, inputs: Sequence[str | None]) -> list[str]:
        """Emit the nodes of a graph on these inputs; the names of its outputs."""
        names: dict[Value, str | None] = dict(zip(graph.inputs, inputs, strict=True))
        for value, name in names.items():
            if name is not None:
                self.sizes.learn(name, value.type)
        for path, weight in graph.weights.items():
            names[weight] = self.store.weight(self.prefix + path, weight.type)
        for node in graph.nodes:
            outputs = self._node(node, [None if v is None else names[v] for v in node.operands])
            for value, name in zip(node.outputs, outputs, strict=True):
                names[value] = name
                self.types.setdefault(name, value.type)
                self.sizes.learn(name, value.type)
        return [str(names[v]) for v in graph.outputs]

    def _node(self, node: Node, inputs: Sequence[str | None]) -> Sequence[str]:
        scope, prefix, doc = self.scope, self.prefix, self.doc
        try:
            if isinstance(node, Call):
                self.scope = f"{scope}/{node.instance}" if node.instance else scope
                self.prefix = join(prefix, node.instance)
                return self.graph(node.block, inputs)
            assert isinstance(node, Apply)
            self.scope, self.doc = scope + _layer(node), node.doc or doc
            return self.apply(node, inputs)
        finally:
            self.scope, self.prefix, self.doc = scope, prefix, doc

    def apply(self, node: Apply, inputs: Sequence[str | None]) -> Sequence[str]:
        """Emit one operation, through its definition where the table has no writer for it."""
        wider = widened(node)
        if wider is not None:
            return self._apply_wider(node, wider, inputs)
        writer = TABLE.writer(node)
        if writer is not None:
            result = writer(self, node, *inputs)
            return [result] if isinstance(result, str) else list(result)
        reason = TABLE.refusal(node)
        if reason is not None or not isinstance(node.op, Composite):
            message = f"onnx cannot express `{node.op.name}`: {reason}"
            raise Unsupported(Diagnostic("E0601", message, node.span))
        types = tuple(None if v is None else v.type for v in node.operands)
        try:
            body = _definition(node.op, types, tuple(node.attributes.items()))
        except Problem as problem:
            raise Unsupported(Diagnostic("E0601", f"onnx cannot express `{node.op.name}`: {problem.message}", node.span,
                                         problem.expected, problem.found, problem.hint)) from problem
        return self.graph(body, [i for i in inputs if i is not None])

    def _apply_wider(self, node: Apply, wider: Apply, inputs: Sequence[str | None]) -> Sequence[str]:
        """Cast narrow integers, do the operation, and cast back what was one."""
        given = [i if i is None or v is None or not is_narrow(v.type) else self.cast(i, wide(v.type).dtype)
                 for i, v in zip(inputs, node.operands, strict=True)]
        results = self.apply(wider, given)
        return [self.cast(r, v.type.dtype) if is_narrow(v.type) else r
                for r, v in zip(results, node.outputs, strict=True)]

    def region(self, name: str, formal: Sequence[TensorType], results: Sequence[TensorType],
               emit: Callable[[Emitter, list[str]], Sequence[str]]) -> Any:
        """A nested graph. It has inputs of the types `formal`; `emit(inner, names)` fills it and gives its outputs.

        Names of this graph may be read inside.
        """
        from onnx import helper
        inner = Emitter(self.store, self)
        names = [self.store.unique(f"{inner.scope}/{name}_input_{i}") for i in range(len(formal))]
        for given, type in zip(names, formal, strict=True):
            inner.sizes.learn(given, type)
        outputs = inner.outputs(emit(inner, names))
        return helper.make_graph(
            inner.nodes, name, [value_info(n, t) for n, t in zip(names, formal, strict=True)],
            [value_info(n, t) for n, t in zip(outputs, results, strict=True)])

    def outputs(self, names: Sequence[str]) -> list[str]:
        """The names with an Identity wherever one is no tensor of this graph's own nodes, or stands twice."""
        own = {o for node in self.nodes for o in node.output}
        seen: set[str] = set()
        results: list[str] = []
        for name in names:
            results.append(str(self("Identity", name)) if name in seen or name not in own else name)
            seen.add(results[-1])
        return results


def value_info(name: str, type: TensorType, doc: str = "") -> Any:
    """The ValueInfoProto of a tensor; named sizes and expressions are written as text."""
    from onnx import helper
    shape = [d if isinstance(d, int) else str(d) for d in type.shape]
    return helper.make_tensor_value_info(name, ELEMENT_TYPES[type.dtype.name], shape, doc_string=doc)


def _layer(node: Apply) -> str:
    """The scope of an operation that owns weights: `/conv1` where its weight is `conv1.weight`."""
    for operand in node.operands:
        if isinstance(operand, Weight) and "." in operand.path:
            return "/" + operand.path.rpartition(".")[0].replace(".", "/")
    return ""


@lru_cache(maxsize=4096)
def _definition(op: Op, types: tuple[TensorType | None, ...], attributes: tuple[tuple[str, Any], ...]) -> Graph:
    return body_graph(op, types, dict(attributes))
