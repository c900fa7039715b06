"""Wrong programs and what is said about them, side by side in tests/cases/elaborate.

A case is the source, a line ``=====``, and the diagnostics; running this file with ``DLC_UPDATE=1`` writes the second
part anew. Files that a case imports stand in tests/cases/elaborate/parts.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dlc.diagnostics import Source, explain, render_all
from dlc.language import check

FOLDER = Path(__file__).parents[1] / "cases" / "elaborate"
CASES = sorted(FOLDER.glob("*.txt"))
RULE = "=====\n"


def said(text: str) -> str:
    """What is printed about a source."""
    return render_all(check(Source("case.dl", text)))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_wrong_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong program is answered with exactly the diagnostics beside it."""
    monkeypatch.chdir(FOLDER / "parts")
    source, _, expected = path.read_text(encoding="utf-8").partition(RULE)
    found = said(source)
    assert found, "nothing was said"
    if os.environ.get("DLC_UPDATE"):
        path.write_text(source + RULE + found, encoding="utf-8")
        return
    assert found == expected


def test_every_code_is_explained() -> None:
    """Every code of names, elaboration and training that is reported has a section in docs/errors.md."""
    root = Path(__file__).parents[2]
    code = "".join(path.read_text(encoding="utf-8") for path in (root / "src/dlc").rglob("*.py"))
    used = set(re.findall(r'"(E0[234]\d\d)"', code))
    assert not [one for one in sorted(used) if explain(one) is None]


def test_no_page_without_a_code() -> None:
    """Every section of docs/errors.md about names, elaboration and training belongs to a code that is reported."""
    root = Path(__file__).parents[2]
    code = "".join(path.read_text(encoding="utf-8") for path in (root / "src/dlc").rglob("*.py"))
    used = set(re.findall(r'"(E0[234]\d\d)"', code))
    page = (root / "docs" / "errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## (E0[234]\d\d): ", page, re.MULTILINE)) <= used


def test_cases_cover_the_codes() -> None:
    """At least 45 distinct mistakes are told apart, each with a case."""
    shown = {code for path in CASES for code in re.findall(r"error\[(E0[234]\d\d)\]", path.read_text(encoding="utf-8"))}
    assert len(shown) >= 45


PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^## (E0[234]\d\d): .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    pytest.param(section[1], word, code, id=f"{section[1]}-{word}")
    for section in SECTION.finditer(PAGE)
    for word, code in re.findall(r"^(Wrong|Right):\n```\n(.*?)```", section[0], re.MULTILINE | re.DOTALL)
]
ITEMS = ("model", "block", "fn", "layout", "from", "train")
MODEL = "model M {{\n  input x: f32[N, 8]\n  input image: f32[N, 3, 32, 32]\n{}\n  output last = x\n}}\n"


@pytest.mark.parametrize(("code", "word", "example"), EXAMPLES)
def test_examples_of_the_page(code: str, word: str, example: str) -> None:
    """What docs/errors.md calls wrong has that error, and what it calls right has none."""
    whole = example.startswith(ITEMS)
    text = f"dl 1\n{example}" if whole else "dl 1\nlayout NCHW\n" + MODEL.format(example)
    found = [d.code for d in check(Source("page.dl", text))]
    assert (code in found) if word == "Wrong" else found == []
