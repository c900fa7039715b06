"""What an engine is: it is opened once for a program, and makes a callable for each set of concrete shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.runtime.plan import Plan

Call = Callable[[Sequence[Array]], list[Array]]
"""The arrays of all inputs in declared order, in the declared types; fresh arrays of all outputs, in order.

It may be called from several threads at once.
"""


@dataclass(frozen=True)
class Setting:
    """Where and how an engine runs. device: "cpu" or "cuda". threads: None leaves it to the engine."""

    device: str = "cpu"
    threads: int | None = None


class Engine(Protocol):
    """One way to run programs."""

    def specialise(self, plan: Plan) -> Call:
        """A callable for the shapes of this plan. Raises DlcError where the engine cannot run it."""
        ...


Open = Callable[[Program, Mapping[str, Array], Setting], Engine]
"""Prepare an engine for a program and its weights. Raises MissingExtra, Unsupported or DlcError where it cannot."""


def is_fresh(plan: Plan) -> bool:
    """Whether every output is memory that the run itself makes, and none stands twice."""
    outputs = plan.graph.outputs
    return len(set(outputs)) == len(outputs) and all(plan.placements[v].how in ("arena", "in place") for v in outputs)


def owned(results: Sequence[Array], plan: Plan) -> list[Array]:
    """Outputs that nobody else holds: those that are an input, a weight or a view of one are copied, as are repeats."""
    fresh: list[Array] = []
    seen: set[int] = set()
    for value, array in zip(plan.graph.outputs, results, strict=True):
        shared = plan.placements[value].how in ("outside", "view", "dynamic") or id(value) in seen
        seen.add(id(value))
        fresh.append(array.copy() if shared else array)
    return fresh
