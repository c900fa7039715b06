"""Arrays from files and literals, and outputs to files and people."""

from __future__ import annotations

import pickle
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import dlc.ops  # noqa: F401
from dlc.diagnostics import DlcError
from dlc.ir.dim import name
from dlc.ir.graph import Graph, Program
from dlc.ir.types import DTYPES, TensorType
from dlc.runtime import files
from dlc.runtime.files import read_inputs, summary_lines, write_outputs


def program(**inputs: str) -> Program:
    """A program with inputs of these types, written like `f32[N, 3]`."""
    graph = Graph("m")
    for label, text in inputs.items():
        dtype, _, rest = text.rstrip("]").partition("[")
        dims = [int(d) if d.strip().isdigit() else name(d.strip()) for d in rest.split(",") if d]
        graph.add_input(label, TensorType(DTYPES[dtype], tuple(dims)))
    return Program(graph)


def read(text: str, type: str) -> np.ndarray:
    return read_inputs(program(x=type), {"x": text})["x"]


@pytest.mark.parametrize(("text", "type", "expected"), [
    ("1.5", "f32", 1.5), ("-2", "f32", -2.0), ("[1, 2, 3]", "f32[3]", [1.0, 2.0, 3.0]), ("true", "bool", True),
    ("[[1,2],[3,4]]", "i64[2,2]", [[1, 2], [3, 4]]), ("[true, false]", "bool[2]", [True, False]),
    ("[]", "f32[0]", []), ("1e-3", "f64", 1e-3), ("7", "u8", 7),
])
def test_literals(text: str, type: str, expected: object) -> None:
    """Numbers and lists of them become arrays of the input's type."""
    array = read(text, type)
    assert array.dtype == DTYPES[type.partition("[")[0]].numpy
    np.testing.assert_array_equal(array, np.asarray(expected, array.dtype))


@pytest.mark.parametrize(("text", "type", "code"), [
    ("hello", "f32", "E0554"), ("[1, [2]]", "f32[2]", "E0554"), ("1.5", "i64", "E0513"), ("1", "bool", "E0513"),
    ("'a'", "f32", "E0554"), ("[" * 100000, "f32", "E0554"), ("__import__('os')", "f32", "E0554"), ("", "f32", "E0554"),
])
def test_wrong_literals(text: str, type: str, code: str) -> None:
    """What is no number, or no number of that type, is a diagnostic that names the input."""
    with pytest.raises(DlcError, match="`x`") as error:
        read(text, type)
    assert error.value.diagnostics[0].code == code


def test_array_files(tmp_path: Path) -> None:
    """An .npy file; from an .npz the array of the input's name, or the only one; integers become floats."""
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "both.npz", x=array, y=array + 1)
    np.savez(tmp_path / "one.npz", other=array)
    for file in ("a.npy", "both.npz", "one.npz"):
        found = read(str(tmp_path / file), "f32[N, 3]")
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, array)


def test_an_archive_without_the_array(tmp_path: Path) -> None:
    """The message lists what there is."""
    np.savez(tmp_path / "both.npz", a=np.ones(1), b=np.ones(1))
    with pytest.raises(DlcError, match="found: a, b"):
        read(str(tmp_path / "both.npz"), "f32[1]")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".png", ".jpg"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", b"\x93NUMPY\x01\x00\xff\xff", b"\x89PNG\r\n\x1a\n\x00",
                                     b"\x93NUMPY\x01\x00\x10\x00{'descr':oops}\n", b"\xff" * 1000])
def test_damaged_files(suffix: str, content: bytes, tmp_path: Path) -> None:
    """Whatever a file holds, reading it ends in a diagnostic."""
    file = tmp_path / f"x{suffix}"
    file.write_bytes(content)
    with pytest.raises(DlcError) as error:
        read(str(file), "f32[N, 3, H, W]")
    assert error.value.diagnostics[0].code == "E0552"


def test_pickles_are_never_read(tmp_path: Path) -> None:
    """An array of Python objects is refused before anything in it runs."""
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)
    np.save(tmp_path / "trap.npy", np.array([Trap()], object), allow_pickle=True)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Trap()))
    for file in ("trap.npy", "bare.npy"):
        with pytest.raises(DlcError, match="no array file"):
            read(str(tmp_path / file), "f32[1]")
    assert not (tmp_path / "sprung").exists()


