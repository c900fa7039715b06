"""One class per block of the source, although the graph holds every specialisation of it.

Specialisations of one template whose code differs only in marked literals become one class; the literals that differ
become constructor parameters, equal ones the same parameter. What a class calls is known before it, so a constructor
call inside it passes on values that may be parameters themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dlc.ir.graph import Graph
from dlc.targets.source.body import Line
from dlc.targets.source.code import literal
from dlc.targets.source.fragment import Fragment
from dlc.targets.source.marks import ANY, Plain, read
from dlc.targets.source.names import class_name, identifier, unique

_SIZES = ("in_channels", "out_channels", "in_features", "out_features", "num_embeddings", "channels", "features",
          "width", "size", "filters", "units", "c", "dim")
"""Parameters that people give by position."""


_ONCE = re.compile(r"\[([^\[\]]+) for _ in range\(1\)\]")
_ONCE_STARRED = re.compile(r"\*" + _ONCE.pattern)
"""A list comprehension that makes one element."""


@dataclass(frozen=True)
class Slot:
    """A literal of a fragment: what it was called, and its text."""

    hint: str
    text: str


@dataclass
class Parameter:
    """A constructor parameter: the slots that it fills, and its value in every specialisation."""

    name: str
    slots: list[int]
    values: tuple[str, ...]
    default: str = ""


@dataclass
class Class:
    """What becomes one class: its specialisations, all slots of each, and the parameters that follow."""

    name: str
    key: tuple[str, str]
    fragments: list[Fragment] = field(default_factory=list)
    vectors: list[list[Slot]] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    by_slot: dict[int, str] = field(default_factory=dict)
    """What stands for a slot: a parameter, an expression of one, or a literal."""
    expressions: dict[str, str] = field(default_factory=dict)
    """The parameter in each expression."""

    @property
    def graph(self) -> Graph:
        return self.fragments[0].graph


class Classes:
    """All classes of a program. Fragments are added callees first, then `settle` decides about parameters.

    reserved: names that no class may have. unsafe: names that no attribute may have.
    """

    def __init__(self, reserved: Sequence[str], unsafe: frozenset[str] = frozenset()) -> None:
        self.unsafe = unsafe
        self.all: dict[tuple[str, str], Class] = {}
        self.of: dict[int, tuple[Class, list[Slot]]] = {}
        self._names: set[str] = set(reserved)

    def add(self, index: int, fragment: Fragment) -> None:
        """Take the code of block number `index`."""
        skeleton, vector = self._skeleton(fragment)
        signature = ",".join(f"{a.name}={a.default}" for a in fragment.arguments)
        key = (fragment.graph.template, f"{signature}\n{skeleton}")
        found = self.all.get(key)
        if found is None:
            name = unique(class_name(fragment.graph.template), self._names)
            self._names.add(name)
            found = self.all[key] = Class(name, key)
        found.fragments.append(fragment)
        found.vectors.append(vector)
        self.of[index] = (found, vector)

    def _skeleton(self, fragment: Fragment) -> tuple[str, list[Slot]]:
        """The code without its literals, and the literals, those of called constructors among them."""
        visitor = _Skeleton(self.of)
        return "\n".join(read(t, visitor) for t in fragment.texts), visitor.vector

    def settle(self) -> list[Class]:
        """Decide the parameters of every class; the classes in the order of their first fragment."""
        for one in self.all.values():
            _find_parameters(one, self.unsafe)
        return list(self.all.values())


class _Skeleton:
    """Reads marked text: literals go into the vector and leave a hole."""

    def __init__(self, of: Mapping[int, tuple[Class, list[Slot]]]) -> None:
        self.of = of
        self.vector: list[Slot] = []

    def literal(self, hint: str, text: str) -> str:
        self.vector.append(Slot(hint, text))
        return "\ue000"

    def block(self, index: int, *, anything: bool) -> str:
        owner, slots = self.of[index]
        self.vector += [Slot(s.hint, ANY) for s in slots] if anything else slots
        return f"\ue001{owner.name}\ue001"

    def option(self, before: str, value: str, default: str) -> str:
        return f"{before}{value}"

    def choice(self, flag: str, then: str, otherwise: str) -> str:
        return f"{then} if {flag} else {otherwise}"


def _find_parameters(one: Class, unsafe: frozenset[str]) -> None:
    columns = [tuple(slot.text for slot in column) for column in zip(*one.vectors, strict=True)]
    groups: list[_Group] = []
    for position in sorted(range(len(columns)), key=lambda i: columns[i].count(ANY)):
        column = columns[position]
        known = [text for text in column if text != ANY]
        if len(set(known)) <= 1:
            one.by_slot[position] = known[0] if known else ANY
            continue
        group = next((g for g in groups if g.fits(column)), None)
        if group is None:
            groups.append(group := _Group(column))
        group.take(position, column)
    _name_parameters(one, sorted(groups, key=lambda g: min(g.slots)), unsafe)


class _Group:
    """Slots that have the same value in every specialisation, where it matters."""

    def __init__(self, values: tuple[str, ...]) -> None:
        self.values, self.slots = list(values), list[int]()

    def fits(self, column: tuple[str, ...]) -> bool:
        return all(ANY in (a, b) or a == b for a, b in zip(self.values, column, strict=True))

    def take(self, position: int, column: tuple[str, ...]) -> None:
        self.slots.append(position)
        self.values = [b if a == ANY else a for a, b in zip(self.values, column, strict=True)]


def _name_parameters(one: Class, groups: Sequence[_Group], unsafe: frozenset[str]) -> None:
    """Name the groups. Hyper-parameters of the block stay themselves; of others, one that is a multiple or a part of an
    earlier one is written so."""
    taken = {*unsafe, *(a for f in one.fragments for a in f.attributes)}
    known = [_hyper_parameter(one, group.values) for group in groups]
    bases: list[Parameter] = []
    for group, hyper in sorted(zip(groups, known, strict=True), key=lambda pair: pair[1] is None):
        expression = None if hyper is not None else _derived(group, one, bases)
        if expression is not None:
            one.by_slot.update(dict.fromkeys(group.slots, expression[0]))
            one.expressions[expression[0]] = expression[1]
            continue
        hint = one.vectors[0][min(group.slots)].hint
        name = unique(hyper or identifier(hint), taken)
        taken.add(name)
        bases.append(Parameter(name, group.slots, tuple(group.values)))
        bases[-1].default = _default(bases[-1])
        one.by_slot.update(dict.fromkeys(group.slots, name))
        one.expressions[name] = name
    one.parameters = sorted(bases, key=lambda p: (bool(p.default), min(p.slots)))


def _derived(wanted: _Group, one: Class, bases: Sequence[Parameter]) -> tuple[str, str] | None:
    """`kernel // 2`, `4 * channels`, `channels // 4` and the name in it: the group in terms of another parameter."""
    padding = one.vectors[0][min(wanted.slots)].hint.startswith("padding")
    for base in bases:
        pairs = [(int(a), int(b)) for a, b in zip(wanted.values, base.values, strict=True)
                 if a.isdecimal() and b.isdecimal()]
        if len(pairs) < len(wanted.values) or len(set(base.values)) < 2:
            continue
        if padding and all(a == b // 2 for a, b in pairs):
            return f"{base.name} // 2", base.name
        a, b = pairs[0]
        if b and a > b and all(x * b == a * y for x, y in pairs) and a % b == 0:
            return f"{a // b} * {base.name}", base.name
        if a and b > a and all(x * b == a * y for x, y in pairs) and b % a == 0:
            return f"{base.name} // {b // a}", base.name
    return None


def _hyper_parameter(one: Class, values: Sequence[str]) -> str | None:
    """The hyper-parameter of the block that has these values in the specialisations."""
    for name in one.graph.parameters:
        own = [_text(f.graph.parameters.get(name)) for f in one.fragments]
        if name.isidentifier() and all(v in (ANY, o) for v, o in zip(values, own, strict=True)):
            return identifier(name)
    return None


def _text(value: object) -> str:
    try:
        return literal(value)
    except TypeError:
        return ""


def _default(parameter: Parameter) -> str:
    """The usual value of an option; sizes have none."""
    if parameter.name.rstrip("0123456789") in _SIZES:
        return ""
    usual = max(dict.fromkeys(parameter.values), key=parameter.values.count)
    return usual if 2 * parameter.values.count(usual) >= len(parameter.values) else ""


class Renderer(Plain):
    """Turns the marked code of a class into plain code; slots are counted in the order of the fragment's texts."""

    def __init__(self, one: Class, of: Mapping[int, tuple[Class, list[Slot]]]) -> None:
        self.one, self.of = one, of
        self._position = 0
        self._owner = False
        self.stored: dict[str, None] = {}
        """Parameters that the method reads, and that `__init__` therefore keeps."""

    def construction(self) -> list[str]:
        return [_simplified(read(t, self)) for t in self.one.fragments[0].construction]

    def lines(self) -> list[Line]:
        self._owner = True
        first = self.one.fragments[0].lines
        others = [f.lines for f in self.one.fragments[1:]]
        return [Line(read(line.text, self),
                     line.comment if all(o[i].comment == line.comment for o in others) else "")
                for i, line in enumerate(first)]

    def returned(self) -> list[str]:
        return [read(t, self) for t in self.one.fragments[0].returned]

    def literal(self, hint: str, text: str) -> str:
        value = self.one.by_slot[self._position]
        self._position += 1
        return self._own(value) if value != ANY else "None"

    def _own(self, value: str) -> str:
        """The text of a slot where it stands: in the method, a parameter is an attribute."""
        name = self.one.expressions.get(value)
        if not self._owner or name is None:
            return value
        self.stored[name] = None
        return f"self.{name}" if value == name else f"({value.replace(name, f'self.{name}')})"

    def block(self, index: int, *, anything: bool) -> str:
        callee, vector = self.of[index]
        start = self._position
        self._position += len(vector)
        arguments = []
        for parameter in callee.parameters:
            slots = parameter.slots
            slot = next((s for s in slots if self.one.by_slot[start + s] != ANY), slots[0])
            value = self.one.by_slot[start + slot]
            if not parameter.default:
                arguments.append(value)
            elif value not in (parameter.default, ANY):
                arguments.append(f"{parameter.name}={value}")
        free = next((a for a in arguments if a.isdecimal()), "None")
        return f"{callee.name}({', '.join(free if a == ANY else a for a in arguments)})"


def _simplified(statement: str) -> str:
    """A list of one element instead of a comprehension that makes one."""
    return _ONCE.sub(r"[\1]", _ONCE_STARRED.sub(r"\1", statement))
