"""Operations that own weights become Keras layers with the weights in Keras' own layouts, and compute the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from every_op import cases
from targets.keras.layers import layered, with_layers
from targets.keras.written import assert_agrees, written

pytest.importorskip("keras")

LAYERS = {
    "batch_norm": {"BatchNormalization"}, "conv1d": {"Conv1D"}, "conv2d": {"Conv2D", "DepthwiseConv2D"},
    "conv3d": {"Conv3D"}, "conv_transpose1d": {"Conv1DTranspose"}, "conv_transpose2d": {"Conv2DTranspose"},
    "conv_transpose3d": {"Conv3DTranspose"}, "embedding": {"Embedding"}, "group_norm": {"GroupNormalization"},
    "gru": {"GRU", "Bidirectional"}, "instance_norm": {"GroupNormalization"}, "layer_norm": {"LayerNormalization"},
    "linear": {"Dense"}, "lstm": {"LSTM", "Bidirectional"}, "prelu": {"PReLU"}, "rms_norm": {"RMSNormalization"},
    "rnn": {"SimpleRNN", "Bidirectional"}, "multi_head_attention": {"Dense"},
}
"""The layers that stand for an operation in at least one of its samples; the others are written with `keras.ops`."""


@pytest.mark.parametrize("name", with_layers())
def test_samples_as_layers(name: str, tmp_path: Path) -> None:
    """Every sample, its parameters as weights of a layer, is as near to float64 as the reference is."""
    found: set[str] = set()
    for i, (case, program, weights, inputs) in enumerate(layered(cases.testable()[name])):
        text = written(program, tmp_path / str(i), given=weights)
        found |= set(re.findall(r"layers\.(\w+)\(", text))
        factor = max(case.op.ulps / 4, 8.0)
        assert_agrees(program, tmp_path / str(i), inputs, weights, factor=factor)
    assert LAYERS.get(name, set()) <= found
