"""Reads the entries of a `train` section against the schema and the names of its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlc.diagnostics import Collector, Label, Span, suggestion
from dlc.ir.graph import Program
from dlc.ir.op import is_op, op
from dlc.language import ast, train_schema
from dlc.language.elaborate.context import Mistake, head
from dlc.language.elaborate.operators import compile_time
from dlc.language.recipe_values import (
    UNKNOWN,
    Function,
    Reference,
    argument_hint,
    declarations,
    default_of,
    key_span,
    losses,
    shown,
    some,
)
from dlc.language.train_schema import KEYS, LISTS, REQUIRED, Want

_OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow"}


class Reader:
    """Reads one section against the schema and the names of its model."""

    def __init__(
        self, model: ast.ModelDecl, program: Program | None, arguments: Mapping[str, Any], report: Collector
    ) -> None:
        self.report, self.program = report, program
        self.hypers = {p.name: arguments.get(p.name, default_of(p)) for p in model.hypers}
        if program is not None:
            self.hypers.update(program.entry.parameters)
        declared = list(declarations(model.body))
        self.outputs = [n.name for n in declared if isinstance(n, ast.OutputDecl)]
        self.inputs = [n.name for n in declared if isinstance(n, ast.InputDecl)]
        self.fields: tuple[str, ...] | None = None
        self.model = model.name

    def read(self, node: ast.TrainDecl) -> tuple[dict[str, Any], dict[str, Span]] | None:
        """The values and places by key, or None after reporting what is wrong."""
        values: dict[str, Any] = {}
        spans: dict[str, Span] = {}
        clean = True
        for entry in sorted(node.entries, key=lambda e: e.key != "data"):
            try:
                if entry.key in spans:
                    raise Mistake(
                        "E0401",
                        f"`{entry.key}` is given twice",
                        entry.span,
                        expected="each key once",
                        labels=(Label(spans[entry.key], "the first one"),),
                    )
                spans[entry.key] = entry.span
                values[entry.key] = self.entry(entry)
            except Mistake as mistake:
                self.report.add(mistake.diagnostic)
                clean = False
        clean = self._whole(node, spans, values) and clean
        ordered = {e.key: values[e.key] for e in node.entries if e.key in values}
        return (ordered, spans) if clean else None

    def _whole(self, node: ast.TrainDecl, spans: Mapping[str, Span], values: Mapping[str, Any]) -> bool:
        """What the keys need of one another. Reports E0408, E0411."""
        place = head(node.span, node.model)
        missing = [k for k in train_schema.NEEDED if k not in spans]
        if missing:
            self.report.error(
                "E0408",
                f"the recipe lacks {' and '.join(f'`{m}`' for m in missing)}",
                place,
                expected=", ".join(train_schema.NEEDED),
                found=", ".join(spans) or "no keys",
                hint="a recipe names its data, its loss and its optimizer",
            )
        if "epochs" in spans and "steps" in spans:
            self.report.error(
                "E0411",
                "`epochs` and `steps` both say how long to train",
                spans["steps"],
                expected="one of them",
                labels=(Label(spans["epochs"], "the other one"),),
            )
        return not missing and not ("epochs" in spans and "steps" in spans)

    def entry(self, entry: ast.Entry) -> Any:
        """The checked value of a key. Raises Mistake E0400 to E0407, E0412."""
        want = KEYS.get(entry.key)
        if want is None:
            meant = train_schema.HABITS.get(entry.key)
            hint = suggestion(entry.key, KEYS)
            if meant is not None:
                hint = (
                    "it is an argument of the optimizer: `optimizer = adam(lr=1e-3)`"
                    if meant == "optimizer" and "l" in entry.key[:1]
                    else f"it is called `{meant}` here"
                )
            raise Mistake(
                "E0400",
                f"a recipe has no `{entry.key}`",
                key_span(entry),
                expected=some(KEYS),
                found=entry.key,
                hint=hint,
            )
        if isinstance(want, Want):
            value = (
                self.loss(entry.value)
                if entry.key == "loss"
                else self.carry(entry)
                if entry.key == "carry"
                else self.value(entry.value)
            )
            self._need(value, want, f"`{entry.key}`", entry.value.span)
            return value
        if entry.key not in LISTS:
            found = self.call(entry.value, want, entry.key)
            if entry.key == "data" and isinstance(found, Function):
                self.fields = train_schema.DATA[found.name].fields
            return found
        items = entry.value.items if isinstance(entry.value, (ast.List, ast.Tuple)) else (entry.value,)
        return tuple([self.call(item, want, entry.key) for item in items])

    # --- calls of the schema ---

    def call(self, node: ast.Expr, known: Mapping[str, train_schema.Function], key: str) -> Any:
        """A call of one of the functions that a key takes. Raises E0402, E0403."""
        name = node.name if isinstance(node, ast.Name) else None
        if isinstance(node, ast.Call) and isinstance(node.callee, ast.Name):
            name = node.callee.name
        if name is None:
            shown = ", ".join(list(known)[:6])
            raise Mistake(
                "E0402",
                f"`{key}` takes a call",
                node.span,
                expected=f"one of {shown}, ...",
                found=node.span.text[:60],
                hint=f"without quotes, with arguments: `{next(iter(known))}(...)`"
                if isinstance(node, ast.Str)
                else None,
            )
        declared = known.get(name)
        if declared is None:
            folded = next((n for n in known if n.replace("_", "") == name.replace("_", "").lower()), None)
            raise Mistake(
                "E0403",
                f"there is no {key.removesuffix('s')} `{name}`",
                node.span,
                expected=some(known),
                found=name,
                hint=f"did you mean `{folded}`?" if folded else suggestion(name, known),
            )
        return self._arguments(declared, node.args if isinstance(node, ast.Call) else (), node.span)

    def _arguments(self, declared: train_schema.Function, nodes: Sequence[ast.Argument], span: Span) -> Function:
        parameters = {p.name: p for p in declared.parameters}
        tensors: list[Any] = []
        given: dict[str, Any] = {}
        queue = [p.name for p in declared.parameters]
        for node in nodes:
            if node.name is None and len(tensors) < declared.tensors:
                tensors.append(self.tensor(node.value))
                continue
            name = node.name if node.name is not None else queue.pop(0) if queue else None
            if name is None:
                raise Mistake(
                    "E0406",
                    f"`{declared.name}` is given too many values",
                    node.span,
                    found="one more",
                    expected=", ".join(parameters) or "no arguments",
                )
            if name not in parameters:
                raise Mistake(
                    "E0404",
                    f"`{declared.name}` has no argument `{name}`",
                    node.span,
                    found=name,
                    expected=", ".join(parameters) or "no arguments",
                    hint=argument_hint(name, parameters),
                )
            if name in given:
                raise Mistake("E0406", f"`{name}` is given twice", node.span, expected="each argument once")
            queue = [q for q in queue if q != name]
            given[name] = self.value(node.value)
            self._need(given[name], parameters[name].want, f"`{name}` of `{declared.name}`", node.span)
        missing = [p.name for p in declared.parameters if p.default is REQUIRED and p.name not in given]
        if len(tensors) < declared.tensors:
            raise Mistake(
                "E0405",
                f"`{declared.name}` compares two tensors",
                span,
                found=f"{len(tensors)}",
                expected=f"{declared.name}({self.outputs[0] if self.outputs else 'y'}, data.label)",
            )
        if missing:
            raise Mistake(
                "E0405",
                f"`{declared.name}` needs `{missing[0]}`",
                span,
                found="nothing",
                expected=f"{missing[0]}: {parameters[missing[0]].want.text}",
            )
        return Function(
            declared.name, tuple(tensors), tuple((p.name, given.get(p.name, p.default)) for p in declared.parameters)
        )

    def _need(self, value: Any, want: Want, what: str, span: Span) -> None:
        if value is UNKNOWN or (isinstance(value, tuple) and UNKNOWN in value) or want.admits(value):
            return
        raise Mistake("E0402", f"{what} cannot be this", span, expected=want.text, found=shown(value))

    # --- losses, tensors, values ---

    def loss(self, node: ast.Expr) -> Any:
        """An expression of operations on outputs, inputs and data. Raises E0403, E0404, E0407, E0402."""
        if isinstance(node, ast.Binary) and node.op in _OPERATORS:
            return Function(_OPERATORS[node.op], (self.loss(node.left), self.loss(node.right)))
        if isinstance(node, ast.Unary) and node.op == "-":
            return Function("neg", (self.loss(node.operand),))
        if isinstance(node, (ast.Int, ast.Float)):
            return node.value
        if isinstance(node, ast.Call):
            return self._operation(node)
        return self.tensor(node)

    def _operation(self, node: ast.Call) -> Function:
        name = node.callee.name if isinstance(node.callee, ast.Name) else node.callee.span.text
        if not is_op(name):
            near = suggestion(name, losses()) or suggestion(name, [f"{name}_loss"] if is_op(f"{name}_loss") else [])
            raise Mistake(
                "E0403",
                f"there is no loss or operation `{name}`",
                node.callee.span,
                expected=some(losses()),
                found=name,
                hint=near or "`dlc ops` lists the operations",
            )
        operation = op(name)
        tensors: list[Any] = []
        arguments: dict[str, Any] = {}
        operands = [o.name for o in operation.operands]
        for argument in node.args:
            if argument.name is None or argument.name in operands:
                tensors.append(self.loss(argument.value))
            elif argument.name not in operation.attribute:
                known = [*operands, *operation.attribute]
                raise Mistake(
                    "E0404",
                    f"`{name}` has no argument `{argument.name}`",
                    argument.span,
                    found=argument.name,
                    expected=", ".join(known),
                    hint=argument_hint(argument.name, known),
                )
            else:
                arguments[argument.name] = self._attribute(operation.name, argument)
        if len(tensors) > len(operands) and not operation.variadic:
            raise Mistake(
                "E0406",
                f"`{name}` is given too many tensors",
                node.span,
                expected=", ".join(operands),
                found=str(len(tensors)),
            )
        needed = [o.name for o in operation.operands if not o.optional and not o.variadic]
        if len(tensors) < len(needed):
            raise Mistake(
                "E0405",
                f"`{name}` needs `{needed[len(tensors)]}`",
                node.span,
                expected=", ".join(needed),
                found=str(len(tensors)),
            )
        return Function(operation.name, tuple(tensors), tuple(arguments.items()))

    def _attribute(self, name: str, argument: ast.Argument) -> Any:
        assert argument.name is not None
        value = self.value(argument.value)
        kind = op(name).attribute[argument.name].kind
        if value is not UNKNOWN and value is not None and "ax" not in kind.text:
            try:
                kind.canonical(value, 1)
            except ValueError as error:
                raise Mistake(
                    "E0402",
                    f"`{argument.name}` of `{name}` cannot be this",
                    argument.span,
                    expected=str(error),
                    found=shown(value),
                ) from None
        return value

    def tensor(self, node: ast.Expr) -> Reference | Any:
        """An output or input of the model, or a field of the data. Raises E0407."""
        if isinstance(node, ast.Field) and isinstance(node.base, ast.Name) and node.base.name == "data":
            if self.fields is not None and node.name not in self.fields:
                raise Mistake(
                    "E0407",
                    f"the data has no field `{node.name}`",
                    node.span,
                    found=node.name,
                    expected=", ".join(f"data.{f}" for f in self.fields),
                    hint=suggestion(node.name, self.fields),
                )
            return Reference("data", node.name)
        if isinstance(node, ast.Name):
            if node.name in self.outputs or node.name in self.inputs:
                return Reference("output" if node.name in self.outputs else "input", node.name)
            if node.name in self.hypers:
                return self.hypers[node.name]
            raise Mistake(
                "E0407",
                f"`{self.model}` has no output or input `{node.name}`",
                node.span,
                found=node.name,
                expected=", ".join([*self.outputs, *self.inputs, "data.<field>"]),
                hint=suggestion(node.name, [*self.outputs, *self.inputs]),
            )
        if isinstance(node, ast.Call):
            return self._operation(node)
        raise Mistake(
            "E0407",
            "this is no tensor",
            node.span,
            expected="an output, an input or `data.<field>`",
            found=node.span.text[:60],
        )

    def carry(self, entry: ast.Entry) -> Any:
        """Pairs of an output and the input that it becomes in the next step. Raises E0412."""
        items = entry.value.items if isinstance(entry.value, ast.List) else (entry.value,)
        pairs: list[Any] = []
        for item in items:
            if not isinstance(item, ast.Tuple) or len(item.items) != 2:
                raise Mistake(
                    "E0412",
                    "`carry` takes pairs of an output and an input",
                    item.span,
                    found=item.span.text[:60],
                    expected="[(output, input), ...]",
                )
            first, second = (self.tensor(i) for i in item.items)
            for reference, source, place in ((first, "output", item.items[0]), (second, "input", item.items[1])):
                if not isinstance(reference, Reference) or reference.source != source:
                    known = self.outputs if source == "output" else self.inputs
                    raise Mistake(
                        "E0412",
                        f"this is no {source} of `{self.model}`",
                        place.span,
                        found=place.span.text,
                        expected=f"(output, input) with one of {', '.join(known)}",
                    )
            self._same_type(first, second, item)
            pairs.append((first, second))
        return tuple(pairs)

    def _same_type(self, first: Reference, second: Reference, item: ast.Expr) -> None:
        if self.program is None:
            return
        graph = self.program.entry
        a = next((v for n, v in zip(graph.output_names, graph.outputs, strict=True) if n == first.name), None)
        b = next((v for v in graph.inputs if v.name == second.name), None)
        if a is not None and b is not None and a.type != b.type:
            labels = tuple(
                Label(v.span, f"{n}: {v.type}") for n, v in ((first.name, a), (second.name, b)) if v.span is not None
            )
            raise Mistake(
                "E0412",
                f"`{first.name}` cannot become `{second.name}` in the next step",
                item.span,
                expected=str(b.type),
                found=str(a.type),
                labels=labels,
            )

    def value(self, node: ast.Expr) -> Any:
        """A compile-time value: literals, hyper-parameters and arithmetic of them. Raises E0407 for other names."""
        if isinstance(node, (ast.Int, ast.Float, ast.Str, ast.Bool)):
            return node.value
        if isinstance(node, ast.Nothing):
            return None
        if isinstance(node, (ast.List, ast.Tuple)):
            return tuple([self.value(i) for i in node.items])
        if isinstance(node, ast.Unary) and node.op == "-":
            value = self.value(node.operand)
            return value if value is UNKNOWN else compile_time("-", 0, value, node.span)
        if isinstance(node, ast.Binary):
            left, right = self.value(node.left), self.value(node.right)
            return UNKNOWN if left is UNKNOWN or right is UNKNOWN else compile_time(node.op, left, right, node.span)
        if isinstance(node, ast.Name) and node.name in self.hypers:
            return self.hypers[node.name]
        if isinstance(node, ast.Name):
            raise Mistake(
                "E0407",
                f"`{self.model}` has no hyper-parameter `{node.name}`",
                node.span,
                found=node.name,
                expected=", ".join(self.hypers) or "a literal value",
                hint=suggestion(node.name, self.hypers) or f'a string stands in quotes: "{node.name}"',
            )
        raise Mistake(
            "E0402",
            "this is no value",
            node.span,
            expected="a number, a string, a list or a hyper-parameter",
            found=node.span.text[:60],
        )
