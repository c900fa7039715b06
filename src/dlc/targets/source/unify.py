"""One class per block of the source, although the graph holds every specialisation of it.

Specialisations of one template whose code differs only in marked literals become one class; the literals that differ
become constructor parameters, equal ones the same parameter. What a class calls is known before it, so a constructor
call inside it passes on values that may be parameters themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dlc.ir.graph import Graph
from dlc.targets.source.body import Line
from dlc.targets.source.code import literal, replace_marks
from dlc.targets.source.fragment import Fragment
from dlc.targets.source.names import class_name, identifier, unique

_SIZES = ("in_channels", "out_channels", "in_features", "out_features", "num_embeddings", "channels", "features",
          "width", "size", "filters", "units", "c", "dim")
"""Parameters that people give by position."""


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

    @property
    def graph(self) -> Graph:
        return self.fragments[0].graph


class Classes:
    """All classes of a program. Fragments are added callees first, then `settle` decides about parameters."""

    def __init__(self, reserved: Sequence[str]) -> None:
        self.all: dict[tuple[str, str], Class] = {}
        self.of: dict[int, tuple[Class, list[Slot]]] = {}
        self._names: set[str] = set(reserved)

    def add(self, index: int, fragment: Fragment) -> None:
        """Take the code of block number `index`."""
        vector: list[Slot] = []

        def block(inner: int) -> str:
            owner, slots = self.of[inner]
            vector.extend(slots)
            return f"\ue003{owner.name}\ue004"

        def mark(hint: str, text: str) -> str:
            vector.append(Slot(hint, text))
            return "\ue000"

        skeleton = "\n".join(replace_marks(t, mark, block) for t in fragment.texts)
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

    def settle(self) -> list[Class]:
        """Decide the parameters of every class; the classes in the order of their first fragment."""
        for one in self.all.values():
            _find_parameters(one)
        return list(self.all.values())


def _find_parameters(one: Class) -> None:
    groups: dict[tuple[str, ...], Parameter] = {}
    taken = {a for f in one.fragments for a in f.attributes}
    for position, hints in enumerate(zip(*one.vectors, strict=True)):
        values = tuple(slot.text for slot in hints)
        if len(set(values)) == 1:
            continue
        if values not in groups:
            name = unique(_hyper_parameter(one, values) or identifier(hints[0].hint), taken)
            taken.add(name)
            groups[values] = Parameter(name, [], values)
        groups[values].slots.append(position)
        one.by_slot[position] = groups[values].name
    for parameter in groups.values():
        parameter.default = _default(parameter)
    one.parameters = sorted(groups.values(), key=lambda p: bool(p.default))


def _hyper_parameter(one: Class, values: tuple[str, ...]) -> str | None:
    """The hyper-parameter of the block that has these values in the specialisations."""
    for name in one.graph.parameters:
        if name.isidentifier() and tuple(_text(f.graph.parameters.get(name)) for f in one.fragments) == values:
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


class Renderer:
    """Turns the marked code of a class into plain code; slots are counted in the order of the fragment's texts."""

    def __init__(self, one: Class, of: Mapping[int, tuple[Class, list[Slot]]]) -> None:
        self.one, self.of = one, of
        self._position = 0
        self.stored: dict[str, None] = {}
        """Parameters that the method reads, and that `__init__` therefore keeps."""

    def construction(self) -> list[str]:
        return [self._render(t, "") for t in self.one.fragments[0].construction]

    def lines(self) -> list[Line]:
        first = self.one.fragments[0].lines
        others = [f.lines for f in self.one.fragments[1:]]
        return [Line(self._render(line.text, "self."),
                     line.comment if all(o[i].comment == line.comment for o in others) else "")
                for i, line in enumerate(first)]

    def returned(self) -> list[str]:
        return [self._render(t, "self.") for t in self.one.fragments[0].returned]

    def _render(self, text: str, owner: str) -> str:
        return replace_marks(text, lambda hint, value: self._slot(value, owner), lambda index: self._construct(index))

    def _slot(self, value: str, owner: str) -> str:
        position = self._position
        self._position += 1
        name = self.one.by_slot.get(position)
        if name is None:
            return value
        if owner:
            self.stored[name] = None
        return owner + name

    def _construct(self, index: int) -> str:
        callee, vector = self.of[index]
        start = self._position
        self._position += len(vector)
        arguments = []
        for parameter in callee.parameters:
            slot = parameter.slots[0]
            value = self.one.by_slot.get(start + slot, vector[slot].text)
            if not parameter.default:
                arguments.append(value)
            elif value != parameter.default:
                arguments.append(f"{parameter.name}={value}")
        return f"{callee.name}({', '.join(arguments)})"
