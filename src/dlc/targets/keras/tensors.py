"""The weight file of a Keras model: every variable under its key, in Keras' own layout, made when it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from dlc.ir.types import Array, TensorType, dtype_of
from dlc.targets.keras.variables import Stored
from dlc.targets.source.tensors import write_tensors


def write_variables(where: Path, variables: Iterable[Stored], weights: Mapping[str, Array],
                    metadata: Mapping[str, str]) -> None:
    """Write every variable under its key, one after the other, so that no second copy of a model is in memory."""
    stored = {variable.key: variable for variable in variables}
    types = {key: _type(variable, weights) for key, variable in stored.items()}
    write_tensors(where, types, _Made(stored, weights), metadata)


class _Made(Mapping[str, Array]):
    """The variables as arrays, each made when it is asked for."""

    def __init__(self, stored: Mapping[str, Stored], weights: Mapping[str, Array]) -> None:
        self.stored, self.weights = stored, weights

    def __getitem__(self, key: str) -> Array:
        return self.stored[key].array(self.weights)

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)


def _type(variable: Stored, weights: Mapping[str, Array]) -> TensorType:
    """The type of a variable, found without touching the numbers where that is possible."""
    hollow = {path: np.broadcast_to(np.zeros((), weights[path].dtype), weights[path].shape)
              for path in variable.sources}
    sketch = variable.array(hollow)
    return TensorType(dtype_of(sketch), sketch.shape)
