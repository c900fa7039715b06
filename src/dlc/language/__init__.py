"""The language: from text to the typed graph.

`files` and `lex` and `parse` make a syntax tree (`ast`), `format` prints one, `elaborate` makes a program of it,
`recipes` reads its `train` sections. `load` and `check`, in `loading`, are the ways in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlc.language.loading import check, load

__all__ = ["check", "load"]


def __getattr__(name: str) -> Any:
    """The ways in are imported when they are asked for: to parse or format needs neither numpy nor the operations."""
    if name not in __all__:
        raise AttributeError(f"module 'dlc.language' has no attribute {name!r}")
    from dlc.language import loading
    return getattr(loading, name)
