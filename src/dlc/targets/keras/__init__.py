"""Keras 3: readable source with safetensors, or one `.keras` file, for the TensorFlow, JAX and PyTorch backends.

table.py and a file per op family (expressions and layers), dialect.py (how classes look), variables.py (where weights
go), writing.py (the folder), one_file.py (the `.keras` file), execution.py (running what was written).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.targets.table import Table
from dlc.targets.target import Target


def _table() -> Table[Any]:
    import_module("dlc.ops")
    for module in iter_modules(__path__):
        if module.name not in ("writing", "execution", "one_file", "modules"):
            import_module(f"{__name__}.{module.name}")
    table: Table[Any] = import_module(f"{__name__}.table").TABLE
    return table


def _write(*arguments: Any, **options: Any) -> list[str]:
    _table()
    notes: list[str] = import_module(f"{__name__}.writing").write(*arguments, **options)
    return notes


def _execute(program: Program, where: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    _table()
    outputs: dict[str, Array] = import_module(f"{__name__}.execution").execute(program, where, inputs)
    return outputs


TARGET = Target(name="keras", extra="keras", suffixes=(".keras",), folder=True, load_table=_table, write=_write,
                execute=_execute)
