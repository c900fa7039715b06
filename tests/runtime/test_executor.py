"""The executor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from runtime.programs import perceptron, weight_of

from dlc.diagnostics import DlcError, UsageError
from dlc.ir.build import Builder
from dlc.ir.dim import name
from dlc.ir.evaluate import run
from dlc.ir.graph import Assumption, Graph, Program
from dlc.ir.types import F32, TensorType
from dlc.runtime import executor as module
from dlc.runtime import tuning
from dlc.runtime.executor import executor

ENGINES = ["reference", "torch", "onnxruntime"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test tunes for itself."""
    monkeypatch.setenv("DLC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def batch(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float32)


@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree_with_the_reference(engine: str) -> None:
    """Every engine gives what the float64 reference gives, for several shapes, by position and by name."""
    program, weights = perceptron()
    run_it = executor(program, weights, engine=engine)
    for n in (1, 3, 3, 7):
        x = batch(n, n)
        exact = run(program, {"x": x, "s": np.float32(0.5)}, weights=weights, precision="float64")
        for got in (run_it(x, np.float32(0.5)), run_it(x=x, s=0.5), run_it(x, s=0.5)):
            assert list(got) == ["y", "flat", "twice"]
            for key, value in got.items():
                assert value.dtype == np.float32
                np.testing.assert_allclose(value, exact[key], atol=2e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_omitted_input_has_its_default(engine: str) -> None:
    """Also in a later call with the same shapes."""
    program, weights = perceptron()
    run_it = executor(program, weights, engine=engine)
    want = run(program, {"x": batch(2), "s": np.float32(2)}, weights=weights)["y"]
    for _ in range(2):
        np.testing.assert_allclose(run_it(batch(2))["y"], want, atol=2e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_results_are_the_callers_own(engine: str) -> None:
    """Changing a result changes neither an input, nor a weight, nor another or later result."""
    program, weights = perceptron()
    run_it = executor(program, weights, engine=engine)
    x = batch(2)
    before, first = x.copy(), run_it(x)
    kept = {k: v.copy() for k, v in first.items()}
    for value in first.values():
        value[...] = 7
        for other in first.values():
            if other is not value:
                assert not np.shares_memory(other, value)
    np.testing.assert_array_equal(x, before)
    for key, value in run_it(x).items():
        np.testing.assert_array_equal(value, kept[key])


@pytest.mark.parametrize("engine", ENGINES)
def test_views_are_not_given_away(engine: str) -> None:
    """An output that is a part or another view of an input or a weight is memory of its own."""
    graph = Graph("views")
    x = graph.add_input("x", TensorType(F32, (2, 8)))
    weight = weight_of(graph, "w", 2, 8)
    b = Builder(graph)
    graph.add_output("turned", b.transpose(x))
    graph.add_output("part", b.slice(x, starts=[0], stops=[1]))
    graph.add_output("weight", b.transpose(weight))
    graph.add_output("numbers", b.arange(start=4, dtype="f32"))
    inner = b.tanh(x)
    graph.add_output("whole", inner)
    graph.add_output("half", b.slice(inner, starts=[1], stops=[2]))
    held = batch(2, 1)
    held.flags.writeable = False
    run_it, given = executor(Program(graph), {"w": held}, engine=engine), batch(2)
    for _ in range(3):
        results = run_it(given)
        np.testing.assert_array_equal(results["turned"], batch(2).T)
        np.testing.assert_array_equal(results["weight"], held.T)
        np.testing.assert_array_equal(results["numbers"], [0, 1, 2, 3])
        for value in results.values():
            assert not np.shares_memory(value, given)
            value[...] = 9
        np.testing.assert_array_equal(results["half"], np.full((1, 8), 9))
    results = run_it(given)
    results["whole"][...] = 3
    np.testing.assert_allclose(results["half"], np.tanh(given[1:]), atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_threads(engine: str) -> None:
    """One executor called from several threads, with several shapes, gives each caller its own result."""
    program, weights = perceptron()
    run_it = executor(program, weights, engine=engine, threads=1)

    def call(i: int) -> float:
        x = batch(1 + i % 5, i)
        want = run(program, {"x": x, "s": np.float32(2)}, weights=weights)["y"]
        return float(np.abs(run_it(x)["y"] - want).max())
    with ThreadPoolExecutor(4) as pool:
        assert max(pool.map(call, range(60))) < 2e-6


def test_shapes_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the shapes that were used longest ago are dropped, and work again when they come back."""
    monkeypatch.setattr(module, "KEPT_SHAPES", 3)
    program, weights = perceptron()
    run_it = executor(program, weights, engine="reference")
    s = np.array(2, np.float32)
    for n in (1, 2, 3, 1, 4):
        run_it(batch(n), s)
    kept = {key[0][1][0] for key in run_it._ready}
    assert kept == {1, 3, 4}
    assert run_it(batch(2), s)["y"].shape == (2, 4)


def test_auto_says_what_it_chose_and_why() -> None:
    """The report names the engine with the figures; a second executor remembers."""
    program, weights = perceptron()
    first = executor(program, weights)
    first(batch(3))
    assert all(engine in first.report for engine in ENGINES)
    assert "µs" in first.report
    second = executor(program, weights)
    second(batch(3))
    assert "measured earlier" in second.report


def test_the_reference_is_not_tried_on_large_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the others take longer than the limit, numpy is left out of the measurement."""
    monkeypatch.setattr(tuning, "REFERENCE_SECONDS", 0.0)
    run_it = executor(*perceptron())
    run_it(batch(3))
    assert "reference" not in run_it.report
    assert "torch" in run_it.report


@pytest.mark.parametrize("content", ["", "[", "[1]", "{\"torch\": \"x\"}", "{\"else\": 1.0}", "{}", "null"])
def test_a_spoilt_cache_is_harmless(cache: Path, content: str) -> None:
    """Whatever stands in the cache, the engines are measured anew."""
    program, weights = perceptron()
    executor(program, weights)(batch(3))
    (file,) = cache.iterdir()
    file.write_text(content)
    again = executor(program, weights)
    again(batch(3))
    assert "measured earlier" not in again.report


@pytest.mark.parametrize(("given", "code", "words"), [
    ({}, "E0512", "the input `x` is missing"),
    ({"y": batch(1)}, "E0511", "no input `y`"),
    ({"x": batch(1)[:, :3]}, "E0514", "size 3 on axis 1, expected 8"),
    ({"x": batch(1)[0]}, "E0514", "expected rank 2"),
    ({"x": batch(1).astype(np.float64)}, "E0513", "found: float64"),
    ({"x": "hello"}, "E0513", "found: str hello"),
    ({"x": [[1.0], [1.0, 2.0]]}, "E0513", "wrong element type"),
    ({"x": batch(1), "s": np.zeros((2,), np.float32)}, "E0514", "`s` has shape"),
])
def test_wrong_inputs(given: dict[str, object], code: str, words: str) -> None:
    """Each mistake has its code and a sentence that names the input, also after a good call."""
    program, weights = perceptron()
    run_it = executor(program, weights, engine="reference")
    run_it(batch(1))
    with pytest.raises(DlcError) as error:
        run_it(**given)
    assert error.value.diagnostics[0].code == code
    assert words in str(error.value)


def test_positions() -> None:
    """Too many arrays, or one both by position and by name, are refused."""
    program, weights = perceptron()
    run_it = executor(program, weights, engine="reference")
    with pytest.raises(DlcError, match="takes 2 inputs"):
        run_it(batch(1), 1.0, 2.0)
    with pytest.raises(DlcError, match="given twice"):
        run_it(batch(1), x=batch(1))


def test_assumptions_are_checked() -> None:
    """An assumption of the model that the sizes break is an error with its own words."""
    program, weights = perceptron()
    program.assumptions.append(Assumption(name("N"), "<=", 4, "at most four at once"))
    run_it = executor(program, weights, engine="reference")
    assert run_it(batch(4))["y"].shape == (4, 4)
    with pytest.raises(DlcError, match="at most four at once"):
        run_it(batch(5))


@pytest.mark.parametrize("engine", ["reference", "torch"])
def test_another_element_type(engine: str) -> None:
    """dtype="f64" computes in float64 from the weights as they are."""
    program, weights = perceptron()
    x = batch(3).astype(np.float64)
    got = executor(program, weights, engine=engine, dtype="f64")(x, 2.0)["y"]
    exact = run(program, {"x": x, "s": np.float64(2)}, weights=weights, precision="float64")["y"]
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, exact, atol=1e-14)


@pytest.mark.parametrize(("options", "words"), [
    ({"engine": "torhc"}, "did you mean `torch`"), ({"device": "gpu"}, "no device `gpu`"),
    ({"threads": 0}, "needs a thread"), ({"dtype": "f31"}, "no dtype `f31`"),
])
def test_wrong_options(options: dict[str, object], words: str) -> None:
    """A mistaken option ends in a usage error with what there is."""
    with pytest.raises(UsageError, match=words):
        executor(*perceptron(), **options)  # type: ignore[arg-type]


def test_cuda_without_a_device() -> None:
    """Asking for CUDA where there is none says so."""
    import torch
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(DlcError, match="no CUDA device"):
        executor(*perceptron(), engine="torch", device="cuda")(batch(1))
