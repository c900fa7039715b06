"""Inlining: one flat graph with the same meaning, full weight paths and the scope of every node."""

import numpy as np
from op_oracle import typed

from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Call, Graph, Program, Weight
from dlc.ir.op import Initializer
from dlc.ir.verify import verify
from dlc.passes.inline import inline


def nested() -> Program:
    """main calls Outer as `layer1` twice (shared) and as `layer2`; Outer calls Inner as `fc`."""
    ones = Initializer("ones")
    inner = Graph("Inner")
    x = inner.add_input("x", typed("f32[N, 3]"))
    weight = inner.add_weight(Weight(typed("f32[3]"), path="scale", initializer=ones))
    inner.add_output("y", Builder(inner).mul(x, weight))
    outer = Graph("Outer")
    x = outer.add_input("x", typed("f32[N, 3]"))
    bias = outer.add_weight(Weight(typed("f32[3]"), path="bias", initializer=ones, trainable=False))
    (y,) = Builder(outer).call(inner, "fc", x)
    outer.add_output("y", Builder(outer).add(y, bias))
    main = Graph("main")
    b = Builder(main)
    value = main.add_input("x", typed("f32[N, 3]"), doc="the input")
    for instance in ("layer1", "layer1", "layer2"):
        (value,) = b.call(outer, instance, value)
    main.add_output("y", value, "the output")
    return Program(main)


PATHS = ["layer1.bias", "layer1.fc.scale", "layer2.bias", "layer2.fc.scale"]


def test_flat_and_the_same() -> None:
    """Inlining leaves no call, keeps the interface, and computes the same numbers."""
    program = nested()
    flat = inline(program)
    verify(flat)
    assert not any(isinstance(node, Call) for node in flat.entry.walk())
    assert [v.name for v in flat.entry.inputs] == ["x"]
    assert flat.entry.inputs[0].doc == "the input"
    assert flat.entry.output_docs == ["the output"]
    rng = np.random.default_rng(0)
    weights = {p: rng.standard_normal(3).astype(np.float32) for p in PATHS}
    x = rng.standard_normal((2, 3)).astype(np.float32)
    np.testing.assert_array_equal(run(flat, {"x": x}, weights=weights)["y"],
                                  run(program, {"x": x}, weights=weights)["y"])


def test_weights_have_full_paths() -> None:
    """Each instance owns its weights once, under the path that the calls spell, with its training flag."""
    flat = inline(nested())
    assert sorted(flat.entry.weights) == PATHS
    assert not flat.entry.weights["layer1.bias"].trainable
    assert flat.entry.weights["layer1.fc.scale"].trainable


def test_nodes_know_their_instance() -> None:
    """Every node says which instance it came from."""
    scopes = [node.scope for node in inline(nested()).entry.nodes]
    assert scopes == ["layer1.fc", "layer1", "layer1.fc", "layer1", "layer2.fc", "layer2"]


def test_the_original_stays() -> None:
    """A pass does not touch the program that it is given."""
    program = nested()
    before = [len(g) for g in program.graphs()]
    inline(program)
    verify(program)
    assert [len(g) for g in program.graphs()] == before
