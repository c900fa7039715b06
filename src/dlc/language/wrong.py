"""What is said about a source whose words or brackets are wrong (E0101 to E0119)."""

from __future__ import annotations

import unicodedata

from dlc.diagnostics import Collector, Diagnostic, Label, Source, Span

ERROR = "ERROR"
"""The kind of a token that was complained about; the parser leaves its statement out without another word."""


def complain(
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
    """Report, and give up when the report is full. Returns ``ERROR``."""
    span = Span(source, start, end)
    report.error(code, message, span, expected=expected, found=found, hint=hint, labels=labels)
    if report.full:
        report.raise_if_failed()
    return ERROR


def fatal(report: Collector, source: Source, code: str, message: str, start: int, end: int, hint: str) -> None:
    """Report a mistake after which nothing is left to parse, and raise."""
    report.add(Diagnostic(code, message, Span(source, start, end), hint=hint))
    report.raise_if_failed()


def too_large(report: Collector, source: Source, found: str, limit: str) -> None:
    hint = f"the limit is {limit}; put blocks into files of their own and import them"
    fatal(report, source, "E0103", f"the source is too large: {found}", 0, 0, hint)


def hidden_character(report: Collector, source: Source, at: int) -> None:
    character = source.text[at]
    if character == "\r":
        hint = "save the file with \\n or \\r\\n at the end of its lines"
        fatal(report, source, "E0104", "a carriage return stands alone", at, at + 1, hint)
    name = unicodedata.name(character, "control character")
    message = f"a character that can't be seen: U+{ord(character):04X} ({name.lower()})"
    hint = f'remove it; inside a string it is written "\\u{{{ord(character):x}}}"'
    fatal(report, source, "E0104", message, at, at + 1, hint)


def too_deep(report: Collector, source: Source, start: int, end: int) -> None:
    hint = "give a name to an inner part on a line of its own"
    fatal(report, source, "E0112", "this is nested too deeply", start, end, hint)


def unknown_character(report: Collector, source: Source, at: int) -> str:
    character = source.text[at]
    message = f"{character!r} is not a part of the language"
    hint = _CHARACTERS.get(character)
    if character.isalpha():
        hint = "names are made of the letters a-z and A-Z, digits and _"
    return complain(report, source, "E0105", message, at, at + 1, hint=hint)


_CHARACTERS = {
    "&": "write `and`",
    "|": "write `or`; a pipe is `|>`",
    "^": "a power is `**`",
    "~": "write `not`",
    "$": "hyper-parameters are written by their name alone",
    "\\": "a line goes on inside brackets, or with `|>` at the start of the next line",
    "`": 'strings stand in "double quotes"',
    "“": 'strings stand in straight "double quotes"',
    "”": 'strings stand in straight "double quotes"',
    "×": "write `*`",
    "→": "write `->`",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `!=`",
    "\u00a0": "replace the no-break space by a space",
}


def unterminated(report: Collector, source: Source, start: int, end: int) -> str:
    hint = 'close it with " on the same line; a line break inside a string is written \\n'
    return complain(report, source, "E0106", "this string has no end", start, end, hint=hint)


def bad_escape(report: Collector, source: Source, at: int, end: int) -> str:
    found = source.text[at:end]
    hint = 'write \\\\ for a backslash; the others are \\" \\n \\t \\r and \\u{hexadecimal}'
    return complain(report, source, "E0107", f"{found} is no escape", at, end, hint=hint)


def bad_number(report: Collector, source: Source, start: int) -> str:
    text, end = source.text, start
    while end < len(text) and end - start < 200 and (text[end].isalnum() or text[end] in "._"):
        end += 1
    word = text[start:end]
    hint = "numbers are written 12, 1_000, 0.5, 1.0 or 1e-3"
    if word.endswith(".") and word[:-1].isdigit():
        hint = f"write {word}0"
    elif word.startswith(".") and word[1:].isdigit():
        hint = f"write 0{word}"
    shown = word if len(word) < 40 else f"{word[:30]}..."
    return complain(report, source, "E0108", f"{shown} is no number", start, max(end, start + 1), hint=hint)


def number_too_large(report: Collector, source: Source, start: int, end: int) -> str:
    hint = "write `inf` if that is what you mean"
    return complain(report, source, "E0108", "this number is too large", start, end, hint=hint)


def unclosed(report: Collector, source: Source, top: str, opened: int, at: int) -> str:
    closing = {"(": ")", "[": "]", "{": "}"}[top]
    labels: tuple[Label, ...] = ()
    found = "the end of the file"
    if at < len(source.text):
        found = _line_start(source, at)
        labels = (Label(Span(source, at, at + 1), f"`{closing}` is missed before this"),)
    message = f"`{top}` is never closed"
    return complain(
        report, source, "E0109", message, opened, opened + 1, expected=f"`{closing}`", found=found, labels=labels
    )


def _line_start(source: Source, at: int) -> str:
    end = at
    while end < len(source.text) and end - at < 20 and source.text[end].isalnum():
        end += 1
    return f"`{source.text[at : max(end, at + 1)]}`"


def stray(report: Collector, source: Source, kind: str, at: int) -> str:
    opening = {")": "(", "]": "[", "}": "{"}[kind]
    hint = f"remove it, or add the `{opening}` that it closes"
    return complain(report, source, "E0110", f"`{kind}` closes nothing", at, at + 1, hint=hint)


def mismatched(report: Collector, source: Source, top: str, opened: int, kind: str, at: int) -> str:
    closing = {"(": ")", "[": "]", "{": "}"}[top]
    message = f"`{top}` is closed by `{kind}`"
    labels = (Label(Span(source, opened, opened + 1), "opened here"),)
    return complain(
        report, source, "E0111", message, at, at + 1, expected=f"`{closing}`", found=f"`{kind}`", labels=labels
    )


def foreign_operator(report: Collector, source: Source, word: str, at: int) -> str:
    right = {"&&": "and", "||": "or", "!": "not"}[word]
    message = f"`{word}` is not an operator of this language"
    return complain(report, source, "E0113", message, at, at + len(word), hint=f"write `{right}`")


def semicolon(report: Collector, source: Source, at: int) -> str:
    hint = "end a statement with a new line"
    return complain(report, source, "E0114", "`;` does not separate statements", at, at + 1, hint=hint)


def python_word(report: Collector, source: Source, word: str, at: int) -> str:
    right = {"True": "true", "False": "false", "None": "none"}[word]
    hint = f"write `{right}`"
    if word == "None":
        hint += "; a size that is not known yet gets a name: `f32[N, 4]`"
    complain(report, source, "E0115", f"`{word}` is Python", at, at + len(word), hint=hint)
    return right


def single_quotes(report: Collector, source: Source, start: int, end: int) -> str:
    inner = source.text[start + 1 : end].removesuffix("'")
    hint = f'write "{inner}"' if len(inner) < 40 else "use double quotes"
    return complain(report, source, "E0116", 'strings stand in "double quotes"', start, end, hint=hint)
