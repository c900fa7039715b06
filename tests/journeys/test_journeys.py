"""Loading, generated inputs, verification and publishing: what `compile` and `verify` are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

import dlc
from dlc.diagnostics import DlcError, Source, Unsupported, UsageError
from dlc.ir.compare import difference
from dlc.ir.text import print_program
from dlc.journeys.compiling import compile_model, publish
from dlc.journeys.models import load, split
from dlc.journeys.reference_page import ops_page
from dlc.journeys.samples import sample_inputs, sample_sizes
from dlc.journeys.verification import Agreement, Oracle, distance, require_agreement
from dlc.language import load as load_program

MODEL = """dl 1
layout NCHW
model M {
  input image: f32[N, 3, H, W]
  input word: i64[N]
  input flag: bool[N]
  assume H % 8 == 0
  x = image |> conv2d(4, kernel=7) @conv |> global_avg_pool
  e = word |> embedding(5, 4) @embed
  output y: f32[N, 4] = where(unsqueeze(flag, axis=1), x, e)
}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model file."""
    file = tmp_path / "m.dl"
    file.write_text(MODEL)
    return file


def test_sizes_fit_the_model(path: Path) -> None:
    """Sizes make every shape possible and every assumption true: H is a multiple of 8, and at least 7."""
    program = load(str(path)).program
    sizes = sample_sizes(program, {})
    assert sizes["H"] % 8 == 0
    assert sizes["H"] >= 7
    assert sample_sizes(program, {"H": 24})["H"] == 24


def test_sizes_are_large_enough_to_compute(tmp_path: Path) -> None:
    """Sizes that fit every shape may still be too small for an operation inside; larger ones are tried."""
    path = tmp_path / "model.dl"
    path.write_text("""dl 1
model Net {
  input x: f32[N, T]
  output y: f32[N, T + 6] = x |> pad(((3, 3),), axes=[1], mode="reflect")
}""", encoding="utf-8")
    (agreement,) = dlc.load(path).to("onnx", tmp_path / "m.onnx").agreements
    assert agreement.ok


def test_inputs_fit_their_use(path: Path) -> None:
    """Integers that index an embedding stay below its rows; types and shapes are those declared."""
    program = load(str(path)).program
    inputs = sample_inputs(program, {"N": 400, "H": 8, "W": 9})
    assert set(inputs["word"].tolist()) == set(range(5))
    assert inputs["image"].shape == (400, 3, 8, 9)
    assert inputs["flag"].dtype == np.bool_
    assert inputs["image"].dtype == np.float32


def test_weights_depend_on_the_seed_only(path: Path) -> None:
    """The same seed draws the same numbers, another seed others."""
    first, again, other = (load(str(path), seed=s).weights["conv.weight"] for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_oracle_sees_a_difference(path: Path) -> None:
    """The exact answer agrees with itself in float32, and not with one that is off by a thousandth."""
    model = load(str(path))
    inputs = sample_inputs(model.program, sample_sizes(model.program, {}))
    oracle = Oracle(model.program, model.weights, inputs)
    assert all(a.ok for a in oracle.compare(oracle.single))
    wrong = {"y": oracle.single["y"] * np.float32(1.001)}
    found = oracle.compare(wrong)
    assert not found[0].ok
    with pytest.raises(DlcError, match="computes something else"):
        require_agreement(found, "it")


@pytest.mark.parametrize("results", [{}, {"y": np.zeros((1, 4), np.float32)}])
def test_missing_and_misshapen_outputs_are_differences(path: Path, results: dict[str, np.ndarray]) -> None:
    """A result without an output, or with another shape, is refused rather than broadcast."""
    model = load(str(path))
    oracle = Oracle(model.program, model.weights, sample_inputs(model.program, sample_sizes(model.program, {})))
    with pytest.raises(DlcError):
        oracle.compare(results)


@given(arrays.arrays(np.float64, 5), arrays.arrays(np.float64, 5))
def test_distance(a: np.ndarray, b: np.ndarray) -> None:
    """Distance is infinite exactly where NaN and infinities stand in different places."""
    special_a, special_b = (np.where(np.isfinite(x), 0.0, x) for x in (a, b))
    same = np.array_equal(special_a, special_b, equal_nan=True)
    with np.errstate(over="ignore"):
        found = distance(a, b)
    finite = np.isfinite(a) & np.isfinite(b)
    with np.errstate(over="ignore"):
        expected = np.max(np.abs(a[finite] - b[finite]), initial=0.0) if same else np.inf
    assert found == expected


def test_an_agreement_speaks() -> None:
    """An agreement says how far, and how far is allowed."""
    assert "DIFFERS" in str(Agreement("y", 1.0, 0.0, 1.0, 0.1))


def test_nothing_is_left_where_compilation_fails(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the check of the result fails, neither the output nor a temporary folder stays."""
    import dlc.journeys.compiling as compiling

    def fail(*args: object) -> None:
        raise DlcError
    monkeypatch.setattr(compiling, "require_agreement", fail)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DlcError):
        compile_model(load(str(path)), "onnx", tmp_path / "out" / "m.onnx")
    assert [p for p in sorted(tmp_path.rglob("*")) if p.is_file()] == [p for p in before if p.is_file()]


def test_publishing_keeps_other_files(tmp_path: Path) -> None:
    """Files of the same name are replaced, others in the folder stay."""
    made, place = tmp_path / "made", tmp_path / "out"
    made.mkdir()
    place.mkdir()
    (made / "model.py").write_text("new")
    (place / "model.py").write_text("old")
    (place / "notes.txt").write_text("mine")
    assert publish(made, place) == ["model.py"]
    assert (place / "model.py").read_text() == "new"
    assert (place / "notes.txt").read_text() == "mine"


def test_suffixes_are_checked(path: Path, tmp_path: Path) -> None:
    """A file suffix that the target does not write is refused before anything is done."""
    with pytest.raises(UsageError, match="writes no"):
        compile_model(load(str(path)), "torch", tmp_path / "model.keras")


@pytest.mark.parametrize(("spec", "error"), [
    ("model.onnx", Unsupported), ("nowhere.dl", UsageError), ("nowhere.dl:Net", UsageError)])
def test_models_that_cannot_be_read(spec: str, error: type[DlcError]) -> None:
    """Other formats are unsupported, absent files are mistakes of the command."""
    with pytest.raises(error):
        split(spec)


def test_python_interface(path: Path, tmp_path: Path) -> None:
    """`dlc.load` gives text, summary, files and an executor; its text is the same graph."""
    model = dlc.load(path)
    again = load_program(Source("again.dl", str(model)))
    assert difference(model.program, again) is None
    assert print_program(again) == str(model)
    assert model.summary(N=1, H=8, W=8).parameters == 4 * 3 * 49 + 4 + 20
    written = model.to("dl", tmp_path / "copy.dl")
    assert written.files == ("copy.dl", "copy.safetensors")
    copy = dlc.load(tmp_path / "copy.dl")
    assert np.array_equal(copy.weights["conv.weight"], model.weights["conv.weight"])
    inputs = sample_inputs(model.program, {"N": 2, "H": 8, "W": 9})
    results = [m.executor(engine="reference")(**inputs)["y"] for m in (model, copy)]
    assert np.array_equal(*results)
    assert "conv2d" in model._repr_html_()


def test_the_operations_page_is_up_to_date() -> None:
    """docs/ops.md is what `dlc ops --markdown` prints."""
    page = Path(__file__).parents[2] / "docs" / "ops.md"
    assert page.read_text(encoding="utf-8") == ops_page(), "run: dlc ops --markdown > docs/ops.md"
