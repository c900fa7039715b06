"""Inputs for a model whose user gave none: sizes that fit, arrays whose values fit.

Named sizes are tried from small to large until every tensor of the model has a possible shape and every assumption
holds; integers that index an embedding stay below its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np

from dlc.diagnostics import Diagnostic, DlcError
from dlc.ir.dim import Dim, evaluate, names
from dlc.ir.graph import Apply, Call, Graph, Input, Program, Value
from dlc.ir.types import Array

_CANDIDATES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 224, 256, 299, 384, 512)
_FREE_INTEGERS = 2
"""Integers of unknown use are 0 or 1: valid indices for any axis of two and more."""


def sample_sizes(program: Program, given: Mapping[str, int]) -> dict[str, int]:
    """A number for every named size that the inputs have; `given` ones are kept.

    Raises DlcError E0503 when no tried number makes all shapes possible.
    """
    found = next(possible_sizes(program, given), None)
    if found is None:
        raise no_sizes(program)
    return found


def possible_sizes(program: Program, given: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """The sizes that make all shapes possible, from small to large."""
    wanted = sorted({n for v in program.entry.inputs for d in v.type.shape for n in names(d)} - given.keys())
    batch = {_batch(program)} if "N" not in wanted else {"N"}
    dims = _all_dims(program)
    for size in _CANDIDATES:
        sizes = {n: 2 if n in batch else size for n in wanted} | dict(given)
        if _possible(program, dims, sizes):
            yield sizes


def no_sizes(program: Program) -> DlcError:
    """No tried number makes all shapes possible."""
    wanted = sorted({n for v in program.entry.inputs for d in v.type.shape for n in names(d)})
    return DlcError(Diagnostic(
        "E0503", f"found no sizes for {', '.join(wanted)} under which every tensor of `{program.name}` has a shape",
        None, hint="give them: `--shape image=1,3,224,224` or `--shape H=224`"))


def _batch(program: Program) -> str:
    """The leading size of the first input that has a named one."""
    leading = [n for v in program.entry.inputs for d in v.type.shape[:1] for n in names(d)]
    return leading[0] if leading else ""


def _all_dims(program: Program) -> list[Dim]:
    values = chain.from_iterable(_values(graph) for graph in program.graphs())
    return list(dict.fromkeys(d for v in values for d in v.type.shape if not isinstance(d, int)))


def _values(graph: Graph) -> list[Value]:
    return [*graph.inputs, *(v for node in graph.walk() for v in node.outputs)]


def _possible(program: Program, dims: list[Dim], sizes: Mapping[str, int]) -> bool:
    if any(names(d) <= sizes.keys() and evaluate(d, sizes) < 1 for d in dims):
        return False
    return all(a.holds(sizes) for a in program.assumptions if a.names <= sizes.keys())


def sample_inputs(program: Program, sizes: Mapping[str, int], *, seed: int = 0) -> dict[str, Array]:
    """An array for every input: floats from N(0, 1), integers that index what they are used for, random bools."""
    rng = np.random.default_rng(seed)
    return {value.name: _array(value, [evaluate(d, sizes) for d in value.type.shape], rng)
            for value in program.entry.inputs}


def _array(value: Input, shape: list[int], rng: np.random.Generator) -> Array:
    dtype = value.type.dtype
    if dtype.kind == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if dtype.is_integer:
        return rng.integers(0, _limit(value, set()), shape).astype(dtype.numpy)
    return np.asarray(rng.standard_normal(shape)).astype(dtype.numpy)


def _limit(value: Value, seen: set[Value]) -> int:
    """One more than the largest integer that everything reading the value accepts."""
    if value in seen:
        return _FREE_INTEGERS
    seen.add(value)
    limits: list[int] = []
    for user, position in value.uses:
        if isinstance(user, Call):
            limits.append(_limit(user.block.inputs[position], seen))
        elif isinstance(user, Apply) and user.op.name == "embedding":
            rows = user.operands[1].type.shape[0] if user.operands[1] is not None else 2
            limits.append(rows if isinstance(rows, int) else _FREE_INTEGERS)
        elif isinstance(user, Apply) and user.op.elementwise and len(user.operands) == 1:
            limits.append(_limit(user.output, seen))
    return min(limits, default=_FREE_INTEGERS)
