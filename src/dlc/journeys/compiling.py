"""`dlc compile`: a model out to a framework, whole or not at all, and checked against the reference."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dlc import language
from dlc.diagnostics import Diagnostic, DlcError, Source, UsageError
from dlc.ir.compare import difference
from dlc.ir.op import Problem
from dlc.ir.text import print_program
from dlc.ir.types import Array
from dlc.journeys.models import Model
from dlc.journeys.samples import no_sizes, possible_sizes, sample_inputs
from dlc.journeys.verification import Agreement, Oracle, require_agreement
from dlc.targets import target as find_target
from dlc.targets.source.tensors import write_tensors
from dlc.targets.target import Options, Target


@dataclass(frozen=True)
class Compiled:
    """What a compilation wrote: the path, its files, sentences on what was approximated, and the check of it."""

    path: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]
    agreements: tuple[Agreement, ...]


def compile_model(model: Model, to: str, output: Path, *, io_layout: str = "keep", verify: bool = True,
                  sizes: Mapping[str, int] | None = None) -> Compiled:
    """Write a model for the target `to` at `output` (a folder, or a file with a suffix that the target writes).

    sizes: numbers for named sizes, used by the check only. io_layout: "keep" or "native" (the framework's own
    order of axes at inputs and outputs). Raises Unsupported with everything that the target cannot express.
    """
    target, options = find_target(to), Options(io_layout=io_layout)
    _check_suffix(target, output)
    _check_source(model, output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
        made = Path(temporary) / output.name
        if not made.suffix:
            made.mkdir()
        notes = target.write(model.program, model.weights, made, options=options)
        agreements = _verified(model, target, made, sizes or {}) if verify else []
        notes = [*notes, *_replaced(made, output)]
        files = publish(made, output)
    return Compiled(output, tuple(files), tuple(notes), tuple(agreements))


def _check_source(model: Model, output: Path) -> None:
    """The file that a model was read from is never overwritten."""
    if output.exists() and output.resolve() == model.path.resolve():
        raise UsageError(Diagnostic("E0713", f"`{output}` is the model itself", None, expected="another path",
                                    hint="the result would take its place, without its comments and hyper-parameters"))


def _replaced(made: Path, output: Path) -> list[str]:
    """A sentence for source in the folder that was there before and reads otherwise."""
    old, new = output / "model.py", made / "model.py"
    if not new.is_file() or not old.is_file() or old.read_bytes() == new.read_bytes():
        return []
    kept = output / "model.py.old"
    os.replace(old, kept)
    return [f"the model.py that was there, and read otherwise, is now {kept.name}"]


def to_text(model: Model, output: Path) -> Compiled:
    """Write a model as `.dl` source with its weights beside it; the text is read back and must be the same graph."""
    _check_source(model, output)
    text = print_program(model.program)
    found = difference(model.program, language.load(Source(output.name, text)))
    if found is not None:
        raise DlcError(Diagnostic("E0611", f"the written text reads as another model: {found}", None))
    output.parent.mkdir(parents=True, exist_ok=True)
    weights = output.with_suffix(".safetensors")
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
        folder = Path(temporary)
        (folder / output.name).write_text(print_program(model.program, weights=weights.name), encoding="utf-8")
        types = {path: weight.type for path, weight in model.program.weights().items()}
        write_tensors(folder / weights.name, types, model.weights)
        for name in (weights.name, output.name):
            os.replace(folder / name, output.parent / name)
    notes = ["the `train` sections are not in the text"] if model.program.recipes else []
    return Compiled(output, (output.name, weights.name), tuple(notes), ())


def _check_suffix(target: Target, output: Path) -> None:
    if output.suffix and output.suffix not in target.suffixes and not output.is_dir():
        files = ", ".join(target.suffixes) or "none"
        raise UsageError(Diagnostic("E0704", f"the target {target.name} writes no `{output.suffix}` file", None,
                                    expected=f"a folder, or a file that ends in: {files}", found=str(output)))


def _verified(model: Model, target: Target, made: Path, given: Mapping[str, int]) -> list[Agreement]:
    program = model.program
    inputs, oracle = _sampled(model, given)
    agreements = oracle.compare(target.execute(program, made, inputs))
    require_agreement(agreements, f"the written {target.name} model")
    return agreements


def _sampled(model: Model, given: Mapping[str, int]) -> tuple[dict[str, Array], Oracle]:
    """Inputs and the exact answer, for the smallest sizes with which every operation is possible: the border that an
    operation reflects may need larger ones than the shapes say."""
    refused: Problem | None = None
    for sizes in possible_sizes(model.program, given):
        inputs = sample_inputs(model.program, sizes)
        try:
            return inputs, Oracle(model.program, model.weights, inputs)
        except Problem as problem:
            refused = problem
    raise no_sizes(model.program) from refused


def publish(made: Path, output: Path) -> list[str]:
    """Move what was made to its place; files of a folder replace those of the same name, others stay."""
    if made.is_file():
        os.replace(made, output)
        beside = sorted(p for p in made.parent.iterdir() if p.is_file())
        for path in beside:
            os.replace(path, output.parent / path.name)
        return [output.name, *(p.name for p in beside)]
    names = sorted(str(p.relative_to(made)) for p in made.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    for name in names:
        place = output / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made / name, place)
    return names
