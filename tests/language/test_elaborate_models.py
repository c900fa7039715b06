"""Models in the language against the same models written in PyTorch, with the same weights."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from language.programs import normal, outputs, program, tensors, weights_of
from torch import nn
from torch.nn import functional as F

from dlc.ir.graph import Call

TOLERANCE = {"rtol": 1e-9, "atol": 1e-9}


def close(found: object, expected: torch.Tensor) -> None:
    """Two results are equal up to float64 rounding."""
    np.testing.assert_allclose(np.asarray(found), expected.detach().numpy(), **TOLERANCE)


def test_convolutions_and_batch_norm() -> None:
    """Layers of a chain get the weights that a PyTorch module of the same labels loads as its state_dict."""
    model = program("""
layout NCHW
model M {
  input image: f32[N, 3, 12, 12]
  x = image |> conv2d(8, kernel=3, pad=1, stride=2) @conv |> batch_norm @bn |> relu
  output y: f32[N, 5] = x |> max_pool(2) |> flatten |> linear(5) @fc
}
""")
    weights = weights_of(model)
    module = (
        nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(3, 8, 3, 2, 1),
                bn=nn.BatchNorm2d(8),
                act=nn.ReLU(),
                pool=nn.MaxPool2d(2),
                flat=nn.Flatten(),
                fc=nn.Linear(72, 5),
            )
        )
        .double()
        .eval()
    )
    module.load_state_dict(tensors(weights), strict=False)
    assert set(weights) == {k for k in module.state_dict() if not k.endswith("num_batches_tracked")}
    x = normal(2, 3, 12, 12)
    close(outputs(model, weights, image=x)["y"], module(torch.from_numpy(x)))


def test_squeeze_and_excite() -> None:
    """A block sees the sizes of what it is given: C // ratio is a number inside it."""
    model = program("""
layout NCHW
block SE(ratio: int = 4) (x: f32[N, C, H, W]) -> f32[N, C, H, W] {
  s = x |> global_avg_pool |> linear(C // ratio) @down |> relu |> linear(C) @up |> sigmoid
  return x * s[:, :, none, none]
}
model M {
  input x: f32[N, 8, H, W]
  output y: f32[N, 8, H, W] = x |> SE(ratio=2) @se
}
""")
    weights = weights_of(model)
    w, x = tensors(weights), torch.from_numpy(normal(2, 8, 5, 4))
    s = F.relu(F.linear(x.mean((2, 3)), w["se.down.weight"], w["se.down.bias"]))
    s = torch.sigmoid(F.linear(s, w["se.up.weight"], w["se.up.bias"]))
    assert weights["se.down.weight"].shape == (4, 8)
    close(outputs(model, weights, x=x.numpy())["y"], x * s[:, :, None, None])


