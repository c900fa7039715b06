"""Tensors put together and taken apart, against PyTorch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples, tensors, torch_gradients

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample
from dlc.ir.types import F32, TensorType

TORCH: dict[str, Callable[..., Any]] = {
    "concat": lambda *xs, axis: torch.cat(xs, axis),
    "stack": lambda *xs, axis: torch.stack(xs, axis),
    "split": lambda x, parts, sizes, axis: torch.split(x, sizes, axis),
    "chunk": lambda x, parts, axis: torch.chunk(x, parts, axis),
    "unbind": lambda x, axis: torch.unbind(x, axis),
}
CASES = [(operation, s) for operation in TORCH for s in samples(operation)]


def as_list(values: Any) -> list[Any]:
    return list(values) if isinstance(values, (list, tuple)) else [values]


@pytest.mark.parametrize(("operation", "sample"), CASES)
def test_values(operation: str, sample: Sample) -> None:
    """Every sample has the values that PyTorch computes."""
    arrays = draw(sample)
    expected = as_list(TORCH[operation](*tensors(arrays), **attributes_of(operation, sample)))
    for found, wanted in zip(as_list(reference(operation, *arrays, **sample.attributes)), expected, strict=True):
        np.testing.assert_array_equal(found, wanted.numpy())


@pytest.mark.parametrize(("operation", "sample"), [(n, s) for n, s in CASES if s.operands[0].startswith("f32")])
def test_gradients(operation: str, sample: Sample) -> None:
    """The gradients of every sample are those of autograd."""
    arrays = draw(sample)
    attributes = attributes_of(operation, sample)
    rng = np.random.default_rng(1)
    cotangents = [rng.standard_normal(y.shape) for y in as_list(reference(operation, *arrays, **attributes))]
    expected = torch_gradients(lambda *a: TORCH[operation](*a, **attributes), arrays, *cotangents)
    for found, wanted in zip(gradients(operation, arrays, *cotangents, **attributes), expected, strict=True):
        close(found, wanted)


@pytest.mark.parametrize(("operation", "types", "attributes", "words"), [
    ("concat", ["f32[2, 3]", "f32[2, 4]"], {"axis": 0}, "axis 1 in `concat` differ"),
    ("concat", ["f32[N, 3]", "f32[M, 3]"], {"axis": 1}, "cannot be proved equal"),
    ("concat", ["f32[2]", "f32[2, 1]"], {}, "one rank"),
    ("concat", ["f32[2]", "i64[2]"], {}, "element types"),
    ("concat", [], {}, "at least one"),
    ("split", ["f32[5]"], {"parts": 2}, "not divisible"),
    ("split", ["f32[N]"], {"parts": 2}, "cannot be proved divisible"),
    ("split", ["f32[5]"], {"sizes": [2, 2]}, "differ"),
    ("split", ["f32[5]"], {}, "either `parts` or `sizes`"),
    ("unbind", ["f32[N, 2]"], {}, "known size"),
    ("stack", ["f32[2]", "f32[3]"], {}, "differ"),
])
def test_refusals(operation: str, types: list[str], attributes: dict[str, Any], words: str) -> None:
    """What does not fit is refused in words that name it."""
    with pytest.raises(Problem, match=words):
        infer(operation, *types, **attributes)


def test_symbolic_concat_and_split() -> None:
    """Symbolic sizes add up, and come apart again."""
    assert str(infer("concat", "f32[N, 2]", "f32[M, 2]", axis=0)) == "f32[M + N, 2]"
    parts = infer("split", TensorType(F32, (3 * name("N"),)), parts=3)
    assert [str(p) for p in parts] == ["f32[N]"] * 3
