"""Operations put into the graph of a frame, and what a type rule refuses turned into a complaint with places."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dlc.diagnostics import Label, Span, suggestion
from dlc.ir.build import declared_operand, resolve
from dlc.ir.dim import Expr
from dlc.ir.graph import Apply, Input, Value, Weight
from dlc.ir.op import Op, Problem, op
from dlc.ir.types import BOOL, F32, I64, DType, TensorType
from dlc.language.elaborate import habits
from dlc.language.elaborate.context import Frame, Mistake, place_of
from dlc.language.elaborate.sizes import check_type
from dlc.language.elaborate.values import POISON, Phantom, describe, spelled

Resolved = tuple[dict[str, Any], tuple[TensorType, ...]]
_CACHE: dict[Any, Resolved] = {}
_CACHE_LIMIT = 50_000


def apply(
    frame: Frame,
    operation: Op,
    operands: Sequence[Value | None],
    attributes: Mapping[str, Any],
    span: Span,
    places: Mapping[str, Span] | None = None,
    wording: Mapping[str, str] | None = None,
) -> Any:
    """Apply an operation; its output, or a tuple of its outputs.

    places: where each argument was written by name. wording: what operands are called in complaints.
    Raises Mistake for what the operation refuses.
    """
    if frame.captures is not None:
        operands = [v if v is None else local(frame, v) for v in operands]
    try:
        canonical, types = resolved(
            operation, tuple([None if v is None else v.type for v in operands]), attributes, span
        )
    except Problem as problem:
        if frame.session.generic and excusable(problem, operands, attributes):
            return POISON
        raise complaint(problem, operation, operands, span, places or {}, attributes, wording) from None
    node = Apply(operation, operands, types, canonical, span=span)
    frame.graph.insert(node)
    frame.session.count_node(span)
    return node.outputs[0] if len(types) == 1 else node.outputs


def resolved(
    operation: Op, types: tuple[TensorType | None, ...], attributes: Mapping[str, Any], span: Span
) -> Resolved:
    """Canonical attributes and output types, remembered for equal calls. Raises Problem; E0235 for impossible sizes."""
    try:
        key = (operation, types, *[(n, type(v), v) for n, v in attributes.items()])
        found = _CACHE.get(key)
    except TypeError:
        key, found = None, None
    if found is None:
        found = resolve(operation, types, attributes)
        for output in found[1]:
            check_type(output, span)
        if key is not None:
            if len(_CACHE) > _CACHE_LIMIT:
                _CACHE.clear()
            _CACHE[key] = found
    return found


def named(frame: Frame, name: str, operands: Sequence[Value | None], span: Span, **attributes: Any) -> Any:
    """Apply the operation of that name."""
    return apply(frame, op(name), operands, attributes, span)


_QUOTED = re.compile(r"`(\w+)`|(?<=\()(\w+)(?=, )")


def reworded(text: str | None, wording: Mapping[str, str]) -> str | None:
    """A message with operands called by other names: `x` in backquotes, and x as the first argument of a call."""
    if text is None:
        return None

    def change(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        other = wording.get(name)
        return found[0] if other is None else other if found[2] else f"`{other}`"

    return _QUOTED.sub(change, text)


def constant(frame: Frame, value: Any, dtype: DType | None, span: Span) -> Value:
    """A constant from a number or nested lists of them, of a given element type or the natural one.

    Raises E0224 for a fraction among whole numbers, E0205 for what no tensor holds.
    """
    leaf = value
    while isinstance(leaf, (tuple, range)) and len(leaf):
        leaf = leaf[0]
    if isinstance(leaf, Expr) and not isinstance(value, tuple):
        size: Value = named(frame, "dimension", (), span, size=value)
        return size if dtype is None or dtype == I64 else named(frame, "cast", (size,), span, dtype=dtype)
    if not isinstance(leaf, (bool, int, float)):
        raise Mistake(
            "E0205", "this cannot be used as a tensor", span, expected="a tensor or a number", found=describe(value)
        )
    if dtype is None:
        dtype = BOOL if isinstance(leaf, bool) else I64 if isinstance(leaf, int) else F32
    elif isinstance(leaf, float) and dtype.is_integer and not leaf.is_integer():
        raise Mistake(
            "E0224",
            f"the number {leaf:g} does not fit a tensor of {dtype}",
            span,
            expected=f"a whole number for {dtype}",
            found=f"{leaf:g}",
            hint="convert the tensor first: `cast(x, f32)`",
        )
    result: Value = named(
        frame, "constant", (), span, value=tuple(value) if isinstance(value, range) else value, dtype=dtype
    )
    return result


def local(frame: Frame, value: Value) -> Value:
    """A value of the graph around a region as an input of the region."""
    assert frame.captures is not None
    if value in frame.captures:
        return frame.captures[value]
    home = value.node.graph if value.node is not None else None
    if home is frame.graph or (isinstance(value, Input) and value in frame.graph.inputs):
        return value
    inside = frame.graph.add_input(value.name or f"c{len(frame.captures)}", value.type, span=value.span)
    frame.captures[value] = inside
    return inside


def excusable(problem: Problem, operands: Sequence[Value | None], attributes: Mapping[str, Any]) -> bool:
    """Whether a stand-in may be to blame: sizes that callers will give are not known yet."""
    if problem.code in ("E0231", "E0220"):
        return any(v is not None and any(isinstance(d, Expr) for d in v.type.shape) for v in operands) or any(
            isinstance(v, Expr) for v in attributes.values()
        )
    return any(isinstance(v, Phantom) for v in operands)


def complaint(
    problem: Problem,
    operation: Op,
    operands: Sequence[Value | None],
    span: Span,
    places: Mapping[str, Span],
    attributes: Mapping[str, Any],
    wording: Mapping[str, str] | None = None,
) -> Mistake:
    """The refusal of a type rule, at the argument that it is about, with the places where the tensors come from."""
    main = next((places[n] for n in problem.at if n in places), span)
    labels: list[Label] = []
    by_name = operand_names(operation, operands)
    about = [n for n in problem.at if n in by_name] or ([] if main is not span else list(by_name))
    for name in about:
        value = by_name[name]
        shown = f"`{name}`" if not value.name or value.name == name or isinstance(value, Weight) else f"`{value.name}`"
        labels.extend(place_of(value, shown, main))
    hint = problem.hint
    message, found = problem.message, problem.found
    wording = {**_numbered(operation, operands), **(wording or {})}
    if wording:
        message, hint = reworded(message, wording) or message, reworded(hint, wording)
    if problem.code == "E0213" and problem.at and problem.at[0] in attributes:
        found = spelled(attributes[problem.at[0]])
    if problem.code == "E0211":
        hint = argument_hint(operation, problem.found or "", [])
    elif hint is None and problem.code == "E0231":
        hint = "state what is always true of the sizes: `assume a == b`, or write numbers"
    return Mistake(
        problem.code,
        message,
        main,
        expected=problem.expected,
        found=found,
        hint=hint,
        labels=_unique(labels),
    )


def operand_names(operation: Op, operands: Sequence[Value | None]) -> dict[str, Value]:
    """The tensors of a call by the name of their operand; those of a variadic one are numbered."""
    found: dict[str, Value] = {}
    for position, value in enumerate(operands):
        if value is not None:
            declared = declared_operand(operation, position)
            found[f"{declared.name}{position}" if declared.variadic else declared.name] = value
    return found


def _numbered(operation: Op, operands: Sequence[Value | None]) -> dict[str, str]:
    """What the tensors of a variadic operand are called where they were made, by their numbers."""
    if not operation.variadic:
        return {}
    known = operand_names(operation, operands)
    return {n: v.name for n, v in known.items() if n[-1].isdigit() and v.name and not isinstance(v, Weight)}


def argument_hint(operation: Op, name: str, known: Sequence[str]) -> str | None:
    """What an unknown keyword of an operation probably means."""
    candidates = [
        *operation.attribute,
        *(o.name for o in operation.operands),
        *(p.name for p in operation.layer_parameters),
        *known,
    ]
    foreign = habits.ARGUMENTS.get(name)
    if foreign in candidates:
        return f"it is called `{foreign}` here"
    return suggestion(name, candidates)


def _unique(labels: Sequence[Label]) -> tuple[Label, ...]:
    seen: dict[tuple[int, int], Label] = {}
    for label in labels:
        seen.setdefault((label.span.start, label.span.end), label)
    return tuple(seen.values())[:4]
