"""The graph keeps its use-lists, its order and its names, and the verifier sees when something does not."""

from __future__ import annotations

import numpy as np
import pytest

import dlc.ops  # noqa: F401, declares the operations
from dlc.diagnostics import DlcError
from dlc.ir.build import Builder
from dlc.ir.dim import name
from dlc.ir.evaluate import SizeMismatch, bind, run
from dlc.ir.graph import Apply, Graph, Program, Weight
from dlc.ir.op import Initializer, Problem
from dlc.ir.types import F32, I64, TensorType
from dlc.ir.verify import verify

N = name("N")


def _double(name_: str = "double") -> Graph:
    """A block y = x * w + x with one weight `w`."""
    graph = Graph(name_)
    x = graph.add_input("x", TensorType(F32, (N, 3)))
    w = graph.add_weight(Weight(TensorType(F32, (3,)), path="w", initializer=Initializer("ones")))
    b = Builder(graph)
    graph.add_output("y", b.add(b.mul(x, w), x))
    return graph


def _program() -> Program:
    """The block called twice as `a`, once as `b`."""
    block, entry = _double(), Graph("Model")
    x = entry.add_input("x", TensorType(F32, (N, 3)))
    b = Builder(entry)
    for instance in ("a", "a", "b"):
        (x,) = b.call(block, instance, x)
    entry.add_output("y", x)
    return Program(entry)


def test_weights_are_listed_once_by_path() -> None:
    """An instance that is called twice has its weights once, under its path."""
    assert list(_program().weights()) == ["a.w", "b.w"]


def test_evaluation_runs_blocks_with_their_instance_weights() -> None:
    """Each call uses the weights of its own instance."""
    inputs = {"x": np.ones((2, 3), np.float32)}
    weights = {"a.w": np.full(3, 2, np.float32), "b.w": np.full(3, 4, np.float32)}
    assert np.array_equal(run(_program(), inputs, weights=weights)["y"], np.full((2, 3), 3 * 3 * 5, np.float32))


def test_float64_evaluation_is_exact_where_float32_rounds() -> None:
    """Precision "float64" computes in float64 although the types say f32."""
    graph = Graph("g")
    x = graph.add_input("x", TensorType(F32, ()))
    b = Builder(graph)
    graph.add_output("y", b.add(b.add(x, 1e8), -1e8))
    program = Program(graph)
    inputs = {"x": np.float32(1.0)}
    assert run(program, inputs, weights={})["y"] == 0.0
    assert run(program, inputs, weights={}, precision="float64")["y"] == 1.0


def test_use_lists_follow_operands() -> None:
    """Replacing, setting and removing keep every use-list true."""
    graph = _double()
    add = graph.outputs[0].node
    assert add is not None
    x, product = graph.inputs[0], add.operands[0]
    assert product is not None
    assert [u.label for u in x.users] == ["mul", "add"]
    product.replace_uses(x)
    assert not product.uses
    assert len(x.uses) == 3
    assert product.node is not None
    graph.remove(product.node)
    assert [u.label for u in x.users] == ["add"]
    assert len(graph) == 1
    verify(Program(graph))


def test_nodes_may_be_inserted_and_removed_while_walking() -> None:
    """Walking the nodes tolerates changes at the current one."""
    graph = _double()
    seen = []
    for node in graph.nodes:
        seen.append(node.label)
        Builder(graph, anchor=node).neg(graph.inputs[0])
    assert seen == ["mul", "add"]
    assert [n.label for n in graph.nodes] == ["neg", "mul", "neg", "add"]
    assert [n.label for n in graph.nodes_reversed] == ["add", "neg", "mul", "neg"]


def test_verify_finds_a_wrong_type() -> None:
    """A value whose type is not what its operation infers is reported with both."""
    program = _program()
    node = next(iter(program.blocks()[0].nodes))
    node.outputs[0].type = TensorType(F32, (N, 4))
    with pytest.raises(DlcError) as error:
        verify(program)
    assert "f32[N, 4]" in str(error.value.diagnostics[0].message)


def test_verify_finds_use_before_definition() -> None:
    """A node that reads a later value is reported."""
    graph = _double()
    first = next(iter(graph.nodes))
    first.set_operand(0, graph.outputs[0])
    with pytest.raises(DlcError, match="not defined before"):
        verify(Program(graph))


def test_verify_finds_a_broken_use_list() -> None:
    """A use-list that forgot a reader is reported."""
    graph = _double()
    graph.inputs[0].uses.clear()
    with pytest.raises(DlcError, match="use-list"):
        verify(Program(graph))


def test_verify_finds_weights_that_disagree() -> None:
    """One path with two types is reported."""
    entry = Graph("Model")
    x = entry.add_input("x", TensorType(F32, (N, 3)))
    other = Graph("other")
    y = other.add_input("x", TensorType(F32, (N, 3)))
    w = other.add_weight(Weight(TensorType(F32, (1,)), path="w", initializer=Initializer("ones")))
    other.add_output("y", Builder(other).mul(y, w))
    b = Builder(entry)
    (x1,) = b.call(_double(), "a", x)
    (x2,) = b.call(other, "a", x1)
    entry.add_output("y", x2)
    with pytest.raises(DlcError, match=r"a\.w"):
        verify(Program(entry))


@pytest.mark.parametrize(("arrays", "message"), [
    ({"x": np.zeros((2, 3)), "y": np.zeros((4, 3))}, "axis 0"),
    ({"x": np.zeros((2, 5)), "y": np.zeros((2, 5))}, "size 5 on axis 1, expected 3"),
    ({"x": np.zeros(3), "y": np.zeros((2, 3))}, "expected rank 2"),
])
def test_binding_names_the_conflict(arrays: dict[str, np.ndarray], message: str) -> None:
    """Arrays that do not fit are refused with the axis and what was expected."""
    graph = Graph("g")
    declared = [graph.add_input(n, TensorType(F32, (N, 3))) for n in "xy"]
    with pytest.raises(SizeMismatch, match=message):
        bind(declared, arrays)


def test_builder_refuses_with_a_problem() -> None:
    """A wrong operand type, an unknown attribute and a missing one are Problems that say what was expected."""
    graph = Graph("g")
    x = graph.add_input("x", TensorType(I64, (N,)))
    b = Builder(graph)
    with pytest.raises(Problem, match="floating-point"):
        b.exp(x)
    with pytest.raises(Problem, match="no argument `axs`") as problem:
        b.sum(x, axs=1)
    assert "axis" in str(problem.value.hint)
    with pytest.raises(Problem, match="needs the argument `dtype`"):
        b.cast(x)


def test_attributes_are_canonical() -> None:
    """However an attribute is written, the node stores one form."""
    graph = Graph("g")
    x = graph.add_input("x", TensorType(F32, (N, 3, 4)))
    b = Builder(graph)
    forms = [b.sum(x, axis=-1), b.sum(x, axis=[2]), b.sum(x, axis=(-1,))]
    attributes = [v.node.attributes for v in forms if isinstance(v.node, Apply)]
    assert attributes[0] == attributes[1] == attributes[2] == {"axis": (2,), "keepdims": False}
