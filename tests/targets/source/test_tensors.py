"""Weights are streamed into a file that safetensors reads back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from dlc.diagnostics import Unsupported
from dlc.ir.types import DTYPES, Array, TensorType
from dlc.targets.source.tensors import write_tensors


def test_safetensors_reads_it_back(tmp_path: Path) -> None:
    """Every element type and shape, empty ones too, comes back as it was."""
    arrays: dict[str, Array] = {}
    for kind in ("f32", "f64", "f16", "i8", "i16", "i32", "i64", "u8", "bool"):
        for shape in ((), (3,), (2, 0), (4, 5)):
            values = np.random.default_rng(0).integers(0, 2, shape)
            arrays[f"{kind}.{len(shape)}.{shape}"] = np.asarray(values).astype(DTYPES[kind].numpy)
    types = {k: TensorType(DTYPES[k.split(".")[0]], a.shape) for k, a in arrays.items()}
    write_tensors(tmp_path / "w.safetensors", types, arrays, {"format": "pt"})
    found = load_file(tmp_path / "w.safetensors")
    assert found.keys() == arrays.keys()
    for key, array in arrays.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array)
    with safe_open(tmp_path / "w.safetensors", "np") as file:
        assert file.metadata() == {"format": "pt"}


def test_arrays_are_asked_for_one_by_one(tmp_path: Path) -> None:
    """No array is asked for before the one before it is written, and each only once."""
    asked: list[tuple[str, int]] = []
    path = tmp_path / "w.safetensors"

    class Lazy(dict[str, Array]):
        def __getitem__(self, key: str) -> Array:
            asked.append((key, path.stat().st_size))
            return np.ones(1 << 18, np.float32)

    names = ["a", "b", "c"]
    write_tensors(path, dict.fromkeys(names, TensorType(DTYPES["f32"], (1 << 18,))), Lazy())
    assert [k for k, _ in asked] == names
    assert asked[2][1] >= 1 << 20


def test_element_types_that_the_format_lacks(tmp_path: Path) -> None:
    """What safetensors cannot hold is refused with a sentence."""
    with pytest.raises(Unsupported, match="complex64"):
        write_tensors(tmp_path / "w", {"a": TensorType(DTYPES["complex64"], (1,))}, {"a": np.ones(1, np.complex64)})
