"""The target `onnx`: what `dlc compile --to onnx` does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.targets.onnx.build import build
from dlc.targets.onnx.file import save
from dlc.targets.onnx.session import execute
from dlc.targets.onnx.table import load
from dlc.targets.target import Options, Target, requires


def write(program: Program, weights: Mapping[str, Array], where: Path, *, options: Options) -> list[str]:
    """Write `where`, or `model.onnx` in it where it is a folder; weights over 1.9 GB go to a file beside it.

    Returns the notes of the writer.
    """
    with requires("onnx"):
        model = build(program, weights, io_layout=options.io_layout)
        save(model, where / "model.onnx" if where.is_dir() else where)
    return list(model.notes)


def run(program: Program, where: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs by name of a file that was written from the program.

    An output that had to be renamed in the file gets its own name back.
    """
    results = execute(where, inputs)
    return dict(zip(program.entry.output_names, results.values(), strict=True))


TARGET = Target("onnx", "onnx", (".onnx",), True, load, write, run)
