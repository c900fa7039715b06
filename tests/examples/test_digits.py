"""examples/digits: trained weights, held-out images, and one answer whatever runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from examples.catalog import FOLDER

import dlc
from dlc.ir.types import Array
from dlc.targets import target as find_target

DIGITS = FOLDER / "digits"
ACCURACY = 0.97


@pytest.fixture(scope="module")
def heldout() -> dict[str, Array]:
    with np.load(DIGITS / "heldout.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def expected(heldout: dict[str, Array]) -> Array:
    """The predictions of the reference."""
    return classes(dlc.load(DIGITS / "digits.dl").executor(engine="reference")(image=heldout["image"])["logits"])


def classes(logits: Array) -> Array:
    return np.asarray(logits.argmax(axis=-1))


def test_command_line(heldout: dict[str, Array], expected: Array, tmp_path: Path) -> None:
    """`dlc run` on the held-out images is right for 97 of 100, and predicts what the reference predicts."""
    output = tmp_path / "logits.npz"
    subprocess.run([sys.executable, "-m", "dlc", "run", str(DIGITS / "digits.dl"),
                    "--input", f"image={DIGITS / 'heldout.npz'}", "-o", str(output)], check=True, capture_output=True)
    with np.load(output) as archive:
        predicted = classes(archive["logits"])
    assert (predicted == heldout["label"]).mean() >= ACCURACY
    np.testing.assert_array_equal(predicted, expected)


def test_heldout_images_were_not_trained_on(heldout: dict[str, Array]) -> None:
    """They are the quarter of scikit-learn's digits that the script's split sets aside, with its labels."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    digits = load_digits()
    _, images, _, labels = train_test_split(digits.images, digits.target, test_size=0.25, random_state=0)
    np.testing.assert_array_equal(heldout["image"][:, 0] * 16, images)
    np.testing.assert_array_equal(heldout["label"], labels)


@pytest.mark.parametrize("target", ["torch", "keras", "onnx"])
def test_targets(target: str, heldout: dict[str, Array], expected: Array, tmp_path: Path) -> None:
    """Compiled, the classifier predicts the same class for every one of the 450 images."""
    model = dlc.load(DIGITS / "digits.dl")
    model.to(target, tmp_path / "out")
    logits = find_target(target).execute(model.program, tmp_path / "out", {"image": heldout["image"]})["logits"]
    np.testing.assert_array_equal(classes(logits), expected)
