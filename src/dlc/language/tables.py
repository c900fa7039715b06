"""The parse tables of grammar/dl.lark.

lark turns the grammar into LALR(1) tables; that takes half a second, so the result lies beside this file as
``tables.json`` together with the digest of the grammar it was made from. Where the digest does not fit (somebody is
working on the grammar), the tables are made afresh. ``python -m dlc.language.tables`` writes the file; a test keeps the
two together.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve()
_STORED = _HERE.with_name("tables.json")
_GRAMMAR = (_HERE.parents[1] / "grammar" / "dl.lark", _HERE.parents[3] / "grammar" / "dl.lark")


@dataclass(frozen=True, slots=True)
class Tables:
    """What the parser and the lexer run on.

    ``actions[state][kind]`` is the next state of a shift (0 or more), or ``-1 - rule`` of a reduction. The kind of a
    token is the text of its literal (``"|>"``, ``"model"``) or the name of its terminal (``"NAME"``). A rule is its
    symbol, the name of its builder method (None: the value of its only part), and its length. ``symbols[state]`` is
    the symbol that leads into a state.
    """

    digest: str
    start: int
    accept: int
    rules: list[tuple[str, str | None, int]]
    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    symbols: list[str]
    patterns: dict[str, str]
    words: list[str]
    operators: list[str]


def grammar_text() -> str | None:
    """The text of dl.lark, from the installed package or from the checkout."""
    place = next((place for place in _GRAMMAR if place.is_file()), None)
    return place.read_text(encoding="utf-8") if place else None


def load() -> Tables:
    """The stored tables if they belong to the grammar at hand, else new ones."""
    grammar = grammar_text()
    stored = _stored()
    if stored is not None and (grammar is None or stored.digest == digest(grammar)):
        return stored
    if grammar is None:
        raise FileNotFoundError(f"neither {_STORED} nor {_GRAMMAR[0]} is there: the installation is incomplete")
    return compile_grammar(grammar)


def digest(grammar: str) -> str:
    """The digest that ties tables to a grammar, whatever its line ends."""
    return hashlib.sha256("\n".join(grammar.splitlines()).encode()).hexdigest()


def _stored() -> Tables | None:
    try:
        return Tables(**json.loads(_STORED.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def compile_grammar(grammar: str, *, strict: bool = False) -> Tables:
    """Tables of a grammar text. ``strict`` makes every conflict and collision an error (needs interegular)."""
    from lark import Lark

    parser = Lark(grammar, parser="lalr", strict=strict, keep_all_tokens=True, maybe_placeholders=False)
    table = parser.parser.parser._parse_table
    literal = {t.name: t.pattern.value for t in parser.terminals if type(t.pattern).__name__ == "PatternStr"}
    patterns = {t.name: t.pattern.to_regexp() for t in parser.terminals if t.name not in literal}
    rules, numbers = _rules(parser.rules)
    actions: list[dict[str, int]] = [{} for _ in table.states]
    gotos: list[dict[str, int]] = [{} for _ in table.states]
    symbols = ["" for _ in table.states]
    terminals = {*literal, *patterns, "$END"}
    order = _order(table.states, table.start_states["start"])
    for old, state in order.items():
        for symbol, (move, argument) in sorted(table.states[old].items(), key=lambda entry: entry[0]):
            name = literal.get(symbol, symbol)
            if move.name == "Reduce":
                actions[state][name] = -1 - numbers[argument]
                continue
            (actions if symbol in terminals else gotos)[state][name] = order[argument]
            symbols[order[argument]] = name
    texts = sorted(set(literal.values()))
    return Tables(
        digest=digest(grammar),
        start=order[table.start_states["start"]],
        accept=order[table.end_states["start"]],
        rules=rules,
        actions=actions,
        gotos=gotos,
        symbols=symbols,
        patterns=patterns,
        words=[text for text in texts if text.isidentifier()],
        operators=sorted((text for text in texts if not text.isidentifier()), key=lambda text: (-len(text), text)),
    )


def _order(states: dict[int, Any], start: int) -> dict[int, int]:
    """Numbers for lark's states in the order in which they are reached, so that equal grammars give equal files."""
    order = {start: 0}
    queue = [start]
    for state in queue:
        for _, (move, argument) in sorted(states[state].items(), key=lambda entry: entry[0]):
            if move.name == "Shift" and argument not in order:
                order[argument] = len(order)
                queue.append(argument)
    return order


def _rules(rules: list[Any]) -> tuple[list[tuple[str, str | None, int]], dict[Any, int]]:
    """The rules as plain data, and the number of each: lark's order is not stable, so they are sorted."""
    keyed = sorted(rules, key=lambda rule: (rule.origin.name, [symbol.name for symbol in rule.expansion]))
    numbers = {rule: number for number, rule in enumerate(keyed)}
    return [(str(rule.origin.name), rule.alias, len(rule.expansion)) for rule in keyed], numbers


if __name__ == "__main__":
    source = grammar_text()
    if source is None:
        raise SystemExit("grammar/dl.lark is missing")
    _STORED.write_text(json.dumps(asdict(compile_grammar(source, strict=True)), separators=(",", ":")) + "\n")
