"""The syntax tree of a `.dl` file: what was written, with the place of every piece.

Nodes are frozen and compare by what they say, never by where they stand (``span`` is not compared). The unions at the
end of this file are closed: ``Expr``, ``Statement``, ``Item``. `If` is an expression and a statement alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from dlc.diagnostics import Source, Span

NOWHERE = Span(Source("<nowhere>", ""), 0, 0)
"""The span of a node that was not read from a text."""


@dataclass(frozen=True, slots=True)
class Spanned:
    """What every node has: its place, given by keyword."""

    span: Span = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Label(Spanned):
    """``@conv1`` or ``@"layer1.0.conv"``: the name of an instance, as it stands in weight paths."""

    name: str


@dataclass(frozen=True, slots=True)
class Argument(Spanned):
    """``value`` or ``name=value`` in a call. ``span`` covers both."""

    name: str | None
    value: Expr


@dataclass(frozen=True, slots=True)
class TypeExpr(Spanned):
    """``f32[N, 64]``, ``int``, ``int[]``, ``dtype?``.

    ``dims`` is None where no brackets stand, and empty for ``[]``. A dim is an expression or `Dots` (``...``).
    """

    name: str
    dims: tuple[Expr, ...] | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Param(Spanned):
    """``name: type = default`` in a parameter list. ``doc`` is the ``##`` comment above it."""

    name: str
    type: TypeExpr
    default: Expr | None = None
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Target(Spanned):
    """``name`` or ``name: type`` on the left of ``=``."""

    name: str
    type: TypeExpr | None = None


@dataclass(frozen=True, slots=True)
class Binding(Spanned):
    """``name = value`` in the head of a `While` or `Scan`."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Body(Spanned):
    """``{ statements... values }``. ``values`` is what the body is worth: empty for a body of statements only."""

    statements: tuple[Statement, ...]
    values: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch(Spanned):
    """``if condition { body }``: one arm of an `If`."""

    condition: Expr
    body: Body


@dataclass(frozen=True, slots=True)
class Stage(Spanned):
    """One ``|>`` stage: ``callee(args) @label`` or ``repeat count callee(args) @label``.

    ``callee`` is a `Name` or a `Field`. A stage without parentheses has no ``args``.
    """

    callee: Expr
    args: tuple[Argument, ...] = ()
    label: Label | None = None
    repeat: Expr | None = None


@dataclass(frozen=True, slots=True)
class Name(Spanned):
    """A name: of a tensor, a size, a hyper-parameter, an operation, a block, a dtype."""

    name: str


@dataclass(frozen=True, slots=True)
class Int(Spanned):
    """An integer literal; ``text`` is how it was written (``1_000``)."""

    value: int
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Float(Spanned):
    """A floating-point literal; ``text`` is how it was written (``1e-3``)."""

    value: float
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Str(Spanned):
    """A string literal; ``value`` has its escapes resolved."""

    value: str


@dataclass(frozen=True, slots=True)
class Bool(Spanned):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Nothing(Spanned):
    """``none``."""


@dataclass(frozen=True, slots=True)
class List(Spanned):
    """``[a, b]``."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Tuple(Spanned):
    """``(a, b)``, ``(a,)``, ``()``; also the bare ``a, b`` on the right of an assignment."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Unary(Spanned):
    """``-x`` or ``not x``; ``op`` is ``-`` or ``not``."""

    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Spanned):
    """``left op right``; ``op`` is one of ``+ - * / // % ** == != < <= > >= and or``."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Call(Spanned):
    """``callee(args) @label``. In a `LayerDecl` also a bare name, read as a call without arguments."""

    callee: Expr
    args: tuple[Argument, ...] = ()
    label: Label | None = None


@dataclass(frozen=True, slots=True)
class Slice(Spanned):
    """``start:stop:step`` inside an `Index`; every part may be absent."""

    start: Expr | None = None
    stop: Expr | None = None
    step: Expr | None = None


@dataclass(frozen=True, slots=True)
class Dots(Spanned):
    """``...`` inside an `Index` or among the dims of a `TypeExpr`."""


@dataclass(frozen=True, slots=True)
class Index(Spanned):
    """``base[items]``; an item is an expression, a `Slice` or `Dots`."""

    base: Expr
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Field(Spanned):
    """``base.name``: ``wte.weight``, ``data.label``."""

    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Pipe(Spanned):
    """``first |> stage |> stage``; at least one stage."""

    first: Expr
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Range(Spanned):
    """``start..stop``, the end excluded; stands only after ``in`` of a `For`."""

    start: Expr
    stop: Expr


@dataclass(frozen=True, slots=True)
class If(Spanned):
    """``if c { } else if d { } else { }``, decided at compile time; expression and statement.

    As an expression every body has values and ``otherwise`` is present; as a statement no body has values.
    """

    branches: tuple[Branch, ...]
    otherwise: Body | None = None


