"""Embeddings against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from op_oracle import close, draw, gradients, infer, reference, samples, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample, op
from dlc.ir.types import F32, I64, TensorType

TORCH = {"embedding": F.embedding, "embedding_bag": F.embedding_bag}
CASES = [(n, s) for n in TORCH for s in samples(n)]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values_and_gradients(operation: str, sample: Sample) -> None:
    """Every sample has PyTorch's value, and its gradient: none for the padding row."""
    tokens, weight = draw(sample)
    function = lambda t, w: TORCH[operation](t, w, **sample.attributes)  # noqa: E731
    y = function(torch.tensor(tokens), torch.tensor(weight))
    close(reference(operation, tokens, weight, **sample.attributes), y)
    g = np.random.default_rng(1).standard_normal(y.shape)
    close(gradients(operation, [tokens, weight], g, **sample.attributes)[1],
          torch_gradients(function, [tokens, weight], g)[1])


def test_layer() -> None:
    """The layer owns a table [n, d] from N(0, 1), as nn.Embedding, and `sizes` finds n and d again."""
    operation: Any = op("embedding")
    weights = operation.layer(TensorType(I64, (name("B"), 5)), n=10, d=4)
    assert {k: w.type for k, w in weights.items()} == {"weight": TensorType(F32, (10, 4))}
    assert str(weights["weight"].initializer) == "normal(mean=0.0, std=1.0)"
    assert operation.sizes(weights["weight"].type) == {"n": 10, "d": 4}
    with pytest.raises(Problem, match="`d`"):
        operation.layer(TensorType(I64, (5,)), n=10, d=0)


def test_named_sizes() -> None:
    """Every axis of the tokens is kept."""
    assert infer("embedding", "i64[B, T]", "f32[10, 4]").shape == (name("B"), name("T"), 4)


@pytest.mark.parametrize(("operation", "operands", "attributes", "message"), [
    ("embedding", ("f32[2, 3]", "f32[10, 4]"), {}, "i32 or i64"),
    ("embedding", ("i64[2, 3]", "f32[10]"), {}, "wrong rank"),
    ("embedding", ("i64[2, 3]", "f32[10, 4]"), {"padding_idx": 10}, "no such row"),
    ("embedding_bag", ("i64[2]", "f32[10, 4]"), {}, "in each row"),
    ("embedding_bag", ("i64[2, 3]", "f32[10, 4]"), {"mode": "median"}, "`mode`"),
])
def test_refusals(operation: str, operands: tuple[str, ...], attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer(operation, *operands, **attributes)
