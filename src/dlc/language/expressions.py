"""From the rules of the grammar to expressions: one method per rule name, as in build.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from dlc.diagnostics import Collector, Source, Span
from dlc.language import ast, misuse, wrong
from dlc.language.ast import Expr

Parts: TypeAlias = list[Any]
Action: TypeAlias = Callable[[Parts, int, int], Any]

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|(.))")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


class Expressions:
    """What builds expressions; the state that all methods share."""

    def __init__(self, source: Source, report: Collector, docs: dict[int, str], spoiled: list[tuple[int, int]]) -> None:
        self.source = source
        self.report = report
        self.docs = docs
        self.spoiled = spoiled
        self.pending: dict[int, ast.If] = {}
        """Each `If` without a value, by identity, until it proves to be a statement."""

    def action(self, name: str) -> Action:
        """The method of a rule name."""
        method: Action = getattr(self, name)
        return method

    def finish(self) -> None:
        """Report every `If` that stands for a value and has none."""
        for node in self.pending.values():
            if self.sound(node.span):
                misuse.valueless_if(self.report, node)

    def sound(self, span: Span) -> bool:
        """Whether nothing inside the span was complained about and left out."""
        return not any(start < span.end and span.start < end for start, end in self.spoiled)

    def span(self, start: int, end: int) -> Span:
        return Span(self.source, start, end)

    # --- lists ---

    def empty(self, v: Parts, start: int, end: int) -> Parts:
        return []

    def nothing(self, v: Parts, start: int, end: int) -> None:
        return None

    def second(self, v: Parts, start: int, end: int) -> Any:
        return v[1]

    def list_one(self, v: Parts, start: int, end: int) -> Parts:
        return v

    def list_next(self, v: Parts, start: int, end: int) -> Parts:
        v[0].append(v[2])
        first: Parts = v[0]
        return first

    def inside(self, v: Parts, start: int, end: int) -> Parts:
        inner: Parts = v[1]
        return inner

    # --- pipes ---

    def pipe(self, v: Parts, start: int, end: int) -> ast.Pipe:
        first, *stages = v[0]
        return ast.Pipe(first, tuple(stages), span=self.span(start, end))

    def pipe_first(self, v: Parts, start: int, end: int) -> Parts:
        return [v[0], v[2]]

    def stage(self, v: Parts, start: int, end: int) -> ast.Stage:
        return ast.Stage(v[0], (), v[1], None, span=self.span(start, end))

    def stage_call(self, v: Parts, start: int, end: int) -> ast.Stage:
        return ast.Stage(v[0], self.arguments(v[1]), v[2], None, span=self.span(start, end))

    def stage_repeat(self, v: Parts, start: int, end: int) -> ast.Stage:
        return ast.Stage(v[2], (), v[3], v[1], span=self.span(start, end))

    def stage_repeat_call(self, v: Parts, start: int, end: int) -> ast.Stage:
        return ast.Stage(v[2], self.arguments(v[3]), v[4], v[1], span=self.span(start, end))

    def label_name(self, v: Parts, start: int, end: int) -> ast.Label:
        return ast.Label(v[1], span=self.span(start, end))

    def label_string(self, v: Parts, start: int, end: int) -> ast.Label:
        return ast.Label(self.text(v[1], end - len(v[1])), span=self.span(start, end))

    # --- operators, calls ---

    def binary(self, v: Parts, start: int, end: int) -> ast.Binary:
        return ast.Binary(v[1], v[0], v[2], span=Span(self.source, start, end))

    def unary(self, v: Parts, start: int, end: int) -> ast.Unary:
        return ast.Unary(v[0], v[1], span=Span(self.source, start, end))

    def call(self, v: Parts, start: int, end: int) -> ast.Call:
        return ast.Call(v[0], self.arguments(v[1]), None, span=Span(self.source, start, end))

    def arguments(self, parts: Parts) -> tuple[ast.Argument, ...]:
        named = False
        for argument in parts:
            if argument.name is not None:
                named = True
            elif named:
                misuse.late_positional(self.report, argument)
                break
        return tuple(parts)

    def positional(self, v: Parts, start: int, end: int) -> ast.Argument:
        return ast.Argument(None, v[0], span=Span(self.source, start, end))

    def keyword(self, v: Parts, start: int, end: int) -> ast.Argument:
        return ast.Argument(v[0], v[2], span=Span(self.source, start, end))

    def labelled_name(self, v: Parts, start: int, end: int) -> Expr:
        return self.labelled(v[0], v[2], start, end, end - len(v[2]))

    def labelled_string(self, v: Parts, start: int, end: int) -> Expr:
        at = end - len(v[2])
        return self.labelled(v[0], self.text(v[2], at), start, end, at)

    def labelled(self, base: Expr, name: str, start: int, end: int, at: int) -> Expr:
        place = self.span(self.source.text.rindex("@", start, at), end)
        if not isinstance(base, ast.Call) or base.label is not None:
            misuse.label_without_call(self.report, place, base)
            return base
        return ast.Call(base.callee, base.args, ast.Label(name, span=place), span=self.span(start, end))

    def member(self, v: Parts, start: int, end: int) -> ast.Field:
        return ast.Field(v[0], v[2], span=self.span(start, end))

    def index(self, v: Parts, start: int, end: int) -> ast.Index:
        return ast.Index(v[0], tuple(v[2]), span=self.span(start, end))

    def slice(self, v: Parts, start: int, end: int) -> ast.Slice:
        return ast.Slice(v[0], v[2], v[4] if len(v) == 5 else None, span=self.span(start, end))

    # --- atoms ---

    def name(self, v: Parts, start: int, end: int) -> ast.Name:
        return ast.Name(v[0], span=Span(self.source, start, end))

    def integer(self, v: Parts, start: int, end: int) -> ast.Int:
        try:
            value = int(v[0])
        except ValueError:
            value = 0
            wrong.bad_number(self.report, self.source, start)
        return ast.Int(value, v[0], span=Span(self.source, start, end))

    def real(self, v: Parts, start: int, end: int) -> ast.Float:
        try:
            value = float(v[0])
        except ValueError:
            value = 0.0
            wrong.bad_number(self.report, self.source, start)
        if value == float("inf"):
            wrong.number_too_large(self.report, self.source, start, end)
        return ast.Float(value, v[0], span=self.span(start, end))

    def string(self, v: Parts, start: int, end: int) -> ast.Str:
        return ast.Str(self.text(v[0], start), span=self.span(start, end))

    def text(self, literal: str, at: int) -> str:
        """The value of a string literal that starts at an offset."""
        if "\\" not in literal:
            return literal[1:-1]

        def escape(match: re.Match[str]) -> str:
            number, letter = match.groups()
            if number is not None and int(number, 16) <= 0x10FFFF and not 0xD800 <= int(number, 16) < 0xE000:
                return chr(int(number, 16))
            if letter in _ESCAPES:
                return _ESCAPES[letter]
            wrong.bad_escape(self.report, self.source, at + 1 + match.start(), at + 1 + match.end())
            return ""

        return _ESCAPE.sub(escape, literal[1:-1])

    def true(self, v: Parts, start: int, end: int) -> ast.Bool:
        return ast.Bool(True, span=self.span(start, end))

    def false(self, v: Parts, start: int, end: int) -> ast.Bool:
        return ast.Bool(False, span=self.span(start, end))

    def none(self, v: Parts, start: int, end: int) -> ast.Nothing:
        return ast.Nothing(span=self.span(start, end))

    def tuple_empty(self, v: Parts, start: int, end: int) -> ast.Tuple:
        return ast.Tuple((), span=self.span(start, end))

    def tuple_one(self, v: Parts, start: int, end: int) -> ast.Tuple:
        return ast.Tuple((v[1],), span=self.span(start, end))

    def tuple_many(self, v: Parts, start: int, end: int) -> ast.Tuple:
        return ast.Tuple((v[1], *v[3]), span=self.span(start, end))

    def list_empty(self, v: Parts, start: int, end: int) -> ast.List:
        return ast.List((), span=self.span(start, end))

    def list_full(self, v: Parts, start: int, end: int) -> ast.List:
        return ast.List(tuple(v[1]), span=self.span(start, end))

    # --- control flow ---

    def if_only(self, v: Parts, start: int, end: int) -> ast.If:
        return self.new_if((ast.Branch(v[1], v[2], span=self.span(start, end)),), None, start, end)

    def if_else(self, v: Parts, start: int, end: int) -> ast.If:
        branch = ast.Branch(v[1], v[2], span=self.span(start, v[2].span.end))
        return self.new_if((branch,), v[4], start, end)

    def if_chain(self, v: Parts, start: int, end: int) -> ast.If:
        branch = ast.Branch(v[1], v[2], span=self.span(start, v[2].span.end))
        rest: ast.If = v[4]
        self.pending.pop(id(rest), None)
        return self.new_if((branch, *rest.branches), rest.otherwise, start, end)

    def new_if(self, branches: tuple[ast.Branch, ...], otherwise: ast.Body | None, start: int, end: int) -> ast.If:
        node = ast.If(branches, otherwise, span=self.span(start, end))
        if otherwise is None or not otherwise.values or not all(branch.body.values for branch in branches):
            self.pending[id(node)] = node
        return node

    def cond(self, v: Parts, start: int, end: int) -> ast.Cond:
        self.needs_values("cond", v[2], v[4])
        return ast.Cond(v[1], v[2], v[4], span=self.span(start, end))

    def while_loop(self, v: Parts, start: int, end: int) -> ast.While:
        self.needs_values("while", v[3])
        return ast.While(tuple(v[1]), v[2], v[3], span=self.span(start, end))

    def scan(self, v: Parts, start: int, end: int) -> ast.Scan:
        self.needs_values("scan", v[4])
        return ast.Scan(tuple(v[1]), tuple(v[3]), None, v[4], span=self.span(start, end))

    def scan_axis(self, v: Parts, start: int, end: int) -> ast.Scan:
        self.needs_values("scan", v[7])
        if v[4] != "axis":
            misuse.scan_option(self.report, self.span(start, end), v[4])
        return ast.Scan(tuple(v[1]), tuple(v[3]), v[6], v[7], span=self.span(start, end))

    def needs_values(self, word: str, *bodies: ast.Body) -> None:
        for body in bodies:
            if not body.values and self.sound(body.span):
                misuse.valueless_body(self.report, word, body.span)

    def binding(self, v: Parts, start: int, end: int) -> ast.Binding:
        return ast.Binding(v[0], v[2], span=self.span(start, end))
