"""Every operation in PyTorch: written, lowered or refused; as an expression and as a module; equal to the reference."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from every_op.cases import Case, cases, distance, feeds, program_of, results, tolerance
from every_op.cases import testable as operations

from dlc.ir.build import Builder
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program, Weight
from dlc.ir.op import Initializer, Op, all_ops
from dlc.ir.types import Array
from dlc.passes.lower import lower
from dlc.targets.target import Options
from dlc.targets.torch import TARGET
from dlc.targets.torch.execution import to_numpy, to_torch
from dlc.targets.torch.flat import straight_line

OPS = list(operations())
LAYERS = [name for name, op in operations().items() if op.layer is not None]


def test_every_operation_is_decided() -> None:
    """No operation is missing, and refusals are sentences."""
    assert TARGET.table.missing() == []
    assert all(reason.endswith(".") for reason in TARGET.table.refusals.values())


def differences(case: Case, program: Program, found: list[Array], inputs: dict[str, Array],
                weights: dict[str, Array]) -> Iterator[str]:
    """A sentence for every result that has another type or is further off than the operation claims."""
    exact = list(run(program, inputs, weights=weights, precision="float64").values())
    single = list(run(program, inputs, weights=weights).values())
    allowed = tolerance(case.op, exact)
    for i, (f, e, s) in enumerate(zip(found, exact, single, strict=True)):
        if (f.shape, f.dtype) != (s.shape, s.dtype):
            yield f"{case}: result {i} is {f.dtype}{f.shape}, expected {s.dtype}{s.shape}"
        elif not distance(f, e) <= allowed:
            yield f"{case}: result {i} is off by {distance(f, e):.3g}, allowed is {allowed:.3g}"


@pytest.mark.parametrize("name", OPS)
def test_expression(name: str) -> None:
    """The straight-line function of every sample gives the reference's results."""
    findings: list[str] = []
    for case in cases(operations()[name]):
        program = lower(program_of(case.op, case.types, case.attributes), TARGET.table.keeps)
        TARGET.table.require(program)
        inputs = feeds(case.arrays())
        scope: dict[str, Any] = {}
        exec(straight_line(program.entry), scope)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tensors = scope["run"](*(to_torch(torch, inputs[v.name]) for v in program.entry.inputs))
        findings += differences(case, program, [to_numpy(torch, t) for t in tensors], inputs, {})
    assert not findings, "\n".join(findings)


@pytest.mark.parametrize("name", LAYERS)
def test_module(name: str, tmp_path: Path) -> None:
    """A layer that owns its weights is written with them under their own names, and gives the reference's results."""
    findings: list[str] = []
    for case in cases(operations()[name]):
        program, inputs, weights = layer_program(case)
        folder = tmp_path / str(case.index)
        folder.mkdir()
        TARGET.write(program, weights, folder, options=Options())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = list(TARGET.execute(program, folder, inputs).values())
        findings += differences(case, program, found, inputs, weights)
    assert not findings, "\n".join(findings)


def layer_program(case: Case) -> tuple[Program, dict[str, Array], dict[str, Array]]:
    """A program whose only layer, `part`, owns the operands that the operation declares as weights."""
    graph, arrays = Graph("Case"), case.arrays()
    inputs: dict[str, Array] = {}
    weights: dict[str, Array] = {}
    values: list[Any] = []
    for i, (type_, name) in enumerate(zip(case.types, weight_names(case), strict=True)):
        if type_ is None:
            values.append(None)
            continue
        array = arrays[i]
        assert array is not None
        if name is None:
            values.append(graph.add_input(f"x{i}", type_))
            inputs[f"x{i}"] = array
        else:
            values.append(graph.add_weight(Weight(type_, path=f"part.{name}", initializer=Initializer("zeros"),
                                                  state=name.startswith("running"))))
            weights[f"part.{name}"] = array
    for i, value in enumerate(results(Builder(graph), case.op, values, case.attributes)):
        graph.add_output(f"y{i}", value)
    return Program(graph), inputs, weights


def weight_names(case: Case) -> list[str | None]:
    """The name of the weight at each operand; None for what is data."""
    op, types = case.op, case.types
    canonical, _ = case.inferred()
    assert op.layer is not None
    accepted = signature(op.layer).parameters
    names = declared_names(op)
    if op.variadic:
        fixed = len(op.operands) - 1
        owned = op.layer(types[0], **{k: v for k, v in canonical.items() if k in accepted})
        return [None] * fixed + list(owned)
    return [o.name if o.name in names else None for o in op.operands]


def declared_names(op: Op) -> set[str]:
    """The operands that are weights of a layer: what `sizes` gets, or what is called so."""
    known = {"weight", "bias", "running_mean", "running_var"}
    return known | {o.name for o in op.operands if o.name.startswith(("weight_", "bias_"))}


def test_layers_have_modules() -> None:
    """Operations that PyTorch has a module for are written with it, under the module's own parameter names."""
    from dlc.targets.torch.table import LAYERS as modules
    assert set(modules) <= set(all_ops())
    for name, module in {"linear": torch.nn.Linear(2, 3), "lstm": torch.nn.LSTM(2, 3, bidirectional=True),
                         "multi_head_attention": torch.nn.MultiheadAttention(4, 2),
                         "batch_norm": torch.nn.BatchNorm1d(3)}.items():
        assert name in modules
        case = next(c for c in cases(operations()[name]) if name != "lstm" or c.attributes.get("bidirectional"))
        declared = {n for n in weight_names(case) if n is not None}
        own = set(module.state_dict()) - {"num_batches_tracked"}
        assert declared <= own or own <= declared or declared & own


def test_random_weights_are_not_shared() -> None:
    """Arrays cross into PyTorch as copies: a change on one side is not seen on the other."""
    array = np.zeros(3, np.float32)
    tensor = to_torch(torch, array)
    tensor += 1
    assert array.sum() == 0
