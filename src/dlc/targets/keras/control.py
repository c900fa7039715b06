"""Control flow at run time: functions for the regions, given to `ops.cond`, `ops.while_loop` and `ops.scan`."""

from __future__ import annotations

from collections.abc import Sequence

from dlc.ir.graph import Call, Graph
from dlc.targets.keras.table import TABLE, Result, Site, call, tuple_of
from dlc.targets.source.code import Code, literal
from dlc.targets.source.dialect import Several
from dlc.targets.source.names import identifier


def _define(site: Site, name: str, parameters: Sequence[str], region: Graph, operands: Sequence[str]) -> str:
    """A function around a region: its statements, and a return; its name."""
    function = site.function.fresh(name)
    lines, results = site.function.region(region, operands)
    returned = results[0] if len(results) == 1 else ", ".join(results)
    site.function.emit("", f"def {function}({', '.join(parameters)}):", *(f"    {line}" for line in lines),
                       f"    return {returned}", "")
    return function


def _names(site: Site, values: Sequence[object]) -> list[str]:
    return [site.function.fresh(identifier(getattr(v, "name", "") or "x")) for v in values]


@TABLE.writes("cond")
def cond(site: Site) -> Result:
    captures = site.args[1:]
    then = _define(site, "then", [], site.node.regions[0], captures)
    otherwise = _define(site, "otherwise", [], site.node.regions[1], captures)
    if site.function.is_method and any(map(_has_layers, site.node.regions)):
        site.function.emit("if not self.built:  # both branches make their variables", f"    {then}()",
                           f"    {otherwise}()")
    return _result(site, call("ops.cond", site.x, then, otherwise))


def _has_layers(region: Graph) -> bool:
    """Whether blocks are called in it; their variables are made when they are first called."""
    return any(isinstance(node, Call) for node in region.walk())


def _result(site: Site, expression: Code) -> Result:
    return Several(expression) if len(site.node.outputs) > 1 else expression


@TABLE.writes("while")
def while_(site: Site) -> Result:
    count = site["states"]
    states, captures = site.args[:count], site.args[count:]
    condition, body = site.node.regions
    names = _names(site, condition.inputs[:count])
    check = _define(site, "condition", names, condition, [*names, *captures])
    inner = _names(site, body.inputs[:count])
    step = _define(site, "step", inner, body, [*inner, *captures])
    looped = call("ops.while_loop", check, step, tuple_of(states))
    return Several(looped) if count > 1 else Code(f"{looped}[0]")


@TABLE.writes("scan")
def scan(site: Site) -> Result:
    """`ops.scan` goes over the first axis."""
    count, sequences, axis = site["states"], site["sequences"], site["axis"]
    states, rest = site.args[:count], site.args[count + sequences:]
    over = [_first(x, axis % site.type(count + i).rank, site.type(count + i).rank)
            for i, x in enumerate(site.args[count:count + sequences])]
    (body,) = site.node.regions
    carry, element = _names(site, body.inputs[:count]), _names(site, body.inputs[count:count + sequences])
    function = site.function.fresh("step")
    lines, results = site.function.region(body, [*carry, *element, *rest])
    unpack = [f"{_pattern(carry)} = carry"] if carry else []
    unpack += [f"{_pattern(element)} = element"]
    kept, given = results[:count], results[count:]
    back = f"{_group(kept)}, {_group(given)}"
    site.function.emit("", f"def {function}(carry, element):", *(f"    {line}" for line in [*unpack, *lines]),
                       f"    return {back}", "")
    last, stacked = site.function.fresh("last"), site.function.fresh("stacked")
    site.function.emit(f"{last}, {stacked} = {call('ops.scan', function, _group(states), _group(over))}")
    outputs = _members(last, count) + [
        _back(text, axis, site.out(count + i).rank) for i, text in enumerate(_members(stacked, len(given)))]
    return Several(", ".join(outputs)) if len(outputs) > 1 else Code(outputs[0])


def _group(parts: Sequence[str]) -> str:
    """One value as it is, several (or none) as a tuple."""
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _pattern(names: Sequence[str]) -> str:
    return ", ".join(names)


def _members(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}[{i}]" for i in range(count)]


def _first(x: str, axis: int, rank: int) -> str:
    return x if axis == 0 else call("ops.moveaxis", x, literal(axis), literal(0))


def _back(x: str, axis: int, rank: int) -> str:
    return x if axis % rank == 0 else call("ops.moveaxis", x, literal(0), literal(axis % rank))
