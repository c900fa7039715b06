"""Blocks and functions: a block is specialised once for equal calls, a function is built where it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Label, Span
from dlc.ir.graph import Call, Graph, Value
from dlc.ir.types import TensorType
from dlc.language import ast
from dlc.language.elaborate import kinds, labels, layers, limits
from dlc.language.elaborate.apply import local
from dlc.language.elaborate.context import (
    CallSite,
    Frame,
    Mistake,
    Session,
    Specialisation,
    freeze,
    head,
    overflow,
)
from dlc.language.elaborate.results import output_name, run_body
from dlc.language.elaborate.signatures import Arguments, Reference, bind, declaration, enter
from dlc.language.elaborate.sizes import declared
from dlc.language.elaborate.values import POISON, BlockRef, FnRef, Given, Layer, Phantom


def call_block(
    frame: Frame,
    reference: BlockRef,
    piped: Sequence[Any],
    given: Sequence[Given],
    path: str | None,
    span: Span,
    layer: Layer | None = None,
) -> Any:
    """Call a block; its result, or a tuple of its results. Raises E0246 for a block with weights and no label."""
    frame.session.used.add(reference)
    bound = bind(reference, piped, given, span)
    if bound.poisoned:
        if path is None and layer is None and _obviously_weighted(reference):
            frame.complain(labels.missing(frame, reference.name, layers.call_text(span), span))
        return POISON
    found, tensors = specialise(frame, bound, span)
    if found.weighted:
        labels.need_owner(frame, f"`{reference.name}`", span)
    if found.weighted and path is None and layer is None:
        frame.complain(labels.missing(frame, reference.name, layers.call_text(span), span))
        return _results([Phantom(t, span=span) if t is not None else POISON for t in found.types])
    if found.graph is None:
        return _results([Phantom(t, span=span) if t is not None else POISON for t in found.types])
    if layer is not None:
        _check_layer(layer, found, tensors, span)
    operands = [v for v in tensors.values() if v is not None]
    if frame.captures is not None:
        operands = [local(frame, v) for v in operands]
    instance = layer.path if layer is not None else path or ""
    node = Call(found.graph, instance, operands, span=span)
    frame.graph.insert(node)
    frame.session.count_node(span)
    return _results(node.outputs)


def _results(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def _obviously_weighted(reference: BlockRef) -> bool:
    return any(isinstance(s, (ast.ParamDecl, ast.LayerDecl)) for s in reference.decl.body.statements)


def _check_layer(layer: Layer, found: Specialisation, tensors: dict[str, Any], span: Span) -> None:
    """A shared block needs the same weights at every call; the first call says which."""
    assert found.graph is not None
    shapes = weight_types(found.graph)
    if layer.types is None:
        layer.types, layer.first = tuple(v.type for v in tensors.values() if v is not None), span
        layer.weights.update({k: Phantom(t, name=k) for k, t in shapes.items()})
        return
    known = {k: v.type for k, v in layer.weights.items()}
    if known != shapes:
        path = next(k for k in {**known, **shapes} if known.get(k) != shapes.get(k))
        where = [Label(layer.span, "the layer")] + ([Label(layer.first, "its first call")] if layer.first else [])
        raise Mistake(
            "E0242",
            f"`{layer.name}` is called with inputs that need other weights",
            span,
            labels=tuple(where),
            expected=f"`{path}` of {known.get(path, 'no type')}, as at the first call",
            found=str(shapes.get(path, "none")),
            hint="inputs of a shared layer need the same sizes; declare a second layer for others",
        )


def weight_types(graph: Graph) -> dict[str, TensorType]:
    """The types of all weights inside a block, by path."""
    found = {path: w.type for path, w in graph.weights.items()}
    for node in graph.walk():
        if isinstance(node, Call):
            prefix = f"{node.instance}." if node.instance else ""
            found.update({f"{prefix}{path}": t for path, t in weight_types(node.block).items()})
    return found


def specialise(frame: Frame, bound: Arguments, span: Span) -> tuple[Specialisation, dict[str, Any]]:
    """The block for these arguments, built unless it is there already; and the tensors that it is called with."""
    reference, session = bound.reference, frame.session
    assert isinstance(reference, BlockRef)
    site = CallSite(f"`{reference.name}`", span)
    graph = Graph(reference.name, template=reference.name, doc=reference.decl.doc or "", span=reference.decl.span)
    inner = Frame(session, reference.module, graph, kind="block", trail=(*frame.trail, site))
    tensors = enter(frame, inner, bound, span)
    hypers = {p.name: inner.names[p.name] for p in reference.decl.hypers}
    key = (reference, freeze(hypers), tuple(None if v is None else v.type for v in tensors.values()))
    found = session.specialisations.get(key)
    if found is None:
        guard_recursion(frame, reference, key, span)
        graph.name = session.graph_name(reference.name)
        graph.parameters = {n: v if not hasattr(v, "name") else str(v) for n, v in hypers.items()}
        session.active[key] = CallSite(reference.name, span)
        try:
            found = _build(inner, reference, tensors)
        finally:
            del session.active[key]
        session.specialisations[key] = found
    return found, tensors


def guard_recursion(frame: Frame, reference: Reference, key: Any, span: Span) -> None:
    """Raises E0310 for a block or function that contains itself, E0311 for too many inside one another."""
    active = frame.session.active
    if key in active:
        cycle = [site.text for site in list(active.values())[list(active).index(key) :]]
        raise Mistake(
            "E0310",
            f"`{reference.name}` contains itself without end",
            span,
            labels=(declaration(reference),),
            found=" -> ".join([*cycle, reference.name]),
            hint="let a hyper-parameter count down and stop with `if`: `if depth > 0 { ... } else { x }`",
        )
    if len(active) >= limits.DEPTH:
        names = [site.text for site in active.values()][-3:]
        raise overflow(
            span,
            f"blocks are nested more than {limits.DEPTH} deep: {' -> '.join(names)} -> ...",
            "let the recursion end earlier, or use `repeat` and `for`",
            code="E0311",
        )


def _build(inner: Frame, reference: BlockRef, tensors: dict[str, Any]) -> Specialisation:
    graph, decl, session = inner.graph, reference.decl, inner.session
    for param in decl.inputs:
        value = tensors[param.name]
        inner.names[param.name] = (
            None if value is None else graph.add_input(param.name, value.type, doc=param.doc or "", span=param.span)
        )
        inner.places[param.name] = param.span
    before = session.complaints
    values, nodes = run_body(inner, reference)
    for position, value in enumerate(values):
        if isinstance(value, Value) and session.complaints == before:
            graph.add_output(output_name(nodes, position, graph), value)
    wrong = session.complaints != before or any(not isinstance(v, Value) for v in values) or not values
    types = tuple(v.type if isinstance(v, Value) else None for v in values)
    calls = [session.built[n.block] for n in graph.walk() if isinstance(n, Call)]
    weighted = bool(graph.weights) or any(c.weighted for c in calls)
    expanded = len(graph) + sum(c.expanded for c in calls)
    if expanded > limits.EXPANDED:
        raise overflow(
            head(decl.span, decl.name),
            f"`{decl.name}` stands for more than {limits.EXPANDED:,} steps",
            "calls of blocks that call blocks multiply; lower the counts",
        )
    found = Specialisation(None if wrong else graph, types or (None,), weighted, expanded)
    session.built[graph] = found
    return found


def call_function(frame: Frame, reference: FnRef, piped: Sequence[Any], given: Sequence[Given], span: Span) -> Any:
    """Build the body of a function where it is called; its result, or a tuple of its results."""
    frame.session.used.add(reference)
    frame.session.count_step(span, limits.CALL)
    bound = bind(reference, piped, given, span)
    if bound.poisoned:
        return POISON
    site = CallSite(f"`{reference.name}`", span)
    inner = Frame(frame.session, reference.module, frame.graph, kind="function", trail=(*frame.trail, site))
    inner.outer, inner.captures = frame.outer, frame.captures
    tensors = enter(frame, inner, bound, span)
    inner.names.update(tensors)
    hypers = {n: inner.names[n] for n in inner.fixed if inner.fixed[n] == "a hyper-parameter"}
    key = (reference, freeze(hypers), tuple(None if v is None else v.type for v in tensors.values()))
    guard_recursion(frame, reference, key, span)
    frame.session.active[key] = CallSite(reference.name, span)
    try:
        values, _ = run_body(inner, reference)
    finally:
        del frame.session.active[key]
    return _results(values)


def build_alone(session: Session, reference: Reference) -> None:
    """Build a block or function for callers that are not known: what they would give is unknown."""
    decl = reference.decl
    graph = Graph(decl.name, span=decl.span)
    frame = Frame(session, reference.module, graph, kind="block" if isinstance(reference, BlockRef) else "function")
    for param in (*decl.hypers, *(p for p in decl.inputs if kinds.is_kind(p.type))):
        value: Any = POISON
        try:
            default = POISON if param.default is None else frame.guarded(param.default)
            value = kinds.checked(frame, default, param, param.span, decl.name)
        except Mistake as mistake:
            frame.complain(mistake)
        frame.fix(param.name, value, "a hyper-parameter", param.span)
    for param in decl.inputs:
        if not kinds.is_kind(param.type):
            frame.names[param.name] = _stand_in(frame, param)
            frame.places[param.name] = param.span
    session.active[reference] = CallSite(reference.name, decl.span)
    run_body(frame, reference)


def _stand_in(frame: Frame, param: ast.Param) -> Any:
    if any(isinstance(d, ast.Dots) for d in param.type.dims or ()):
        return POISON
    try:
        found = declared(frame, param.type)
    except Mistake as mistake:
        frame.complain(mistake)
        return POISON
    return POISON if found is None else frame.graph.add_input(param.name, found, span=param.span)
