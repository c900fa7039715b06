"""What a pass is: options in fields, claims that are checked, and a program that comes out new."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from dlc.ir.graph import Apply, Call, Program
from dlc.ir.op import Composite
from dlc.ir.verify import verify
from dlc.passes.clone import clone


@dataclass(frozen=True)
class Property:
    """A statement about a program that a pass may need or bring about."""

    text: str
    holds: Callable[[Program], bool]


def _flat(program: Program) -> bool:
    return not any(isinstance(node, Call) for node in program.entry.walk())


def _primitive(program: Program) -> bool:
    return not any(isinstance(node, Apply) and isinstance(node.op, Composite)
                   for graph in program.graphs() for node in graph.walk())


FLAT = Property("no block is called", _flat)
PRIMITIVE = Property("no operation is composite", _primitive)


class BrokenClaim(Exception):
    """A pass was given a program that it cannot take, or broke its own promise: a fault in dlc."""


@dataclass(frozen=True)
class Pass:
    """Base of every pass. The fields of a subclass are its options; `transform` does the work, in place, on a copy.

    requires: what must hold before. ensures: what holds afterwards.
    """

    requires: ClassVar[tuple[Property, ...]] = ()
    ensures: ClassVar[tuple[Property, ...]] = ()

    def transform(self, program: Program) -> Program:
        """Change the program in place, or make another one; the result."""
        raise NotImplementedError

    def __call__(self, program: Program, *, verified: bool = False) -> Program:
        """The program after this pass; the given one stays as it was. `verified` checks it before and after."""
        return run([self], program, verified=verified)

    @property
    def name(self) -> str:
        return type(self).__name__


def run(passes: Iterable[Pass], program: Program, *, verified: bool = False) -> Program:
    """The program after some passes, in order; the given one stays as it was. Raises BrokenClaim."""
    if verified:
        verify(program)
    result = clone(program)
    for step in passes:
        _check(step, step.requires, result, "needs a program where")
        result = step.transform(result)
        _check(step, step.ensures, result, "promised, and did not keep, that")
        if verified:
            verify(result, after=step.name)
    return result


def _check(step: Pass, claims: tuple[Property, ...], program: Program, words: str) -> None:
    for claim in claims:
        if not claim.holds(program):
            raise BrokenClaim(f"{step.name} {words} {claim.text}")
