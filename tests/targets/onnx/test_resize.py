"""Resampling: the same neighbours whatever the sizes, known or named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from targets.onnx.one_op import compare
from targets.onnx.programs import write

import dlc.ops  # noqa: F401
from dlc.ir.op import op, sample


@pytest.mark.parametrize("mode", ["nearest", "nearest_exact"])
@pytest.mark.parametrize("before", [1, 3, 7, 14])
def test_nearest_elements(mode: str, before: int, tmp_path: Path) -> None:
    """Also where the single precision of the runtime would find another element than the exact ratio (14 to 2)."""
    for after in (1, 2, 3, 5, 6, 8, 39):
        compare(op("resize"), sample(f"f32[1, 1, {before}]", size=after, mode=mode), tmp_path / "r.onnx")


@pytest.mark.parametrize("options", ["mode=\"nearest\"", "mode=\"bilinear\"", "mode=\"bicubic\"",
                                     "mode=\"bilinear\", align_corners=true"])
def test_named_sizes(options: str, tmp_path: Path) -> None:
    """Sizes that are known at run time only, by a whole factor."""
    written = write(f"""layout NCHW
model M {{
  input image: f32[N, 2, H, W]
  output y: f32[N, 2, 2 * H, 3 * W] = upsample(image, scale=[2, 3], {options})
}}""", tmp_path)
    assert [n.op_type for n in written.nodes()] == ["Resize"]
    for h, w in ((3, 4), (5, 2)):
        written.agrees(image=np.random.default_rng(0).normal(size=(2, 2, h, w)))


def test_a_named_target(tmp_path: Path) -> None:
    """To the sizes of another input."""
    written = write("""layout NCHW
model M {
  input image: f32[N, 2, H, W]
  input like: f32[P, Q]
  output y: f32[N, 2, P, Q] = resize(image, size=[P, Q], mode="bilinear")
}""", tmp_path)
    written.agrees(image=np.random.default_rng(0).normal(size=(2, 2, 3, 5)), like=np.ones((7, 4)))
