"""The exceptions of dlc. Each carries diagnostics; its class says how the command line ends."""

from __future__ import annotations

from typing import ClassVar

from dlc.diagnostics.render import render_all
from dlc.diagnostics.report import Diagnostic


class DlcError(Exception):
    """A finding: the model, a file or an argument is wrong. Exit code 1."""

    exit_code: ClassVar[int] = 1

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*diagnostics)
        self.diagnostics: tuple[Diagnostic, ...] = diagnostics

    def __str__(self) -> str:
        return render_all(self.diagnostics)


class UsageError(DlcError):
    """The command itself is wrong. Exit code 2."""

    exit_code = 2


class Unsupported(DlcError):
    """The model is right, but the target or engine cannot express it; everything missing is listed. Exit code 3."""

    exit_code = 3


class MissingExtra(DlcError):
    """An optional dependency is not installed; the hint holds the pip line. Exit code 4."""

    exit_code = 4
