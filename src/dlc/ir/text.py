"""The text of a graph, which is the language itself: `parse(print_program(p))` elaborates to the same program.

Blocks are printed callees first, with the types that they were specialised for and no hyper-parameters; values keep
their names; a value that only the next step reads is piped into it; calls `h.0 ... h.n` in a row become `repeat`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dlc.ir.dim import Expr, names
from dlc.ir.graph import Apply, Call, Graph, Node, Program, Value, Weight
from dlc.ir.op import ControlFlow, is_op
from dlc.ir.spell import (
    KEYWORDS,
    arguments,
    explicit_call,
    initializer,
    is_identifier,
    label,
    layer_call,
    layer_label,
    owned,
    quoted,
    spell,
)

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "equal": "==", "not_equal": "!=", "less": "<",
         "less_equal": "<=", "greater": ">", "greater_equal": ">="}
_WIDTH = 110


def print_program(program: Program, *, weights: str | None = None) -> str:
    """The program as a `.dl` source. weights: the path of the weight file to name in it."""
    head = ["dl 1"]
    if program.layout is not None:
        head.append(f"layout {program.layout}")
    if weights is not None:
        head.append(f"weights {quoted(weights)}")
    parts = ["\n".join(head)]
    opened: dict[Graph, list[str]] = {}
    for graph in program.graphs():
        parts.append("\n".join(_Printer(graph, program, opened).lines()))
    return "\n\n".join(parts) + "\n"


class _Namer:
    """Names that are free in one graph; regions share it with the graph around them."""

    def __init__(self, sizes: Iterable[str], program: Program) -> None:
        self.taken = set(sizes) | KEYWORDS | {g.name for g in program.graphs()}

    def fresh(self, wanted: str, *, exact: bool = False) -> str:
        """A free name like the wanted one. exact: an operation's name will do, as no call can mean this value."""
        base = "".join(c if c.isalnum() and c.isascii() else "_" for c in wanted).strip("_") or "x"
        base = f"v{base}" if base[0].isdigit() else base
        base = f"{base}_" if is_op(base) and not exact else base
        name, number = base, 2
        while name in self.taken:
            name, number = f"{base}{number}", number + 1
        self.taken.add(name)
        return name


def _values(graph: Graph) -> Iterable[Value]:
    yield from graph.inputs
    yield from graph.weights.values()
    for node in graph.walk():
        yield from node.outputs


def _sizes(graph: Graph, opened: Mapping[Graph, list[str]]) -> set[str]:
    """The named sizes in a graph: in types, in attributes, and those that it gives to blocks."""
    found = {n for v in _values(graph) for n in _names_in(v.type.shape)}
    for node in graph.walk():
        if isinstance(node, Call):
            found.update(opened[node.block])
        elif isinstance(node, Apply):
            found.update(_names_in(tuple(node.attributes.values())))
    return found


def _names_in(value: object) -> Iterable[str]:
    if isinstance(value, Expr):
        yield from names(value)
    elif isinstance(value, tuple):
        for part in value:
            yield from _names_in(part)


