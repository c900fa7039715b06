"""Applying operations: operands and attributes are checked, types are inferred, nodes are put into a graph.

`resolve` is the only place where a call becomes canonical attributes and types; the language, the readers, the
passes and the bodies of composite operations all go through it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dlc.diagnostics import Span, suggestion
from dlc.ir.graph import Apply, Call, Graph, Node, Value
from dlc.ir.op import ControlFlow, Op, Operand, Problem, op
from dlc.ir.types import BOOL, F32, I64, DType, TensorType


def declared_operand(operation: Op, position: int) -> Operand:
    """The declaration of the operand at a position; the variadic one for all that follow it."""
    return operation.operands[min(position, len(operation.operands) - 1)]


def resolve(operation: Op, types: Sequence[TensorType | None],
            attributes: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[TensorType, ...]]:
    """Canonical attributes (defaults filled in, declared order) and the output types of a call.

    types has an entry per declared operand, None for an omitted one, and the variadic operands at the end.
    Raises Problem with what was expected and found.
    """
    canonical = resolve_attributes(operation, types, attributes)
    result = operation.infer(*types, **canonical)
    return canonical, (result,) if isinstance(result, TensorType) else tuple(result)


def resolve_attributes(operation: Op, types: Sequence[TensorType | None],
                       attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Canonical attributes of a call whose operands fit the declaration."""
    _check_operands(operation, types)
    first = next((t for t in types if t is not None), None)
    canonical = _canonical(operation, _collect_extra(operation, attributes), first.rank if first is not None else 0)
    complete: Callable[..., dict[str, Any]] | None = getattr(operation, "complete", None)
    if complete is not None:
        canonical.update(complete(*types, **canonical))
    return canonical


