"""`dlc check` and `dlc fmt`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from dlc import language
from dlc.diagnostics import Diagnostic, DlcError, Source
from dlc.language.files import load_source
from dlc.language.format import format as format_source


def check_file(path: Path) -> list[Diagnostic]:
    """Everything that is wrong in a file; empty if nothing is."""
    try:
        return list(language.check(load_source(path)))
    except DlcError as error:
        return list(error.diagnostics)


def format_text(text: str, path: str) -> str:
    """The formatted text. Raises DlcError where it does not parse."""
    return format_source(Source(path, text).text)


def format_file(path: Path, *, write: bool) -> bool:
    """Whether formatting changes the file; with `write` it is replaced, whole."""
    source = load_source(path)
    formatted = format_source(source.text)
    if formatted == path.read_text(encoding="utf-8"):
        return False
    if write:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(formatted)
        os.chmod(temporary, path.stat().st_mode)
        os.replace(temporary, path)
    return True