class _Printer:
    """Prints one graph, or one region of it."""

    def __init__(self, graph: Graph, program: Program, opened: dict[Graph, list[str]],
                 outer: _Printer | None = None) -> None:
        self.graph, self.program, self.layout = graph, program, program.layout
        self.opened = opened  # the sizes that no input of a block says: it takes them as hyper-parameters
        if outer is None:
            sizes = _sizes(graph, opened)
            opened[graph] = sorted(sizes - {n for v in graph.inputs for n in _names_in(v.type.shape)})
            self.namer = _Namer(sizes, program)
        else:
            self.namer = outer.namer
        self.names: dict[Value, str] = dict(outer.names) if outer else {}
        self.declared: dict[str, str] = dict(outer.declared) if outer else {}
        self.owners: dict[str, list[Apply]] = outer.owners if outer else {}
        self.out: list[str] = []
        self.indent: str = f"{outer.indent}  " if outer else "  "
        self.pending: tuple[Value, list[str]] | None = None

    # --- whole graphs ---------------------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """The lines of a block, or of the model for the entry."""
        entry = self.graph is self.program.entry
        lines = [f"## {text}".rstrip() for text in self.graph.doc.splitlines()]
        for value in self.graph.inputs:
            self.names[value] = self.namer.fresh(value.name, exact=True)
        if entry:
            lines.append(f"model {self.graph.name} {{")
            self._inputs()
        else:
            given = ", ".join(f"{self.names[v]}: {v.type}" for v in self.graph.inputs)
            types = [str(v.type) for v in self.graph.outputs]
            result = types[0] if len(types) == 1 else f"({', '.join(types)})"
            sizes = ", ".join(f"{name}: int" for name in self.opened[self.graph])
            lines.append(f"block {self.graph.name}{f'({sizes})' if sizes else ''} ({given}) -> {result} {{")
        self._weights()
        self._nodes()
        self._results(entry)
        return [*lines, *self.out, "}"]

    def _inputs(self) -> None:
        for value in self.graph.inputs:
            self.out += [f"{self.indent}## {text}".rstrip() for text in value.doc.splitlines()]
            default = "" if value.default is None else f" = {spell(value.default)}"
            self._line(f"input {self.names[value]}: {value.type}{default}")
        for assumption in self.program.assumptions:
            message = f", {quoted(assumption.message)}" if assumption.message else ""
            self._line(f"{'assert' if message else 'assume'} {assumption}{message}")

    def _weights(self) -> None:
        """Weights that no layer makes are declared; layers that are used more than once, or by others, get a name."""
        owners: dict[str, list[Apply]] = self.owners
        instances: dict[str, list[Call]] = {}
        for node in self.graph.walk():
            if isinstance(node, Call):
                instances.setdefault(node.instance, []).append(node)
            elif isinstance(node, Apply) and layer_call(node, self.layout) is not None:
                same = owners.setdefault(layer_label(node) or "", [])
                if not same or (same[0].op is node.op and owned(same[0]) == owned(node)):
                    same.append(node)
        place = {node: position for position, node in enumerate(self.graph.nodes)}
        for path, nodes in list(owners.items()):
            users = {user for weight in owned(nodes[0]).values() for user in weight.users if user in place}
            if nodes[0] in place and any(place[user] < place[nodes[0]] for user in users):
                del owners[path]  # a layer's weights have no name before its first call
        homes = {w: name for name, nodes in owners.items() for w in owned(nodes[0]).values()}
        for path, weight in self.graph.weights.items():
            if (name := homes.get(weight)) is not None:
                foreign = any(user not in owners[name] for user in weight.users)
                if name not in self.declared and (foreign or len(owners[name]) > 1):
                    self._declare(name, self._layer_text(owners[name][0]))
                if name in self.declared:
                    self.names[weight] = f"{self.declared[name]}.{path[len(name) + 1:]}"
                continue
            self._parameter(path, weight)
        for name, calls in instances.items():
            if name and len(calls) > 1:
                sizes = ", ".join(self.opened[calls[0].block])
                self._declare(name, f"{calls[0].block.name}({sizes})" if sizes else calls[0].block.name)

    def _declare(self, path: str, text: str) -> None:
        name = self.namer.fresh(f"{path}_layer" if path in self.graph.output_names else path)
        self.declared[path] = name
        self._line(f"layer {name} = {text}" + ("" if name == path else f" {label(path)}"))

    def _parameter(self, path: str, weight: Weight) -> None:
        name = self.namer.fresh(path)
        self.names[weight] = name
        word = "state" if weight.state else "param"
        frozen = {} if weight.trainable or weight.state else {"trainable": False}
        start = initializer(weight.initializer, call=name != path, **frozen)
        where = "" if name == path else f" {label(path)}"
        self._line(f"{word} {name}: {weight.type} = {start}{where}")

    def _results(self, entry: bool) -> None:
        if not entry:
            values = [self._last(v) if len(self.graph.outputs) == 1 else self._operand(v) for v in self.graph.outputs]
            self._line(f"return {', '.join(values)}")
            return
        self._keep()
        for name, value, doc in zip(self.graph.output_names, self.graph.outputs, self.graph.output_docs, strict=True):
            self.out += [f"{self.indent}## {text}".rstrip() for text in doc.splitlines()]
            only = len(self.graph.outputs) == 1
            self._line(f"output {name}: {value.type} = {self._last(value) if only else self._operand(value)}")

    def _keep(self) -> None:
        """An output takes its name away from another value that has it; one that is an output after that is renamed."""
        before: dict[str, Value] = {}
        self.namer.taken.update(self.graph.output_names)
        for name, value in zip(self.graph.output_names, self.graph.outputs, strict=True):
            if before.get(self.names.get(value, ""), value) is not value:
                text = self._operand(value)
                self.names[value] = self.namer.fresh(text)
                self._line(f"{self.names[value]} = {text}")
            before.setdefault(name, value)

    # --- nodes ----------------------------------------------------------------------------------------------------

    def _nodes(self) -> None:
        nodes = list(self.graph.nodes)
        position = 0
        while position < len(nodes):
            node = nodes[position]
            length = _repeated(nodes, position)
            if length > 1:
                assert isinstance(node, Call)
                self._chain(nodes[position + length - 1], node.operands[0],
                            f"repeat {length} {self._block_call(node, node.instance.rpartition('.')[0])}", ())
            else:
                self._node(node)
            position += length

    def _node(self, node: Node) -> None:
        if isinstance(node, Call):
            if node.instance in self.declared:
                self._chain(node, node.operands[0], self.declared[node.instance], node.operands[1:])
                return
            self._chain(node, node.operands[0] if node.operands else None, self._block_call(node, node.instance), ())
            return
        assert isinstance(node, Apply)
        if isinstance(node.op, ControlFlow):
            self._control(node)
        elif node.op.name == "constant" and _inlined(node):
            return
        elif node.op.name == "select" and node.operands[0] is not None:
            place = ", ".join([*[":"] * node.attributes["axis"], spell(node.attributes["index"])])
            self._assign(node, f"{self._operand(node.operands[0])}[{place}]")
        elif node.op.name in INFIX and _infix_allowed(node):
            left, right = (self._operand(v) for v in node.operands if v is not None)
            self._assign(node, f"{left} {INFIX[node.op.name]} {right}")
        else:
            self._apply(node)

    def _block_call(self, node: Call, instance: str) -> str:
        """A call as it stands after a pipe: without its first operand."""
        rest = ", ".join([*(self._operand(v) for v in node.operands[1:] if v is not None), *self.opened[node.block]])
        text = f"{node.block.name}({rest})" if rest or not node.operands else node.block.name
        return f"{text} {label(instance)}" if instance else text

    def _apply(self, node: Apply) -> None:
        first = node.operands[0] if node.operands else None
        stage = self._stage(node)
        if first is None or node.op.operands[0].variadic or isinstance(first, Weight):
            self._assign(node, self._call(node))
        else:
            self._chain(node, first, stage, ())

    def _stage(self, node: Apply) -> str:
        """The call without its first operand, as it stands after a pipe."""
        name = layer_label(node)
        owner = name is not None and node in self.owners.get(name, ())
        if owner and name in self.declared:
            rest = [self._operand(v) for v in node.operands[1:] if v is not None and not isinstance(v, Weight)]
            return f"{self.declared[name]}({', '.join(rest)})" if rest else self.declared[name]
        text = self._layer_text(node).removesuffix("()")
        return f"{text} {label(name)}" if owner and name is not None else text

    def _call(self, node: Apply) -> str:
        given = self._arguments(node, list(node.operands))
        return f"{node.op.name}({', '.join(given)})"

    def _layer_text(self, node: Apply) -> str:
        """The call without its first operand; a layer that owns its weights by its sizes, others with their weights."""
        operands = [None, *node.operands[1:]]
        name = layer_label(node)
        made = layer_call(node, self.layout) if node in self.owners.get(name or "", ()) else None
        if made is not None:
            own = set(owned(node).values())
            operands = [None if v in own else v for v in operands]
            while operands[-1:] == [None]:
                operands.pop()
        elif node.op.layer is not None:
            made = explicit_call(node, self.layout)
        return f"{node.op.name}({', '.join(self._arguments(node, operands, made))})"

    def _arguments(self, node: Apply, operands: Sequence[Value | None],
                   attributes: list[tuple[str, str]] | None = None) -> list[str]:
        """Operands by position as far as none is left out, by name after that; then attributes.

        Before operands without a name, of which there is any number, `none` stands for one that is left out.
        """
        fixed = len(node.op.operands) - node.op.variadic
        by_name = False
        given: list[str] = []
        named: list[str] = []
        for position, value in enumerate(operands):
            if value is None:
                by_name = by_name or (position > 0 and len(operands) <= fixed)
                if not by_name and position > 0:
                    given.append("none")
                continue
            text = self._operand(value)
            weight_named = isinstance(value, Weight) and node.op.layer is not None
            if position >= fixed or not (by_name or weight_named):
                given.append(text)
            else:
                named.append(f"{node.op.operands[position].name}={text}")
        pairs = attributes if attributes is not None else arguments(node, self.layout)
        return given + [text for n, text in pairs if not n] + named + [f"{n}={text}" for n, text in pairs if n]

    def _control(self, node: Apply) -> None:
        self._flush()
        operands = [self._operand(v) for v in node.operands if v is not None]
        targets = ", ".join(self._name(v) for v in node.outputs)
        if node.op.name == "cond":
            then, otherwise = (self._region(r, operands[1:]) for r in node.regions)
            self._line(f"{targets} = cond {operands[0]} {{")
            self.out += [*then, f"{self.indent}}} else {{", *otherwise]
        elif node.op.name == "while":
            condition, body = node.regions
            inner = self._named(body, operands, len(node.outputs))
            heads = ", ".join(f"{n} = {o}" for n, o in zip(inner[:len(node.outputs)], operands, strict=False))
            self._line(f"{targets} = while ({heads}) {self._nested(condition, inner)} {{")
            self.out += self._region(body, inner)
        else:
            states, sequences = node.attributes["states"], node.attributes["sequences"]
            inner = self._named(node.regions[0], operands, states + sequences)
            pairs = [f"{n} = {o}" for n, o in zip(inner, operands, strict=False)]
            axis = f" axis={node.attributes['axis']}" if node.attributes["axis"] else ""
            self._line(f"{targets} = scan ({', '.join(pairs[:states])}) over "
                       f"({', '.join(pairs[states:states + sequences])}){axis} {{")
            self.out += self._region(node.regions[0], inner)
        self._line("}")

    def _named(self, region: Graph, operands: Sequence[str], own: int) -> list[str]:
        """Names of the inputs of a region: new ones for its own, those around it for what it captures."""
        return [self.namer.fresh(v.name) for v in region.inputs[:own]] + list(operands[own:])

    def _region(self, region: Graph, inputs: Sequence[str]) -> list[str]:
        inner = _Printer(region, self.program, self.opened, self)
        inner.names.update(zip(region.inputs, inputs, strict=True))
        inner._nodes()
        values = [inner._last(v) if len(region.outputs) == 1 else inner._operand(v) for v in region.outputs]
        inner._line(", ".join(values))
        return inner.out

    def _nested(self, region: Graph, inputs: Sequence[str]) -> str:
        """A region as one expression."""
        inner = _Printer(region, self.program, self.opened, self)
        inner.names.update(zip(region.inputs, inputs, strict=True))
        for node in region.nodes:
            assert isinstance(node, Apply)
            infix = node.op.name in INFIX and len(node.operands) == 2
            parts = [inner._operand(v) for v in node.operands if v is not None]
            if not (node.op.name == "constant" and _inlined(node)):
                spelled = f"({parts[0]} {INFIX[node.op.name]} {parts[1]})" if infix else inner._call(node)
                inner.names[node.output] = spelled
        text = inner._operand(region.outputs[0])
        return text[1:-1] if text.startswith("(") and text.endswith(")") else text

    # --- statements and chains ------------------------------------------------------------------------------------

    def _operand(self, value: Value) -> str:
        if self.pending is not None and self.pending[0] is value:
            self._flush()
        if value not in self.names and isinstance(value.node, Apply) and value.node.op.name == "constant":
            return spell(value.node.attributes["value"])
        return self.names[value]

    def _last(self, value: Value) -> str:
        """The only result: the chain that makes it, where it is still open."""
        if self.pending is not None and self.pending[0] is value:
            stages, self.pending = self.pending[1], None
            return _join(stages, self.indent)
        self._flush()
        return self._operand(value)

    def _name(self, value: Value) -> str:
        if value not in self.names:
            wanted = value.name
            if not wanted and isinstance(value.node, Apply) and len(value.node.outputs) > 1:
                wanted = value.node.op.outputs[min(value.index, len(value.node.op.outputs) - 1)]
            self.names[value] = self.namer.fresh(wanted if is_identifier(wanted) else wanted or "x")
        return self.names[value]

    def _assign(self, node: Node, text: str) -> None:
        self._flush()
        self._line(f"{', '.join(self._name(v) for v in node.outputs)} = {text}")

    def _chain(self, node: Node, first: Value | None, stage: str, rest: Sequence[Value | None]) -> None:
        """Append a stage to the chain that makes its first operand, or begin a new one."""
        others = [self._operand(v) for v in rest if v is not None]
        if others:
            stage = f"{stage}({', '.join(others)})"
        if first is None:
            self._assign(node, stage)
            return
        if self.pending is not None and self.pending[0] is first:
            stages = [*self.pending[1], stage]
            self.pending = None
        else:
            stages = [self._operand(first), stage]
            self._flush()
        if len(node.outputs) == 1 and _piped(node.output, self.graph):
            self.pending = node.output, stages
            return
        self._line(f"{', '.join(self._name(v) for v in node.outputs)} = {_join(stages, self.indent)}")

    def _flush(self) -> None:
        if self.pending is not None:
            value, stages = self.pending
            self.pending = None
            self._line(f"{self._name(value)} = {_join(stages, self.indent)}")

    def _line(self, text: str) -> None:
        self.out.append(f"{self.indent}{text}")


