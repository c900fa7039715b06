"""What people write who come from PyTorch, Keras, numpy or Python, and what it is called here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dlc.diagnostics import did_you_mean
from dlc.ir.op import all_ops, is_op

CALLS = {
    "dense": "linear",
    "fc": "linear",
    "fully_connected": "linear",
    "conv": "conv2d",
    "convolution2d": "conv2d",
    "conv2dtranspose": "conv_transpose2d",
    "conv_transpose": "conv_transpose2d",
    "conv2d_transpose": "conv_transpose2d",
    "batchnorm": "batch_norm",
    "batch_normalization": "batch_norm",
    "layernorm": "layer_norm",
    "layer_normalization": "layer_norm",
    "groupnorm": "group_norm",
    "instancenorm": "instance_norm",
    "rmsnorm": "rms_norm",
    "maxpool": "max_pool",
    "max_pooling": "max_pool",
    "avgpool": "avg_pool",
    "average_pooling": "avg_pool",
    "average_pool": "avg_pool",
    "global_average_pooling": "global_avg_pool",
    "global_average_pool": "global_avg_pool",
    "global_max_pooling": "global_max_pool",
    "adaptive_avgpool": "adaptive_avg_pool",
    "embed": "embedding",
    "leakyrelu": "leaky_relu",
    "swish": "silu",
    "logsoftmax": "log_softmax",
    "cat": "concat",
    "concatenate": "concat",
    "view": "reshape",
    "permute": "transpose",
    "matrix_multiply": "matmul",
    "mm": "matmul",
    "bmm": "matmul",
    "dot": "matmul",
    "masked_fill": "where",
    "expand": "broadcast_to",
    "expand_dims": "unsqueeze",
    "chunk": "split",
    "topk": "top_k",
    "amax": "max",
    "amin": "min",
    "reduce_mean": "mean",
    "reduce_sum": "sum",
    "reduce_max": "max",
    "reduce_min": "min",
    "std_dev": "std",
    "var": "variance",
    "multiply": "mul",
    "subtract": "sub",
    "divide": "div",
    "power": "pow",
    "negative": "neg",
    "absolute": "abs",
    "astype": "cast",
    "to": "cast",
    "type": "cast",
    "upsample": "resize",
    "interpolate": "resize",
    "scaled_dot_product_attention": "attention",
    "multi_head_attention": "attention",
    "multiheadattention": "attention",
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "simple_rnn": "rnn",
    "tensor": "constant",
    "array": "constant",
    "zero_pad": "pad",
    "zero_padding": "pad",
    "repeat_interleave": "tile",
    "squeeze_excite": "a block of your own",
    "softmax2d": "softmax",
    "identity": "nothing",
}
"""Names by which an operation is known elsewhere."""

ARGUMENTS = {
    "kernel_size": "kernel",
    "padding": "pad",
    "strides": "stride",
    "dim": "axis",
    "axes": "axis",
    "keepdim": "keepdims",
    "dilation_rate": "dilation",
    "epsilon": "eps",
    "use_bias": "bias",
    "units": "features",
    "out_features": "features",
    "filters": "channels",
    "out_channels": "channels",
    "hidden_size": "size",
    "num_layers": "layers",
    "rate": "p",
    "prob": "p",
    "dropout_rate": "p",
    "is_causal": "causal",
    "dropout_p": "dropout",
    "affine": "scale",
    "num_embeddings": "count",
    "embedding_dim": "features",
    "num_groups": "groups",
    "pool_size": "kernel",
    "kernel_initializer": "init",
    "bias_initializer": "bias_init",
    "num_heads": "heads",
    "padding_mode": "mode",
    "shape_like": "like",
    "perm": "axes",
    "dims": "axes",
    "mask": "mask",
    "type": "dtype",
    "to": "dtype",
}
"""Arguments by which they are known elsewhere."""

DTYPES = {
    "float32": "f32",
    "float": "f32",
    "float64": "f64",
    "double": "f64",
    "float16": "f16",
    "half": "f16",
    "bfloat16": "bf16",
    "int64": "i64",
    "long": "i64",
    "int": "i64",
    "int32": "i32",
    "int16": "i16",
    "int8": "i8",
    "uint8": "u8",
    "byte": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "boolean": "bool",
    "tensor": "f32",
    "Tensor": "f32",
    "fp32": "f32",
    "fp16": "f16",
    "str": "string",
}
"""Element types by which they are known elsewhere."""

MODULES = frozenset(
    (
        "torch",
        "nn",
        "F",
        "tf",
        "keras",
        "layers",
        "np",
        "numpy",
        "jnp",
        "jax",
        "K",
        "ops",
        "functional",
        "self",
        "flax",
        "linalg",
        "math",
        "activations",
    )
)
METHODS = frozenset(
    (
        "view",
        "reshape",
        "permute",
        "transpose",
        "flatten",
        "relu",
        "sum",
        "mean",
        "max",
        "min",
        "unsqueeze",
        "squeeze",
        "contiguous",
        "to",
        "float",
        "long",
        "softmax",
        "matmul",
        "expand",
        "repeat",
        "split",
        "chunk",
        "detach",
        "item",
        "astype",
        "T",
        "size",
        "dim",
        "tanh",
        "sigmoid",
        "exp",
        "log",
        "abs",
        "sqrt",
        "add",
        "mul",
        "masked_fill",
        "half",
        "double",
        "type",
        "argmax",
        "std",
        "var",
        "pow",
        "clamp",
        "cuda",
        "cpu",
    )
)

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def operation_for(name: str) -> str | None:
    """The operation that a name from elsewhere most probably means: `Conv2d`, `BatchNorm2d`, `concatenate`, `dense`."""
    snake = _WORD.sub("_", name).lower()
    for tried in (
        snake,
        snake.replace("_", ""),
        re.sub(r"_?[123]_?d$", "", snake),
        re.sub(r"_?[123]_?d$", "", snake).replace("_", ""),
    ):
        found = CALLS.get(tried, tried)
        if is_op(found):
            return found
    squeezed = snake.replace("_", "")
    return next((n for n in all_ops() if n.replace("_", "") == squeezed), None)


def suggestion(name: str, candidates: Iterable[str]) -> str | None:
    """`did you mean` as a sentence, from the nearest candidate."""
    known = list(candidates)
    letters = sorted(name)
    near = next((c for c in known if len(c) == len(name) and c != name and sorted(c) == letters), None)
    near = near or did_you_mean(name, known)
    return f"did you mean `{near}`?" if near else None
