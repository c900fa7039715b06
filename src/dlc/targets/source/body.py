"""The statements of one graph, as a person would break them: short chains of calls in one line, one name a thought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dlc.diagnostics import Diagnostic, Unsupported
from dlc.ir.dim import Dim
from dlc.ir.graph import Apply, Graph, Input, Node, Value, Weight
from dlc.ir.graph import Call as BlockCall
from dlc.targets.source.code import Code, either, plain
from dlc.targets.source.dialect import Dialect, Layer, Result, Several, Site, scalar
from dlc.targets.source.dims import UnknownSize
from dlc.targets.source.layers import Member, carried
from dlc.targets.source.layout import LIMIT
from dlc.targets.source.marks import forget
from dlc.targets.source.names import identifier, is_plain, unique
from dlc.targets.source.reconcile import Optional
from dlc.targets.source.scope import FOREVER, Scope
from dlc.targets.source.steps import Nesting, Step, is_cheap, own_name, reads

WIDTH = 88
"""Statements that would be longer with another call inside get a variable instead."""
INDENT = "    "


@dataclass
class Line:
    """A statement, and the comment at its end, which is left out where specialisations differ in it."""

    text: str
    comment: str = ""


@dataclass
class Members:
    """The members of the class that functions write `self.` for."""

    root: Member
    layer_of: dict[Node, tuple[Member, Layer]] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)
    """Constructors of modules without weights, by attribute name."""
    optional: Mapping[Node, Optional] = field(default_factory=dict)


class Body:
    """Writes one graph as the body of a function.

    members is None for a plain function, whose weights are then variables given with `bind`.
    """

    def __init__(self, graph: Graph, dialect: Dialect, members: Members | None, *, outer: Body | None = None,
                 nest: bool = True) -> None:
        self.graph, self.dialect, self.members, self.outer = graph, dialect, members, outer
        self.lines: list[Line] = []
        self.indent = ""
        self.nest = nest
        self._nesting = Nesting(graph, dialect, members.optional if members is not None else {},
                                inner=outer is not None)
        self._upfront: dict[Dim, None] = {}
        self._returned: list[Code] = []
        self._helpers: dict[str, None] = outer._helpers if outer is not None else {}
        self.scope: Scope = Scope({}, (), dialect.axis)

    # --- what writers ask of the function around them -------------------------------------------------------------

    @property
    def is_method(self) -> bool:
        return self.members is not None

    @property
    def helpers(self) -> list[str]:
        return list(self._helpers)

    @property
    def any_tensor(self) -> str:
        held = [n for n, v in self.scope.holder.items() if v is not None and self.scope.names.get(v) == n]
        return held[0] if held else ""

    def helper(self, source: str) -> None:
        self._helpers[source.strip("\n")] = None

    def owned(self, name: str, constructor: str) -> Code:
        assert self.members is not None, "a plain function owns no modules"
        extra = self.members.extra
        for known, text in extra.items():
            if text == constructor:
                return Code(f"self.{known}")
        chosen = unique(name, {*extra, *self.members.root.children, *self.dialect.unsafe})
        extra[chosen] = constructor
        return Code(f"self.{chosen}")

    def fresh(self, name: str) -> str:
        return self.scope.hold(name)

    def emit(self, *lines: str) -> None:
        self.lines += [Line(self.indent + line) for line in lines]

    def size(self, dim: Dim, hint: str, prefer: Sequence[Value | None]) -> Code:
        leaves = [leaf for v in prefer if v is not None
                  for leaf in (self._leaves(self._step_of[v]) if v in self._inline else [v])]
        return self.scope.size(dim, hint, leaves)

    def region(self, graph: Graph, operands: Sequence[str]) -> tuple[list[str], list[Code]]:
        inner = Body(graph, self.dialect, self.members, outer=self)
        inner.nest = self.nest
        return inner._as_region(operands)

    def text(self, value: Value) -> Code:
        """The expression of a value: its name, or the whole expression where it is nested."""
        if value in self.scope.names:
            return Code(self.scope.names[value])
        if isinstance(value, Weight):
            return Code(self._weight(value))
        number = scalar(value)
        if number is not None:
            return self.dialect.constant(number, value.type, self)
        step = self._step_of[value]
        result = self._expression(step)
        assert isinstance(result, str), f"{value!r} is one of several outputs and needs a name"
        return result if isinstance(result, Code) else Code(result)

    def _weight(self, weight: Weight) -> str:
        assert self.members is not None, f"the weight {weight.path} has no variable"
        parts = weight.path.split(".")
        for end in range(len(parts) - 1, 0, -1):
            owner = self.members.root.find(".".join(parts[:end]))
            if owner is not None and (owner.is_module or owner.block is not None):
                node = owner.layer[0] if owner.layer else None
                if parts[end] not in owner.children:
                    return self.dialect.weight(self.access(owner.path), owner, ".".join(parts[end:]), node)
        return self.access(weight.path)

    def access(self, path: str) -> str:
        """A member as an expression: `self.stage[0].conv`."""
        assert self.members is not None
        return access(self.dialect, self.members.root, path)

    # --- statements -----------------------------------------------------------------------------------------------

    def write(self, arguments: Sequence[tuple[Value, str]]) -> list[Line]:
        """All statements with the return; `arguments` are the values that the caller gives, by name."""
        for _ in range(len(self.graph) + len(self.graph.outputs) + 3):
            try:
                self._write(arguments)
                self._now = FOREVER
                self._returned = [self.text(v) for v in self.graph.outputs]
                self._check_return()
                return self.lines
            except _TooLong as wide:
                self._nesting.kept.update(wide.values)
            except UnknownSize as unknown:
                self._need_upfront(unknown.dim)
        raise AssertionError("statements did not settle")

    def _need_upfront(self, dim: Dim) -> None:
        if dim in self._upfront:
            raise Unsupported(Diagnostic("E0603", f"the size {dim} in `{self.graph.name}` cannot be computed from its "
                                         "inputs", self.graph.span, expected="sizes that occur in an input's shape",
                                         found=str(dim)))
        self._upfront[dim] = None

    def _write(self, arguments: Sequence[tuple[Value, str]]) -> None:
        self.lines = []
        self._prepare()
        optional = [(v, n) for v, n in arguments if isinstance(v, Input) and v.default is not None]
        for value, name in arguments:
            if (value, name) in optional:
                self.scope.holder[name] = None
            else:
                self.scope.bind(value, name)
        for value, name in optional:
            self._fill_in(value, name)
        for dim in self._upfront:
            text = self.scope.size(dim, "size", [])
            name = self.scope.hold(_size_name(dim))
            self.emit(f"{name} = {text}")
            self.scope.sizes[dim] = name
        for at, step in enumerate(self._statements):
            self._statement(step, at)

    def _fill_in(self, value: Value, name: str) -> None:
        """`if h0 is None: h0 = zeros`."""
        assert isinstance(value, Input)
        assert value.default is not None
        text = self.dialect.filled(value.default, value.type, self)
        self.emit(f"if {name} is None:", f"{INDENT}{name} = {text}")
        self.scope.bind(value, name)

    def returns(self) -> list[Code]:
        """The expressions of the outputs, once the statements are written."""
        return self._returned

    def _prepare(self) -> None:
        steps = list(self._steps())
        self._step_of = {v: s for s in steps for n in s.nodes for v in n.outputs}
        self._inline = self._nesting.choose(steps) if self.nest else set()
        self._statements = [s for s in steps if not self._is_nested(s)]
        last: dict[Value, int] = {}
        for at, step in enumerate(self._statements):
            for value in self._leaves(step):
                last[value] = at
        for value in self.graph.outputs:
            for leaf in self._leaves(self._step_of[value]) if value in self._inline else [value]:
                last[leaf] = FOREVER
        reserved = set(self.dialect.reserved)
        if self.outer is not None:
            reserved |= set(self.outer.scope.holder) | self.outer.scope.reserved
        self.scope = Scope(last, reserved, self.dialect.axis)
        if self.outer is not None:
            self.scope.sizes = dict(self.outer.scope.sizes)
            self.scope.names = dict(self.outer.scope.names)

    def _steps(self) -> Iterable[Step]:
        chains = [m for m in self.members.root.walk() if m.chain] if self.members is not None else []
        inside = {n: m for m in chains for n in m.chain if n.graph is self.graph}
        for node in self.graph.nodes:
            member = inside.get(node)
            if member is None:
                yield Step([node])
            elif node is member.chain[-1]:
                yield Step(list(member.chain), member)

    def _is_nested(self, step: Step) -> bool:
        return len(step.last.outputs) == 1 and (
            step.last.outputs[0] in self._inline or scalar(step.last.outputs[0]) is not None)

    def _leaves(self, step: Step) -> Iterable[Value]:
        """The values with names that the statement of a step reads."""
        for value in reads(step):
            if value in self._inline:
                yield from self._leaves(self._step_of[value])
            elif scalar(value) is None:
                yield value

    # --- one statement --------------------------------------------------------------------------------------------

    def _statement(self, step: Step, at: int) -> None:
        self._now = at
        if step.chain is not None and not self.dialect.is_sequence(step.chain):
            self._loop(step, at)
            return
        result = self._expression(step)
        outputs = step.last.outputs
        if isinstance(result, Several) or len(outputs) > 1:
            several = result if isinstance(result, Several) else Several(result)
            if several.assigned:
                for value, name in zip(outputs, several.assigned, strict=True):
                    self.scope.bind(value, name)
                return
            pattern = several.pattern or ", ".join(f"{{{i}}}" for i in range(len(outputs)))
            targets = self._targets(step, at)
            text = f"{pattern.format(*targets)} = {several.expression}"
        else:
            (target,) = self._targets(step, at)
            if result == target:
                return
            text = f"{target} = {result}"
        self._check_width(step, text)
        self.lines.append(Line(self.indent + text, self._comment(step)))

    def _targets(self, step: Step, at: int) -> list[str]:
        """Names for the outputs of a step, bound to them; `_` for one that nobody reads."""
        targets: list[str] = []
        for value in step.last.outputs:
            if not value.uses and value not in self.graph.outputs and len(step.last.outputs) > 1:
                targets.append("_")
                continue
            name = self.scope.choose(self._candidates(value, step), at)
            self.scope.bind(value, name)
            targets.append(name)
        return targets

    def _candidates(self, value: Value, step: Step) -> Iterable[str]:
        follow, hops = value, 0
        while not own_name(follow) and len(follow.uses) == 1 and follow.users[0].outputs and hops < 40:
            follow, hops = follow.users[0].outputs[0], hops + 1
        if own_name(follow):
            yield own_name(follow)
        elif any(follow is v for v in self.graph.outputs):
            yield from [self.graph.output_names[self.graph.outputs.index(follow)]]
        first = next((v for v in reads(step) if v in self.scope.names), None)
        if first is not None and self.scope.last.get(first, -1) <= self._now and first.type.rank == value.type.rank:
            yield self.scope.names[first]
        yield from ("x", "y", "z", "h")

    def _check_width(self, step: Step, text: str) -> None:
        if len(self.indent) + len(plain(text)) <= WIDTH:
            return
        nested = [v for v in reads(step) if v in self._inline]
        long = [v for v in nested if not is_cheap(v)]
        if not long and len(self.indent) + len(plain(text)) <= LIMIT - 2 * len(INDENT):
            return
        if nested:
            raise _TooLong(nested if len(nested) > 2 else (long or nested)[:1])

    def _check_return(self) -> None:
        """What is returned fits into a line, or else has names."""
        text = ", ".join(map(plain, self._returned))
        long = [v for v in self.graph.outputs if v in self._inline and not is_cheap(v)]
        if long and len(text) > LIMIT - len("return ") - 2 * len(INDENT):
            raise _TooLong(long)

    def _comment(self, step: Step) -> str:
        """The shape, where it is not the one that came in."""
        value = step.last.outputs[0]
        first = next((v for v in self._leaves(step) if not isinstance(v, Weight)), None)
        if len(step.last.outputs) > 1 or first is None or value.type.rank < 3 or self.outer is not None:
            return ""
        before, after = first.type, value.type
        if before.rank == after.rank and (after.rank == 3 or before.shape[2:] == after.shape[2:]):
            return ""
        return f"[{', '.join(map(str, value.type.shape))}]"

    def _expression(self, step: Step) -> Result:
        node = step.last
        if step.chain is not None:
            return self._call(self.access(step.chain.path), step.first, step)
        if self.members is not None and node in self.members.optional:
            return self._optional(node, self.members.optional[node])
        return self._plain(node, step)

    def _plain(self, node: Node, step: Step) -> Result:
        if isinstance(node, BlockCall):
            return self._call(self.access(node.instance), node, step)
        assert isinstance(node, Apply)
        site = Site(node, self)
        if self.members is not None and node in self.members.layer_of:
            member, layer = self.members.layer_of[node]
            return layer.call(site, self.access(member.path))
        return self.dialect.write(site)

    def _optional(self, node: Node, choice: Optional) -> Result:
        """A module that may be an identity is called; of anything else, the expression or its operand is chosen."""
        passing = node.operands[choice.passing]
        assert passing is not None
        operand = self.text(passing)
        if isinstance(choice.like, BlockCall):
            return Code(f"{self.access(choice.like.instance)}({operand})")
        assert self.members is not None
        if choice.like in self.members.layer_of:
            member, layer = self.members.layer_of[choice.like]
            assert isinstance(node, Apply)
            return layer.call(Site(node, self), self.access(member.path))
        text = self._plain(node, Step([node]))
        assert isinstance(text, str)
        return either(choice.present, choice.hint, text if choice.present else forget(text), operand)

    def _call(self, module: str, node: Node, step: Step) -> Result:
        if isinstance(node, Apply):
            assert self.members is not None
            return self.members.layer_of[node][1].call(Site(node, self), module)
        assert isinstance(node, BlockCall)
        given = ["None" if v is None else self.text(v) for v in node.operands]
        return Code(f"{module}({', '.join(given)})")

    def _loop(self, step: Step, at: int) -> None:
        """`for block in self.h: x = block(x, mask)`."""
        assert step.chain is not None
        count = carried(step.first)
        starts = [v for v in step.first.operands[:count] if v is not None]
        texts = [self.text(v) for v in starts]
        names: list[str] = []
        for start, text, value in zip(starts, texts, step.last.outputs, strict=True):
            name = self.scope.choose([text] if text.isidentifier() else self._candidates(value, step), at)
            if name != text:
                self.emit(f"{name} = {text}")
            self.scope.bind(start, name)
            names.append(name)
        item = self.scope.hold(_singular(step.chain.name))
        result = self._call(item, step.first, step)
        assert isinstance(result, str)
        self.emit(f"for {item} in {self.access(step.chain.path)}:", f"{INDENT}{', '.join(names)} = {result}")
        for value, name in zip(step.last.outputs, names, strict=True):
            self.scope.bind(value, name)

    def _as_region(self, operands: Sequence[str]) -> tuple[list[str], list[Code]]:
        lines = self.write(list(zip(self.graph.inputs, operands, strict=True)))
        return [line.text for line in lines], self.returns()


class _TooLong(Exception):
    """A statement is too long with these values inside."""

    def __init__(self, values: Sequence[Value]) -> None:
        super().__init__(values)
        self.values = values


def access(dialect: Dialect, root: Member, path: str) -> str:
    """A member of `self` as an expression."""
    text, member = "self", root
    for part in path.split("."):
        child = member.children[part]
        if member is not root and (member.is_list or member.is_dictionary):
            text = dialect.element(text, member, part)
        elif is_plain(part) and part not in dialect.unsafe:
            text = f"{text}.{part}"
        else:
            text = dialect.element(text, member, part)
        member = child
    return text


def _size_name(dim: Dim) -> str:
    text = str(dim)
    return {"N": "batch", "B": "batch", "T": "length", "H": "height", "W": "width"}.get(
        text, identifier(text.lower(), "size") if text.isidentifier() else "size")


def _singular(name: str) -> str:
    known = {"h": "block", "blocks": "block", "layers": "layer", "layer": "layer", "stages": "stage", "stage": "stage"}
    return known.get(name) or (name[:-1] if name.endswith("s") and len(name) > 3 else "block")
