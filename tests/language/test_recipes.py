"""`train` sections become recipes: plain data with the defaults of the schema filled in."""

from __future__ import annotations

import pytest

from dlc.diagnostics import Source
from dlc.ir.op import is_op
from dlc.language import check, load, train_schema
from dlc.language.recipes import Function, Recipe, Reference

MODEL = """dl 1
model VAE(width: int = 8, beta: float = 0.5) {
  input x: f32[N, 8]
  input h: f32[N, 4] = zeros
  layer fc = linear(8)
  output y: f32[N, 8] = fc(x)
  output mean = y[:, 0:4] + h
  output state = mean
}
"""


def recipe(body: str) -> Recipe:
    """The only recipe of the model with this body."""
    (found,) = load(Source("test.dl", f"{MODEL}train quick for VAE {{\n{body}\n}}\n")).recipes
    assert isinstance(found, Recipe)
    return found


def codes(body: str) -> list[str]:
    """The codes of what is wrong with a body."""
    return [d.code for d in check(Source("test.dl", f"{MODEL}train VAE {{\n{body}\n}}\n"))]


REST = '  data = npz("a.npz")\n  optimizer = adamw(lr=1e-3 / 2)\n'


def test_values() -> None:
    """Keys keep their order; calls hold tensors by position and arguments by name, with defaults."""
    found = recipe(
        REST + '  loss = mse_loss(y, data.x, reduction="mean")\n  steps = width * 100\n  metrics = [mae(y, x)]\n'
    )
    assert (found.name, found.model, list(found.entries)) == (
        "quick",
        "VAE",
        ["data", "optimizer", "loss", "steps", "metrics"],
    )
    loss = found.entries["loss"]
    assert loss == Function("mse_loss", (Reference("output", "y"), Reference("data", "x")), (("reduction", "mean"),))
    assert found.entries["optimizer"]["lr"] == 5e-4
    assert found.entries["optimizer"]["weight_decay"] == 0.01
    assert found.entries["steps"] == 800
    assert found.entries["metrics"][0].values == (Reference("output", "y"), Reference("input", "x"))


def test_losses_are_expressions() -> None:
    """A loss may add and scale terms."""
    found = recipe(REST + "  loss = mse_loss(y, x) + beta * sum(mean ** 2)\n").entries["loss"]
    assert found.name == "add"
    assert found.values[1] == Function(
        "mul", (0.5, Function("sum", (Function("pow", (Reference("output", "mean"), 2)),)))
    )


def test_carry() -> None:
    """States are pairs of an output and an input of one type."""
    body = REST + "  loss = mse_loss(y, x)\n"
    assert recipe(body + "  carry = [(state, h)]\n").entries["carry"] == (
        (Reference("output", "state"), Reference("input", "h")),
    )
    assert codes(body + "  carry = [(y, h)]\n") == ["E0412"]
    assert codes(body + "  carry = [(h, state)]\n") == ["E0412"]


@pytest.mark.parametrize("key", ["optimizer", "schedule", "callbacks", "metrics", "data"])
def test_every_function_of_the_schema(key: str) -> None:
    """Each function can be called with the arguments it needs, and refuses one that it does not have."""
    samples = {
        train_schema.TEXT: '"a"',
        train_schema.COUNT: "3",
        train_schema.FRACTION: "0.5",
        train_schema.POSITIVE: "0.5",
    }
    table = train_schema.KEYS[key]
    assert not isinstance(table, train_schema.Want)
    for name, function in table.items():
        needed = [
            f"{p.name}={samples.get(p.want, '[1, 2]')}"
            for p in function.parameters
            if p.default is train_schema.REQUIRED
        ]
        given = ["y", "x"][: function.tensors] + needed
        base = {"data": 'npz("a.npz")', "loss": "mse_loss(y, x)", "optimizer": "sgd(lr=0.1)"}
        for extra, expected in ((), []), (("nothing=1",), ["E0404"]):
            call = f"{name}({', '.join([*given, *extra])})"
            entries = {**base, key: f"[{call}]" if key in train_schema.LISTS else call}
            assert codes("\n".join(f"  {k} = {v}" for k, v in entries.items())) == expected, call


def test_names_of_the_schema() -> None:
    """Hints lead to names that exist."""
    assert all(meant in train_schema.KEYS for meant in train_schema.HABITS.values())
    known = {
        p.name
        for t in train_schema.KEYS.values()
        if not isinstance(t, train_schema.Want)
        for f in t.values()
        for p in f.parameters
    }
    assert all(meant in known for meant in train_schema.ARGUMENT_HABITS.values())


def test_hints_for_names_from_elsewhere() -> None:
    """What an operation is called elsewhere leads to an operation that exists."""
    from dlc.language.elaborate import habits

    meant = {m for m in habits.CALLS.values() if m.isidentifier()}
    assert sorted(m for m in meant if not is_op(m)) == []
