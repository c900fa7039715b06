"""Programs made at random: every construct of the language, comments in every place that takes one."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

NAMES = st.sampled_from(["x", "y", "state", "input", "layer", "a_rather_long_name_of_a_tensor", "f32", "N", "model"])
UPPER = st.sampled_from(["Net", "Block", "Stage"])
NUMBERS = st.sampled_from(["0", "1", "1_000", "2.5", "1e-3", "3.0E+4"])
STRINGS = st.sampled_from(['""', '"a b"', '"# no comment"', r'"\"\\\n\u{1f600}"', '"é {[("', '"' + "long " * 30 + '"'])
WORDS = st.sampled_from(["true", "false", "none"])
NOTES = st.sampled_from(["# note", "## doc", "#", "##", "#no blank", '# { ( [ |> "', "## two   "])


@st.composite
def comments(draw: DrawFn) -> str:
    """Nothing, or comments and newlines, as they may stand between two tokens inside brackets."""
    kind = draw(st.integers(0, 9))
    if kind < 7:
        return draw(st.sampled_from(["", " ", "\t "]))
    if kind == 7:
        return "\n\n"
    if kind == 8:
        return f" {draw(NOTES)}\n"
    return f"\n {draw(NOTES)}\n\n{draw(NOTES)}\n"


def _spaced(draw: DrawFn, parts: list[str]) -> str:
    """Tokens inside brackets, with anything between them."""
    return "".join(part + draw(comments()) for part in parts)


@st.composite
def expressions(draw: DrawFn, depth: int = 3) -> str:
    """An expression on one line as far as it has no brackets."""
    if depth <= 0:
        return draw(st.one_of(NAMES, NUMBERS, STRINGS, WORDS))
    inner = expressions(depth - 1)
    form = draw(st.integers(0, 15))
    if form == 0:
        operator = draw(st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "==", "<", ">=", "and", "or"]))
        return f"({draw(inner)}) {operator} ({draw(inner)})"
    if form == 1:
        return f"{draw(NAMES)}{draw(st.sampled_from(['+', ' - ', '*', ' and ']))}{draw(NAMES)}"
    if form == 2:
        return draw(st.sampled_from(["-x", "not x", "- -x", "-x ** -y", "not not x", "x.weight", "f(x).y", "x - -1"]))
    if form == 3:
        return f"f({_list(draw, inner)})"
    if form == 4:
        return f"conv({_list(draw, _arguments(depth - 1))})" + draw(st.sampled_from(["", " @c1", ' @"a.0.b"', "@z"]))
    if form == 5:
        return f"[{_list(draw, inner)}]"
    if form == 6:
        return f"({draw(comments())}{draw(inner)},{draw(comments())}{draw(inner)}{draw(comments())})"
    if form == 7:
        return draw(st.sampled_from(["()", "[]", "(x,)", "f()", "(x)(y)[0]"]))
    if form == 8:
        items = st.sampled_from(["0", ":", "1:", ":-1", "1:3", "::2", "a:b:c", "...", "x + 1", "-1"])
        chosen = draw(st.lists(items, min_size=1, max_size=4))
        return f"x[{_spaced(draw, [', '.join(chosen)])}]"
    if form == 9:
        return f"x{draw(pipes(depth - 1))}"
    if form == 10:
        return f"({_spaced(draw, ['', 'x', *draw(st.lists(stages(depth - 1), max_size=3))])})"
    if form in (11, 12):
        other = draw(st.sampled_from(["else ", "else if b ", "\nelse ", " # c\n else "]))
        tail = f" else {draw(bodies(depth - 1))}" if "if" in other else ""
        return f"if x {draw(bodies(depth - 1))} {other}{draw(bodies(depth - 1))}{tail}"
    if form == 13:
        return f"cond p(x) {draw(bodies(depth - 1))} else {draw(bodies(depth - 1))}"
    if form == 14:
        return f"while (i={draw(inner)}, {draw(comments())}x = x) i < 3 {draw(bodies(depth - 1))}"
    axis = draw(st.sampled_from(["", " axis = 1", " axis=-1"]))
    return f"scan (h = {draw(inner)}) over (t = x,){axis} {draw(bodies(depth - 1))}"


def _list(draw: DrawFn, element: SearchStrategy[str]) -> str:
    parts = draw(st.lists(element, max_size=4))
    comma = "," if parts and draw(st.booleans()) else ""
    text = ""
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        text += draw(comments()) + part + draw(comments()) + (comma if last else ",") + draw(comments())
    return text or draw(comments())


@st.composite
def _arguments(draw: DrawFn, depth: int) -> str:
    return f"{draw(NAMES)}{draw(st.sampled_from(['=', ' = ']))}{draw(expressions(depth))}"


@st.composite
def stages(draw: DrawFn, depth: int) -> str:
    """``|>`` and what it leads to."""
    label = draw(st.sampled_from(["", " @n", '@"a.b"']))
    repeat = draw(st.sampled_from(["", "", "repeat 3 ", "repeat n[0].m ", "repeat (n - 1) "]))
    arguments = draw(st.sampled_from(["", "()", "*"]))
    if arguments == "*":
        arguments = f"({_list(draw, expressions(depth))})"
    return f"|> {repeat}{draw(st.sampled_from(['relu', 'm.layer', 'unit']))}{arguments}{label}"


@st.composite
def pipes(draw: DrawFn, depth: int) -> str:
    """Several stages outside of brackets: a new line, comments and blank lines may stand before each."""
    out = ""
    for stage in draw(st.lists(stages(depth), min_size=1, max_size=4)):
        gap = draw(st.sampled_from([" ", "\n  ", " # c\n", "\n\n # own\n", "\n## doc\n\n", " ## d\n # e\n"]))
        out += gap + stage
    return out


@st.composite
def bodies(draw: DrawFn, depth: int) -> str:
    """Braces with a value at the end."""
    value = draw(expressions(depth))
    if draw(st.booleans()):
        return f"{{ {value} }}"
    lines = [draw(statements(depth)) for _ in range(draw(st.integers(0, 2)))]
    head = draw(st.sampled_from(["", " # head", " ## head"]))
    tail = draw(st.sampled_from(["", " # tail", "\n\n# end"]))
    return f"{{{head}\n{_joined(draw, [*lines, value])}{tail}\n}}"


def _joined(draw: DrawFn, lines: list[str]) -> str:
    gaps = ["\n", "\n\n\n", " # trailing\n", "\n# own\n", "\n## doc\n", " ## t\n\n## doc\n# c\n"]
    return "".join(
        line + (draw(st.sampled_from(gaps)) if number + 1 < len(lines) else "") for number, line in enumerate(lines)
    )


@st.composite
def types(draw: DrawFn) -> str:
    """A type."""
    dims = draw(st.lists(st.sampled_from(["N", "64", "2*N+1", "ceil(H / s)", "..."]), max_size=4))
    text = draw(st.sampled_from(["f32", "i64", "int", "block"]))
    return text + (f"[{', '.join(dims)}]" if draw(st.booleans()) else "") + draw(st.sampled_from(["", "", "?"]))


@st.composite
def statements(draw: DrawFn, depth: int = 2) -> str:
    """A statement without the newline at its end."""
    value = draw(expressions(depth))
    name = draw(NAMES)
    form = draw(st.integers(0, 12))
    simple = {
        0: f"{name} = {value}",
        1: f"{name}, b,c={value}, {value}",
        2: f"x :{draw(types())} = {value}",
        3: f"input {name}: {draw(types())}" + draw(st.sampled_from(["", f" = {value}"])),
        4: f"output {name}{draw(st.sampled_from(['', ': f32[N]']))} = {value}",
        5: f"layer {name} = linear({_list(draw, expressions(1))}) @l",
        6: f"param w: {draw(types())} = {value}",
        7: f"state s: {draw(types())}",
        8: f'assert {value}, "why # not"',
        9: f"assume {value}",
        10: f"return {value}, {value}",
    }
    if form in simple:
        return simple[form]
    body = _joined(draw, draw(st.lists(statements(depth - 1), min_size=1, max_size=2))) if depth > 0 else "y = x"
    if form == 11:
        return f"for i in 0..(n) {{\n{body}\n}}"
    last = draw(st.sampled_from(["", f" else {{\n{body}\n}}", "\n# c\nelse if d { }"]))
    return f"if c {{ # head\n{body} # tail\n}}{last}"


@st.composite
def items(draw: DrawFn) -> str:
    """A top-level item."""
    form = draw(st.integers(0, 6))
    if form == 0:
        return draw(st.sampled_from(["layout NCHW", 'weights "w.safetensors"', 'from "b.dl" import A,B as C']))
    body = _joined(draw, draw(st.lists(statements(), max_size=4)))
    braces = f"{{\n{body}\n# end\n}}" if body or draw(st.booleans()) else "{ }"
    if form == 1:
        entries = _joined(draw, [f"{key} = {draw(expressions(2))}" for key in ("loss", "optimizer", "state")])
        return f"train {draw(st.sampled_from(['', 'quick for ']))}Net {{ # recipe\n{entries}\n}}"
    parameter = st.builds(lambda n, t, d: f"{n}: {t}{d}", NAMES, types(), st.sampled_from(["", "=1", " = [2, 3]"]))
    first, second = f"({_list(draw, parameter)})", f"({_list(draw, parameter)})"
    if form == 2:
        return f"model {draw(UPPER)}{draw(st.sampled_from(['', first]))} {braces}"
    result = draw(st.sampled_from(["", f"-> {draw(types())}", f"->({draw(types())}, f32)"]))
    word = draw(st.sampled_from(["block", "fn"]))
    return f"{word} {draw(UPPER)}{draw(st.sampled_from(['', first]))}{second} {result} {braces}"


@st.composite
def programs(draw: DrawFn) -> str:
    """A whole file."""
    head = draw(st.sampled_from(["dl 1", "# first\ndl 1 # edition", "\n\n## doc\ndl 1"]))
    tail = draw(st.sampled_from(["", "\n", "\n# last", " # last\n\n\n"]))
    return head + "\n" + _joined(draw, draw(st.lists(items(), min_size=1, max_size=3))) + tail
