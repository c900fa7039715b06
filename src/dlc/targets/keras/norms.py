"""Normalisation. The channels are the last axis: the layout pass has seen to that."""

from __future__ import annotations

from typing import Any

from dlc.ir.graph import Apply
from dlc.targets.keras.initialisers import options
from dlc.targets.keras.table import KerasLayer, Variable, call, layer, lit, literal, option, rank_of


def _channels_last(node: Apply) -> bool:
    return node.attributes["layout"] == "NHWC" or rank_of(node) == 2


def _given(node: Apply, *names: str) -> dict[str, bool]:
    return {name: node.operand(name) is not None for name in names}


def _scale_and_shift(node: Apply) -> dict[str, Any]:
    """`scale=False`, `center=False`, and initialisers that are not the usual ones."""
    given = _given(node, "weight", "bias")
    return {"center": option(given["bias"], True, "center"), "scale": option(given["weight"], True, "scale"),
            **options(node, bias="beta_initializer", weight="gamma_initializer",
                      running_mean="moving_mean_initializer", running_var="moving_variance_initializer")}


def _variables(node: Apply, **names: str) -> tuple[Variable, ...]:
    return tuple(Variable(path, (name,)) for name, path in names.items() if node.operand(name) is not None)


def _reads(variables: tuple[Variable, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((v.sources[0], f"{{self}}.{v.path}") for v in variables)


@layer("batch_norm")
def batch_norm(node: Apply) -> KerasLayer | None:
    if not _channels_last(node):
        return None
    keeps = round(1.0 - node.attributes["momentum"], 12)
    constructor = call("layers.BatchNormalization", epsilon=lit(node.attributes["eps"], "epsilon"),
                       momentum=option(keeps, 0.99, "momentum"), **_scale_and_shift(node))
    variables = _variables(node, weight="gamma", bias="beta", running_mean="moving_mean",
                           running_var="moving_variance")
    return KerasLayer(constructor, variables=variables, reads=_reads(variables))


@layer("layer_norm")
def layer_norm(node: Apply) -> KerasLayer | None:
    rank, axes = rank_of(node), node.attributes["axes"]
    if node.operand("weight") is None and node.operand("bias") is None:
        return None
    over = list(range(-axes, 0)) if axes != 1 else -1
    constructor = call("layers.LayerNormalization", epsilon=lit(node.attributes["eps"], "epsilon"),
                       axis=option(over, -1, "axis"), **_scale_and_shift(node))
    variables = _variables(node, weight="gamma", bias="beta")
    return KerasLayer(constructor, variables=variables, reads=_reads(variables)) if rank > axes else None


@layer("rms_norm")
def rms_norm(node: Apply) -> KerasLayer | None:
    axes = node.attributes["axes"]
    if node.operand("weight") is None or rank_of(node) <= axes or axes != 1:
        return None
    constructor = call("layers.RMSNormalization", epsilon=lit(node.attributes["eps"], "epsilon"))
    return KerasLayer(constructor, variables=(Variable("scale", ("weight",)),), reads=(("weight", "{self}.scale"),))


@layer("group_norm")
def group_norm(node: Apply) -> KerasLayer | None:
    if not _channels_last(node) or (node.operand("weight") is None and node.operand("bias") is None):
        return None
    return _grouped(node, lit(node.attributes["groups"], "groups"))


@layer("instance_norm")
def instance_norm(node: Apply) -> KerasLayer | None:
    """A group for every channel."""
    if not _channels_last(node) or (node.operand("weight") is None and node.operand("bias") is None):
        return None
    return _grouped(node, literal(-1))


def _grouped(node: Apply, groups: str) -> KerasLayer:
    constructor = call("layers.GroupNormalization", groups, epsilon=lit(node.attributes["eps"], "epsilon"),
                       **_scale_and_shift(node))
    variables = _variables(node, weight="gamma", bias="beta")
    return KerasLayer(constructor, variables=variables, reads=_reads(variables))
