"""The plan of a run."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from runtime.programs import perceptron, straight_programs

from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program, Value
from dlc.ir.types import F32, TensorType
from dlc.runtime.engines.reference import ArenaRun
from dlc.runtime.plan import Plan, plan_program

MATRIX = TensorType(F32, (16, 16))


def planned(*names: str, keep: int | None = None) -> Plan:
    """The plan of a chain of unary operations on a matrix; `keep` makes an inner value an output too."""
    graph = Graph("chain")
    value: Value = graph.add_input("x", MATRIX)
    values = []
    for name in names:
        value = Builder(graph).apply(name, value)
        values.append(value)
    graph.add_output("y", value)
    if keep is not None:
        graph.add_output("kept", values[keep])
    return plan_program(Program(graph), {})


def how(plan: Plan) -> list[str]:
    return [row["place"] for row in plan.rows()]


def test_an_elementwise_chain_takes_one_place() -> None:
    """A result takes the place of an operand that ends there, but never that of an input."""
    plan = planned("tanh", "neg", "exp")
    assert how(plan) == ["arena", "in place", "in place"]
    assert plan.peak == plan.bound == 1024


def test_a_value_that_is_read_later_keeps_its_place() -> None:
    """What is still an output is not overwritten."""
    plan = planned("tanh", "neg", keep=0)
    assert how(plan) == ["arena", "arena"]
    assert plan.peak == 2048


def test_a_reshape_shares_the_place_of_its_operand() -> None:
    """The same elements in another shape are a view; of an input, a view of what the caller owns."""
    graph = Graph("views")
    x = graph.add_input("x", MATRIX)
    b = Builder(graph)
    graph.add_output("a", b.reshape(x, shape=[256]))
    graph.add_output("b", b.reshape(b.tanh(x), shape=[256]))
    plan = plan_program(Program(graph), {})
    assert [(r["operation"], r["place"], r["offset"]) for r in plan.rows()] == [
        ("reshape", "outside", None), ("tanh", "arena", 0), ("reshape", "view", 0)]


def test_a_view_keeps_its_memory_alive() -> None:
    """A place is not reused while a view of it is still read."""
    graph = Graph("views")
    x = graph.add_input("x", MATRIX)
    b = Builder(graph)
    first = b.tanh(x)
    flat = b.reshape(first, shape=[256])
    other = b.exp(first)
    graph.add_output("y", b.add(b.reshape(other, shape=[256]), flat))
    plan = plan_program(Program(graph), {})
    assert [r["place"] for r in plan.rows() if r["operation"] == "exp"] == ["arena"]


def test_broadcasting_operands_are_not_overwritten() -> None:
    """An operand of another shape than the result cannot lend its place."""
    graph = Graph("row")
    x = graph.add_input("x", TensorType(F32, (16,)))
    b = Builder(graph)
    row = b.tanh(x)
    graph.add_output("y", b.add(b.broadcast_to(b.neg(x), shape=[16, 16]), row))
    rows = plan_program(Program(graph), {}).rows()
    assert [r["place"] for r in rows if r["operation"] == "add"] == ["in place"]
    assert rows[-1]["offset"] != next(r["offset"] for r in rows if r["operation"] == "tanh")


@settings(deadline=None, max_examples=120)
@given(straight_programs())
def test_running_in_the_arena_gives_the_results(program: Program) -> None:
    """Whatever the plan shares, each output is what the reference says; and the peak is never below the bound."""
    plan = plan_program(program, {})
    assert plan.peak >= plan.bound
    rng = np.random.default_rng(1)
    inputs = {v.name: rng.normal(size=(3, 4)).astype(np.float32) for v in program.entry.inputs}
    expected = run(program, inputs, weights={})
    results = ArenaRun(plan, {})(list(inputs.values()))
    for result, want in zip(results, expected.values(), strict=True):
        np.testing.assert_array_equal(result, want)


@settings(deadline=None, max_examples=80)
@given(straight_programs())
def test_places_of_living_values_are_apart(program: Program) -> None:
    """Two values with places of their own never share a byte between being made and being read last."""
    plan = plan_program(program, {})
    made = {v: i for i, s in enumerate(plan.steps) for v in s.outputs}
    last = {v: i for i, s in enumerate(plan.steps) for v in s.operands if v is not None}
    last |= {v: len(plan.steps) for v in plan.graph.outputs}
    own = [v for v in made if plan.placements[v].how == "arena"]
    for a, b in combinations(own, 2):
        if made[a] <= last.get(b, made[b]) and made[b] <= last.get(a, made[a]):
            at_a, at_b = plan.placements[a], plan.placements[b]
            assert at_a.offset is not None
            assert at_b.offset is not None
            assert at_a.offset + at_a.nbytes <= at_b.offset or at_b.offset + at_b.nbytes <= at_a.offset


def test_the_table_shows_the_peak_beside_the_bound() -> None:
    """People see each step with its type and place, and what the whole takes."""
    program, _ = perceptron()
    text = plan_program(program, {"N": 3}).table()
    assert "f32[3, 4]" in text
    assert "arena: 64 bytes; at least 64 are needed at once" in text
