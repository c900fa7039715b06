"""Embeddings: rows of a table, looked up by integers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from dlc.ir.attributes import Int, Size, choice
from dlc.ir.build import Builder
from dlc.ir.graph import Value
from dlc.ir.op import Arg, Composite, Float, Index, Initializer, Problem, Sample, WeightSpec, operation, sample
from dlc.ir.types import F32, TensorType
from dlc.ops.rules import need, need_rank
from dlc.ops.spatial import need_at_least

BagMode = Annotated[str, choice("sum", "mean", "max")]


def _table(operation: str, n: Any, d: Any) -> dict[str, WeightSpec]:
    need_at_least(operation, 1, n=n, d=d)
    return {"weight": WeightSpec(TensorType(F32, (n, d)), Initializer("normal", (("mean", 0.0), ("std", 1.0))))}


def _need_padding_row(operation: str, weight: TensorType, padding_idx: int | None) -> None:
    rows = weight.shape[0]
    if padding_idx is None or (padding_idx >= 0 and (not isinstance(rows, int) or padding_idx < rows)):
        return
    raise Problem(f"`{operation}` has no such row to pad with", expected=f"a row from 0 to {rows - 1}",
                  found=str(padding_idx), at=["padding_idx"], code="E0213")


@operation
class Embedding(Composite):
    """y[...] = weight[tokens[...]]: the row of the table for each token.

    tokens: integers [...], from 0 to n - 1; weight: [n, d]; y: [..., d].
    As a layer: `embedding(n, d)` owns `weight`, drawn from N(0, 1).
    padding_idx: a row that training never changes.
    """

    ulps = 0

    def infer(self, tokens: Index, weight: Float, *, padding_idx: Int | None = None) -> TensorType:
        need_rank("weight", weight, 2)
        _need_padding_row(self.name, weight, padding_idx)
        return TensorType(weight.dtype, (*tokens.shape, weight.shape[1]))

    def layer(self, tokens: TensorType, *, n: Size, d: Size) -> dict[str, WeightSpec]:
        return _table(self.name, n, d)

    def sizes(self, weight: TensorType) -> dict[str, Any]:
        return {"n": weight.shape[0], "d": weight.shape[1]}

    def body(self, b: Builder, tokens: Value, weight: Value, *, padding_idx: int | None) -> Value:
        rows: Value = b.gather(weight, tokens, axis=0)
        if padding_idx is None:
            return rows
        padding = b.unsqueeze(b.equal(tokens, padding_idx), axis=tokens.type.rank)
        result: Value = b.where(padding, b.stop_gradient(rows), rows)
        return result

    def samples(self) -> Iterable[Sample]:
        tokens = Arg("i64[2, 5]", 0, 7)
        yield sample(tokens, "f32[7, 3]")
        yield sample(Arg("i64[2, 3]", values=[[1, 0, 2], [1, 1, 6]]), "f32[7, 3]", padding_idx=1)
        yield sample(Arg("i32[4]", 0, 7), "f32[7, 1]")
        yield sample(Arg("i64", 0, 7), "f32[7, 2]")


@operation
class EmbeddingBag(Composite):
    """The rows for each bag of tokens, joined: their sum, mean or maximum.

    tokens: integers [B, T], a bag in each row; weight: [n, d]; y: [B, d].
    As a layer: `embedding_bag(n, d)` owns `weight`, drawn from N(0, 1).
    """

    ulps = 8

    def infer(self, tokens: Index, weight: Float, *, mode: BagMode = "mean") -> TensorType:
        need(tokens.rank == 2, "`embedding_bag` takes a bag of tokens in each row", expected="rank 2: [B, T]",
             found=f"rank {tokens.rank}: {tokens}", at=["tokens"], code="E0222")
        need_rank("weight", weight, 2)
        return TensorType(weight.dtype, (tokens.shape[0], weight.shape[1]))

    def layer(self, tokens: TensorType, *, n: Size, d: Size) -> dict[str, WeightSpec]:
        return _table(self.name, n, d)

    def sizes(self, weight: TensorType) -> dict[str, Any]:
        return {"n": weight.shape[0], "d": weight.shape[1]}

    def body(self, b: Builder, tokens: Value, weight: Value, *, mode: str) -> Value:
        result: Value = b.apply(mode, b.gather(weight, tokens, axis=0), axis=1)
        return result

    def samples(self) -> Iterable[Sample]:
        for mode in ("sum", "mean", "max"):
            yield sample(Arg("i64[2, 5]", 0, 7), "f32[7, 3]", mode=mode)
