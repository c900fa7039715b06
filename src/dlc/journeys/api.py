"""The Python API: `dlc.load(...)`, and what a loaded model can do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dlc.ir.graph import Program
from dlc.ir.text import print_program
from dlc.ir.types import Array
from dlc.journeys.compiling import Compiled, compile_model, to_text
from dlc.journeys.cost import Summary, summarize
from dlc.journeys.models import Model
from dlc.journeys.models import load as load_model
from dlc.runtime.executor import Executor
from dlc.runtime.executor import executor as make_executor


class LoadedModel:
    """A model with weights: `to` writes it, `executor` runs it, `summary` measures it, `str` is its text."""

    def __init__(self, model: Model) -> None:
        self.model = model

    @property
    def program(self) -> Program:
        """The typed graph."""
        return self.model.program

    @property
    def weights(self) -> Mapping[str, Array]:
        """Array by weight path, loaded or drawn when asked for."""
        return self.model.weights

    def to(self, target: str, output: str | Path, *, io_layout: str = "keep", verify: bool = True) -> Compiled:
        """Write the model for "torch", "keras", "onnx" or "dl" at `output`, a folder or a file.

        Raises DlcError; Unsupported lists all that the target cannot express.
        """
        if target == "dl":
            return to_text(self.model, Path(output))
        return compile_model(self.model, target, Path(output), io_layout=io_layout, verify=verify)

    def executor(self, *, engine: str = "auto", device: str = "cpu", threads: int | None = None) -> Executor:
        """The model ready to run: call it with an array per input, by name; it returns arrays by output name."""
        return make_executor(self.model.program, self.model.weights, engine=engine, device=device, threads=threads)

    def summary(self, **sizes: int) -> Summary:
        """Layers, parameters, multiply-accumulates and memory; keywords are numbers for named sizes."""
        return summarize(self.model.program, sizes)

    def __str__(self) -> str:
        return print_program(self.model.program)

    def _repr_html_(self) -> str:
        """A table of the layers, for notebooks."""
        from html import escape
        rows = "".join(f"<tr><td>{escape(r.path)}</td><td>{escape(r.kind)}</td>"
                       f"<td>{escape(', '.join(map(str, r.outputs)))}</td><td>{r.parameters:,}</td></tr>"
                       for r in self.summary().rows)
        head = "<tr><th>layer</th><th>kind</th><th>output</th><th>parameters</th></tr>"
        return f"<b>{escape(self.program.name)}</b><table>{head}{rows}</table>"


def load(path: str | Path, *, seed: int = 0, **arguments: object) -> LoadedModel:
    """The model in a `.dl` file (`"x.dl"`, or `"x.dl:Name"` where it has several).

    Keywords are hyper-parameters of the model; weights that no file gives are drawn with `seed`.
    """
    return LoadedModel(load_model(str(path), arguments=arguments, seed=seed))
