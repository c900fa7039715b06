"""Diagnostics: places, drawing, suggestions, collecting."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from dlc.diagnostics import (
    Collector,
    Diagnostic,
    DlcError,
    Label,
    MissingExtra,
    Source,
    Span,
    Unsupported,
    UsageError,
    did_you_mean,
    explain,
    render,
)


def drawn(text: str, word: str, **more: object) -> list[str]:
    source = Source("a.dl", text)
    start = text.index(word)
    return render(Diagnostic("E0201", "m", Span(source, start, start + len(word)), **more)).splitlines()  # type: ignore[arg-type]


def test_positions() -> None:
    """Lines and columns are counted from 1, also behind the last line and on empty lines."""
    source = Source("a", "ab\n\nc")
    assert [source.position(at) for at in range(6)] == [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 2)]


def test_whole_drawing() -> None:
    """Place, code and message, the line with carets, the other place, then expected, found, help and more."""
    source = Source("a.dl", "x = 1\ny = foo(x)\n")
    label = Label(Span(source, 0, 1), "x is bound here")
    diagnostic = Diagnostic("E0201", "no", Span(source, 10, 13), "an int", "foo", "do\nthis", (label,))
    assert render(diagnostic) == (
        "a.dl:2:5: error[E0201]: no\n"
        "2 | y = foo(x)\n"
        "  |     ^^^\n"
        "1 | x = 1\n"
        "  | - x is bound here\n"
        "  expected: an int\n"
        "  found: foo\n"
        "  help: do\n"
        "        this\n"
        "  more: dlc explain E0201\n"
    )


@pytest.mark.parametrize("before", ["", "\t", "中文", "é", "e\u0301", "\u202e", "\x1b[31m", "👩‍💻", "z" * 5000])
def test_carets_stand_under_the_word(before: str) -> None:
    """Tabs, wide, combining and hidden characters and long lines don't move the carets or reach the terminal."""
    lines = drawn(before + " foo " + "y" * 5000, "foo")
    line, carets = lines[1], lines[2]
    assert carets.endswith("^^^")
    assert len(line) < 200
    assert not any(character in line for character in "\x1b\u202e\t")
    if before.isascii():
        assert line[carets.index("^") :].startswith("foo")


def test_spans_at_the_edges() -> None:
    """An empty span, one at the end of the text and one over several lines are drawn with at least one caret."""
    source = Source("a", "ab\ncd\n")
    for start, end, count in ((0, 0, 1), (6, 6, 1), (0, 5, 2), (2, 3, 1)):
        assert render(Diagnostic("E1", "m", Span(source, start, end))).count("^") == count


def test_color_changes_no_text() -> None:
    """With the escapes removed a colored drawing is the plain one."""
    import re

    diagnostic = Diagnostic("E0201", "m", Span(Source("a", "abc"), 0, 1), "x", "y", "z")
    assert re.sub(r"\x1b\[[0-9;]*m", "", render(diagnostic, color=True)) == render(diagnostic)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("modle", "model"), ("BLOCK", "block"), ("lay_out", "layout"), ("zzz", None), ("model", None), ("", None)],
)
def test_did_you_mean(name: str, expected: str | None) -> None:
    """A swap, a case or an underscore away is near; the name itself and strangers are not suggested."""
    assert did_you_mean(name, ["block", "layout", "model"]) == expected


def test_collector_counts_what_it_does_not_keep() -> None:
    """Twenty are kept, the rest counted; the same complaint at the same place is one; warnings are no failure."""
    bag = Collector()
    bag.error("E1", "w", None, severity="warning")
    assert not bag.failed
    source = Source("a", "x" * 50)
    for at in range(30):
        bag.error("E1", "m", Span(source, at, at + 1))
        bag.error("E1", "m", Span(source, at, at + 1))
    with pytest.raises(DlcError) as caught:
        bag.raise_if_failed()
    assert len(caught.value.diagnostics) == 21
    assert caught.value.diagnostics[-1].message == "11 more not shown"


def test_errors_pass_through_context_managers() -> None:
    """The exception carries its diagnostics through a generator-based context manager."""

    @contextlib.contextmanager
    def around() -> Iterator[None]:
        yield

    with pytest.raises(DlcError) as caught, around():
        raise Unsupported(Diagnostic("E0601", "no", None))
    assert caught.value.diagnostics[0].code == "E0601"


def test_exit_codes() -> None:
    """Each class of error has the exit code of the command line."""
    assert [kind.exit_code for kind in (DlcError, UsageError, Unsupported, MissingExtra)] == [1, 2, 3, 4]


def test_explain() -> None:
    """A code has one section; an unknown one has none."""
    page = explain("e0109")
    assert page is not None
    assert page.startswith("## E0109: ")
    assert page.count("\n## ") == 0
    assert explain("E9999") is None