def _join(stages: Sequence[str], indent: str) -> str:
    line = " |> ".join(stages)
    if len(line) + len(indent) <= _WIDTH:
        return line
    return f"\n{indent}  |> ".join(stages)


def _piped(value: Value, graph: Graph) -> bool:
    """Whether a value may live in a pipe only: unnamed, read once, as the first operand, and no output."""
    if value.name and value.name not in _labels(value):
        return False
    if value in graph.outputs:
        return len(graph.outputs) == 1 and not value.uses
    if len(value.uses) != 1:
        return False
    ((user, position),) = value.uses
    return position == 0 and user.graph is graph


def _labels(value: Value) -> tuple[str, ...]:
    """The names that the node of a value has given it: those of its layer or instance."""
    if isinstance(value.node, Call):
        return value.node.instance, value.node.instance.rpartition(".")[2]
    path = layer_label(value.node) if isinstance(value.node, Apply) else None
    return () if path is None else (path, path.rpartition(".")[2])


def _inlined(node: Apply) -> bool:
    """Whether a constant is written where it is used: a scalar that every reader takes beside a tensor of its type."""
    value = node.output
    if value.type.rank or not value.uses or (node.graph is not None and value in node.graph.outputs):
        return False
    return all(isinstance(user, Apply) and user.op.name in INFIX and len(user.operands) == 2
               and _partner_decides(user, position) for user, position in value.uses)


