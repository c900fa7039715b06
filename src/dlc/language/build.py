"""From the rules of the grammar to the syntax tree: one method per rule name in grammar/dl.lark.

A method gets the parts of the rule in order (tokens as their text) and the offsets of its first and last character.
"""

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


class Builder:
    """Builds the tree of one source and reports what the grammar lets through but the language refuses."""

    def __init__(
        self, source: Source, report: Collector, docs: dict[int, str], spoiled: list[tuple[int, int]]
    ) -> None:
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

    # --- items ---

    def file(self, v: Parts, start: int, end: int) -> ast.File:
        items = v[2] if len(v) == 3 else []
        return ast.File(v[0], tuple(item for item in items if item is not None), span=self.span(start, end))

    def edition(self, v: Parts, start: int, end: int) -> int:
        if v[1] != "1":
            misuse.unknown_edition(self.report, self.span(start, end), v[1])
        return 1

    def layout(self, v: Parts, start: int, end: int) -> ast.LayoutDecl:
        if v[1] not in ("NCHW", "NHWC"):
            misuse.unknown_layout(self.report, self.span(end - len(v[1]), end), v[1])
        return ast.LayoutDecl(v[1], self.docs.get(start), span=self.span(start, end))

    def weights(self, v: Parts, start: int, end: int) -> ast.WeightsDecl:
        path = self.text(v[1], end - len(v[1]))
        return ast.WeightsDecl(path, self.docs.get(start), span=self.span(start, end))

    def imports(self, v: Parts, start: int, end: int) -> ast.ImportDecl:
        at = self.source.text.index('"', start)
        return ast.ImportDecl(self.text(v[1], at), tuple(v[3]), self.docs.get(start), span=self.span(start, end))

    def import_name(self, v: Parts, start: int, end: int) -> ast.ImportName:
        return ast.ImportName(v[0], span=self.span(start, end))

    def import_as(self, v: Parts, start: int, end: int) -> ast.ImportName:
        return ast.ImportName(v[0], v[2], span=self.span(start, end))

    def block_inputs(self, v: Parts, start: int, end: int) -> ast.BlockDecl:
        return self.block_both([v[0], v[1], [], *v[2:]], start, end)

    def block_both(self, v: Parts, start: int, end: int) -> ast.BlockDecl:
        self.no_values(v[5])
        doc, span = self.docs.get(start), self.span(start, end)
        return ast.BlockDecl(v[1], tuple(v[2]), tuple(v[3]), tuple(v[4]), v[5], doc, span=span)

    def fn_inputs(self, v: Parts, start: int, end: int) -> ast.FnDecl:
        return self.fn_both([v[0], v[1], [], *v[2:]], start, end)

    def fn_both(self, v: Parts, start: int, end: int) -> ast.FnDecl:
        self.no_values(v[5])
        doc, span = self.docs.get(start), self.span(start, end)
        return ast.FnDecl(v[1], tuple(v[2]), tuple(v[3]), tuple(v[4]), v[5], doc, span=span)

    def model_plain(self, v: Parts, start: int, end: int) -> ast.ModelDecl:
        return self.model([v[0], v[1], [], v[2]], start, end)

    def model(self, v: Parts, start: int, end: int) -> ast.ModelDecl:
        self.no_values(v[3])
        return ast.ModelDecl(v[1], tuple(v[2]), v[3], self.docs.get(start), span=self.span(start, end))

    def train_plain(self, v: Parts, start: int, end: int) -> ast.TrainDecl:
        return self.train([v[0], None, None, v[1], v[2]], start, end)

    def train(self, v: Parts, start: int, end: int) -> ast.TrainDecl:
        entries = tuple(entry for entry in v[4] if entry is not None)
        return ast.TrainDecl(v[1], v[3], entries, self.docs.get(start), span=self.span(start, end))

    def entry(self, v: Parts, start: int, end: int) -> ast.Entry:
        return ast.Entry(v[0], v[2], self.docs.get(start), span=self.span(start, end))

    def param(self, v: Parts, start: int, end: int) -> ast.Param:
        default = v[4] if len(v) == 5 else None
        return ast.Param(v[0], v[2], default, self.docs.get(start), span=self.span(start, end))

    def result(self, v: Parts, start: int, end: int) -> Parts:
        return [v[1]]

    def results(self, v: Parts, start: int, end: int) -> Parts:
        several: Parts = v[2]
        return several

    # --- statements ---

    def body_empty(self, v: Parts, start: int, end: int) -> ast.Body:
        return ast.Body((), span=self.span(start, end))

    def body(self, v: Parts, start: int, end: int) -> ast.Body:
        """Bare expressions are the value of a body where they end it, and a mistake elsewhere."""
        statements: list[ast.Statement] = []
        values: tuple[Expr, ...] = ()
        last = len(v[1]) - 1
        for number, statement in enumerate(v[1]):
            if type(statement) is not list:
                if statement is not None:
                    statements.append(statement)
            elif len(statement) == 1 and id(statement[0]) in self.pending:
                self.statement_if(statement[0])
                statements.append(statement[0])
            elif number == last:
                values = tuple(statement)
            else:
                misuse.unused_value(self.report, statement[0].span.to(statement[-1].span))
        return ast.Body(tuple(statements), values, span=self.span(start, end))

    def statement_if(self, node: ast.If) -> None:
        """An `If` without a value stands as a statement: none of its bodies may have one."""
        del self.pending[id(node)]
        for branch in node.branches:
            self.no_values(branch.body)
        if node.otherwise is not None:
            self.no_values(node.otherwise)

    def no_values(self, body: ast.Body) -> None:
        if body.values:
            misuse.unused_value(self.report, body.values[0].span.to(body.values[-1].span))

    def values(self, v: Parts, start: int, end: int) -> Parts:
        expressions: Parts = v[0]
        return expressions

    def assign(self, v: Parts, start: int, end: int) -> ast.Assign | None:
        targets = []
        for target in v[0]:
            if type(target) is not ast.Name:
                misuse.bad_target(self.report, target)
                return None
            targets.append(ast.Target(target.name, span=target.span))
        return ast.Assign(tuple(targets), _value(v[2]), self.docs.get(start), span=self.span(start, end))

    def assign_typed(self, v: Parts, start: int, end: int) -> ast.Assign | None:
        if type(v[0]) is not ast.Name:
            misuse.bad_target(self.report, v[0])
            return None
        target = ast.Target(v[0].name, v[2], span=v[0].span.to(v[2].span))
        return ast.Assign((target,), _value(v[4]), self.docs.get(start), span=self.span(start, end))

    def input(self, v: Parts, start: int, end: int) -> ast.InputDecl:
        default = v[5] if len(v) == 6 else None
        return ast.InputDecl(v[1], v[3], default, self.docs.get(start), span=self.span(start, end))

    def output(self, v: Parts, start: int, end: int) -> ast.OutputDecl:
        return ast.OutputDecl(v[1], None, v[3], self.docs.get(start), span=self.span(start, end))

    def output_typed(self, v: Parts, start: int, end: int) -> ast.OutputDecl:
        return ast.OutputDecl(v[1], v[3], v[5], self.docs.get(start), span=self.span(start, end))

    def layer(self, v: Parts, start: int, end: int) -> ast.LayerDecl | None:
        call = v[3]
        if type(call) is ast.Name or type(call) is ast.Field:
            call = ast.Call(call, span=call.span)
        if type(call) is not ast.Call:
            misuse.layer_without_call(self.report, call.span)
            return None
        return ast.LayerDecl(v[1], call, self.docs.get(start), span=self.span(start, end))

    def weight(self, v: Parts, start: int, end: int) -> ast.ParamDecl:
        init = v[5] if len(v) == 6 else None
        return ast.ParamDecl(v[1], v[3], init, self.docs.get(start), span=self.span(start, end))

    def state(self, v: Parts, start: int, end: int) -> ast.StateDecl:
        init = v[5] if len(v) == 6 else None
        return ast.StateDecl(v[1], v[3], init, self.docs.get(start), span=self.span(start, end))

    def check(self, v: Parts, start: int, end: int) -> ast.Assert:
        message = self.text(v[3], end - len(v[3])) if len(v) == 4 else None
        return ast.Assert(v[1], message, self.docs.get(start), span=self.span(start, end))

    def assume(self, v: Parts, start: int, end: int) -> ast.Assume:
        return ast.Assume(v[1], self.docs.get(start), span=self.span(start, end))

    def for_list(self, v: Parts, start: int, end: int) -> ast.For:
        self.no_values(v[4])
        return ast.For(v[1], v[3], v[4], self.docs.get(start), span=self.span(start, end))

    def for_range(self, v: Parts, start: int, end: int) -> ast.For:
        self.no_values(v[6])
        numbers = ast.Range(v[3], v[5], span=v[3].span.to(v[5].span))
        return ast.For(v[1], numbers, v[6], self.docs.get(start), span=self.span(start, end))

    def return_values(self, v: Parts, start: int, end: int) -> ast.Return:
        return ast.Return(tuple(v[1]), self.docs.get(start), span=self.span(start, end))

    # --- types ---

    def type_plain(self, v: Parts, start: int, end: int) -> ast.TypeExpr:
        return ast.TypeExpr(v[0], None, len(v) == 2, span=self.span(start, end))

    def type_empty(self, v: Parts, start: int, end: int) -> ast.TypeExpr:
        return ast.TypeExpr(v[0], (), len(v) == 4, span=self.span(start, end))

    def type_dims(self, v: Parts, start: int, end: int) -> ast.TypeExpr:
        return ast.TypeExpr(v[0], tuple(v[2]), len(v) == 5, span=self.span(start, end))

    def dots(self, v: Parts, start: int, end: int) -> ast.Dots:
        return ast.Dots(span=self.span(start, end))

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


def _value(expressions: Parts) -> Expr:
    """The right side of an assignment: several expressions are a tuple."""
    if len(expressions) == 1:
        only: Expr = expressions[0]
        return only
    return ast.Tuple(tuple(expressions), span=expressions[0].span.to(expressions[-1].span))


