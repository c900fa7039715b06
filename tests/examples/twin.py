"""An example beside its original: the original's weights in the example, and what the original computes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from dlc.ir.graph import Weight
from dlc.ir.types import Array


@dataclass(frozen=True)
class Original:
    """A model of another library in float64.

    weights: (name, array in PyTorch's order of axes) in the order of its layers. call: the outputs for the inputs of
    the example, in the example's order.
    """

    weights: Sequence[tuple[str, Array]]
    call: Callable[[Mapping[str, Array]], Sequence[Array]]


@dataclass(frozen=True)
class Twin:
    """An example and how to build its original.

    sizes: for the named sizes of the example's inputs. tolerance: how far the outputs may be apart, as a part of the
    largest; double rounding is 1e-16, and every sum of n numbers adds to it.
    """

    file: str
    build: Callable[[], Original]
    model: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    tolerance: float = 1e-10
    slow: bool = False


def moved(original: Iterable[tuple[str, Array]], wanted: Mapping[str, Weight]) -> dict[str, Array]:
    """The arrays under the paths of the example: the n-th `weight` there is the n-th `weight` here, and so on.

    Raises AssertionError where numbers or shapes differ.
    """
    given: dict[str, list[tuple[str, Array]]] = {}
    for name, array in original:
        given.setdefault(name.rpartition(".")[2], []).append((name, array))
    placed: dict[str, Array] = {}
    for path, weight in wanted.items():
        name, array = given[path.rpartition(".")[2]].pop(0)
        assert array.shape == weight.type.shape, f"{name} {array.shape} is not {path} {weight.type.shape}"
        placed[path] = array
    assert not any(given.values()), f"left over: {[name for rest in given.values() for name, _ in rest]}"
    return placed


Rename = Callable[[str], str]


def of_torch(module: nn.Module, call: Callable[..., Any] | None = None, *, rename: Rename = lambda name: name,
             arrange: Callable[[str, Array], Array] = lambda name, array: array, first: str = "") -> Original:
    """A module, with numbers in it that give nothing away.

    call: takes the module and the inputs as tensors by name; by default the inputs in order. arrange: turns an array
    into PyTorch's order. first: the weight that the example meets first, though the module declares it later.
    """
    module = scrambled(module.double().eval())
    state = {n: t.numpy().copy() for n, t in module.state_dict().items() if t.is_floating_point()}
    order = [first, *(n for n in state if n != first)] if first else list(state)
    function = call or (lambda m, **inputs: m(*inputs.values()))

    def run(inputs: Mapping[str, Array]) -> list[Array]:
        tensors = {n: torch.from_numpy(a.astype(np.float64) if a.dtype.kind == "f" else a) for n, a in inputs.items()}
        with torch.no_grad():
            result = function(module, **tensors)
        return [r.numpy() for r in (result if isinstance(result, (tuple, list)) else (result,))]

    return Original([(rename(n), arrange(n, state[n])) for n in order], run)


def scrambled(module: nn.Module) -> nn.Module:
    """Biases, scales and statistics become random: as zeros and ones they would hide that they were swapped."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif tensor.is_floating_point() and (tensor.dim() < 2 or name.endswith(("layer_scale", "class_token"))):
            tensor.add_(torch.empty_like(tensor).normal_(0, 0.2, generator=generator))
    return module
