"""The originals of the examples in tutorials and papers, written as people write them in PyTorch and Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from examples.twin import Original, Twin, of_torch
from torch import nn

from dlc.ir.types import Array


class Net(nn.Module):
    """The network of PyTorch's CIFAR-10 tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = torch.flatten(F.max_pool2d(F.relu(self.conv2(x)), 2), 1)
        result: torch.Tensor = self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))
        return result


class CharRNN(nn.Module):
    """Characters through an embedding and a GRU."""

    def __init__(self, vocab: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab, hidden)
        self.rnn = nn.GRU(hidden, hidden, num_layers=2, batch_first=True)
        self.head = nn.Linear(hidden, vocab)

    def forward(self, tokens: torch.Tensor, h0: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y, state = self.rnn(self.embed(tokens), h0)
        return self.head(y), state


class Tagger(nn.Module):
    """Words through an embedding and an LSTM of two layers in both directions."""

    def __init__(self, vocab: int, tags: int, width: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocab, width, padding_idx=0)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(2 * hidden, tags)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.head(self.lstm(self.embed(words))[0])
        return result


class Elman(nn.Module):
    """PyTorch's simple recurrent layer, time first."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.readout = nn.RNN(8, 16), nn.Linear(16, 4)

    def forward(self, x: torch.Tensor, start: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y, final = self.rnn(x, start[None])
        return self.readout(y), final[0]


class VAE(nn.Module):
    """The variational autoencoder of PyTorch's examples; the noise is given."""

    def __init__(self, pixels: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(pixels, hidden), nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.fc3, self.fc4 = nn.Linear(latent, hidden), nn.Linear(hidden, pixels)

    def forward(self, image: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, ...]:
        h = F.relu(self.fc1(image))
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + noise * torch.exp(0.5 * logvar)
        divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z)))), mu, divergence


class UNet(nn.Module):
    """The U-Net of the usual PyTorch repositories: padded convolutions with batch norm, transposed ones upwards."""

    def __init__(self, base: int, classes: int) -> None:
        super().__init__()
        widths = [base * 2**i for i in range(5)]
        self.down = nn.ModuleList(self.twice(i, o) for i, o in zip([3, *widths], widths, strict=False))
        self.up = nn.ModuleList(nn.ModuleList([nn.ConvTranspose2d(2 * w, w, 2, stride=2), self.twice(2 * w, w)])
                                for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(base, classes, 1)

    @staticmethod
    def twice(inner: int, outer: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inner, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer), nn.ReLU(),
            nn.Conv2d(outer, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips = [self.down[0](x)]
        for block in self.down[1:]:
            skips.append(block(F.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for up, block in self.up:  # type: ignore[misc]
            x = block(torch.cat([skips.pop(), up(x)], dim=1))
        result: torch.Tensor = self.head(x)
        return result


def generator(latent: int, width: int) -> nn.Sequential:
    """The generator of the DCGAN tutorial."""
    def up(inner: int, outer: int) -> list[nn.Module]:
        return [nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=False), nn.BatchNorm2d(outer), nn.ReLU()]
    return nn.Sequential(
        nn.ConvTranspose2d(latent, 8 * width, 4, 1, 0, bias=False), nn.BatchNorm2d(8 * width), nn.ReLU(),
        *up(8 * width, 4 * width), *up(4 * width, 2 * width), *up(2 * width, width),
        nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh())


def discriminator(width: int) -> nn.Sequential:
    """The discriminator of the DCGAN tutorial."""
    def down(inner: int, outer: int) -> list[nn.Module]:
        return [nn.Conv2d(inner, outer, 4, 2, 1, bias=False), nn.BatchNorm2d(outer), nn.LeakyReLU(0.2)]
    return nn.Sequential(
        nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2),
        *down(width, 2 * width), *down(2 * width, 4 * width), *down(4 * width, 8 * width),
        nn.Conv2d(8 * width, 1, 4, 1, 0, bias=False), nn.Flatten(), nn.Sigmoid())


def elman() -> Original:
    leaf = {"rnn.weight_ih_l0": "weight_ih", "rnn.weight_hh_l0": "weight_hh", "rnn.bias_ih_l0": "bias_ih",
            "rnn.bias_hh_l0": "bias_hh"}
    return of_torch(Elman(), rename=lambda n: leaf.get(n, n))


def of_keras(build: Callable[[Any], Any]) -> Original:
    """A Keras model of one input in float64, with random numbers for every weight; axes in PyTorch's order."""
    import keras
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        model = build(keras)
    finally:
        keras.config.set_dtype_policy(before)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.normal(0, 1 / np.sqrt(np.prod(variable.shape[:-1]) or 1), variable.shape))

    def run(inputs: Mapping[str, Array]) -> list[Array]:
        arrays = [a.astype(np.float64) for a in inputs.values()]
        return [np.asarray(model(arrays[0] if len(arrays) == 1 else arrays, training=False))]

    return Original([from_keras(v.path, np.asarray(v.numpy())) for v in model.weights], run)


def from_keras(path: str, array: Array) -> tuple[str, Array]:
    """A Keras variable as PyTorch has it: kernels [out, in, ...], scales of layers as columns."""
    layer, _, kind = path.rpartition("/")
    if layer.endswith("layer_scale"):
        return f"{layer}.layer_scale", array[:, None, None]
    name = f"{layer}.{ {'kernel': 'weight', 'gamma': 'weight', 'beta': 'bias'}.get(kind, kind) }"
    return name, array.transpose(array.ndim - 1, array.ndim - 2, *range(array.ndim - 2)) if kind == "kernel" else array


def mnist(keras: Any) -> Any:
    """The CNN of the Keras tutorials."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")])


def cifar(keras: Any) -> Any:
    """The CNN of TensorFlow's CIFAR-10 tutorial."""
    layers = keras.layers
    return keras.Sequential([
        keras.Input((32, 32, 3)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10)])


def toy_resnet(keras: Any) -> Any:
    """The toy ResNet of the guide to the functional API."""
    layers = keras.layers
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(32, 3, activation="relu")(image)
    x = layers.MaxPooling2D(3)(layers.Conv2D(64, 3, activation="relu")(x))
    for _ in range(2):
        y = layers.Conv2D(64, 3, activation="relu", padding="same")(x)
        x = layers.add([layers.Conv2D(64, 3, activation="relu", padding="same")(y), x])
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(64, 3, activation="relu")(x))
    x = layers.Dropout(0.5)(layers.Dense(256, activation="relu")(x))
    return keras.Model(image, layers.Dense(10)(x))


