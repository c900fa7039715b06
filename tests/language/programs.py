"""Programs from source text, evaluated: what the tests of elaboration share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from dlc.diagnostics import Source
from dlc.ir import evaluate
from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.ir.verify import verify
from dlc.language import load
from dlc.ops.initializers import draw


def program(text: str, **arguments: Any) -> Program:
    """The verified program of the only model in a text."""
    found = load(Source("test.dl", f"dl 1\n{text}"), arguments=arguments)
    verify(found)
    return found


def weights_of(found: Program) -> dict[str, Array]:
    """Numbers for every weight, drawn from their initialisers."""
    drawn = draw(found, seed=3)
    return {path: drawn[path] for path in found.weights()}


def outputs(found: Program, weights: Mapping[str, Array] | None = None, **inputs: Any) -> dict[str, Array]:
    """The outputs by name, computed by the reference in float64."""
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    return evaluate.run(found, arrays, weights=weights_of(found) if weights is None else weights, precision="float64")


def tensors(weights: Mapping[str, Array], prefix: str = "") -> dict[str, torch.Tensor]:
    """The weights under a prefix as double tensors, the prefix removed: a state_dict."""
    return {
        p.removeprefix(prefix): torch.from_numpy(np.asarray(w, np.float64 if w.dtype.kind == "f" else w.dtype))
        for p, w in weights.items()
        if p.startswith(prefix)
    }


def normal(*shape: int) -> Array:
    """Reproducible numbers around 0."""
    return np.random.default_rng(sum(shape) + len(shape)).standard_normal(shape)
