"""`dlc fmt`: one way to write a program down.

Laws, for every source that parses: formatting twice is formatting once; the formatted source has the same tree; every
comment is kept. Lines have 120 columns where the words allow it. The writer's own line breaks are kept in two places:
before ``|>`` and behind ``{``; a list whose last element has a comma stays one element a line.
"""

from __future__ import annotations

from itertools import pairwise

from dlc.diagnostics import Collector, Source
from dlc.language.lex import lex
from dlc.language.parse import parse
from dlc.language.trivia import Group, Line, Note, Piece, Word, kind_of, tree

WIDTH = 120
INDENT = 2
CONTINUE = 2


def format(text: str, path: str = "<text>") -> str:
    """The text of a program in the one form. Raises DlcError if it doesn't parse."""
    for _ in range(10):
        after = _once(text, path)
        if after == text:
            break
        text = after
    return text


def _once(text: str, path: str) -> str:
    source = Source(path, text)
    parse(source)
    lines = tree(source, lex(source, Collector()))
    return "".join(line + "\n" if line.strip() else "\n" for line in _body(lines, 0))


def _body(lines: list[Line], indent: int) -> list[str]:
    """Statements, one below the other, with at most one empty line between two."""
    out: list[str] = []
    for line in lines:
        if line.blank and out:
            out.append("")
        _align(line)
        out += _statement(line.pieces, indent)
    return out


def _align(line: Line) -> None:
    """The `=` of the entries of a train section stand in one column."""
    if not line.pieces or kind_of(line.pieces[0]) != "train":
        return
    keys = []
    for group in (piece for piece in line.pieces if isinstance(piece, Group)):
        keys += [part.pieces[0] for part in group.parts if isinstance(part.pieces[0], Word)]
    width = max((len(key.text) for key in keys), default=0)
    for key in keys:
        key.text = key.text.ljust(width)


def _statement(pieces: list[Piece], indent: int) -> list[str]:
    """A statement or element from an indentation on: on one line if it can, else broken at pipes, then at brackets."""
    first = pieces[0]
    if isinstance(first, Note):
        rest = _statement(pieces[1:], indent) if len(pieces) > 1 else []
        return [" " * indent + first.text, *rest]
    last = pieces[-1]
    if isinstance(last, Note) and not last.own:
        out = _statement(pieces[:-1], indent)
        out[-1] += "  " + last.text
        return out
    flat = _flat(pieces)
    if flat is not None and indent + len(flat) <= WIDTH:
        return [" " * indent + flat]
    head, *stages = _stages(pieces, indent)
    out = _segment(head, indent, indent + CONTINUE)
    for stage in stages:
        out += _segment(stage, indent + CONTINUE, indent + CONTINUE)
    return out


def _stages(pieces: list[Piece], indent: int) -> list[list[Piece]]:
    """The pieces cut before the ``|>`` that begin a line; before every one if that does not make them fit."""
    pipes = [i for i, piece in enumerate(pieces) if kind_of(piece) == "|>" and i]
    stages = _cut(pieces, [i for i in pipes if _broke(pieces[i])])
    flats = [_flat([piece for piece in stage if not isinstance(piece, Note)], start=True) for stage in stages]
    if all(flat is not None and indent + CONTINUE + len(flat) <= WIDTH for flat in flats):
        return stages
    return _cut(pieces, pipes)


def _cut(pieces: list[Piece], places: list[int]) -> list[list[Piece]]:
    cuts = [0, *places, len(pieces)]
    return [pieces[start:end] for start, end in pairwise(cuts)]


def _broke(piece: Piece) -> bool:
    return isinstance(piece, Word) and piece.broke


