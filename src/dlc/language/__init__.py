"""The language: from text to the typed graph.

`files` and `lex` and `parse` make a syntax tree (`ast`), `format` prints one, `elaborate` makes a program of it,
`recipes` reads its `train` sections. `load` and `check` are the ways in.
"""

from dlc.language.load import check, load

__all__ = ["check", "load"]
