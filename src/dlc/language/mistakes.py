"""What is said when a token can't stand where it does (E0120 to E0150).

A mistake is looked up in ``_KNOWN``, from the special to the general: each entry looks at the situation and either
complains, or leaves it to the next. The last one says what was expected and what was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from dlc.diagnostics import Collector, Label, Source, did_you_mean
from dlc.language.lex import ITEMS, Token, tables
from dlc.language.wrong import bad_number, complain


@dataclass(frozen=True, slots=True)
class Situation:
    """The token ``tokens[at]`` is not among ``accepted``; ``symbols`` are those on the parser's stack."""

    source: Source
    tokens: list[Token]
    at: int
    accepted: frozenset[str]
    symbols: list[str]

    def kind(self, offset: int = 0) -> str:
        """The kind of a token counted from the wrong one."""
        place = self.at + offset
        return self.tokens[place][0] if 0 <= place < len(self.tokens) else "$END"

    def text(self, offset: int = 0) -> str:
        place = self.at + offset
        return self.tokens[place][1] if 0 <= place < len(self.tokens) else ""

    def top(self) -> str:
        return self.symbols[-1]

    def within(self, *symbols: str) -> str:
        """The innermost of some symbols on the stack, or an empty string; what closed brackets enclose is left out."""
        closed = 0
        for symbol in reversed(self.symbols):
            closed += symbol in (")", "]", "}")
            if not closed and symbol in symbols:
                return symbol
            closed -= closed > 0 and symbol in ("(", "[", "{")
        return ""


Rule: TypeAlias = Callable[[Collector, Situation], str | None]
"""None: not this mistake. Otherwise it was reported; a kind to take the token for, or an empty string."""

_OPERATORS = frozenset(("+", "-", "PRODUCT", "**", "COMPARISON", "and", "or", "not"))
_OPERANDS = frozenset(("NAME", "INT", "FLOAT", "STRING", "true", "false", "none", "(", "[", "if", "cond"))
_STATEMENTS = frozenset(("input", "output", "layer", "param", "state", "assert", "assume", "for", "return"))
_PYTHON = {
    "def": ("E0124", "write fn name(x: f32[N]) -> f32[N] { ... }, or block for one with weights"),
    "class": ("E0124", "write model Name(sizes) { ... } or block Name(sizes) (x: f32[N, C]) -> f32[N, C] { ... }"),
    "import": ("E0124", 'write from "file.dl" import Name'),
    "elif": ("E0124", "write else if"),
    "lambda": ("E0124", "write fn name(x: f32[N]) -> f32[N] { ... } at the top of the file"),
    "let": ("E0124", "a binding has no keyword: x = ..."),
    "var": ("E0124", "a binding has no keyword: x = ..."),
    "function": ("E0124", "write fn name(x: f32[N]) -> f32[N] { ... }"),
    "print": ("E0124", "write output name = value to see a tensor"),
    "with": ("E0124", "there are no contexts; statements stand by themselves"),
    "pass": ("E0124", "an empty body is { }"),
}


def explain_mistake(report: Collector, situation: Situation) -> str | None:
    """Report the mistake; a kind to take the token for, where it is clear what was meant, or None."""
    for rule in _KNOWN:
        instead = rule(report, situation)
        if instead is not None:
            return instead if instead in situation.accepted else None
    return None


def missing_edition(report: Collector, source: Source, tokens: list[Token]) -> None:
    """The first line is not ``dl 1``: report it, and go on as if it were there."""
    kind, text, start, end = tokens[0]
    hint = "write dl 1 as the first line: the edition of the language that the file is written in"
    shown = text[:30] if kind != "$END" else "the end of the file"
    _say(report, source, "E0120", "the edition is missing", start, end, expected="dl 1", found=shown, hint=hint)
    edition: list[Token] = [("dl", "dl", start, start), ("INT", "1", start, start)]
    lead = kind == "NAME" and text == "dl"
    rest = next((i for i, token in enumerate(tokens) if token[0] in ("NEWLINE", "$END")), 0) if lead else 0
    if tokens[rest][0] not in ("NEWLINE", "$END"):
        edition.append(("NEWLINE", "\n", start, start))
    tokens[:rest] = edition


