"""Scaled dot-product attention, and the multi-head attention layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any

from dlc.ir.attributes import Bool, Int, Real
from dlc.ir.build import Builder
from dlc.ir.dim import Answer, Dim, equal
from dlc.ir.graph import Value
from dlc.ir.op import (
    Arg,
    Composite,
    Float,
    Initializer,
    Problem,
    Sample,
    Tensor,
    WeightSpec,
    operation,
    sample,
)
from dlc.ir.types import TensorType
from dlc.ops.dropout import need_probability
from dlc.ops.rules import broadcast, need, need_equal, need_rank, same_dtype, size_value
from dlc.ops.spatial import need_at_least


def _need_mask(mask: TensorType | None, scores: TensorType) -> None:
    """A mask is bool or of the scores' type, and broadcasts to them."""
    if mask is None:
        return
    need(mask.dtype.kind == "bool" or mask.dtype == scores.dtype, "`mask` has the wrong element type", at=["mask"],
         expected=f"bool (true where a query may look), or {scores.dtype} (added to the scores)", found=str(mask),
         code="E0221")
    stretched = broadcast(scores, mask, at=("scores", "mask"))
    need(stretched == scores.shape, "`mask` is larger than the scores", expected=str(scores), found=str(mask),
         at=["mask"], code="E0230")


@operation
class Attention(Composite):
    """softmax(q kᵀ * scale + mask) v: for each query the values, averaged with weights from how its keys fit.

    q: [..., H, T, D]; k: [..., G, S, D]; v: [..., G, S, E]; y: [..., H, T, E]. H is a multiple of G: the heads
    h * H / G to (h + 1) * H / G - 1 share the key and value head h (grouped-query attention).
    mask: broadcasts to [..., H, T, S]; bool, true where a query may look, or float, added to the scores. A query that
    may look nowhere gets zeros.
    causal: query t sees the keys 0 to t, counted from the first key (the upper left triangle, as in PyTorch's
    `scaled_dot_product_attention`); together with a mask both hold.
    scale: 1 / sqrt(D) unless given. dropout: its probability on the weights, in training.
    """

    ulps = 16

    def infer(self, q: Float, k: Float, v: Float, mask: Tensor | None = None, *, causal: Bool = False,
              scale: Real | None = None, dropout: Real = 0.0) -> TensorType:
        same_dtype(q=q, k=k, v=v)
        need_probability(self.name, dropout, "dropout")
        need(q.rank >= 2, "`attention` takes queries in rows", expected="rank 2 or more: [..., T, D]",
             found=f"rank {q.rank}: {q}", at=["q"], code="E0222")
        need_rank("k", k, q.rank)
        need_rank("v", v, q.rank)
        need_equal("the width of `q` and of `k`", q.shape[-1], k.shape[-1], at=["q", "k"])
        need_equal("the number of keys and of values", k.shape[-2], v.shape[-2], at=["k", "v"])
        for axis in range(q.rank - 2):
            need_equal(f"axis {axis} of `k` and of `v`", k.shape[axis], v.shape[axis], at=["k", "v"])
            if axis < q.rank - 3:
                need_equal(f"axis {axis} of `q` and of `k`", q.shape[axis], k.shape[axis], at=["q", "k"])
        _shared_heads(q, k)
        _need_mask(mask, q.with_shape(*q.shape[:-1], k.shape[-2]))
        return q.with_shape(*q.shape[:-1], v.shape[-1])

    def body(self, b: Builder, q: Value, k: Value, v: Value, mask: Value | None, *, causal: bool, scale: float | None,
             dropout: float) -> Value:
        rank = q.type.rank
        share = _shared_heads(q.type, k.type)
        if share != 1:
            k, v = (b.repeat_interleave(t, repeats=share, axis=rank - 3) for t in (k, v))
        scaled = b.mul(q, _scale(b, q.type, scale))
        scores = b.matmul(scaled, b.transpose(k, axes=[*range(rank - 2), rank - 1, rank - 2]))
        weights = masked_softmax(b, scores, mask, causal)
        weights = b.dropout(weights, p=dropout) if dropout else weights
        result: Value = b.matmul(weights, v)
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 4, 5]", "f32[2, 3, 6, 5]", "f32[2, 3, 6, 5]", None)
        yield sample("f32[2, 3, 4, 5]", "f32[2, 3, 4, 5]", "f32[2, 3, 4, 2]", None, causal=True)
        yield sample("f32[1, 2, 3, 4]", "f32[1, 2, 5, 4]", "f32[1, 2, 5, 4]", None, causal=True)
        yield sample("f32[1, 2, 5, 4]", "f32[1, 2, 3, 4]", "f32[1, 2, 3, 4]", None, causal=True, scale=0.3)
        yield sample("f32[2, 4, 3, 5]", "f32[2, 2, 6, 5]", "f32[2, 2, 6, 5]", None)
        yield sample("f32[2, 4, 3, 5]", "f32[2, 1, 6, 5]", "f32[2, 1, 6, 5]", "bool[3, 6]")
        yield sample("f32[2, 2, 3, 5]", "f32[2, 2, 4, 5]", "f32[2, 2, 4, 5]", "f32[2, 1, 3, 4]", scale=1.0)
        yield sample("f32[2, 2, 3, 5]", "f32[2, 2, 3, 5]", "f32[2, 2, 3, 5]", "f32[2, 1, 1, 3]", causal=True)
        yield sample("f32[2, 3, 5]", "f32[2, 4, 5]", "f32[2, 4, 5]",
                     Arg("bool[2, 1, 4]", values=[[[1, 0, 1, 1]], [[0, 0, 0, 0]]]))
        yield sample("f32[3, 5]", "f32[4, 5]", "f32[4, 5]", None, dropout=0.1)


