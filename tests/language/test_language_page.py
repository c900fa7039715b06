"""docs/language.md tells the truth: its examples check, its mistakes fail with the code that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dlc.diagnostics import Source
from dlc.language import check

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
EXAMPLES = re.findall(r"^```dl ?(E\d+)?\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("code", "text"), EXAMPLES)
def test_examples_of_the_language_page(code: str, text: str) -> None:
    """A plain example has no complaint; one with a code has that complaint and no other."""
    assert [d.code for d in check(Source("example.dl", text))] == ([code] if code else [])


def test_the_page_has_examples() -> None:
    """The pattern that finds the examples finds them."""
    assert len(EXAMPLES) >= 18
    assert sum(bool(code) for code, _ in EXAMPLES) >= 4
