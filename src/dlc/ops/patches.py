"""Windows of a spatial tensor written out as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

from dlc.ir.attributes import Pad, Spatial
from dlc.ir.build import Builder
from dlc.ir.dim import product
from dlc.ir.graph import Value
from dlc.ir.op import Composite, Sample, Tensor, operation, sample
from dlc.ir.types import TensorType
from dlc.ops.pooling import taps
from dlc.ops.spatial import ONE, ZERO, kernel_counts, need_at_least, need_spatial, pad_spatial, resolve_same


@operation
class Unfold(Composite):
    """Every window of x as a column: [N, C, *S] -> [N, C * the kernel's size, number of windows].

    Row c K + k is element k of the kernel in channel c; windows are counted row by row, as in PyTorch's `unfold`.
    Windows are placed as those of `convolution`; padding is zero.
    """

    ulps = 0
    positional = ("kernel",)

    def complete(self, x: TensorType, *, kernel: tuple[int, ...], stride: tuple[int, ...], pad: Any,
                 dilation: tuple[int, ...]) -> dict[str, Any]:
        need_spatial(self.name, x)
        need_at_least(self.name, 1, kernel=kernel, stride=stride, dilation=dilation)
        return {"pad": resolve_same(self.name, pad, kernel, stride, dilation)}

    def infer(self, x: Tensor, *, kernel: Spatial, stride: Spatial = ONE, pad: Pad = ZERO,
              dilation: Spatial = ONE) -> TensorType:
        counts = kernel_counts(self.name, x.shape[2:], kernel, stride=stride, pad=pad, dilation=dilation)
        return x.with_shape(x.shape[0], x.shape[1] * prod(kernel), product(counts))

    def body(self, b: Builder, x: Value, *, kernel: tuple[int, ...], stride: tuple[int, ...],
             pad: Sequence[tuple[int, int]], dilation: tuple[int, ...]) -> Value:
        counts = kernel_counts(self.name, x.type.shape[2:], kernel, stride=stride, pad=pad, dilation=dilation)
        columns = [pad_spatial(b, x, pad, "NCHW")]
        for i, count in enumerate(counts):
            columns = [tap for column in columns
                       for tap in taps(b, column, i + 2, count, kernel=kernel[i], stride=stride[i],
                                       dilation=dilation[i])]
        channels_and_kernel = x.type.shape[1] * prod(kernel)
        result: Value = b.reshape(b.stack(*columns, axis=2), shape=[x.type.shape[0], channels_and_kernel,
                                                                    product(counts)])
        return result

    def samples(self) -> Iterable[Sample]:
        yield sample("f32[2, 3, 5, 4]", kernel=2)
        yield sample("f32[1, 2, 5, 6]", kernel=[3, 2], stride=[2, 1], pad=[[1, 0], [0, 1]], dilation=[1, 2])
        yield sample("f32[2, 3, 7]", kernel=3, stride=2)
        yield sample("i64[1, 1, 4, 4]", kernel=2, stride=2)
