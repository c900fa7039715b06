"""docs/ops.md and `dlc ops NAME`: every operation described from its declaration."""

from __future__ import annotations

from dlc.ir.op import Composite, ControlFlow, Op, Primitive, all_ops
from dlc.ir.spell import spell
from dlc.targets import target, target_names


def ops_page() -> str:
    """The whole reference of operations, by family, in Markdown."""
    ops = all_ops()
    families: dict[str, list[Op]] = {}
    for op in ops.values():
        families.setdefault(op.family, []).append(op)
    counts = {kind: sum(isinstance(o, kind) for o in ops.values()) for kind in (Primitive, Composite, ControlFlow)}
    lines = [
        "# Operations", "",
        "Generated from the declarations in `src/dlc/ops` by `dlc ops --markdown`; do not edit.", "",
        f"{len(ops)} operations: {counts[Primitive]} primitives, {counts[Composite]} composites (defined by simpler "
        f"ones), {counts[ControlFlow]} with run-time control flow.", "",
    ]
    for family, members in sorted(families.items()):
        lines += [f"## {family}", ""]
        for op in members:
            lines += [describe(op), ""]
    return "\n".join(lines).rstrip() + "\n"


def describe(op: Op) -> str:
    """One operation: how it is called, what it means, what it takes, what each target does with it."""
    lines = [f"### {op.name}", "", f"`{signature(op)}`", "", op.doc, ""]
    if op.attributes:
        lines += ["| argument | takes | default |", "|---|---|---|"]
        lines += [f"| {a.name} | {a.kind.text.replace('|', 'or')} | {'required' if a.required else spell(a.default)} |"
                  for a in op.attributes]
        lines.append("")
    status = ", ".join(f"{name}: {target(name).table.status(op)}" for name in target_names())
    lines.append(f"{_kind(op)}. {status}.")
    return "\n".join(lines)


def signature(op: Op) -> str:
    """`linear(x, features, bias=true)`: tensors, then sizes, then options with their defaults."""
    weights = {"weight", "bias"} if op.layer is not None else set()
    parts = [f"*{o.name}" if o.variadic else f"{o.name}=none" if o.optional else o.name for o in op.operands
             if not (op.layer is not None and (o.name in weights or o.variadic))]
    for parameter in op.layer_parameters:
        required = parameter.default is parameter.empty
        parts.append(parameter.name if required else f"{parameter.name}={spell(parameter.default)}")
    parts += [a.name if a.required else f"{a.name}={spell(a.default)}" for a in op.attributes]
    return f"{op.name}({', '.join(parts)})" + (" @label" if op.layer is not None else "")


def _kind(op: Op) -> str:
    if isinstance(op, Composite):
        return "Composite"
    return "Control flow" if isinstance(op, ControlFlow) else "Primitive"
