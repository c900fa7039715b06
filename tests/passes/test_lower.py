"""Lowering: composites give way to what a target keeps, with the same meaning."""

import numpy as np
import pytest
from hypothesis import given, settings
from op_oracle import typed
from random_graphs import STEPS, Step, in_dlc

from dlc.diagnostics import Source, Span, Unsupported
from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Apply, Graph, Program, Value
from dlc.ir.op import Composite, Problem
from dlc.ir.verify import verify
from dlc.passes.base import FLAT, PRIMITIVE, BrokenClaim, Pass
from dlc.passes.dead import RemoveDead
from dlc.passes.lower import Lower, lower
from dlc.passes.share import Share


def random_program(steps: list[Step]) -> Program:
    graph = Graph("random")
    x, y = graph.add_input("x", typed("f32[2, 6]")), graph.add_input("y", typed("f32[2, 6]"))
    graph.add_output("z", in_dlc(Builder(graph), steps, [x, y])[-1])
    return Program(graph)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_lowered_to_primitives(steps: list[Step]) -> None:
    """Whatever the graph, only primitives are left, and the numbers are the same."""
    program = random_program(steps)
    lowered = lower(program)
    verify(lowered)
    assert PRIMITIVE.holds(lowered)
    arrays = {n: np.random.default_rng(i).uniform(-1, 1, (2, 6)) for i, n in enumerate("xy")}
    found, expected = (run(p, arrays, weights={}, precision="float64")["z"] for p in (lowered, program))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_what_is_kept_stays_whole() -> None:
    """A kept composite stays; what the others consist of is kept too where `keep` says so."""
    program = random_program([("softmax", (0,)), ("flip", (2,))])
    lowered = lower(program, lambda node: node.op.name == "softmax")
    assert [n.label for n in lowered.entry.nodes] == ["softmax", "slice"]


def test_origin_span_scope_name_and_doc() -> None:
    """The new nodes know which operation they came from, and where it stood; the result keeps its name."""
    span = Span(Source("m.dl", "flip(x)"), 0, 7)
    program = random_program([])
    graph = program.entry
    y = Builder(graph, span=span, scope="layer1").unflatten(graph.inputs[0], shape=[2, 3], axis=1)
    y.name, y.node.doc = "parts", "in two"
    graph.outputs = [y]
    (node,) = lower(program).entry.nodes
    assert (node.origin, node.span, node.scope, node.doc) == ("unflatten", span, "layer1", "in two")
    assert node.output.name == "parts"


def test_regions_are_lowered() -> None:
    """Composites inside regions are expanded as well."""
    region = Graph("then")
    region.add_output("y", Builder(region).softmax(region.add_input("x", typed("f32[3]"))))
    other = Graph("else")
    other.add_output("y", Builder(other).flip(other.add_input("x", typed("f32[3]"))))
    graph = Graph("main")
    p, x = graph.add_input("p", typed("bool")), graph.add_input("x", typed("f32[3]"))
    graph.add_output("y", Builder(graph).apply("cond", p, x, regions=[region, other]))
    lowered = lower(Program(graph))
    verify(lowered)
    assert not any(isinstance(n, Apply) and isinstance(n.op, Composite) for n in lowered.entry.walk())


def test_dead_and_shared_nodes_go() -> None:
    """Equal nodes are merged, unread ones removed; dropouts are never merged, as they differ in training."""
    graph = Graph("main")
    x = graph.add_input("x", typed("f32[3]"))
    b = Builder(graph)
    b.exp(b.sin(x))
    one, two = b.add(b.tanh(x), 1.0), b.add(1.0, b.tanh(x))
    graph.add_output("y", b.mul(one, two))
    graph.add_output("z", b.sub(b.dropout(x, p=0.5), b.dropout(x, p=0.5)))
    program = Program(graph)
    small = RemoveDead()(Share()(program, verified=True), verified=True)
    assert sorted(n.label for n in small.entry.nodes) == [
        "add", "constant", "dropout", "dropout", "mul", "sub", "tanh"]


class _Stubborn(Composite):
    """Has a body for no type."""

    name = "stubborn"

    def body(self, b: Builder, x: Value) -> Value:
        raise Problem("the number of steps must be known", expected="a number", found="T")


def test_a_body_that_cannot_be_written_is_refused_at_its_place() -> None:
    """Where a body cannot be written for the types, the complaint stands at the node's place in the source."""
    span = Span(Source("m.dl", "stubborn(x)"), 0, 11)
    graph = Graph("main")
    x = graph.add_input("x", typed("f32[T]"))
    graph.add_output("y", graph.insert(Apply(_Stubborn(), [x], [x.type], span=span)).output)
    with pytest.raises(Unsupported, match="number of steps") as caught:
        lower(Program(graph))
    assert caught.value.diagnostics[0].span == span


class _Liar(Pass):
    """Claims to inline, does nothing."""

    ensures = (FLAT,)

    def transform(self, program: Program) -> Program:
        return program


def test_claims_are_checked() -> None:
    """A pass that breaks its promise is named."""
    block = Graph("B")
    block.add_output("y", block.add_input("x", typed("f32")))
    graph = Graph("main")
    graph.add_output("y", Builder(graph).call(block, "b", graph.add_input("x", typed("f32")))[0])
    with pytest.raises(BrokenClaim, match="_Liar promised"):
        _Liar()(Program(graph))
    assert Lower().name == "Lower"
