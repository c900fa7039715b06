"""Operators: arithmetic of numbers and sizes, comparisons and what can be decided of them, and their tensor forms."""

from __future__ import annotations

from typing import Any

from dlc.diagnostics import Span
from dlc.ir.dim import Answer, Expr, equal, floor_div
from dlc.ir.graph import Assumption, Value, Weight
from dlc.ir.op import op as operation
from dlc.ir.types import TensorType
from dlc.language import ast
from dlc.language.elaborate import limits
from dlc.language.elaborate.apply import apply, constant, named
from dlc.language.elaborate.builtins import power
from dlc.language.elaborate.context import Frame, Mistake, evaluates, place_of
from dlc.language.elaborate.sizes import not_whole
from dlc.language.elaborate.values import POISON, Condition, Ratio, bounded, bounded_size, describe, is_dim, is_number

TENSOR = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floor_divide",
    "%": "remainder",
    "**": "pow",
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "and": "logical_and",
    "or": "logical_or",
}
COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))
_IMPLIED = {
    "==": ("==", "<=", ">="),
    "!=": ("!=",),
    "<": ("<", "<=", "!="),
    "<=": ("<=",),
    ">": (">", ">=", "!="),
    ">=": (">=",),
}
OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


@evaluates(ast.Unary)
def unary(frame: Frame, node: ast.Unary) -> Any:
    """`-x` and `not x`."""
    value = frame.evaluate(node.operand)
    if value is POISON:
        return POISON
    if isinstance(value, Value):
        return named(frame, "neg" if node.op == "-" else "logical_not", (value,), node.span)
    if node.op == "-":
        if isinstance(value, Ratio):
            return Ratio(-value.numerator, value.denominator)
        if is_dim(value) or isinstance(value, float):
            return -value
        raise Mistake("E0206", "`-` needs a number or a tensor", node.span, found=describe(value))
    if isinstance(value, bool):
        return not value
    if isinstance(value, Condition) and len(value.parts) == 1:
        left, relation, right = value.parts[0]
        return Condition(((left, OPPOSITE[relation], right),))
    raise Mistake("E0206", "`not` needs true, false or a bool tensor", node.span, found=describe(value))


@evaluates(ast.Binary)
def binary(frame: Frame, node: ast.Binary) -> Any:
    """`left op right`; `and` and `or` of compile-time values look at the right side only when they need it."""
    left = frame.guarded(node.left)
    if node.op in ("and", "or") and not isinstance(left, Value) and left is not POISON:
        return _logical(frame, node, left)
    right = frame.guarded(node.right)
    if left is POISON or right is POISON:
        return POISON
    if node.op in ("==", "!=") and (left is None or right is None):
        return (left is right) is (node.op == "==")
    if isinstance(left, Value) or isinstance(right, Value):
        return tensor_operator(frame, node.op, left, right, node)
    value = compile_time(node.op, left, right, node.span)
    return value if not isinstance(value, Condition) else known(frame, value)


def known(frame: Frame, condition: Condition) -> bool | Condition:
    """The condition, decided where an assumption of the program says it or its opposite."""
    (left, relation, right), *more = condition.parts
    for stated in frame.session.facts.get(left - right, ()) if not more else ():
        if relation in _IMPLIED[stated]:
            return True
        if OPPOSITE[relation] in _IMPLIED[stated]:
            return False
    return condition


def _logical(frame: Frame, node: ast.Binary, left: Any) -> Any:
    if not isinstance(left, (bool, Condition)):
        raise Mistake(
            "E0206",
            f"`{node.op}` needs conditions",
            node.left.span,
            expected="true, false or a comparison",
            found=describe(left),
        )
    if left is (node.op == "or"):
        return left
    right = frame.evaluate(node.right)
    if right is POISON or isinstance(left, bool):
        if isinstance(right, (bool, Condition, Value)) or right is POISON:
            return right
        raise Mistake(
            "E0206",
            f"`{node.op}` needs conditions",
            node.right.span,
            expected="true, false or a comparison",
            found=describe(right),
        )
    if isinstance(right, bool):
        return right if right is (node.op == "or") else left
    if node.op == "and" and isinstance(right, Condition):
        return Condition(left.parts + right.parts)
    raise Mistake(
        "E0300",
        "this condition depends on sizes that are not known",
        node.span,
        expected="sides that can be decided",
        found=f"{left} {node.op} {right}",
        hint="make one side certain: give the sizes as numbers or as hyper-parameters",
    )