@dataclass(frozen=True, slots=True)
class Cond(Spanned):
    """``cond p { } else { }``, decided at run time by a scalar bool tensor."""

    condition: Expr
    then: Body
    otherwise: Body


@dataclass(frozen=True, slots=True)
class While(Spanned):
    """``while (i = i0, x = x0) i < n { ... }``: the body's values are the next states, the last states the result."""

    states: tuple[Binding, ...]
    condition: Expr
    body: Body


@dataclass(frozen=True, slots=True)
class Scan(Spanned):
    """``scan (h = h0) over (xt = x) axis=1 { ... }``.

    The body's values are the next states, in order, followed by the outputs of one step, which are stacked along
    ``axis`` (None means 0).
    """

    states: tuple[Binding, ...]
    over: tuple[Binding, ...]
    axis: Expr | None
    body: Body


@dataclass(frozen=True, slots=True)
class Assign(Spanned):
    """``x = e``, ``a, b = e``, ``x: f32[N, 64] = e``. ``a, b = e, f`` has a `Tuple` for its value."""

    targets: tuple[Target, ...]
    value: Expr
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class InputDecl(Spanned):
    """``input name: type = default``."""

    name: str
    type: TypeExpr
    default: Expr | None = None
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class OutputDecl(Spanned):
    """``output name: type = value``."""

    name: str
    type: TypeExpr | None
    value: Expr
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class LayerDecl(Spanned):
    """``layer name = call``: an instance that can be called more than once."""

    name: str
    call: Call
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class ParamDecl(Spanned):
    """``param name: type = init``: a trainable weight."""

    name: str
    type: TypeExpr
    init: Expr | None = None
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class StateDecl(Spanned):
    """``state name: type = init``: a weight that is not trained."""

    name: str
    type: TypeExpr
    init: Expr | None = None
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Assert(Spanned):
    """``assert condition, "message"``."""

    condition: Expr
    message: str | None = None
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Assume(Spanned):
    """``assume condition``: taken as true, checked when sizes are bound."""

    condition: Expr
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class For(Spanned):
    """``for name in iterable { body }``; ``iterable`` is a `Range` or an expression worth a list."""

    name: str
    iterable: Expr
    body: Body
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Return(Spanned):
    """``return a, b``."""

    values: tuple[Expr, ...]
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class LayoutDecl(Spanned):
    """``layout NCHW``."""

    name: str
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class WeightsDecl(Spanned):
    """``weights "mnist.safetensors"``."""

    path: str
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class ImportName(Spanned):
    """``name`` or ``name as alias``."""

    name: str
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class ImportDecl(Spanned):
    """``from "blocks.dl" import A, B as C``."""

    path: str
    names: tuple[ImportName, ...]
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class BlockDecl(Spanned):
    """``block Name(hypers) (inputs) -> results { body }``. A single parameter list is the inputs."""

    name: str
    hypers: tuple[Param, ...]
    inputs: tuple[Param, ...]
    results: tuple[TypeExpr, ...]
    body: Body
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class FnDecl(Spanned):
    """``fn name(hypers) (inputs) -> results { body }``. A single list is ``inputs``; their types tell tensors from
    compile-time values there."""

    name: str
    hypers: tuple[Param, ...]
    inputs: tuple[Param, ...]
    results: tuple[TypeExpr, ...]
    body: Body
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class ModelDecl(Spanned):
    """``model Name(hypers) { body }``."""

    name: str
    hypers: tuple[Param, ...]
    body: Body
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class Entry(Spanned):
    """``key = value`` in a `TrainDecl`."""

    key: str
    value: Expr
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class TrainDecl(Spanned):
    """``train name for Model { key = value ... }``; ``name`` is None in ``train Model { }``."""

    name: str | None
    model: str
    entries: tuple[Entry, ...]
    doc: str | None = None


@dataclass(frozen=True, slots=True)
class File(Spanned):
    """A whole source: the edition of its first line, and its items in order."""

    edition: int
    items: tuple[Item, ...]

Literal: TypeAlias = Int | Float | Str | Bool | Nothing
Expr: TypeAlias = (
    Literal
    | Name
    | List
    | Tuple
    | Unary
    | Binary
    | Call
    | Index
    | Slice
    | Dots
    | Field
    | Pipe
    | Range
    | If
    | Cond
    | While
    | Scan
)
Statement: TypeAlias = (
    Assign | InputDecl | OutputDecl | LayerDecl | ParamDecl | StateDecl | Assert | Assume | For | If | Return
)
Item: TypeAlias = LayoutDecl | WeightsDecl | ImportDecl | BlockDecl | FnDecl | ModelDecl | TrainDecl
Part: TypeAlias = Label | Argument | TypeExpr | Param | Target | Binding | Body | Branch | Stage | ImportName | Entry
Node: TypeAlias = Expr | Statement | Item | Part | File
