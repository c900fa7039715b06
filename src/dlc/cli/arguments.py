"""What stands behind the options that take `name=value`: inputs, shapes, hyper-parameters."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Diagnostic, DlcError, UsageError, suggestion
from dlc.ir.dim import names
from dlc.ir.evaluate import SizeMismatch, bind
from dlc.ir.graph import Program
from dlc.ir.types import F32, TensorType


def pairs(items: Sequence[str], option: str) -> dict[str, str]:
    """`name=value` items as a dict. Raises UsageError for one without `=` or given twice."""
    found: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise UsageError(Diagnostic("E0705", f"`{option} {item}` is not of the form NAME=VALUE", None,
                                        expected=f"{option} NAME=VALUE", found=item))
        if name in found:
            raise UsageError(Diagnostic("E0705", f"`{option} {name}=` is given twice", None))
        found[name] = value
    return found


def hyper_parameters(items: Sequence[str]) -> dict[str, Any]:
    """`--set width=256 depths=[3,4,6,3]`: numbers, booleans, strings and lists; other words stay names of blocks."""
    return {name: _literal(value) for name, value in pairs(items, "--set").items()}


def _literal(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text in words:
        return words[text]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def sizes(program: Program, items: Sequence[str]) -> dict[str, int]:
    """`--shape image=1,3,224,224`, or `--shape H=224` for one named size: numbers for named sizes.

    Raises UsageError for unknown names, DlcError where a shape does not fit the input.
    """
    inputs = {v.name: v for v in program.entry.inputs}
    known = {n for v in program.entry.inputs for d in v.type.shape for n in names(d)}
    shapes: dict[str, TensorType] = {}
    found: dict[str, int] = {}
    for name, text in pairs(items, "--shape").items():
        numbers = _numbers(text, f"--shape {name}={text}")
        if name in inputs:
            shapes[name] = TensorType(F32, numbers)
        elif len(numbers) == 1 and name in known:
            found[name] = numbers[0]
        else:
            near = [*inputs, *sorted(known)]
            raise UsageError(Diagnostic("E0706", f"`{program.name}` has no input or named size `{name}`", None,
                                        expected=", ".join(near), found=name, hint=suggestion(name, near)))
    try:
        bound = bind([inputs[n] for n in shapes], shapes)
    except SizeMismatch as error:
        raise DlcError(Diagnostic("E0502", str(error), None)) from error
    for name, size in found.items():
        if bound.setdefault(name, size) != size:
            raise UsageError(Diagnostic("E0502", f"`--shape` gives `{name}` twice", None, expected=str(bound[name]),
                                        found=str(size)))
    return bound


def _numbers(text: str, where: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.strip("[]()").split(",") if part.strip())
    except ValueError as error:
        raise UsageError(Diagnostic("E0705", f"`{where}` is no list of whole numbers", None,
                                    expected="numbers with commas between them: 1,3,224,224", found=text)) from error
