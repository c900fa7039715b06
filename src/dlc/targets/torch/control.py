"""Control flow at run time, as the statements of Python that it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dlc.ir.graph import Value
from dlc.targets.source.body import INDENT
from dlc.targets.source.code import atom
from dlc.targets.source.dialect import Several
from dlc.targets.torch.table import TABLE, Result, Site, dim


def _named(site: Site, values: Sequence[Value | None], inputs: Sequence[Value], copies: int) -> list[str]:
    """Variables for the inputs of a region: new ones for the first `copies`, which the loop assigns."""
    names: list[str] = []
    for position, value in enumerate(values):
        assert value is not None
        text = site.function.text(value)
        if position >= copies and re.fullmatch(r"[\w.]+", text):
            names.append(text)
            continue
        name = site.function.fresh(inputs[position].name or value.name or "state")
        site.function.emit(f"{name} = {text}")
        names.append(name)
    return names


def _result(site: Site, names: Sequence[str]) -> Result:
    return Several("", assigned=tuple(names))


def _assign(names: Sequence[str], values: Sequence[str]) -> list[str]:
    """One assignment for all; nothing where each is itself already."""
    if list(names) == list(values):
        return ["pass"]
    return [f"{', '.join(names)} = {', '.join(values)}"]


def _block(lines: Sequence[str]) -> list[str]:
    return [f"{INDENT}{line}" for line in lines]


@TABLE.writes("cond")
def cond(site: Site) -> Result:
    captures = _named(site, site.operands[1:], site.node.regions[0].inputs, 0)
    names = [site.function.fresh(v.name or "y") for v in site.node.outputs]
    for word, region in zip((f"if {site.x}:", "else:"), site.node.regions, strict=True):
        lines, results = site.function.region(region, captures)
        site.function.emit(word, *_block([*lines, *_assign(names, results)]))
    return _result(site, names)


@TABLE.writes("while")
def while_(site: Site) -> Result:
    count = site["states"]
    condition, body = site.node.regions
    names = _named(site, site.operands, body.inputs, count)
    asked, (test,) = site.function.region(condition, names)
    lines, results = site.function.region(body, names)
    step = [*lines, *_assign(names[:count], results)]
    if asked:
        site.function.emit("while True:", *_block(asked), f"{INDENT}if not ({test}):", f"{INDENT * 2}break",
                           *_block(step))
    else:
        site.function.emit(f"while {test}:", *_block(step))
    return _result(site, names[:count])


@TABLE.writes("scan")
def scan(site: Site) -> Result:
    states, sequences = site["states"], site["sequences"]
    (body,) = site.node.regions
    names = _named(site, site.operands[:states], body.inputs, states)
    over = [atom(site.arg(i)) for i in range(states, states + sequences)]
    captures = _named(site, site.operands[states + sequences:], body.inputs[states + sequences:], 0)
    rank = site.type(states).rank
    axis = site["axis"] % rank
    items = [site.function.fresh(v.name or "x") for v in body.inputs[states:states + sequences]]
    collected = [site.function.fresh(f"{v.name or 'y'}_steps") for v in site.node.outputs[states:]]
    lines, results = site.function.region(body, [*names, *items, *captures])
    site.function.emit(*(f"{c} = []" for c in collected))
    parts = [f"{x}.unbind({dim(axis, rank)})" for x in over]
    source = parts[0] if len(parts) == 1 else f"zip({', '.join(parts)})"
    step = [*lines, *(f"{c}.append({r})" for c, r in zip(collected, results[states:], strict=True))]
    if states:
        step += _assign(names, results[:states])
    site.function.emit(f"for {', '.join(items)} in {source}:", *_block(step))
    stacked = [f"torch.stack({c}, dim={_stack_axis(site, i)})" for i, c in enumerate(collected)]
    finished = [*names, *collected]
    site.function.emit(*(f"{c} = {s}" for c, s in zip(collected, stacked, strict=True)))
    return _result(site, finished)


def _stack_axis(site: Site, index: int) -> str:
    rank = site.out(site["states"] + index).rank
    return str(site["axis"] % rank)
