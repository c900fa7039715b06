"""What an operation is: the contract that every class in `dlc.ops` fulfils, and the table of them all.

An operation is declared once, as a class. The signature of its `infer` *is* the declaration:

    @operation
    class Softmax(Composite):
        \"\"\"softmax(x) = exp(x) / sum(exp(x)) along `axis`. ...\"\"\"

        def infer(self, x: Float, *, axis: Axis = -1) -> TensorType: ...
        def body(self, b: Builder, x: Value, *, axis: int) -> Value: ...
        def samples(self) -> Iterable[Sample]: ...

- positional parameters are operands: annotated with a type class (`Float`, `Number`, `Integer`, `Index`, `Boolean`,
  `Tensor`),
  `| None = None` where optional, `*xs` where there may be any number;
- keyword-only parameters are attributes: annotated with an attribute kind (see `attributes.py`), with their defaults;
- a *primitive* has `evaluate` (numpy) and `gradient`; a *composite* has `body`, from which both follow;
- an operation that owns weights when used as a layer says in `layer` which, and in `sizes` how to get back from them.
  The positional parameters of `layer` are all its tensors that are no weights, whether it looks at them or not.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, get_args, get_type_hints

from dlc.ir.attributes import Kind
from dlc.ir.dim import Dim
from dlc.ir.types import DType, TensorType

if TYPE_CHECKING:
    from dlc.ir.graph import Node

REQUIRED: Any = inspect.Parameter.empty
"""The default of an attribute that has none."""


class Problem(Exception):
    """Why an operation cannot be applied: what was expected and found, at which operands or attributes.

    It knows no source place; whoever applies the operation adds the places and reports it.
    """

    def __init__(self, message: str, *, expected: str | None = None, found: str | None = None,
                 hint: str | None = None, at: Sequence[str] = (), code: str = "E0220") -> None:
        super().__init__(message)
        self.message, self.expected, self.found, self.hint = message, expected, found, hint
        self.at, self.code = tuple(at), code


@dataclass(frozen=True)
class DTypeClass:
    """The element types that an operand may have."""

    text: str
    admits: Callable[[DType], bool] = field(compare=False)


Tensor = Annotated[TensorType, DTypeClass("any type", lambda d: True)]
Float = Annotated[TensorType, DTypeClass("a floating-point type", lambda d: d.is_float)]
Integer = Annotated[TensorType, DTypeClass("an integer type", lambda d: d.is_integer)]
Index = Annotated[TensorType, DTypeClass("i32 or i64", lambda d: d.name in ("i32", "i64"))]
Number = Annotated[TensorType, DTypeClass("a number type", lambda d: d.is_number)]
Boolean = Annotated[TensorType, DTypeClass("bool", lambda d: d.kind == "bool")]


@dataclass(frozen=True)
class Operand:
    """One tensor that an operation takes."""

    name: str
    dtypes: DTypeClass
    optional: bool = False
    variadic: bool = False


@dataclass(frozen=True)
class Attribute:
    """One compile-time value that an operation takes; `optional` where its annotation says `| None`."""

    name: str
    kind: Kind
    default: Any = REQUIRED
    optional: bool = False

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


@dataclass(frozen=True)
class Initializer:
    """How a weight is filled when there is no weight file: a rule of `dlc.ops.initializers` and its arguments."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.arguments)})" if self.arguments else self.name


@dataclass(frozen=True)
class WeightSpec:
    """A weight that a layer owns: its type, how it starts, and whether training changes it by gradient.

    `state` marks a buffer (running statistics): it is kept in weight files but never receives a gradient.
    """

    type: TensorType
    initializer: Initializer
    state: bool = False


@dataclass(frozen=True)
class Arg:
    """A sample operand: its type as text (`"f32[2, 3]"`), and the range that its numbers are drawn from."""

    type: str
    low: float = -2.0
    high: float = 2.0
    distinct: bool = False
    values: Any = None


