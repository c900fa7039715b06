"""The folder: model.py and weights.safetensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from dlc.diagnostics import Diagnostic, Unsupported
from dlc.ir.graph import Apply, Graph, Program, join
from dlc.ir.graph import Call as BlockCall
from dlc.ir.types import I64, Array, TensorType
from dlc.passes.dead import RemoveDead
from dlc.passes.layout import assign
from dlc.passes.lower import lower
from dlc.targets.source.layers import owned_weights
from dlc.targets.source.module import Style, write_source
from dlc.targets.source.tensors import write_tensors
from dlc.targets.target import Options
from dlc.targets.torch import TARGET
from dlc.targets.torch.dialect import TorchDialect

_FOOTER = '''def load(weights=None):
    """Return the model in evaluation mode, with `weights` or with weights.safetensors beside this file."""
    model = {name}()
    model.load_state_dict(load_file(weights or Path(__file__).with_name("weights.safetensors")))
    return model.eval()'''
_EMPTY = '''def load():
    """Return the model in evaluation mode."""
    return {name}().eval()'''

_IMPORTS = {
    "math": "import math", "Path": "from pathlib import Path", "torch": "import torch",
    "F": "import torch.nn.functional as F", "load_file": "from safetensors.torch import load_file",
    "nn": "from torch import nn",
}


def write(program: Program, weights: Mapping[str, Array], where: Path, *, options: Options) -> list[str]:
    """Write model.py and weights.safetensors into the folder. See `dlc.targets.target.Write`."""
    ready = prepare(program, weights, options)
    types = {path: weight.type for path, weight in ready.weights().items()}
    (where / "model.py").write_text(source(ready, has_weights=bool(types)), encoding="utf-8")
    counters = _counters(ready.entry, "")
    if types or options.io_layout == "native":
        write_tensors(where / "weights.safetensors", types | dict.fromkeys(counters, TensorType(I64, ())),
                      _Both(counters, ready.values), {"format": "pt", "io_layout": options.io_layout})
    return _notes(ready)


def prepare(program: Program, weights: Mapping[str, Array], options: Options) -> Program:
    """The program as it is written: channels first, and nothing in it but what PyTorch has. Raises Unsupported."""
    table = TARGET.table
    _require_names(program)
    table.require(program)
    placed = replace(program, values=weights)
    if options.io_layout == "native" or _has_channels_last(program):
        placed = assign(placed, "NCHW", options.io_layout)
    lowered = RemoveDead()(lower(placed, table.keeps))
    table.require(lowered)
    return lowered


def _require_names(program: Program) -> None:
    """`training` is the one name that no member of a module can have: `train()` assigns it."""
    named = [(path.rpartition(".")[0] or path, weight.span or graph.span)
             for graph in program.graphs() for path, weight in graph.weights.items()]
    named += [(node.instance, node.span) for graph in program.graphs() for node in graph.walk()
              if isinstance(node, BlockCall)]
    found = [Diagnostic("E0601", f"torch cannot express the label `{label}`: `training` is a flag of every module",
                        span, expected="another label") for label, span in named if "training" in label.split(".")]
    if found:
        raise Unsupported(*dict.fromkeys(found))


class _Both(Mapping[str, Array]):
    """Arrays of two mappings, asked for one by one."""

    def __init__(self, first: Mapping[str, Array], second: Mapping[str, Array]) -> None:
        self.first, self.second = first, second

    def __getitem__(self, path: str) -> Array:
        return self.first[path] if path in self.first else self.second[path]

    def __iter__(self) -> Iterator[str]:
        yield from {**dict.fromkeys(self.first), **dict.fromkeys(self.second)}

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _has_channels_last(program: Program) -> bool:
    return any(isinstance(node, Apply) and node.attributes.get("layout") == "NHWC"
               for graph in program.graphs() for node in graph.walk())


def source(program: Program, *, has_weights: bool) -> str:
    """The text of model.py for a program of which every operation is kept."""
    footer = _FOOTER if has_weights else _EMPTY
    style = Style("nn.Module", "forward", _IMPORTS, lambda name: footer.format(name=name),
                  layers_in_regions=True)
    return write_source(program, TorchDialect(), style)


def _counters(graph: Graph, prefix: str) -> dict[str, Array]:
    """`num_batches_tracked` of every batch norm, which PyTorch keeps beside its statistics."""
    dialect = TorchDialect()
    found: dict[str, Array] = {}
    for node in graph.walk():
        if isinstance(node, BlockCall):
            found.update(_counters(node.block, join(prefix, node.instance)))
        elif isinstance(node, Apply) and node.op.name == "batch_norm" and dialect.layer(node) is not None:
            owned = owned_weights(node)
            if owned is not None:
                found[f"{prefix}{owned[0]}.num_batches_tracked"] = np.zeros((), np.int64)
    return found


def _notes(program: Program) -> list[str]:
    """What training with the written source does otherwise than the graph says."""
    kinds = {n.op.name for g in program.graphs() for n in g.walk() if isinstance(n, Apply)}
    if "batch_norm" in kinds:
        return ["running_var moves by the unbiased variance of the batch, as PyTorch does it"]
    return []