def _say(
    report: Collector,
    source: Source,
    code: str,
    message: str,
    start: int,
    end: int,
    *,
    expected: str | None = None,
    found: str | None = None,
    hint: str | None = None,
    labels: tuple[Label, ...] = (),
) -> str:
    complain(report, source, code, message, start, end, expected=expected, found=found, hint=hint, labels=labels)
    return ""


def _here(
    report: Collector,
    s: Situation,
    code: str,
    message: str,
    *,
    expected: str | None = None,
    hint: str | None = None,
    back: int = 0,
) -> str:
    """Report at the wrong token, or from ``back`` tokens before it."""
    start = s.tokens[s.at - back][2]
    end = s.tokens[s.at][3] if back == 0 else s.tokens[s.at - 1][3]
    if s.kind() in ("NEWLINE", "$END") and back == 0 and s.at:
        start = end = s.tokens[s.at - 1][3]
    return _say(report, s.source, code, message, start, end, expected=expected, found=_found(s), hint=hint)


# --- the known mistakes --------------------------------------------------------------------------------------------


def _foreign_word(report: Collector, s: Situation) -> str | None:
    """A keyword of Python or another language, at the start of a statement or item or after one."""
    for back in (0, 1):
        word = s.text(-back)
        starts = s.kind(-back - 1) in ("NEWLINE", "{", "}", "$END")
        if s.kind(-back) == "NAME" and word in _PYTHON and starts and (back == 0 or s.kind() != "="):
            code, hint = _PYTHON[word]
            start, end = s.tokens[s.at - back][2:]
            return _say(report, s.source, code, f"`{word}` is not a word of this language", start, end, hint=hint)
    return None


def _augmented(report: Collector, s: Situation) -> str | None:
    if s.kind() != "=" or s.kind(-1) not in ("+", "-", "PRODUCT", "**"):
        return None
    operator = s.text(-1)
    hint = f"write x = x {operator} ..."
    return _here(report, s, "E0146", f"there is no `{operator}=`", hint=hint)


def _equals_in_condition(report: Collector, s: Situation) -> str | None:
    if s.kind() != "=" or s.within("if", "cond", "assert", "assume", "NEWLINE", "{", "(") not in (
        "if",
        "cond",
        "assert",
        "assume",
    ):
        return None
    return _here(report, s, "E0130", "`=` gives a name to a value; it compares nothing", hint="write == to compare")


def _comparison_as_binding(report: Collector, s: Situation) -> str | None:
    if s.kind() != "COMPARISON" or s.text() != "==" or "=" not in s.accepted:
        return None
    _here(report, s, "E0131", "`==` compares; it gives no name to a value", expected="=", hint="write =")
    return "="


def _chained_comparison(report: Collector, s: Situation) -> str | None:
    if s.kind() != "COMPARISON" or "COMPARISON" not in s.symbols:
        return None
    return _here(report, s, "E0136", "comparisons don't chain", hint="write a < b and b < c")


def _empty_stage(report: Collector, s: Situation) -> str | None:
    if s.top() == "|>":
        hint = "a stage is an operation, a block or a layer: |> relu, |> linear(10) @fc, |> repeat 3 Block(64) @b"
        if s.kind() == "NEWLINE":
            hint = "a pipe that goes on in the next line has its |> there, at the start"
        return _here(report, s, "E0127", "this pipe stage is empty or no call", expected="a name", hint=hint)
    if s.kind() == "|>":
        hint = "write the tensor that goes into the pipe before the first |>"
        return _here(report, s, "E0127", "nothing flows into this pipe", hint=hint)
    return None


def _label_without_name(report: Collector, s: Situation) -> str | None:
    if s.top() != "@":
        return None
    hint = 'write @conv1, or @"layer1.0.conv" for a name that is no word'
    return _here(report, s, "E0128", "this label has no name", expected="a name or a string", hint=hint)