def _segment(pieces: list[Piece], indent: int, further: int) -> list[str]:
    """Pieces from an indentation on, broken inside as many brackets as needed; comments inside go on at ``further``."""
    broken = _broken(pieces, indent)
    out: list[str] = []
    line = " " * indent
    base = indent
    before: Piece | None = None
    for piece in pieces:
        if isinstance(piece, Note):
            if piece.own:
                out += [line] * bool(line.strip())
                out.append(" " * further + piece.text)
            else:
                out.append(f"{line}  {piece.text}")
            line, base, before = " " * further, further, None
            continue
        line += _space(before, piece)
        before = piece
        if isinstance(piece, Word):
            line += piece.text
        elif id(piece) not in broken:
            line += _flat_group(piece) or ""
        else:
            head = f"  {piece.head.text}" if piece.head else ""
            out.append(line + piece.opening + head)
            out += _inside(piece, base + INDENT)
            line = " " * base + piece.closing
    return [*out, line] if line.strip() else out


def _inside(group: Group, indent: int) -> list[str]:
    """The lines between two brackets."""
    if group.opening == "{":
        return _body(group.parts, indent)
    elements = [part for part in group.parts if any(not isinstance(piece, Note) for piece in part.pieces)]
    if group.extendable and len(elements) > 1:
        _add_comma(elements[-1].pieces)
    out: list[str] = []
    for part in group.parts:
        out += _statement(part.pieces, indent)
    return out


def _add_comma(pieces: list[Piece]) -> None:
    last = max(i for i, piece in enumerate(pieces) if not isinstance(piece, Note))
    if kind_of(pieces[last]) != ",":
        pieces.insert(last + 1, Word(",", ",", glue_before=True))


def _broken(pieces: list[Piece], indent: int) -> set[int]:
    """Which groups are broken: those that must be; if a line is still too long all braces, then the longest others."""
    groups = [piece for piece in pieces if isinstance(piece, Group)]
    broken = {id(group) for group in groups if _flat_group(group) is None}
    if _fits(pieces, broken, indent):
        return broken
    broken |= {id(group) for group in groups if group.opening == "{" and group.parts}
    others = sorted(
        (group for group in groups if id(group) not in broken and group.parts),
        key=lambda group: -len(_flat_group(group) or ""),
    )
    for group in others:
        if _fits(pieces, broken, indent):
            break
        broken.add(id(group))
    return broken


def _fits(pieces: list[Piece], broken: set[int], indent: int) -> bool:
    """Whether every line of the pieces outside of the broken groups fits."""
    width = indent
    before: Piece | None = None
    for piece in pieces:
        if isinstance(piece, Note):
            width, before = indent, None
            continue
        width += len(_space(before, piece))
        before = piece
        if isinstance(piece, Word):
            width += len(piece.text)
        elif id(piece) in broken:
            if width + 1 > WIDTH:
                return False
            width = indent + 1
        else:
            width += len(_flat_group(piece) or "")
        if width > WIDTH:
            return False
    return True


def _flat(pieces: list[Piece], *, start: bool = False) -> str | None:
    """The pieces on one line; None if they can't stand on one, or would never fit.

    ``start``: they stand at the start of a line, so that a first ``|>`` may have begun one before.
    """
    out = ""
    before: Piece | None = None
    for piece in pieces:
        if isinstance(piece, Note) or (kind_of(piece) == "|>" and _broke(piece) and not (start and before is None)):
            return None
        text = piece.text if isinstance(piece, Word) else _flat_group(piece)
        if text is None or len(out) > WIDTH:
            return None
        out += _space(before, piece) + text
        before = piece
    return out


def _flat_group(group: Group) -> str | None:
    """A group on one line, None if it must be broken. Worked out once per group."""
    if group.flat is None:
        group.flat = _flatten(group)
    return group.flat or None


def _flatten(group: Group) -> str:
    """As `_flat_group`, with an empty string for a group that must be broken."""
    if not group.parts and group.head is None:
        return group.opening + group.closing
    if group.split or group.head is not None:
        return ""
    parts = [_flat(part.pieces) for part in group.parts]
    inside = " ".join(part or "" for part in parts)
    if None in parts or len(inside) > WIDTH:
        return ""
    blank = " " if group.opening == "{" else ""
    return group.opening + blank + inside + blank + group.closing


def _space(before: Piece | None, piece: Piece) -> str:
    if before is None or isinstance(piece, Note):
        return ""
    if isinstance(before, Word) and before.glue_after:
        return ""
    return "" if piece.glue_before else " "
