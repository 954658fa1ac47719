#!/usr/bin/env python3
"""The four cubes: which values share one statistic in batch, layer, instance and group norm.

    python scripts/draw_norms.py                  # results/figures/norm_axes.svg and .png

The marked values are read off the real layers by their gradients, as in `bnexp explain`.
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from bnexp.norms import make_norm
from bnexp.norms.sharing import count, shared_values
from bnexp.report.style import INK, MUTED, look

N, C, SPACE = 4, 6, 5
NORMS = [
    ("batch", "Batch norm", {}),
    ("layer", "Layer norm", {}),
    ("instance", "Instance norm", {}),
    ("group", "Group norm", {"groups": 3}),
]
SHADES = {"top": 0.25, "front": 0.0, "side": -0.3}  # of a norm's own colour, lighter or darker
PLAIN = {"top": "#f7f7f7", "front": "#e9e9e9", "side": "#d6d6d6"}
# Where one step leads on the page: a channel to the right, a sample to the back, a position up.
RIGHT, BACK, UP = np.array([1.0, 0.0]), np.array([0.42, 0.34]), np.array([0.0, 0.8])


def shaded(color: str, shade: float) -> tuple[float, ...]:
    end = np.full(3, float(shade > 0))
    return tuple((1 - abs(shade)) * np.array(to_rgb(color)) + abs(shade) * end)


def draw_cube(ax: Axes, marked: np.ndarray, color: str) -> None:
    """Draw the visible faces of marked[channel, sample, position]."""
    columns, depth, height = marked.shape

    def draw(corner: np.ndarray, u: np.ndarray, v: np.ndarray, side: str, mark: bool) -> None:
        points = [corner, corner + u, corner + u + v, corner + v]
        face = shaded(color, SHADES[side]) if mark else PLAIN[side]
        ax.fill(*zip(*points, strict=True), facecolor=face, edgecolor=MUTED, linewidth=0.6)

    def corner(i: int, j: int, k: int) -> np.ndarray:
        return i * RIGHT + j * BACK + k * UP

    for j in range(depth):
        for i in range(columns):
            draw(corner(i, j, height), RIGHT, BACK, "top", marked[i, j, height - 1])
        for k in range(height):
            draw(corner(columns, j, k), BACK, UP, "side", marked[columns - 1, j, k])
    for i in range(columns):
        for k in range(height):
            draw(corner(i, 0, k), RIGHT, UP, "front", marked[i, 0, k])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("results/figures"))
    folder = parser.parse_args().folder
    plt.rcParams |= {
        "svg.hashsalt": "norm_axes",
        "svg.fonttype": "path",
        "font.size": 10,
        "text.color": INK,
    }
    figure, axes = plt.subplots(1, 4, figsize=(11, 2.7), layout="constrained")
    for ax, (name, title, options) in zip(axes, NORMS, strict=True):
        masks = shared_values(make_norm(name, C, **options).double(), (N, C, SPACE))
        number, sizes = count(masks)
        draw_cube(ax, masks[0].numpy().transpose(1, 0, 2), look(name).color)
        ax.set_title(f"{title}\n{number} statistics, each of {sizes[0]} values", fontsize=10)
        ax.text(C / 2, -0.3, "C", ha="center", va="top")
        ax.text(-0.25, SPACE * UP[1] / 2, "H, W", ha="right", va="center", rotation=90)
        ax.text(C + N * BACK[0] / 2 + 0.3, N * BACK[1] / 2 - 0.1, "N", ha="left", va="top")
        ax.set_aspect("equal")
        ax.axis("off")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "norm_axes.svg", metadata={"Date": None})
    figure.savefig(folder / "norm_axes.png", dpi=150)


if __name__ == "__main__":
    main()
