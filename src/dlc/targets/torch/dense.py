"""Linear maps, matrix products, embeddings."""

from __future__ import annotations

from dlc.ir.graph import Apply, Weight
from dlc.targets.torch.initialisers import initialise
from dlc.targets.torch.table import TABLE, Layer, Result, Site, call, infix, keep, layer, lit, literal, option


@TABLE.writes("linear")
def linear(site: Site) -> Result:
    return call("F.linear", site.x, site.y, site.optional(2))


@layer("linear")
def linear_module(node: Apply) -> Layer | None:
    weight = node.operands[1]
    assert isinstance(weight, Weight)
    outputs, inputs = weight.type.shape
    if not isinstance(outputs, int) or not isinstance(inputs, int):
        return None
    return Layer(call("nn.Linear", lit(inputs, "in_features"), lit(outputs, "out_features"),
                      bias=option(node.operands[2] is not None, True, "bias")), after=initialise(node))


@TABLE.writes("bilinear")
def bilinear(site: Site) -> Result:
    return call("F.bilinear", site.x, site.y, site.arg(2), site.optional(3))


@layer("bilinear")
def bilinear_module(node: Apply) -> Layer | None:
    weight = node.operands[2]
    assert isinstance(weight, Weight)
    outputs, left, right = weight.type.shape
    if not all(isinstance(d, int) for d in weight.type.shape):
        return None
    constructor = call("nn.Bilinear", lit(left, "in1_features"), lit(right, "in2_features"),
                       lit(outputs, "out_features"), bias=option(node.operands[3] is not None, True, "bias"))
    return Layer(constructor, after=initialise(node))


@TABLE.writes("matmul")
def matmul(site: Site) -> Result:
    return infix(site.x, "@", site.y)


@TABLE.writes("einsum")
def einsum(site: Site) -> Result:
    return call("torch.einsum", literal(site["equation"]), *site.args)


@TABLE.writes("embedding")
def embedding(site: Site) -> Result:
    return call("F.embedding", site.x, site.y)


@layer("embedding")
def embedding_module(node: Apply) -> Layer | None:
    weight = node.operands[1]
    assert isinstance(weight, Weight)
    rows, width = weight.type.shape
    if not isinstance(rows, int) or not isinstance(width, int):
        return None
    return Layer(call("nn.Embedding", lit(rows, "num_embeddings"), lit(width, "embedding_dim"),
                      padding_idx=option(node.attributes["padding_idx"], None, "padding_idx")), after=initialise(node))


@TABLE.writes("embedding_bag")
def embedding_bag(site: Site) -> Result:
    return call("F.embedding_bag", site.x, site.y, **keep(mode=(site["mode"], "mean")))


@layer("embedding_bag")
def embedding_bag_module(node: Apply) -> Layer | None:
    weight = node.operands[1]
    assert isinstance(weight, Weight)
    rows, width = weight.type.shape
    if not isinstance(rows, int) or not isinstance(width, int):
        return None
    return Layer(call("nn.EmbeddingBag", lit(rows, "num_embeddings"), lit(width, "embedding_dim"),
                      **keep(mode=(node.attributes["mode"], "mean"))), after=initialise(node))