def _shared_heads(q: TensorType, k: TensorType) -> Dim:
    """How many query heads look at one key head."""
    if q.rank < 3 or equal(q.shape[-3], k.shape[-3]) is Answer.YES:
        return 1
    heads, groups = q.shape[-3], k.shape[-3]
    if groups == 0 or heads % groups != 0:
        raise Problem("the heads of `q` cannot share those of `k`", expected=f"a multiple of {groups} heads",
                      found=str(heads), at=["q", "k"], code="E0230")
    return heads // groups


def _scale(b: Builder, q: TensorType, scale: float | None) -> Any:
    if scale is not None:
        return scale
    width = q.shape[-1]
    return 1 / sqrt(width) if isinstance(width, int) and width else b.rsqrt(size_value(b, width, q.dtype))


def masked_softmax(b: Builder, scores: Value, mask: Value | None, causal: bool) -> Value:
    """softmax over the last axis of [..., T, S], where what is masked out weighs nothing; zeros for a row of those."""
    dtype = scores.type.dtype
    if mask is not None and mask.type.dtype.kind != "bool":
        scores, mask = b.add(scores, mask), None
        may_be_empty = True
    else:
        may_be_empty = mask is not None
    if causal:
        queries, keys = scores.type.shape[-2:]
        past = b.greater_equal(b.unsqueeze(b.arange(start=queries), axis=1), b.unsqueeze(b.arange(start=keys), axis=0))
        mask = past if mask is None else b.logical_and(mask, past)
    if mask is not None:
        scores = b.where(mask, scores, b.constant(-float("inf"), dtype))
    if not may_be_empty:
        result: Value = b.softmax(scores, axis=-1)
        return result
    greatest = b.stop_gradient(b.max(scores, axis=-1, keepdims=True))
    e = b.exp(b.sub(scores, b.where(b.is_inf(greatest), b.constant(0, dtype), greatest)))
    total = b.sum(e, axis=-1, keepdims=True)
    weights: Value = b.div(e, b.where(b.equal(total, 0.0), b.constant(1, dtype), total))
    return weights


