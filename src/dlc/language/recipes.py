"""`train` sections: from the tree to a checked recipe.

A recipe's values are numbers, strings, truth values, tuples, `Reference` to a tensor and `Function` for a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dlc.diagnostics import Collector, Label, Span, suggestion
from dlc.ir.graph import Program
from dlc.language import ast
from dlc.language.elaborate import Module
from dlc.language.elaborate.context import head
from dlc.language.recipe_reader import Reader
from dlc.language.recipe_values import Function, Reference

__all__ = ["Function", "Recipe", "Reference", "check_recipes", "recipes_of"]


@dataclass(frozen=True)
class Recipe:
    """A `train` section: its name (None for the unnamed one), its model, and its values by key."""

    name: str | None
    model: str
    entries: Mapping[str, Any]
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)
    doc: str = ""


def recipes_of(
    module: Module, model: ast.ModelDecl, program: Program | None, arguments: Mapping[str, Any], report: Collector
) -> tuple[Recipe, ...]:
    """The recipes of a model, those without mistakes; the mistakes are reported (E04xx)."""
    found: list[Recipe] = []
    for node in module.recipes:
        if node.model == model.name:
            read = Reader(model, program, arguments, report).read(node)
            if read is not None:
                found.append(Recipe(node.name, node.model, *read, node.doc or ""))
    return tuple(found)


def check_recipes(module: Module, programs: Mapping[str, Program | None], report: Collector) -> None:
    """Report everything that is wrong in the `train` sections of a file."""
    seen: dict[tuple[str | None, str], ast.TrainDecl] = {}
    for node in module.recipes:
        model = module.models.get(node.model)
        if model is None:
            report.error(
                "E0409",
                f"there is no model `{node.model}` to train",
                head(node.span, node.model),
                found=node.model,
                expected=", ".join(module.models) or "a model in this file",
                hint=suggestion(node.model, module.models),
            )
            continue
        other = seen.setdefault((node.name, node.model), node)
        if other is not node:
            report.error(
                "E0410",
                f"`{node.model}` has two recipes of one name",
                node.entries[0].span if node.entries else node.span,
                expected="a name for each: `train quick for Model { ... }`",
                labels=(Label(head(other.span, node.model), "the first one"),),
            )
        Reader(model, programs.get(node.model), {}, report).read(node)
