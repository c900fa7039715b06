"""Sinusoidal and rotary positions against their formulas in float64."""

from typing import Any

import numpy as np
import pytest
from op_oracle import attributes_of, close, draw, gradients, infer, reference, samples

from dlc.ir.dim import name
from dlc.ir.op import Problem, Sample


@pytest.mark.parametrize("sample", samples("sinusoidal_positions"))
def test_sinusoidal(sample: Sample) -> None:
    """Every sample is the table of Vaswani et al., element by element."""
    attributes = attributes_of("sinusoidal_positions", sample)
    length, size, base = attributes["length"], attributes["size"], attributes["base"]
    expected = [[(np.cos if i % 2 else np.sin)(t / base ** ((i - i % 2) / size)) for i in range(size)]
                for t in range(length)]
    close(reference("sinusoidal_positions", **{**sample.attributes, "dtype": "f64"}), np.array(expected))


def rotated(x: Any, positions: Any, base: float, interleaved: bool) -> Any:
    """Each pair of features as a complex number, times exp(i a)."""
    half = x.shape[-1] // 2
    pairs = x[..., ::2] + 1j * x[..., 1::2] if interleaved else x[..., :half] + 1j * x[..., half:]
    positions = np.arange(x.shape[-2]) if positions is None else positions
    turned = pairs * np.exp(1j * positions[..., None] * base ** (-np.arange(half) / half))
    if interleaved:
        return np.stack([turned.real, turned.imag], -1).reshape(x.shape)
    return np.concatenate([turned.real, turned.imag], -1)


@pytest.mark.parametrize("sample", samples("rotary_embedding"))
def test_rotary(sample: Sample) -> None:
    """Every sample is a rotation in the complex plane; its gradient is the rotation back."""
    x, positions = draw(sample)
    attributes = attributes_of("rotary_embedding", sample)
    close(reference("rotary_embedding", x, positions, **sample.attributes), rotated(x, positions, **attributes))
    back = -np.arange(x.shape[-2]) if positions is None else -positions
    close(gradients("rotary_embedding", [x, positions], x, **sample.attributes)[0], rotated(x, back, **attributes))


def test_named_sizes() -> None:
    """Named lengths are kept."""
    assert infer("sinusoidal_positions", length=name("T"), size=8).shape == (name("T"), 8)
    assert infer("rotary_embedding", "f32[B, H, T, 64]", "i64[B, 1, T]").shape[2] == name("T")


@pytest.mark.parametrize(("operation", "operands", "attributes", "message"), [
    ("sinusoidal_positions", (), {"length": 5, "size": 3}, "pairs of features"),
    ("sinusoidal_positions", (), {"length": 5, "size": 4, "base": 0}, "`base`"),
    ("sinusoidal_positions", (), {"length": 5, "size": 4, "dtype": "i64"}, "`dtype`"),
    ("rotary_embedding", ("f32[4]", None), {}, "takes sequences"),
    ("rotary_embedding", ("f32[3, 5]", None), {}, "pairs of features"),
    ("rotary_embedding", ("f32[3, 4]", "i64[5]"), {}, "differ"),
    ("rotary_embedding", ("f32[3, 4]", "i64[2, 3]"), {}, "too many axes"),
])
def test_refusals(operation: str, operands: tuple[Any, ...], attributes: dict[str, Any], message: str) -> None:
    """What does not fit is refused with a sentence that names it."""
    with pytest.raises(Problem, match=message):
        infer(operation, *operands, **attributes)
