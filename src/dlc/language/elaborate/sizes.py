"""Types as they are written: sizes are evaluated, names are bound by what they first meet and checked from then on."""

from __future__ import annotations

from typing import Any

from dlc.diagnostics import Label, Span, suggestion
from dlc.ir.dim import Answer, Dim, at_most, equal, floor_div
from dlc.ir.graph import Value
from dlc.ir.types import DTYPES, DType, TensorType
from dlc.language import ast
from dlc.language.elaborate import habits, limits
from dlc.language.elaborate.context import Frame, Mistake, place_of
from dlc.language.elaborate.values import Poison, Ratio, bounded_size, describe, is_dim
from dlc.ops.rules import way_out

MISSING: Any = object()


def dtype_named(frame: Frame, node: ast.TypeExpr) -> DType | Poison:
    """The element type of a written type; a hyper-parameter of the kind `dtype` may stand for it. Raises E0260."""
    bound = frame.names.get(node.name)
    if isinstance(bound, (DType, Poison)):
        return bound
    found = DTYPES.get(node.name)
    if found is not None:
        return found
    known = habits.DTYPES.get(node.name)
    hint = f"it is called `{known}` here" if known else suggestion(node.name, DTYPES)
    raise Mistake(
        "E0260",
        f"there is no element type `{node.name}`",
        node.span,
        found=node.name,
        expected="f32, i64, bool or another element type",
        hint=hint or "tensor types are written `f32[N, 64]`",
    )


def declared(frame: Frame, node: ast.TypeExpr) -> TensorType | None:
    """The type that a declaration states; new names become sizes of the program. None where it cannot be known."""
    dtype = dtype_named(frame, node)
    shape: list[Dim] = []
    known = not isinstance(dtype, Poison)
    for dim in node.dims or ():
        if isinstance(dim, ast.Dots):
            raise Mistake(
                "E0225",
                "`...` cannot stand in a declaration",
                dim.span,
                expected="one size for each axis",
                found="...",
                hint="write every axis: `f32[N, 3, H, W]`",
            )
        size = _declared_size(frame, dim)
        if isinstance(size, Poison):
            known = False
        else:
            shape.append(size)
    return TensorType(dtype, tuple(shape)) if known and isinstance(dtype, DType) else None


def _declared_size(frame: Frame, node: ast.Expr) -> Dim | Poison:
    for name in unbound(frame, node):
        frame.fix(name.name, frame.session.size(name.name), "a size", name.span)
    return size_of(frame, node)


def unbound(frame: Frame, node: ast.Expr) -> list[ast.Name]:
    """The names in a size that nothing has bound yet."""
    if isinstance(node, ast.Name):
        return [] if node.name in frame.names else [node]
    if isinstance(node, ast.Binary):
        return unbound(frame, node.left) + unbound(frame, node.right)
    if isinstance(node, ast.Unary):
        return unbound(frame, node.operand)
    if isinstance(node, ast.Call):
        return [n for a in node.args for n in unbound(frame, a.value)]
    return []


def size_of(frame: Frame, node: ast.Expr) -> Dim | Poison:
    """The size that an expression in a type is worth. Raises E0205, E0233, E0235."""
    value = frame.evaluate(node)
    return value if isinstance(value, Poison) else checked_size(value, node.span)


def checked_size(value: Any, span: Span) -> Dim:
    """The value as a size. Raises E0205 for anything else, E0233 for a quotient, E0235 for an impossible size."""
    if isinstance(value, Ratio):
        raise not_whole(value, span)
    if not is_dim(value):
        raise Mistake("E0205", "this is no size", span, expected="a whole number or a size", found=describe(value))
    size: Dim = value
    if isinstance(size, int) and not 0 <= size <= limits.SIZE:
        raise impossible_size(size, span)
    return size


def impossible_size(size: int, span: Span | None) -> Mistake:
    """E0235."""
    if size < 0:
        hint = "a size that is not known yet gets a name, such as `N`" if size == -1 else None
        return Mistake(
            "E0235", "a size cannot be negative", span, expected="a size of 0 or more", found=str(size), hint=hint
        )
    return Mistake(
        "E0235", "the size is too large", span, expected=f"at most 2**40 = {limits.SIZE:,}", found=f"{size:,}"
    )


def not_whole(value: Ratio, span: Span) -> Mistake:
    """E0233."""
    return Mistake(
        "E0233",
        "this quotient of sizes may not be whole",
        span,
        expected="a whole number",
        found=str(value),
        hint="say how to round: `ceil(a / b)`, `floor(a / b)` or `a // b`",
    )


def match(frame: Frame, node: ast.TypeExpr, value: Value, *, what: str, span: Span) -> None:
    """Check a tensor against a written type, and bind the names that the type uses for the first time.

    what: the tensor in words; span: where it is used. Raises E0226, E0222, E0230, E0231.
    """
    actual = value.type
    dtype = dtype_named(frame, node)
    if isinstance(dtype, DType) and dtype != actual.dtype:
        raise Mistake(
            "E0226",
            f"{what} has another element type than declared",
            span,
            expected=node.span.text,
            found=str(actual),
            hint=f"convert it with `cast(x, {dtype})`",
            labels=(*_declaration(node, span), *_origin(value, span)),
        )
    pairs = align(node.dims or (), actual.shape)
    if pairs is None:
        raise Mistake(
            "E0222",
            f"{what} has rank {actual.rank}",
            span,
            expected=node.span.text,
            found=str(actual),
            labels=(*_declaration(node, span), *_origin(value, span)),
        )
    for dim, size in pairs:
        if _bind(frame, dim, size):
            continue
        wanted = size_of(frame, dim)
        if isinstance(wanted, Poison):
            continue
        answer = equal(wanted, size)
        if answer is Answer.NO or (answer is Answer.UNKNOWN and not frame.session.generic):
            raise _conflict(frame, node, dim, wanted, size, value, what, span)