def _collect_extra(operation: Op, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keywords that are no declared attributes, gathered into the one that the operation has for them."""
    unknown = {name: value for name, value in attributes.items() if name not in operation.attribute}
    if not operation.extra or not unknown:
        return attributes
    known = {name: value for name, value in attributes.items() if name in operation.attribute}
    return {**known, operation.extra: {**dict(known.get(operation.extra, ())), **unknown}}


def _check_operands(operation: Op, types: Sequence[TensorType | None]) -> None:
    fixed = len(operation.operands) - operation.variadic
    if len(types) < fixed or (len(types) > fixed and not operation.variadic):
        raise Problem(f"`{operation.name}` takes {fixed} tensors", found=f"{len(types)}", code="E0210")
    if not types and operation.operands and not operation.operands[0].optional:
        raise Problem(f"`{operation.name}` takes at least one tensor", expected=operation.operands[0].name,
                      found="nothing", code="E0210")
    for position, given in enumerate(types):
        declared = declared_operand(operation, position)
        if given is None:
            if not declared.optional:
                raise Problem(f"`{operation.name}` needs the tensor `{declared.name}`", code="E0210",
                              expected=f"{declared.name}: {declared.dtypes.text}", found="nothing")
        elif not declared.dtypes.admits(given.dtype):
            raise Problem(f"`{operation.name}` takes {declared.dtypes.text} as `{declared.name}`", at=[declared.name],
                          expected=declared.dtypes.text, found=str(given), code="E0221",
                          hint=_conversion(declared))


def _conversion(declared: Operand) -> str:
    """How to get an element type that the operand may have."""
    wanted = next((d for d in (F32, I64) if declared.dtypes.admits(d)), None)
    if wanted is None:
        return f"compare it with something: `{declared.name} > 0`"
    return f"convert it with `cast({declared.name}, {wanted})` or another element type"


def _canonical(operation: Op, attributes: Mapping[str, Any], rank: int) -> dict[str, Any]:
    unknown = [name for name in attributes if name not in operation.attribute]
    if unknown:
        known = list(operation.attribute)
        raise Problem(f"`{operation.name}` has no argument `{unknown[0]}`", at=[unknown[0]], code="E0211",
                      expected=", ".join(known) or "no keyword arguments", found=unknown[0],
                      hint=suggestion(unknown[0], known))
    canonical: dict[str, Any] = {}
    for attribute in operation.attributes:
        if attribute.name not in attributes and attribute.required:
            raise Problem(f"`{operation.name}` needs the argument `{attribute.name}`", code="E0212",
                          expected=f"{attribute.name}={attribute.kind.text}", found="nothing")
        value = attributes.get(attribute.name, attribute.default)
        if value is None and attribute.default is None and (attribute.optional or not attribute.kind.none):
            canonical[attribute.name] = None
            continue
        try:
            canonical[attribute.name] = attribute.kind.canonical(value, rank)
        except ValueError as error:
            raise Problem(f"`{operation.name}` cannot take this as `{attribute.name}`", at=[attribute.name],
                          expected=str(error), found=str(value), code="E0213") from error
    return canonical


def positioned(operation: Op, operands: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """Operands in declared order from some by position and some by name, None where one is omitted."""
    fixed = operation.operands[:len(operation.operands) - operation.variadic]
    slots: list[Any] = list(operands)
    while len(slots) < len(fixed):
        slots.append(None)
    for position, declared in enumerate(fixed):
        if declared.name in named:
            slots[position] = named[declared.name]
    return slots


class Builder:
    """Appends nodes to a graph (or inserts them before `anchor`); each operation is a method.

        b = Builder(graph, origin="gelu")
        y = b.mul(b.add(x, 1.0), b.softmax(x, axis=-1))

    Numbers become scalar constants of the element type of the first tensor that is not bool. An operation with several
    outputs returns a tuple of values. Raises Problem when a type rule refuses.
    """

    def __init__(self, graph: Graph, *, origin: str = "source", span: Span | None = None,
                 anchor: Node | None = None, scope: str = "") -> None:
        self.graph, self.origin, self.span, self.anchor, self.scope = graph, origin, span, anchor, scope

    def __getattr__(self, name: str) -> Callable[..., Any]:
        name = name.rstrip("_")
        if name.startswith("_"):
            raise AttributeError(name)

        def apply(*operands: Any, **arguments: Any) -> Any:
            return self.apply(name, *operands, **arguments)
        return apply

    def apply(self, name: str, *operands: Value | float | bool | None, regions: Sequence[Graph] = (),
              **arguments: Any) -> Any:
        """Apply the operation `name`; keywords are attributes, or operands by their declared names."""
        operation = op(name)
        declared = {o.name for o in operation.operands}
        slots = positioned(operation, operands, {k: v for k, v in arguments.items() if k in declared})
        attributes = {k: v for k, v in arguments.items() if k not in declared}
        values = self._values(slots)
        canonical, types = self._resolve(operation, values, attributes, regions)
        outputs = self.insert(Apply(operation, values, types, canonical, regions, span=self.span,
                                    origin=self.origin)).outputs
        return outputs[0] if len(outputs) == 1 else outputs

    @staticmethod
    def _resolve(operation: Op, values: Sequence[Value | None], attributes: Mapping[str, Any],
                 regions: Sequence[Graph]) -> tuple[dict[str, Any], tuple[TensorType, ...]]:
        types = [None if v is None else v.type for v in values]
        if not isinstance(operation, ControlFlow):
            return resolve(operation, types, attributes)
        canonical = resolve_attributes(operation, types, attributes)
        return canonical, operation.infer_regions(types, regions, **canonical)

    def call(self, block: Graph, instance: str, *operands: Value | None) -> tuple[Value, ...]:
        """Call a block under an instance name."""
        return self.insert(Call(block, instance, operands, span=self.span, origin=self.origin)).outputs

    def insert(self, node: Node) -> Node:
        node.scope = node.scope or self.scope
        return self.graph.insert(node, self.anchor)

    def constant(self, value: Any, dtype: DType | None = None) -> Value:
        """A constant from a number or nested lists of numbers; bool, i64 or f32 unless the element type is given."""
        leaf = value
        while isinstance(leaf, (tuple, list)) and leaf:
            leaf = leaf[0]
        if dtype is None:
            dtype = BOOL if isinstance(leaf, bool) else I64 if isinstance(leaf, int) else F32
        result: Value = self.apply("constant", value=value, dtype=dtype)
        return result

    def _values(self, slots: Sequence[Any]) -> list[Value | None]:
        dtype = next((s.type.dtype for s in slots if isinstance(s, Value) and s.type.dtype.kind != "bool"), None)
        return [s if s is None or isinstance(s, Value) else
                self.constant(s, BOOL if isinstance(s, bool) else dtype) for s in slots]


def body_graph(operation: Op, types: Sequence[TensorType | None], attributes: Mapping[str, Any]) -> Graph:
    """The definition of a composite operation for these operand types, as a graph of its own.

    Its inputs are the operands that are given, in order.
    """
    graph = Graph(operation.name)
    values = [None if t is None else graph.add_input(_operand_name(operation, i), t) for i, t in enumerate(types)]
    for i, value in enumerate(expand(operation, Builder(graph, origin=operation.name), values, attributes)):
        graph.add_output(operation.outputs[i] if i < len(operation.outputs) else f"y{i}", value)
    return graph


def expand(operation: Op, b: Builder, values: Sequence[Value | None],
           attributes: Mapping[str, Any]) -> tuple[Value, ...]:
    """Build the definition of a composite operation on these values; its outputs."""
    body: Callable[..., Any] = operation.body  # type: ignore[attr-defined]
    result = body(b, *values, **attributes)
    return (result,) if isinstance(result, Value) else tuple(result)


def _operand_name(operation: Op, position: int) -> str:
    declared = declared_operand(operation, position)
    return f"{declared.name}{position}" if declared.variadic else declared.name
