"""The engine `onnxruntime`: the ONNX writer's model in a session in memory, over the weights as they are. CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dlc.diagnostics import Diagnostic, DlcError, UsageError
from dlc.ir.graph import Program
from dlc.ir.types import F64, Array
from dlc.runtime.engines.engine import Call, Setting, is_fresh, owned
from dlc.runtime.plan import Plan
from dlc.targets.onnx.build import Model, build
from dlc.targets.onnx.file import external
from dlc.targets.onnx.session import is_special, onnxruntime, run, value
from dlc.targets.target import requires


def open_onnxruntime(program: Program, weights: Mapping[str, Array], setting: Setting) -> OnnxRuntimeEngine:
    """A session for the program. Raises MissingExtra, Unsupported, or DlcError with the runtime's own words."""
    if setting.device != "cpu":
        raise UsageError(Diagnostic("E0520", "the onnxruntime engine runs on the CPU", None, expected="cpu",
                                    found=setting.device, hint="use `--engine torch` for CUDA"))
    ort = onnxruntime()
    with requires("onnx"):
        model = build(program, weights)
    return OnnxRuntimeEngine(ort, model, program, setting)


_INEXACT = ["MatMulScaleFusion"]
"""Rewrites of ONNX Runtime that keep numbers as f32, which f64 models do not bear."""


class OnnxRuntimeEngine:
    """One session serves all shapes."""

    def __init__(self, ort: Any, model: Model, program: Program, setting: Setting) -> None:
        double = any(v.type.dtype == F64 for v in program.entry.outputs)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        if setting.threads is not None:
            options.intra_op_num_threads = setting.threads
        content, large = external(model)
        self.kept = {tensor.name: value(ort, tensor.load()) for tensor in large}
        options.add_external_initializers(list(self.kept), list(self.kept.values()))
        try:
            self.session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"],
                                                disabled_optimizers=_INEXACT if double else [])
        except Exception as error:  # the runtime has no common base class for its errors
            raise _failed(error) from error
        self.names = tuple(v.name for v in program.entry.inputs)
        self.special = is_special(self.session)

    def specialise(self, plan: Plan) -> Call:
        """A call that hands the arrays to the session. Special element types take a longer way."""
        names, session, special = self.names, self.session, self.special

        def call(inputs: Sequence[Array]) -> list[Array]:
            feeds = dict(zip(names, inputs, strict=True))
            try:
                results = run(session, feeds) if special else session.run(None, feeds)
            except Exception as error:
                raise _failed(error) from error
            return [np.asarray(r) for r in results]
        return call if is_fresh(plan) else _owning(call, plan)


def _owning(call: Callable[[Sequence[Array]], list[Array]], plan: Plan) -> Call:
    return lambda inputs: owned(call(inputs), plan)


def _failed(error: Exception) -> DlcError:
    return DlcError(Diagnostic("E0530", f"ONNX Runtime cannot run this model: {error}", None,
                               hint="use another engine: `--engine torch` or `--engine reference`"))
