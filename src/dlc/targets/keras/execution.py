"""Running what was written as its users do: import model.py by its path, `load()`, call; or open the `.keras` file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dlc.ir.graph import Program, Value
from dlc.ir.types import Array
from dlc.passes.layout import moved_axes
from dlc.passes.layout.views import inverse
from dlc.targets.keras.modules import load_module
from dlc.targets.keras.start import start_keras
from dlc.targets.keras.writing import known


def execute(program: Program, where: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of the written model by name. See `dlc.targets.target.Execute`.

    Arrays are in the layout of the program; where the model was written with another one, they are turned around.
    """
    keras = start_keras()
    model = keras.models.load_model(where) if where.suffix == ".keras" else load_module(where / "model.py").load()
    moved = moved_axes(known(program), "NHWC")
    if moved and not _is_native(program, where, model, moved):
        moved = {}
    given = [None if v.name not in inputs else _turned(np.asarray(inputs[v.name], v.type.dtype.numpy),
                                                       moved.get(v.name)) for v in program.entry.inputs]
    if given:
        result = model(given if len(given) != 1 else given[0], training=False)
    else:
        result = model.call()
    results = result if isinstance(result, (tuple, list)) else (result,)
    return {name: _turned(_array(keras, r, v.type.dtype.numpy), _back(moved.get(name))) for name, r, v in zip(
        program.entry.output_names, results, program.entry.outputs, strict=True)}


def _array(keras: Any, tensor: Any, dtype: Any) -> Array:
    if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":
        tensor = keras.ops.cast(tensor, "float32")
    return np.asarray(keras.ops.convert_to_numpy(tensor)).astype(dtype, copy=False)


def _turned(array: Array, order: tuple[int, ...] | None) -> Array:
    return array if order is None else array.transpose(order)


def _back(order: tuple[int, ...] | None) -> tuple[int, ...] | None:
    return None if order is None else inverse(order)


def _is_native(program: Program, where: Path, model: Any, moved: Mapping[str, tuple[int, ...]]) -> bool:
    """Whether inputs and outputs were given Keras' layout: the weight file says so, else the shapes do."""
    path = where / "weights.safetensors"
    if not path.is_file():
        return any(_shape(v, moved.get(v.name)) == tuple(given.shape) != _shape(v, None)
                   for v, given in zip(program.entry.inputs, model.inputs, strict=True))
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return bool(header.get("__metadata__", {}).get("io_layout") == "native")


def _shape(value: Value, order: tuple[int, ...] | None) -> tuple[int | None, ...]:
    shape = [d if isinstance(d, int) else None for d in value.type.shape]
    return tuple(shape if order is None else [shape[a] for a in order])
