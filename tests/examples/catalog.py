"""Every model in examples/, at a size that tests can afford."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import dlc
from dlc.ir.types import Array
from dlc.journeys.api import LoadedModel
from dlc.journeys.samples import sample_inputs, sample_sizes
from dlc.journeys.verification import Oracle

FOLDER = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Example:
    """One model: its file, its name where the file has several, hyper-parameters and sizes that make it small."""

    file: str
    model: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def spec(self) -> str:
        return f"{FOLDER / self.file}:{self.model}" if self.model else str(FOLDER / self.file)

    def __str__(self) -> str:
        return f"{Path(self.file).stem}-{self.model}" if self.model else Path(self.file).stem

    def __hash__(self) -> int:
        return hash((self.file, self.model))


EXAMPLES = (
    Example("add.dl"),
    Example("autoencoder.dl"),
    Example("bert.dl", arguments={"vocab": 50, "width": 16, "depth": 2, "heads": 2, "inner": 24, "context": 12},
            sizes={"B": 2, "T": 5}),
    Example("charrnn.dl", arguments={"vocab": 12, "hidden": 8}, sizes={"B": 2, "T": 5}),
    Example("cifar_cnn.dl"),
    Example("cifar_net.dl"),
    Example("convnext.dl", arguments={"widths": [8, 12, 16, 20], "depths": [1, 1, 2, 1], "classes": 5},
            sizes={"N": 2, "H": 64, "W": 32}),
    Example("digits/digits.dl"),
    Example("dlrm.dl", arguments={"categories": [9, 7, 5], "width": 4}),
    Example("elman.dl", sizes={"T": 5, "B": 3}),
    Example("experts.dl"),
    Example("functional.dl", arguments={"vocab": 30}, sizes={"N": 2, "T": 4, "S": 6}),
    Example("gan.dl", "Generator", arguments={"latent": 10, "width": 4}),
    Example("gan.dl", "Discriminator", arguments={"width": 4}),
    Example("gpt.dl", arguments={"vocab": 50, "width": 16, "depth": 2, "heads": 2, "context": 12},
            sizes={"B": 2, "T": 5}),
    Example("gradient.dl", sizes={"N": 3}),
    Example("mlp.dl"),
    Example("mnist.dl"),
    Example("mnist_nchw.dl"),
    Example("mnist_nhwc.dl"),
    Example("mobilenetv2.dl", arguments={"classes": 5}, sizes={"N": 1, "H": 32, "W": 48}),
    Example("newton.dl", sizes={"N": 4}),
    Example("ranks.dl", sizes={"B": 2, "T": 3, "N": 4, "M": 5}),
    Example("regression.dl", arguments={"features": 3}, sizes={"N": 4}),
    Example("residual.dl"),
    Example("resnet.dl", arguments={"depths": [1, 2, 1, 1], "classes": 5}, sizes={"N": 1, "H": 32, "W": 48}),
    Example("siamese.dl"),
    Example("squeeze_excite.dl", arguments={"widths": [8, 12]}, sizes={"N": 2, "H": 8, "W": 6}),
    Example("tagger.dl", arguments={"vocab": 40, "width": 12, "hidden": 8}, sizes={"N": 2, "T": 5}),
    Example("unet.dl", arguments={"base": 4}, sizes={"N": 1, "H": 32, "W": 16}),
    Example("vae.dl", arguments={"pixels": 64, "hidden": 24, "latent": 5}),
    Example("vit.dl", arguments={"width": 16, "depth": 2, "heads": 2, "patch": 4, "size": 16, "classes": 5}),
)
FULL_SIZE = (
    Example("bert.dl", sizes={"B": 1, "T": 16}),
    Example("convnext.dl", sizes={"N": 1, "H": 224, "W": 224}),
    Example("gpt.dl", sizes={"B": 1, "T": 16}),
    Example("mobilenetv2.dl", sizes={"N": 1, "H": 224, "W": 224}),
    Example("resnet.dl", arguments={"unit": "Bottleneck", "depths": [3, 4, 6, 3]}, sizes={"N": 1, "H": 224, "W": 224}),
    Example("unet.dl", sizes={"N": 1, "H": 64, "W": 64}),
    Example("vit.dl", sizes={"N": 1}),
)


@dataclass(frozen=True)
class Prepared:
    """A loaded example with inputs and what they should give."""

    loaded: LoadedModel
    sizes: Mapping[str, int]
    inputs: Mapping[str, Array]
    oracle: Oracle


@lru_cache(maxsize=8)
def prepared(example: Example) -> Prepared:
    """An example with generated inputs and its float64 answer."""
    loaded = dlc.load(example.spec, **example.arguments)
    sizes = sample_sizes(loaded.program, example.sizes)
    inputs = sample_inputs(loaded.program, sizes)
    return Prepared(loaded, sizes, inputs, Oracle(loaded.program, loaded.weights, inputs))
