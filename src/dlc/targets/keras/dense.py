"""Linear maps, matrix products, embeddings."""

from __future__ import annotations

import numpy as np

from dlc.ir.graph import Apply
from dlc.targets.keras.initialisers import options
from dlc.targets.keras.table import (
    TABLE,
    KerasLayer,
    Result,
    Site,
    Variable,
    call,
    dtype,
    infix,
    is_known,
    layer,
    lit,
    literal,
    option,
    rank_of,
    transposed,
)


@TABLE.writes("linear")
def linear(site: Site) -> Result:
    product = call("ops.matmul", site.x, transposed(site.y))
    return infix(product, "+", site.arg(2)) if site.has(2) else product


@layer("linear")
def dense(node: Apply) -> KerasLayer | None:
    weight = node.operands[1]
    assert weight is not None
    if not is_known(*weight.type.shape) or rank_of(node) < 2:
        return None
    biased = node.operands[2] is not None
    constructor = call("layers.Dense", lit(weight.type.shape[0], "units"), use_bias=option(biased, True, "use_bias"),
                       **options(node, weight="kernel_initializer", bias="bias_initializer"))
    variables = [Variable("kernel", ("weight",), np.transpose)] + [Variable("bias", ("bias",))] * biased
    return KerasLayer(constructor, variables=tuple(variables),
                      reads=(("weight", "ops.transpose({self}.kernel)"), ("bias", "{self}.bias")))


@TABLE.writes("matmul")
def matmul(site: Site) -> Result:
    return call("ops.matmul", site.x, site.y)


@TABLE.writes("einsum")
def einsum(site: Site) -> Result:
    kind = site.out().dtype
    if not kind.is_float or kind.bits >= 32:
        return call("ops.einsum", literal(site["equation"]), *site.args)
    # On TensorFlow, half precision gives wrong numbers where axes stand for "...": products are summed in f32.
    wide = [call("ops.cast", x, literal("float32")) for x in site.args]
    return call("ops.cast", call("ops.einsum", literal(site["equation"]), *wide), dtype(kind))


@TABLE.writes("embedding", when=lambda node: node.attributes["padding_idx"] is None)
def rows(site: Site) -> Result:
    return call("ops.take", site.y, site.x, axis=literal(0))


@layer("embedding")
def embedding(node: Apply) -> KerasLayer | None:
    weight = node.operands[1]
    assert weight is not None
    count, width = weight.type.shape
    if not is_known(count, width):
        return None
    constructor = call("layers.Embedding", lit(count, "input_dim"), lit(width, "output_dim"),
                       **options(node, weight="embeddings_initializer"))
    return KerasLayer(constructor, _look_up, variables=(Variable("embeddings", ("weight",)),),
                      reads=(("weight", "{self}.embeddings"),))


def _look_up(site: Site, module: str) -> Result:
    """The row of padding is looked up like any other, but training leaves it alone."""
    padding, found = site["padding_idx"], call(module, site.x)
    if padding is None:
        return found
    rows = site.function.fresh("rows")
    site.function.emit(f"{rows} = {found}")
    is_padding = call("ops.expand_dims", call("ops.equal", site.x, lit(padding, "padding_idx")), literal(-1))
    return call("ops.where", is_padding, call("ops.stop_gradient", rows), rows)
