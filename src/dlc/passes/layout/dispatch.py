"""Which rule a node follows: from the facts that its operation declares, and a table where facts don't say it."""

from __future__ import annotations

from dlc.ir.graph import Apply
from dlc.passes.layout.axes import AxisRule, axis_names, one_axis, per_axis, reduced_axes
from dlc.passes.layout.rules import Elementwise, LinearRule, ReshapeRule, Rule, SpatialRule, TransposeRule

_AS_WRITTEN, _SPATIAL, _ELEMENTWISE, _AXIS = Rule(), SpatialRule(), Elementwise(), AxisRule(axis_names("axis"))
_REDUCTION = AxisRule(axis_names("axis"), reduced_axes)
_SELECTION = AxisRule(axis_names("axis"), one_axis)

_RULES: dict[str, Rule] = {
    **dict.fromkeys(("broadcast", "broadcast_to", "expand", "masked_fill", "ones_like", "zeros_like"), _ELEMENTWISE),
    **dict.fromkeys(("reshape", "flatten", "unflatten", "squeeze", "unsqueeze"), ReshapeRule()),
    **dict.fromkeys(("transpose", "swap_axes"), TransposeRule()),
    **dict.fromkeys(("argsort", "chunk", "concat", "flip", "repeat_interleave", "roll", "sort", "split",
                     "take_along_axis", "top_k"), _AXIS),
    **dict.fromkeys(("select", "unbind", "cosine_similarity"), _SELECTION),
    "slice": AxisRule(axis_names("axes")),
    "pad": AxisRule(per_axis("widths")),
    "tile": AxisRule(per_axis("repeats")),
    "linear": LinearRule(),
}


def rule(node: Apply) -> Rule:
    """The rule of a node; `Rule` itself, everything as written, for those that are not known better."""
    operation = node.op
    known = _RULES.get(operation.name)
    if known is not None:
        return known
    if operation.spatial:
        return _SPATIAL
    if operation.elementwise:
        return _ELEMENTWISE
    if operation.name == "gather":
        return _gather(node)
    if operation.name in ("layer_norm", "rms_norm"):
        return _norm(node)
    if operation.axis_attributes == ("axis",) and not operation.family.endswith("losses"):
        return _REDUCTION if len(node.outputs) == 1 and _shrinks(node) else _AXIS
    return _AS_WRITTEN


def _shrinks(node: Apply) -> bool:
    first = node.operands[0]
    return first is not None and node.output.type.rank < first.type.rank


def _gather(node: Apply) -> Rule:
    index = node.operands[1]
    rank = index.type.rank if index is not None else None
    return {0: _SELECTION, 1: _AXIS}.get(rank, _AS_WRITTEN) if rank is not None else _AS_WRITTEN


def _norm(node: Apply) -> Rule:
    """A norm over everything but the batch does not see the order of the axes, if its weights follow."""
    first = node.operands[0]
    whole = first is not None and node.attributes["axes"] == first.type.rank - 1
    return _ELEMENTWISE if whole else _AS_WRITTEN