def test_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beyond the limit is refused before it is read; a header that promises too much is damaged."""
    np.save(tmp_path / "a.npy", np.ones(100))
    monkeypatch.setattr(files, "MOST_BYTES", 500)
    with pytest.raises(DlcError, match="too large"):
        read(str(tmp_path / "a.npy"), "f64[100]")
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }".ljust(117) + b"\n"
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DlcError, match="no array file"):
        read(str(tmp_path / "b.npy"), "f64[100]")


def test_missing_files_and_names() -> None:
    """Each mistake is reported, all in one go; a wrong name with the nearest one."""
    with pytest.raises(DlcError) as error:
        read_inputs(program(image="f32[3]"), {"imgae": "[1,2,3]", "image": "nowhere.npy"})
    assert [d.code for d in error.value.diagnostics] == ["E0511", "E0551"]
    assert "did you mean `image`" in str(error.value)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Four pixels high, two wide: red above, blue below."""
    from PIL import Image
    pixels = np.zeros((4, 2, 3), np.uint8)
    pixels[:2, :, 0] = 255
    pixels[2:, :, 2] = 255
    Image.fromarray(pixels).save(tmp_path / "p.png")
    return tmp_path / "p.png"


def test_images(picture: Path) -> None:
    """Channels first or last, floats from 0 to 1, integers from 0 to 255, grey where there is one channel."""
    given = {"x": str(picture)}
    first = read_inputs(program(x="f32[N, 3, H, W]"), given)["x"]
    assert first.shape == (1, 3, 4, 2)
    np.testing.assert_array_equal(first[0, :, 0, 0], [1, 0, 0])
    np.testing.assert_array_equal(first[0, :, 3, 1], [0, 0, 1])
    nhwc = program(x="u8[H, W, 3]")
    nhwc.layout = "NHWC"
    np.testing.assert_array_equal(read_inputs(nhwc, given)["x"][0, 0], [255, 0, 0])
    grey = read_inputs(program(x="f32[N, 1, H, W]"), given)["x"]
    np.testing.assert_allclose(grey[0, 0, 0, 0], 76 / 255, atol=1e-6)
    assert read_inputs(program(x="f32[H, W]"), given)["x"].shape == (4, 2)


def test_images_are_resized(picture: Path) -> None:
    """To the height and width of the input, where they are numbers."""
    assert read_inputs(program(x="f32[N, 3, 8, 6]"), {"x": str(picture)})["x"].shape == (1, 3, 8, 6)


@pytest.mark.parametrize("type", ["f32[5]", "f32[N, 2, H, W]", "f32[N, C, H, W]"])
def test_inputs_that_take_no_image(picture: Path, type: str) -> None:
    """An input without the axes of an image says what it expects."""
    with pytest.raises(DlcError, match="takes no image"):
        read_inputs(program(x=type), {"x": str(picture)})


def test_outputs_to_files(tmp_path: Path) -> None:
    """Several outputs by name in an .npz, one in an .npy; bf16 is widened; nothing else is left in the folder."""
    outputs = {"a": np.arange(3.0), "b": np.array([1.5, 2], ml_dtypes.bfloat16)}
    write_outputs(outputs, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as back:
        np.testing.assert_array_equal(back["a"], outputs["a"])
        assert back["b"].dtype == np.float32
    write_outputs({"a": outputs["a"]}, tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), outputs["a"])
    assert {p.name for p in tmp_path.iterdir()} == {"out.npz", "out.npy"}
    with pytest.raises(DlcError, match=r"expected: a \.npz file"):
        write_outputs(outputs, tmp_path / "out.npy")
    with pytest.raises(DlcError, match="cannot write"):
        write_outputs(outputs, tmp_path / "no" / "out.npz")


def test_the_summary() -> None:
    """Small outputs in full, large ones by their range, classes from the highest down."""
    lines = summary_lines({"s": np.float32(1.5)[...], "v": np.array([1, 2]), "w": np.linspace(0, 1, 11)})
    assert lines[0] == "s: float32[] = 1.5"
    assert lines[1] == "v: int64[2] = [1, 2]"
    assert "from 0 to 1, mean 0.5" in lines[2]
    top = summary_lines({"p": np.array([[0.1, 0.7, 0.2]])}, top=2)
    assert top == ["p: float64[1, 3]", "  [0] 1 (0.7), 2 (0.2)"]
