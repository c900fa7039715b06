"""Blocks and functions: arguments bound, a block specialised once for equal ones, a function built where it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlc.diagnostics import Label, Span
from dlc.ir.graph import Call, Graph, Value
from dlc.ir.types import TensorType
from dlc.language import ast
from dlc.language.elaborate import habits, kinds, labels, layers, limits
from dlc.language.elaborate.apply import constant, local
from dlc.language.elaborate.context import (
    CallSite, Frame, Mistake, Session, Specialisation, freeze, overflow, place_of,
)
from dlc.language.elaborate.sizes import MISSING, declared, match
from dlc.language.elaborate.values import POISON, BlockRef, FnRef, Given, Layer, Phantom, describe, is_number

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
        return any(v is POISON or (isinstance(v, tuple) and POISON in v) for v in (*self.hypers.values(), *self.tensors.values()))


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
        raise Mistake("E0211", f"`{bound.reference.name}` has no argument `{name}`", argument.span, found=name,
                      expected=", ".join(known) or "no arguments", hint=habits.suggestion(name, known),
                      labels=(_declaration(bound.reference),))


def _positional(bound: Arguments, tensors: list[str], hypers: list[str], value: Any, place: Span, span: Span) -> None:
    is_tensor = isinstance(value, Value)
    queue = tensors if is_tensor or not hypers else hypers
    if value is POISON and not hypers and not tensors:
        return
    if not queue:
        kind = "tensors" if is_tensor else "values"
        raise Mistake("E0214", f"`{bound.reference.name}` is given too many {kind}", place,
                      expected=_signature(bound.reference), found=f"one more: {describe(value)}",
                      labels=(_declaration(bound.reference),))
    name = queue.pop(0)
    (bound.tensors if queue is tensors else bound.hypers)[name] = value
    bound.places[name] = place


def _signature(reference: Reference) -> str:
    parts = ", ".join(p.name for p in reference.decl.hypers), ", ".join(p.name for p in reference.decl.inputs)
    return f"{reference.name}({parts[0]}) ({parts[1]})" if parts[0] else f"{reference.name}({parts[1]})"


def _declaration(reference: Reference) -> Label:
    span = reference.decl.span
    start = span.source.text.find(reference.name, span.start, span.end)
    return Label(Span(span.source, start, start + len(reference.name)), f"`{reference.name}` is declared here")


def _enter(caller: Frame, inner: Frame, bound: Arguments, span: Span) -> dict[str, Any]:
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
            raise Mistake("E0212", f"`{bound.reference.name}` needs the argument `{param.name}`", span,
                          expected=f"{param.name}: {param.type.span.text}", found="nothing",
                          labels=(Label(param.span, "declared here"),), hint=f"write `{bound.reference.name}({param.name}=...)`")
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
        raise Mistake("E0210", f"`{name}` needs the tensor `{param.name}`", span, found="nothing",
                      expected=f"{param.name}: {param.type.span.text}", labels=(Label(param.span, "declared here"),))
    if value is None and (param.type.optional or param.default is not None):
        return None
    if is_number(value) or (isinstance(value, tuple) and value):
        wanted = declared(inner.inner(), param.type)
        value = constant(caller, value, None if wanted is None else wanted.dtype, place)
    if not isinstance(value, Value):
        raise Mistake("E0205", f"`{param.name}` of `{name}` is a tensor", place, expected=param.type.span.text,
                      found=describe(value), labels=(Label(param.span, "declared here"),))
    match(inner, param.type, value.type, what=f"`{param.name}` of `{name}`", span=place,
          labels=place_of(value, f"`{value.name or param.name}`", place))
    return value


def call_block(frame: Frame, reference: BlockRef, piped: Sequence[Any], given: Sequence[Given], path: str | None, span: Span,
               layer: Layer | None = None) -> Any:
    """Call a block; its result, or a tuple of its results. Raises E0246 for a block with weights and no label."""
    frame.session.used.add(reference)
    bound = bind(reference, piped, given, span)
    if bound.poisoned:
        if path is None and layer is None and _obviously_weighted(reference):
            frame.complain(labels.missing(frame, reference.name, layers.call_text(span), span))
        return POISON
    found, tensors = specialise(frame, bound, span)
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
        raise Mistake("E0242", f"`{layer.name}` is called with inputs that need other weights", span, labels=tuple(where),
                      expected=f"`{path}` of {known.get(path, 'no type')}, as at the first call", found=str(shapes.get(path, "none")),
                      hint="inputs of a shared layer need the same sizes; declare a second layer for others")


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
    tensors = _enter(frame, inner, bound, span)
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
        cycle = [site.text for site in list(active.values())[list(active).index(key):]]
        raise Mistake("E0310", f"`{reference.name}` contains itself without end", span, labels=(_declaration(reference),),
                      found=" -> ".join([*cycle, reference.name]),
                      hint="let a hyper-parameter count down and stop with `if`: `if depth > 0 { ... } else { x }`")
    if len(active) >= limits.DEPTH:
        names = [site.text for site in active.values()][-3:]
        raise overflow(span, f"blocks are nested more than {limits.DEPTH} deep: {' -> '.join(names)} -> ...",
                       "let the recursion end earlier, or use `repeat` and `for`", code="E0311")


def _build(inner: Frame, reference: BlockRef, tensors: dict[str, Any]) -> Specialisation:
    graph, decl, session = inner.graph, reference.decl, inner.session
    for param in decl.inputs:
        value = tensors[param.name]
        inner.names[param.name] = None if value is None else graph.add_input(
            param.name, value.type, doc=param.doc or "", span=param.span)
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
        raise overflow(decl.span, f"`{decl.name}` stands for more than {limits.EXPANDED:,} steps",
                       "calls of blocks that call blocks multiply; lower the counts")
    found = Specialisation(None if wrong else graph, types or (None,), weighted, expanded)
    session.built[graph] = found
    return found


def run_body(inner: Frame, reference: Reference) -> tuple[list[Any], Sequence[ast.Expr]]:
    """Execute the body of a block or function; what it returns, checked against the declared results.

    Phantom tensors of the declared types, or POISON, stand for results that are wrong.
    """
    decl = reference.decl
    returned = inner.execute(decl.body.statements)
    if returned is None and decl.body.values:
        returned = tuple((v, inner.guarded(v)) for v in decl.body.values)
    if returned is None:
        inner.complain(Mistake("E0332", f"`{decl.name}` returns nothing", _declaration(reference).span,
                               expected="`return x` at its end", found="no `return`"))
        return [declared_result(inner, t) for t in decl.results] or [POISON], ()
    nodes, values = [n for n, _ in returned], [v for _, v in returned]
    if decl.results and len(values) == 1 and isinstance(values[0], tuple) and len(decl.results) == len(values[0]):
        values = list(values[0])
    if decl.results and len(values) != len(decl.results):
        span = nodes[0].span.to(nodes[-1].span)
        inner.complain(Mistake("E0333", f"`{decl.name}` returns {len(values)} values", span,
                               expected=f"{len(decl.results)}, as declared", found=str(len(values)),
                               labels=(Label(decl.results[0].span, "the declared result"),)))
        return [declared_result(inner, t) for t in decl.results], nodes
    for position, wanted in enumerate(decl.results):
        place = nodes[position].span if position < len(nodes) else nodes[-1].span
        values[position] = check_result(inner, wanted, values[position], decl.name, place)
    return values, nodes


def check_result(inner: Frame, wanted: ast.TypeExpr, value: Any, name: str, place: Span) -> Any:
    """A returned value that fits its declared type; a stand-in after reporting one that does not."""
    if value is POISON:
        return declared_result(inner, wanted)
    try:
        if kinds.is_kind(wanted):
            return value
        if is_number(value):
            value = constant(inner, value, None, place)
        if not isinstance(value, Value):
            raise Mistake("E0334", f"`{name}` returns what is no tensor", place, expected=wanted.span.text, found=describe(value))
        match(inner, wanted, value.type, what=f"the result of `{name}`", span=place,
              labels=place_of(value, f"`{value.name}`" if value.name else "the result", place))
        return value
    except Mistake as mistake:
        inner.complain(mistake)
        return declared_result(inner, wanted)


def declared_result(inner: Frame, wanted: ast.TypeExpr) -> Any:
    """A tensor of the declared type without a node, or POISON where the type is not known."""
    if kinds.is_kind(wanted) or any(isinstance(d, ast.Dots) for d in wanted.dims or ()):
        return POISON
    known = all(not isinstance(d, ast.Name) or d.name in inner.names for d in wanted.dims or ())
    try:
        found = declared(inner.inner(), wanted) if known else None
    except Mistake:
        return POISON
    return POISON if found is None else Phantom(found, span=wanted.span)


def output_name(nodes: Sequence[ast.Expr], position: int, graph: Graph) -> str:
    """The name that was returned, or `y`, made different from those before it."""
    node = nodes[position] if position < len(nodes) and len(nodes) > 1 else nodes[0] if len(nodes) == 1 else None
    wanted = node.name if isinstance(node, ast.Name) and position < len(nodes) else "y" if not position else f"y{position}"
    number, name = 2, wanted
    while name in graph.output_names:
        name, number = f"{wanted}{number}", number + 1
    return name


def call_function(frame: Frame, reference: FnRef, piped: Sequence[Any], given: Sequence[Given], span: Span) -> Any:
    """Build the body of a function where it is called; its result, or a tuple of its results."""
    frame.session.used.add(reference)
    bound = bind(reference, piped, given, span)
    if bound.poisoned:
        return POISON
    site = CallSite(f"`{reference.name}`", span)
    inner = Frame(frame.session, reference.module, frame.graph, kind="function", trail=(*frame.trail, site))
    inner.outer, inner.captures = frame.outer, frame.captures
    tensors = _enter(frame, inner, bound, span)
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
