"""What the tests of the Keras target share: programs from text, written folders, comparisons with the reference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dlc import language
from dlc.ir.evaluate import run
from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.ops.initializers import draw
from dlc.targets.keras import TARGET
from dlc.targets.target import Options

EPS = float(np.finfo(np.float32).eps)


def program(folder: Path, text: str) -> Program:
    """The program of a source, without its first line."""
    path = folder / "model.dl"
    path.write_text(f"dl 1\n{text}", encoding="utf-8")
    return language.load(path)


def weights(of: Program, seed: int = 0) -> dict[str, Array]:
    """Weights that are all different from their initial values; variances are positive."""
    rng = np.random.default_rng(seed)
    return {path: (a + rng.uniform(0.1, 0.3, a.shape)).astype(a.dtype) if a.dtype.kind == "f" else a
            for path, a in draw(of, seed).items()}


def written(of: Program, where: Path, *, io_layout: str = "keep", given: Mapping[str, Array] | None = None) -> str:
    """Write a program into a folder; the text of model.py."""
    where.mkdir(exist_ok=True)
    TARGET.write(of, weights(of) if given is None else given, where, options=Options(io_layout=io_layout))
    return (where / "model.py").read_text(encoding="utf-8")


def random_inputs(of: Program, **sizes: int) -> dict[str, Array]:
    """Arrays for all inputs; integers are 0, 1 or 2."""
    rng = np.random.default_rng(1)
    found: dict[str, Array] = {}
    for value in of.entry.inputs:
        shape = [d if isinstance(d, int) else sizes[str(d)] for d in value.type.shape]
        drawn = rng.integers(0, 3, shape) if value.type.dtype.is_integer else rng.standard_normal(shape)
        found[value.name] = np.asarray(drawn).astype(value.type.dtype.numpy)
    return found


def assert_agrees(of: Program, where: Path, inputs: Mapping[str, Array], given: Mapping[str, Array] | None = None,
                  factor: float = 8.0) -> None:
    """The written model's outputs have the reference's types, and are hardly further from float64 than float32 is.

    factor: the stated factor between their distance to the exact answer and that of the float32 reference.
    """
    assert_close(of, TARGET.execute(of, where, inputs), inputs, weights(of) if given is None else given, factor)


def assert_close(of: Program, found: Mapping[str, Array], inputs: Mapping[str, Array], held: Mapping[str, Array],
                 factor: float = 8.0) -> None:
    """See `assert_agrees`."""
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
