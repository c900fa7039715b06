"""The commands. Each imports what it needs when it runs, so that `dlc --help` and `dlc check` start at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from dlc.cli import show

app = App(name="dlc", help="One model, every framework: check, compile, run and compare models written in `.dl`.",
          help_format="plaintext", version_flags=["--version"])
app.register_install_completion_command(add_to_startup=False)

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object.")]
Many = Annotated[list[str], Parameter(negative="", consume_multiple=True)]
Set = Annotated[list[str] | None, Parameter(name="--set", negative="", consume_multiple=True,
                                            help="Hyper-parameters of the model: --set width=256.")]
Shape = Annotated[list[str] | None, Parameter(name="--shape", negative="", consume_multiple=True,
                                              help="Shapes of inputs or named sizes: --shape image=1,3,224,224.")]
Seed = Annotated[int, Parameter(help="Where initial weights are drawn from when no file gives them.")]
Output = Annotated[Path, Parameter(name=["--output", "-o"])]


@app.command
def check(*files: Path, json: Json = False) -> int:
    """Check `.dl` files: syntax, names, types, shapes, recipes."""
    from dlc.journeys.checking import check_file
    paths = require_files(files)
    found = [(path, check_file(path)) for path in paths]
    diagnostics = [d for _, ds in found for d in ds]
    errors = sum(d.severity == "error" for d in diagnostics)
    if json:
        show.print_json({"diagnostics": [show.diagnostic_json(d) for d in diagnostics], "errors": errors})
    else:
        if diagnostics:
            show.complain(diagnostics)
        for path, ds in found:
            if not any(d.severity == "error" for d in ds):
                print(f"{path}: ok")
    return 1 if errors else 0


@app.command
def fmt(*files: Path, check: Annotated[bool, Parameter(negative="", help="Change nothing; fail where something "
                                                                         "would change.")] = False) -> int:
    """Format `.dl` files in place; `-` formats standard input."""
    from dlc.journeys.checking import format_file, format_text
    if [str(f) for f in files] == ["-"]:
        sys.stdout.write(format_text(sys.stdin.read(), "<stdin>"))
        return 0
    changed = [path for path in require_files(files) if format_file(path, write=not check)]
    for path in changed:
        print(f"{path}: {'would be formatted' if check else 'formatted'}")
    return 1 if check and changed else 0


@app.command
def compile(model: str, *, to: Annotated[str, Parameter(help="torch, keras, onnx or dl.")], output: Output,
            io_layout: Literal["keep", "native"] = "keep",
            verify: Annotated[bool, Parameter(help="Compare the result with the float64 reference.")] = True,
            set: Set = None, shape: Shape = None, seed: Seed = 0, json: Json = False) -> int:
    """Write a model for another framework: source and weights in a folder, or one file."""
    from dlc.cli.arguments import hyper_parameters, sizes
    from dlc.journeys.compiling import compile_model, to_text
    from dlc.journeys.models import load
    with show.progress(f"compiling {model} to {to}"):
        loaded = load(model, arguments=hyper_parameters(set or []), seed=seed)
        if to == "dl":
            done = to_text(loaded, output)
        else:
            done = compile_model(loaded, to, output, io_layout=io_layout, verify=verify,
                                 sizes=sizes(loaded.program, shape or []))
    if json:
        show.print_json({"path": done.path, "files": done.files, "notes": done.notes,
                         "verified": [vars(a) | {"ok": a.ok} for a in done.agreements]})
        return 0
    print(f"wrote {done.path}: {', '.join(done.files)}")
    for agreement in done.agreements:
        print(f"verified {agreement}")
    for note in done.notes:
        print(f"note: {note}")
    return 0


@app.command
def run(model: str, *, input: Annotated[list[str] | None, Parameter(name=["--input", "-i"], negative="",
                                                                    consume_multiple=True)] = None,
        output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
        device: Literal["cpu", "cuda"] = "cpu", engine: str = "auto", threads: int | None = None,
        top: Annotated[int | None, Parameter(help="Print the k largest of the last axis.")] = None,
        plan: Annotated[bool, Parameter(negative="", help="Show the plan: order, buffers, peak.")] = False,
        set: Set = None, shape: Shape = None, seed: Seed = 0, json: Json = False) -> int:
    """Run a model: --input NAME=FILE.npy (or .npz, an image, a number, a list)."""
    from dlc.cli.running import run_command
    return run_command(model, input or [], output=output, device=device, engine=engine, threads=threads, top=top,
                       plan=plan, set=set or [], shape=shape or [], seed=seed, json=json)


@app.command
def verify(a: str, b: str, *, layers: Annotated[bool, Parameter(negative="")] = False, set: Set = None,
           shape: Shape = None, seed: Seed = 0, json: Json = False) -> int:
    """Do two models compute the same? B may be a `.dl` model or what `dlc compile` wrote."""
    from dlc.cli.running import verify_command
    return verify_command(a, b, layers=layers, set=set or [], shape=shape or [], seed=seed, json=json)


@app.command
def summary(model: str, *, shape: Shape = None, set: Set = None, json: Json = False) -> int:
    """Layers, output shapes, parameters, multiply-accumulates and memory of a model."""
    from dlc.cli.running import summary_command
    return summary_command(model, set=set or [], shape=shape or [], json=json)


@app.command
def ops(name: str | None = None, *, markdown: Annotated[bool, Parameter(negative="")] = False,
        json: Json = False) -> int:
    """List the operations, or describe one."""
    from dlc.cli.running import ops_command
    return ops_command(name, markdown=markdown, json=json)


@app.command
def explain(code: str) -> int:
    """Explain an error code: what it means, and how to get out of it."""
    from dlc.diagnostics import Diagnostic, UsageError
    from dlc.diagnostics import explain as explanation
    text = explanation(code.upper())
    if text is None:
        raise UsageError(Diagnostic("E0707", f"there is no error code `{code}`", None, expected="a code like E0201"))
    print(text)
    return 0


def require_files(files: tuple[Path, ...]) -> list[Path]:
    """The `.dl` files that are named; folders stand for all in them. Raises UsageError where there is none."""
    from dlc.diagnostics import Diagnostic, UsageError
    found: list[Path] = []
    for path in files:
        if path.is_dir():
            found += sorted(path.rglob("*.dl"))
        elif path.is_file():
            found.append(path)
        else:
            raise UsageError(Diagnostic("E0701", f"there is no file `{path}`", None))
    if not found:
        raise UsageError(Diagnostic("E0708", "no `.dl` file is named", None, expected="dlc check FILE.dl ..."))
    return found
