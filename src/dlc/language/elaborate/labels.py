"""Labels: the names of instances, which become the paths of weights."""

from __future__ import annotations

from dlc.diagnostics import Label, Span
from dlc.language import ast
from dlc.language.elaborate.context import Frame, Mistake


def take(frame: Frame, label: ast.Label) -> str:
    """The path of a labelled instance, entered among those in use. Raises E0241 for one that is taken."""
    if not label.name or label.name.startswith(".") or label.name.endswith(".") or ".." in label.name:
        raise Mistake(
            "E0243",
            "this label is no path",
            label.span,
            expected='names joined by dots, such as "layer1.0.conv"',
            found=f'"{label.name}"',
        )
    return claim(frame, label.name + frame.suffix, label.span)


def claim(frame: Frame, path: str, span: Span) -> str:
    """Enter a path among those in use. Raises E0241 for one that is taken."""
    other = frame.labels.get(path)
    if other is not None and other is not span:
        raise Mistake(
            "E0241",
            f"the label `{path}` is used twice",
            span,
            expected="a label for each instance",
            labels=(Label(other, "the first use"),),
            hint="give this one another label; to share weights declare `layer name = ...` and call it twice",
        )
    frame.labels[path] = span
    return path


def need_owner(frame: Frame, what: str, span: Span) -> None:
    """Raises E0331 for something with weights in a function, which has no place to keep them."""
    if frame.kind == "function":
        raise Mistake(
            "E0331",
            "a function has no weights",
            span,
            expected=f"{what} in a block or model",
            found=f"{what} in a function",
            hint="make it a block",
        )


def missing(frame: Frame, name: str, text: str, span: Span) -> Mistake:
    """E0246: an instance with weights and no label."""
    wanted, number = name.rstrip("0123456789d_").split("_")[0].lower() or name, 1
    while f"{wanted}{number}{frame.suffix}" in frame.labels:
        number += 1
    return Mistake(
        "E0246",
        f"`{name}` has weights, so this call needs a label",
        span,
        expected="`@name` after the call",
        found="no label",
        hint=f"name the instance: `{text} @{wanted}{number}`",
    )
