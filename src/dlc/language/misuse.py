"""What is said about pieces that the grammar reads but that mean nothing where they stand (E0121, E0130 to E0149)."""

from __future__ import annotations

from dlc.diagnostics import Collector, Label, Span, did_you_mean
from dlc.language import ast
from dlc.language.wrong import complain


def _at(
    report: Collector,
    code: str,
    message: str,
    span: Span,
    *,
    expected: str | None = None,
    found: str | None = None,
    hint: str | None = None,
    labels: tuple[Label, ...] = (),
) -> None:
    complain(
        report,
        span.source,
        code,
        message,
        span.start,
        span.end,
        expected=expected,
        found=found,
        hint=hint,
        labels=labels,
    )


def unknown_edition(report: Collector, span: Span, found: str) -> None:
    hint = "this version of dlc reads edition 1; a newer edition needs a newer dlc"
    _at(report, "E0121", f"edition {found[:20]} is unknown", span, expected="dl 1", hint=hint)


def unknown_layout(report: Collector, span: Span, found: str) -> None:
    near = "NHWC" if sorted(found.upper()) == sorted("NHWC") and found.upper() != "NCHW" else "NCHW"
    near = did_you_mean(found.upper(), ("NCHW", "NHWC")) or near
    hint = "NCHW has the channels before height and width, NHWC after them"
    if found.upper() in ("NCHW", "NHWC"):
        hint = f"write {found.upper()}"
    _at(report, "E0141", f"{found} is no layout", span, expected="NCHW or NHWC", found=found, hint=hint)


def bad_target(report: Collector, target: ast.Expr) -> None:
    what = {
        "Call": "the result of a call",
        "Index": "a part of a tensor",
        "Field": "a field",
        "Pipe": "a pipe",
        "Binary": "an operation",
    }.get(type(target).__name__, "this")
    hint = "only names stand on the left of `=`"
    if isinstance(target, ast.Index):
        hint = "tensors don't change; make a new one and give it a name"
    if isinstance(target, ast.Tuple):
        hint = "write the names without parentheses: a, b = e"
    _at(report, "E0133", f"{what} can't be assigned to", target.span, expected="a name", hint=hint)


def unused_value(report: Collector, span: Span) -> None:
    hint = "give it a name (`x = ...`), or write `return` or `output` before it"
    _at(report, "E0134", "the value of this expression goes nowhere", span, hint=hint)


def layer_without_call(report: Collector, span: Span) -> None:
    hint = "write layer fc = linear(64)"
    _at(
        report,
        "E0142",
        "a layer is declared by a call",
        span,
        expected="an operation or block with its sizes",
        hint=hint,
    )


def late_positional(report: Collector, argument: ast.Argument) -> None:
    hint = "move it before the named ones, or name it"
    _at(report, "E0143", "an argument without a name follows one with a name", argument.span, hint=hint)


def label_without_call(report: Collector, span: Span, base: ast.Expr) -> None:
    if isinstance(base, ast.Call):
        first = base.label
        labels = (Label(first.span, "the first one"),) if first else ()
        _at(report, "E0129", "a call has one label", span, hint="remove one of them", labels=labels)
        return
    hint = "a label names the instance that a call makes: linear(64)(x) @fc or x |> linear(64) @fc"
    _at(report, "E0129", "this label names nothing", span, expected="a call before it", hint=hint)


def valueless_if(report: Collector, node: ast.If) -> None:
    for branch in node.branches:
        if not branch.body.values:
            hint = "end the braces with an expression on a line of its own"
            _at(report, "E0140", "this `if` stands for a value, but this branch has none", branch.body.span, hint=hint)
            return
    if node.otherwise is None:
        hint = "add else { ... }"
        _at(report, "E0140", "this `if` stands for a value, so it needs an `else`", node.span, hint=hint)
        return
    hint = "end the braces with an expression on a line of its own"
    _at(report, "E0140", "this `if` stands for a value, but its `else` has none", node.otherwise.span, hint=hint)


def valueless_body(report: Collector, word: str, span: Span) -> None:
    hint = "end the braces with an expression on a line of its own"
    if word in ("while", "scan"):
        hint = "end the braces with the next values of the states, separated by commas"
    _at(report, "E0140", f"the body of a `{word}` has no value", span, hint=hint)


def scan_option(report: Collector, span: Span, found: str) -> None:
    hint = "scan (state = ...) over (x = xs) axis=1 { ... }"
    _at(report, "E0144", f"`scan` has no option `{found}`", span, expected="axis", found=found, hint=hint)


def too_deep(report: Collector, span: Span, limit: int) -> None:
    end = min(span.end, span.start + 60)
    hint = "give names to parts of it on lines of their own"
    _at(report, "E0112", f"this is nested more than {limit} levels deep", Span(span.source, span.start, end), hint=hint)