@operation
class MultiHeadAttention(Composite):
    """Attention of several heads between learned projections (Vaswani et al., 2017); batch first.

    q: [B, T, E]; k, v: [B, S, E], both q itself unless given; y: [B, T, E]. `heads` divides E.
    mask: bool, true where a query may look, or float, added to the scores; broadcasts to [B, heads, T, S].
    As a layer: `multi_head_attention(8)` owns `in_proj_weight` [3 E, E] (for q, k and v, one above the other) from
    Glorot's uniform distribution, `in_proj_bias` [3 E] and `out_proj.bias` [E], zeros, and `out_proj.weight` [E, E]
    from U(-1/sqrt(E), 1/sqrt(E)); `bias=false` leaves both biases out.
    causal, dropout: as in `attention`.
    """

    ulps = 32
    positional = ("heads",)

    def declared(self, q: TensorType, bias: bool) -> dict[str, tuple[Dim, ...]]:
        """The shapes of the weights by name, in order."""
        need(q.rank == 3, "`multi_head_attention` takes sequences", expected="rank 3: batch, time, features", at=["q"],
             found=f"rank {q.rank}: {q}", code="E0222")
        e = q.shape[2]
        shapes: dict[str, tuple[Dim, ...]] = {"in_proj_weight": (3 * e, e), "in_proj_bias": (3 * e,),
                                              "out_proj.weight": (e, e), "out_proj.bias": (e,)}
        return {name: shape for name, shape in shapes.items() if bias or not name.endswith("bias")}

    def infer(self, q: Float, k: Float | None = None, v: Float | None = None, mask: Tensor | None = None,
              *weights: Float, heads: Int, causal: Bool = False, bias: Bool = True,
              dropout: Real = 0.0) -> TensorType:
        shapes = self.declared(q, bias)
        k = q if k is None else k
        v = k if v is None else v
        need_at_least(self.name, 1, heads=heads)
        need_probability(self.name, dropout, "dropout")
        need(q.shape[2] % heads == 0, "the features cannot be divided into heads", at=["q", "heads"],
             expected=f"a multiple of {heads}", found=str(q.shape[2]), code="E0230")
        for name, t in (("k", k), ("v", v)):
            need_rank(name, t, 3)
            same_dtype(q=q, **{name: t})
            for axis, (a, c) in enumerate(zip((q.shape[0], k.shape[1], q.shape[2]), t.shape, strict=True)):
                need_equal(f"the needed and the given size of axis {axis} of `{name}`", a, c, at=[name])
        need(len(weights) == len(shapes), f"`multi_head_attention` needs {len(shapes)} weights here", at=["weights"],
             expected=", ".join(shapes), found=f"{len(weights)} tensors", code="E0210")
        for (name, shape), weight in zip(shapes.items(), weights, strict=True):
            _need_weight(name, weight, shape, q)
        _need_mask(mask, q.with_shape(q.shape[0], heads, q.shape[1], k.shape[1]))
        return q

    def layer(self, q: TensorType, k: TensorType | None = None, v: TensorType | None = None,
              mask: TensorType | None = None, *, bias: Bool = True) -> dict[str, WeightSpec]:
        width = q.shape[2] if q.rank == 3 else 1
        bound = 1 / sqrt(width) if isinstance(width, int) and width else 0.0
        starts = {"in_proj_weight": Initializer("xavier_uniform"),
                  "out_proj.weight": Initializer("uniform", (("low", -bound), ("high", bound)))}
        return {name: WeightSpec(q.with_shape(*shape), starts.get(name, Initializer("zeros")))
                for name, shape in self.declared(q, bias).items()}

    def sizes(self) -> dict[str, Any]:
        return {}

    def body(self, b: Builder, q: Value, k: Value | None, v: Value | None, mask: Value | None, *weights: Value,
             heads: int, causal: bool, bias: bool, dropout: float) -> Value:
        e = q.type.shape[2]
        k = q if k is None else k
        v = k if v is None else v
        projections = b.split(weights[0], parts=3, axis=0)
        biases = b.split(weights[1], parts=3, axis=0) if bias else [None] * 3
        by_head = [_heads(b, b.linear(x, w, c), heads)
                   for x, w, c in zip((q, k, v), projections, biases, strict=True)]
        y = b.attention(*by_head, mask, causal=causal, dropout=dropout)
        joined = b.reshape(b.transpose(y, axes=[0, 2, 1, 3]), shape=[*q.type.shape[:2], e])
        result: Value = b.linear(joined, *weights[2 if bias else 1:])
        return result

    def samples(self) -> Iterable[Sample]:
        weights = ["f32[12, 4]", "f32[12]", "f32[4, 4]", "f32[4]"]
        yield sample("f32[2, 3, 4]", None, None, None, *weights, heads=2)
        yield sample("f32[2, 3, 4]", None, None, None, *weights[::2], heads=4, bias=False, causal=True)
        yield sample("f32[2, 3, 4]", "f32[2, 5, 4]", "f32[2, 5, 4]", "bool[3, 5]", *weights, heads=2)
        yield sample("f32[2, 3, 4]", "f32[2, 5, 4]", None, "f32[2, 1, 1, 5]", *weights, heads=1, dropout=0.1)


def _need_weight(name: str, weight: TensorType, shape: Sequence[Dim], q: TensorType) -> None:
    need_rank(name, weight, len(shape))
    same_dtype(**{"q": q, name: weight})
    for axis, (expected, found) in enumerate(zip(shape, weight.shape, strict=True)):
        need_equal(f"the needed and the given size of axis {axis} of `{name}`", expected, found, at=["weights"])


def _heads(b: Builder, x: Value, heads: int) -> Value:
    """[B, T, E] as [B, heads, T, E / heads]."""
    count, steps, width = x.type.shape
    split = b.reshape(x, shape=[count, steps, heads, width // heads])
    result: Value = b.transpose(split, axes=[0, 2, 1, 3])
    return result
