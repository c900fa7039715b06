"""A bag of diagnostics: collect first, raise once."""

from __future__ import annotations

from dlc.diagnostics.errors import DlcError
from dlc.diagnostics.report import Diagnostic, Label, Severity, Span


class Collector:
    """Keeps the first ``limit`` errors and all that fit of the warnings, and counts the rest.

    The same code at the same place is kept once. Warnings never make ``failed`` true.
    """

    def __init__(self, limit: int = 20) -> None:
        self.limit = limit
        self.hidden = 0
        self._kept: list[Diagnostic] = []
        self._seen: set[tuple[str, int, int, int]] = set()
        self._errors = 0

    def add(self, diagnostic: Diagnostic) -> None:
        """Take a diagnostic."""
        span = diagnostic.span
        if span is not None:
            key = (diagnostic.code, id(span.source), span.start, span.end)
            if key in self._seen:
                return
            self._seen.add(key)
        self._errors += diagnostic.severity == "error"
        if len(self._kept) < self.limit:
            self._kept.append(diagnostic)
        else:
            self.hidden += 1

    def error(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
        labels: tuple[Label, ...] = (),
        severity: Severity = "error",
    ) -> None:
        """Take a diagnostic given by its parts."""
        self.add(Diagnostic(code, message, span, expected, found, hint, labels, severity))

    def take(self, error: DlcError) -> None:
        """Take all diagnostics of an exception."""
        for diagnostic in error.diagnostics:
            self.add(diagnostic)

    @property
    def full(self) -> bool:
        """Whether what comes from now on is only counted."""
        return len(self._kept) >= self.limit

    @property
    def failed(self) -> bool:
        """Whether an error was taken."""
        return self._errors > 0

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What was kept, with a last line that counts what was not."""
        if not self.hidden:
            return tuple(self._kept)
        more = Diagnostic("E0100", f"{self.hidden} more not shown", None, hint="mend the ones above first")
        return (*self._kept, more)

    def raise_if_failed(self) -> None:
        """Raise one DlcError with everything kept if an error was taken."""
        if self.failed:
            raise DlcError(*self.diagnostics)
