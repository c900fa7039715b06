"""What may stand in a `train` section: its keys, the functions that they take, and the kinds of their arguments.

Numbers mean what they mean in PyTorch where it has the same function (optimizers, schedules).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

REQUIRED: Any = object()


@dataclass(frozen=True)
class Want:
    """A kind of value: in words, and the test for it."""

    text: str
    admits: Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


NUMBER = Want("a number", _number)
POSITIVE = Want("a number above 0", lambda v: _number(v) and v > 0)
NOT_NEGATIVE = Want("a number of 0 or more", lambda v: _number(v) and v >= 0)
FRACTION = Want("a number from 0 to 1", lambda v: _number(v) and 0 <= v <= 1)
BELOW_ONE = Want("a number from 0 up to, not including, 1", lambda v: _number(v) and 0 <= v < 1)
COUNT = Want("a whole number above 0", lambda v: _whole(v) and v > 0)
INDEX = Want("a whole number of 0 or more", lambda v: _whole(v) and v >= 0)
WHOLE = Want("a whole number", _whole)
FLAG = Want("true or false", lambda v: isinstance(v, bool))
TEXT = Want("a string", lambda v: isinstance(v, str))
ANY = Want("a value", lambda v: True)


def words(*texts: str) -> Want:
    """One of these strings."""
    return Want(" or ".join(f'"{t}"' for t in texts), lambda v: isinstance(v, str) and v in texts)


def listed(item: Want) -> Want:
    """A list of values of a kind."""
    return Want(f"a list, each {item.text}", lambda v: isinstance(v, tuple) and all(item.admits(i) for i in v))


def pair(item: Want) -> Want:
    """Two values of a kind."""
    return Want(
        f"a pair, each {item.text}", lambda v: isinstance(v, tuple) and len(v) == 2 and all(map(item.admits, v))
    )


def either(*kinds: Want) -> Want:
    """A value of one of some kinds."""
    return Want(" or ".join(k.text for k in kinds), lambda v: any(k.admits(v) for k in kinds))


def maybe(kind: Want) -> Want:
    """A value of a kind, or none."""
    return either(kind, Want("none", lambda v: v is None))


@dataclass(frozen=True)
class Parameter:
    """An argument of a function of a recipe."""

    name: str
    want: Want
    default: Any = REQUIRED


@dataclass(frozen=True)
class Function:
    """A function that a recipe can name.

    tensors: how many tensors come first. fields: what `data.` offers; None for anything.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    tensors: int = 0
    fields: tuple[str, ...] | None = None


def function(name: str, tensors: int = 0, fields: tuple[str, ...] | None = None, **parameters: Any) -> Function:
    """A function from its arguments: `name=KIND` for a needed one, `name=(KIND, default)` for another."""
    return Function(
        name,
        tuple(Parameter(n, *(p if isinstance(p, tuple) else (p,))) for n, p in parameters.items()),
        tensors,
        fields,
    )


def _table(*functions: Function) -> dict[str, Function]:
    return {f.name: f for f in functions}


_VISION: dict[str, Any] = {
    "root": (TEXT, "data"),
    "mean": (either(NUMBER, listed(NUMBER)), 0.0),
    "std": (either(POSITIVE, listed(POSITIVE)), 1.0),
    "val_split": (BELOW_ONE, 0.0),
    "augment": (listed(TEXT), ()),
    "download": (FLAG, True),
}
_SPLIT: dict[str, Any] = {"val_split": (BELOW_ONE, 0.0), "shuffle": (FLAG, True)}
_DECAY: dict[str, Any] = {"weight_decay": (NOT_NEGATIVE, 0.0), "no_decay": (listed(TEXT), ())}
_ADAM: dict[str, Any] = {"lr": (POSITIVE, 1e-3), "betas": (pair(BELOW_ONE), (0.9, 0.999)), "eps": (POSITIVE, 1e-8)}
_WARM: dict[str, Any] = {"warmup_steps": (INDEX, 0)}

