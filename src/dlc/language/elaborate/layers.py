"""Operations that own weights: what a layer call makes, what it is given, and layers that are declared and shared."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, get_args, get_type_hints

from dlc.diagnostics import Label, Span
from dlc.ir.attributes import SIZE, Kind
from dlc.ir.dim import product
from dlc.ir.graph import Value, Weight
from dlc.ir.op import REQUIRED, Initializer, Op, Problem, WeightSpec
from dlc.ir.types import TensorType
from dlc.language.elaborate import labels, limits
from dlc.language.elaborate.bound import Bound
from dlc.language.elaborate.context import Frame, Mistake
from dlc.language.elaborate.values import POISON, Layer, Poison, describe, spelled
from dlc.ops.initializers import check as check_start


@dataclass(frozen=True)
class Parameter:
    """A compile-time value that only shapes weights."""

    name: str
    kind: Kind | None
    default: Any

    def canonical(self, value: Any, rank: int) -> Any:
        """The value in one form. Raises ValueError with what was expected."""
        if self.kind is not None:
            return None if value is None and self.default is None else self.kind.canonical(value, rank)
        if isinstance(self.default, bool) and not isinstance(value, bool):
            raise ValueError("true or false")
        return value


@dataclass(frozen=True)
class Shape:
    """The signature of `layer`: the tensors and attributes it looks at, its own parameters, the weights it may make."""

    tensors: tuple[str, ...]
    attributes: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    weights: tuple[str, ...]

    @property
    def positional(self) -> tuple[str, ...]:
        """Parameters that may be given by position: the sizes."""
        return tuple(p.name for p in self.parameters.values() if p.kind is SIZE and p.default is REQUIRED)


@cache
def shape_of(operation: Op) -> Shape:
    """The signature of an operation's `layer`, read once."""
    assert operation.layer is not None
    hints = get_type_hints(type(operation).layer, include_extras=True)
    tensors: list[str] = []
    attributes: list[str] = []
    parameters: dict[str, Parameter] = {}
    for p in inspect.signature(operation.layer).parameters.values():
        if p.kind is not p.KEYWORD_ONLY:
            tensors.append(p.name)
        elif p.name in operation.attribute:
            attributes.append(p.name)
        else:
            parameters[p.name] = Parameter(p.name, _kind(hints.get(p.name)), p.default)
    weights = tuple(o.name for o in operation.operands if o.name not in tensors)
    return Shape(tuple(tensors), tuple(attributes), parameters, weights)


def _kind(hint: Any) -> Kind | None:
    for part in getattr(hint, "__metadata__", ()):
        if isinstance(part, Kind):
            return part
    return next((k for k in map(_kind, get_args(hint)) if k is not None), None)


_CACHE: dict[Any, dict[str, WeightSpec]] = {}
_CACHE_LIMIT = 50_000


def specs(
    frame: Frame,
    operation: Op,
    types: Mapping[str, TensorType],
    bound: Bound,
    given: Mapping[str, TensorType],
    path: str,
    span: Span,
) -> dict[str, WeightSpec]:
    """The weights that a layer call has, remembered for equal calls.

    Sizes that are not written follow from the weights that are given. Raises Problem for what the layer refuses,
    Mistake E0212, E0213 for its parameters, and what `check_spec` raises.
    """
    written = [(n, type(v), v) for n, v in (*bound.attributes.items(), *bound.parameters.items())]
    try:
        key = (operation, frame.session.generic, *types.items(), *written, *given.items())
        found = _CACHE.get(key)
    except TypeError:
        key, found = None, None
    if found is None:
        found = _specs(operation, types, bound, given, span)
        for name, spec in found.items():
            check_spec(frame, f"{path}.{name}", spec, span)
        if key is not None:
            if len(_CACHE) > _CACHE_LIMIT:
                _CACHE.clear()
            _CACHE[key] = found
    return found


