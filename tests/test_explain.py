"""`bnexp explain`: what it says agrees with arithmetic and with the layer."""

import re

import pytest
import torch
from torch import Tensor, nn

from bnexp.errors import UserError
from bnexp.explain import explain, main
from bnexp.norms import make_norm
from bnexp.norms.catalogue import NORMS
from bnexp.norms.sharing import count, shared_values


class ScalesByTheLargest(nn.Module):
    """A normaliser of the user's: one statistic for everything, in both modes."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x / x.square().sum().sqrt()


class StartsAtZero(nn.Module):
    """As those of residual branches, whose scale starts at 0 (pytorch/pytorch#122551)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = make_norm("batch", channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


class Wrong(nn.Module):
    """A layer that fails with an error of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("no such thing\nsecond line")


@pytest.mark.parametrize(
    ("norm", "shape", "options", "number", "values", "reduced"),
    [
        ("batch", (4, 6, 8, 8), {}, 6, "256", "N, H, W"),
        ("layer", (4, 6, 8, 8), {}, 4, "384", "C, H, W"),
        ("instance", (4, 6, 8, 8), {}, 24, "64", "H, W"),
        ("group", (4, 6, 8, 8), {"groups": 3}, 12, "128", "C (2 of 6), H, W"),
        ("rms", (4, 6, 8), {}, 4, "48", "C, W"),
        ("batch_manual", (4, 6), {}, 6, "4", "N"),
        ("batch_renorm", (4, 6, 2, 2, 2), {}, 6, "32", "N, D, H, W"),
        ("precise", (4, 6, 1, 5), {}, 6, "20", "N, W"),
        ("recurrent_batch", (4, 6), {}, 6, "4", "N"),
        ("ghost", (7, 6, 8), {"ghost_size": 3}, 18, "16 or 24", "N (3 of 7), W"),
        ("ghost", (8, 6), {"ghost_size": 4}, 12, "4", "N (4 of 8)"),
        ("batch", (32, 64, 28, 28), {}, 64, "25,088", "N, H, W"),
        ("weight", (4, 6, 8, 8), {}, 6, "54", "in, H, W"),
        (f"{__name__}.ScalesByTheLargest", (4, 6), {}, 1, "24", "N, C"),
        (f"{__name__}.StartsAtZero", (4, 6, 2, 2), {}, 6, "16", "N, H, W"),
        ("mean_only", (4, 6, 2, 2), {}, 6, "16", "N, H, W"),
        ("noisy_batch", (4, 6), {}, 6, "4", "N"),
    ],
)
def test_statistics(
    norm: str, shape: tuple[int, ...], options: dict[str, int], number: int, values: str,
    reduced: str,
) -> None:  # fmt: skip
    text = explain(norm, shape, options)
    expected = "1 statistic" if number == 1 else f"{number} statistics, each"
    assert f": {expected} of {values} " in text
    assert f"    reduced: {reduced}\n" in text


def test_the_whole_page() -> None:
    assert (
        explain("batch", (3, 2, 4, 4), {})
        == """\
batch: batch norm: statistics of the batch, per channel
input (N, C, H, W) = (3, 2, 4, 4)

in training: 2 statistics, each of 48 values
    reduced: N, H, W
    a sample's output depends on the other samples
    and updates running_mean, running_var and num_batches_tracked
in evaluation: no statistics of the input; each value is mapped on its own by the stored \
running_mean and running_var

parameters: 4 values: weight (2,), bias (2,)
buffers: 5 values: running_mean (2,), running_var (2,), num_batches_tracked ()

one statistic, by N down and C across; a square stands for 16 values
    ■ ·
    ■ ·
    ■ ·"""
    )


def test_the_modes() -> None:
    both = "in training and evaluation: "
    assert both in explain("layer", (4, 6), {})
    for name in ("none", "dyt"):
        assert both + "no statistics of the input" in explain(name, (4, 6), {})
    assert both in explain("batch", (4, 6), {"track_running_stats": False}).replace(
        "in evaluation: 6", both
    )
    assert "does not depend on the other samples" in explain("instance", (4, 6, 3), {})
    assert "in evaluation: 6 statistics" not in explain("batch", (4, 6), {})
    assert "1 statistic of 36 weights" in explain("spectral", (4, 6), {})
    assert "the output does not depend on the input" in explain("layer", (4, 1), {})


def test_the_picture_shows_the_values_of_one_statistic() -> None:
    text = explain("group", (3, 6, 5), {"groups": 3})
    assert text.endswith("    ■ ■ · · · ·\n    · · · · · ·\n    · · · · · ·")
    long = explain("layer", (40, 100), {}).splitlines()
    assert long[-1] == "    ..."
    assert long[-2].endswith("· ...")
    assert re.sub("[^■]", "", long[-13]) == "■" * 32


def test_masks_are_the_values_that_move_an_output() -> None:
    """By finite changes: only what is marked moves the first output."""
    x = torch.randn(6, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for name, options in [("batch", {}), ("group", {"groups": 2}), ("ghost", {"ghost_size": 2})]:
        layer = make_norm(name, 4, **options).double()
        mask = shared_values(layer, x.shape)[0]
        y = layer(x)[0, 0, 0]
        for index in torch.cartesian_prod(*(torch.arange(n) for n in x.shape)).tolist():
            moved = x.clone()
            moved[tuple(index)] += 1
            assert bool(layer(moved)[0, 0, 0] != y) == bool(mask[tuple(index)])


def test_the_masks_cover_every_sample() -> None:
    masks = shared_values(make_norm("ghost", 4, ghost_size=2).double(), (5, 4, 3))
    assert [mask[:, 0, 0].tolist() for mask in masks] == [
        [True, True, False, False, False],
        [False, False, True, True, False],
        [False, False, False, False, True],
    ]
    assert count(masks) == (12, [3, 6])


def test_main(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["norm=group", "shape=4,6,8,8", "groups=3", "eps=1e-3", "affine=False"]) == 0
    out = capsys.readouterr().out
    assert "12 statistics, each of 128 values" in out
    assert "parameters: none" in out
    assert main(["shape=[4, 6]", "norm=batch", "momentum=null"]) == 0
    assert main(["--help"]) == 0
    assert main([]) == 0
    assert capsys.readouterr().out.endswith("explain my_package.MyNorm shape=32,64\n")


@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_explains_itself_without_a_shape(
    norm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([norm]) == 0
    assert capsys.readouterr().out.startswith(f"{norm}: {NORMS[norm].summary}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["batch", "group"], "group: expected key=value"),
        (["norm=batch", "group"], "group: expected key=value"),
        (["batch", "norm=group"], "norm: given twice"),
        (["torch.nn.LayerNorm"], r"normalized_shape=\[16\]"),
        (["os.path.join"], "os.path.join: "),
        (["collections.OrderedDict"], "collections.OrderedDict: "),
        ([f"{__name__}.Wrong"], "no such thing"),
        (["batch", "eps=" + "[" * 100_000], "norm batch: eps="),
        (["batch", "eps=" + "9" * 5_000], "norm batch: eps="),
        (["shape=4,6"], "norm= is missing"),
        (["norm=batch", "shape=4"], "shape=4: expected N,C and up to three sizes"),
        (["norm=batch", "shape=4,x"], "shape=4,x: expected"),
        (["norm=batch", "shape=4,0"], "shape=4,0: expected"),
        (["norm=batch", "shape=4,6", "norm=layer"], "norm: given twice"),
        (["norm=bath", "shape=4,6"], "no normaliser 'bath'; known are none, batch"),
        (["norm=batch", "shape=4,6", "groups=2"], "norm batch has no option groups"),
        (["norm=batch", "shape=4,6", "eps=no"], "norm batch: eps='no'"),
        (["norm=group", "shape=4,6"], "8 groups do not divide 6 channels"),
        (["norm=instance", "shape=4,6"], "spatial dimensions for instance norm"),
        (["norm=batch", "shape=1,6"], "Expected more than 1 value per channel"),
        (["norm=batch", "shape=4096,4096"], "at most 4,194,304 values"),
    ],
)
def test_errors(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        main(arguments)
