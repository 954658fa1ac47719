"""The Frechet distance between images, in the features of one fixed classifier."""

import contextlib
import hashlib
import json
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.compose import compose
from bnexp.data import load
from bnexp.data.cache import cache_folder
from bnexp.plan import plan
from bnexp.runs.files import write_whole

FEATURES, STEPS, BATCH_SIZE, LR = 64, 2000, 64, 1e-3  # the classifier and its training, seed 0


class Images:
    """The training and test part of a dataset as values in [-1, 1], (N, C, H, W).

    `content` is the hash of the dataset's content. UserError for a dataset without images.
    """

    def __init__(self, name: str) -> None:
        tree, preset = compose(["model=mlp", f"data={name}"])
        planned = plan(tree, preset, here=False)
        data = load(planned.config.data)
        low, high = data.train_x.min(), data.train_x.max()
        self.train, self.test = (
            ((x - low) * (2 / (high - low)) - 1).clamp(-1, 1) for x in (data.train_x, data.test_x)
        )
        self.train_y, self.test_y = data.train_y, data.test_y
        self.shape, self.classes, self.content = data.shape, data.classes, planned.facts.content


class Classifier(nn.Module):
    """Flat pixels, 128 hidden units, 64 features, classes; ReLU between them."""

    def __init__(self, pixels: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, 128), nn.ReLU(), nn.Linear(128, FEATURES), nn.ReLU()
        )
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x))
        return logits

    @property
    def identity(self) -> str:
        """Twelve hex digits over its weights."""
        return _digest(self.state_dict())


@lru_cache(maxsize=2)
def classifier(name: str) -> tuple[Classifier, Images]:
    """The classifier of a dataset and its images; trained once, then kept in the cache folder."""
    images = Images(name)
    net = Classifier(images.train[0].numel(), images.classes)
    key = json.dumps([images.content, FEATURES, STEPS, BATCH_SIZE, LR])
    file = cache_folder() / f"classifier-{hashlib.sha256(key.encode()).hexdigest()[:16]}.pt"
    if not _read(net, file):
        net = _trained(images)
        _write(net, file)
    return net.eval().requires_grad_(False), images


def distance(a: Tensor, b: Tensor) -> float:
    """Frechet distance (arXiv:1706.08500) of the normal distributions fitted to rows of a and b.

    |mean_a - mean_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), S the covariances with n - 1.
    """
    a, b = a.double(), b.double()
    s_a, s_b = (torch.atleast_2d(torch.cov(x.T)) for x in (a, b))
    values, vectors = torch.linalg.eigh(s_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    # the eigenvalues of S_a S_b are those of S_a^(1/2) S_b S_a^(1/2), which is symmetric
    cross = torch.linalg.eigvalsh(root @ s_b @ root).clamp(min=0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    return max(0.0, float(means + s_a.trace() + s_b.trace() - 2 * cross))


def accuracy(net: Classifier, images: Images) -> float:
    """On the test part."""
    with torch.no_grad():
        return float((net(images.test).argmax(1) == images.test_y).double().mean())


def _trained(images: Images) -> Classifier:
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = Classifier(images.train[0].numel(), images.classes)
    optimizer = torch.optim.Adam(net.parameters(), LR)
    for _ in range(STEPS):
        chosen = torch.randint(len(images.train), (BATCH_SIZE,), generator=generator)
        optimizer.zero_grad()
        F.cross_entropy(net(images.train[chosen]), images.train_y[chosen]).backward()
        optimizer.step()
    return net


def _read(net: Classifier, file: Path) -> bool:
    """Load the weights; whether they are there and whole."""
    try:
        kept = torch.load(file, weights_only=True)
        if kept["identity"] != _digest(kept["weights"]):
            return False
        net.load_state_dict(kept["weights"])
    except Exception:  # no file, or one that is damaged: it is trained again
        return False
    return True


def _write(net: Classifier, file: Path) -> None:
    kept = {"identity": net.identity, "weights": net.state_dict()}
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, lambda opened: torch.save(kept, opened))


def _digest(weights: dict[str, Tensor]) -> str:
    content = hashlib.sha256()
    for name in sorted(weights):
        content.update(name.encode() + weights[name].numpy().tobytes())
    return content.hexdigest()[:12]
