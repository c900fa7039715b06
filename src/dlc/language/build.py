"""From the rules of the grammar to the syntax tree: one method per rule name in grammar/dl.lark.

A method gets the parts of the rule in order (tokens as their text) and the offsets of its first and last character.
"""

from __future__ import annotations

from dlc.language import ast, misuse
from dlc.language.ast import Expr
from dlc.language.expressions import Expressions, Parts


class Builder(Expressions):
    """Builds the tree of one source and reports what the grammar lets through but the language refuses."""

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


def _value(expressions: Parts) -> Expr:
    """The right side of an assignment: several expressions are a tuple."""
    if len(expressions) == 1:
        only: Expr = expressions[0]
        return only
    return ast.Tuple(tuple(expressions), span=expressions[0].span.to(expressions[-1].span))
