"""The frameworks that a program can be written for, by name; each is imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

from dlc.diagnostics import Diagnostic, UsageError, suggestion
from dlc.targets.target import Target

_MODULES = {"keras": "dlc.targets.keras", "onnx": "dlc.targets.onnx", "torch": "dlc.targets.torch"}


def target_names() -> list[str]:
    """Every target, sorted."""
    return sorted(_MODULES)


def target(name: str) -> Target:
    """The target of that name: the `TARGET` of its folder.

    Its framework need not be installed; what needs it raises MissingExtra. Raises UsageError for an unknown name.
    """
    if name not in _MODULES:
        raise UsageError(Diagnostic("E0710", f"there is no target {name!r}", None, expected=", ".join(target_names()),
                                    found=name, hint=suggestion(name, target_names())))
    found: Target = import_module(_MODULES[name]).TARGET
    return found