def align(dims: tuple[ast.Expr, ...], shape: tuple[Dim, ...]) -> list[tuple[ast.Expr, Dim]] | None:
    """Each written size with the actual one, `...` taking what is left; None where the ranks don't agree."""
    dots = [i for i, d in enumerate(dims) if isinstance(d, ast.Dots)]
    if not dots:
        return list(zip(dims, shape, strict=True)) if len(dims) == len(shape) else None
    head, tail = dims[: dots[0]], dims[dots[0] + 1 :]
    if len(dots) > 1 or len(head) + len(tail) > len(shape):
        return None
    return [*zip(head, shape, strict=False), *zip(tail, shape[len(shape) - len(tail) :], strict=True)]


def _bind(frame: Frame, node: ast.Expr, size: Dim) -> bool:
    """Bind the one new name in a written size so that it fits; whether there was one."""
    if isinstance(node, ast.Name):
        if node.name in frame.names:
            return False
        frame.fix(node.name, size, "a size", node.span)
        return True
    if isinstance(node, ast.Int):
        return False
    new = unbound(frame, node)
    if _same_names(frame, node, new, size):
        return True
    if len({n.name for n in new}) != 1:
        return False
    found = _solve(frame, node, new[0].name, size)
    if found is None:
        raise Mistake(
            "E0234",
            f"the size `{new[0].name}` does not follow from {size}",
            node.span,
            expected=f"{node.span.text} == {size} for a whole `{new[0].name}`",
            found=str(size),
            hint=f"use `{new[0].name}` alone on some axis first, or write the number",
        )
    frame.fix(new[0].name, found, "a size", new[0].span)
    return True


def _same_names(frame: Frame, node: ast.Expr, new: list[ast.Name], size: Dim) -> bool:
    """Bind all new names to the program's sizes of the same names, where the written size then is the actual one.

    A printed graph says `x: f32[N, (H + 1) // 2]` in the sizes of the model, which no equation could be solved for.
    """
    inner = frame.inner()
    for name in new:
        inner.names[name.name] = frame.session.size(name.name)
    if not new or inner.evaluate(node) is not size:
        return False
    for name in new:
        if name.name not in frame.names:
            frame.fix(name.name, frame.session.size(name.name), "a size", name.span)
    return True


def _solve(frame: Frame, node: ast.Expr, name: str, size: Dim) -> Dim | None:
    """x with node(x) == size, for a node that is a * x + b."""
    values: list[Dim] = []
    for tried in (0, 1):
        inner = frame.inner()
        inner.names[name] = tried
        value = inner.evaluate(node)
        if not is_dim(value):
            return None
        values.append(value)
    slope = values[1] - values[0]
    if isinstance(slope, int) and slope == 0:
        return None
    found = floor_div(size - values[0], slope)
    inner = frame.inner()
    inner.names[name] = found
    back = inner.evaluate(node)
    return found if is_dim(back) and equal(back, size) is Answer.YES else None


def _conflict(
    frame: Frame,
    node: ast.TypeExpr,
    dim: ast.Expr,
    wanted: Dim,
    size: Dim,
    value: Value,
    what: str,
    span: Span,
) -> Mistake:
    never = equal(wanted, size) is Answer.NO
    text = dim.span.text
    meaning = f"{text} = {wanted}" if text != str(wanted) else text
    words = "differs from what is declared" if never else "cannot be proved to have the declared size"
    origin = frame.places.get(dim.name) if isinstance(dim, ast.Name) else None
    says = f"`{text}` is bound here" if text == str(wanted) else f"`{text}` is {wanted} from here"
    bound = (Label(origin, says),) if origin and origin != dim.span else ()
    return Mistake(
        "E0230" if never else "E0231",
        f"{what} {words}: {size} where {meaning} stands",
        span,
        expected=f"{node.span.text}" + (f" with {meaning}" if meaning != text else ""),
        found=str(value.type),
        hint=None if never else way_out(wanted, size),
        labels=(*bound, *_declaration(node, span), *_origin(value, span)),
    )


def _origin(value: Value, span: Span) -> tuple[Label, ...]:
    return place_of(value, f"`{value.name}`" if value.name else "the tensor", span)


def _declaration(node: ast.TypeExpr, span: Span) -> tuple[Label, ...]:
    inside = node.span.source is span.source and span.start <= node.span.start and node.span.end <= span.end
    return () if inside else (Label(node.span, "the declared type"),)


def check_type(types: TensorType, span: Span) -> None:
    """The sizes of a type are possible. Raises E0235."""
    for dim in types.shape:
        try:
            bounded_size(dim)
        except ValueError as error:
            raise Mistake("E0235", str(error), span, found=f"{str(dim)[:60]} ...") from None
        if isinstance(dim, int):
            if not 0 <= dim <= limits.SIZE:
                raise impossible_size(dim, span)
        elif at_most(0, dim) is Answer.NO:
            raise Mistake("E0235", "a size cannot be negative", span, expected="sizes of 0 or more", found=str(types))
