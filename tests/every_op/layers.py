"""Samples of operations that own weights, read as layers: the sizes follow from the weights, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from dlc.ir.op import WeightSpec
from dlc.ir.types import TensorType
from every_op.cases import Case


def owned(case: Case) -> tuple[list[TensorType], list[WeightSpec]] | None:
    """The types of the weights of a sample, and the weights that its layer would own.

    None where no layer owns just these: some of them were left out that a layer has together.
    """
    op = case.op
    assert op.layer is not None
    assert op.sizes is not None
    canonical, _ = case.inferred()
    names = [o.name for o in op.operands]
    given: dict[str, TensorType | None] = dict(zip(names, case.types, strict=False))
    positional, wanted = _parameters(op.layer)
    weights, options = _parameters(op.sizes)
    recovered = op.sizes(*(given[w] for w in weights), **{o: canonical[o] for o in options})
    choices = {**canonical, **recovered}
    specs = op.layer(*(given[p] for p in positional if p in given), **{w: choices[w] for w in wanted if w in choices})
    if op.variadic:
        return [t for t in case.types[len(names) - 1:] if t is not None], list(specs.values())
    present = {name: t for name, t in given.items() if name not in positional and t is not None}
    if present.keys() != specs.keys():
        return None
    return [present[name] for name in specs], list(specs.values())


def _parameters(function: Callable[..., Any]) -> tuple[list[str], list[str]]:
    """The names of the positional and of the keyword-only parameters."""
    found = inspect.signature(function).parameters.values()
    return ([p.name for p in found if p.kind is not p.KEYWORD_ONLY],
            [p.name for p in found if p.kind is p.KEYWORD_ONLY])