DATA = _table(
    *(function(n, fields=("image", "label"), **_VISION) for n in ("mnist", "fashion_mnist", "cifar10", "cifar100")),
    function("digits", fields=("image", "label"), **_SPLIT),
    function(
        "image_folder",
        fields=("image", "label"),
        path=TEXT,
        size=(either(COUNT, listed(COUNT)), 224),
        mean=(either(NUMBER, listed(NUMBER)), 0.0),
        std=(either(POSITIVE, listed(POSITIVE)), 1.0),
        augment=(listed(TEXT), ()),
        **_SPLIT,
    ),
    function("char_text", fields=("tokens", "next"), path=TEXT, seq_len=COUNT, **_SPLIT),
    function(
        "tokens",
        fields=("tokens", "next"),
        path=TEXT,
        seq_len=COUNT,
        dtype=(words("u16", "i32", "i64"), "u16"),
        **_SPLIT,
    ),
    function(
        "csv",
        path=TEXT,
        target=(either(TEXT, listed(TEXT)), ()),
        columns=(listed(TEXT), ()),
        header=(FLAG, True),
        **_SPLIT,
    ),
    function("npz", path=TEXT, **_SPLIT),
    function("safetensors", path=TEXT, **_SPLIT),
    function("random", count=(COUNT, 1024), seed=(INDEX, 0)),
)

OPTIMIZERS = _table(
    function(
        "sgd",
        lr=(POSITIVE, 1e-2),
        momentum=(NOT_NEGATIVE, 0.0),
        nesterov=(FLAG, False),
        dampening=(NUMBER, 0.0),
        **_DECAY,
    ),
    function("adam", amsgrad=(FLAG, False), **_ADAM, **_DECAY),
    function("adamw", amsgrad=(FLAG, False), **_ADAM, **{**_DECAY, "weight_decay": (NOT_NEGATIVE, 0.01)}),
    function("adamax", **_ADAM, **_DECAY),
    function("nadam", **_ADAM, **_DECAY, momentum_decay=(NOT_NEGATIVE, 4e-3)),
    function("radam", **_ADAM, **_DECAY),
    function(
        "rmsprop",
        lr=(POSITIVE, 1e-2),
        alpha=(BELOW_ONE, 0.99),
        eps=(POSITIVE, 1e-8),
        momentum=(NOT_NEGATIVE, 0.0),
        centered=(FLAG, False),
        **_DECAY,
    ),
    function("adagrad", lr=(POSITIVE, 1e-2), lr_decay=(NOT_NEGATIVE, 0.0), eps=(POSITIVE, 1e-10), **_DECAY),
    function("adadelta", lr=(POSITIVE, 1.0), rho=(BELOW_ONE, 0.9), eps=(POSITIVE, 1e-6), **_DECAY),
    function("lion", lr=(POSITIVE, 1e-4), betas=(pair(BELOW_ONE), (0.9, 0.99)), **_DECAY),
)

SCHEDULES = _table(
    function("constant", **_WARM),
    function("step", every=COUNT, gamma=(FRACTION, 0.1), **_WARM),
    function("multi_step", milestones=listed(COUNT), gamma=(FRACTION, 0.1), **_WARM),
    function("cosine", total_steps=(maybe(COUNT), None), min_lr=(NOT_NEGATIVE, 0.0), **_WARM),
    function(
        "linear",
        total_steps=(maybe(COUNT), None),
        end_factor=(NOT_NEGATIVE, 0.0),
        start_factor=(POSITIVE, 1.0),
        **_WARM,
    ),
    function("polynomial", total_steps=(maybe(COUNT), None), power=(POSITIVE, 1.0), **_WARM),
    function("exponential", gamma=FRACTION, **_WARM),
    function("one_cycle", max_lr=POSITIVE, total_steps=(maybe(COUNT), None), pct_start=(FRACTION, 0.3)),
    function(
        "plateau",
        monitor=(TEXT, "val/loss"),
        mode=(words("min", "max"), "min"),
        factor=(FRACTION, 0.1),
        patience=(INDEX, 10),
        min_lr=(NOT_NEGATIVE, 0.0),
    ),
    function("warmup", steps=COUNT),
    function("inverse_sqrt", **_WARM),
)

