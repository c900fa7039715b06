"""`load` and `check`: models by name, arguments, imports, weight files, limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from language.programs import outputs
from safetensors.numpy import save_file

from dlc.diagnostics import DlcError, Source
from dlc.ir.verify import verify
from dlc.language import check, load

SAMPLE = """dl 1
model Net(width: int = 8, act: str = "relu", sizes: int[] = [4, 2], p: float = 0.5) {
  input x: f32[N, 3]
  y = x |> linear(width, bias=false) @a
  for c in sizes {
    y = y |> linear(c, bias=false) @b
  }
  output y = y |> dropout(p)
}
"""


def code(text: str, **options: object) -> str:
    """The code of the only diagnostic of a load that fails."""
    with pytest.raises(DlcError) as caught:
        load(Source("test.dl", text), **options)  # type: ignore[arg-type]
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code


@pytest.mark.parametrize("name", ["mnist", "gpt", "charrnn", "resnet"])
def test_samples(name: str) -> None:
    """The programs that set the tone of the language have no mistake."""
    path = Path(__file__).parents[2] / "examples" / f"{name}.dl"
    if not path.exists():
        pytest.skip("not among the examples")
    assert check(path) == []
    verify(load(path))


def test_arguments() -> None:
    """Hyper-parameters come from outside, as numbers, strings and lists."""
    found = load(Source("test.dl", SAMPLE), arguments={"width": 16, "sizes": [5, 6, 7], "p": 1 / 4})
    assert {k: v.type.shape for k, v in found.weights().items()} == {
        "a.weight": (16, 3),
        "b.0.weight": (5, 16),
        "b.1.weight": (6, 5),
        "b.2.weight": (7, 6),
    }
    assert found.entry.parameters["sizes"] == (5, 6, 7)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"arguments": {"widht": 4}}, "E0341"),
        ({"arguments": {"width": 2.5}}, "E0215"),
        ({"model": "Nte"}, "E0343"),
    ],
)
def test_wrong_arguments(options: dict[str, object], expected: str) -> None:
    """Arguments that the model does not have, or of another kind, are refused."""
    assert code(SAMPLE, **options) == expected


def test_which_model() -> None:
    """A file with several models needs a name; one without models cannot be loaded."""
    two = SAMPLE + SAMPLE.removeprefix("dl 1\n").replace("Net", "Other")
    assert code(two) == "E0342"
    assert load(Source("test.dl", two), model="Other").name == "Other"
    assert code("dl 1\nfn f(x: f32[N]) -> f32[N] { return x }\n") == "E0340"


def test_imports(tmp_path: Path) -> None:
    """Imports are relative to the file that they stand in, keep its layout, and may be renamed."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "more.dl").write_text("dl 1\nfn twice(x: f32[...]) -> f32[...] { return x * 2.0 }\n")
    (tmp_path / "parts" / "blocks.dl").write_text(
        'dl 1\nlayout NHWC\nfrom "more.dl" import twice\nblock Conv(c: int) (x: f32[N, H, W, C]) -> f32[N, H, W, c] {\n'
        "  return x |> conv2d(c, kernel=3, pad=1) @conv |> twice\n}\n"
    )
    (tmp_path / "net.dl").write_text(
        'dl 1\nlayout NCHW\nfrom "parts/blocks.dl" import Conv as C\nmodel M {\n  input x: f32[N, 4, 5, 3]\n'
        "  output y: f32[N, 4, 5, 6] = x |> C(6) @c\n}\n"
    )
    assert check(tmp_path / "net.dl") == []
    found = load(tmp_path / "net.dl")
    assert next(n.attributes.get("layout") for n in found.blocks()[0].nodes) == "NHWC"  # type: ignore[attr-defined]


def _weights(tmp_path: Path, **arrays: np.ndarray) -> Path:
    save_file(arrays, tmp_path / "w.safetensors")
    path = tmp_path / "net.dl"
    path.write_text(
        'dl 1\nweights "w.safetensors"\nmodel M {\n  input x: f32[N, 2]\n'
        "  output y = x |> linear(3, bias=false) @fc\n}\n"
    )
    return path


def test_weight_file(tmp_path: Path) -> None:
    """The arrays of the file are the weights, as views of the mapped file."""
    array = np.arange(6, dtype=np.float32).reshape(3, 2)
    found = load(_weights(tmp_path, **{"fc.weight": array}))
    np.testing.assert_array_equal(found.values["fc.weight"], array)
    assert not found.values["fc.weight"].flags.owndata
    x = np.array([[1.0, 2.0]])
    np.testing.assert_allclose(outputs(found, found.values, x=x)["y"], x @ array.T)


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"fc.wieght": (3, 2)}, ["E0542"]),
        ({"fc.weight": (3, 2), "fc.bias": (3,)}, ["E0543"]),
        ({"fc.weight": (2, 3)}, ["E0544"]),
    ],
)
def test_weight_file_that_does_not_fit(tmp_path: Path, arrays: dict[str, tuple[int, ...]], expected: list[str]) -> None:
    """Missing weights, other weights and other shapes are refused by name."""
    path = _weights(tmp_path, **{k: np.zeros(s, np.float32) for k, s in arrays.items()})
    with pytest.raises(DlcError) as caught:
        load(path)
    assert [d.code for d in caught.value.diagnostics] == expected
    assert [d.code for d in check(path)] == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"\xff" * 64,
        b"\x10\0\0\0\0\0\0\0{}",
        b"\x02\0\0\0\0\0\0\0{}x",
        b'\x0a\0\0\0\0\0\0\0{"a": {}} ',
    ],
)
def test_damaged_weight_file(tmp_path: Path, content: bytes) -> None:
    """A file of another format, or cut short, ends in one error."""
    path = _weights(tmp_path, x=np.zeros(1, np.float32))
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(DlcError) as caught:
        load(path)
    assert caught.value.diagnostics[0].code in ("E0541", "E0542")


def test_missing_weight_file(tmp_path: Path) -> None:
    """A weight file that is not there is an error at the line that names it."""
    path = _weights(tmp_path)
    (tmp_path / "w.safetensors").unlink()
    with pytest.raises(DlcError) as caught:
        load(path)
    assert caught.value.diagnostics[0].code == "E0540"
    assert caught.value.diagnostics[0].span is not None


@pytest.mark.parametrize(
    "body",
    [
        "  for i in 0..100000 {\n    for j in 0..100000 {\n      y = x\n    }\n  }\n",
        "  y = x |> repeat 100000 relu |> repeat 100000 relu |> repeat 100000 relu\n",
    ],
)
def test_bombs(body: str) -> None:
    """A program that would never end being built ends in one clear error."""
    found = check(Source("test.dl", f"dl 1\nmodel M {{\n  input x: f32[N]\n{body}  output z = x\n}}\n"))
    assert [d.code for d in found] == ["E0312"]


def test_deep_nesting_within_limits() -> None:
    """Ninety blocks inside one another are no problem."""
    deep = "block Deep(n: int) (x: f32[N]) -> f32[N] {\n  return if n == 0 { x } else { relu(Deep(x, n - 1)) }\n}\n"
    assert check(Source("test.dl", f"dl 1\n{deep}model M {{\n  input x: f32[N]\n  output y = Deep(x, 90)\n}}\n")) == []
