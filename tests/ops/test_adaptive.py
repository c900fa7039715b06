"""Adaptive and global pooling against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, torch_gradients, typed

from dlc.ir.build import body_graph
from dlc.ir.dim import name
from dlc.ir.evaluate import run
from dlc.ir.graph import Program
from dlc.ir.op import Problem, Sample, op

ADAPTIVE = {"adaptive_avg_pool": [F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d],
            "adaptive_max_pool": [F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d]}
GLOBAL = {"global_avg_pool": torch.mean, "global_max_pool": torch.amax}


def torch_adaptive(operation: str, x: Any, *, size: Any, layout: str) -> Any:
    pool = ADAPTIVE[operation][len(size) - 1]
    return pool(x, size) if layout == "NCHW" else pool(x.movedim(-1, 1), size).movedim(1, -1)


def torch_global(operation: str, x: Any, *, keepdims: bool, layout: str) -> Any:
    axes = tuple(range(2, x.ndim)) if layout == "NCHW" else tuple(range(1, x.ndim - 1))
    return GLOBAL[operation](x, axes, keepdim=keepdims)


CASES = [(n, s) for n in [*ADAPTIVE, *GLOBAL] for s in samples(n)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values_and_gradients(operation: str, sample: Sample) -> None:
    """Every sample has PyTorch's value and gradient in float64."""
    (x,) = draw(sample)
    expected = torch_adaptive if operation in ADAPTIVE else torch_global
    function = lambda t: expected(operation, t, **attributes_of(operation, sample))  # noqa: E731
    y = function(torch.tensor(x))
    close(reference(operation, x, **sample.attributes), y)
    g = np.random.default_rng(1).standard_normal(y.shape)
    close(gradients(operation, [x], g, **sample.attributes)[0], torch_gradients(function, [x], g)[0])


def test_named_sizes() -> None:
    """Named sizes are no obstacle, neither to the type nor to the definition."""
    assert infer("adaptive_avg_pool", "f32[N, 3, H, W]", size=[7, 1]).shape == (name("N"), 3, 7, 1)
    assert infer("global_avg_pool", "f32[N, 3, H, W]").shape == (name("N"), 3)
    operation = op("adaptive_avg_pool")
    body_graph(operation, [typed("f32[N, 3, H, W]")], {"size": (1, 1), "layout": "NCHW"})
    graph = body_graph(operation, [typed("f32[N, 3, H, W]")], {"size": (7, 1), "layout": "NCHW"})
    x = np.random.default_rng(0).standard_normal((2, 3, 10, 5))
    y = run(Program(graph), {"x": x}, weights={}, precision="float64")["y"]
    close(y, F.adaptive_avg_pool2d(torch.tensor(x), (7, 1)))


@pytest.mark.parametrize(("operation", "operand", "attributes", "message"), [
    ("adaptive_avg_pool", "f32[2, 3]", {"size": []}, "spatial axes"),
    ("adaptive_avg_pool", "f32[2, 3, 4, 4]", {"size": 0}, "`size`"),
    ("global_avg_pool", "f32[2, 3]", {}, "spatial axes"),
])
def test_refusals(operation: str, operand: str, attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer(operation, operand, **attributes)
