"""How results look: diagnostics on stderr, tables and JSON on stdout. JSON always carries `"schema": 1`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dlc.diagnostics import Diagnostic, render_all

SCHEMA = 1


def complain(diagnostics: Sequence[Diagnostic], *, as_json: bool = False) -> None:
    """Print diagnostics for people on stderr, or as JSON on stdout."""
    if as_json:
        print_json({"diagnostics": [diagnostic_json(d) for d in diagnostics]})
        return
    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    print(render_all(diagnostics, color=color), file=sys.stderr)


def diagnostic_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic with its place as path, line and column, counted from 1."""
    place: dict[str, Any] = {}
    if diagnostic.span is not None:
        line, column = diagnostic.span.source.position(diagnostic.span.start)
        place = {"path": diagnostic.span.source.path, "line": line, "column": column}
    fields = {k: getattr(diagnostic, k) for k in ("code", "severity", "message", "expected", "found", "hint")}
    return {**fields, **place}


def print_json(content: dict[str, Any]) -> None:
    """One JSON object on stdout."""
    print(json.dumps({"schema": SCHEMA, **content}, indent=2, default=str, allow_nan=True))


def table(header: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[int] = ()) -> str:
    """Plain columns, the ones numbered in `right` aligned to the right."""
    cells = [[str(c) for c in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["  ".join(c.rjust(w) if i in right else c.ljust(w)
                       for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip() for row in cells]
    return "\n".join([lines[0], "-" * len(max(lines, key=len)), *lines[1:]])


def count(number: object) -> str:
    """1234567 as 1,234,567; a symbolic size as it is."""
    return f"{number:,}" if isinstance(number, int) else str(number)


def size_text(number: object) -> str:
    """Bytes as 12.3 MB; a symbolic size as it is, with its unit."""
    if not isinstance(number, int):
        return f"{number} bytes"
    for unit, power in (("GB", 9), ("MB", 6), ("kB", 3)):
        if number >= 10**power:
            return f"{number / 10**power:.1f} {unit}"
    return f"{number} bytes"


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Say what goes on, on stderr, while it lasts; only on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    with Console(stderr=True).status(what):
        yield