def compile_time(op: str, left: Any, right: Any, span: Span) -> Any:
    """The operator on compile-time values. Raises E0206, E0209, E0233."""
    if op in COMPARISONS:
        return compare(op, left, right, span)
    joined = op == "+" and any(isinstance(left, kind) and isinstance(right, kind) for kind in (tuple, str))
    for value in () if joined else (left, right):
        if isinstance(value, bool) or not (is_dim(value) or isinstance(value, (float, Ratio))):
            raise Mistake(
                "E0206",
                f"`{op}` cannot take these values",
                span,
                expected="numbers, sizes or tensors",
                found=f"{describe(left)} and {describe(right)}",
            )
    try:
        return _joined(left, right) if joined else _arithmetic(op, left, right, span)
    except ZeroDivisionError:
        raise Mistake("E0209", "division by zero", span, found=f"{left} {op} {right}") from None
    except (ValueError, OverflowError) as error:
        raise Mistake("E0209", f"`{op}` has no result here: {error}", span) from None


def _joined(left: Any, right: Any) -> Any:
    """Two lists or strings as one. Raises ValueError for one that is too long."""
    if isinstance(left, tuple):
        return bounded(left + right)
    if len(left) + len(right) > limits.TEXT:
        raise ValueError(f"the string has more than {limits.TEXT:,} characters")
    return left + right


def _arithmetic(op: str, left: Any, right: Any, span: Span) -> Any:
    if isinstance(left, Ratio) or isinstance(right, Ratio):
        return _ratios(op, left, right, span)
    if isinstance(left, float) or isinstance(right, float):
        return _floats(op, left, right, span)
    if op == "/":
        return quotient(left, right)
    if op == "**":
        return power(left, right)
    result = (
        left + right
        if op == "+"
        else left - right
        if op == "-"
        else left * right
        if op == "*"
        else (floor_div(left, right) if op == "//" else left % right)
    )
    if isinstance(result, int) and result.bit_length() > limits.BITS:
        raise ValueError(f"the number has more than {limits.BITS} bits")
    return bounded_size(result)


def _floats(op: str, left: Any, right: Any, span: Span) -> float:
    for value in (left, right):
        if isinstance(value, Expr):
            raise Mistake(
                "E0206",
                f"`{op}` cannot mix a size with a fraction",
                span,
                expected="two sizes or two numbers",
                found=f"{describe(left)} and {describe(right)}",
                hint="sizes are whole numbers: `H * 3 // 4` instead of `H * 0.75`",
            )
    a, b = float(left), float(right)
    result = {"+": a.__add__, "-": a.__sub__, "*": a.__mul__}.get(op, lambda _: None)(b)
    if result is None:
        result = power(a, b) if op == "**" else a / b if op == "/" else a // b if op == "//" else a % b
    return float(result)


def quotient(a: Any, b: Any) -> Any:
    """a / b: a whole number or size where it is exact, else a float of two numbers or a Ratio of sizes."""
    if isinstance(a, int) and isinstance(b, int):
        return a // b if a % b == 0 else a / b
    whole = floor_div(a, b)
    return whole if equal(whole * b, a) is Answer.YES else Ratio(a, b)


def _ratios(op: str, left: Any, right: Any, span: Span) -> Any:
    if isinstance(left, float) or isinstance(right, float):
        raise Mistake("E0206", f"`{op}` cannot mix a size with a fraction", span, found=f"{left} {op} {right}")
    a, b = (left.numerator, left.denominator) if isinstance(left, Ratio) else (left, 1)
    c, d = (right.numerator, right.denominator) if isinstance(right, Ratio) else (right, 1)
    if op in ("+", "-"):
        return quotient(a * d + c * b if op == "+" else a * d - c * b, b * d)
    if op == "*":
        return quotient(a * c, b * d)
    if op == "/":
        return quotient(a * d, b * c)
    raise not_whole(left if isinstance(left, Ratio) else right, span)


