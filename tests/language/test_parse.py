"""The parser: what is read, what it becomes, and at what price."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from dlc.diagnostics import DlcError, Source
from dlc.language import ast
from dlc.language.ast import (
    Argument,
    Assign,
    Binary,
    Body,
    Call,
    Expr,
    Field,
    If,
    Index,
    Int,
    Label,
    Name,
    Pipe,
    Slice,
    Stage,
    Target,
    Tuple,
    TypeExpr,
    Unary,
)
from dlc.language.parse import parse
from dlc.language.tables import compile_grammar, grammar_text, load
from dlc.language.walk import children

A, B, C, X = (Name(name) for name in "abcx")


def file(text: str) -> ast.File:
    return parse(Source("t.dl", text))


def item(text: str) -> ast.Item:
    return file(f"dl 1\n{text}\n").items[0]


def statement(text: str) -> ast.Statement:
    model = item(f"model M {{\n{text}\n}}")
    assert isinstance(model, ast.ModelDecl)
    (only,) = model.body.statements
    return only


def expression(text: str) -> Expr:
    found = statement(f"v = {text}")
    assert isinstance(found, Assign)
    return found.value


def test_grammar_has_no_conflicts() -> None:
    """lark accepts the grammar as LALR(1) in strict mode, and the stored tables are made from it."""
    pytest.importorskip("interegular")
    grammar = grammar_text()
    assert grammar is not None
    made = json.loads(json.dumps(asdict(compile_grammar(grammar, strict=True))))
    assert made == json.loads(json.dumps(asdict(load()))), "run python -m dlc.language.tables"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c", Binary("+", A, Binary("*", B, C))),
        ("a - b - c", Binary("-", Binary("-", A, B), C)),
        ("a ** b ** c", Binary("**", A, Binary("**", B, C))),
        ("-a ** b", Unary("-", Binary("**", A, B))),
        ("-a * b", Binary("*", Unary("-", A), B)),
        ("a // b % c", Binary("%", Binary("//", A, B), C)),
        ("not a == b and c", Binary("and", Unary("not", Binary("==", A, B)), C)),
        ("a or b and c", Binary("or", A, Binary("and", B, C))),
        ("a + b |> x", Pipe(Binary("+", A, B), (Stage(X),))),
        ("(a, b)", Tuple((A, B))),
        ("(a,)", Tuple((A,))),
        ("(a)", A),
        ("1_000", Int(1000)),
        ("a[0, :, 1:b, ..., ::2]", Index(A, (Int(0), Slice(), Slice(Int(1), B), ast.Dots(), Slice(step=Int(2))))),
        ("a.weight", Field(A, "weight")),
        ("a.input", Field(A, "input")),
        ("a(for=b)", Call(A, (Argument("for", B),))),
        ('a(b) @"l.0"', Call(A, (Argument(None, B),), Label("l.0"))),
        ("x |> a @l", Pipe(X, (Stage(A, (), Label("l")),))),
        ("x |> repeat (a - 1) b(c) @l", Pipe(X, (Stage(B, (Argument(None, C),), Label("l"), Binary("-", A, Int(1))),))),
        ('repeat(x, "a")', Call(Name("repeat"), (Argument(None, X), Argument(None, ast.Str("a"))))),
        ('x |> repeat( "a" )', Pipe(X, (Stage(Name("repeat"), (Argument(None, ast.Str("a")),)),))),
        (r'"a\"\u{41}"', ast.Str('a"A')),
    ],
)
def test_expressions(text: str, expected: Expr) -> None:
    """Precedence, associativity and the forms of an expression."""
    assert expression(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, b = x", Assign((Target("a"), Target("b")), X)),
        ("a, b = b, a", Assign((Target("a"), Target("b")), Tuple((B, A)))),
        ("a: f32[x, 64] = b", Assign((Target("a", TypeExpr("f32", (X, Int(64)))),), B)),
        ("state = b", Assign((Target("state"),), B)),
        ("input state: i64[]", ast.InputDecl("state", TypeExpr("i64", ()))),
        ("param w: f32 = x", ast.ParamDecl("w", TypeExpr("f32"), X)),
        ("layer l = relu", ast.LayerDecl("l", Call(Name("relu")))),
        ('assert a, "why"', ast.Assert(A, "why")),
        ("for i in 0..a { }", ast.For("i", ast.Range(Int(0), A), Body(()))),
        ("return a, b", ast.Return((A, B))),
        ("if a { } else if b { }", If((ast.Branch(A, Body(())), ast.Branch(B, Body(()))))),
    ],
)
def test_statements(text: str, expected: ast.Statement) -> None:
    """The forms of a statement; words such as `state` are names where no declaration can be meant."""
    assert statement(text) == expected


def test_control_flow_has_values() -> None:
    """The last expressions of a body are its values; the statements before them belong to it."""
    loop = expression("while (i = 0, x = a) i < 3 {\n  y = x\n  i + 1, y\n}")
    assert isinstance(loop, ast.While)
    assert loop.body == Body((Assign((Target("y"),), X),), (Binary("+", Name("i"), Int(1)), Name("y")))
    scan = expression("scan (h = a) over (x = b) axis=1 { h, x }")
    assert isinstance(scan, ast.Scan)
    assert (scan.axis, scan.body.values) == (Int(1), (Name("h"), X))
    chosen = expression("if a { b } else if b { c } else { x }")
    assert isinstance(chosen, If)
    assert [branch.body.values for branch in chosen.branches] == [(B,), (C,)]


def test_signatures() -> None:
    """A block has compile-time parameters and inputs, kept apart; one list alone is the inputs."""
    both = item("block K(c: int = 1, u: block?) (x: f32[N]) -> (f32[N], int[]) { }")
    assert isinstance(both, ast.BlockDecl)
    assert [p.name for p in both.hypers] == ["c", "u"]
    assert both.hypers[1].type == TypeExpr("block", None, True)
    assert [p.name for p in both.inputs] == ["x"]
    assert both.results == (TypeExpr("f32", (Name("N"),)), TypeExpr("int", ()))
    one = item("fn f(x: f32[N]) { }")
    assert isinstance(one, ast.FnDecl)
    assert (len(one.hypers), len(one.inputs), one.results) == (0, 1, ())


def test_docs_belong_to_what_follows() -> None:
    """`##` lines document the next item, parameter, statement or entry; `#` comments and trailing ones nothing."""
    model = item("## one\n##  two\n# no\nmodel M(\n  ## size\n  c: int) {\n  x = a ## no\n  ## in\n  input y: f32\n}")
    assert isinstance(model, ast.ModelDecl)
    assert model.doc == "one\n two"
    assert model.hypers[0].doc == "size"
    assert [getattr(one, "doc", None) for one in model.body.statements] == [None, "in"]


@pytest.mark.parametrize("gap", [" ", "\n", "\n\n", " # c\n\n  # d\n  "])
def test_a_pipe_goes_on(gap: str) -> None:
    """A line that begins with `|>` continues the one before it, over comments and blank lines."""
    assert expression(f"x{gap}|> a{gap}|> b") == Pipe(X, (Stage(A), Stage(B)))


def test_newlines_count_inside_braces_only() -> None:
    """Inside ( and [ newlines vanish, but inside braces in them they count again."""
    assert expression("a(\n\nb\n,\nc\n)") == Call(A, (Argument(None, B), Argument(None, C)))
    inner = expression("a(if b {\n x = c\n x\n} else {\n c\n})")
    assert isinstance(inner, Call)
    assert isinstance(inner.args[0].value, If)


def test_spans_cover_the_text() -> None:
    """Every node stands inside its parent, and a name's span is the name."""
    text = "dl 1\nmodel M(c: int) {\n  y = f(x + 1, k=z[0]) |> g(c) @l # note\n  output o: f32[N] = y\n}\n"
    waiting: list[ast.Node] = [file(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Name):
            assert node.span.text == node.name
        for child in children(node):
            assert node.span.start <= child.span.start <= child.span.end <= node.span.end
            waiting.append(child)


def test_many_mistakes_in_one_run() -> None:
    """A wrong statement does not hide the next one, nor a wrong item the next item."""
    wrong = "dl 1\nmodel A {\n x = = 1\n y = relu(x\n z = 1 +\n}\nmodle B {\n  w = )\n}\n"
    with pytest.raises(DlcError) as caught:
        file(wrong)
    codes = [one.code for one in caught.value.diagnostics]
    assert len(codes) >= 4, codes


def test_cold_start() -> None:
    """Importing the parser and reading a first file needs neither lark nor any other heavy package."""
    code = (
        "import sys; from dlc.language.parse import parse; from dlc.diagnostics import Source\n"
        "parse(Source('t', 'dl 1\\nlayout NCHW\\n'))\n"
        "print([m for m in ('lark', 'numpy', 'rich', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
