"""Files: weights inside and beside, streamed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from targets.onnx.programs import write

from dlc.ir.types import DTYPES, Array
from dlc.targets.onnx.build import Model
from dlc.targets.onnx.emitter import Initializer
from dlc.targets.onnx.file import embedded, raw, save

DENSE = """
model M {
  input x: f32[N, 64]
  output y: f32[N, 300] = x |> linear(300) @a |> relu |> linear(300) @b
}"""


def test_weights_beside_the_file(tmp_path: Path) -> None:
    """Above the limit the large tensors lie in `<name>.data` at page bounds, the small ones stay inside."""
    written = write(DENSE, tmp_path, embedded_limit=1000)
    assert {p.name for p in tmp_path.iterdir()} == {"model.dl", "model.onnx", "model.onnx.data"}
    proto = onnx.load(written.path, load_external_data=False)
    outside = {i.name: {e.key: e.value for e in i.external_data} for i in proto.graph.initializer if i.external_data}
    assert set(outside) == {"a.weight", "b.weight"}
    assert all(int(e["offset"]) % 4096 == 0 and e["location"] == "model.onnx.data" for e in outside.values())
    written.agrees(x=np.random.default_rng(0).normal(size=(3, 64)))


def test_a_streamed_file_is_the_message_that_onnx_writes(tmp_path: Path) -> None:
    """What is put together by hand parses to the same message as one built with the library, and has no bytes more."""
    written = write(DENSE, tmp_path)
    expected = onnx.ModelProto()
    expected.CopyFrom(written.model.proto)
    for tensor in written.model.initializers.values():
        expected.graph.initializer.append(onnx.numpy_helper.from_array(tensor.load(), tensor.name))
    assert onnx.load(written.path) == expected
    assert written.path.stat().st_size == expected.ByteSize()


@pytest.mark.parametrize("dtype", ["bool", "i8", "u8", "i16", "i32", "i64", "u64", "f16", "bf16", "f32", "f64",
                                   "f8e4m3", "f8e5m2", "i4", "u4"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_every_element_type(dtype: str, shape: tuple[int, ...]) -> None:
    """A tensor of each type and of odd sizes reads back as it was."""
    kind = DTYPES[dtype]
    array = np.arange(max(int(np.prod(shape)), 1))[: int(np.prod(shape))].reshape(shape).astype(kind.numpy)
    tensor = Initializer("w", kind, shape, lambda: array)
    assert len(raw(array)) == tensor.nbytes
    model = Model(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [])), {"w": tensor}, ())
    parsed = onnx.ModelProto.FromString(b"".join(bytes(c) for c in embedded(model)))
    back = onnx.numpy_helper.to_array(parsed.graph.initializer[0])
    assert back.shape == shape
    np.testing.assert_array_equal(back.astype(np.float32), array.astype(np.float32))


class _Large(Mapping[str, Array]):
    """Weights that come into being when they are asked for."""

    def __getitem__(self, path: str) -> Array:
        return np.ones((1024, 1024), np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("limit", [0, 10**9])
def test_weights_are_held_one_at_a_time(tmp_path: Path, limit: int) -> None:
    """Writing 24 tensors of 4 MiB takes room for few of them, inside the file and beside it."""
    weights = _Large()
    tensors = {f"w{i}": Initializer(f"w{i}", DTYPES["f32"], (1024, 1024), lambda: weights["w"]) for i in range(24)}
    model = Model(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [])), tensors, ())
    tracemalloc.start()
    save(model, tmp_path / "large.onnx", embedded_limit=limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 4 * 2**20
    read = onnx.load(tmp_path / "large.onnx")
    assert len(read.graph.initializer) == 24
    assert onnx.numpy_helper.to_array(read.graph.initializer[-1]).sum() == 2**20


def test_bfloat16_bits() -> None:
    """bf16 is stored in its own bits."""
    assert bytes(raw(np.array([1.0, -2.0], ml_dtypes.bfloat16))) == b"\x80\x3f\x00\xc0"