def _misplaced(report: Collector, s: Situation) -> str | None:
    kind = s.kind()
    at_top = "item" in _gotos(s)
    if at_top and (kind in _STATEMENTS or (kind == "NAME" and s.kind(1) in ("=", ",", ":"))):
        what = f"`{kind}`" if kind in _STATEMENTS else "a binding"
        hint = "put it between the braces of a model, block or fn"
        return _here(report, s, "E0147", f"{what} stands outside of every body", hint=hint)
    if "statement" in _gotos(s) and kind in ITEMS:
        hint = "move it out of the braces, to the top level of the file"
        return _here(report, s, "E0147", f"`{kind}` stands inside a body", hint=hint)
    return None


def _unknown_item(report: Collector, s: Situation) -> str | None:
    if "item" not in _gotos(s) or s.kind() == "dl":
        return None
    hint, near = "an item starts with layout, weights, from, block, fn, model or train", None
    if s.kind() == "NAME":
        near = did_you_mean(s.text(), sorted(ITEMS)) if s.text() not in ITEMS else s.text()
        hint = f"did you mean {near}?" if near and near != s.text() else hint
        if near == s.text():
            return _here(report, s, "E0122", f"`{near}` is not followed by what belongs to it", hint=_FORMS[near])
    _here(report, s, "E0122", f"no item starts with {_found(s)}", expected="an item", hint=hint)
    return near or ""


_FORMS = {
    "layout": "write layout NCHW or layout NHWC",
    "weights": 'write weights "file.safetensors"',
    "from": 'write from "blocks.dl" import Name',
    "block": "write block Name(sizes) (x: f32[N, C]) -> f32[N, C] { ... }",
    "fn": "write fn name(x: f32[N]) -> f32[N] { ... }",
    "model": "write model Name(sizes) { ... }",
    "train": "write train Model { ... } or train name for Model { ... }",
}


def _unknown_statement(report: Collector, s: Situation) -> str | None:
    """Two words in a row: the first may be a misspelt keyword."""
    starts = s.kind(-2) in ("NEWLINE", "{")
    if not starts or s.kind(-1) != "NAME" or s.kind() not in ("NAME", "STRING", "INT"):
        return None
    near = did_you_mean(s.text(-1), sorted(_STATEMENTS | ITEMS | {"if"}))
    hint = f"did you mean {near}?" if near else "a statement is x = ..., or starts with a keyword such as output"
    start, end = s.tokens[s.at - 1][2:]
    message = f"`{s.text(-1)}` starts no statement"
    if s.within("{", "train") == "{" and "train" in s.symbols:
        message, hint = f"nothing is given to `{s.text(-1)}`", f"an entry is a key and a value: {s.text(-1)} = ..."
    return _say(report, s.source, "E0123", message, start, end, hint=hint)


def _colon_body(report: Collector, s: Situation) -> str | None:
    if s.kind() != ":" or "{" not in s.accepted:
        return None
    return _here(report, s, "E0125", "a body stands in braces", expected="{", hint="write { ... } and no colon")


def _missing_arrow(report: Collector, s: Situation) -> str | None:
    if "->" not in s.accepted or s.kind() not in ("NAME", ":", "COMPARISON", "-", "="):
        return None
    hint = "write -> before the type of the result"
    return _here(report, s, "E0132", "the arrow before the result type is missing", expected="->", hint=hint)


def _untyped_parameter(report: Collector, s: Situation) -> str | None:
    if s.accepted != {":"} or s.kind(-1) != "NAME":
        return None
    name = s.text(-1)
    inputs = s.top() == "NAME" and len(s.symbols) > 1 and s.symbols[-2] in ("input", "param", "state")
    if inputs:
        what = {"input": "this input", "param": "this weight", "state": "this state"}[s.symbols[-2]]
        hint = f"write {s.symbols[-2]} {name}: f32[N, C]"
        return _here(report, s, "E0148", f"{what} has no type", expected=":", hint=hint)
    hint = f"write {name}: int, or {name}: f32[N, C] for a tensor"
    return _here(report, s, "E0135", f"the parameter {name} has no type", expected=":", hint=hint)


