"""The folder: model.py and weights.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

from dlc.ir.graph import Apply, Graph, Program, join
from dlc.ir.graph import Call as BlockCall
from dlc.ir.types import Array
from dlc.passes.lower import lower
from dlc.targets.source.layers import owned_weights
from dlc.targets.source.module import Style, write_source
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
    table = TARGET.table
    table.require(program)
    lowered = lower(program, table.keeps)
    table.require(lowered)
    arrays = {path: weights[path] for path in lowered.weights()}
    (where / "model.py").write_text(source(lowered, has_weights=bool(arrays)), encoding="utf-8")
    if arrays:
        save_file({**{path: _storable(a) for path, a in arrays.items()}, **_counters(lowered.entry, "")},
                  where / "weights.safetensors")
    return _notes(lowered)


def source(program: Program, *, has_weights: bool) -> str:
    """The text of model.py for a program of which every operation is kept."""
    footer = _FOOTER if has_weights else _EMPTY
    style = Style("nn.Module", "forward", _IMPORTS, lambda name: footer.format(name=name))
    return write_source(program, TorchDialect(), style)


def _storable(array: Array) -> Array:
    """What safetensors can keep: contiguous arrays; sub-byte integers as bytes."""
    if array.dtype in (np.dtype(ml_dtypes.int4), np.dtype(ml_dtypes.uint4)):
        return np.ascontiguousarray(array.astype(np.int8))
    return np.ascontiguousarray(array)


def _counters(graph: Graph, prefix: str) -> dict[str, Array]:
    """`num_batches_tracked` of every batch norm, which PyTorch keeps beside its statistics."""
    dialect, found = TorchDialect(), {}
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
