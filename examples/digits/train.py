"""Train digits.dl on scikit-learn's digits with PyTorch, and write digits.safetensors and heldout.npz beside it.

Run in this folder: `python train.py`. The split is fixed: a quarter of the images is held out and never trained on.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

import dlc

HERE = Path(__file__).parent


def build() -> nn.Module:
    """The model of digits.dl as PyTorch source, untrained."""
    text = (HERE / "digits.dl").read_text().replace('weights "digits.safetensors"\n', "")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "digits.dl")
        source.write_text(text)
        dlc.load(source).to("torch", Path(folder, "torch"))
        spec = importlib.util.spec_from_file_location("digits_model", Path(folder, "torch", "model.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.load()


def main() -> None:
    torch.manual_seed(0)
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    train_x, test_x, train_y, test_y = train_test_split(images, digits.target, test_size=0.25, random_state=0)
    x, y = torch.from_numpy(train_x), torch.from_numpy(train_y)
    model, epochs, batch = build(), 40, 64
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(torch.from_numpy(test_x)).argmax(1).numpy() == test_y).mean()
    print(f"held-out accuracy: {accuracy:.4f} on {len(test_y)} images")
    weights = {k: v.contiguous() for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    save_file(weights, HERE / "digits.safetensors")
    np.savez_compressed(HERE / "heldout.npz", image=test_x, label=test_y)


if __name__ == "__main__":
    main()
