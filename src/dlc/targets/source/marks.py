"""Marks inside generated text: literals, blocks, options and choices that stay recognisable until classes are settled.

Private-use characters enclose them, so that marked text passes through ordinary f-strings. `read` walks a text and
asks a visitor what each mark becomes.

    literal   a number or string that may become a constructor parameter
    block     the constructor call of a block's class
    option    a keyword argument that is left out where it is the default
    choice    one of two expressions, by a literal flag
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

_LITERAL, _HINT, _BLOCK, _OPTION, _VALUE, _DEFAULT, _CHOICE, _THEN, _ELSE, _END = map(chr, range(0xE000, 0xE00A))
_OPENING = frozenset({_LITERAL, _BLOCK, _OPTION, _CHOICE})
ANY = chr(0xE010)
"""The text of a literal that may be anything, because nothing reads it."""


def literal_mark(hint: str, text: str) -> str:
    return f"{_LITERAL}{hint}{_HINT}{text}{_END}"


def block_mark(index: int) -> str:
    return f"{_BLOCK}{index}{_END}"


def option_mark(before: str, value: str, default: str) -> str:
    """`before` is the comma and the name: `, stride=`."""
    return f"{_OPTION}{before}{_VALUE}{value}{_DEFAULT}{default}{_END}"


def choice_mark(flag: str, then: str, otherwise: str) -> str:
    return f"{_CHOICE}{flag}{_THEN}{then}{_ELSE}{otherwise}{_END}"


class Visitor(Protocol):
    """What marks become."""

    def literal(self, hint: str, text: str) -> str: ...

    def block(self, index: int, *, anything: bool) -> str: ...

    def option(self, before: str, value: str, default: str) -> str: ...

    def choice(self, flag: str, then: str, otherwise: str) -> str: ...


def read(text: str, visitor: Visitor) -> str:
    """The text with every mark replaced by what the visitor says, in the order of the text."""
    if not any(c in text for c in _OPENING):
        return text
    return "".join(_pieces(text, visitor))


def _pieces(text: str, visitor: Visitor) -> Iterator[str]:
    at = 0
    while at < len(text):
        start = next((i for i in range(at, len(text)) if text[i] in _OPENING), len(text))
        yield text[at:start]
        if start == len(text):
            return
        parts, at = _parts(text, start)
        kind = text[start]
        if kind == _LITERAL:
            yield visitor.literal(parts[0], parts[1])
        elif kind == _BLOCK:
            yield visitor.block(int(parts[0].rstrip(ANY)), anything=parts[0].endswith(ANY))
        elif kind == _OPTION:
            yield visitor.option(parts[0], read(parts[1], visitor), parts[2])
        else:
            yield visitor.choice(*(read(p, visitor) for p in parts))


def _parts(text: str, start: int) -> tuple[list[str], int]:
    """The parts of the mark that begins at `start`, and where it ends."""
    parts: list[str] = []
    depth, begin = 0, start + 1
    for at in range(start, len(text)):
        character = text[at]
        if character in _OPENING:
            depth += 1
        elif character == _END:
            depth -= 1
            if depth == 0:
                return [*parts, text[begin:at]], at + 1
        elif depth == 1 and character in (_HINT, _VALUE, _DEFAULT, _THEN, _ELSE):
            parts.append(text[begin:at])
            begin = at + 1
    raise AssertionError("a mark without an end")


class Plain:
    """Literals stand for themselves, defaults are left out."""

    def literal(self, hint: str, text: str) -> str:
        return text

    def block(self, index: int, *, anything: bool) -> str:
        return "Block()"

    def option(self, before: str, value: str, default: str) -> str:
        return "" if value == default else f"{before}{value}"

    def choice(self, flag: str, then: str, otherwise: str) -> str:
        return {"True": then, "False": otherwise}.get(flag, f"{then} if {flag} else {otherwise}")


class _Forget:
    """The same marks, with literals that may be anything."""

    def literal(self, hint: str, text: str) -> str:
        return literal_mark(hint, ANY)

    def block(self, index: int, *, anything: bool) -> str:
        return f"{_BLOCK}{index}{ANY}{_END}"

    def option(self, before: str, value: str, default: str) -> str:
        return option_mark(before, value, default)

    def choice(self, flag: str, then: str, otherwise: str) -> str:
        return choice_mark(flag, then, otherwise)


def plain(text: str) -> str:
    """The text with marks removed, literals standing for themselves."""
    return read(text, Plain())


def forget(text: str) -> str:
    """The text with every literal replaced by one that may be anything."""
    return read(text, _Forget())
