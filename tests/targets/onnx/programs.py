"""What the tests of the ONNX writer share: programs from source, and files that are checked and run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from dlc.ir.evaluate import run
from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.language import load
from dlc.ops.initializers import draw
from dlc.targets.onnx.build import Model, build
from dlc.targets.onnx.file import save
from dlc.targets.onnx.session import execute


@dataclass
class Written:
    """A program, its weights, and the file that was written from it."""

    program: Program
    weights: Mapping[str, Array]
    model: Model
    path: Path

    @property
    def proto(self) -> Any:
        return onnx.load(self.path)

    def nodes(self) -> list[Any]:
        return list(self.proto.graph.node)

    def node(self, op_type: str) -> Any:
        (found,) = [n for n in self.nodes() if n.op_type == op_type]
        return found

    def agrees(self, **inputs: Any) -> dict[str, Array]:
        """Run the file; its outputs are those of the float64 reference to within some float32 roundings."""
        arrays = {v.name: np.asarray(inputs[v.name], v.type.dtype.numpy) for v in self.program.entry.inputs
                  if v.name in inputs}
        exact = run(self.program, arrays, weights=self.weights, precision="float64")
        got = execute(self.path, arrays)
        for name, value in exact.items():
            assert got[name].shape == value.shape
            np.testing.assert_allclose(got[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
        return got


def attribute(node: Any, name: str) -> Any:
    """The value of an attribute of a node."""
    (found,) = [a for a in node.attribute if a.name == name]
    return onnx.helper.get_attribute_value(found)


def write(source: str, folder: Path, **options: Any) -> Written:
    """Write the model of a source (without its first line), check the file in full, and infer its shapes strictly."""
    path = folder / "model.dl"
    path.write_text(f"dl 1\n{source}")
    program = load(path)
    weights = {**draw(program, 0), **program.values}
    model = build(program, weights)
    file = folder / "model.onnx"
    save(model, file, **options)
    onnx.checker.check_model(str(file), full_check=True)
    onnx.shape_inference.infer_shapes(onnx.load(file), strict_mode=True, data_prop=True)
    return Written(program, weights, model, file)
