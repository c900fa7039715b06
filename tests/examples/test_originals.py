"""Examples against the models that they follow: as many parameters, and with the same weights the same outputs.

Both compute in float64, so that nothing but the rounding of a few hundred sums may lie between them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from examples.catalog import FOLDER
from examples.published import PUBLISHED, published_sizes
from examples.tutorials import TUTORIALS
from examples.twin import Twin, moved

import dlc
from dlc.ir.evaluate import run
from dlc.ir.types import Array
from dlc.journeys.samples import sample_inputs, sample_sizes

TWINS = [pytest.param(twin, id=name, marks=[pytest.mark.slow] if twin.slow else [])
         for name, twin in (PUBLISHED | TUTORIALS).items()]

PARAMETERS = {
    "resnet18": ("resnet.dl", {}),
    "resnet50": ("resnet.dl", {"unit": "Bottleneck", "depths": [3, 4, 6, 3]}),
    "mobilenet_v2": ("mobilenetv2.dl", {}),
    "convnext_tiny": ("convnext.dl", {}),
    "vit_b_16": ("vit.dl", {}),
    "bert": ("bert.dl", {}),
    "gpt2": ("gpt.dl", {}),
}


@pytest.mark.parametrize("twin", TWINS)
def test_outputs(twin: Twin) -> None:
    """With the original's weights moved over, the outputs are the original's."""
    spec = f"{FOLDER / twin.file}:{twin.model}" if twin.model else FOLDER / twin.file
    program = dlc.load(spec, **twin.arguments).program
    inputs = usual(sample_inputs(program, sample_sizes(program, twin.sizes)))
    original = twin.build()
    weights = moved(original.weights, program.weights())
    found = run(program, inputs, weights=weights, precision="float64")
    for (name, array), expected in zip(found.items(), original.call(inputs), strict=True):
        np.testing.assert_allclose(array, expected, rtol=0, atol=twin.tolerance * np.abs(expected).max(), err_msg=name)


def usual(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The inputs with the masks of a padded batch: row i lacks its last i entries."""
    return {n: np.arange(a.shape[1]) < a.shape[1] - np.arange(a.shape[0])[:, None] if a.dtype == bool else a
            for n, a in inputs.items()}


def test_parameters() -> None:
    """The full models have as many trainable numbers as the published ones."""
    found = {name: dlc.load(FOLDER / file, **arguments).summary().parameters
             for name, (file, arguments) in PARAMETERS.items()}
    assert found == published_sizes()
