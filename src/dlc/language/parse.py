"""From text to syntax tree: the LALR(1) driver, and how it goes on after a mistake."""

from __future__ import annotations

import gc
from typing import Any

from dlc.diagnostics import Collector, DlcError, Source, Span
from dlc.language import ast, misuse
from dlc.language.build import Builder
from dlc.language.expressions import Action
from dlc.language.lex import Lexed, Token, lex, tables
from dlc.language.mistakes import Situation, explain_mistake, missing_edition
from dlc.language.walk import children
from dlc.language.wrong import ERROR

_SKIPS: dict[tuple[int, int, str], int] = {}
"""What `_Parser.skip` found out; as large as the tables at most."""

MAX_DEPTH = 200
"""Levels of the tree. Whoever walks it may recurse."""

_RESUME = ("statement", "item", "entry")
"""Symbols that can be left out when they are wrong."""


def parse(source: Source) -> ast.File:
    """The tree of a source. Raises DlcError with every mistake that was found (E01xx)."""
    collecting = gc.isenabled()
    gc.disable()  # a tree has no cycles; looking for some while it grows doubles the time
    try:
        return _parse(source)
    finally:
        if collecting:
            gc.enable()


def _parse(source: Source) -> ast.File:
    report = Collector()
    try:
        return _tree(source, report)
    except DlcError:
        placed = sorted(report.diagnostics, key=lambda one: one.span.start if one.span else len(source.text))
        raise DlcError(*placed) from None


def _tree(source: Source, report: Collector) -> ast.File:
    lexed = lex(source, report)
    if lexed.tokens[0][0] != "dl":
        missing_edition(report, source, lexed.tokens)
    parser = _Parser(source, report, lexed)
    tree = parser.run()
    parser.builder.finish()
    report.raise_if_failed()
    assert isinstance(tree, ast.File)
    _check_depth(tree, report)
    report.raise_if_failed()
    return tree


