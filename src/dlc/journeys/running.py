"""`dlc run`: a model on inputs from files, on the engine that is quickest here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dlc.diagnostics import Diagnostic, DlcError
from dlc.ir.types import Array
from dlc.journeys.models import Model
from dlc.runtime.executor import Executor, executor


@dataclass(frozen=True)
class Ran:
    """The outputs by name, and the executor that made them (its engine, why it was chosen, its plan)."""

    outputs: dict[str, Array]
    executor: Executor


def run_model(model: Model, inputs: Mapping[str, Array], *, engine: str = "auto", device: str = "cpu",
              threads: int | None = None) -> Ran:
    """Run a model once.

    Raises DlcError for inputs that do not fit, engines that are not there, and numbers that an operation refuses
    (an index outside its table, an empty sequence).
    """
    ready = executor(model.program, model.weights, engine=engine, device=device, threads=threads)
    try:
        return Ran(ready(**inputs), ready)
    except (IndexError, ValueError, RuntimeError, ArithmeticError) as error:
        raise DlcError(Diagnostic("E0531", f"`{model.program.name}` cannot be run on these inputs: {error}", None,
                                  hint="look for indices outside their table (`embedding`, `gather`) and for axes of "
                                       "size 0")) from error
