"""Initialisers in the source: `nn.init` calls where a weight does not start as its module starts it by itself."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from math import sqrt
from typing import Any

from dlc.ir.graph import Apply, Weight
from dlc.ir.op import Initializer, Problem, WeightSpec
from dlc.ops.initializers import TRUNCATED_DEVIATION, fans
from dlc.targets.source.code import lit, literal
from dlc.targets.source.layers import owned_weights

_RULES = {
    "zeros": "zeros_", "ones": "ones_", "constant": "constant_", "normal": "normal_", "uniform": "uniform_",
    "truncated_normal": "trunc_normal_", "xavier_uniform": "xavier_uniform_", "xavier_normal": "xavier_normal_",
    "kaiming_uniform": "kaiming_uniform_", "kaiming_normal": "kaiming_normal_", "orthogonal": "orthogonal_",
    "identity": "eye_", "dirac": "dirac_",
    "lecun_uniform": "kaiming_uniform_", "lecun_normal": "trunc_normal_",
}
_ARGUMENTS = {"low": "a", "high": "b", "value": "val"}
_OMITTED: dict[str, dict[str, Any]] = {
    "normal_": {"mean": 0.0, "std": 1.0}, "uniform_": {"a": 0.0, "b": 1.0}, "xavier_uniform_": {"gain": 1.0},
    "xavier_normal_": {"gain": 1.0}, "orthogonal_": {"gain": 1.0}, "dirac_": {"groups": 1},
    "trunc_normal_": {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0},
    "kaiming_uniform_": {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
    "kaiming_normal_": {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"},
}


def initialise(node: Apply, unlike: Mapping[str, Initializer] | None = None) -> tuple[str, ...]:
    """Statements after the constructor of a layer: initialisers that are not the declared ones, and frozen weights.

    `{self}` stands for the module. unlike: where PyTorch's module starts otherwise than the layer is declared to.
    """
    owned = owned_weights(node)
    if owned is None:
        return ()
    declared = _declared(node)
    lines: list[str] = []
    for name, weight in owned[1].items():
        own = (unlike or {}).get(name) or (declared[name].initializer if name in declared else None)
        if weight.initializer != own:
            lines += initialiser(weight, f"{{self}}.{name}")
    frozen = [name for name, weight in owned[1].items() if not weight.trainable and not weight.state]
    if frozen and len(frozen) == sum(not w.state for w in owned[1].values()):
        lines.append("{self}.requires_grad_(False)")
    else:
        lines += [f"{{self}}.{name}.requires_grad_(False)" for name in frozen]
    return tuple(lines)


def initialiser(weight: Weight, target: str) -> list[str]:
    """`nn.init.normal_(target, std=0.02)`, as statements."""
    rule = weight.initializer
    function = _RULES[rule.name]
    given = {_ARGUMENTS.get(name, name): value for name, value in rule.arguments} | _implied(weight)
    gain = given.pop("gain", 1.0) if rule.name == "identity" else 1.0
    shown = ", ".join([target, *(f"{n}={lit(v, n) if not isinstance(v, str) else literal(v)}"
                                 for n, v in given.items() if _OMITTED.get(function, {}).get(n) != v)])
    scaled = [] if gain == 1.0 else [f"{target}.data.mul_({literal(gain)})"]
    return [f"nn.init.{function}({shown})", *scaled]


def _implied(weight: Weight) -> dict[str, Any]:
    """The arguments under which PyTorch's function does what a rule that it lacks does."""
    name = weight.initializer.name
    if name == "lecun_uniform":
        return {"nonlinearity": "linear"}
    if name != "lecun_normal":
        return {}
    fan_in = fans([d for d in weight.type.shape if isinstance(d, int)])[0]
    std = sqrt(1 / max(fan_in, 1)) / TRUNCATED_DEVIATION
    return {"std": std, "a": -2 * std, "b": 2 * std}


def new_tensor(weight: Weight, sizes: str) -> str:
    """The tensor that an explicit weight starts as, before `nn.init` where that is needed."""
    value = {"zeros": "torch.zeros", "ones": "torch.ones"}.get(weight.initializer.name, "torch.empty")
    return f"{value}({sizes})"


def _declared(node: Apply) -> dict[str, WeightSpec]:
    """What the operation's layer would own with these operands and attributes."""
    layer = node.op.layer
    owned = owned_weights(node)
    if layer is None or owned is None:
        return {}
    weights = {name: w.type for name, w in owned[1].items()}
    others = {o.name: v.type for o, v in zip(node.op.operands, node.operands, strict=False)
              if v is not None and o.name not in weights}
    try:
        sizes = _known(node.op.sizes, {**weights, **others, **node.attributes}) if node.op.sizes else {}
        result: dict[str, WeightSpec] = layer(**_accepted(layer, {**others, **node.attributes, **sizes}))
    except (Problem, TypeError, KeyError):
        return {}
    return result


def _known(function: Any, candidates: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = function(**_accepted(function, candidates))
    return result


def _accepted(function: Any, candidates: Mapping[str, Any]) -> dict[str, Any]:
    """Those candidates that the function has parameters for."""
    parameters = signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return dict(candidates)
    return {name: value for name, value in candidates.items() if name in parameters}
