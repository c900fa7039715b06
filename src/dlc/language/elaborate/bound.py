"""A call of an operation with its arguments sorted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dlc.diagnostics import Span


@dataclass(slots=True)
class Bound:
    """A sorted call. `operands` holds tensors, raw numbers and lists, None for `none`; `named` those by keyword."""

    operands: list[Any] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    poisoned: bool = False
