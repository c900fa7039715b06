"""Diagnostics: what went wrong, where, and what to do; plain data, one renderer.

Codes: E01xx syntax and files, E02xx names, arguments, types and shapes, E03xx elaboration, limits and imports,
E04xx training, E05xx weights and inputs at run, E06xx targets, E07xx the command line.
"""

from dlc.diagnostics.collect import Collector
from dlc.diagnostics.errors import DlcError, MissingExtra, Unsupported, UsageError
from dlc.diagnostics.explain import explain
from dlc.diagnostics.render import render, render_all, visible
from dlc.diagnostics.report import Diagnostic, Label, Severity, Source, Span
from dlc.diagnostics.suggest import did_you_mean, suggestion

__all__ = [
    "Collector",
    "Diagnostic",
    "DlcError",
    "Label",
    "MissingExtra",
    "Severity",
    "Source",
    "Span",
    "Unsupported",
    "UsageError",
    "did_you_mean",
    "explain",
    "render",
    "render_all",
    "suggestion",
    "visible",
]
