"""Weights whose elements stand in another order: computed when asked for, never held twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dlc.ir.types import Array


@dataclass(frozen=True)
class Reordered:
    """An array reshaped to `split`, its axes put in `order`, and reshaped to `merged`."""

    split: tuple[int, ...]
    order: tuple[int, ...]
    merged: tuple[int, ...]

    def __call__(self, array: Array) -> Array:
        return array.reshape(self.split).transpose(self.order).reshape(self.merged)


class ReorderedValues(Mapping[str, Array]):
    """The arrays of another mapping by the same paths, some of them reordered on access."""

    def __init__(self, values: Mapping[str, Array], changes: Mapping[str, Reordered]) -> None:
        self._values, self._changes = values, dict(changes)

    def __getitem__(self, path: str) -> Array:
        array = self._values[path]
        change = self._changes.get(path)
        return array if change is None else change(array)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
