"""The independent truths: for each operation a torch function, a closed formula in numpy, or a reason for neither."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Function = Callable[..., Any]

TORCH: dict[str, Function] = {}
"""Functions of torch tensors, operands by position and attributes by name; autograd checks the gradients too."""

FORMULA: dict[str, Function] = {}
"""Functions of numpy arrays, for what torch lacks."""

UNTESTED: dict[str, str] = {}
"""Why an operation has no truth."""


def torch_truth(*names: str) -> Callable[[Function], Function]:
    """Enter a torch function as the truth of these operations."""
    return _enter(TORCH, names)


def formula_truth(*names: str) -> Callable[[Function], Function]:
    """Enter a numpy function as the truth of these operations."""
    return _enter(FORMULA, names)


def _enter(table: dict[str, Function], names: tuple[str, ...]) -> Callable[[Function], Function]:
    def enter(function: Function) -> Function:
        for name in names:
            assert name not in TORCH, name
            assert name not in FORMULA, name
            table[name] = function
        return function
    return enter


def load() -> None:
    """Import every `truth_*.py` beside this file."""
    for path in sorted(Path(__file__).parent.glob("truth_*.py")):
        import_module(f"every_op.{path.stem}")
