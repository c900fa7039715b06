"""What `run`, `verify`, `summary` and `ops` print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlc.cli import show
from dlc.cli.arguments import hyper_parameters, pairs, sizes
from dlc.diagnostics import Diagnostic, UsageError, suggestion
from dlc.journeys.models import Model, load


def loaded(spec: str, set: list[str], seed: int = 0) -> Model:
    """The model with the hyper-parameters of `--set`."""
    return load(spec, arguments=hyper_parameters(set), seed=seed)


def run_command(spec: str, input: list[str], *, output: Path | None, device: str, engine: str, threads: int | None,
                top: int | None, plan: bool, set: list[str], shape: list[str], seed: int, json: bool) -> int:
    """Run a model once and print or write its outputs."""
    from dlc.journeys.running import run_model
    from dlc.runtime.files import read_inputs, summary_lines, write_outputs
    model = loaded(spec, set, seed)
    if plan:
        return _plan(model, input, shape, json)
    with show.progress(f"running {spec}"):
        arrays = read_inputs(model.program, pairs(input, "--input"))
        ran = run_model(model, arrays, engine=engine, device=device, threads=threads)
    if output is not None:
        write_outputs(ran.outputs, output)
    if json:
        content: dict[str, Any] = {"engine": ran.executor.report, "outputs": {
            n: {"dtype": a.dtype.name, "shape": list(a.shape)} | ({} if output else {"values": a.tolist()})
            for n, a in ran.outputs.items()}}
        show.print_json(content)
        return 0
    for line in summary_lines(ran.outputs, top=top):
        print(line)
    print(f"engine: {ran.executor.report}")
    if output is not None:
        print(f"wrote {output}")
    return 0


def _plan(model: Model, input: list[str], shape: list[str], json: bool) -> int:
    """The plan for the sizes of the inputs, of `--shape`, or small ones that fit."""
    from dlc.ir.evaluate import bind
    from dlc.journeys.samples import sample_sizes
    from dlc.runtime.files import read_inputs
    from dlc.runtime.plan import plan_program
    given = sizes(model.program, shape)
    if input:
        arrays = read_inputs(model.program, pairs(input, "--input"))
        given |= bind([v for v in model.program.entry.inputs if v.name in arrays], arrays)
    bound = sample_sizes(model.program, given)
    plan = plan_program(model.program, bound)
    if json:
        show.print_json({"sizes": bound, **plan.as_json()})
    else:
        if bound:
            print("sizes: " + ", ".join(f"{n}={v}" for n, v in bound.items()))
        print(plan.table())
    return 0


def verify_command(a: str, b: str, *, layers: bool, set: list[str], shape: list[str], seed: int, json: bool) -> int:
    """Compare two models; exit code 1 if they differ."""
    from dlc.journeys.comparing import compare_models
    model = loaded(a, set, seed)
    with show.progress(f"comparing {a} and {b}"):
        result = compare_models(model, b, sizes=sizes(model.program, shape), layers=layers, seed=seed,
                                arguments=hyper_parameters(set))
    if json:
        show.print_json({"same": result.same, "outputs": [vars(x) | {"ok": x.ok} for x in result.agreements],
                         "first_difference": result.first})
    else:
        for line in result.lines():
            print(line)
    return 0 if result.same else 1


def summary_command(spec: str, *, set: list[str], shape: list[str], json: bool) -> int:
    """Print the layers and totals of a model."""
    from dlc.journeys.cost import summarize
    model = loaded(spec, set)
    summary = summarize(model.program, sizes(model.program, shape))
    if json:
        rows = [{"path": r.path, "kind": r.kind, "depth": r.depth, "outputs": [str(t) for t in r.outputs],
                 "parameters": r.parameters, "macs": r.macs} for r in summary.rows]
        show.print_json({"model": model.program.name, "layers": rows, "parameters": summary.parameters,
                         "states": summary.states, "macs": summary.macs, "activation_bytes": summary.activations,
                         "weight_bytes": summary.weights})
        return 0
    lines = [("  " * r.depth + (r.path.rpartition(".")[2] if r.depth else r.path), r.kind,
              ", ".join(map(str, r.outputs)), show.count(r.parameters), show.count(r.macs)) for r in summary.rows]
    print(f"{model.program.name}")
    print(show.table(("layer", "kind", "output", "parameters", "MACs"), lines, right=(3, 4)))
    print(f"parameters: {show.count(summary.parameters)} trained, {show.count(summary.states)} not "
          f"({show.size_text(summary.weights)})")
    print(f"multiply-accumulates: {show.count(summary.macs)}")
    print(f"activations, all together: {show.size_text(summary.activations)}")
    return 0


def ops_command(name: str | None, *, markdown: bool, json: bool) -> int:
    """List all operations by family, or describe one."""
    import dlc.ops  # noqa: F401, importing it declares them
    from dlc.ir.op import all_ops
    from dlc.journeys.reference_page import describe, ops_page, signature
    ops = all_ops()
    if markdown:
        print(ops_page(), end="")
    elif name is not None and name not in ops:
        raise UsageError(Diagnostic("E0709", f"there is no operation `{name}`", None, hint=suggestion(name, ops)))
    elif json:
        chosen = [ops[name]] if name is not None else list(ops.values())
        show.print_json({"ops": [{"name": o.name, "family": o.family, "signature": signature(o), "summary": o.summary}
                                 for o in chosen]})
    elif name is not None:
        print(describe(ops[name]))
    else:
        rows = [(o.name, o.family, o.summary) for o in ops.values()]
        print(show.table(("operation", "family", "what it does"), rows))
        print(f"{len(ops)} operations; `dlc ops NAME` describes one")
    return 0
