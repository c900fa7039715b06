"""Wrong sources and what is said about them, side by side in tests/cases/syntax.

A case is the source, a line ``=====``, and the diagnostics. With ``DLC_UPDATE=1`` in the
environment, running this file writes the second part anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dlc.diagnostics import DlcError, Source, explain, render_all
from dlc.language.parse import parse

CASES = sorted((Path(__file__).parents[1] / "cases" / "syntax").glob("*.txt"))
RULE = "=====\n"


def said(text: str) -> str:
    """What is printed about a source."""
    with pytest.raises(DlcError) as caught:
        parse(Source("case.dl", text))
    return render_all(caught.value.diagnostics)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_wrong_source(path: Path) -> None:
    """A wrong source is answered with exactly the diagnostics beside it."""
    source, _, expected = path.read_text(encoding="utf-8").partition(RULE)
    found = said(source)
    if os.environ.get("DLC_UPDATE"):
        path.write_text(source + RULE + found, encoding="utf-8")
        return
    assert found == expected


def test_every_code_is_explained() -> None:
    """Every code that the language can report has a section in docs/errors.md, and no section has no code."""
    code = "".join(path.read_text() for path in (Path(__file__).parents[2] / "src/dlc/language").glob("*.py"))
    used = set(re.findall(r'"(E01\d\d)"', code)) | {"E0100"}
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
    assert used == set(re.findall(r"^## (E01\d\d): ", page, re.MULTILINE))
    assert all(explain(one) for one in used)


def test_cases_cover_the_codes() -> None:
    """At least 25 distinct mistakes of syntax are told apart, each with a case."""
    shown = {code for path in CASES for code in re.findall(r"error\[(E01\d\d)\]", path.read_text(encoding="utf-8"))}
    assert len(shown) >= 25
