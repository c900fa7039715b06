"""What can be known of a value without running anything."""

from __future__ import annotations

from typing import Any

from dlc.ir.graph import Apply, Value

_STRETCHED = ("broadcast_to", "broadcast", "expand", "reshape", "tile")


def uniform(value: Value | None) -> Any:
    """The number that all elements of a value are, None where that is not known."""
    while value is not None and isinstance(value.node, Apply):
        node = value.node
        if node.op.name in ("constant", "full"):
            return _only(node.attributes["value"])
        if node.op.name in ("zeros", "zeros_like"):
            return 0
        if node.op.name in ("ones", "ones_like"):
            return 1
        if node.op.name not in _STRETCHED:
            return None
        value = node.operands[0]
    return None


def _only(value: Any) -> Any:
    """The one number in nested tuples, None where there are several or none."""
    if not isinstance(value, tuple):
        return value
    found = {_only(v) for v in value}
    return found.pop() if len(found) == 1 else None
