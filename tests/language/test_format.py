"""The laws of the formatter, on programs made at random and on the examples."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from language.strategies import programs

from dlc.diagnostics import Collector, Source
from dlc.language.format import format
from dlc.language.lex import lex
from dlc.language.parse import parse

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.dl"))
CASES = sorted((Path(__file__).parents[1] / "cases" / "format").glob("*.txt"))
RULE = "=====\n"
LAWS = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def comments(text: str) -> list[str]:
    """The comments of a text in order."""
    found = lex(Source("t", text), Collector()).comments
    return [text[comment.start : comment.end].rstrip() for comment in found]


@given(programs())
@LAWS
def test_formatting_keeps_the_program(text: str) -> None:
    """The formatted text has the same tree, documentation included, and every comment in its order."""
    after = format(text)
    assert parse(Source("t", after)) == parse(Source("t", text))
    assert comments(after) == comments(text)


@given(programs())
@LAWS
def test_formatting_twice_is_formatting_once(text: str) -> None:
    """A formatted text is left as it is."""
    once = format(text)
    assert format(once) == once


@given(programs())
@LAWS
def test_lines_are_tidy(text: str) -> None:
    """No line ends in a blank, no two empty lines stand together, and the file ends in one newline."""
    after = format(text)
    assert not re.search(r"[ \t]\n|\n\n\n|\t", after)
    assert after.endswith("\n")
    assert not after.endswith("\n\n")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_formatted(path: Path) -> None:
    """Formatting an example keeps its tree."""
    text = path.read_text(encoding="utf-8")
    assert parse(Source("t", format(text))) == parse(Source("t", text))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_layout(path: Path) -> None:
    """The text before the line ``=====`` is laid out as the text after it. ``DLC_UPDATE=1`` writes the latter anew."""
    before, _, expected = path.read_text(encoding="utf-8").partition(RULE)
    found = format(before)
    if os.environ.get("DLC_UPDATE"):
        path.write_text(before + RULE + found, encoding="utf-8")
        return
    assert found == expected
    assert format(found) == found
