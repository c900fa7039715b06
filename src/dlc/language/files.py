"""From a file to a source: decoding, and what is refused before anything is read."""

from __future__ import annotations

import os
from pathlib import Path

from dlc.diagnostics import Diagnostic, DlcError, Source, Span
from dlc.language.lex import MAX_CHARACTERS


def load_source(path: str | os.PathLike[str]) -> Source:
    """Read a `.dl` file: UTF-8, at most MAX_CHARACTERS bytes, a byte-order mark and ``\\r\\n`` allowed.

    Lines of the source end in ``\\n``. Raises DlcError: E0101 no such file, E0102 not UTF-8, E0103 too large.
    """
    place = Path(path)
    shown = os.fspath(path)
    try:
        if not place.is_file():
            what = "is a folder" if place.is_dir() else "is no file" if place.exists() else "does not exist"
            raise DlcError(Diagnostic("E0101", f"{shown} {what}", None, hint="give the path of a .dl file"))
        with place.open("rb") as file:
            data = file.read(MAX_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DlcError(Diagnostic("E0101", f"{shown} can't be read: {reason}", None)) from error
    if len(data) > MAX_CHARACTERS:
        message = f"{shown} is larger than {MAX_CHARACTERS // 2**20} MiB"
        hint = "weights belong into a .safetensors file; put blocks into files of their own and import them"
        raise DlcError(Diagnostic("E0103", message, None, hint=hint))
    return decode(data, shown)


def decode(data: bytes, path: str) -> Source:
    """The source of the bytes of a file. Raises DlcError E0102."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
        source = Source(path, before + "\ufffd")
        message = f"the file is not UTF-8: byte 0x{data[error.start]:02x} at {error.start}"
        hint = "save it as UTF-8" + (" (it looks like UTF-16)" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "")
        span = Span(source, len(before), len(before) + 1)
        raise DlcError(Diagnostic("E0102", message, span, hint=hint)) from error
    return Source(path, text.replace("\r\n", "\n"))
