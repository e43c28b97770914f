"""The layers that the digits network is made of, in numpy: forward, and backward for training.

Tensors are [batch, channels, height, width]. A layer keeps what its backward needs; `parameters` are updated in
place, `gradients` has the same keys.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Layer:
    def __init__(self, **parameters: Array) -> None:
        self.parameters = {name: value.astype(np.float32) for name, value in parameters.items()}
        self.gradients = {name: np.zeros_like(value) for name, value in self.parameters.items()}

    def forward(self, x: Array) -> Array:
        raise NotImplementedError

    def backward(self, gradient: Array) -> Array:
        raise NotImplementedError


def he(random: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> Array:
    return random.normal(0, np.sqrt(2 / fan_in), shape)


class Conv(Layer):
    """A square kernel without bias; padding keeps the size at stride 1. groups: 1, or the channels (depthwise)."""

    def __init__(
        self,
        random: np.random.Generator,
        channels: int,
        filters: int,
        kernel: int,
        stride: int = 1,
        depthwise: bool = False,
    ) -> None:
        per_group = 1 if depthwise else channels
        shape = (filters, per_group, kernel, kernel)
        super().__init__(weight=he(random, shape, per_group * kernel * kernel))
        self.kernel, self.stride, self.pad, self.depthwise = kernel, stride, kernel // 2, depthwise

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        padded = np.pad(x, ((0, 0), (0, 0), (self.pad, self.pad), (self.pad, self.pad)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (self.kernel, self.kernel), (2, 3))
        windows = windows[:, :, :: self.stride, :: self.stride]  # [n, c, h, w, k, k]
        n, c, h, w = windows.shape[:4]
        weight = self.parameters["weight"]
        if self.depthwise:
            self.columns = np.ascontiguousarray(windows).reshape(n, c, h * w, -1)
            return np.einsum("ncpk,ck->ncp", self.columns, weight.reshape(c, -1)).reshape(n, c, h, w)
        self.columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, -1)
        return (self.columns @ weight.reshape(len(weight), -1).T).reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient: Array) -> Array:
        n, filters, h, w = gradient.shape
        c, k, weight = self.shape[1], self.kernel, self.parameters["weight"]
        if self.depthwise:
            flat = gradient.reshape(n, filters, h * w)
            self.gradients["weight"] = np.einsum("ncpk,ncp->ck", self.columns, flat).reshape(weight.shape)
            columns = np.einsum("ncp,ck->ncpk", flat, weight.reshape(c, -1)).reshape(n, c, h, w, k, k)
        else:
            flat = gradient.transpose(0, 2, 3, 1).reshape(-1, filters)
            self.gradients["weight"] = (flat.T @ self.columns).reshape(weight.shape)
            columns = (flat @ weight.reshape(filters, -1)).reshape(n, h, w, c, k, k).transpose(0, 3, 1, 2, 4, 5)
        return self.scatter(columns)

    def scatter(self, columns: Array) -> Array:
        """Adds each window's gradient [n, c, h, w, k, k] to the pixels it came from."""
        n, c, height, width = self.shape
        h, w = columns.shape[2:4]
        padded = np.zeros((n, c, height + 2 * self.pad, width + 2 * self.pad), np.float32)
        for i in range(self.kernel):
            for j in range(self.kernel):
                rows = slice(i, i + self.stride * h, self.stride)
                padded[:, :, rows, j : j + self.stride * w : self.stride] += columns[..., i, j]
        return padded[:, :, self.pad : self.pad + height, self.pad : self.pad + width]


class BatchNorm(Layer):
    MOMENTUM = 0.9
    EPSILON = 1e-5

    def __init__(self, channels: int) -> None:
        super().__init__(scale=np.ones(channels), bias=np.zeros(channels))
        self.mean, self.variance = np.zeros(channels, np.float32), np.ones(channels, np.float32)

    def forward(self, x: Array) -> Array:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
        self.mean = self.MOMENTUM * self.mean + (1 - self.MOMENTUM) * mean
        self.variance = self.MOMENTUM * self.variance + (1 - self.MOMENTUM) * variance
        self.deviation = np.sqrt(variance + self.EPSILON)[None, :, None, None]
        self.normal = (x - mean[None, :, None, None]) / self.deviation
        scale, bias = self.parameters["scale"], self.parameters["bias"]
        return self.normal * scale[None, :, None, None] + bias[None, :, None, None]

    def backward(self, gradient: Array) -> Array:
        self.gradients["bias"] = gradient.sum((0, 2, 3))
        self.gradients["scale"] = (gradient * self.normal).sum((0, 2, 3))
        gradient = gradient * self.parameters["scale"][None, :, None, None]
        centred = gradient - gradient.mean((0, 2, 3), keepdims=True)
        centred -= self.normal * (gradient * self.normal).mean((0, 2, 3), keepdims=True)
        return centred / self.deviation


class Relu(Layer):
    def forward(self, x: Array) -> Array:
        self.positive = x > 0
        return x * self.positive

    def backward(self, gradient: Array) -> Array:
        return gradient * self.positive


class MaxPool(Layer):
    """Windows of 2 x 2, side by side."""

    def forward(self, x: Array) -> Array:
        n, c, h, w = x.shape
        windows = x.reshape(n, c, h // 2, 2, w // 2, 2)
        out = windows.max((3, 5), keepdims=True)
        self.chosen = windows == out
        return out[:, :, :, 0, :, 0]

    def backward(self, gradient: Array) -> Array:
        spread = self.chosen * gradient[:, :, :, None, :, None]
        n, c, h, _, w, _ = spread.shape
        return (spread / self.chosen.sum((3, 5), keepdims=True)).reshape(n, c, h * 2, w * 2)


class AveragePool(Layer):
    """Over the whole picture; the result is [batch, channels]."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.mean((2, 3))

    def backward(self, gradient: Array) -> Array:
        pixels = self.shape[2] * self.shape[3]
        return np.broadcast_to(gradient[:, :, None, None] / np.float32(pixels), self.shape)


class Linear(Layer):
    def __init__(self, random: np.random.Generator, inputs: int, outputs: int) -> None:
        super().__init__(weight=he(random, (outputs, inputs), inputs), bias=np.zeros(outputs))

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.parameters["weight"].T + self.parameters["bias"]

    def backward(self, gradient: Array) -> Array:
        self.gradients["weight"] = gradient.T @ self.x
        self.gradients["bias"] = gradient.sum(0)
        return gradient @ self.parameters["weight"]


class Sequence(Layer):
    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, gradient: Array) -> Array:
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient


class Residual(Layer):
    """x + branch(x)."""

    def __init__(self, branch: Sequence) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Array) -> Array:
        return x + self.branch.forward(x)

    def backward(self, gradient: Array) -> Array:
        return gradient + self.branch.backward(gradient)
