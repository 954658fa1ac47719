"""Which inputs PyTorch's batch norm layers refuse, and what they do with a single sample."""

import torch
from torch import Tensor, nn


def measure(seed: int) -> list[tuple[str, str, float]]:
    """Return rows (layer, name, value).

    `raises`: whether the layer in training mode refuses a batch of one, a vector of 64 values or,
    for BatchNorm2d, an image.
    `batch_of_one`, `images_in_1d`, `vectors_in_2d` and `one_sample_in_eval_untracked` are 1 where
    the layer raises, and the row's layer is then the message; 0 where it takes the input.
    `difference_from_instance_norm` is the largest between BatchNorm2d in training mode on one
    image and InstanceNorm2d.
    """
    generator = torch.Generator().manual_seed(seed)
    vector = torch.randn(1, 50, generator=generator)
    images = torch.randn(8, 64, 6, 6, generator=generator)
    untracked = nn.BatchNorm1d(50, track_running_stats=False).eval()
    rows = [
        _raised("batch_of_one", nn.BatchNorm1d(50), vector),
        _raised("images_in_1d", nn.BatchNorm1d(64), images),
        _raised("vectors_in_2d", nn.BatchNorm2d(50), vector),
        _raised("one_sample_in_eval_untracked", untracked, vector),
    ]
    one = images[:1]
    for layer, x in (
        (nn.BatchNorm1d(64), one[:, :, 0, 0]),
        (nn.BatchNorm2d(64), one),
        (nn.LayerNorm(64), one[:, :, 0, 0]),
        (nn.GroupNorm(8, 64), one[:, :, 0, 0]),
    ):
        rows.append((type(layer).__name__, "raises", _raised("", layer, x)[2]))
    difference = (nn.BatchNorm2d(64)(one) - nn.InstanceNorm2d(64)(one)).abs().max().item()
    return [*rows, ("BatchNorm2d", "difference_from_instance_norm", difference)]


def _raised(name: str, layer: nn.Module, x: Tensor) -> tuple[str, str, float]:
    try:
        layer(x)
    except (ValueError, RuntimeError) as error:
        return " ".join(f"{type(error).__name__}: {error}".split()), name, 1.0
    return type(layer).__name__, name, 0.0
