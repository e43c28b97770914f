"""Pictures of handwritten-looking digits, drawn from strokes: as many as wanted, the same for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SIZE = 28
CLASSES = 10


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[tuple[float, float]]:
    """Points on an ellipse; angles in quarter turns, 0 = right, 1 = down."""
    angles = np.linspace(start, end, 9) * np.pi / 2
    return [(x + rx * float(np.cos(angle)), y + ry * float(np.sin(angle))) for angle in angles]


# Lines through points of the unit square; y grows downwards.
STROKES: tuple[list[list[tuple[float, float]]], ...] = (
    [arc(0.5, 0.5, 0.21, 0.33, 0, 4)],
    [[(0.38, 0.3), (0.52, 0.17), (0.52, 0.83)]],
    [arc(0.5, 0.36, 0.2, 0.19, 2, 4.5) + [(0.3, 0.82), (0.72, 0.82)]],
    [arc(0.47, 0.34, 0.19, 0.17, 2.4, 5), arc(0.47, 0.66, 0.21, 0.17, -1, 1.6)],
    [[(0.6, 0.83), (0.6, 0.17), (0.28, 0.62), (0.74, 0.62)]],
    [[(0.7, 0.18), (0.36, 0.18), (0.33, 0.47)] + arc(0.49, 0.62, 0.2, 0.2, -1.2, 1.7)],
    [[(0.62, 0.17), (0.36, 0.45)] + arc(0.5, 0.63, 0.19, 0.19, 2, 6)],
    [[(0.28, 0.19), (0.71, 0.19), (0.42, 0.83)]],
    [arc(0.5, 0.34, 0.17, 0.16, 0, 4), arc(0.5, 0.66, 0.2, 0.17, 0, 4)],
    [arc(0.5, 0.37, 0.19, 0.19, 0, 4), [(0.69, 0.37), (0.6, 0.83)]],
)


def segments(digit: int) -> Array:
    """[S, 2, 2]: start and end of each line of the digit."""
    lines = [pair for stroke in STROKES[digit] for pair in zip(stroke, stroke[1:])]
    return np.array(lines)


def padded_segments() -> Array:
    """[10, S, 2, 2]: all digits, the last line repeated up to the longest digit."""
    each = [segments(digit) for digit in range(CLASSES)]
    longest = max(len(lines) for lines in each)
    return np.stack([np.concatenate([e, np.repeat(e[-1:], longest - len(e), axis=0)]) for e in each])


def distances(lines: Array) -> Array:
    """[N, SIZE * SIZE]: how far each pixel's centre is from the nearest of the picture's lines [N, S, 2, 2]."""
    centre = (np.arange(SIZE) + 0.5) / SIZE
    pixels = np.stack(np.meshgrid(centre, centre, indexing="xy"), axis=-1).reshape(-1, 2)
    start, along = lines[:, None, :, 0], lines[:, None, :, 1] - lines[:, None, :, 0]
    offset = pixels[None, :, None] - start
    position = (offset * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9)
    offset -= along * np.clip(position, 0, 1)[..., None]
    return np.sqrt((offset**2).sum(-1)).min(-1)


def draw(seed: int, count: int) -> tuple[Array, Array]:
    """`count` pictures, float32 [N, 1, 28, 28] about 0 to 1 with noise, and their digits, int64 [N]."""
    random = np.random.default_rng(seed)
    strokes = padded_segments()
    pictures, labels = [], random.integers(0, CLASSES, count)
    for digits in np.array_split(labels, max(1, count // 250)):
        pictures.append(draw_some(random, strokes[digits]))
    return np.concatenate(pictures), labels


def draw_some(random: np.random.Generator, lines: Array) -> Array:
    n = len(lines)
    angle, shear = random.normal(0, 0.25, n), random.normal(0, 0.3, n)
    zoom = random.uniform(0.5, 1.15, (n, 2))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(n, 2, 2)
    turn[:, 0, 1] += shear
    wobble = random.normal(0, 0.02, lines.shape)
    centred = (lines - 0.5 + wobble) * zoom[:, None, None]
    moved = np.einsum("nab,nspb->nspa", turn, centred) + 0.5 + random.normal(0, 0.07, (n, 1, 1, 2))
    width = random.uniform(0.02, 0.06, (n, 1))
    ink = np.clip((width - distances(moved)) * SIZE + 0.5, 0, 1) * random.uniform(0.5, 1, (n, 1))
    noisy = ink + random.normal(0, 1, ink.shape) * random.uniform(0.05, 0.4, (n, 1))
    return noisy.reshape(n, 1, SIZE, SIZE).astype(np.float32)
