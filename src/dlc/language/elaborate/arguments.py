"""The arguments of a call of an operation, sorted into operands, attributes, parameters and options of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Span
from dlc.ir.build import declared_operand
from dlc.ir.graph import Value
from dlc.ir.op import Initializer, Op, Operand
from dlc.ir.types import BOOL, F32, I64, DType
from dlc.language.elaborate.apply import argument_hint, constant
from dlc.language.elaborate.bound import Bound
from dlc.language.elaborate.context import Frame, Mistake
from dlc.language.elaborate.layers import positional_names, shape_of, split_options
from dlc.language.elaborate.sizes import not_whole
from dlc.language.elaborate.values import (
    POISON,
    BlockRef,
    Condition,
    FnRef,
    Given,
    Layer,
    ModelRef,
    Ratio,
    describe,
    is_dim,
)

MISSING: Any = object()
_NO_VALUE = (BlockRef, FnRef, Layer, ModelRef, Condition)


def tensors_in(value: Any) -> bool:
    """Whether it is a list with a tensor in it."""
    return isinstance(value, tuple) and any(isinstance(v, Value) for v in value)


def bind(operation: Op, piped: Sequence[Any], given: Sequence[Given], span: Span) -> Bound:
    """Sort the arguments. Raises E0211, E0214 for those that the operation has no place for."""
    bound = Bound(list(piped))
    queue: list[str] | None = None
    for argument in given:
        value = argument.value
        if argument.name is not None:
            _keyword(operation, bound, argument)
            continue
        if value is POISON:
            bound.poisoned = True
        elif isinstance(value, Value) or value is None:
            bound.operands.append(value)
        elif tensors_in(value):
            bound.operands.extend(value)
        else:
            if queue is None:
                by_name = {a.name for a in given if a.name}
                queue = [n for n in positional_names(operation) if n not in by_name]
            _positional(operation, bound, queue, argument)
    if POISON in bound.operands:
        bound.poisoned = True
    if not operation.variadic and len(bound.operands) > len(operation.operands):
        raise _too_many(operation, bound, given, span)
    return bound


def _positional(operation: Op, bound: Bound, queue: list[str], argument: Given) -> None:
    _check_value(operation, argument)
    if not queue:
        if operation.layer is not None:
            raise _by_position(operation, bound, argument)
        bound.operands.append(argument.value)
        bound.places.setdefault("", argument.span)
        return
    name = queue.pop(0)
    target = bound.attributes if name in operation.attribute else bound.parameters
    target[name] = argument.value
    bound.places[name] = argument.span


def _keyword(operation: Op, bound: Bound, argument: Given) -> None:
    name, value = argument.name, argument.value
    assert name is not None
    if name in bound.places:
        raise Mistake("E0214", f"`{name}` is given twice", argument.span, expected="each argument once")
    bound.places[name] = argument.span
    if value is POISON:
        bound.poisoned = True
    parameters = shape_of(operation).parameters if operation.layer is not None else {}
    declared = next((o for o in operation.operands if o.name == name and not o.variadic), None)
    left_out = value is None and declared is not None
    if name in parameters and not left_out and not isinstance(value, (Value, Initializer)):
        _check_value(operation, argument)
        bound.parameters[name] = value
    elif declared is not None:
        bound.named[name] = value
    elif name in operation.attribute:
        _check_value(operation, argument)
        bound.attributes[name] = value
    else:
        _other_keyword(operation, bound, argument, name)


def _other_keyword(operation: Op, bound: Bound, argument: Given, name: str) -> None:
    option = split_options(operation, name, argument.value, argument.span) if operation.layer is not None else None
    if option is not None:
        bound.options[name] = argument.value
        return
    if operation.extra:
        _check_value(operation, argument)
        bound.attributes[name] = argument.value
        return
    known = known_arguments(operation)
    raise Mistake(
        "E0211",
        f"`{operation.name}` has no argument `{name}`",
        argument.span,
        expected=", ".join(known) or "no keyword arguments",
        found=name,
        hint=argument_hint(operation, name, known),
    )


def known_arguments(operation: Op) -> list[str]:
    """Every keyword that a call may have."""
    known = [o.name for o in operation.operands] + list(operation.attribute)
    if operation.layer is not None:
        shape = shape_of(operation)
        known += [*shape.parameters, "init", *(["bias_init"] if "bias" in shape.weights else []), "trainable"]
    return list(dict.fromkeys(known))


def _check_value(operation: Op, argument: Given) -> None:
    if isinstance(argument.value, tuple):
        for part in argument.value:
            _check_value(operation, Given(argument.name, part, argument.span))
        return
    value = argument.value
    if isinstance(value, Ratio):
        raise not_whole(value, argument.span)
    if isinstance(value, Value):
        hint = "sizes and options are fixed when the program is compiled; only tensors flow"
        raise Mistake(
            "E0270",
            f"`{argument.name}` of `{operation.name}` must be known at compile time",
            argument.span,
            expected="a compile-time value",
            found=describe(value),
            hint=hint,
        )
    if isinstance(value, _NO_VALUE):
        raise Mistake(
            "E0213",
            f"`{operation.name}` cannot take this",
            argument.span,
            expected="a tensor or a number",
            found=describe(value),
        )


def _by_position(operation: Op, bound: Bound, argument: Given) -> Mistake:
    sizes = ", ".join(positional_names(operation))
    shape = shape_of(operation)
    free = [
        n for n in (*shape.parameters, *operation.attribute) if n not in bound.places and n not in sizes.split(", ")
    ]
    return Mistake(
        "E0216",
        f"`{operation.name}` takes only its sizes by position",
        argument.span,
        expected=sizes or "no values",
        found=f"one more: {describe(argument.value)}",
        hint=f"give it a name, such as `{free[0]}={argument.span.text}`" if free else None,
    )


def _too_many(operation: Op, bound: Bound, given: Sequence[Given], span: Span) -> Mistake:
    count, declared = len(bound.operands), ", ".join(o.name for o in operation.operands)
    keywords = [n for n in known_arguments(operation) if n not in declared.split(", ") and n not in bound.places]
    extra = next((g for g in reversed(given) if g.name is None), None)
    numbers = extra is not None and not isinstance(extra.value, Value)
    hint = None
    if numbers and keywords:
        hint = (
            f"only sizes go by position; give it a name, such as `{keywords[0]}={extra.span.text}`" if extra else None
        )
    return Mistake(
        "E0214",
        f"`{operation.name}` is given too many values",
        extra.span if extra and numbers else span,
        expected=f"{len(operation.operands)} at most: {declared}" if declared else "no tensors",
        found=f"{count}",
        hint=hint,
    )


def operands(frame: Frame, operation: Op, bound: Bound, span: Span) -> list[Any]:
    """The operands in declared order: tensors, constants for numbers and lists, None for those left out.

    Raises E0214 for an operand that is given by position and by name.
    """
    fixed = len(operation.operands) - operation.variadic
    slots: list[Any] = list(bound.operands)
    slots += [MISSING] * (fixed - len(slots))
    for position, declared in enumerate(operation.operands[:fixed]):
        if declared.name in bound.named:
            if slots[position] is not MISSING:
                raise Mistake(
                    "E0214",
                    f"`{declared.name}` of `{operation.name}` is given twice",
                    bound.places[declared.name],
                    expected="each tensor once",
                )
            slots[position] = bound.named[declared.name]
    return slots


def as_tensors(frame: Frame, operation: Op, slots: Sequence[Any], bound: Bound, span: Span) -> list[Value | None]:
    """The operands as tensors: constants for the numbers among them."""
    return [
        None
        if v is MISSING or v is None
        else v
        if isinstance(v, Value)
        else as_tensor(frame, operation, slots, n, bound, span)
        for n, v in enumerate(slots)
    ]


def as_tensor(frame: Frame, operation: Op, slots: Sequence[Any], position: int, bound: Bound, span: Span) -> Value:
    """A constant for the number or list at a position."""
    declared = declared_operand(operation, position)
    place = bound.places.get(declared.name, bound.places.get("", span))
    return constant(frame, slots[position], _dtype(operation, slots, declared, slots[position]), place)


def _dtype(operation: Op, slots: Sequence[Any], declared: Operand, value: Any) -> DType | None:
    """The element type of a number: that of the first tensor of the same kind, else the natural one."""
    leaf = value
    while isinstance(leaf, tuple) and leaf:
        leaf = leaf[0]
    if isinstance(leaf, bool):
        return BOOL
    for position, other in enumerate(slots):
        if (
            isinstance(other, Value)
            and declared_operand(operation, position).dtypes == declared.dtypes
            and other.type.dtype.kind != "bool"
        ):
            return other.type.dtype
    if is_dim(leaf) and not declared.dtypes.admits(I64) and declared.dtypes.admits(F32):
        return F32
    return None
