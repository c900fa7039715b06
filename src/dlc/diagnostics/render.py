"""The one place where a diagnostic is drawn."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from dlc.diagnostics.report import Diagnostic, Label, Span

WINDOW = 100
"""Columns of a source line that are shown; longer lines are cut around the carets."""

_COLORS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m", "place": "\x1b[1m", "gutter": "\x1b[34m", "note": "\x1b[36m"}
_RESET = "\x1b[0m"


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """Draw a diagnostic as text that ends in a newline.

    The first line is ``path:line:column: error[CODE]: message``. The source line follows with carets under the span,
    then each label in the same way, then ``expected:``, ``found:``, ``help:`` and the command that explains the code.
    Control and direction characters of the source are shown escaped, so that a source can't move the cursor.
    """
    head = f"{diagnostic.severity}[{diagnostic.code}]"
    lines = [f"{_paint(_place(diagnostic.span), 'place', color)}{_paint(head, diagnostic.severity, color)}: "]
    lines[0] += visible(diagnostic.message)
    if diagnostic.span is not None:
        width = _gutter_width([diagnostic.span, *(label.span for label in diagnostic.labels)])
        lines += _excerpt(diagnostic.span, "^", "", width, diagnostic.severity, color)
        for label in diagnostic.labels:
            lines += _label(label, diagnostic.span, width, color)
    for title, text in (("expected", diagnostic.expected), ("found", diagnostic.found), ("help", diagnostic.hint)):
        if text is not None:
            lines += _paragraph(title, text, color)
    lines.append(f"  {_paint('more:', 'note', color)} dlc explain {diagnostic.code}")
    return "\n".join(lines) + "\n"


def render_all(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """Draw several diagnostics, a blank line between two."""
    return "\n".join(render(diagnostic, color=color) for diagnostic in diagnostics)


def visible(text: str) -> str:
    """The text with every character that would not show as itself (controls, direction marks) written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return "    "
    if character.isprintable() or unicodedata.category(character) in ("Mn", "Zs"):
        return character
    return f"\\u{{{ord(character):x}}}"


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _place(span: Span | None) -> str:
    if span is None:
        return ""
    line, column = span.source.position(span.start)
    return f"{visible(span.source.path)}:{line}:{column}: "


def _gutter_width(spans: list[Span]) -> int:
    return max(len(str(span.source.position(span.start)[0])) for span in spans)


def _label(label: Label, main: Span, width: int, color: bool) -> list[str]:
    elsewhere = label.span.source is not main.source
    lines = [f"{' ' * width} {_paint('-->', 'gutter', color)} {_place(label.span)[:-2]}"] if elsewhere else []
    return lines + _excerpt(label.span, "-", label.text, width, "note", color)


def _excerpt(span: Span, mark: str, text: str, width: int, paint: str, color: bool) -> list[str]:
    """The first line of a span, and a line of marks under it; what leaves the line is marked to its end."""
    source = span.source.text
    number, _ = span.source.position(span.start)
    begin, end = span.source.line_bounds(number)
    start = min(span.start, end)
    stop = max(start, min(span.end, end))
    left, right = _window(begin, start, end)
    before = ("…" if left > begin else "") + visible(source[left:start])
    inside = visible(source[start : min(stop, right)])
    after = visible(source[min(stop, right) : right]) + ("…" if right < end else "")
    marks = mark * max(1, _width(inside))
    note = f" {visible(text)}" if text else ""
    gutter = _paint(f"{number:>{width}} |", "gutter", color)
    blank = _paint(f"{'':>{width}} |", "gutter", color)
    return [
        f"{gutter} {before}{inside}{after}".rstrip(),
        f"{blank} {' ' * _width(before)}{_paint(marks + note, paint, color)}",
    ]


def _window(begin: int, start: int, end: int) -> tuple[int, int]:
    """The part of a line that is shown: all of it, or a window with the start of the span in its first half."""
    if end - begin <= WINDOW:
        return begin, end
    left = max(begin, min(start - WINDOW // 3, end - WINDOW))
    return left, min(end, left + WINDOW)


def _paragraph(title: str, text: str, color: bool) -> list[str]:
    first, *rest = text.splitlines() or [""]
    lines = [f"  {_paint(title + ':', 'note', color)} {visible(first)}"]
    return lines + [f"  {' ' * len(title)}  {visible(line)}".rstrip() for line in rest]


def _paint(text: str, name: str, color: bool) -> str:
    return f"{_COLORS[name]}{text}{_RESET}" if color and text else text
