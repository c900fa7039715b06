"""The two ways in: `load` makes a program of a model, `check` finds everything that is wrong in a file."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dlc.ops  # noqa: F401  # fills the table of operations
from dlc.diagnostics import Collector, Diagnostic, DlcError, Source, did_you_mean
from dlc.ir.graph import Program
from dlc.language import ast
from dlc.language.elaborate import Library, Module, check_module, elaborate
from dlc.language.files import load_source
from dlc.language.recipes import check_recipes, recipes_of
from dlc.language.weights import WeightFile, check_weights, open_weights

Readable = Source | str | os.PathLike[str]


@contextmanager
def _without_collection() -> Iterator[None]:
    """No cycle collection meanwhile: trees and graphs only grow, and a collection walks all that is there so far."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collection()
def load(source: Readable, *, model: str | None = None, arguments: Mapping[str, object] | None = None) -> Program:
    """The program of a model in a file, with its recipes and, where the file names one, its weight file.

    source: a path, or a text with the path that its imports are relative to. model: which one, where the file has
    several. arguments: hyper-parameters by name; lists for lists, names for blocks and element types.
    Raises DlcError with everything that is wrong (E01xx to E05xx).
    """
    report = Collector()
    module = _module(source, report)
    chosen = _choose(module, model)
    program = elaborate(module, chosen, dict(arguments or {}), report)
    report.raise_if_failed()
    assert program is not None
    program = replace(program, recipes=recipes_of(module, chosen, program, dict(arguments or {}), report))
    program = replace(program, values=_values(module, program, report) or {})
    report.raise_if_failed()
    return program


@_without_collection()
def check(source: Readable) -> list[Diagnostic]:
    """Everything that is wrong in a file: its models with default arguments, its other blocks, its train sections."""
    report = Collector()
    try:
        module = _module(source, report)
    except DlcError as error:
        return list(error.diagnostics)
    programs = check_module(module, report)
    check_recipes(module, programs, report)
    if len(programs) == 1:
        _values(module, next(iter(programs.values())), report)
    return list(report.diagnostics)


def _values(module: Module, program: Program | None, report: Collector) -> WeightFile | None:
    """The weight file that a source names, checked against the program. Reports what is wrong (E0540 to E0544)."""
    if module.weights is None:
        return None
    span = module.weights.span
    try:
        file = open_weights(Path(module.source.path).parent / module.weights.path, span)
    except DlcError as error:
        report.take(error)
        return None
    if program is not None:
        for diagnostic in check_weights(file, program.weights(), span):
            report.add(diagnostic)
    return file


def _module(source: Readable, report: Collector) -> Module:
    """The file, parsed, with its imports. Raises DlcError where it does not parse."""
    text = source if isinstance(source, Source) else load_source(source)
    module = Library(report).read(text)
    if module is None:
        raise DlcError(*report.diagnostics)
    return module


def _choose(module: Module, name: str | None) -> ast.ModelDecl:
    """The model of that name, or the only one. Raises DlcError E0340, E0342, E0343."""
    known = list(module.models)
    if name is not None:
        if name in module.models:
            return module.models[name]
        near = did_you_mean(name, known)
        raise DlcError(
            Diagnostic(
                "E0343",
                f"{module.source.path} has no model `{name}`",
                None,
                found=name,
                expected=", ".join(known) or "a file with a model",
                hint=f"did you mean `{near}`?" if near else None,
            )
        )
    if not known:
        raise DlcError(
            Diagnostic(
                "E0340",
                f"{module.source.path} has no model",
                None,
                expected="`model Name { ... }`",
                found=f"{len(module.items)} blocks and functions",
                hint="blocks are parts; a model has inputs and outputs",
            )
        )
    if len(known) > 1:
        raise DlcError(
            Diagnostic(
                "E0342",
                f"{module.source.path} has several models",
                None,
                expected=", ".join(known),
                found="no choice",
                hint=f"say which: `{module.source.path}:{known[-1]}`",
            )
        )
    return module.models[known[0]]
