"""From what a person names on the command line to a program with weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlc import language
from dlc.diagnostics import Diagnostic, Unsupported, UsageError
from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.ops.initializers import draw

_LATER = {".onnx", ".keras", ".pt2", ".pt", ".pth", ".tflite", ".h5", ".py"}


@dataclass(frozen=True)
class Model:
    """A program, an array for every weight path, and where it came from."""

    program: Program
    weights: Mapping[str, Array]
    path: Path


def load(spec: str, *, arguments: Mapping[str, object] | None = None, seed: int = 0) -> Model:
    """The model that `x.dl` or `x.dl:Name` names.

    arguments: hyper-parameters of the model. Weights that no file gives are drawn from their initialisers with `seed`.
    Raises DlcError with everything that is wrong in the source, Unsupported for other kinds of model.
    """
    path, name = split(spec)
    program = language.load(path, model=name, arguments=arguments or {})
    return Model(program, Filled(program.values, draw(program, seed)), path)


def split(spec: str) -> tuple[Path, str | None]:
    """`x.dl:Name` into path and name. Raises for what is no `.dl` file, or is not there."""
    text, _, name = spec.partition(".dl:") if ".dl:" in spec else (spec, "", "")
    path = Path(f"{text}.dl" if name else text)
    if path.suffix in _LATER or (path.is_dir() and path.suffix != ".dl"):
        raise Unsupported(Diagnostic("E0605", f"`{spec}` cannot be read: this version reads `.dl` files", None,
                                     expected="x.dl or x.dl:Name", found=spec))
    if not path.is_file():
        near = ", ".join(sorted(p.name for p in path.parent.glob("*.dl"))[:5]) if path.parent.is_dir() else ""
        raise UsageError(Diagnostic("E0701", f"there is no file `{path}`", None,
                                    hint=f"in that folder: {near}" if near else None))
    if path.suffix != ".dl":
        raise UsageError(Diagnostic("E0702", f"`{path}` is no model", None, expected="a .dl file", found=path.suffix))
    return path, name or None


class Filled(Mapping[str, Array]):
    """The arrays of a weight file, and drawn ones for the paths that it lacks."""

    def __init__(self, given: Mapping[str, Array], drawn: Mapping[str, Array]) -> None:
        self.given, self.drawn = given, drawn

    def __getitem__(self, path: str) -> Array:
        return self.given[path] if path in self.given else self.drawn[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.drawn)

    def __len__(self) -> int:
        return len(self.drawn)
