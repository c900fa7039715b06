"""Arrays from files and literals, and outputs to files and to people."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from dlc.diagnostics import Diagnostic, DlcError, did_you_mean
from dlc.ir.graph import Input, Program
from dlc.ir.types import Array
from dlc.runtime.images import IMAGE_SUFFIXES, read_image

ARRAY_SUFFIXES = (".npy", ".npz")
MOST_BYTES = 16 * 2**30
"""Larger files of arrays are refused before they are read."""

SHOWN = 6
"""How many numbers of an output are printed."""


def read_inputs(program: Program, given: Mapping[str, str]) -> dict[str, Array]:
    """Arrays by input name, from what stands behind `--input NAME=`.

    A path to a `.npy` file; to a `.npz` file, of which the array of that name is taken, or the only one; to an image
    (`.png`, `.jpg`), brought to the type and layout of the input; or a literal: `1.5`, `true`, `[[1, 2], [3, 4]]`.
    Raises DlcError with everything that cannot be read.
    """
    declared = {v.name: v for v in program.entry.inputs}
    problems: list[Diagnostic] = []
    arrays: dict[str, Array] = {}
    for name, text in given.items():
        try:
            arrays[name] = _read(_declared(name, declared), text, program.layout)
        except DlcError as error:
            problems.extend(error.diagnostics)
    if problems:
        raise DlcError(*problems)
    return arrays


def _declared(name: str, declared: Mapping[str, Input]) -> Input:
    if name not in declared:
        near = did_you_mean(name, declared)
        raise DlcError(Diagnostic("E0511", f"the model has no input `{name}`", None, found=name,
                                  expected=", ".join(declared) or "no inputs",
                                  hint=f"did you mean `{near}`?" if near else None))
    return declared[name]


def _read(value: Input, text: str, layout: str | None) -> Array:
    suffix = Path(text).suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return read_image(Path(text), value, layout)
    if suffix in ARRAY_SUFFIXES:
        return _fitting(value, read_array(Path(text), value.name), text)
    return _literal(value, text)


def read_array(path: Path, name: str) -> Array:
    """The array of a `.npy` file, or that of the given name (or the only one) in a `.npz` file. Never unpickles."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise DlcError(Diagnostic("E0550", f"{path} is too large to read", None, found=f"{size:,} bytes",
                                      expected=f"at most {MOST_BYTES:,} bytes"))
        if path.suffix.lower() == ".npy":
            return np.asarray(np.lib.format.open_memmap(path, mode="r"))
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else _chosen(path, loaded, name)
    except OSError as error:
        raise DlcError(Diagnostic("E0551", f"cannot read {path}: {error.strerror or error}", None)) from error
    except (ValueError, EOFError, BadZipFile, SyntaxError, KeyError, MemoryError, OverflowError) as error:
        objects = "pickle" in str(error) or "object" in str(error)
        hint = "files with Python objects in them are not read" if objects else None
        raise DlcError(Diagnostic("E0552", f"{path} is no array file: {error}", None, hint=hint)) from error


def _chosen(path: Path, archive: Any, name: str) -> Array:
    with archive:
        names = list(archive.files)
        if name not in names and len(names) != 1:
            raise DlcError(Diagnostic("E0553", f"{path} has no array `{name}`", None, expected=name,
                                      found=", ".join(names) or "no arrays"))
        result: Array = archive[name if name in names else names[0]]
        return result


def _fitting(value: Input, array: Array, where: str) -> Array:
    """The array in the input's element type; numbers are converted, but never a float to an integer."""
    wanted = value.type.dtype.numpy
    if array.dtype == wanted:
        return array
    narrowing = array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and not value.type.dtype.is_float)
    if narrowing or (value.type.dtype.kind == "bool" and array.dtype.kind != "b"):
        raise DlcError(Diagnostic("E0513", f"the input `{value.name}` has the wrong element type", value.span,
                                  expected=str(value.type), found=f"{array.dtype} in {where}"))
    return array.astype(wanted)


def _literal(value: Input, text: str) -> Array:
    """`1.5`, `-2`, `true`, `[1, 2, 3]`, `[[1, 2], [3, 4]]`."""
    try:
        parsed = ast.literal_eval(text.replace("true", "True").replace("false", "False"))
        array = np.asarray(parsed)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise DlcError(Diagnostic(
            "E0554", f"the input `{value.name}` is neither a file nor a number", None, found=text[:60],
            expected="a .npy, .npz, .png or .jpg file, a number, or a list of numbers in brackets")) from error
    if array.dtype.kind not in "biuf":
        raise DlcError(Diagnostic("E0554", f"the input `{value.name}` is not made of numbers", None, found=text[:60],
                                  expected="numbers, and rows of equal length"))
    return _fitting(value, array if array.size else array.astype(value.type.dtype.numpy), text[:60])


def write_outputs(outputs: Mapping[str, Array], path: Path) -> None:
    """Write all outputs to a `.npz` file, or the only one to a `.npy` file; whole, or not at all.

    Element types that numpy does not have (bf16, f8) are widened to float32, which holds their values exactly.
    """
    plain = {n: a.astype(np.float32) if a.dtype.kind == "V" else a for n, a in outputs.items()}
    suffix = path.suffix.lower()
    if suffix not in ARRAY_SUFFIXES or (suffix == ".npy" and len(plain) != 1):
        raise DlcError(Diagnostic("E0555", f"cannot write {len(plain)} outputs to {path.name}", None,
                                  expected="a .npz file" if len(plain) != 1 else "a .npy or .npz file",
                                  found=path.name))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            if suffix == ".npy":
                np.save(file, next(iter(plain.values())), allow_pickle=False)
            else:
                np.savez(file, allow_pickle=False, **plain)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DlcError(Diagnostic("E0556", f"cannot write {path}: {error.strerror or error}", None)) from error


def summary_lines(outputs: Mapping[str, Array], *, top: int | None = None) -> list[str]:
    """The outputs for people: type, shape and some numbers; with `top`, the highest entries of the last axis."""
    lines: list[str] = []
    for name, array in outputs.items():
        head = f"{name}: {array.dtype.name}[{', '.join(map(str, array.shape))}]"
        if top is not None and array.ndim and array.shape[-1] > 1 and array.size:
            lines += [head, *_top_lines(array, top)]
        elif array.size <= SHOWN:
            lines.append(f"{head} = {_numbers(array)}")
        else:
            lines.append(f"{head} {_statistics(array)}")
    return lines


def _top_lines(array: Array, top: int) -> list[str]:
    """One line for each row of the last axis, `class (score)` from the highest down; at most ten rows."""
    rows = array.reshape(-1, array.shape[-1])
    lines = []
    for index, row in enumerate(rows[:10]):
        best = np.argsort(-row.astype(np.float64), kind="stable")[:top]
        lines.append(f"  [{index}] " + ", ".join(f"{i} ({_number(row[i])})" for i in best))
    return lines if len(rows) <= 10 else [*lines, f"  ... {len(rows) - 10} more rows"]


def _statistics(array: Array) -> str:
    start = ", ".join(_number(v) for v in array.reshape(-1)[:SHOWN])
    if array.dtype.kind == "b":
        return f"= [{start}, ...], {int(array.sum())} true"
    wide = array.astype(np.float64)
    return f"= [{start}, ...], from {_number(wide.min())} to {_number(wide.max())}, mean {_number(wide.mean())}"


def _numbers(array: Array) -> str:
    if array.ndim == 0:
        return _number(array[()])
    return f"[{', '.join(_numbers(part) for part in array)}]"


def _number(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return f"{float(value):.4g}" if not isinstance(value, (int, np.integer)) else str(value)
