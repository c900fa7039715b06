"""Names in generated Python. Foreign names are data: nothing reaches the source but identifiers and quoted strings."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

_RESERVED = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "self", "cls", "l", "O", "I"})


def identifier(text: str, fallback: str = "value") -> str:
    """An ASCII identifier as near to `text` as can be; keywords, builtins, `self` and what looks like a number
    (E741 of pycodestyle) get an underscore at the end."""
    plain = re.sub(r"[^0-9A-Za-z_]+", "_", text).strip("_") or fallback
    if plain[0].isdigit():
        plain = f"{fallback}_{plain}"
    return f"{plain}_" if plain in _RESERVED else plain


def is_plain(text: str) -> bool:
    """Whether the text is an identifier that Python lets us use as an attribute name, and not a private one."""
    return text.isascii() and text.isidentifier() and not keyword.iskeyword(text) and not text.startswith("_")


def class_name(text: str, fallback: str = "Block") -> str:
    """An identifier in CapWords: `conv_norm` is `ConvNorm`; capitals inside stay."""
    words = re.findall(r"[0-9A-Za-z]+", text)
    joined = "".join(w[0].upper() + w[1:] for w in words) or fallback
    joined = f"{fallback}{joined}" if joined[0].isdigit() else joined
    return f"{joined}_" if joined in _RESERVED else joined


def unique(text: str, taken: Iterable[str]) -> str:
    """`text`, or `text2`, `text3` ... : the first that is not taken."""
    used = taken if isinstance(taken, (set, frozenset, dict)) else set(taken)
    if text not in used:
        return text
    number = 2
    while f"{text}{number}" in used:
        number += 1
    return f"{text}{number}"


def quoted(text: str) -> str:
    """A string literal, in double quotes where possible."""
    literal = repr(text)
    if literal[0] == "'" and '"' not in literal:
        return f'"{literal[1:-1]}"'
    return literal


def prose(text: str) -> str:
    """Foreign text made safe for a comment or docstring: no triple quotes, no backslashes, no control characters."""
    lines = (re.sub(r"[^\x20-\x7e\xa1-\ud7ff\uf900-\ufdcf]", " ", line).rstrip() for line in text.splitlines())
    return "\n".join(lines).replace("\\", "/").replace('"""', "'''").strip()
