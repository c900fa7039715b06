"""Calls of blocks and functions: arguments sorted into hyper-parameters and tensors, and matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Label, Span, suggestion
from dlc.ir.graph import Value
from dlc.language import ast
from dlc.language.elaborate import kinds
from dlc.language.elaborate.apply import constant
from dlc.language.elaborate.context import Frame, Mistake, head
from dlc.language.elaborate.sizes import MISSING, declared, match
from dlc.language.elaborate.values import POISON, BlockRef, FnRef, Given, describe, is_number

Decl = ast.BlockDecl | ast.FnDecl
Reference = BlockRef | FnRef


class Arguments:
    """The arguments of a call, sorted: hyper-parameters and tensors by name, and where each was written."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.hypers: dict[str, Any] = {}
        self.tensors: dict[str, Any] = {}
        self.places: dict[str, Span] = {}

    @property
    def poisoned(self) -> bool:
        return any(
            v is POISON or (isinstance(v, tuple) and POISON in v)
            for v in (*self.hypers.values(), *self.tensors.values())
        )


def bind(reference: Reference, piped: Sequence[Any], given: Sequence[Given], span: Span) -> Arguments:
    """Sort arguments: tensors by position fill the inputs, compile-time values the hyper-parameters.

    Raises E0211 for an unknown keyword, E0214 for too many values or one that is given twice.
    """
    decl = reference.decl
    bound = Arguments(reference)
    inputs = [p for p in decl.inputs if not kinds.is_kind(p.type)]
    hypers = [*decl.hypers, *(p for p in decl.inputs if kinds.is_kind(p.type))]
    for argument in given:
        if argument.name is not None:
            _keyword(bound, inputs, hypers, argument)
    tensor_queue = [p.name for p in inputs if p.name not in bound.tensors]
    hyper_queue = [p.name for p in hypers if p.name not in bound.hypers]
    for value in piped:
        _positional(bound, tensor_queue, [], value, span, span)
    for argument in given:
        if argument.name is None:
            values = argument.value if _has_tensors(argument.value) and not hyper_queue else (argument.value,)
            for value in values:
                _positional(bound, tensor_queue, hyper_queue, value, argument.span, span)
    return bound


def _has_tensors(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(v, Value) for v in value)


def _keyword(bound: Arguments, inputs: Sequence[ast.Param], hypers: Sequence[ast.Param], argument: Given) -> None:
    name = argument.name
    assert name is not None
    if name in bound.places:
        raise Mistake("E0214", f"`{name}` is given twice", argument.span, expected="each argument once")
    bound.places[name] = argument.span
    if any(p.name == name for p in hypers):
        bound.hypers[name] = argument.value
    elif any(p.name == name for p in inputs):
        bound.tensors[name] = argument.value
    else:
        known = [p.name for p in (*hypers, *inputs)]
        raise Mistake(
            "E0211",
            f"`{bound.reference.name}` has no argument `{name}`",
            argument.span,
            found=name,
            expected=", ".join(known) or "no arguments",
            hint=suggestion(name, known),
            labels=(declaration(bound.reference),),
        )


def _positional(bound: Arguments, tensors: list[str], hypers: list[str], value: Any, place: Span, span: Span) -> None:
    is_tensor = isinstance(value, Value)
    queue = tensors if is_tensor or not hypers else hypers
    if value is POISON and not hypers and not tensors:
        return
    if not queue:
        kind = "tensors" if is_tensor else "values"
        raise Mistake(
            "E0214",
            f"`{bound.reference.name}` is given too many {kind}",
            place,
            expected=_signature(bound.reference),
            found=f"one more: {describe(value)}",
            labels=(declaration(bound.reference),),
        )
    name = queue.pop(0)
    (bound.tensors if queue is tensors else bound.hypers)[name] = value
    bound.places[name] = place


def _signature(reference: Reference) -> str:
    parts = ", ".join(p.name for p in reference.decl.hypers), ", ".join(p.name for p in reference.decl.inputs)
    return f"{reference.name}({parts[0]}) ({parts[1]})" if parts[0] else f"{reference.name}({parts[1]})"


def declaration(reference: Reference) -> Label:
    return Label(head(reference.decl.span, reference.name), f"`{reference.name}` is declared here")


def enter(caller: Frame, inner: Frame, bound: Arguments, span: Span) -> dict[str, Any]:
    """Bind hyper-parameters and match the inputs in the scope of the callee; the tensors by name, None if left out."""
    decl = bound.reference.decl
    for param in (*decl.hypers, *(p for p in decl.inputs if kinds.is_kind(p.type))):
        place = bound.places.get(param.name, span)
        if param.name in bound.hypers:
            value = kinds.checked(inner, bound.hypers[param.name], param, place, bound.reference.name)
        elif param.default is not None:
            value = kinds.checked(inner, inner.guarded(param.default), param, param.span, bound.reference.name)
        elif caller.session.generic:
            value = POISON
        else:
            raise Mistake(
                "E0212",
                f"`{bound.reference.name}` needs the argument `{param.name}`",
                span,
                expected=f"{param.name}: {param.type.span.text}",
                found="nothing",
                labels=(Label(param.span, "declared here"),),
                hint=f"write `{bound.reference.name}({param.name}=...)`",
            )
        inner.fix(param.name, value, "a hyper-parameter", param.span)
    tensors: dict[str, Any] = {}
    for param in decl.inputs:
        if not kinds.is_kind(param.type):
            tensors[param.name] = _input(caller, inner, bound, param, span)
    return tensors


def _input(caller: Frame, inner: Frame, bound: Arguments, param: ast.Param, span: Span) -> Value | None:
    name = bound.reference.name
    value = bound.tensors.get(param.name, MISSING)
    place = bound.places.get(param.name, span)
    if value is MISSING and param.default is not None:
        value = inner.evaluate(param.default)
    if value is MISSING:
        raise Mistake(
            "E0210",
            f"`{name}` needs the tensor `{param.name}`",
            span,
            found="nothing",
            expected=f"{param.name}: {param.type.span.text}",
            labels=(Label(param.span, "declared here"),),
        )
    if value is None and (param.type.optional or param.default is not None):
        return None
    if is_number(value) or (isinstance(value, tuple) and value):
        wanted = declared(inner.inner(), param.type)
        value = constant(caller, value, None if wanted is None else wanted.dtype, place)
    if not isinstance(value, Value):
        raise Mistake(
            "E0205",
            f"`{param.name}` of `{name}` is a tensor",
            place,
            expected=param.type.span.text,
            found=describe(value),
            labels=(Label(param.span, "declared here"),),
        )
    match(inner, param.type, value, what=f"`{param.name}` of `{name}`", span=place)
    return value
