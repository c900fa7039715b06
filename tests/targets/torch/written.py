"""What the tests of the PyTorch target share: programs from text, written folders, comparisons with the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dlc import language
from dlc.ir.evaluate import run
from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.ops.initializers import draw
from dlc.targets.target import Options
from dlc.targets.torch import TARGET

EPS = float(np.finfo(np.float32).eps)


def program(folder: Path, text: str) -> Program:
    """The program of a source, without its first line."""
    path = folder / "model.dl"
    path.write_text(f"dl 1\n{text}", encoding="utf-8")
    return language.load(path)


def weights(of: Program, seed: int = 0) -> dict[str, Array]:
    """Weights that are all different from their initial values; variances are positive."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for path, array in draw(of, seed).items():
        noise = rng.uniform(0.1, 0.3, array.shape)
        found[path] = (array + noise).astype(array.dtype) if array.dtype.kind == "f" else array
    return found


def written(of: Program, where: Path, given: dict[str, Array] | None = None, io_layout: str = "keep") -> str:
    """Write a program into a folder; the text of model.py."""
    where.mkdir(exist_ok=True)
    TARGET.write(of, weights(of) if given is None else given, where, options=Options(io_layout=io_layout))
    return (where / "model.py").read_text(encoding="utf-8")


def assert_agrees(of: Program, where: Path, inputs: dict[str, Array], given: dict[str, Array] | None = None,
                  factor: float = 8.0) -> dict[str, Array]:
    """The written model's outputs have the reference's types, and are hardly further from float64 than float32 is.

    factor: the stated factor between their distance to the exact answer and that of the float32 reference.
    """
    held = weights(of) if given is None else given
    found = TARGET.execute(of, where, inputs)
    exact = run(of, inputs, weights=held, precision="float64")
    single = run(of, inputs, weights=held)
    assert list(found) == list(exact)
    for name, array in exact.items():
        assert found[name].shape == array.shape, name
        assert found[name].dtype == single[name].dtype, name
        if array.dtype.kind != "f":
            np.testing.assert_array_equal(found[name], single[name])
            continue
        scale = float(np.abs(array[np.isfinite(array)]).max(initial=1e-30))
        rounding = np.abs(single[name].astype(np.float64) - array).max(initial=0.0)
        gap = np.abs(found[name].astype(np.float64) - array).max(initial=0.0)
        assert gap <= factor * (rounding + 4 * EPS * scale), f"{name}: {gap} against {rounding}"
    return found
