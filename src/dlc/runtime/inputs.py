"""Are these the arrays that a program takes? Names, element types, shapes and assumptions, with a sentence for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from dlc.diagnostics import Diagnostic, DlcError, did_you_mean
from dlc.ir.dim import evaluate as size_of
from dlc.ir.evaluate import SizeMismatch, bind
from dlc.ir.graph import Assumption, Input, Program
from dlc.ir.types import Array


def by_name(program: Program, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs by name, from some by position and some by name. Raises DlcError for unknown or repeated ones."""
    declared = [v.name for v in program.entry.inputs]
    if len(positional) > len(declared):
        raise DlcError(Diagnostic("E0510", f"the model takes {len(declared)} inputs", None,
                                  expected=", ".join(declared) or "none", found=f"{len(positional)} arrays"))
    given = dict(zip(declared, positional, strict=False))
    problems = [_unknown(name, declared) for name in named if name not in declared]
    problems += [Diagnostic("E0510", f"the input `{name}` is given twice, by position and by name", None)
                 for name in named if name in given]
    if problems:
        raise DlcError(*problems)
    return {**given, **named}


def _unknown(name: str, declared: Sequence[str]) -> Diagnostic:
    near = did_you_mean(name, declared)
    return Diagnostic("E0511", f"the model has no input `{name}`", None, expected=", ".join(declared) or "no inputs",
                      found=name, hint=f"did you mean `{near}`?" if near else None)


def converted(program: Program, given: Mapping[str, Any]) -> dict[str, Array]:
    """Arrays in the declared element types. Raises DlcError with everything that is missing or of another type.

    An array is converted only where no value can change (i32 to i64, f32 to f64); numbers and lists of them become
    arrays of the declared type.
    """
    problems: list[Diagnostic] = []
    arrays: dict[str, Array] = {}
    for value in program.entry.inputs:
        if value.name not in given:
            if value.default is None:
                problems.append(Diagnostic("E0512", f"the input `{value.name}` is missing", value.span,
                                           expected=f"{value.name}: {value.type}", found="nothing"))
            continue
        array = _converted(value, given[value.name])
        if isinstance(array, Diagnostic):
            problems.append(array)
        else:
            arrays[value.name] = array
    if problems:
        raise DlcError(*problems)
    return arrays


def _converted(value: Input, given: Any) -> Array | Diagnostic:
    wanted = value.type.dtype.numpy
    if isinstance(given, (np.ndarray, np.generic)):
        array = np.asarray(given)
        if array.dtype == wanted or np.can_cast(array.dtype, wanted, "safe"):
            return array.astype(wanted, copy=False)
        return _wrong_type(value, str(array.dtype), f"`{value.name}.astype(numpy.{wanted.name})` converts it")
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and wanted.kind in "biu" and array.size):
            return _wrong_type(value, f"{type(given).__name__} {str(given)[:40]}", None)
        return array.astype(wanted)
    except (TypeError, ValueError, OverflowError):
        return _wrong_type(value, f"{type(given).__name__} {str(given)[:40]}", None)


def _wrong_type(value: Input, found: str, hint: str | None) -> Diagnostic:
    return Diagnostic("E0513", f"the input `{value.name}` has the wrong element type", value.span,
                      expected=str(value.type), found=found, hint=hint)


def bound(program: Program, arrays: Mapping[str, Array]) -> dict[str, int]:
    """The named sizes that the shapes bind. Raises DlcError where shapes or assumptions of the model do not hold."""
    try:
        return bind(program.entry.inputs, arrays, _assumptions(program))
    except SizeMismatch as error:
        raise DlcError(Diagnostic("E0514", str(error), None)) from error


def _assumptions(program: Program) -> list[Assumption]:
    return list(dict.fromkeys([*program.assumptions, *(a for g in program.graphs() for a in g.assumptions)]))


def filled(inputs: Iterable[Input], arrays: Mapping[str, Array], sizes: Mapping[str, int]) -> list[Array]:
    """The arrays in declared order; omitted optional ones full of their default."""
    return [arrays[v.name] if v.name in arrays else
            np.full([size_of(d, sizes) for d in v.type.shape], v.default, v.type.dtype.numpy) for v in inputs]
