"""`dlc explain`: the section of docs/errors.md that belongs to a code."""

from __future__ import annotations

import re
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_PLACES = (_PACKAGE / "docs" / "errors.md", _PACKAGE.parents[1] / "docs" / "errors.md")


def explain(code: str) -> str | None:
    """The section ``## CODE: ...`` of docs/errors.md without a trailing blank line, or None for an unknown code."""
    page = next((place for place in _PLACES if place.is_file()), None)
    if page is None:
        return None
    pattern = rf"^## {re.escape(code.strip().upper())}:.*?(?=^#{{1,2}} |\Z)"
    found = re.search(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return found.group().rstrip() + "\n" if found else None
