"""Running a written folder as its users do: import model.py by its path, `load()`, call."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np

from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.passes.layout import moved_axes
from dlc.passes.layout.views import inverse
from dlc.targets.target import need


def execute(program: Program, where: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of the model in that folder by name. See `dlc.targets.target.Execute`."""
    torch = need("torch", "torch")
    model = load_module(where / "model.py").load()
    moved = moved_axes(program, "NCHW") if _is_native(where) else {}
    given = [None if v.name not in inputs else to_torch(
        torch, turned(inputs[v.name].astype(v.type.dtype.numpy, copy=False), moved.get(v.name)))
        for v in program.entry.inputs]
    with torch.no_grad():
        result = model(*given)
    results = result if isinstance(result, (tuple, list)) else (result,)
    return {name: turned(to_numpy(torch, r), inverse(moved[name]) if name in moved else None)
            for name, r in zip(program.entry.output_names, results, strict=True)}


def turned(array: Array, order: tuple[int, ...] | None) -> Array:
    """The axes of an array in another order."""
    return array if order is None else array.transpose(order)


def _is_native(where: Path) -> bool:
    """Whether inputs and outputs were given PyTorch's layout: the weight file says so."""
    path = where / "weights.safetensors"
    if not path.exists():
        return False
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return bool(header.get("__metadata__", {}).get("io_layout") == "native")


def load_module(path: Path) -> ModuleType:
    """A Python file as a module, without leaving traces in `sys.modules` or beside the file."""
    spec = spec_from_file_location(f"dlc_written_{abs(hash(path))}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def to_torch(torch: Any, array: Array) -> Any:
    """A torch tensor with a copy of the numbers; bfloat16 through its bits."""
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(array.view(np.uint16).copy()).view(torch.bfloat16)
    return torch.from_numpy(np.array(array, order="C"))


def to_numpy(torch: Any, tensor: Any) -> Array:
    """A numpy array with the numbers of a tensor."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        result: Array = tensor.contiguous().view(torch.uint16).numpy().view(ml_dtypes.bfloat16)
        return result
    array: Array = tensor.numpy()
    return array
