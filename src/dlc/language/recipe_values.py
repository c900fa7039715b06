"""What recipes are made of, and the small pieces that read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dlc.diagnostics import Span, suggestion
from dlc.ir.op import all_ops
from dlc.language import ast, train_schema
from dlc.language.elaborate.habits import ARGUMENTS
from dlc.language.walk import children

UNKNOWN: Any = object()
"""A hyper-parameter whose value is not known, or what was complained about."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A tensor: an output or input of the model, or (`source` is "data") a field of a batch."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"data.{self.name}" if self.source == "data" else self.name


@dataclass(frozen=True, slots=True)
class Function:
    """A call: its name, values by position, and by name (with the defaults of the schema filled in)."""

    name: str
    values: tuple[Any, ...] = ()
    arguments: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, name: str) -> Any:
        return dict(self.arguments)[name]


def default_of(param: ast.Param) -> Any:
    value = getattr(param.default, "value", UNKNOWN)
    return value if isinstance(value, (int, float, str, bool)) else UNKNOWN


def declarations(node: ast.Node) -> Iterator[ast.Node]:
    for child in children(node):
        if isinstance(child, (ast.OutputDecl, ast.InputDecl)):
            yield child
        elif isinstance(child, (ast.If, ast.For, ast.Branch, ast.Body)):
            yield from declarations(child)


def argument_hint(name: str, known: Mapping[str, Any] | Sequence[str]) -> str | None:
    meant = train_schema.ARGUMENT_HABITS.get(name, ARGUMENTS.get(name))
    return f"it is called `{meant}` here" if meant in known else suggestion(name, known)


def some(names: Iterable[str]) -> str:
    """The first of some names."""
    listed = list(names)
    return ", ".join(listed[:12]) + (", ..." if len(listed) > 12 else "")


def losses() -> list[str]:
    return [n for n, o in all_ops().items() if o.family.endswith("losses")]


def key_span(entry: ast.Entry) -> Span:
    return Span(entry.span.source, entry.span.start, entry.span.start + len(entry.key))


def shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:40]}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else str(value)[:60]