def _specs(
    operation: Op, types: Mapping[str, TensorType], bound: Bound, given: Mapping[str, TensorType], span: Span
) -> dict[str, WeightSpec]:
    shape = shape_of(operation)
    rank = next((t.rank for t in types.values()), 0)
    implied = _implied(operation, given) if given else {}
    arguments: dict[str, Any] = {}
    for name in shape.attributes:
        declared = operation.attribute[name]
        value = bound.attributes.get(name, declared.default)
        if value is REQUIRED:
            raise _missing(operation, name, declared.kind, span)
        arguments[name] = (
            None if value is None else _canonical(operation, name, declared.kind, value, rank, bound, span)
        )
    for name, parameter in shape.parameters.items():
        if name in bound.parameters:
            arguments[name] = _canonical(operation, name, parameter, bound.parameters[name], rank, bound, span)
        elif name in implied and parameter.default is REQUIRED:
            arguments[name] = implied[name]
        elif parameter.default is REQUIRED:
            raise _missing(operation, name, parameter.kind, span)
    assert operation.layer is not None
    return operation.layer(*[types.get(n) for n in shape.tensors], **arguments)


def _missing(operation: Op, name: str, kind: Kind | None, span: Span) -> Mistake:
    by_position, sizes = name in positional_names(operation), ", ".join(positional_names(operation))
    return Mistake(
        "E0212",
        f"`{operation.name}` needs the argument `{name}`",
        span,
        expected=f"{name}={kind.text if kind else 'a value'}",
        found="nothing",
        hint=f"sizes come first: `{operation.name}({sizes})`" if by_position else f"write `{name}=...`",
    )


def _canonical(
    operation: Op, name: str, kind: Kind | Parameter, value: Any, rank: int, bound: Bound, span: Span
) -> Any:
    try:
        return kind.canonical(value, rank)
    except ValueError as error:
        raise Mistake(
            "E0213",
            f"`{operation.name}` cannot take this as `{name}`",
            bound.places.get(name, span),
            expected=str(error),
            found=spelled(value),
        ) from None