class _Parser:
    """The stacks of one run: states, values, and where each value starts."""

    def __init__(self, source: Source, report: Collector, lexed: Lexed) -> None:
        self.source = source
        self.report = report
        self.tokens = lexed.tokens
        self.spoiled = lexed.spoiled
        self.builder = Builder(source, report, lexed.docs, lexed.spoiled)
        self.states = [tables().start]
        self.values: list[Any] = []
        self.starts: list[int] = []

    def run(self) -> ast.File | None:
        """Parse to the end; None if a mistake left no tree."""
        table = tables()
        at = 0
        while True:
            at = self.advance(at)
            if self.tokens[at][0] == "$END" and self.states[-1] == table.accept:
                tree: ast.File = self.values[-1]
                return tree
            repaired = self.mistake(at)
            if repaired is not None:
                self.tokens[at] = repaired
                continue
            resumed = self.resume(at)
            if resumed is None:
                return None
            at = resumed

    def advance(self, at: int) -> int:
        """Shift and reduce from a token on; the number of the token that can't be taken, or of $END when accepted."""
        table = tables()
        actions, gotos, accept = table.actions, table.gotos, table.accept
        rules = self.rules()
        states, values, starts = self.states, self.values, self.starts
        state, row = states[-1], actions[states[-1]]
        tokens, skips = self.tokens, _SKIPS
        end = tokens[at - 1][3] if at else 0
        for number in range(at, len(tokens)):
            kind, text, start, stop = tokens[number]
            while True:
                move = row.get(kind)
                if move is None:
                    return number
                if move >= 0:
                    break
                symbol, action, length = rules[move]
                if action is None:
                    states.pop()
                    key = (states[-1], state, kind)
                    state = skips.get(key, -1)
                    if state < 0:
                        state = skips[key] = self.skip(key[0], symbol, kind)
                    states.append(state)
                elif length:
                    begin = starts[-length]
                    value = action(values[-length:], begin, end)
                    del values[-length:], starts[1 - length or len(starts) :], states[-length:]
                    values.append(value)
                    state = gotos[states[-1]][symbol]
                    states.append(state)
                else:
                    values.append(action([], end, end))
                    starts.append(end)
                    state = gotos[states[-1]][symbol]
                    states.append(state)
                if state == accept and kind == "$END":
                    return number
                row = actions[state]
            states.append(move)
            values.append(text)
            starts.append(start)
            state = move
            row = actions[move]
            end = stop
        raise AssertionError("$END is never shifted")

    def skip(self, base: int, symbol: str, kind: str) -> int:
        """The state after all reductions that pass a value through unchanged: the levels of precedence."""
        table, rules = tables(), self.rules()
        while True:
            state = table.gotos[base][symbol]
            move = table.actions[state].get(kind, 0)
            if move >= 0 or rules[move][1] is not None:
                return state
            symbol = rules[move][0]

    def rules(self) -> list[tuple[str, Action | None, int]]:
        """The rules so that ``rules[move]`` is the rule of a reduction ``move`` (-1 - number)."""
        if not hasattr(self, "_rules"):
            build = self.builder.action
            rules = [(symbol, build(name) if name else None, size) for symbol, name, size in tables().rules]
            self._rules: list[tuple[str, Action | None, int]] = rules[::-1]
        return self._rules

    def mistake(self, at: int) -> Token | None:
        """Report that a token can't stand where it does; a token to take instead, where it is clear what was meant."""
        kind, text, start, end = self.tokens[at]
        if kind == ERROR or any(first <= start < last for first, last in self.spoiled):
            return None
        situation = Situation(self.source, self.tokens, at, self.accepted(), [tables().symbols[s] for s in self.states])
        instead = explain_mistake(self.report, situation)
        return (instead, text, start, end) if instead else None

    def accepted(self) -> frozenset[str]:
        """The kinds of tokens that could stand next: those of the row that are shifted in the end."""
        return frozenset(kind for kind in tables().actions[self.states[-1]] if self.shifts(kind))

    def shifts(self, kind: str) -> bool:
        table = tables()
        states = list(self.states[-50:]) if len(self.states) > 50 else list(self.states)
        while True:
            move = table.actions[states[-1]].get(kind)
            if move is None:
                return False
            if move >= 0:
                return True
            symbol, _, length = table.rules[-1 - move]
            if length >= len(states):
                return True
            if length:
                del states[-length:]
            states.append(table.gotos[states[-1]][symbol])
            if states[-1] == table.accept:
                return True

    def resume(self, at: int) -> int | None:
        """Leave out the innermost statement, entry or item: the number of the token to go on with, or None."""
        table = tables()
        symbols = [table.symbols[state] for state in self.states]
        found = _place_to_resume(self.states, symbols)
        if found is None:
            return None
        depth, symbol = found
        braces = symbols[depth + 1 :].count("{") - symbols[depth + 1 :].count("}")
        start = self.starts[depth] if depth < len(self.starts) else self.tokens[at][2]
        while True:
            kind = self.tokens[at][0]
            if kind == "$END" or (braces == 0 and kind in ("NEWLINE", "}")):
                break
            braces += (kind == "{") - (kind == "}")
            at += 1
        if (self.tokens[at][0] == "}") == (symbol == "item") and self.tokens[at][0] != "NEWLINE":
            return None
        self.spoiled.append((start, self.tokens[at][2]))
        del self.states[depth + 1 :], self.values[depth:], self.starts[depth:]
        self.states.append(table.gotos[self.states[-1]][symbol])
        self.values.append(None)
        self.starts.append(start)
        return at


def _place_to_resume(states: list[int], symbols: list[str]) -> tuple[int, str] | None:
    """The innermost state in whose place a statement, entry or item may stand, and which; not in a closed body."""
    closed = 0
    for depth in range(len(states) - 1, -1, -1):
        if symbols[depth] == "}":
            closed += 1
        elif symbols[depth] == "{" and closed:
            closed -= 1
        elif not closed:
            symbol = next((symbol for symbol in _RESUME if symbol in tables().gotos[states[depth]]), None)
            if symbol is not None:
                return depth, symbol
    return None


def _check_depth(tree: ast.File, report: Collector) -> None:
    """Refuse trees deeper than MAX_DEPTH. A node is no deeper than its text is long, so few are looked into."""
    waiting: list[tuple[ast.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        span: Span = node.span
        if span.end - span.start + depth <= MAX_DEPTH:
            continue
        if depth > MAX_DEPTH:
            misuse.too_deep(report, span, MAX_DEPTH)
            return
        waiting.extend((child, depth + 1) for child in children(node))
