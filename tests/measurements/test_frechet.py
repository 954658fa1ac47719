"""The Frechet distance against scipy and closed forms; the classifier that is kept."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import linalg
from torch import Tensor

from bnexp.data.cache import cache_folder
from bnexp.measurements import _frechet
from bnexp.measurements._frechet import accuracy, classifier, distance


def gaussian(n: int, features: int, seed: int, shift: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(features, features, generator=generator, dtype=torch.float64)
    x = torch.randn(n, features, generator=generator, dtype=torch.float64)
    return x @ mix + shift


@pytest.mark.parametrize("features", [1, 2, 7, 30])
@pytest.mark.parametrize("shift", [0.0, 1.5])
def test_distance_is_that_by_scipys_matrix_root(features: int, shift: float) -> None:
    a, b = gaussian(400, features, 1), gaussian(300, features, 2, shift)
    s_a, s_b = (np.atleast_2d(np.cov(x.numpy(), rowvar=False)) for x in (a, b))
    root = linalg.sqrtm(s_a @ s_b)
    means = ((a.mean(0) - b.mean(0)) ** 2).sum().item()
    expected = means + np.trace(s_a + s_b - 2 * root.real)
    assert distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_distance_of_known_normal_distributions() -> None:
    """One dimension: (mean difference)^2 + (difference of standard deviations)^2."""
    x = torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
    std = x.std().item()
    assert distance(x, 3 * x + 2) == pytest.approx(4 + 4 * std**2)
    two = torch.cat([x, 2 * x.flip(0)], 1)
    assert distance(two, two) == pytest.approx(0, abs=1e-9)
    assert distance(two, two + torch.tensor([3.0, 4.0])) == pytest.approx(25)


def test_fewer_samples_than_features_are_no_trouble() -> None:
    a = gaussian(10, 40, 1)
    assert 0 <= distance(a, a) < 1e-6 * torch.cov(a.T).trace()


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    classifier.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(_frechet, "STEPS", 150)
    yield
    classifier.cache_clear()


@pytest.mark.usefixtures("short")
def test_the_classifier_is_trained_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    net, images = classifier("digits")
    assert accuracy(net, images) > 0.8
    assert net.features(images.test).shape == (300, _frechet.FEATURES)
    assert (images.train.min(), images.train.max()) == (-1, 1)
    classifier.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(_frechet, "_trained", None)  # read from its file
        assert classifier("digits")[0].identity == net.identity
    (file,) = cache_folder().glob("classifier-*.pt")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    classifier.cache_clear()
    assert classifier("digits")[0].identity == net.identity  # damaged: trained again, the same