@dataclass(frozen=True)
class Sample:
    """One way to call the operation that every reference, gradient and target is tested with.

    operands: `Arg`s, or their type texts, None for an omitted optional operand, in declared order.
    gradient: False where the point is not differentiable.
    """

    operands: tuple[Arg | str | None, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    gradient: bool = True

    @cached_property
    def arguments(self) -> tuple[Arg | None, ...]:
        return tuple(Arg(o) if isinstance(o, str) else o for o in self.operands)


def sample(*operands: Arg | str | None, gradient: bool = True, **attributes: Any) -> Sample:
    """A sample, written like the call: `sample("f32[2, 3]", axis=1)`."""
    return Sample(operands, attributes, gradient)


Types = TensorType | tuple[TensorType, ...]


class Op:
    """Base of every operation. One instance of each subclass exists, found by name with `op(name)`.

    Facts, set in the class body where they hold:
      elementwise   the result at an index depends on the operands at that index alone (with broadcasting)
      commutative   swapping the two operands changes nothing
      unit, zero    op(x, unit) == x; op(x, zero) == zero
      spatial       it has a `layout` attribute that says where the channels are
      axis_attributes  attributes that name axes of the first operand (renumbered when its layout changes)
      random        in training its result differs from call to call (two calls are never merged into one)
      positional    attributes that may be given by position in the language
      extra         the attribute (of the kind NamedSizes) that collects keywords which are no declared names:
                    `rearrange(x, "b (h d) -> b h d", h=8)` is `sizes=(("h", 8),)`
      aliases       other names that people know it by; graphs and printed programs use `name`
      macs          method of the operand types and attributes: multiply-accumulates, where a body does not give them
      ulps          stated tolerance: error at most `ulps` float32 roundings of the largest result
    """

    name: ClassVar[str]
    family: ClassVar[str]
    operands: ClassVar[tuple[Operand, ...]]
    attributes: ClassVar[tuple[Attribute, ...]]

    elementwise: ClassVar[bool] = False
    commutative: ClassVar[bool] = False
    unit: ClassVar[float | None] = None
    zero: ClassVar[float | None] = None
    spatial: ClassVar[bool] = False
    axis_attributes: ClassVar[tuple[str, ...]] = ()
    random: ClassVar[bool] = False
    positional: ClassVar[tuple[str, ...]] = ()
    aliases: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    ulps: ClassVar[float] = 8
    outputs: ClassVar[tuple[str, ...]] = ("y",)

    infer: Callable[..., Types]
    macs: Callable[..., Dim] | None = None
    layer: Callable[..., dict[str, WeightSpec]] | None = None
    sizes: Callable[..., dict[str, Any]] | None = None

    def samples(self) -> Iterable[Sample]:
        """Calls to test the operation with; at least one."""
        raise NotImplementedError(f"{self.name} has no samples")

    @property
    def doc(self) -> str:
        return inspect.cleandoc(type(self).__doc__ or "")

    @property
    def summary(self) -> str:
        """The first paragraph of the doc, on one line."""
        return " ".join(self.doc.split("\n\n", 1)[0].split())

    @property
    def variadic(self) -> bool:
        return bool(self.operands) and self.operands[-1].variadic

    @cached_property
    def attribute(self) -> dict[str, Attribute]:
        return {a.name: a for a in self.attributes}

    @cached_property
    def layer_parameters(self) -> tuple[inspect.Parameter, ...]:
        """The keyword-only parameters of `layer` that are no attributes: sizes and switches that only shape weights."""
        if self.layer is None:
            return ()
        parameters = inspect.signature(self.layer).parameters.values()
        return tuple(p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in self.attribute)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


class Primitive(Op):
    """An operation whose meaning is written in numpy.

    `evaluate(*arrays, **attributes)` follows the element type of its operands (float64 in, float64 out).
    `gradient(b, node, *grads)` builds the gradient for each operand, None for one that has none; `grads` has an entry
    per output, None for an output that the result does not depend on.
    """

    evaluate: Callable[..., Any]
    gradient: Callable[..., Sequence[Any]] | None = None


class Composite(Op):
    """An operation that is defined by simpler ones: `body(b, *values, **attributes)` builds the definition."""

    body: Callable[..., Any]


class ControlFlow(Op):
    """An operation that runs its regions: `execute(node, arrays, run)` with `run(region, arrays) -> list of arrays`.

    `infer_regions(operand_types, regions)` gives the output types.
    """

    execute: Callable[..., Sequence[Any]]
    infer_regions: Callable[..., tuple[TensorType, ...]]

    def differentiable(self, node: Node) -> bool:
        return False


_OPS: dict[str, Op] = {}
_ALIASES: dict[str, str] = {}
_C = TypeVar("_C", bound=type[Op])


def operation(cls: _C) -> _C:
    """Declare an operation: read its signature and enter it in the table under its snake_case name."""
    cls.name = cls.__dict__.get("name") or _snake(cls.__name__)
    cls.family = cls.__module__.rsplit(".", 1)[-1]
    cls.operands, cls.attributes = _declared(cls)
    if cls.name in _OPS and type(_OPS[cls.name]).__module__ != cls.__module__:
        raise TypeError(f"operation {cls.name!r} is declared twice: {type(_OPS[cls.name])} and {cls}")
    if not cls.__doc__:
        raise TypeError(f"operation {cls.name!r} has no docstring, which is its specification")
    _OPS[cls.name] = cls()
    _ALIASES.update(dict.fromkeys(cls.aliases, cls.name))
    return cls


def op(name: str) -> Op:
    """The operation of that name or alias. Raises KeyError."""
    return _OPS[_ALIASES.get(name, name)]


def all_ops() -> dict[str, Op]:
    """Every declared operation by name, sorted."""
    return dict(sorted(_OPS.items()))


def is_op(name: str) -> bool:
    return name in _OPS or name in _ALIASES


def _declared(cls: type[Op]) -> tuple[tuple[Operand, ...], tuple[Attribute, ...]]:
    infer = cls.__dict__.get("infer") or cls.infer
    hints = get_type_hints(infer, include_extras=True)
    operands: list[Operand] = []
    attributes: list[Attribute] = []
    for parameter in list(inspect.signature(infer).parameters.values())[1:]:
        metadata = _metadata(hints[parameter.name])
        if parameter.kind is parameter.KEYWORD_ONLY:
            if not isinstance(metadata, Kind):
                raise TypeError(f"{cls.__name__}.infer: attribute {parameter.name!r} needs an attribute kind")
            attributes.append(Attribute(parameter.name, metadata, parameter.default,
                                        optional=type(None) in get_args(hints[parameter.name])))
        else:
            if not isinstance(metadata, DTypeClass):
                raise TypeError(f"{cls.__name__}.infer: operand {parameter.name!r} needs a type class")
            operands.append(Operand(parameter.name, metadata, optional=parameter.default is None,
                                    variadic=parameter.kind is parameter.VAR_POSITIONAL))
    return tuple(operands), tuple(attributes)


def _metadata(hint: Any) -> Any:
    """The DTypeClass or Kind in an annotation, also inside `X | None`."""
    if hasattr(hint, "__metadata__"):
        return hint.__metadata__[0]
    for part in get_args(hint):
        found = _metadata(part)
        if found is not None:
            return found
    return None


def _snake(text: str) -> str:
    out = ""
    for i, c in enumerate(text):
        if c.isupper() and i and (not text[i - 1].isupper()):
            out += "_"
        out += c.lower()
    return out
