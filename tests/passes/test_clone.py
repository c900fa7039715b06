"""Copies of programs, with and without replaced sizes."""

from op_oracle import typed

from dlc.ir.build import Builder
from dlc.ir.dim import divisible, name
from dlc.ir.graph import Assumption, Call, Graph, Program
from dlc.ir.verify import verify
from dlc.passes.clone import clone


def sample() -> Program:
    block = Graph("Block", parameters={"c": 3})
    x = block.add_input("x", typed("f32[N, T]"))
    block.add_output("y", Builder(block).slice(x, starts=[1], stops=[None], axes=[1]))
    main = Graph("main", doc="a model")
    x = main.add_input("x", typed("f32[N, T]"), default=0.0)
    b = Builder(main)
    (y,) = b.call(block, "a", x)
    then = Graph("then")
    then.add_output("y", Builder(then).tanh(then.add_input("v", y.type)))
    otherwise = Graph("else")
    otherwise.add_output("y", Builder(otherwise).exp(otherwise.add_input("v", y.type)))
    main.add_output("y", b.apply("cond", main.add_input("p", typed("bool")), y, regions=[then, otherwise]))
    return Program(main, assumptions=[Assumption(name("T"), "<=", 64)])


def test_nothing_is_shared() -> None:
    """A copy has graphs, regions, nodes and values of its own, and keeps every name and doc."""
    original = sample()
    copy = clone(original)
    verify(copy)
    for old, new in zip(original.graphs(), copy.graphs(), strict=True):
        assert old is not new
        assert (old.name, old.doc, old.parameters) == (new.name, new.doc, new.parameters)
        assert not set(old.walk()) & set(new.walk())
        assert [n.label for n in old.walk()] == [n.label for n in new.walk()]
    assert copy.entry.inputs[0].default == 0.0
    calls = [n for n in copy.entry.nodes if isinstance(n, Call)]
    assert calls[0].block in copy.graphs()
    assert copy.assumptions == original.assumptions


def test_sizes_are_replaced_everywhere() -> None:
    """Types, attributes, blocks, regions and assumptions are inferred anew with the given sizes."""
    copy = clone(sample(), {"T": 10, "N": 2 * name("M")})
    verify(copy)
    assert str(copy.entry.inputs[0].type) == "f32[2 * M, 10]"
    assert str(copy.entry.outputs[0].type) == "f32[2 * M, 9]"
    assert str(copy.blocks()[0].outputs[0].type) == "f32[2 * M, 9]"
    assert str(copy.assumptions[0]) == "10 <= 64"


def test_divisible_sizes() -> None:
    """Replacing a size by a multiple of its quotient is a substitution like any other."""
    sizes = divisible(name("T"), 4)
    assert sizes is not None
    verify(clone(sample(), sizes))