def compare(op: str, left: Any, right: Any, span: Span) -> bool | Condition:
    """A comparison: true, false, or a Condition where it depends on sizes. Raises E0206 for what has no order."""
    if isinstance(left, Ratio) or isinstance(right, Ratio):
        a, b = (left.numerator, left.denominator) if isinstance(left, Ratio) else (left, 1)
        c, d = (right.numerator, right.denominator) if isinstance(right, Ratio) else (right, 1)
        return compare(op, a * d, c * b, span)
    if (isinstance(left, Expr) or isinstance(right, Expr)) and is_dim(left) and is_dim(right):
        answer = Assumption(left, op, right).decide()
        return Condition(((left, op, right),)) if answer is Answer.UNKNOWN else answer is Answer.YES
    if op in ("==", "!="):
        same = bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
        return same if op == "==" else not same
    numbers = is_number(left) and is_number(right) and not isinstance(left, bool) and not isinstance(right, bool)
    if not numbers:
        raise Mistake(
            "E0206",
            f"`{op}` needs two numbers",
            span,
            expected="numbers, sizes or tensors",
            found=f"{describe(left)} and {describe(right)}",
        )
    result: bool = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]
    return result


def tensor_operator(frame: Frame, op: str, left: Any, right: Any, node: ast.Binary) -> Any:
    """The operator on tensors; numbers take the element type of the tensor. Raises E0237 for a silent broadcast."""
    a = left if isinstance(left, Value) else _operand(frame, op, left, right.type, node.left.span, node)
    b = right if isinstance(right, Value) else _operand(frame, op, right, left.type, node.right.span, node)
    _check_broadcast(op, a, b, node)
    wording = {
        w: s.name if isinstance(s, ast.Name) else side
        for w, s, side in (("x", node.left, "the left side"), ("y", node.right, "the right side"))
    }
    return apply(frame, operation(TENSOR[op]), (a, b), {}, node.span, wording=wording)


def _operand(frame: Frame, op: str, value: Any, other: TensorType, span: Span, node: ast.Binary) -> Value:
    if isinstance(value, (int, float, Expr)) or (isinstance(value, tuple) and value):
        if isinstance(value, float) and other.dtype.is_integer:
            raise Mistake(
                "E0224",
                f"`{op}` of a fraction and a tensor of whole numbers",
                node.span,
                expected=f"a whole number for {other.dtype}",
                found=f"{value:g} and {other}",
                hint="convert the tensor first: `cast(x, f32)`",
            )
        if not isinstance(value, bool) or other.dtype.kind == "bool":
            return constant(frame, value, other.dtype, span)
    raise Mistake(
        "E0206",
        f"`{op}` cannot take these values",
        node.span,
        expected="tensors or numbers",
        found=f"{describe(value)} and a tensor {other}",
    )


def _check_broadcast(op: str, a: Value, b: Value, node: ast.Binary) -> None:
    if a.type.rank == b.type.rank or not a.type.rank or not b.type.rank:
        return
    short = a if a.type.rank < b.type.rank else b
    if isinstance(short, Weight):
        return
    names = [s.span.text if isinstance(s, ast.Name) else w for s, w in ((node.left, "x"), (node.right, "y"))]
    small, large = names if short is a else names[::-1]
    raise Mistake(
        "E0237",
        f"`{op}` does not repeat a tensor along missing axes by itself",
        node.span,
        expected="two tensors of one shape",
        found=f"{a.type} and {b.type}",
        hint=f"write what is meant: `broadcast({small}, like={large})`",
        labels=(*place_of(a, f"`{names[0]}`", node.span), *place_of(b, f"`{names[1]}`", node.span)),
    )
