"""Every model in examples/: formatted, checked, and the same function everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from examples.catalog import EXAMPLES, FOLDER, FULL_SIZE, Example, prepared

from dlc import language
from dlc.ir.compare import difference
from dlc.ir.dim import evaluate
from dlc.ir.text import print_program
from dlc.journeys.checking import check_file, format_file
from dlc.journeys.compiling import compile_model

FILES = sorted(FOLDER.rglob("*.dl"))
every_file = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
every_model = pytest.mark.parametrize("example", EXAMPLES, ids=str)
every_model_at_full_size = pytest.mark.parametrize("example", FULL_SIZE, ids=str)
every_engine = pytest.mark.parametrize("engine", ["reference", "torch", "onnxruntime"])
every_target = pytest.mark.parametrize("target", ["torch", "keras", "onnx"])


def test_the_catalog_is_complete() -> None:
    """Every file of the folder is tested, each model in it, and described in the README."""
    declared = {(path.relative_to(FOLDER).as_posix(), name) for path in FILES for name in _models(path)}
    assert declared == {(e.file, e.model or prepared(e).loaded.program.name) for e in EXAMPLES}
    page = (FOLDER / "README.md").read_text()
    assert [p.name for p in FILES if f"{p.relative_to(FOLDER).as_posix()})" not in page] == []


def _models(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line.split()[1].partition("(")[0] for line in lines if line.startswith("model ")]


@every_file
def test_formatted(path: Path) -> None:
    """The formatter would change nothing."""
    assert not format_file(path, write=False)


@every_file
def test_checked(path: Path) -> None:
    """Nothing is wrong in the file, and nothing is warned of."""
    assert check_file(path) == []


@every_model
def test_reference(example: Example) -> None:
    """Outputs have the declared types and are finite numbers."""
    case = prepared(example)
    for name, value in zip(case.loaded.program.entry.output_names, case.loaded.program.entry.outputs, strict=True):
        array = case.oracle.single[name]
        assert (array.dtype, list(array.shape)) == (
            value.type.dtype.numpy, [evaluate(d, case.sizes) for d in value.type.shape])
        assert np.isfinite(array).all()


@every_model
def test_text(example: Example, tmp_path: Path) -> None:
    """The printed graph reads as the same graph."""
    program = prepared(example).loaded.program
    path = tmp_path / "printed.dl"
    path.write_text(print_program(program))
    assert difference(program, language.load(path)) is None


def agrees_on_engine(example: Example, engine: str) -> None:
    case = prepared(example)
    results = case.loaded.executor(engine=engine)(**case.inputs)
    assert [a for a in case.oracle.compare(results) if not a.ok] == []


@every_engine
@every_model
def test_engine(example: Example, engine: str) -> None:
    """No engine is further from the float64 answer than 8 times the float32 reference and 64 roundings."""
    agrees_on_engine(example, engine)


def agrees_on_target(example: Example, target: str, folder: Path, io_layout: str = "keep") -> None:
    case = prepared(example)
    compiled = compile_model(case.loaded.model, target, folder / "out", io_layout=io_layout, sizes=case.sizes)
    assert [a.name for a in compiled.agreements] == case.loaded.program.entry.output_names
    assert [a for a in compiled.agreements if not a.ok] == []


@every_target
@every_model
def test_target(example: Example, target: str, tmp_path: Path) -> None:
    """What is written computes the same in its own framework, as near as the engines do."""
    agrees_on_target(example, target, tmp_path)


@pytest.mark.slow
@every_target
@pytest.mark.parametrize("example", [e for e in EXAMPLES if "layout" in Path(FOLDER, e.file).read_text()], ids=str)
def test_native_layout(example: Example, target: str, tmp_path: Path) -> None:
    """Images in the framework's own order of axes change nothing else."""
    agrees_on_target(example, target, tmp_path, "native")


@pytest.mark.slow
@every_model_at_full_size
def test_full_size(example: Example, tmp_path: Path) -> None:
    """The published sizes agree on the engines and the targets as the small ones do."""
    for engine in ("torch", "onnxruntime"):
        agrees_on_engine(example, engine)
    for target in ("torch", "keras", "onnx"):
        agrees_on_target(example, target, tmp_path / target)


def test_gradient_from_the_command_line() -> None:
    """`dlc run` gives the gradient of mean(x ** 2) at [1, 2, 3]."""
    command = [sys.executable, "-m", "dlc", "run", str(FOLDER / "gradient.dl"), "--input", "x=[1, 2, 3]"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    output = json.loads(done.stdout)["outputs"]["gradient"]
    assert np.round(output["values"], 4).tolist() == [0.6667, 1.3333, 2.0]
