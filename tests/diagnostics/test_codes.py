"""Every code that the program can report is explained, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from dlc.diagnostics import explain

ROOT = Path(__file__).parents[2]
USED = {code for path in (ROOT / "src").rglob("*.py")
        for code in re.findall(r'"(E\d{4})"', path.read_text(encoding="utf-8"))}
EXPLAINED = re.findall(r"^## (E\d{4})", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_code_has_a_page() -> None:
    """Each code in the source has a section in docs/errors.md, which `dlc explain` finds."""
    assert sorted(USED - set(EXPLAINED)) == []
    assert all(explain(code) for code in USED)


def test_pages_are_sorted_and_single() -> None:
    """Sections stand once each, in the order of their codes."""
    assert sorted(set(EXPLAINED)) == EXPLAINED