def _keyword_as_name(report: Collector, s: Situation) -> str | None:
    if s.kind() == "=" and s.kind(-1) in tables().words and s.kind(-2) in ("NEWLINE", "{"):
        hint = f"choose another name, such as {s.text(-1)}_"
        return _here(report, s, "E0139", f"`{s.text(-1)}` is a keyword and can't be a name", hint=hint, back=1)
    if s.kind() not in tables().words:
        return None
    if "NAME" not in s.accepted or (s.kind(1) not in ("=", ",", ":", ")", "(", "|>", "NEWLINE", "]", "{")):
        return None
    hint = f"choose another name, such as {s.text()}_"
    return _here(report, s, "E0139", f"`{s.text()}` is a keyword and can't be a name", expected="a name", hint=hint)


def _missing_operand(report: Collector, s: Situation) -> str | None:
    before = s.tokens[s.at - 1] if s.at else None
    if before is None or "NAME" not in s.accepted:
        return None
    if s.kind() == "." and s.kind(1) == "INT":
        bad_number(report, s.source, s.tokens[s.at][2])
        return ""
    if before[0] in ("=", "return", "assume", "in") and s.kind() not in _OPERATORS:
        hint = "an expression follows, on the same line" if s.kind() == "NEWLINE" else None
        return _here(report, s, "E0149", f"nothing follows `{before[1]}`", expected="an expression", hint=hint)
    if before[0] not in _OPERATORS:
        if s.kind() in _OPERATORS and "INT" in s.accepted:
            message = f"`{s.text()}` has no left side"
            hint = "numbers and tensors have no sign `+`" if s.kind() == "+" else None
            if before[0] == "NEWLINE":
                hint = "a line goes on only inside brackets, or with |> at the start of the next line"
            return _here(report, s, "E0126", message, expected="an expression", hint=hint)
        return None
    hint = None
    if s.kind() == "NEWLINE":
        hint = "a line goes on only inside brackets, or with |> at the start of the next line"
    message = f"`{before[1]}` has no right side"
    return _here(report, s, "E0126", message, expected="an expression", hint=hint)


def _missing_comma(report: Collector, s: Situation) -> str | None:
    if "," not in s.accepted or s.kind() not in _OPERANDS or s.within("(", "[", "{") not in ("(", "["):
        return None
    start = s.tokens[s.at - 1][3]
    hint = "write a comma between the two"
    return _say(report, s.source, "E0137", "a comma is missing", start, start, expected=",", found=_found(s), hint=hint)


def _line_ends(report: Collector, s: Situation) -> str | None:
    if s.kind() != "NEWLINE":
        return None
    if "{" in s.accepted and s.kind(1) == "{":
        _here(report, s, "E0138", "the body starts on the line below", expected="{", hint="put { on this line")
        del s.tokens[s.at]
        return "{"
    expected = _expected(s)
    hint = "a line goes on only inside brackets, or with |> at the start of the next line"
    return _here(report, s, "E0138", "the line ends too early", expected=expected, hint=hint)


def _one_line(report: Collector, s: Situation) -> str | None:
    """A second statement on a line."""
    if "NEWLINE" not in s.accepted or s.kind() in (")", "]", "=", ":") or s.kind() in _OPERATORS:
        return None
    if s.kind() == "else":
        return _here(report, s, "E0145", "this `else` belongs to no `if`", hint="write if c { ... } else { ... }")
    hint = "start a new line here, or remove it"
    return _here(report, s, "E0145", "a statement ends before this", expected="the end of the line", hint=hint)


