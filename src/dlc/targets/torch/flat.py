"""One plain function for a flat graph: the same functional expressions, without classes."""

from __future__ import annotations

import re
from textwrap import indent

from dlc.ir.graph import Graph, Value
from dlc.targets.source.body import INDENT, Body
from dlc.targets.source.code import plain
from dlc.targets.torch.dialect import TorchDialect

IMPORTS = "import math\n\nimport torch\nimport torch.nn.functional as F\n"


def straight_line(graph: Graph) -> str:
    """The source of `run(inputs..., weights...)`, which returns the tuple of the outputs.

    graph: flat, without calls, every operation one that `TABLE.keeps`. Inputs are given in declared order, then the
    weights in the order of `graph.weights`. A variable is deleted after the statement that reads it last.
    """
    dialect = TorchDialect()
    body = Body(graph, dialect, None, nest=False)
    values: list[Value] = [*graph.inputs, *graph.weights.values()]
    names = [f"a{i}" for i in range(len(values))]
    lines = [plain(line.text) for line in body.write(list(zip(values, names, strict=True)))]
    results = [plain(text) for text in body.returns()]
    statements = _with_deletions(lines, results)
    statements.append(f"return ({', '.join(results)}{',' if results else ''})")
    text = "\n".join([f"def run({', '.join(names)}):", *(indent(s, INDENT) for s in statements)])
    return "\n\n".join([IMPORTS, *(plain(h) for h in body.helpers), text]) + "\n"


_TARGET = re.compile(r"^(\w+) = ")
_NAME = re.compile(r"\b[A-Za-z_]\w*\b")


def _with_deletions(lines: list[str], results: list[str]) -> list[str]:
    """`del` after the last statement that mentions a variable that was assigned once, at the top level."""
    assigned = {m[1] for line in lines if (m := _TARGET.match(line))}
    needed = {name for text in results for name in _NAME.findall(text)}
    last: dict[str, int] = {}
    for at, line in enumerate(lines):
        for name in _NAME.findall(line):
            if name in assigned and name not in needed:
                last[name] = at
    done: dict[int, list[str]] = {}
    for name, at in last.items():
        done.setdefault(at, []).append(name)
    result: list[str] = []
    for at, line in enumerate(lines):
        result.append(line)
        following = lines[at + 1] if at + 1 < len(lines) else ""
        if at in done and not following.startswith(" ") and not line.startswith(" "):
            result.append(f"del {', '.join(done[at])}")
    return result