def _implied(operation: Op, given: Mapping[str, TensorType]) -> dict[str, Any]:
    """Sizes that follow from weights that the call is given."""
    if operation.sizes is None:
        return {}
    known = inspect.signature(operation.sizes).parameters
    required = [n for n, p in known.items() if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    if any(n not in given for n in required):
        return {}
    return operation.sizes(**{n: t for n, t in given.items() if n in known})


def make(
    frame: Frame,
    operation: Op,
    declared: Mapping[str, WeightSpec],
    given: Mapping[str, Value | None],
    options: Mapping[str, Any],
    path: str | None,
    span: Span,
    layer: Layer | None,
) -> dict[str, Value]:
    """The weights of a call by name: those that are given, those that a shared layer has, and new ones.

    Raises E0246 for new weights without a label, E0242 and E0230 for weights of the wrong type.
    """
    result: dict[str, Value] = {}
    for name, spec in declared.items():
        tensor = given.get(name)
        if name in given and tensor is None:
            continue
        if tensor is not None:
            _check_tied(operation, name, tensor, spec, span)
            result[name] = tensor
        elif layer is not None and name in layer.weights:
            _check_shared(layer, name, spec, span)
            result[name] = layer.weights[name]
        else:
            labels.need_owner(frame, f"`{operation.name}`", span)
            if path is None:
                raise labels.missing(frame, operation.name, call_text(span), span)
            result[name] = new_weight(frame, f"{path}.{name}", spec, options, name, span)
    return result


def call_text(span: Span) -> str:
    """The call as written, if it is short."""
    text = " ".join(span.text.split())
    return text if len(text) <= 40 else text.split("(", 1)[0] + "(...)"


def check_spec(frame: Frame, path: str, spec: WeightSpec, span: Span) -> None:
    """Raises E0235 for a weight that is too large, E0236 for one of unknown shape, and what its initialiser refuses."""
    count = product(spec.type.shape)
    if isinstance(count, int) and count > limits.SIZE:
        raise Mistake(
            "E0235",
            f"the weight `{path}` is too large",
            span,
            found=f"{spec.type}: {count:,} elements",
            expected=f"at most 2**40 = {limits.SIZE:,} elements",
        )
    if not isinstance(count, int) and not frame.session.generic:
        raise Mistake(
            "E0236",
            f"the shape of the weight `{path}` must be known",
            span,
            expected="numbers",
            found=str(spec.type),
            hint="write the size as a number where the input is declared, or make it a hyper-parameter",
        )
    try:
        check_start(spec.initializer, spec.type.shape, spec.type.dtype)
    except Problem as problem:
        raise refuse(problem, span) from None


def new_weight(frame: Frame, path: str, spec: WeightSpec, options: Mapping[str, Any], name: str, span: Span) -> Weight:
    """A new weight of the graph that owns the frame, of a checked type. Raises what its initialiser refuses."""
    start = spec.initializer
    if options:
        start = _initializer(options.get("init" if name == "weight" else f"{name}_init", start))
        check_spec(frame, path, replace(spec, initializer=start), span)
    trainable = options.get("trainable", True)
    weight = Weight(spec.type, path=path, initializer=start, state=spec.state, span=span, trainable=trainable)
    return owner(frame).graph.add_weight(weight)


def owner(frame: Frame) -> Frame:
    """The frame whose graph owns the weights: regions have none of their own."""
    while frame.captures is not None and frame.outer is not None:
        frame = frame.outer
    return frame


def _initializer(value: Any) -> Initializer:
    return value if isinstance(value, Initializer) else Initializer("constant", (("value", float(value)),))


def _check_tied(operation: Op, name: str, tensor: Value, spec: WeightSpec, span: Span) -> None:
    if tensor.type != spec.type:
        place = (Label(tensor.span, f"{tensor.type} is made here"),) if tensor.span else ()
        raise Mistake(
            "E0230",
            f"the tensor given as `{name}` does not fit this `{operation.name}`",
            span,
            expected=str(spec.type),
            found=str(tensor.type),
            labels=place,
        )


def _check_shared(layer: Layer, name: str, spec: WeightSpec, span: Span) -> None:
    weight = layer.weights[name]
    if weight.type != spec.type:
        where = [Label(layer.span, "the layer")] + ([Label(layer.first, "its first call")] if layer.first else [])
        raise Mistake(
            "E0242",
            f"`{layer.name}` is called with inputs that need other weights",
            span,
            expected=f"`{name}` of {weight.type}, as at the first call",
            found=str(spec.type),
            labels=tuple(where),
            hint="inputs of a shared layer need the same sizes; declare a second layer for others",
        )


def split_options(operation: Op, name: str, value: Any, span: Span) -> tuple[str, Any] | None:
    """A generic option of layers (`init`, `bias_init`, `trainable`), checked; None where `name` is none of them."""
    shape = shape_of(operation)
    if name == "trainable":
        if not isinstance(value, (bool, Poison)):
            raise Mistake(
                "E0213",
                f"`{operation.name}` cannot take this as `trainable`",
                span,
                expected="true or false",
                found=describe(value),
            )
        return name, value
    weight = "weight" if name == "init" else name.removesuffix("_init") if name.endswith("_init") else None
    if weight is None or (weight not in shape.weights and not operation.variadic):
        return None
    if not isinstance(value, (Initializer, Poison, int, float)):
        raise Mistake(
            "E0217",
            "this is no initialiser",
            span,
            expected="a name such as `zeros`, a call, or a number",
            found=describe(value),
        )
    return name, value


def refuse(problem: Problem, span: Span) -> Mistake:
    """A refusal that concerns a weight, at the call that makes it."""
    return Mistake(
        problem.code, problem.message, span, expected=problem.expected, found=problem.found, hint=problem.hint
    )


def positional_names(operation: Op) -> Sequence[str]:
    """What compile-time values by position are, in order."""
    return (*operation.positional, *(shape_of(operation).positional if operation.layer is not None else ()))


__all__ = ["POISON", "Parameter", "Shape", "make", "positional_names", "refuse", "shape_of", "specs", "split_options"]
