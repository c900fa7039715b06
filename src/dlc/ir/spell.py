"""How attribute values, types and layer calls are spelled in the language. `text.py` puts them into programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dlc.ir.attributes import AXES, AXIS, PAD, SPATIAL
from dlc.ir.build import declared_operand, resolve
from dlc.ir.dim import Expr
from dlc.ir.graph import Apply, Weight
from dlc.ir.op import Attribute, Initializer, Problem, WeightSpec
from dlc.ir.types import DType, TensorType

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
KEYWORDS = frozenset([
    "dl", "block", "model", "fn", "layer", "param", "state", "input", "output", "train", "for", "in", "if", "else",
    "return", "assert", "assume", "repeat", "cond", "while", "scan", "over", "from", "import", "as", "layout",
    "weights", "and", "or", "not", "true", "false", "none", "inf", "nan"])


def is_identifier(text: str) -> bool:
    """Whether the text can stand as a name in the language."""
    return bool(_IDENTIFIER.match(text)) and text not in KEYWORDS


def label(path: str) -> str:
    """`@conv1`, or `@"layer1.0.conv"` where the path is no name."""
    return f"@{path}" if is_identifier(path) else f"@{quoted(path)}"


def quoted(text: str) -> str:
    """The text as a string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def spell(value: Any) -> str:
    """A compile-time value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(spell(v) for v in value)}]"
    if isinstance(value, Initializer):
        return initializer(value)
    if isinstance(value, (int, float, DType, Expr)):
        return repr(value)
    raise TypeError(f"a value of type {type(value).__name__} has no spelling")


def initializer(value: Initializer, *, call: bool = False, **options: Any) -> str:
    """`zeros`, `uniform(low=-0.1, high=0.1)`; with `call` also `zeros()`, which can carry a label."""
    arguments = ", ".join(f"{name}={spell(argument)}" for name, argument in [*value.arguments, *options.items()])
    return f"{value.name}({arguments})" if arguments or call else value.name


def spell_type(t: TensorType) -> str:
    """`f32[N, 64]`, `f32`."""
    return str(t)


def attribute_value(attribute: Attribute, value: Any) -> str:
    """A canonical attribute as people write it: one number where all axes have the same, `1` for one axis."""
    if attribute.kind is SPATIAL and value is not None and len(set(value)) == 1:
        return spell(value[0])
    if attribute.kind is PAD and value is not None:
        flat = {n for pair in value for n in pair}
        if len(flat) == 1:
            return spell(flat.pop())
        if all(a == b for a, b in value):
            return spell([a for a, _ in value])
    if attribute.kind is AXES and value is not None and len(value) == 1:
        return spell(value[0])
    return spell(value)


def arguments(node: Apply, layout: str | None) -> list[tuple[str, str]]:
    """(name, spelling) of every attribute that must be written; the name is empty for one given by position.

    What `resolve` fills in again by itself is left out; `layout` is left out where the file says it.
    """
    kept = _necessary(node, layout)
    positional: list[tuple[str, str]] = []
    for name in node.op.positional:
        if name not in kept:
            break
        positional.append(("", attribute_value(node.op.attribute[name], kept.pop(name))))
    extra = kept.pop(node.op.extra, ())
    named = [(name, attribute_value(node.op.attribute[name], value)) for name, value in kept.items()]
    return positional + named + [(name, spell(value)) for name, value in extra]


def _necessary(node: Apply, layout: str | None) -> dict[str, Any]:
    kept = dict(node.attributes)
    types = [None if v is None else v.type for v in node.operands]
    rank = next((t.rank for t in types if t is not None), 0)
    for attribute in node.op.attributes:
        name, value = attribute.name, node.attributes[attribute.name]
        if name == "layout":
            if value == layout:
                del kept[name]
            continue
        if attribute.required or not _may_be_default(attribute, value, rank):
            continue
        rest = {k: v for k, v in kept.items() if k != name}
        if _resolves_to(node, types, rest):
            kept = rest
    return kept


def _may_be_default(attribute: Attribute, value: Any, rank: int) -> bool:
    """Cheap test before the exact one: only a None default can be completed to something else."""
    if attribute.default is None or attribute.kind in (AXIS, AXES):
        return True
    try:
        return bool(attribute.kind.canonical(attribute.default, rank) == value)
    except ValueError:
        return False


def _resolves_to(node: Apply, types: list[TensorType | None], attributes: Mapping[str, Any]) -> bool:
    try:
        return resolve(node.op, types, attributes)[0] == node.attributes
    except Problem:
        return False


def layer_label(node: Apply) -> str | None:
    """The label under which the node owns its weights: all of them are `label.<declared name>`; None if it has none."""
    paths = [w.path.split(".") for w in _layer_weights(node)]
    if not paths:
        return None
    label: list[str] = []
    for segments in zip(*(p[:-1] for p in paths), strict=False):
        if len(set(segments)) > 1:
            break
        label.append(segments[0])
    return ".".join(label) or None


def owned(node: Apply) -> dict[str, Weight]:
    """The weights that the node owns under its label, by declared name; empty if it has no label."""
    label = layer_label(node)
    if label is None:
        return {}
    return {w.path[len(label) + 1:]: w for w in _layer_weights(node)}


def _layer_weights(node: Apply) -> list[Weight]:
    """The weights among the operands that a layer of this operation would make."""
    if node.op.layer is None:
        return []
    code = node.op.layer.__code__
    tensors = code.co_varnames[1:code.co_argcount]
    return [v for i, v in enumerate(node.operands)
            if isinstance(v, Weight) and declared_operand(node.op, i).name not in tensors]


def layer_call(node: Apply, layout: str | None) -> list[tuple[str, str]] | None:
    """The arguments of a layer call that makes exactly the node's weights and attributes again, or None."""
    weights, op = owned(node), node.op
    if op.sizes is None or op.layer is None or layer_label(node) is None:
        return None
    shaping = _known(op.sizes, {**{k: w.type for k, w in weights.items()}, **_others(node), **node.attributes})
    try:
        sizes = op.sizes(**shaping)
        declared = op.layer(**_known(op.layer, {**_others(node), **node.attributes, **sizes}))
    except (Problem, TypeError):
        return None
    given = {name: spec for name, spec in declared.items() if name in weights}
    explicit = {o.name for o, v in zip(op.operands, node.operands, strict=False) if v is not None} - given.keys()
    if any(n not in weights and n not in explicit for n in declared) or weights.keys() - declared.keys():
        return None
    if any(w.type != given[n].type or w.state != given[n].state for n, w in weights.items()):
        return None
    options = _options(weights, given)
    if options is None:
        return None
    return _size_arguments(node, sizes) + arguments(node, layout) + options


