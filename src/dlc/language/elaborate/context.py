"""The state of an elaboration: the session of one program, and the frame of one graph or function in it.

The parts of the elaborator know each other through two tables only: how an expression of a kind is evaluated and how
a statement of a kind is executed. A module enters its functions with `@evaluates` and `@executes`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dlc.diagnostics import Collector, Diagnostic, Label, Span
from dlc.ir.dim import Answer, Dim, Extremum, at_most, sole_atom
from dlc.ir.dim import name as named_size
from dlc.ir.graph import Assumption, Graph, Input, Value
from dlc.language import ast
from dlc.language.elaborate import limits
from dlc.language.elaborate.values import POISON, BlockRef, FnRef, Module

TRAIL = 3
"""Calls that a complaint inside a block shows, innermost first."""


class Mistake(Exception):
    """One complaint that ends the evaluation of an expression."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span | None,
        *,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
        labels: Iterable[Label] = (),
    ) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, expected, found, hint, tuple(labels))


class Enough(Exception):
    """The report is full: nothing that is found from here on would be shown."""


class Overflow(Exception):
    """A limit that ends the whole elaboration."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(eq=False)
class Specialisation:
    """A block for one set of hyper-parameters and input types.

    types: those of the results; None for one that is not known. graph: None where the body is wrong.
    expanded: its steps when every call is counted as what it calls.
    """

    graph: Graph | None
    types: tuple[Any, ...]
    weighted: bool
    expanded: int


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a block or function was called, and what it is in words."""

    text: str
    span: Span


@dataclass(eq=False)
class Session:
    """One program being elaborated.

    substitution: sizes that are assumed to be equal to others, everywhere in the program; pending: those that were
    found meanwhile, for the next attempt. facts: what is assumed of differences of sizes, such as `>` of T - 8.
    generic: the program is a stand-in for callers that are not known, so that what cannot be known is no mistake.
    """

    report: Collector
    generic: bool = False
    substitution: dict[str, Dim] = field(default_factory=dict)
    pending: dict[str, Dim] = field(default_factory=dict)
    assumptions: dict[Assumption, None] = field(default_factory=dict)
    facts: dict[Dim, set[str]] = field(default_factory=dict)
    specialisations: dict[Any, Specialisation] = field(default_factory=dict)
    built: dict[Graph, Specialisation] = field(default_factory=dict)
    active: dict[Any, CallSite] = field(default_factory=dict)
    used: set[BlockRef | FnRef] = field(default_factory=set)
    names: dict[str, int] = field(default_factory=dict)
    nodes: int = 0
    steps: int = 0
    complaints: int = 0

    def __post_init__(self) -> None:
        for assumption in self.assumptions:
            self._learn(assumption)

    def assume(self, assumption: Assumption) -> None:
        """Keep an assumption of the program."""
        self.assumptions.setdefault(assumption)
        self._learn(assumption)

    def _learn(self, assumption: Assumption) -> None:
        self.facts.setdefault(assumption.left - assumption.right, set()).add(assumption.relation)
        for one, other in ((assumption.left, assumption.right), (assumption.right, assumption.left)):
            atom = sole_atom(one)
            if assumption.relation == "==" and isinstance(atom, Extremum) and other in atom.among:
                for dim in atom.among:
                    self.facts.setdefault(other - dim, set()).add("<=" if atom.kind == "min" else ">=")

    def proves(self, low: Dim, high: Dim) -> bool:
        """Whether low <= high, always or wherever what is assumed holds."""
        gap = high - low
        if at_most(0, gap) is Answer.YES:
            return True
        known = [d for difference, said in self.facts.items() for r in said for d in _not_negative(difference, r)]
        return any(at_most(0, gap - difference) is Answer.YES for difference in known)

    def size(self, text: str) -> Dim:
        """The named size of the program, or what it was assumed to be."""
        found = self.substitution.get(text)
        return named_size(text) if found is None else found

    def graph_name(self, wanted: str) -> str:
        """A name that no other graph of the program has."""
        count = self.names.get(wanted, 0) + 1
        self.names[wanted] = count
        return wanted if count == 1 else self.graph_name(f"{wanted}_{count}")

    def count_node(self, span: Span) -> None:
        self.nodes += 1
        if self.nodes > limits.NODES:
            raise overflow(
                span,
                f"the program has more than {limits.NODES:,} steps",
                "put what is repeated into a block: a block is built once however often it is called",
            )

    def count_step(self, span: Span, count: int = 1) -> None:
        self.steps += count
        if self.steps > limits.STEPS:
            raise overflow(
                span,
                f"`for`, `repeat` and functions make more than {limits.STEPS:,} rounds in all",
                "check the counts; a run-time loop is written with `scan` or `while`",
            )


def _not_negative(difference: Dim, relation: str) -> tuple[Dim, ...]:
    """What is 0 or more where a difference has this relation to 0."""
    return {
        "==": (difference, -difference),
        ">=": (difference,),
        ">": (difference - 1,),
        "<=": (-difference,),
        "<": (-difference - 1,),
        "!=": (),
    }[relation]


