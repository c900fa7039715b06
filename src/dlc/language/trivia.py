"""Tokens and comments as a tree of groups: what the formatter lays out.

Every token and every comment of a source is in the tree once, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from dlc.diagnostics import Source
from dlc.language.lex import Comment, Lexed, Token

OPERANDS = frozenset(("NAME", "INT", "FLOAT", "STRING", "true", "false", "none", "...", "?", ")", "]", "}"))
"""Kinds that end an operand: what follows is an operator, a call or an index."""


@dataclass(slots=True)
class Word:
    """A token; ``broke`` if a new line stood before it, ``glue_before`` and ``glue_after`` if no space may."""

    kind: str
    text: str
    broke: bool = False
    glue_before: bool = False
    glue_after: bool = False


@dataclass(slots=True)
class Note:
    """A comment; ``own`` if it has a line of its own."""

    text: str
    own: bool


@dataclass(slots=True)
class Group:
    """A pair of brackets. ``parts`` are the statements between braces, the elements between others.

    An element ends with its comma. ``head`` is the comment behind the opening bracket. ``split`` says that it may not
    stand on one line. ``extendable``: a comma may be added after the last of several elements. ``bindings``: the head
    of a while or scan. ``flat`` is room for the formatter.
    """

    opening: str
    closing: str
    parts: list[Line] = field(default_factory=list)
    head: Note | None = None
    split: bool = False
    extendable: bool = False
    glue_before: bool = False
    bindings: bool = False
    flat: str | None = None


Piece: TypeAlias = Word | Note | Group


@dataclass(slots=True)
class Line:
    """A statement, an element, or a comment between them; ``blank`` if an empty line stood before it."""

    pieces: list[Piece] = field(default_factory=list)
    blank: bool = False


def tree(source: Source, lexed: Lexed) -> list[Line]:
    """The statements at the top level of a source that parses."""
    events: list[Token | Comment] = sorted([*lexed.tokens[:-1], *lexed.comments], key=_start)
    return _Reader(source.text, events).lines("{", Group("{", "}"))


def _start(event: Token | Comment) -> int:
    return event.start if isinstance(event, Comment) else event[2]


class _Reader:
    """Goes through tokens and comments once."""

    def __init__(self, text: str, events: list[Token | Comment]) -> None:
        self.text = text
        self.events = events
        self.at = 0
        self.end = 0

    def gap(self, start: int) -> int:
        """How many newlines stand between the last event and this one."""
        return self.text.count("\n", self.end, start)

    def lines(self, opening: str, group: Group) -> list[Line]:
        """What stands between brackets (or in the whole file), up to the closing one, which is consumed."""
        line, lines = Line(), group.parts
        first = True
        while self.at < len(self.events):
            event = self.events[self.at]
            self.at += 1
            start = _start(event)
            newlines = self.gap(start)
            if isinstance(event, Comment):
                note = Note(self.text[start : event.end].rstrip(), event.own)
                self.end = event.end
                if first and not event.own and not lines and not line.pieces:
                    group.head = note
                else:
                    line = self.place(note, line, lines, newlines, first, opening)
                first = False
                continue
            kind, text, _, end = event
            if kind == "NEWLINE":
                line = self.finish(line, lines)
                continue
            self.end = end
            if kind in (")", "]", "}"):
                group.split |= opening == "{" and newlines > 0
                break
            group.split |= first and opening == "{" and newlines > 0
            if not line.pieces:
                line.blank = newlines > 1 and not first
            first = False
            if kind in ("(", "[", "{"):
                line.pieces.append(self.group(kind, line.pieces, group))
            else:
                line.pieces.append(_word(kind, text, newlines > 0, line.pieces, group))
            if kind == "," and opening != "{":
                line = self.finish_element(line, lines)
        self.finish(line, lines)
        group.split |= opening == "{" and len(lines) > 1
        return lines

    def place(self, note: Note, line: Line, lines: list[Line], newlines: int, first: bool, opening: str) -> Line:
        """Put a comment into the line it belongs to; between braces one that stands alone is a line."""
        if opening != "{" or (line.pieces and not self.ends_line()):
            line.pieces.append(note)
            return line
        if not note.own:
            target = line if line.pieces else lines[-1]
            target.pieces.append(note)
            return line
        line = self.finish(line, lines)
        lines.append(Line([note], newlines > 1 and not first))
        return line

    def ends_line(self) -> bool:
        """Whether the next token (comments aside) ends the statement at hand."""
        for number in range(self.at, len(self.events)):
            event = self.events[number]
            if not isinstance(event, Comment):
                return event[0] in ("NEWLINE", "}")
        return True

    def finish(self, line: Line, lines: list[Line]) -> Line:
        if line.pieces:
            lines.append(line)
        return Line()

    def finish_element(self, line: Line, lines: list[Line]) -> Line:
        """An element takes the comment that stands behind its comma along."""
        following = self.events[self.at] if self.at < len(self.events) else None
        if isinstance(following, Comment) and not following.own:
            line.pieces.append(Note(self.text[following.start : following.end].rstrip(), False))
            self.at += 1
            self.end = following.end
        return self.finish(line, lines)

    def group(self, opening: str, before: list[Piece], outer: Group) -> Group:
        group = Group(opening, {"(": ")", "[": "]", "{": "}"}[opening])
        last = kind_of(before[-1]) if before else ""
        lead = kind_of(before[0]) if before else ""
        if opening == "{":
            group.split = lead in ("block", "fn", "model", "train", "for")
            self.lines(opening, group)
            return group
        second = lead in ("block", "fn") and last == ")" and outer.opening == "{"
        group.glue_before = last in OPERANDS and not second
        group.extendable = opening == "(" or not group.glue_before
        group.bindings = last in ("while", "scan", "over")
        self.lines(opening, group)
        commas = [bool(line.pieces) and _ends_in_comma(line) for line in group.parts]
        group.split |= sum(commas) > 1 and _trailing_comma(group)
        return group


def _ends_in_comma(line: Line) -> bool:
    return any(isinstance(piece, Word) and piece.kind == "," for piece in line.pieces)


def _trailing_comma(group: Group) -> bool:
    words = [line for line in group.parts if any(not isinstance(piece, Note) for piece in line.pieces)]
    return bool(words) and _ends_in_comma(words[-1])


def kind_of(piece: Piece) -> str:
    """The kind of a word; the closing bracket of a group; an empty string for a comment."""
    if isinstance(piece, Word):
        return piece.kind
    return piece.closing if isinstance(piece, Group) else ""


def _word(kind: str, text: str, broke: bool, before: list[Piece], group: Group) -> Word:
    word = Word(kind, text, broke)
    words = [piece for piece in before[-3:] if not isinstance(piece, Note)]
    last = kind_of(words[-1]) if words else ""
    if kind in (".", ".."):
        word.glue_before = word.glue_after = True
    elif kind in (",", "?"):
        word.glue_before = True
    elif kind == "@":
        word.glue_after = True
    elif kind == "-":
        word.glue_after = last not in OPERANDS
    elif kind == ":":
        word.glue_before = True
        word.glue_after = group.opening == "["
    elif kind == "=":
        word.glue_before = word.glue_after = _tight(words, before, group)
    return word


def _tight(words: Sequence[Piece], before: list[Piece], group: Group) -> bool:
    """Whether ``=`` gives an argument (no spaces) rather than a default, a binding or a name."""
    if group.opening == "(":
        typed = any(kind_of(piece) == ":" for piece in before)
        return not typed and not group.bindings
    return len(words) > 1 and kind_of(words[-2]) == ")" and kind_of(words[-1]) == "NAME"
