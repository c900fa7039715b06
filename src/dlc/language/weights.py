"""Weight files: safetensors, mapped into memory and read when asked for, checked against the model that names them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dlc.diagnostics import Diagnostic, DlcError, Span, did_you_mean
from dlc.ir.graph import Weight
from dlc.ir.types import DTYPES, Array, DType, TensorType

HEADER = 100 * 2**20
"""Bytes of the longest header that is read, as in the format's own library."""
_NAMES = {
    "BOOL": "bool",
    "F16": "f16",
    "BF16": "bf16",
    "F32": "f32",
    "F64": "f64",
    "F8_E4M3": "f8e4m3",
    "F8_E5M2": "f8e5m2",
    **{f"{k}{b}": f"{k.lower()}{b}" for k in "IU" for b in (8, 16, 32, 64)},
}
_COUNTERS = ".num_batches_tracked"
"""What PyTorch's batch norm counts: no weight, and left out of every comparison."""


@dataclass(frozen=True)
class Entry:
    """A tensor of a file: its type and the bytes that hold it, from the end of the header."""

    type: TensorType
    start: int
    stop: int


class WeightFile(Mapping[str, Array]):
    """The arrays of a safetensors file by path; each is a view of the mapped file."""

    def __init__(self, path: Path, entries: Mapping[str, Entry], offset: int) -> None:
        self.path, self.entries, self._offset = path, entries, offset

    @cached_property
    def _bytes(self) -> Array:
        return np.memmap(self.path, mode="r", dtype=np.uint8)

    def __getitem__(self, name: str) -> Array:
        entry = self.entries[name]
        dtype = entry.type.dtype.numpy
        part = self._bytes[self._offset + entry.start : self._offset + entry.stop]
        shape = [size for size in entry.type.shape if isinstance(size, int)]
        result: Array = np.ndarray(shape, dtype, part.tobytes() if entry.start % dtype.itemsize else part)
        return result

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def open_weights(path: Path, span: Span | None = None) -> WeightFile:
    """Read the header of a safetensors file. Raises DlcError: E0540 not there, E0541 not of that format."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(length) if 0 < length <= min(HEADER, size - 8) else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DlcError(
            Diagnostic(
                "E0540",
                f"the weight file {path} can't be read: {reason}",
                span,
                hint="the path is relative to the file that names it",
            )
        ) from error
    entries = None if header is None else _entries(header, size - 8 - length)
    if entries is None:
        raise DlcError(
            Diagnostic(
                "E0541",
                f"{path} is no safetensors file, or a damaged one",
                span,
                expected="a file of the safetensors format",
                hint="`safetensors.torch.save_file(model.state_dict(), path)` writes one",
            )
        )
    return WeightFile(path, entries, 8 + length)


def _entries(header: bytes, size: int) -> dict[str, Entry] | None:
    """The tensors that a header lists; None for one that makes no sense."""
    try:
        listed: dict[str, Any] = json.loads(header)
        found: dict[str, Entry] = {}
        for name, item in listed.items():
            if name == "__metadata__":
                continue
            dtype, shape = DTYPES[_NAMES[item["dtype"]]], tuple(int(n) for n in item["shape"])
            start, stop = (int(n) for n in item["data_offsets"])
            if not 0 <= start <= stop <= size or any(n < 0 for n in shape) or stop - start != _bytes(dtype, shape):
                return None
            found[name] = Entry(TensorType(dtype, shape), start, stop)
        return found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _bytes(dtype: DType, shape: tuple[int, ...]) -> int:
    total = dtype.numpy.itemsize
    for size in shape:
        total *= size
    return total


def check_weights(file: WeightFile, model: Mapping[str, Weight], span: Span | None = None) -> list[Diagnostic]:
    """What does not fit: E0542 a weight that the file lacks, E0543 one that the model lacks, E0544 another type."""
    found: list[Diagnostic] = []
    surplus = [n for n in file if n not in model and not n.endswith(_COUNTERS)]
    missing = [n for n in model if n not in file]
    for name, weight in model.items():
        if name in file and file.entries[name].type != weight.type:
            found.append(
                Diagnostic(
                    "E0544",
                    f"the weight `{name}` has another type in {file.path.name}",
                    span,
                    expected=str(weight.type),
                    found=str(file.entries[name].type),
                    hint="the sizes of the model and those it was trained with differ",
                )
            )
    if missing:
        near = did_you_mean(missing[0], surplus)
        found.append(
            Diagnostic(
                "E0542",
                f"{file.path.name} lacks {_listed(missing)}",
                span,
                expected=_listed(missing),
                found=_listed(surplus) if surplus else "nothing else",
                hint=f"`{near}` in the file may be meant: labels are the paths of weights" if near else None,
            )
        )
    elif surplus:
        near = did_you_mean(surplus[0], model)
        found.append(
            Diagnostic(
                "E0543",
                f"the model has no {_listed(surplus)}, which {file.path.name} holds",
                span,
                found=_listed(surplus),
                hint=f"`{near}` of the model may be meant" if near else None,
            )
        )
    return found


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{n}`" for n in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"
