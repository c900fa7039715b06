"""Random graphs of smooth operations, built twice: in dlc, and as the same computation in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st

import dlc.ops  # noqa: F401  (declares every operation)
from dlc.ir.build import Builder
from dlc.ir.graph import Value

Step = tuple[str, tuple[int, ...]]
"""An operation below and the values (by number) that it reads; numbers count modulo the values that exist."""

ONE: dict[str, tuple[Callable[[Builder, Value], Any], Callable[[Any], Any]]] = {
    "tanh": (lambda b, x: b.tanh(x), torch.tanh),
    "sin": (lambda b, x: b.sin(x), torch.sin),
    "sigmoid": (lambda b, x: b.sigmoid(x), torch.sigmoid),
    "exp": (lambda b, x: b.exp(b.tanh(x)), lambda x: torch.exp(torch.tanh(x))),
    "square": (lambda b, x: b.mul(x, x), lambda x: x * x),
    "log": (lambda b, x: b.log(b.add(b.mul(x, x), 1.0)), lambda x: torch.log(x * x + 1)),
    "softmax": (lambda b, x: b.softmax(x, axis=-1), lambda x: torch.softmax(x, -1)),
    "gelu": (lambda b, x: b.gelu(x), torch.nn.functional.gelu),
    "centre": (lambda b, x: b.sub(x, b.mean(x, axis=0, keepdims=True)), lambda x: x - x.mean(0, keepdim=True)),
    "sum": (lambda b, x: b.broadcast(b.sum(x, axis=1, keepdims=True), x),
            lambda x: x.sum(1, keepdim=True).expand_as(x)),
    "twist": (lambda b, x: b.reshape(b.transpose(x, axes=[1, 0]), shape=x.type.shape), lambda x: x.T.reshape(x.shape)),
    "flip": (lambda b, x: b.flip(x, axis=1), lambda x: torch.flip(x, [1])),
    "shift": (lambda b, x: b.pad(b.slice(x, starts=[1], stops=[None], axes=[1]), widths=[(0, 0), (1, 0)]),
              lambda x: torch.nn.functional.pad(x[:, 1:], (1, 0))),
    "fold": (lambda b, x: b.rearrange(x, pattern="a (b c) -> a (c b)", b=3),
             lambda x: x.reshape(x.shape[0], 3, -1).transpose(1, 2).reshape(x.shape)),
}
TWO: dict[str, tuple[Callable[[Builder, Value, Value], Any], Callable[[Any, Any], Any]]] = {
    "add": (lambda b, x, y: b.add(x, y), lambda x, y: x + y),
    "mul": (lambda b, x, y: b.mul(x, y), lambda x, y: x * y),
    "div": (lambda b, x, y: b.div(x, b.add(b.exp(y), 1.0)), lambda x, y: x / (torch.exp(y) + 1)),
    "matmul": (lambda b, x, y: b.tanh(b.matmul(b.matmul(x, b.transpose(y, axes=[1, 0])), x)),
               lambda x, y: torch.tanh(x @ y.T @ x)),
    "concat": (lambda b, x, y: b.slice(b.concat(x, y, axis=0), starts=[1], stops=[1 + x.type.shape[0]]),
               lambda x, y: torch.cat([x, y])[1:1 + x.shape[0]]),
    "where": (lambda b, x, y: b.where(b.greater(x, 0.1), x, y), lambda x, y: torch.where(x > 0.1, x, y)),
}

STEPS = st.lists(st.one_of(
    st.tuples(st.sampled_from(sorted(ONE)), st.tuples(st.integers(0, 9))),
    st.tuples(st.sampled_from(sorted(TWO)), st.tuples(st.integers(0, 9), st.integers(0, 9)))), min_size=1, max_size=8)


def in_dlc(b: Builder, steps: list[Step], values: list[Value]) -> list[Value]:
    """All values, the given ones first; all have the type of the first."""
    made = list(values)
    for name, operands in steps:
        chosen = [made[i % len(made)] for i in operands]
        made.append({**ONE, **TWO}[name][0](b, *chosen))  # type: ignore[operator]
    return made


def in_torch(steps: list[Step], values: list[Any]) -> list[Any]:
    """The same in PyTorch."""
    made = list(values)
    for name, operands in steps:
        chosen = [made[i % len(made)] for i in operands]
        made.append({**ONE, **TWO}[name][1](*chosen))  # type: ignore[operator]
    return made