def test_transformer_with_tied_embedding() -> None:
    """Attention, repeat, a declared layer and its weight tied to the head give what PyTorch gives."""
    model = program("""
block Attention(heads: int) (x: f32[B, T, D]) -> f32[B, T, D] {
  assert D % heads == 0
  qkv = x |> linear(3 * D) @qkv |> rearrange("b t (three h d) -> three b h t d", three=3, h=heads)
  y = attention(qkv[0], qkv[1], qkv[2], causal=true)
  return y |> rearrange("b h t d -> b t (h d)") |> linear(D) @proj
}
block Layer(heads: int) (x: f32[B, T, D]) -> f32[B, T, D] {
  return x + (x |> layer_norm @ln |> Attention(heads) @attn)
}
model M(vocab: int = 11, width: int = 8, depth: int = 3) {
  input tokens: i64[B, T]
  layer wte = embedding(vocab, width)
  pos = arange(T) |> embedding(16, width) @wpe
  e = wte(tokens)
  x = e + broadcast(pos, like=e)
  x = x |> repeat depth Layer(2) @h
  output logits: f32[B, T, vocab] = x |> linear(vocab, weight=wte.weight, bias=false)
}
""")
    weights = weights_of(model)
    assert "h.2.attn.qkv.weight" in weights
    assert sum(w.shape == (11, 8) for w in weights.values()) == 1
    calls = [n for n in model.entry.nodes if isinstance(n, Call)]
    assert [c.instance for c in calls] == ["h.0", "h.1", "h.2"]
    assert len({c.block for c in calls}) == 1
    w, tokens = tensors(weights), torch.tensor([[1, 4, 2, 10, 3]])
    x = F.embedding(tokens, w["wte.weight"]) + w["wpe.weight"][:5]
    for i in range(3):
        y = F.layer_norm(x, (8,), w[f"h.{i}.ln.weight"], w[f"h.{i}.ln.bias"])
        qkv = (
            F.linear(y, w[f"h.{i}.attn.qkv.weight"], w[f"h.{i}.attn.qkv.bias"])
            .reshape(1, 5, 3, 2, 4)
            .permute(2, 0, 3, 1, 4)
        )
        y = F.scaled_dot_product_attention(*qkv, is_causal=True).transpose(1, 2).reshape(1, 5, 8)
        x = x + F.linear(y, w[f"h.{i}.attn.proj.weight"], w[f"h.{i}.attn.proj.bias"])
    close(outputs(model, weights, tokens=tokens.numpy())["logits"], x @ w["wte.weight"].T)


def test_mixer() -> None:
    """A block that transposes keeps the types it declares; residuals of blocks add up."""
    model = program("""
block Mixer(tokens: int, channels: int) (x: f32[B, S, C]) -> f32[B, S, C] {
  y = x |> layer_norm @ln1 |> transpose(axes=[0, 2, 1]) |> linear(tokens) @t1 |> gelu |> linear(S) @t2
  x = x + transpose(y, axes=[0, 2, 1])
  return x + (x |> layer_norm @ln2 |> linear(channels) @c1 |> gelu |> linear(C) @c2)
}
model M {
  input x: f32[B, 6, 4]
  output y = x |> Mixer(8, 10) @mix |> layer_norm @norm
}
""")
    weights = weights_of(model)
    w, x = tensors(weights), torch.from_numpy(normal(2, 6, 4))

    def layer(name: str, value: torch.Tensor) -> torch.Tensor:
        return F.linear(value, w[f"mix.{name}.weight"], w[f"mix.{name}.bias"])

    a = layer("t2", F.gelu(layer("t1", F.layer_norm(x, (4,)).transpose(1, 2)))).transpose(1, 2) + x
    b = a + layer("c2", F.gelu(layer("c1", F.layer_norm(a, (4,)))))
    close(outputs(model, weights, x=x.numpy())["y"], F.layer_norm(b, (4,)))


def test_shared_layers_and_blocks() -> None:
    """A declared layer or block called twice has one set of weights."""
    model = program("""
block Encoder(width: int) (x: f32[N, D]) -> f32[N, width] {
  return x |> linear(width) @a |> tanh
}
model M {
  input left: f32[N, 6]
  input right: f32[N, 6]
  layer encode = Encoder(4)
  layer head = linear(3)
  output y: f32[N, 3] = head(encode(left)) - head(right |> encode)
}
""")
    weights = weights_of(model)
    assert sorted(weights) == ["encode.a.bias", "encode.a.weight", "head.bias", "head.weight"]
    w = tensors(weights)
    a, b = torch.from_numpy(normal(2, 6)), torch.from_numpy(normal(2, 6)) * 0.5

    def encode(x: torch.Tensor) -> torch.Tensor:
        return F.linear(
            torch.tanh(F.linear(x, w["encode.a.weight"], w["encode.a.bias"])), w["head.weight"], w["head.bias"]
        )

    close(outputs(model, weights, left=a.numpy(), right=b.numpy())["y"], encode(a) - encode(b))