def channels_last(original: Original) -> Original:
    """The same original for an example whose images have the channels second."""
    return Original(original.weights, lambda inputs: original.call(
        {n: np.moveaxis(a, 1, -1) for n, a in inputs.items()}))


_VAE = {"pixels": 64, "hidden": 24, "latent": 5}
_UNET = {"base": 4, "classes": 3}
_TAGGER = {"vocab": 40, "tags": 7, "width": 12, "hidden": 8}

TUTORIALS = {
    "cifar_net": Twin("cifar_net.dl", lambda: of_torch(Net())),
    "charrnn": Twin("charrnn.dl", lambda: of_torch(CharRNN(20, 12)), arguments={"vocab": 20, "hidden": 12},
                    sizes={"B": 3, "T": 7}),
    "tagger": Twin("tagger.dl", lambda: of_torch(Tagger(**_TAGGER)), arguments=_TAGGER, sizes={"N": 3, "T": 7}),
    "elman": Twin("elman.dl", elman, sizes={"T": 7, "B": 3}),
    "generator": Twin("gan.dl", lambda: of_torch(generator(10, 4)), model="Generator",
                      arguments={"latent": 10, "width": 4}),
    "discriminator": Twin("gan.dl", lambda: of_torch(discriminator(4)), model="Discriminator",
                          arguments={"width": 4}),
    "mlp": Twin("mlp.dl", lambda: of_torch(nn.Sequential(
        nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10)))),
    "vae": Twin("vae.dl", lambda: of_torch(VAE(**_VAE)), arguments=_VAE, sizes={"N": 3}),
    "unet": Twin("unet.dl", lambda: of_torch(UNet(**_UNET)), arguments=_UNET, sizes={"N": 1, "H": 32, "W": 16}),
    "mnist_nhwc": Twin("mnist_nhwc.dl", lambda: of_keras(mnist)),
    "cifar_cnn": Twin("cifar_cnn.dl", lambda: of_keras(cifar)),
    "toy_resnet": Twin("residual.dl", lambda: channels_last(of_keras(toy_resnet))),
}
