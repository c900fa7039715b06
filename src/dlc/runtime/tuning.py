"""`--engine auto`: a short measurement of the engines on this machine, remembered on disk.

A file per graph, shapes, settings and versions, in `$DLC_CACHE` or the user's cache folder. A file that cannot be
read or written changes nothing but the time that is taken.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from dlc.diagnostics import DlcError
from dlc.ir.types import Array
from dlc.runtime.engines.engine import Call, Setting
from dlc.runtime.plan import Plan

TUNING_SECONDS = 0.2
"""How long each engine is measured, after one call to warm up."""

REFERENCE_SECONDS = 1e-3
"""The numpy reference can be quickest only for models that are all overhead; beyond this it is not even tried."""


def choose(plan: Plan, inputs: Sequence[Array], setting: Setting, engines: Sequence[str],
           specialise: Callable[[str], Call]) -> tuple[str, str]:
    """The engine that was quickest for this plan, and why, with the figures.

    Engines that cannot run it, or are not installed, drop out. Raises the last error where none is left.
    """
    file = _folder() / f"{_key(plan, setting, engines)}.json"
    times = _read(file, engines)
    remembered = times is not None
    if times is None:
        times = _measure(inputs, engines, specialise)
        _write(file, times)
    best = min(times, key=lambda name: times[name])
    figures = ", ".join(f"{name} {_text(times[name])}" for name in sorted(times, key=lambda n: times[n]))
    return best, f"quickest here{', as measured earlier' if remembered else ''}: {figures}"


def _measure(inputs: Sequence[Array], engines: Sequence[str], specialise: Callable[[str], Call]) -> dict[str, float]:
    times: dict[str, float] = {}
    last: DlcError | None = None
    for name in sorted(engines, key=lambda name: name == "reference"):
        if name == "reference" and min(times.values(), default=0.0) > REFERENCE_SECONDS:
            continue
        try:
            times[name] = _time(specialise(name), inputs)
        except DlcError as error:
            last = error
    if not times and last is not None:
        raise last
    return times


def _time(call: Call, inputs: Sequence[Array]) -> float:
    """The least seconds of a call within the time that there is, and at least of two."""
    call(inputs)
    best, started = float("inf"), perf_counter()
    while best == float("inf") or perf_counter() - started < TUNING_SECONDS:
        before = perf_counter()
        call(inputs)
        best = min(best, perf_counter() - before)
    return best


def _text(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def _folder() -> Path:
    chosen = os.environ.get("DLC_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dlc"


def _key(plan: Plan, setting: Setting, engines: Sequence[str]) -> str:
    """A hash of everything that may change which engine is quickest."""
    numbers = {value: i for i, value in enumerate([*plan.graph.inputs, *plan.graph.weights.values(),
                                                   *(v for s in plan.steps for v in s.outputs)])}
    steps = [(s.op.name, [None if v is None else numbers[v] for v in s.operands], str(s.attributes),
              [str(v.type) for v in s.outputs]) for s in plan.steps]
    types = [str(v.type) for v in (*plan.graph.inputs, *plan.graph.weights.values())]
    machine = platform.machine(), platform.processor(), os.cpu_count()
    versions = [_version(name) for name in ("dlc", "numpy", *engines)]
    text = repr((steps, types, setting, machine, versions))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} absent"


def _read(file: Path, engines: Sequence[str]) -> dict[str, float] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        times = {str(name): float(seconds) for name, seconds in content.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return None
    return times if times and set(times) <= set(engines) else None


def _write(file: Path, times: dict[str, float]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(times), encoding="utf-8")
        temporary.replace(file)
    except OSError:
        return