def test_recurrent_states() -> None:
    """An optional initial state is zeros when left out; final states come out in PyTorch's order."""
    model = program("""
model M {
  input x: f32[B, T, 5]
  input h0: f32[2, B, 4] = zeros
  y, h = gru(x, h0, size=4, layers=2) @rnn
  output y: f32[B, T, 4] = y
  output state: f32[2, B, 4] = h
}
""")
    weights = weights_of(model)
    module = nn.GRU(5, 4, 2, batch_first=True).double()
    module.load_state_dict(tensors(weights, "rnn."))
    x = torch.from_numpy(normal(3, 7, 5))
    found = outputs(model, weights, x=x.numpy())
    y, h = module(x)
    close(found["y"], y)
    close(found["state"], h)


def test_unet_with_assumed_sizes() -> None:
    """After `assume H % 4 == 0`, halving twice and doubling twice gives H again, and skips can be joined."""
    model = program("""
layout NCHW
block Down(c: int) (x: f32[N, Cin, H, W]) -> (f32[N, c, H // 2, W // 2], f32[N, c, H, W]) {
  y = x |> conv2d(c, kernel=3, pad=1) @conv |> relu
  return max_pool(y, 2), y
}
block Up(c: int) (x: f32[N, Cin, H, W], skip: f32[N, Cs, 2 * H, 2 * W]) -> f32[N, c, 2 * H, 2 * W] {
  y = x |> conv_transpose2d(c, kernel=2, stride=2) @up
  return concat([y, skip], axis=1) |> conv2d(c, kernel=3, pad=1) @conv |> relu
}
model M {
  input image: f32[N, 1, H, W]
  assume H % 4 == 0
  assume W % 4 == 0
  x, s1 = image |> Down(2) @d1
  x, s2 = x |> Down(3) @d2
  x = Up(x, s2, 3) @u2
  x = Up(x, s1, c=2) @u1
  output mask: f32[N, 1, H, W] = x |> conv2d(1, kernel=1) @out |> sigmoid
}
""")
    weights = weights_of(model)
    w, x = tensors(weights), torch.from_numpy(normal(1, 1, 8, 12))

    def conv(name: str, value: torch.Tensor) -> torch.Tensor:
        return F.relu(F.conv2d(value, w[f"{name}.conv.weight"], w[f"{name}.conv.bias"], padding=1))

    def up(name: str, value: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        y = F.conv_transpose2d(value, w[f"{name}.up.weight"], w[f"{name}.up.bias"], stride=2)
        return conv(name, torch.cat([y, skip], 1))

    s1 = conv("d1", x)
    s2 = conv("d2", F.max_pool2d(s1, 2))
    y = up("u1", up("u2", F.max_pool2d(s2, 2), s2), s1)
    y = torch.sigmoid(F.conv2d(y, w["out.weight"], w["out.bias"]))
    close(outputs(model, weights, image=x.numpy())["mask"], y)


def test_own_weights_and_loops() -> None:
    """`param` and `state` are weights of the model; a loop's index goes into the labels directly in its body."""
    model = program("""
model M {
  input x: f32[N, 4]
  param scale: f32[4] = uniform(low=0.5, high=2.0)
  state shift: f32[4] = ones
  for i in 1..3 {
    x = x |> linear(4) @fc |> relu
    for j in 0..2 {
      x = x |> linear(4, bias=false) @inner
    }
    if i == 2 { x = x * scale + shift }
  }
  output y = x
}
""")
    weights = weights_of(model)
    assert list(weights) == [
        "fc.1.weight",
        "fc.1.bias",
        "inner.1.0.weight",
        "inner.1.1.weight",
        "fc.2.weight",
        "fc.2.bias",
        "inner.2.0.weight",
        "inner.2.1.weight",
        "scale",
        "shift",
    ]
    assert not model.weights()["shift"].trainable
    w, x = tensors(weights), torch.from_numpy(normal(3, 4))
    y = x
    for i in (1, 2):
        y = F.relu(F.linear(y, w[f"fc.{i}.weight"], w[f"fc.{i}.bias"]))
        y = y @ w[f"inner.{i}.0.weight"].T @ w[f"inner.{i}.1.weight"].T
    close(outputs(model, weights, x=x.numpy())["y"], y * w["scale"] + w["shift"])
