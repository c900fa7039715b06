"""The executor: a program made ready to be called again and again.

The first call with new shapes checks the inputs, plans and prepares the engine; later ones look up a tuple of shapes
and element types and go straight to the engine. An executor may be called from several threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from threading import Lock
from typing import Any

import numpy as np

from dlc.diagnostics import Diagnostic, UsageError, did_you_mean
from dlc.ir.graph import Program
from dlc.ir.types import DTYPES, Array
from dlc.runtime import tuning
from dlc.runtime.engines.engine import Call, Engine, Open, Setting
from dlc.runtime.inputs import bound, by_name, converted, filled
from dlc.runtime.plan import Plan, plan_program
from dlc.runtime.retype import retype, retyped_weights

ENGINES = {"reference": ("dlc.runtime.engines.reference", "open_reference"),
           "torch": ("dlc.runtime.engines.torch", "open_torch"),
           "onnxruntime": ("dlc.runtime.engines.onnxruntime", "open_onnxruntime")}
DEVICES = ("cpu", "cuda")
KEPT_SHAPES = 32
"""How many sets of shapes an executor stays ready for; beyond, the one that was used longest ago is dropped."""

Key = tuple[Any, ...]


@dataclass
class _Ready:
    """What is ready for one set of shapes. used: a stamp that grows with each call."""

    call: Call
    plan: Plan
    engine: str
    why: str
    defaults: tuple[tuple[int, Array], ...]
    used: int = 0


class Executor:
    """Calls a program: `executor(image=array)` or `executor(array)` gives a dict of arrays by output name.

    Arrays are never changed, and results are the caller's own. Raises DlcError for inputs that do not fit.
    """

    def __init__(self, program: Program, weights: Mapping[str, Array], engine: str, setting: Setting) -> None:
        self.program, self.weights, self.setting, self.engine = program, weights, setting, engine
        self._names = tuple(v.name for v in program.entry.inputs)
        self._outputs = tuple(program.entry.output_names)
        self._ready: dict[Key, _Ready] = {}
        self._opened: dict[str, Engine] = {}
        self._lock = Lock()
        self._clock = count(1)
        self._latest: _Ready | None = None

    def __call__(self, *arrays: Any, **named: Any) -> dict[str, Array]:
        given: Sequence[Any] = arrays
        try:
            if named:
                given = [named[name] for name in self._names]
            ready = self._ready.get(tuple([(a.__class__, a.shape, a.dtype) for a in given]))
        except (KeyError, AttributeError):
            ready = None
        if ready is None or len(arrays) + len(named) != len(self._names):
            return self._first(arrays, named)
        ready.used = next(self._clock)
        return dict(zip(self._outputs, ready.call(given), strict=True))

    def _first(self, arrays: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Array]:
        """A call that needs looking at: new shapes, omitted inputs, other types than declared."""
        given = converted(self.program, by_name(self.program, arrays, named))
        key = tuple((np.ndarray, given[n].shape, given[n].dtype) if n in given else None for n in self._names)
        ready = self._ready.get(key)
        if ready is None:
            sizes = bound(self.program, given)
            inputs = filled(self.program.entry.inputs, given, sizes)
            with self._lock:
                ready = self._ready.get(key) or self._prepare(key, sizes, inputs)
        else:
            defaults = dict(ready.defaults)
            inputs = [given[n] if n in given else defaults[i] for i, n in enumerate(self._names)]
        ready.used = next(self._clock)
        return dict(zip(self._outputs, ready.call(inputs), strict=True))

    def _prepare(self, key: Key, sizes: dict[str, int], inputs: list[Array]) -> _Ready:
        plan = plan_program(self.program, sizes)
        defaults = tuple((i, inputs[i]) for i, part in enumerate(key) if part is None)
        engine, why = self.engine, "asked for"
        if engine == "auto":
            engine, why = self._choose(plan, inputs)
        ready = _Ready(self._specialise(engine, plan), plan, engine, why, defaults)
        if len(self._ready) >= KEPT_SHAPES:
            del self._ready[min(self._ready, key=lambda k: self._ready[k].used)]
        self._ready[key] = self._latest = ready
        return ready

    def _choose(self, plan: Plan, inputs: list[Array]) -> tuple[str, str]:
        candidates = [n for n in ENGINES if n != "reference" or self.setting.device == "cpu"]
        return tuning.choose(plan, inputs, self.setting, candidates, lambda name: self._specialise(name, plan))

    def _specialise(self, name: str, plan: Plan) -> Call:
        if name not in self._opened:
            module, function = ENGINES[name]
            opener: Open = getattr(import_module(module), function)
            self._opened[name] = opener(self.program, self.weights, self.setting)
        return self._opened[name].specialise(plan)

    @property
    def report(self) -> str:
        """The engine of the shapes prepared last, and why; before the first call, what was asked for."""
        latest = self._latest
        return f"{latest.engine} ({latest.why})" if latest is not None else self.engine

    @property
    def plan(self) -> Plan | None:
        """The plan of the shapes prepared last; None before the first call."""
        return self._latest.plan if self._latest is not None else None


def executor(program: Program, weights: Mapping[str, Array], *, engine: str = "auto", device: str = "cpu",
             threads: int | None = None, dtype: str | None = None) -> Executor:
    """Make a program ready to run.

    weights: array by full path, every weight of the program. engine: "auto" measures those installed and takes the
    quickest. threads: for the engine; None leaves it to it. dtype: computes every float in this type instead.
    Raises UsageError for an unknown engine, device or type.
    """
    _known("engine", engine, ["auto", *ENGINES], "E0521")
    _known("device", device, DEVICES, "E0522")
    if threads is not None and threads < 1:
        raise UsageError(Diagnostic("E0523", "an engine needs a thread", None, expected="1 or more",
                                    found=str(threads)))
    if dtype is not None:
        _known("dtype", dtype, [n for n, d in DTYPES.items() if d.is_float], "E0524")
        program, weights = retype(program, DTYPES[dtype]), retyped_weights(weights, DTYPES[dtype])
    return Executor(program, weights, engine, Setting(device, threads))


def _known(what: str, name: str, known: Sequence[str], code: str) -> None:
    if name not in known:
        near = did_you_mean(name, known)
        raise UsageError(Diagnostic(code, f"there is no {what} `{name}`", None, expected=", ".join(known), found=name,
                                    hint=f"did you mean `{near}`?" if near else None))
