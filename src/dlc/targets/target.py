"""What a target is: the protocol that every framework's folder fulfils with one object, `TARGET`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dlc.diagnostics import Diagnostic, MissingExtra
from dlc.ir.graph import Program
from dlc.ir.types import Array
from dlc.targets.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Options:
    """How to write. io_layout: "keep" leaves spatial inputs and outputs as the model declares them, "native" gives
    them the layout that the framework prefers."""

    io_layout: str = "keep"


class Write(Protocol):
    """Write a program and its weights.

    weights: array by full path, every weight of the program. where: a folder that exists and is empty (model.py and
    weights go into it), or a file whose suffix the target has. Returns sentences about what was approximated or left
    out. Raises Unsupported with all that the target cannot express, MissingExtra where its framework is needed.
    """

    def __call__(self, program: Program, weights: Mapping[str, Array], where: Path, *,
                 options: Options) -> list[str]: ...


class Execute(Protocol):
    """Run what was written as a user would: import model.py by its path, `load()`, call; or open the file.

    inputs: array by input name, optional ones may be left out. Returns array by output name.
    """

    def __call__(self, program: Program, where: Path, inputs: Mapping[str, Array]) -> dict[str, Array]: ...


@dataclass(frozen=True)
class Target:
    """One framework that programs are written for.

    extra: the optional dependency of dlc that installs it. suffixes: what it writes as one file. folder: whether it
    writes a folder with model.py. table: which operation is written how, made when first asked for.
    """

    name: str
    extra: str
    suffixes: tuple[str, ...]
    folder: bool
    load_table: Callable[[], Table[Any]] = field(repr=False)
    write: Write = field(repr=False)
    execute: Execute = field(repr=False)

    @property
    def table(self) -> Table[Any]:
        return self.load_table()


@contextmanager
def requires(extra: str) -> Iterator[None]:
    """Turn a failing import of a framework inside the block into MissingExtra with the pip line."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(Diagnostic("E0602", f"{error.name} is not installed", None, expected=f"dlc[{extra}]",
                                      hint=f"pip install 'dlc[{extra}]'")) from error


def need(module: str, extra: str) -> Any:
    """Import a framework's module; MissingExtra with the pip line where it is not installed."""
    with requires(extra):
        return import_module(module)
