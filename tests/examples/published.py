"""The originals of the examples in torchvision, transformers and keras.applications."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from examples.tutorials import channels_last, of_keras
from examples.twin import Original, Twin, of_torch
from torch import nn

from dlc.ir.types import Array

_UNLOADED = ("nms", "qnms")
"""Compiled operators of torchvision that its modules register shapes for, whether or not they could be loaded."""


@lru_cache
def torchvision_models() -> Any:
    """torchvision.models, also where the compiled operators do not fit the installed torch."""
    try:
        import torchvision
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in _UNLOADED:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    return torchvision.models


def vision(name: str, **options: Any) -> Original:
    return of_torch(getattr(torchvision_models(), name)(**options))


def convnext(widths: list[int], depths: list[int], classes: int) -> Original:
    """torchvision's ConvNeXt of any size."""
    module = torchvision_models().convnext
    ends = [*widths[1:], None]
    settings = [module.CNBlockConfig(w, e, d) for w, e, d in zip(widths, ends, depths, strict=True)]
    return of_torch(module.ConvNeXt(settings, num_classes=classes))


def vit(width: int, depth: int, heads: int, patch: int, size: int, classes: int) -> Original:
    """torchvision's vision transformer; its queries, keys and values are one matrix inside nn.MultiheadAttention."""
    leaf = {"in_proj_weight": "weight", "in_proj_bias": "bias", "pos_embedding": "positions"}
    module = torchvision_models().VisionTransformer(size, patch, depth, heads, width, 4 * width, num_classes=classes)
    nn.init.normal_(module.heads.head.weight)
    return of_torch(module, rename=lambda name: leaf.get(name.rpartition(".")[2], name))


def bert(**sizes: int) -> Original:
    from transformers import BertConfig, BertModel

    def call(module: nn.Module, tokens: Any, segments: Any, mask: Any) -> Any:
        result = module(input_ids=tokens, token_type_ids=segments, attention_mask=mask.long())
        return result.last_hidden_state, result.pooler_output

    return of_torch(BertModel(BertConfig(**sizes, attn_implementation="eager")), call)


def gpt(**sizes: int) -> Original:
    """transformers' GPT-2: its linear layers are kept [in, out], its head is the word embedding once more."""
    from transformers import GPT2Config, GPT2LMHeadModel

    def arrange(name: str, array: Array) -> Array:
        return array.T if ".c_" in name and name.endswith("weight") else array

    module = GPT2LMHeadModel(GPT2Config(**sizes, attn_implementation="eager"))
    original = of_torch(module, lambda m, tokens: m(tokens).logits, arrange=arrange, first="transformer.wpe.weight")
    return Original([w for w in original.weights if w[0] != "lm_head.weight"], original.call)


def keras_convnext(size: int) -> Original:
    """keras.applications' ConvNeXt-Tiny; its images have the channels last."""
    return channels_last(of_keras(lambda keras: keras.applications.ConvNeXtTiny(
        include_preprocessing=False, weights=None, input_shape=(size, size, 3), classifier_activation=None)))


_CONVNEXT: dict[str, Any] = {"widths": [8, 12, 16, 20], "depths": [1, 2, 1, 1], "classes": 7}
_VIT: dict[str, Any] = {"width": 24, "depth": 2, "heads": 3, "patch": 8, "size": 32, "classes": 7}
_RESNET50: dict[str, Any] = {"unit": "Bottleneck", "depths": [3, 4, 6, 3]}
_IMAGE = {"N": 1, "H": 64, "W": 96}

PUBLISHED = {
    "resnet18": Twin("resnet.dl", lambda: vision("resnet18"), sizes=_IMAGE),
    "resnet50": Twin("resnet.dl", lambda: vision("resnet50"), arguments=_RESNET50, sizes={"N": 1, "H": 32, "W": 32}),
    "mobilenet_v2": Twin("mobilenetv2.dl", lambda: vision("mobilenet_v2"), sizes=_IMAGE),
    "convnext": Twin("convnext.dl", lambda: convnext(**_CONVNEXT), arguments=_CONVNEXT, sizes=_IMAGE),
    "keras_convnext_tiny": Twin("convnext.dl", lambda: keras_convnext(32), sizes={"N": 2, "H": 32, "W": 32},
                                tolerance=1e-8),  # Keras' gelu is 5e-9 off in float64, its constants are float32
    "vit": Twin("vit.dl", lambda: vit(**_VIT), arguments=_VIT, sizes={"N": 2}),
    "bert": Twin("bert.dl", lambda: bert(
        vocab_size=60, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=32,
        max_position_embeddings=16), sizes={"B": 2, "T": 9},
        arguments={"vocab": 60, "width": 24, "depth": 2, "heads": 3, "inner": 32, "context": 16}),
    "gpt2": Twin("gpt.dl", lambda: gpt(vocab_size=60, n_positions=16, n_embd=24, n_layer=2, n_head=3),
                 arguments={"vocab": 60, "context": 16, "width": 24, "depth": 2, "heads": 3}, sizes={"B": 2, "T": 9}),
    "resnet50-224": Twin("resnet.dl", lambda: vision("resnet50"), arguments=_RESNET50,
                         sizes={"N": 1, "H": 224, "W": 224}, slow=True),
    "convnext_tiny-224": Twin("convnext.dl", lambda: vision("convnext_tiny"), sizes={"N": 1, "H": 224, "W": 224},
                              slow=True),
    "bert_base": Twin("bert.dl", bert, sizes={"B": 1, "T": 12}, slow=True),
    "gpt2_124m": Twin("gpt.dl", gpt, sizes={"B": 1, "T": 12}, slow=True),
}


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def published_sizes() -> dict[str, int]:
    """The numbers of parameters of the published models, which are built without memory for their weights."""
    from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel
    names = ("resnet18", "resnet50", "mobilenet_v2", "convnext_tiny", "vit_b_16")
    with torch.device("meta"):
        models = {n: getattr(torchvision_models(), n)() for n in names}
        models |= {"bert": BertModel(BertConfig()), "gpt2": GPT2LMHeadModel(GPT2Config())}
    return {name: parameters(model) for name, model in models.items()}
