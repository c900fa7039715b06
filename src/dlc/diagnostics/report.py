"""What a complaint is: plain data, with a place in a source text."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A text and the path it came from. Two sources are equal only if they are the same object."""

    path: str
    text: str = field(repr=False)
    _starts: list[int] = field(default_factory=list, init=False, repr=False)

    def _line_starts(self) -> list[int]:
        if not self._starts:
            starts, at = [0], self.text.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._starts.extend(starts)
        return self._starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1, columns in characters."""
        starts = self._line_starts()
        line = bisect_right(starts, offset) - 1
        return line + 1, offset - starts[line] + 1

    def line_bounds(self, line: int) -> tuple[int, int]:
        """First offset and end (without the newline) of a line counted from 1."""
        starts = self._line_starts()
        start = starts[line - 1]
        end = starts[line] - 1 if line < len(starts) else len(self.text)
        if end > start and self.text[end - 1] == "\r":
            end -= 1
        return start, end


@dataclass(frozen=True, slots=True)
class Span:
    """The characters ``start:end`` of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of another one of the same source."""
        return Span(self.source, self.start, other.end)


@dataclass(frozen=True, slots=True)
class Label:
    """A second place that matters to a diagnostic, and what it is."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint: a stable code, one plain sentence, a place, and the way out.

    ``expected`` and ``found`` are the two sides of a disagreement, ``hint`` says what to do, ``labels`` name further
    places. ``span`` is None only where no source text is concerned (the command line, a missing file).
    """

    code: str
    message: str
    span: Span | None
    expected: str | None = None
    found: str | None = None
    hint: str | None = None
    labels: tuple[Label, ...] = ()
    severity: Severity = "error"