def explicit_call(node: Apply, layout: str | None) -> list[tuple[str, str]]:
    """The arguments beside the operands where all weights are given: sizes, and switches for what is absent."""
    op = node.op
    present = {o.name: v.type for o, v in zip(op.operands, node.operands, strict=False) if v is not None}
    sizes = op.sizes(**_known(op.sizes, {**present, **node.attributes})) if op.sizes is not None else {}
    return _size_arguments(node, sizes, given=True) + arguments(node, layout)


def _others(node: Apply) -> dict[str, TensorType]:
    own = set(owned(node).values())
    return {o.name: v.type for o, v in zip(node.op.operands, node.operands, strict=False)
            if v is not None and v not in own and not o.variadic}


def _known(function: Any, candidates: Mapping[str, Any]) -> dict[str, Any]:
    """Those candidates that the function has parameters for."""
    code = function.__code__
    names = code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]
    takes_rest = bool(code.co_flags & 0x08)
    return {k: v for k, v in candidates.items() if takes_rest or k in names}


def _size_arguments(node: Apply, sizes: Mapping[str, Any], *, given: bool = False) -> list[tuple[str, str]]:
    """The layer parameters: sizes without default by position, switches by keyword where they differ.

    given: the weights are, so that they say all but what is switched off.
    """
    result: list[tuple[str, str]] = []
    by_position = not node.op.positional
    for parameter in node.op.layer_parameters:
        if parameter.name not in sizes:
            continue
        value = sizes[parameter.name]
        if parameter.default is parameter.empty:
            text = spell(value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value)
            by_position = by_position and parameter.annotation == "Size"
            result.append(("" if by_position else parameter.name, text))
        elif value != parameter.default and (value is False or not given):
            result.append((parameter.name, spell(value)))
    return result


def _options(weights: Mapping[str, Weight], declared: Mapping[str, WeightSpec]) -> list[tuple[str, str]] | None:
    """`init=`, `bias_init=`, `trainable=false` where they differ from the layer's own; None if they cannot say it."""
    options: list[tuple[str, str]] = []
    for name, weight in weights.items():
        if weight.initializer == declared[name].initializer:
            continue
        if name not in ("weight", "bias"):
            return None
        options.append(("init" if name == "weight" else "bias_init", initializer(weight.initializer)))
    frozen = [not w.trainable for w in weights.values() if not w.state]
    if frozen and all(frozen):
        options.append(("trainable", "false"))
    elif any(frozen):
        return None
    return options