CALLBACKS = _table(
    function(
        "early_stopping",
        monitor=(TEXT, "val/loss"),
        mode=(words("min", "max"), "min"),
        patience=(INDEX, 5),
        min_delta=(NOT_NEGATIVE, 0.0),
        restore_best=(FLAG, False),
    ),
    function(
        "checkpoint",
        dir=TEXT,
        save=(words("best", "last", "all"), "last"),
        monitor=(TEXT, "val/loss"),
        mode=(words("min", "max"), "min"),
        keep=(COUNT, 1),
        every=(COUNT, 1),
    ),
    function("sample_text", prompt=(TEXT, ""), length=(COUNT, 200), temperature=(POSITIVE, 1.0), every=(COUNT, 1)),
    function("tensorboard", dir=(TEXT, "runs")),
    function("csv", path=TEXT),
    function("progress", every=(COUNT, 1)),
    function("curves", path=TEXT),
    function("ema", decay=(BELOW_ONE, 0.999)),
)

METRICS = _table(
    function("accuracy", tensors=2, axis=(WHOLE, -1)),
    function("top_k", tensors=2, k=(COUNT, 5), axis=(WHOLE, -1)),
    *(
        function(n, tensors=2, average=(words("micro", "macro", "weighted"), "macro"), axis=(WHOLE, -1))
        for n in ("precision", "recall", "f1")
    ),
    function("binary_accuracy", tensors=2, threshold=(NUMBER, 0.5)),
    function("auc", tensors=2),
    function("confusion", tensors=2, axis=(WHOLE, -1)),
    function("iou", tensors=2, axis=(WHOLE, 1)),
    *(function(n, tensors=2) for n in ("mae", "mse", "rmse", "r2")),
    *(function(n, tensors=2, axis=(WHOLE, -1)) for n in ("perplexity", "bits_per_character")),
)

KEYS: Mapping[str, Want | Mapping[str, Function]] = {
    "data": DATA,
    "loss": ANY,
    "metrics": METRICS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "callbacks": CALLBACKS,
    "epochs": COUNT,
    "steps": COUNT,
    "batch": COUNT,
    "accumulate": COUNT,
    "clip_norm": POSITIVE,
    "clip_value": POSITIVE,
    "precision": words("f32", "bf16", "f16", "tf32"),
    "seed": INDEX,
    "carry": ANY,
    "freeze": listed(TEXT),
    "workers": INDEX,
    "eval_every": COUNT,
    "log_every": COUNT,
    "label_smoothing": BELOW_ONE,
    "compile": FLAG,
    "device": TEXT,
}
"""Keys with the kind of their value, or the functions that they take. `loss` and `carry` are checked apart."""

LISTS = frozenset(("metrics", "callbacks"))
"""Keys whose value is a list of calls."""
NEEDED = ("data", "loss", "optimizer")

HABITS = {
    "lr": "optimizer",
    "learning_rate": "optimizer",
    "batch_size": "batch",
    "num_epochs": "epochs",
    "max_epochs": "epochs",
    "max_steps": "steps",
    "criterion": "loss",
    "dataset": "data",
    "optim": "optimizer",
    "scheduler": "schedule",
    "lr_scheduler": "schedule",
    "grad_clip": "clip_norm",
    "gradient_clip": "clip_norm",
    "clipnorm": "clip_norm",
    "amp": "precision",
    "random_seed": "seed",
    "metric": "metrics",
    "callback": "callbacks",
    "num_workers": "workers",
    "accumulation_steps": "accumulate",
    "gradient_accumulation": "accumulate",
    "dtype": "precision",
    "train_data": "data",
}
"""Keys that people know from elsewhere."""
ARGUMENT_HABITS = {
    "learning_rate": "lr",
    "beta": "betas",
    "epsilon": "eps",
    "decay": "weight_decay",
    "step_size": "every",
    "warmup": "warmup_steps",
    "t_max": "total_steps",
    "eta_min": "min_lr",
    "directory": "dir",
    "path": "dir",
    "sequence_length": "seq_len",
    "filename": "path",
    "file": "path",
    "rho": "alpha",
    "validation_split": "val_split",
}