def _partner_decides(user: Apply, position: int) -> bool:
    value, other = user.operands[position], user.operands[1 - position]
    return (value is not None and other is not None and other.type.dtype == value.type.dtype
            and not (isinstance(other.node, Apply) and other.node.op.name == "constant"))


def _infix_allowed(node: Apply) -> bool:
    """Operators take equal ranks, or a scalar or a weight on the shorter side."""
    left, right = node.operands
    if left is None or right is None:
        return False
    shorter = min(left, right, key=lambda v: v.type.rank)
    return left.type.rank == right.type.rank or shorter.type.rank == 0 or isinstance(shorter, Weight)


def _repeated(nodes: Sequence[Node], start: int) -> int:
    """How many calls from `start` on are `h.0`, `h.1`, ... of one block, each fed by the one before."""
    first = nodes[start]
    if not isinstance(first, Call) or len(first.outputs) != 1 or not first.operands:
        return 1
    if not first.instance.endswith(".0"):
        return 1
    stem, length, last = first.instance.removesuffix("0"), 1, first
    for node in nodes[start + 1:]:
        fed = isinstance(node, Call) and node.block is first.block and node.instance == f"{stem}{length}" \
            and node.operands[0] is last.output and node.operands[1:] == first.operands[1:]
        if not fed or len(last.output.uses) != 1:
            break
        assert isinstance(node, Call)
        last, length = node, length + 1
    return length
