"""Initialisers: distributions, fans, orthogonality, arguments, and numbers that depend on seed and path alone."""

from typing import Any

import numpy as np
import pytest
import torch

from dlc.ir.graph import Graph, Program, Weight
from dlc.ir.op import Initializer, Problem
from dlc.ir.types import DTYPES, F32, F64, TensorType
from dlc.ops.initializers import RULES, arguments_of, check, draw, fans, fill, gain, generator, initializer

SHAPE = (64, 32, 3, 5)


def filled(name: str, shape: Any = SHAPE, seed: int = 0, dtype: Any = F64, **arguments: Any) -> Any:
    return fill(initializer(name, **arguments), shape, dtype, generator(seed, "w"))


@pytest.mark.parametrize("shape", [(7, 5), (6, 4, 3), SHAPE, (2, 3, 1, 2, 3)])
def test_fans(shape: tuple[int, ...]) -> None:
    """Fans are those that PyTorch computes."""
    assert fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(torch.zeros(shape))


@pytest.mark.parametrize("nonlinearity", ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"])
def test_gains(nonlinearity: str) -> None:
    """Gains are those of PyTorch."""
    assert gain(nonlinearity, 0.3) == pytest.approx(torch.nn.init.calculate_gain(nonlinearity, 0.3))


def test_constants() -> None:
    """zeros, ones and constant fill every element type exactly."""
    assert not filled("zeros").any()
    assert (filled("ones") == 1).all()
    assert (filled("constant", value=2.5) == 2.5).all()
    assert (filled("constant", value=3, dtype=DTYPES["i32"]) == 3).all()


@pytest.mark.parametrize(("name", "arguments", "bound"), [
    ("uniform", {"low": -0.5, "high": 0.5}, 0.5),
    ("xavier_uniform", {"gain": 2}, 2 * np.sqrt(6 / (480 + 960))),
    ("kaiming_uniform", {}, np.sqrt(6 / 480)),
    ("kaiming_uniform", {"mode": "fan_out", "nonlinearity": "tanh"}, 5 / 3 * np.sqrt(3 / 960)),
    ("kaiming_uniform", {"a": np.sqrt(5)}, 1 / np.sqrt(480)),
    ("lecun_uniform", {}, np.sqrt(3 / 480)),
])
def test_uniform_rules(name: str, arguments: dict[str, Any], bound: float) -> None:
    """Uniform rules keep within their bounds, reach them nearly, and have the deviation of that interval."""
    values = filled(name, **arguments)
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.999 * bound
    assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    assert abs(values.mean()) < 0.02 * bound


@pytest.mark.parametrize(("name", "arguments", "mean", "std"), [
    ("normal", {"mean": 3, "std": 0.1}, 3, 0.1),
    ("xavier_normal", {}, 0, np.sqrt(2 / (480 + 960))),
    ("kaiming_normal", {"mode": "fan_out"}, 0, np.sqrt(2 / 960)),
    ("kaiming_normal", {"nonlinearity": "linear"}, 0, np.sqrt(1 / 480)),
    ("lecun_normal", {}, 0, np.sqrt(1 / 480)),
])
def test_normal_rules(name: str, arguments: dict[str, Any], mean: float, std: float) -> None:
    """Normal rules have their mean and standard deviation."""
    values = filled(name, **arguments)
    assert values.mean() == pytest.approx(mean, abs=0.02 * std)
    assert values.std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize(("mean", "std", "low", "high"), [
    (0, 1, -2, 2), (1, 0.5, 0, 4), (0, 1, 3, 9), (0, 1, -0.1, 0.2), (0, 0.02, -2, 2), (5, 1, -1, 1), (0, 0, -1, 1),
])
def test_truncated_normal(mean: float, std: float, low: float, high: float) -> None:
    """Mean and deviation are those of the truncated distribution by numerical integration, far tails included."""
    values = filled("truncated_normal", mean=mean, std=std, low=low, high=high)
    assert low <= values.min()
    assert values.max() <= high
    if std == 0:
        assert (values == mean).all()
        return
    grid = np.linspace(max(low, mean - 10 * std), min(high, mean + 10 * std), 400_001)
    density = np.exp(-0.5 * ((grid - mean) / std) ** 2)
    center = np.average(grid, weights=density)
    spread = np.sqrt(np.average((grid - center) ** 2, weights=density))
    assert values.mean() == pytest.approx(center, abs=0.02 * spread)
    assert values.std() == pytest.approx(spread, rel=0.02)


@pytest.mark.parametrize("shape", [(6, 6), (4, 9), (9, 4), (5, 2, 3, 3)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    """Rows or columns, whichever are fewer, are orthogonal and of length `gain`."""
    matrix = filled("orthogonal", shape, gain=2).reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(min(matrix.shape)), atol=1e-12)


def test_orthogonal_is_not_biased() -> None:
    """The first element of a random orthogonal matrix is as often negative as positive."""
    signs = [np.sign(filled("orthogonal", (3, 3), seed=s)[0, 0]) for s in range(200)]
    assert abs(sum(signs)) < 60


@pytest.mark.parametrize(("shape", "groups"), [((4, 4, 3), 1), ((6, 2, 3, 5), 3), ((4, 6, 1, 3, 4), 2)])
def test_dirac(shape: tuple[int, ...], groups: int) -> None:
    """The kernels are those of torch.nn.init.dirac_."""
    expected = torch.nn.init.dirac_(torch.empty(shape), groups).numpy()
    np.testing.assert_array_equal(filled("dirac", shape, groups=groups), expected)


def test_identity() -> None:
    """identity is the identity matrix, not only for squares."""
    np.testing.assert_array_equal(filled("identity", (2, 3)), [[1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("name", sorted(RULES))
@pytest.mark.parametrize("dtype", ["f16", "bf16", "f32", "f64"])
def test_every_rule_keeps_type_and_shape(name: str, dtype: str) -> None:
    """Every rule fills every floating-point type with finite numbers, of the asked shape."""
    shape = {"identity": (4, 3)}.get(name, (4, 3, 2))
    values = filled(name, shape, dtype=DTYPES[dtype])
    assert (values.shape, values.dtype) == (shape, DTYPES[dtype].numpy)
    assert np.isfinite(values.astype(np.float64)).all()


def program_of(*paths: str) -> Program:
    graph = Graph("main")
    for path in paths:
        graph.add_weight(Weight(TensorType(F32, (5, 4)), path=path, initializer=Initializer("normal")))
    return Program(graph)


def test_numbers_depend_on_seed_and_path_alone() -> None:
    """The same seed and path give the same numbers in any order and company; others give others."""
    a, b = draw(program_of("x.weight", "y.weight"), 7), draw(program_of("z.weight", "y.weight", "x.weight"), 7)
    np.testing.assert_array_equal(b["y.weight"], a["y.weight"])
    np.testing.assert_array_equal(a["x.weight"], b["x.weight"])
    assert (a["x.weight"] != a["y.weight"]).all()
    assert (draw(program_of("x.weight"), 8)["x.weight"] != a["x.weight"]).all()
    assert list(a) == ["x.weight", "y.weight"]
    assert a["x.weight"] is a["x.weight"]


def test_known_numbers() -> None:
    """The generator is numpy's Philox, keyed by 16 bytes of BLAKE2b of "seed:path": files of tomorrow agree."""
    import hashlib
    key = int.from_bytes(hashlib.blake2b(b"3:fc.weight", digest_size=16).digest(), "little")
    expected = np.random.Generator(np.random.Philox(key=key)).standard_normal((5, 4), dtype=np.float32)
    np.testing.assert_array_equal(draw(program_of("fc.weight"), 3)["fc.weight"], expected)


def test_aliases_and_defaults() -> None:
    """Keras' names mean the same rules; arguments are canonical and in declared order."""
    assert initializer("glorot_uniform") == initializer("xavier_uniform")
    assert initializer("normal", std=2, mean=1).arguments == (("mean", 1.0), ("std", 2.0))
    assert arguments_of(initializer("he_normal", mode="fan_out")) == {
        "mode": "fan_out", "nonlinearity": "leaky_relu", "a": 0.0}


@pytest.mark.parametrize(("name", "arguments", "message"), [
    ("kaiming_norml", {}, "no initialiser"),
    ("normal", {"sigma": 1}, "no argument `sigma`"),
    ("normal", {"std": "big"}, "cannot take this as `std`"),
    ("normal", {"std": -1}, "`std`"),
    ("uniform", {"low": 1, "high": 0}, "wrong way round"),
    ("kaiming_normal", {"mode": "fan"}, "`mode`"),
    ("dirac", {"groups": 0}, "`groups`"),
])
def test_refused_arguments(name: str, arguments: dict[str, Any], message: str) -> None:
    """Unknown names and arguments and wrong values are refused."""
    with pytest.raises(Problem, match=message):
        initializer(name, **arguments)


def test_refused_weights() -> None:
    """A bias has no fans, an integer weight no distribution."""
    with pytest.raises(Problem, match="rank"):
        check(initializer("xavier_normal"), (5,), F32)
    with pytest.raises(Problem, match="floating-point"):
        fill(initializer("normal"), (5,), DTYPES["i64"], generator(0, "w"))
