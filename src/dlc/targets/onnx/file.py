"""ONNX files: written tensor by tensor, so that the weights are never held a second time.

Up to `EMBEDDED_LIMIT` bytes of weights are in the file itself; beyond, they are beside it in `<name>.data`, aligned so
that they can be mapped into memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from dlc.ir.types import Array
from dlc.targets.onnx.build import Model
from dlc.targets.onnx.emitter import Initializer
from dlc.targets.onnx.table import ELEMENT_TYPES

EMBEDDED_LIMIT = 1_900_000_000
"""Bytes of weights above which they are written beside the file; a protobuf message ends at 2 GiB."""

ALIGNMENT = 4096
"""Where tensors beside the file begin: at whole memory pages."""

INLINE_BYTES = 4096
"""Tensors up to this size are always in the file: shape inference reads the small ones."""

_GRAPH, _INITIALIZER, _RAW_DATA = 7, 5, 9
"""The field numbers of ModelProto.graph, GraphProto.initializer and TensorProto.raw_data."""


def save(model: Model, path: Path, *, embedded_limit: int = EMBEDDED_LIMIT) -> list[Path]:
    """Write the model; the files that were written. An existing file is replaced."""
    tensors = list(model.initializers.values())
    if sum(t.nbytes for t in tensors) <= embedded_limit:
        with path.open("wb") as file:
            for chunk in embedded(model):
                file.write(chunk)
        return [path]
    beside = path.with_name(path.name + ".data")
    with beside.open("wb") as data:
        protos = [_inline(t) if t.nbytes <= INLINE_BYTES else _external(t, beside.name, _append(data, t))
                  for t in tensors]
    path.write_bytes(_with_initializers(model, protos).SerializeToString())
    return [path, beside]


def embedded(model: Model) -> Iterator[bytes | memoryview]:
    """The bytes of a model with its weights inside, in pieces.

    A ModelProto is its other fields, then the graph: the nodes, then one TensorProto after the other, whose raw data
    comes last. Lengths are known before any tensor is loaded.
    """
    from onnx import ModelProto
    rest = ModelProto()
    rest.CopyFrom(model.proto)
    rest.ClearField("graph")
    graph = model.proto.graph.SerializeToString()
    heads = [(t, _head(t)) for t in model.initializers.values()]
    length = len(graph)
    for tensor, head in heads:
        size = len(head) + tensor.nbytes
        length += len(_field(_INITIALIZER, size)) + size
    yield rest.SerializeToString()
    yield _field(_GRAPH, length)
    yield graph
    for tensor, head in heads:
        yield _field(_INITIALIZER, len(head) + tensor.nbytes)
        yield head
        yield raw(tensor.load())


def external(model: Model) -> tuple[bytes, list[Initializer]]:
    """The bytes of a model without its large tensors, and these, which the session is to be given by name."""
    tensors = model.initializers.values()
    large = [t for t in tensors if t.nbytes > INLINE_BYTES]
    protos = [_inline(t) if t.nbytes <= INLINE_BYTES else _external(t, "given", (0, t.nbytes)) for t in tensors]
    return bytes(_with_initializers(model, protos).SerializeToString()), large


def _with_initializers(model: Model, protos: Iterable[Any]) -> Any:
    from onnx import ModelProto
    proto = ModelProto()
    proto.CopyFrom(model.proto)
    proto.graph.initializer.extend(protos)
    return proto


def _head(tensor: Initializer) -> bytes:
    """A TensorProto up to the first byte of its raw data."""
    return bytes(_tensor(tensor).SerializeToString()) + _field(_RAW_DATA, tensor.nbytes)


def _tensor(tensor: Initializer) -> Any:
    from onnx import TensorProto
    return TensorProto(name=tensor.name, dims=list(tensor.shape), data_type=ELEMENT_TYPES[tensor.dtype.name])


def _inline(tensor: Initializer) -> Any:
    proto = _tensor(tensor)
    proto.raw_data = bytes(raw(tensor.load()))
    return proto


def _external(tensor: Initializer, location: str, place: tuple[int, int]) -> Any:
    from onnx import StringStringEntryProto, TensorProto
    proto = _tensor(tensor)
    proto.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(place[0])), ("length", str(place[1]))):
        proto.external_data.append(StringStringEntryProto(key=key, value=value))
    return proto


def _append(file: IO[bytes], tensor: Initializer) -> tuple[int, int]:
    """Write one tensor at the next aligned offset: (offset, length)."""
    offset = -(-file.tell() // ALIGNMENT) * ALIGNMENT
    file.seek(offset)
    file.write(raw(tensor.load()))
    return offset, tensor.nbytes


def raw(array: Array) -> bytes | memoryview:
    """The elements in little-endian order, two 4-bit integers to a byte; without a copy where numpy's own will do."""
    array = np.ascontiguousarray(array)
    if array.dtype.name in ("int4", "uint4"):
        nibbles = array.reshape(-1).view(np.uint8) & 0xF
        nibbles = np.pad(nibbles, (0, nibbles.size % 2))
        return (nibbles[0::2] | nibbles[1::2] << 4).tobytes()
    if array.size == 0:
        return b""
    return array.reshape(-1).view(np.uint8).data


def _field(number: int, length: int) -> bytes:
    """The tag and length of a protobuf field of bytes."""
    return _varint(number << 3 | 2) + _varint(length)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