def overflow(span: Span | None, message: str, hint: str, code: str = "E0312") -> Overflow:
    """The end of an elaboration that grew beyond a limit."""
    return Overflow(Diagnostic(code, message, span, hint=hint))


class Frame:
    """A scope: the names it knows, and the graph that it fills.

    fixed: names that cannot be bound again, and what they are. labels: instance names in use, with their places.
    suffix: `.0` inside the first round of a `for`. trail: the calls that led here, innermost last.
    captures: for a region of run-time control flow, its inputs by the outer value that they stand for.
    """

    __slots__ = (
        "captures",
        "fixed",
        "graph",
        "kind",
        "labels",
        "module",
        "names",
        "outer",
        "places",
        "session",
        "suffix",
        "trail",
    )

    def __init__(
        self, session: Session, module: Module, graph: Graph, *, kind: str, trail: tuple[CallSite, ...] = ()
    ) -> None:
        self.session, self.module, self.graph, self.kind, self.trail = session, module, graph, kind, trail
        self.names: dict[str, Any] = {}
        self.fixed: dict[str, str] = {}
        self.places: dict[str, Span] = {}
        self.labels: dict[str, Span] = {}
        self.suffix = ""
        self.outer: Frame | None = None
        self.captures: dict[Value, Input] | None = None

    def inner(self) -> Frame:
        """A scope for the values of a nested body: it shares everything but the names it binds."""
        frame = Frame(self.session, self.module, self.graph, kind=self.kind, trail=self.trail)
        frame.names, frame.fixed, frame.places = dict(self.names), dict(self.fixed), dict(self.places)
        frame.labels, frame.suffix = self.labels, self.suffix
        frame.outer, frame.captures = self.outer, self.captures
        return frame

    def evaluate(self, node: ast.Expr) -> Any:
        """What an expression is worth. Raises Mistake."""
        return EVALUATORS[type(node)](self, node)

    def guarded(self, node: ast.Expr) -> Any:
        """What an expression is worth; POISON after reporting what is wrong with it."""
        try:
            return EVALUATORS[type(node)](self, node)
        except Mistake as mistake:
            self.complain(mistake)
            return POISON

    def execute(self, statements: Iterable[ast.Statement]) -> tuple[Any, ...] | None:
        """Execute statements, going on after a mistake; the places and values of a `return` that was reached."""
        for statement in statements:
            try:
                returned: tuple[Any, ...] | None = EXECUTORS[type(statement)](self, statement)
            except Mistake as mistake:
                self.complain(mistake)
                self._poison(statement)
                continue
            if returned is not None:
                return returned
        return None

    def _poison(self, statement: ast.Statement) -> None:
        """Let the names that a wrong statement would have bound make no further complaints."""
        targets = statement.targets if isinstance(statement, ast.Assign) else (statement,)
        for target in targets:
            name = getattr(target, "name", None)
            if isinstance(name, str) and name not in self.fixed and not isinstance(target, ast.For):
                self.names[name] = POISON

    def complain(self, mistake: Mistake) -> None:
        """Report a mistake, with the calls that led to it."""
        d = mistake.diagnostic
        self.session.complaints += 1
        if self.trail:
            calls = tuple(Label(c.span, f"in {c.text}, called here") for c in self.trail[: -TRAIL - 1 : -1])
            d = Diagnostic(d.code, d.message, d.span, d.expected, d.found, d.hint, d.labels + calls, d.severity)
        self.session.report.add(d)
        if self.session.report.full and not self.session.pending:
            raise Enough

    def fix(self, name: str, value: Any, what: str, place: Span) -> None:
        """Bind a name that cannot be bound again."""
        self.names[name] = value
        self.fixed[name] = what
        self.places[name] = place


Evaluator = Callable[[Frame, Any], Any]
Executor = Callable[[Frame, Any], Any]
EVALUATORS: dict[type, Evaluator] = {}
EXECUTORS: dict[type, Executor] = {}
_F = TypeVar("_F", bound=Callable[..., Any])


def evaluates(*kinds: type) -> Callable[[_F], _F]:
    """Enter a function as the way to evaluate expressions of these kinds."""
    return _enter(EVALUATORS, kinds)


def executes(*kinds: type) -> Callable[[_F], _F]:
    """Enter a function as the way to execute statements of these kinds."""
    return _enter(EXECUTORS, kinds)


def _enter(table: dict[type, Callable[..., Any]], kinds: Iterable[type]) -> Callable[[_F], _F]:
    def enter(function: _F) -> _F:
        for kind in kinds:
            table[kind] = function
        return function

    return enter


def place_of(value: Any, name: str, span: Span | None) -> tuple[Label, ...]:
    """A label at the place where a tensor was made, unless that is the place of the complaint itself."""
    if not isinstance(value, Value) or value.span is None or value.span == span:
        return ()
    return (Label(value.span, f"{name}: {value.type} comes from here"),)


def freeze(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Compile-time values as a key that tells 1, 1.0 and true apart."""
    return tuple((name, type(value), value) for name, value in values.items())


def head(span: Span, name: str) -> Span:
    """The name in the first line of a declaration."""
    found = re.compile(rf"(?<=\s){re.escape(name)}\b").search(span.source.text, span.start, span.end)
    return Span(span.source, *found.span()) if found else span
