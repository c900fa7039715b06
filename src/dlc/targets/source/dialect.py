"""What a framework adds to the shared source writer: the expressions of nodes, and how classes and members look.

A framework has a table of writers, one per operation. A writer is a function of a `Site` that returns the expression
of the node there, in functional form; a *layer writer* returns the constructor of the module that owns the weights.

    @TABLE.writes("relu")
    def relu(site: Site) -> Result:
        return call("F.relu", site.x)

    @layer("linear")
    def linear(node: Apply) -> Layer | None:
        out, in_ = node.operands[1].type.shape
        return Layer(call("nn.Linear", lit(in_, "in_features"), lit(out, "out_features")))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from dlc.ir.dim import Dim
from dlc.ir.graph import Apply, Graph, Node, Value, Weight
from dlc.ir.types import TensorType
from dlc.targets.source.code import Code, call, lit

if TYPE_CHECKING:
    from dlc.targets.source.layers import Member


@dataclass(frozen=True)
class Several:
    """The expression of a node with several outputs, and what it is assigned to: `"{0}, ({1}, {2})"`."""

    expression: str
    pattern: str = ""
    assigned: tuple[str, ...] = ()
    """Variables that hold the outputs already, because the writer emitted the statements itself."""


Result = str | Several
"""What a writer returns; a plain string is an expression that needs no parentheses (see `code.Code`)."""


class Function(Protocol):
    """The function around a site: what a writer may ask of it."""

    def text(self, value: Value) -> Code:
        """The expression of a value."""
        ...

    def size(self, dim: Dim, hint: str, prefer: Sequence[Value | None]) -> Code:
        """The expression of a size."""
        ...

    def owned(self, name: str, constructor: str) -> Code:
        """A module without weights, such as a dropout; the same constructor gives the same one."""
        ...

    def helper(self, source: str) -> None:
        """A function that the file needs beside the classes, once."""
        ...

    def region(self, graph: Graph, operands: Sequence[str]) -> tuple[list[str], list[Code]]:
        """Statements of a region whose inputs are these expressions, and the expressions of its outputs."""
        ...

    def fresh(self, name: str) -> str:
        """A variable that is not in use."""
        ...

    def emit(self, *lines: str) -> None:
        """Statements that must come before the expression at hand."""
        ...

    @property
    def is_method(self) -> bool:
        """Whether it is the method of a class that can own members; otherwise it is a plain function."""
        ...

    @property
    def any_tensor(self) -> str:
        """A variable that holds a tensor, for its device; empty where there is none."""
        ...


class Site:
    """A node being written: its operands as expressions, its attributes, its sizes."""

    def __init__(self, node: Apply, function: Function) -> None:
        self.node, self.function = node, function

    def __getitem__(self, attribute: str) -> Any:
        return self.node.attributes[attribute]

    @property
    def operands(self) -> tuple[Value | None, ...]:
        return self.node.operands

    def has(self, position: int) -> bool:
        """Whether that operand is given."""
        return position < len(self.node.operands) and self.node.operands[position] is not None

    def arg(self, position: int) -> Code:
        """The tensor at a position, as an expression."""
        value = self.node.operands[position]
        assert value is not None, f"{self.node!r} has no operand {position}"
        return self.function.text(value)

    def optional(self, position: int) -> Code | None:
        """The tensor at a position, None where it is omitted."""
        return self.arg(position) if self.has(position) else None

    @property
    def args(self) -> list[Code]:
        """All operands that are given."""
        return [self.function.text(v) for v in self.node.operands if v is not None]

    @property
    def x(self) -> Code:
        """The first operand."""
        return self.arg(0)

    @property
    def y(self) -> Code:
        """The second operand."""
        return self.arg(1)

    def scalar(self, position: int) -> float | bool | None:
        """The number that an operand is, if it is a scalar constant."""
        return scalar(self.node.operands[position])

    def type(self, position: int = 0) -> TensorType:
        """The type of an operand."""
        value = self.node.operands[position]
        assert value is not None
        return value.type

    def out(self, index: int = 0) -> TensorType:
        """The type of an output."""
        return self.node.outputs[index].type

    def size(self, dim: Dim, hint: str = "size") -> Code:
        """A size as an expression, preferably over the shapes of the operands."""
        return self.function.size(dim, hint, self.node.operands)

    def sizes(self, dims: Sequence[Dim], hint: str = "size") -> list[Code]:
        return [self.size(d, hint) for d in dims]

    def lit(self, attribute: str, hint: str = "") -> Code:
        """An attribute as a literal that may become a constructor parameter."""
        return lit(self.node.attributes[attribute], hint or attribute)


def scalar(value: Value | None) -> float | bool | None:
    """The number that a value is, if it is made by a `constant` without axes."""
    node = value.node if value is not None else None
    if isinstance(node, Apply) and node.op.name == "constant" and value is not None and value.type.rank == 0:
        number: float | bool = node.attributes["value"]
        return number
    return None


Call = Callable[[Site, str], Result]


def call_plainly(site: Site, module: str) -> Result:
    """The module applied to the operands that are no weights."""
    operands = [v for v in site.node.operands if v is not None and not isinstance(v, Weight)]
    return call(module, *(site.function.text(v) for v in operands))


@dataclass(frozen=True)
class Layer:
    """The module form of a node: its constructor, how it is called, and statements after construction.

    after: statements with `{self}` for the module, such as an initialiser that is not the module's own.
    """

    constructor: str
    call: Call = call_plainly
    after: tuple[str, ...] = ()


class Dialect(Protocol):
    """A framework's way to write what all of them have."""

    reserved: frozenset[str]
    """Names that no variable may have: what the file imports."""
    identity: str
    """The constructor of a module that gives back its input."""
    unsafe: frozenset[str]
    """Attribute names that a member must not have, because the base class uses them."""

    def fills_in(self, value: Value, name: str, earlier: Sequence[str]) -> bool:
        """Whether the framework gives an argument of this name, after those, a value of its own."""
        ...

    def write(self, site: Site) -> Result:
        """The functional form of a node."""
        ...

    def layer(self, node: Apply) -> Layer | None:
        """The module form of a node that owns its weights; None where there is none."""
        ...

    def axis(self, variable: str, index: int) -> str:
        """The size of a tensor along one axis."""
        ...

    def constant(self, value: Any, type: TensorType, function: Function) -> Code:
        """A tensor with these numbers."""
        ...

    def filled(self, value: float | bool, type: TensorType, function: Function) -> Code:
        """A tensor with this number everywhere, for an optional input that was left out."""
        ...

    def weight(self, owner: str, member: Member, name: str, node: Node | None) -> str:
        """A weight that belongs to a member and is read elsewhere; `node` is a layer that owns it, if one does."""
        ...

    def new_weight(self, weight: Weight, owner: str, name: str) -> list[str]:
        """Statements that create an explicit weight as an attribute of `owner`, such as `self`."""
        ...

    def new_container(self, member: Member, items: dict[str, str]) -> str:
        """A container of modules: `items` are the constructors of its children; without any, it is filled afterwards
        by assigning attributes."""
        ...

    def new_repeated(self, member: Member, item: str, count: str) -> str:
        """A container of `count` modules with the same constructor."""
        ...

    def element(self, container: str, member: Member, key: str) -> str:
        """A child of a container."""
        ...

    def is_sequence(self, member: Member) -> bool:
        """Whether a container with a chain is a module that can be called as a whole."""
        ...

    def finish(self, value: Value, text: str) -> str:
        """The expression of an output as the function returns it."""
        ...
