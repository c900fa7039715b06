"""The kinds of hyper-parameters: `int`, `float`, `bool`, `str`, `dtype`, `block`, lists of them, and optional ones."""

from __future__ import annotations

from typing import Any

from dlc.diagnostics import Label, Span
from dlc.ir.op import Op
from dlc.ir.types import DTYPES, DType
from dlc.language import ast
from dlc.language.elaborate.context import Frame, Mistake
from dlc.language.elaborate.values import POISON, BlockRef, FnRef, describe, is_dim, is_number

KINDS = ("int", "float", "bool", "str", "dtype", "block")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a string",
    "dtype": "an element type such as f32",
    "block": "a block",
}
_WRONG: Any = object()


def is_kind(node: ast.TypeExpr) -> bool:
    """Whether a written type is that of a compile-time value: `int`, `float[]`, `bool`. `bool[N]` is a tensor's."""
    if node.name == "bool":
        return not node.dims
    return node.name in KINDS


def checked(frame: Frame, value: Any, param: ast.Param, span: Span, owner: str) -> Any:
    """The value as the declared kind. Raises E0215 where it is none, E0260 for a kind that does not exist."""
    check_kind(param.type)
    if value is POISON:
        return POISON
    found = convert(value, param.type)
    if found is not _WRONG:
        return found
    raise Mistake(
        "E0215",
        f"`{param.name}` of `{owner}` cannot be this",
        span,
        expected=words(param.type),
        found=describe(value),
        labels=(Label(param.span, "declared here"),) if param.span is not span else (),
    )


def check_kind(node: ast.TypeExpr) -> None:
    """Raises E0260 where a hyper-parameter has the type of a tensor or an unknown one."""
    if node.name in KINDS and node.dims in (None, ()):
        return
    meant = {
        "float32": "float",
        "string": "str",
        "boolean": "bool",
        "integer": "int",
        "number": "float",
        "list": "int[]",
        "layer": "block",
        "module": "block",
        "Module": "block",
        "function": "block",
        "fn": "block",
        "op": "block",
        "i64": "int",
        "i32": "int",
        "f32": "float",
        "f64": "float",
        "size": "int",
        "dim": "int",
        "model": "block",
    }
    tensor = node.name in DTYPES
    hint = f"write `{meant[node.name]}`" if node.name in meant and not node.dims else None
    raise Mistake(
        "E0260",
        f"a hyper-parameter cannot have the type `{node.span.text}`",
        node.span,
        expected=f"{', '.join(KINDS)}, or a list of them such as int[]",
        found=node.span.text,
        hint="tensors stand in a second pair of parentheses: `block B(c: int) (x: f32[N, C])`"
        if tensor and node.dims
        else hint,
    )


def convert(value: Any, node: ast.TypeExpr) -> Any:
    """The value as the kind, or an internal mark where it does not fit."""
    if value is None:
        return None if node.optional else _WRONG
    if node.dims is None:
        return _scalar(value, node.name)
    if not isinstance(value, (tuple, range)):
        return _WRONG
    items = tuple(_scalar(v, node.name) for v in value)
    return _WRONG if any(i is _WRONG for i in items) else items


def _scalar(value: Any, kind: str) -> Any:
    fits = {
        "int": is_dim(value),
        "float": is_number(value) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "str": isinstance(value, str),
        "dtype": isinstance(value, DType),
        "block": isinstance(value, (BlockRef, FnRef, Op)),
    }[kind]
    if not fits:
        return _WRONG
    return float(value) if kind == "float" else value


def words(node: ast.TypeExpr) -> str:
    """The kind for people: `a whole number (int)`."""
    text = _WORDS.get(node.name, node.name)
    listed = f"a list, each {text}" if node.dims is not None else text
    return f"{listed} ({node.span.text})"
