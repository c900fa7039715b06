"""Long lines, broken as `ruff format` breaks them: inside the last bracket, then one element a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

LIMIT = 120
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def wrap(line: str, limit: int = LIMIT) -> list[str]:
    """The statement in lines of at most `limit` characters, where brackets allow it."""
    code, comment = _split_comment(line)
    if len(line) <= limit or "\n" in line:
        return [line]
    indent, keyword, values = code.partition("return ")
    if keyword and not indent.strip() and len(parts := list(_elements(values))) > 1:
        return [f"{indent}return ({comment}", *(piece for p in parts for piece in wrap(f"{indent}    {p},", limit)),
                f"{indent})"]
    head, operands = _sum(code)
    if len(operands) > 1:
        indent = head[:len(head) - len(head.lstrip())]
        return [f"{head}({comment}", *(piece for o in operands for piece in wrap(f"{indent}    {o}", limit)),
                f"{indent})"]
    broken = _right_hand_split(code, limit)
    if broken is None:
        return [line]
    return [f"{broken[0]}{comment}", *broken[1:]] if comment else broken


def _sum(line: str) -> tuple[str, list[str]]:
    """`x = ` or `return `, and the terms of the sum that follows, each with its operator."""
    found = re.match(r"\s*(return |[\w.]+ = )(?!\()", line)
    if found is None:
        return line, []
    depth, cuts = 0, [found.end()]
    for at, character in _code(line):
        depth += (character in _PAIRS) - (character in _PAIRS.values())
        if depth == 0 and at > found.end() and line[at - 1:at + 2] in (" + ", " - "):
            cuts.append(at)
    return found[0], [line[a:b].strip() for a, b in zip(cuts, [*cuts[1:], len(line)], strict=True)]


def _right_hand_split(line: str, limit: int) -> list[str] | None:
    """Head with the opening bracket, indented inside, tail with the closing bracket."""
    indent = line[:len(line) - len(line.lstrip())]
    for start, end in _brackets(line):
        inside = line[start + 1:end].strip()
        if not inside:
            continue
        head, tail = line[:start + 1], f"{indent}{line[end:]}"
        if len(head) > limit:
            continue
        deeper = f"{indent}    "
        parts = list(_elements(inside))
        if len(deeper) + len(inside) <= limit:
            return [head, f"{deeper}{inside}", *wrap(tail, limit)]
        comma = "" if len(parts) == 1 and not inside.endswith(",") else ","
        lines = [head]
        for part in parts:
            lines += wrap(f"{deeper}{part}{comma}", limit)
        return [*lines, *wrap(tail, limit)]
    return None


def _brackets(line: str) -> list[tuple[int, int]]:
    """The outermost brackets of a line, the last one first."""
    found: list[tuple[int, int]] = []
    stack: list[int] = []
    for at, character in _code(line):
        if character in _PAIRS:
            stack.append(at)
        elif character in _PAIRS.values() and stack:
            start = stack.pop()
            if not stack:
                found.append((start, at))
    return found[::-1]


def _elements(text: str) -> Iterator[str]:
    """The elements between top-level commas."""
    depth, start = 0, 0
    for at, character in _code(text):
        if character in _PAIRS:
            depth += 1
        elif character in _PAIRS.values():
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    if text[start:].strip():
        yield text[start:].strip()


def _code(line: str) -> Iterator[tuple[int, str]]:
    """The characters outside of string literals."""
    quote, at = "", 0
    while at < len(line):
        character = line[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        else:
            yield at, character
        at += 1


def _split_comment(line: str) -> tuple[str, str]:
    for at, character in _code(line):
        if character == "#":
            return line[:at].rstrip(), f"  {line[at:]}"
    return line, ""
