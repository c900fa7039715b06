"""From a program to an ONNX model: inputs, outputs, defaults, types of tensors and metadata around the nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from dlc.ir.graph import Apply, Graph, Input, Program
from dlc.ir.types import Array, TensorType
from dlc.passes.layout import assign, moved_axes
from dlc.targets.onnx.emitter import Emitter, Initializer, Store, value_info
from dlc.targets.onnx.table import AXES, ELEMENT_TYPES, IR_VERSION, OPSET, load


@dataclass(frozen=True)
class Model:
    """An ONNX model whose initializers stand beside it, so that they are loaded only when they are written.

    proto: the ModelProto without them. notes: what a user of the file should know.
    """

    proto: Any
    initializers: dict[str, Initializer]
    notes: tuple[str, ...]


def build(program: Program, weights: Mapping[str, Array], *, io_layout: str = "keep") -> Model:
    """Write a program as ONNX nodes. Operations on images are brought to channels first with the fewest transposes.

    weights: array by full path, read only when an initializer is loaded. io_layout: "native" has channels first in
    inputs and outputs too; the metadata and the notes say which.
    Raises Unsupported with every operation that ONNX cannot express.
    """
    from onnx import helper
    load().require(program)
    moved: dict[str, tuple[int, ...]] = {}
    if _has_channels_last(program):
        moved = moved_axes(program, "NCHW") if io_layout == "native" else {}
        program = assign(replace(program, values=weights), "NCHW", io=io_layout)
        weights = program.values
    entry = program.entry
    store = Store(weights)
    emitter = Emitter(store)
    for value in entry.inputs:
        store.taken.add(value.name)
    weight_names = program.weights()
    store.taken.update(weight_names)
    outputs = [store.unique(name) for name in entry.output_names]
    results = emitter.outputs(emitter.graph(entry, [v.name for v in entry.inputs]))
    renamed = dict(zip(results, outputs, strict=True))
    for node in emitter.nodes:
        _rename(node, renamed)
    defaults = [_default(value, store) for value in entry.inputs if value.default is not None]
    used = _used(emitter.nodes) | {d for d in defaults if d is not None}
    graph = helper.make_graph(
        emitter.nodes, entry.name,
        [value_info(v.name, v.type, v.doc) for v in entry.inputs],
        [value_info(n, v.type, d) for n, v, d in zip(outputs, entry.outputs, entry.output_docs, strict=True)],
        doc_string=entry.doc, value_info=_value_info(emitter, renamed))
    proto = helper.make_model(graph, producer_name="dlc", producer_version=version("dlc"), doc_string=entry.doc,
                              opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(proto, {AXES + name: ",".join(map(str, order)) for name, order in moved.items()})
    notes = [*_name_notes(entry, outputs), *store.notes,
             *(f"`{name}` has channels first in the file: its axes are {list(order)} of the model's"
               for name, order in moved.items())]
    return Model(proto, {n: i for n, i in store.initializers.items() if n in used}, tuple(notes))


def _has_channels_last(program: Program) -> bool:
    return any(isinstance(node, Apply) and node.attributes.get("layout") == "NHWC"
               for graph in program.graphs() for node in graph.walk())


def _default(value: Input, store: Store) -> str | None:
    """An initializer of the input's name holds its default; an input of open size has to be given."""
    if not all(isinstance(d, int) for d in value.type.shape):
        store.notes.append(f"the input `{value.name}` must be given: ONNX has defaults for inputs of known size only, "
                           f"this one is {value.type}")
        return None
    shape = tuple(d for d in value.type.shape if isinstance(d, int))
    dtype, default = value.type.dtype, value.default
    store.initializers[value.name] = Initializer(value.name, dtype, shape,
                                                 lambda: np.full(shape, default, dtype.numpy))
    return value.name


def _name_notes(entry: Graph, outputs: list[str]) -> list[str]:
    return [f"the output `{old}` is called `{new}`: in ONNX an input or weight has that name already"
            for old, new in zip(entry.output_names, outputs, strict=True) if old != new]


def _rename(node: Any, names: Mapping[str, str]) -> None:
    """Give tensors other names, in nested graphs too."""
    for field in (node.input, node.output):
        for i, name in enumerate(field):
            if name in names:
                field[i] = names[name]
    for attribute in node.attribute:
        for inner in attribute.g.node:
            _rename(inner, names)
        for result in attribute.g.output:
            result.name = names.get(result.name, result.name)


def _used(nodes: Any) -> set[str]:
    """Every tensor that some node reads, in nested graphs too."""
    found: set[str] = set()
    for node in nodes:
        found.update(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found |= _used(attribute.g.node)
    return found


def _value_info(emitter: Emitter, renamed: Mapping[str, str]) -> list[Any]:
    own = {o for node in emitter.nodes for o in node.output}
    done = set(renamed.values())
    types: dict[str, TensorType] = {renamed.get(n, n): t for n, t in emitter.types.items()}
    return [value_info(n, t) for n, t in types.items()
            if n in own and n not in done and t.dtype.name in ELEMENT_TYPES]
