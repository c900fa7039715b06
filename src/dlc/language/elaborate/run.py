"""Whole programs: a model with its arguments, and everything in a file that can be checked without arguments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dlc.diagnostics import Collector, Diagnostic, suggestion
from dlc.ir.graph import Assumption, Call, Graph, Program
from dlc.ir.op import is_op, op
from dlc.ir.types import DTYPES
from dlc.language import ast
from dlc.language.elaborate import (  # noqa: F401  # each enters its evaluators
    assumptions,
    calls,
    control,
    habits,
    indexing,
    kinds,
    limits,
    models,
    operators,
    statements,
)
from dlc.language.elaborate.blocks import build_alone
from dlc.language.elaborate.context import Enough, Frame, Mistake, Overflow, Session, head, overflow
from dlc.language.elaborate.values import POISON, BlockRef, FnRef, Module

RESTARTS = 50
"""Attempts in which assumptions may be found that make sizes equal; one attempt finds many."""


def elaborate(
    module: Module,
    model: ast.ModelDecl,
    arguments: Mapping[str, Any],
    report: Collector,
    *,
    generic: bool = False,
    used: set[BlockRef | FnRef] | None = None,
) -> Program | None:
    """The program of a model; None after reporting what is wrong.

    arguments: hyper-parameters by name. generic: hyper-parameters without a value are unknown, not missing.
    used: gets the blocks and functions that the model calls.
    """

    def build(session: Session) -> Program | None:
        try:
            return _model(session, module, model, arguments)
        finally:
            if used is not None:
                used.update(session.used)

    return _attempts(build, report, generic)


def _attempts(build: Callable[[Session], Program | None], report: Collector, generic: bool) -> Program | None:
    """Elaborate again while assumptions replace sizes; the complaints of the last attempt are kept."""
    substitution: dict[str, Any] = {}
    known: dict[Assumption, None] = {}
    for _ in range(RESTARTS):
        session = Session(Collector(), generic, substitution, assumptions=dict(known))
        program = None
        try:
            with _deep_stack():
                program = build(session)
        except Enough:
            pass
        except Overflow as end:
            session.report.add(end.diagnostic)
        except RecursionError:
            session.report.add(
                Diagnostic(
                    "E0311",
                    "expressions and blocks are nested too deeply",
                    None,
                    hint="give names to inner parts, and let recursion end earlier",
                )
            )
        else:
            if session.pending:
                substitution = assumptions.compose(substitution, session.pending)
                known = session.assumptions
                continue
        for diagnostic in session.report.diagnostics:
            report.add(diagnostic)
        return None if session.report.failed else program
    hint = "state what is equal beside the inputs"
    report.add(overflow(None, "assumptions in blocks make sizes equal again and again", hint).diagnostic)
    return None


@contextmanager
def _deep_stack() -> Iterator[None]:
    """Room for the deepest nesting that the limits allow."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, limits.FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _model(session: Session, module: Module, model: ast.ModelDecl, arguments: Mapping[str, Any]) -> Program:
    graph = Graph(session.graph_name(model.name), doc=model.doc or "", span=model.span)
    frame = Frame(session, module, graph, kind="model")
    _bind_arguments(frame, model, arguments)
    graph.parameters = {p.name: _plain(frame.names.get(p.name)) for p in model.hypers}
    frame.execute(model.body.statements)
    if not graph.outputs and not session.complaints:
        frame.complain(
            Mistake(
                "E0330",
                f"the model `{model.name}` has no output",
                head(model.span, model.name),
                expected="`output name = value`",
                found="no output",
                hint="name what the model gives: `output logits = x`",
            )
        )
    total = len(graph) + sum(session.built[n.block].expanded for n in graph.walk() if isinstance(n, Call))
    if total > limits.EXPANDED:
        raise overflow(
            head(model.span, model.name),
            f"`{model.name}` stands for more than {limits.EXPANDED:,} steps",
            "calls of blocks that call blocks multiply; lower the counts",
        )
    return Program(graph, layout=module.layout, assumptions=list(session.assumptions))


def _plain(value: Any) -> Any:
    return value if not hasattr(value, "name") else str(getattr(value, "name", value))


def _bind_arguments(frame: Frame, model: ast.ModelDecl, arguments: Mapping[str, Any]) -> None:
    known = [p.name for p in model.hypers]
    for name in arguments:
        if name not in known:
            frame.complain(
                Mistake(
                    "E0341",
                    f"`{model.name}` has no hyper-parameter `{name}`",
                    head(model.span, model.name),
                    expected=", ".join(known) or "no hyper-parameters",
                    found=name,
                    hint=suggestion(name, known),
                )
            )
    for param in model.hypers:
        try:
            value = _argument(frame, model, param, arguments)
        except Mistake as mistake:
            frame.complain(mistake)
            value = POISON
        frame.fix(param.name, value, "a hyper-parameter", param.span)


def _argument(frame: Frame, model: ast.ModelDecl, param: ast.Param, arguments: Mapping[str, Any]) -> Any:
    if param.name in arguments:
        value = _given(frame, param, arguments[param.name])
        return kinds.checked(frame, value, param, param.span, model.name)
    if param.default is not None:
        return kinds.checked(frame, frame.evaluate(param.default), param, param.default.span, model.name)
    kinds.check_kind(param.type)
    if frame.session.generic:
        return POISON
    raise Mistake(
        "E0212",
        f"`{model.name}` needs a value for `{param.name}`",
        param.span,
        found="nothing",
        expected=f"{param.name}: {param.type.span.text}",
        hint=f"give it a default, or `--set {param.name}=...`",
    )


def _given(frame: Frame, param: ast.Param, value: Any) -> Any:
    """A value from outside as a compile-time value: lists become tuples, names of blocks and types what they name."""
    if isinstance(value, (list, tuple)):
        return tuple(_given(frame, param, v) for v in value)
    if isinstance(value, str) and param.type.name == "block":
        item = frame.module.items.get(value)
        return item if item is not None else op(value) if is_op(value) else value
    if isinstance(value, str) and param.type.name == "dtype":
        return DTYPES.get(value, value)
    return value


def check_module(module: Module, report: Collector) -> dict[str, Program | None]:
    """Check every model of a file, with unknown values for what has no default, and every block that none of them uses.

    The programs of the models, None for those with mistakes.
    """
    programs: dict[str, Program | None] = {}
    used: set[BlockRef | FnRef] = set()
    for model in module.models.values():
        if report.full:
            return programs
        generic = any(p.default is None for p in model.hypers)
        programs[model.name] = elaborate(module, model, {}, report, generic=generic, used=used)
    for item in module.items.values():
        if isinstance(item, (BlockRef, FnRef)) and item.module is module and item not in used and not report.full:
            _check_alone(item, report, used)
    return programs


def _check_alone(item: BlockRef | FnRef, report: Collector, used: set[BlockRef | FnRef]) -> None:
    def build(session: Session) -> None:
        try:
            build_alone(session, item)
        finally:
            used.update(session.used)

    _attempts(build, report, generic=True)
