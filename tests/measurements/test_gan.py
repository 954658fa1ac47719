"""The small GAN: its losses and gradients by hand, its arms, and its record."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bnexp import load_runs
from bnexp.comparisons.measurements import MeasurementRun
from bnexp.errors import UserError
from bnexp.measurements import _frechet
from bnexp.measurements._frechet import classifier
from bnexp.measurements.gan import SHOWN, Gan, discriminator, generator, generator_loss, measure

NORMS = ("none", "spectral", "batch")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A classifier that takes no time."""
    classifier.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(_frechet, "STEPS", 50)
    yield
    classifier.cache_clear()


def gan(seed: int = 0, norm: str = "none", **options: Any) -> Gan:
    keys = {"lr": 5e-4, "batch_size": 16, "loss": "non_saturating", "certain": 0.9} | options
    return Gan(seed, norm, classifier("digits")[1], **keys)


def test_losses_of_the_generator() -> None:
    logits = torch.tensor([[0.0], [2.0]])
    d = torch.sigmoid(logits)
    assert generator_loss(logits, "non_saturating") == pytest.approx(-d.log().mean().item())
    assert generator_loss(logits, "saturating") == pytest.approx((1 - d).log().mean().item())


def test_one_step_by_hand() -> None:
    """Of a discriminator w x whose logits are known: losses, certainty, and what comes back."""
    one = gan(lr=0.0)
    linear = nn.Linear(64, 1)
    one.discriminator = nn.Sequential(nn.Flatten(), linear)
    one.optimizers[0] = torch.optim.SGD(linear.parameters(), 0.0)
    state = one.random.get_state()
    one.step()
    one.random.set_state(state)
    chosen = torch.randint(len(one.images.train), (16,), generator=one.random)
    on_real = one.discriminator(one.images.train[chosen])
    on_fake = one.discriminator(one.generator(one._latent()))
    found = {(net, name): value for net, name, value in one.window.rows()}
    loss = -F.logsigmoid(on_real).mean() - F.logsigmoid(-on_fake).mean()
    assert found["discriminator", "loss"] == pytest.approx(loss.item())
    right = torch.cat([on_real.sigmoid(), 1 - on_fake.sigmoid()]).mean().item()
    assert found["discriminator", "probability_of_right"] == pytest.approx(right)
    assert found["discriminator", "certain"] == float(right > 0.9)
    on_fake = one.discriminator(one.generator(one._latent()))
    slope = (1 - on_fake.sigmoid()).mean() * linear.weight.norm()  # d/dx of -log D(x)
    assert found["generator", "output_gradient_norm"] == pytest.approx(slope.item(), rel=1e-5)
    loss = -F.logsigmoid(on_fake).mean()
    gradients = torch.autograd.grad(loss, list(one.generator.parameters()))
    whole = math.sqrt(sum(g.square().sum().item() for g in gradients))
    assert found["generator", "gradient_norm"] == pytest.approx(whole, rel=1e-5)


def test_arms_start_from_the_same_weights_and_see_the_same_images() -> None:
    nets = {norm: gan(3, norm) for norm in NORMS}
    for norm in NORMS:
        assert torch.equal(nets[norm].generator[0].weight, nets["none"].generator[0].weight)
        assert torch.equal(nets[norm].random.get_state(), nets["none"].random.get_state())
        first = nets[norm].discriminator[1]
        if norm == "spectral":
            first = first.parametrizations.weight
            assert torch.equal(first.original, nets["none"].discriminator[1].weight)
        else:
            assert torch.equal(first.weight, nets["none"].discriminator[1].weight)
    for net in nets.values():
        net.step()
    assert torch.equal(nets["batch"].random.get_state(), nets["none"].random.get_state())


def test_where_norms_are() -> None:
    spectral, batch = discriminator("spectral", 64), discriminator("batch", 64)
    spectral(torch.randn(8, 64))
    for _ in range(100):  # power iterations
        spectral(torch.randn(8, 64))
    spectral.eval()
    for place in (1, 3, 6):
        weight = spectral[place].weight
        assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=1e-3)
    kinds = [type(layer).__name__ for layer in batch]
    assert kinds == ["Flatten", "Linear", "LeakyReLU", "Linear", "BatchNorm", "LeakyReLU", "Linear"]


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
def test_images_of_every_size(shape: tuple[int, ...]) -> None:
    images = generator(shape)(torch.randn(5, 32))
    assert images.shape == (5, *shape)
    assert images.abs().max() <= 1
    assert discriminator("layer", images[0].numel())(images).shape == (5, 1)


def test_tables_and_seeds() -> None:
    found = measure(0, "spectral", steps=20, every=10, batch_size=8)
    assert found == measure(0, "spectral", steps=20, every=10, batch_size=8)
    assert found != measure(1, "spectral", steps=20, every=10, batch_size=8)
    steps = {(layer, name): [] for _, layer, name, _ in found["measures"]}
    for step, layer, name, value in found["measures"]:
        steps[layer, name].append(step)
        assert math.isfinite(value)
    assert steps["generator", "frechet_distance"] == [0, 10, 20]
    assert steps["discriminator", "certain"] == [10, 20]
    assert steps["data", "frechet_distance"] == [0]
    assert [row[0] for row in found["samples"]] == sorted([0, 10, 20] * SHOWN)
    step, index, channels, height, width, pixels = found["samples"][-1]
    assert (step, index, channels, height, width) == (20, SHOWN, 1, 8, 8)
    values = [int(value) for value in pixels.split(" ")]
    assert len(values) == 64
    assert 0 <= min(values) <= max(values) <= 255


def test_its_record_is_read_like_a_runs(tmp_path: Path) -> None:
    run = MeasurementRun("gan", 0, {"norm": "batch", "steps": 10, "every": 10})
    run.measure(tmp_path, "bnexp reproduce B28")
    runs = load_runs(run.folder(tmp_path))
    assert runs.runs["check.options.norm"].tolist() == ["batch"]
    assert set(runs.measures["step"]) == {0, 10}
    assert runs.samples["pixels"].str.split(" ").str.len().tolist() == [64] * SHOWN * 2
    assert not len(runs.skipped)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": "instance"}, "norm=instance: no normaliser of a fully connected discriminator"),
        ({"norm": "nonsense"}, "norm=nonsense: no normaliser"),
        ({"every": 300}, "every=300: must divide steps=2000"),
        ({"every": 0}, "every=0: must divide"),
        ({"batch_size": 1}, "batch_size=1: at least 2"),
        ({"loss": "hinge"}, "loss=hinge: must be non_saturating or saturating"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        measure(0, **options)
