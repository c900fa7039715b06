"""The einops notation, `"b t (h d) -> b h t d"`: read, checked, and brought to sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from dlc.diagnostics import suggestion
from dlc.ir.dim import Answer, Dim, equal, product
from dlc.ir.op import Problem
from dlc.ir.types import TensorType
from dlc.ops.rules import need_equal

DOTS = "..."


@dataclass(frozen=True)
class Group:
    """What stands for one axis: some names (none for `1`); or `...` on its own, which stands for several."""

    names: tuple[str, ...]
    spread: bool = False


Side = tuple[Group, ...]


@dataclass(frozen=True)
class Pattern:
    """Both sides of a pattern, and its text for messages."""

    text: str
    left: Side
    right: Side

    @property
    def left_names(self) -> tuple[str, ...]:
        return tuple(n for group in self.left for n in group.names)

    @property
    def right_names(self) -> tuple[str, ...]:
        return tuple(n for group in self.right for n in group.names)


@lru_cache(maxsize=1024)
def read(text: str) -> Pattern:
    """A pattern from its text. Raises Problem that names what is wrong."""
    sides = text.split("->")
    if len(sides) != 2:
        raise wrong(text, "a pattern has two sides with one `->` between", expected="left -> right",
                    found=f"{len(sides) - 1} arrows")
    left, right = (_side(text, side) for side in sides)
    for side, which in ((left, "left"), (right, "right")):
        names = [n for group in side for n in group.names]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise wrong(text, f"`{twice}` stands twice on the {which} side", expected="every name once", found=twice)
    return Pattern(text, left, right)


def wrong(text: str, message: str, *, expected: str | None = None, found: str | None = None,
          hint: str | None = None) -> Problem:
    """The complaint about a pattern."""
    return Problem(f'{message}, in the pattern "{text}"', expected=expected, found=found, hint=hint, at=["pattern"],
                   code="E0223")


_TOKEN = re.compile(r"\s*(?:(\.\.\.)|([A-Za-z_][A-Za-z0-9_]*)|(\d+)|([()])|(\S))")


def _side(text: str, side: str) -> Side:
    groups: list[Group] = []
    inside: list[str] | None = None
    for match in _TOKEN.finditer(side.rstrip()):
        dots, word, number, bracket, other = match.groups()
        if other is not None or (number is not None and number != "1"):
            raise wrong(text, f"`{other or number}` has no meaning", found=other or number,
                        expected="names, `1`, `...` and parentheses", hint="name the axis and give its size by keyword")
        if bracket == "(":
            if inside is not None:
                raise wrong(text, "parentheses inside parentheses", expected="one level of grouping", found="((")
            inside = []
        elif bracket == ")":
            if inside is None:
                raise wrong(text, "`)` without `(`", expected="balanced parentheses", found=")")
            groups.append(Group(tuple(inside)))
            inside = None
        elif inside is not None:
            inside += [dots or word] if not number else []
        else:
            groups.append(Group((dots or word,) if not number else (), spread=bool(dots)))
    if inside is not None:
        raise wrong(text, "`(` is not closed", expected=")", found="the end of the side")
    return tuple(groups)


@dataclass(frozen=True)
class Sizes:
    """What the names of a pattern stand for on a tensor: a size each, and the sizes under `...`."""

    named: Mapping[str, Dim]
    dots: tuple[Dim, ...]

    def of(self, name: str) -> tuple[Dim, ...]:
        """The axes that a name stands for: one, or those of `...`."""
        return self.dots if name == DOTS else (self.named[name],)

    def merged(self, side: Side) -> tuple[Dim, ...]:
        """The shape that a side describes."""
        shape: list[Dim] = []
        for group in side:
            dims = [d for n in group.names for d in self.of(n)]
            shape += dims if group.spread else [product(dims)]
        return tuple(shape)

    def split(self, side: Side) -> tuple[Dim, ...]:
        """The shape with an axis for every name."""
        return tuple(d for group in side for n in group.names for d in self.of(n))


def match(x: TensorType, pattern: Pattern, given: Mapping[str, Dim]) -> Sizes:
    """The sizes of all names on the left of a pattern. Raises Problem where the tensor does not fit."""
    _need_known(pattern, given)
    groups = pattern.left
    alone = sum(g.spread for g in groups)
    if any(DOTS in g.names for g in groups) and not alone:
        raise wrong(pattern.text, "`...` cannot stand inside parentheses on the left", expected="`...` alone",
                    found="(...)")
    fixed = len(groups) - alone
    if x.rank < fixed or (not alone and x.rank != fixed):
        raise Problem(f'the pattern "{pattern.text}" does not fit the rank of the tensor', at=["x", "pattern"],
                      expected=f"rank {fixed}{' or more' if alone else ''}", found=f"rank {x.rank}: {x}", code="E0222")
    named: dict[str, Dim] = dict(given)
    dots: tuple[Dim, ...] = ()
    axis = 0
    for group in groups:
        if group.spread:
            dots = x.shape[axis:axis + x.rank - fixed]
            axis += len(dots)
            continue
        _match_group(group.names, x.shape[axis], named, pattern, axis)
        axis += 1
    return Sizes(named, dots)


def _need_known(pattern: Pattern, given: Mapping[str, Dim]) -> None:
    names = {*pattern.left_names, *pattern.right_names} - {DOTS}
    for name in given:
        if name not in names:
            raise Problem(f'`{name}` does not occur in the pattern "{pattern.text}"', at=[name], code="E0211",
                          expected=", ".join(sorted(names)), found=name,
                          hint=suggestion(name, sorted(names)) or "sizes go by the names of the pattern")


def _match_group(group: tuple[str, ...], size: Dim, named: dict[str, Dim], pattern: Pattern, axis: int) -> None:
    """Learn the one name of a group whose size is open, or check that the sizes multiply to that of the axis."""
    text = f"({' '.join(group)})" if len(group) > 1 else group[0] if group else "1"
    unknown = [n for n in group if n not in named]
    if len(unknown) > 1:
        raise wrong(pattern.text, f"the sizes in `{text}` are not determined",
                    expected="all but one of them by keyword",
                    found=f"no size for {' and '.join(f'`{n}`' for n in unknown)}", hint=f"add `{unknown[0]}=...`")
    rest = product(named[n] for n in group if n in named)
    if not unknown:
        need_equal(f"axis {axis} and `{text}`", size, rest, at=["x", "pattern"])
        return
    if isinstance(rest, int) and rest <= 0:
        raise wrong(pattern.text, f"the sizes in `{text}` must be positive", expected="1 or more", found=str(rest))
    quotient = size // rest
    answer = equal(quotient * rest, size)
    if answer is not Answer.YES:
        known = answer is Answer.NO
        raise Problem(f"axis {axis} of size {size} {'is not' if known else 'cannot be proved'} divisible into `{text}`",
                      expected=f"a multiple of {rest}", found=str(size), at=["x", "pattern"],
                      code="E0230" if known else "E0231",
                      hint=None if known else f"if it is, say so: `assume {size} % {rest} == 0`")
    named[unknown[0]] = quotient
