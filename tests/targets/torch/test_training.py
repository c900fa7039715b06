"""What a model means in training: statistics, dropout, initialisers, frozen weights; and export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from targets.torch.written import program, written

from dlc.ops.initializers import draw
from dlc.targets.torch.execution import load_module

NET = """
layout NCHW
model Net {
  input image: f32[N, 3, H, W]
  x = image |> conv2d(8, kernel=3, bias=false, init=kaiming_normal(mode="fan_out")) @conv
  x = x |> batch_norm(momentum=0.3, eps=1e-3) @bn |> relu |> dropout(0.5)
  x = x |> global_avg_pool |> linear(6, init=zeros, trainable=false) @head
  output y: f32[N, 6] = x
}
"""


@pytest.fixture
def net(tmp_path: Path) -> Any:
    """The model of NET as its user gets it."""
    written(program(tmp_path, NET), tmp_path / "out")
    return load_module(tmp_path / "out" / "model.py")


def test_batch_norm_momentum(net: Any) -> None:
    """One step in training moves the running statistics by the declared momentum, in PyTorch's convention."""
    model = net.load().train()
    before = model.bn.running_mean.clone()
    x = torch.randn(4, 3, 6, 6)
    model(x)
    batch = model.conv(x).mean(dim=(0, 2, 3))
    torch.testing.assert_close(model.bn.running_mean, 0.7 * before + 0.3 * batch)
    assert model.bn.eps == 1e-3


def test_dropout_acts_in_training_alone(net: Any) -> None:
    """Evaluation is deterministic, training is not."""
    model, x = net.load(), torch.randn(2, 3, 6, 6)
    assert model.training is False
    assert torch.equal(model(x), model(x))
    model.head.weight.data.fill_(1.0)
    model.train()
    assert not torch.equal(model(x), model(x))


def test_initialisers_and_frozen_weights(net: Any) -> None:
    """A new model starts from the declared initialisers; what is not trainable gets no gradient."""
    torch.manual_seed(0)
    model = net.Net()
    assert model.head.weight.abs().max() == 0
    assert not model.head.weight.requires_grad
    torch.manual_seed(0)
    expected = torch.empty(8, 3, 3, 3)
    torch.nn.init.kaiming_uniform_(expected, a=5**0.5)
    torch.nn.init.kaiming_normal_(expected, mode="fan_out")
    assert torch.equal(model.conv.weight, expected)


def test_optimizer_step_changes_what_is_trainable(net: Any) -> None:
    """Gradients reach every weight that is trainable and has one."""
    model = net.Net().train()
    model.head.weight.data.fill_(0.1)
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model(torch.randn(2, 3, 6, 6)).sum().backward()
    assert model.conv.weight.grad is not None
    assert model.bn.weight.grad is not None
    assert model.head.weight.grad is None


def test_export(net: Any) -> None:
    """torch.export takes the model with dynamic sizes, and the exported program gives the same."""
    model, x = net.load(), torch.randn(2, 3, 8, 8)
    dims = {"image": {0: torch.export.Dim.AUTO, 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}}
    exported = torch.export.export(model, (x,), dynamic_shapes=dims)
    other = torch.randn(3, 3, 10, 9)
    torch.testing.assert_close(exported.module()(other), model(other))


def test_compile(tmp_path: Path) -> None:
    """torch.compile captures a transformer in one graph, and the compiled model gives the same."""
    text = (Path(__file__).parents[3] / "examples" / "gpt.dl").read_text().partition("\n")[2]
    small = text.replace("50257", "50").replace("1024", "16").replace("768", "24").replace("depth: int = 12",
                                                                                           "depth: int = 2")
    written(program(tmp_path, small), tmp_path / "out")
    model = load_module(tmp_path / "out" / "model.py").load()
    tokens = torch.from_numpy(np.random.default_rng(0).integers(0, 50, (2, 7)))
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(tokens), model(tokens))


@pytest.mark.parametrize("rule", [
    "zeros", "ones", "constant(value=0.3)", "uniform(low=-0.2, high=0.5)", "normal(mean=0.1, std=0.2)",
    "truncated_normal(std=0.5, low=-0.6, high=0.7)", "xavier_uniform(gain=2.0)", "xavier_normal",
    "kaiming_uniform(a=1.0)", 'kaiming_normal(mode="fan_out", nonlinearity="relu")', "lecun_uniform", "lecun_normal",
    "orthogonal(gain=0.5)", "identity(gain=3.0)",
])
def test_initialisers_have_the_same_distribution(rule: str, tmp_path: Path) -> None:
    """A new model in PyTorch starts from the distribution that dlc draws from: mean, deviation and range agree."""
    model = program(tmp_path, "model M {\n  input x: f32[N, 160]\n"
                              f"  output y: f32[N, 120] = x |> linear(120, init={rule}) @fc\n}}\n")
    written(model, tmp_path / "out")
    torch.manual_seed(0)
    found = load_module(tmp_path / "out" / "model.py").M().fc.weight.detach().numpy()
    drawn = draw(model, 0)["fc.weight"]
    np.testing.assert_allclose(found.mean(), drawn.mean(), atol=0.01)
    np.testing.assert_allclose(found.std(), drawn.std(), rtol=0.03, atol=1e-6)
    np.testing.assert_allclose(np.abs(found).max(), np.abs(drawn).max(), rtol=0.25)
