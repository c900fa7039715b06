"""One operation as an ONNX file, checked, run in ONNX Runtime and compared with the float64 reference."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort

from dlc.ir.build import Builder, body_graph
from dlc.ir.evaluate import run
from dlc.ir.graph import Graph, Program
from dlc.ir.op import Arg, Op, Sample
from dlc.ir.types import DTYPES, Array, TensorType
from dlc.targets.onnx.build import Model, build
from dlc.targets.onnx.file import embedded
from dlc.targets.onnx.session import run as run_session

EPS = {"f64": 2.0**-52, "f32": 2.0**-23, "f16": 2.0**-10, "bf16": 2.0**-7}


def parse(text: str) -> TensorType:
    """The type that a sample writes as `f32[2, 3]`."""
    match = re.fullmatch(r"(\w+)(?:\[(.*)\])?", text)
    assert match, text
    dims = [int(d) for d in match[2].split(",") if d.strip()] if match[2] else []
    return TensorType(DTYPES[match[1]], tuple(dims))


def draw(argument: Arg, type: TensorType, seed: int) -> Array:
    """Numbers for an operand, in its range."""
    rng = np.random.default_rng(seed)
    shape = [int(d) for d in type.shape]
    if argument.values is not None:
        return np.broadcast_to(np.asarray(argument.values), shape).astype(type.dtype.numpy)
    if type.dtype.kind == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    if type.dtype.is_integer:
        low = max(argument.low, 0) if type.dtype.kind == "uint" else argument.low
        numbers: Any = rng.integers(int(low), max(int(argument.high), int(low) + 1), shape)
    elif argument.distinct:
        numbers = np.linspace(argument.low, argument.high, max(int(np.prod(shape)), 1))
        numbers = rng.permutation(numbers)[: int(np.prod(shape))].reshape(shape)
    else:
        numbers = rng.uniform(argument.low, argument.high, shape)
    return np.asarray(numbers).astype(type.dtype.numpy)


def program_of(op: Op, types: list[TensorType | None], attributes: Any) -> Program:
    """A program whose entry applies the operation to its inputs."""
    graph = Graph("one")
    values = [None if t is None else graph.add_input(f"x{i}", t) for i, t in enumerate(types)]
    result = Builder(graph).apply(op.name, *values, **attributes)
    for i, value in enumerate(result if isinstance(result, tuple) else (result,)):
        graph.add_output(f"y{i}", value)
    return Program(graph)


def retyped(argument: Arg | None, dtype: str) -> TensorType | None:
    """The operand's type with floats of another width."""
    if argument is None:
        return None
    type = parse(argument.type)
    return type.with_dtype(DTYPES[dtype]) if type.dtype.is_float else type


def integers(sample: Sample, dtype: str) -> Sample | None:
    """The sample with integers of another type in the place of i64; None where it has none, or has negative numbers
    that an unsigned type cannot hold."""
    given = [a for a in sample.arguments if a is not None and a.type.startswith("i64")]
    unsigned = dtype.startswith("u")
    if not given or (unsigned and any(a.values is not None and np.min(a.values) < 0 for a in given)):
        return None
    operands = tuple(None if a is None else replace(
        a, type=a.type.replace("i64", dtype), low=max(a.low, 0) if unsigned else a.low) for a in sample.arguments)
    return Sample(operands, sample.attributes, sample.gradient)


def checked(model: Model, path: Path) -> bytes:
    """The bytes of a model after the full checker and strict inference have accepted them."""
    path.write_bytes(b"".join(bytes(c) for c in embedded(model)))
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True)
    return path.read_bytes()


def session(model: bytes) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"],
                                disabled_optimizers=["MatMulScaleFusion"])  # it keeps the factor as an f32


def compare(op: Op, sample: Sample, path: Path, dtype: str = "f32") -> None:
    """Write, check, run and compare one sample with floats of the given width.

    The result may be `op.ulps` roundings of the largest magnitude away from the float64 reference.
    """
    types = [retyped(a, dtype) for a in sample.arguments]
    program = program_of(op, types, sample.attributes)
    seed = zlib.crc32(repr((op.name, sample.operands)).encode())
    inputs = {f"x{i}": draw(a, t, seed + i) for i, (a, t) in enumerate(zip(sample.arguments, types, strict=True))
              if a is not None and t is not None}
    exact = run(program, inputs, weights={}, precision="float64")
    got = run_session(session(checked(build(program, {}), path)), inputs)
    for value, (name, expected), result in zip(program.entry.outputs, exact.items(), got, strict=True):
        assert result.dtype == value.type.dtype.numpy, (name, result.dtype, value.type)
        assert result.shape == expected.shape, (name, result.shape, expected.shape)
        close(result, expected, op.ulps * EPS.get(dtype, EPS["f32"]), name)


def close(result: Array, expected: Array, relative: float, name: str) -> None:
    """Equal up to `relative` times the largest magnitude; exactly, where the elements are no floats."""
    if expected.dtype.kind not in "fc":
        np.testing.assert_array_equal(result, expected, err_msg=name)
        return
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    wide = result.astype(np.float64) if result.dtype.kind in "fV" or result.dtype == ml_dtypes.bfloat16 else result
    np.testing.assert_allclose(wide, expected, rtol=relative, atol=relative * scale, err_msg=name, equal_nan=True)


__all__ = ["body_graph", "checked", "close", "compare", "draw", "integers", "parse", "program_of", "retyped", "session"]