def _operator_after_pipe(report: Collector, s: Situation) -> str | None:
    """`x |> f + 1`: a pipe binds last, so nothing can be done with its result without brackets."""
    if s.kind() not in _OPERATORS - {"not"} or "|>" not in s.accepted:
        return None
    depth, place = 0, s.at - 1
    while place >= 0 and depth >= 0 and not (depth == 0 and s.tokens[place][0] in ("|>", "NEWLINE")):
        depth += (s.tokens[place][0] in (")", "]", "}")) - (s.tokens[place][0] in ("(", "[", "{"))
        place -= 1
    if place < 0 or s.tokens[place][0] != "|>":
        return None
    hint = f"put the pipe in brackets: (x |> f) {s.text()} ..."
    return _here(report, s, "E0150", f"`{s.text()}` can't follow a pipe", expected=_expected(s), hint=hint)


def _round_type(report: Collector, s: Situation) -> str | None:
    """`f32(N, 4)`."""
    if s.kind() != "(" or s.kind(-1) != "NAME" or s.kind(-2) not in (":", "->"):
        return None
    hint = f"write {s.text(-1)}[...]"
    return _here(report, s, "E0150", "the sizes of a type stand in square brackets", expected="`[`", hint=hint)


def _question(report: Collector, s: Situation) -> str | None:
    """`f32[?, 4]`, `c ? a : b`."""
    if s.kind() != "?":
        return None
    if s.within("[", "(", "{") == "[":
        hint = "a size that is not known yet gets a name: f32[N, 4]"
    else:
        hint = "write if c { a } else { b }, or where(c, a, b) for tensors"
    return _here(report, s, "E0150", "`?` can't stand here", expected=_expected(s), hint=hint)


def _anything(report: Collector, s: Situation) -> str | None:
    message = "this can't stand here" if s.kind() != "$END" else "the file ends too early"
    hint = _FORMS.get(s.within("{", *ITEMS))
    return _here(report, s, "E0150", message, expected=_expected(s), hint=hint)


_KNOWN: tuple[Rule, ...] = (
    _foreign_word,
    _augmented,
    _comparison_as_binding,
    _equals_in_condition,
    _chained_comparison,
    _label_without_name,
    _operator_after_pipe,
    _round_type,
    _question,
    _empty_stage,
    _misplaced,
    _unknown_item,
    _unknown_statement,
    _missing_arrow,
    _colon_body,
    _untyped_parameter,
    _keyword_as_name,
    _missing_operand,
    _missing_comma,
    _line_ends,
    _one_line,
    _anything,
)


# --- words for kinds -----------------------------------------------------------------------------------------------

_KINDS = {
    "NAME": "a name",
    "INT": "a number",
    "FLOAT": "a number",
    "STRING": "a string",
    "COMPARISON": "a comparison",
    "PRODUCT": "an operator",
    "NEWLINE": "the end of the line",
    "$END": "the end of the file",
}


def _gotos(s: Situation) -> tuple[str, ...]:
    """What may start here: judged by the tokens that may stand here."""
    starts = []
    if {"block", "model"} <= s.accepted:
        starts.append("item")
    if {"output", "return"} <= s.accepted:
        starts.append("statement")
    return tuple(starts)


def _found(s: Situation) -> str:
    kind, text = s.kind(), s.text()
    if kind in ("NEWLINE", "$END"):
        return _KINDS[kind]
    return f"`{text}`" if len(text) <= 40 else f"`{text[:40]}...`"


def _expected(s: Situation) -> str:
    """The accepted tokens in words: an expression or operator is one thing."""
    kinds = set(s.accepted)
    words = []
    if {"NAME", "INT", "STRING"} <= kinds:
        words.append("an expression")
        kinds -= _OPERANDS | {"while", "scan", "not", "-"}
    if "PRODUCT" in kinds:
        words.append("an operator")
        kinds -= _OPERATORS | {"|>", "(", "[", ".", "@"}
    words += sorted({_KINDS.get(kind, f"`{kind}`") for kind in kinds})
    if len(words) > 6:
        words = [*words[:6], "..."]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
