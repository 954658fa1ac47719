"""A small generative adversarial net, by what normalises its discriminator."""

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.errors import UserError
from bnexp.measurements._frechet import Classifier, Images, accuracy, classifier, distance
from bnexp.norms import attach_norm
from bnexp.norms.catalogue import NORMS

LATENT, HIDDEN = 32, 128
BETAS = (0.5, 0.999)  # of Adam, as in arXiv:1511.06434
GENERATED = 2000  # images for a distance
SHOWN = 8  # sample images of a step
Loss = Literal["non_saturating", "saturating"]
Table = dict[str, list[tuple[Any, ...]]]


def measure(
    seed: int,
    norm: str = "none",
    data: str = "digits",
    steps: int = 2000,
    every: int = 100,
    lr: float = 5e-4,
    batch_size: int = 64,
    loss: Loss = "non_saturating",
    certain: float = 0.9,
) -> Table:
    """Train a GAN (arXiv:1406.2661) whose discriminator has the norm; see FORMAT.md for the rows.

    Generator 32-128-128-pixels with ReLU and tanh; discriminator pixels-128-128-1 with LeakyReLU.
    A norm of weights is on its three layers (arXiv:1802.05957), any other after its second one,
    as in arXiv:1511.06434. Both take one step of Adam in turn. Nets of a seed start from the same
    weights and see the same images and latents, whatever the norm. UserError for options that
    make no sense.
    """
    _check(norm, steps, every, batch_size, loss)
    judge, images = classifier(data)
    gan = Gan(seed, norm, images, lr, batch_size, loss, certain)
    measures: list[tuple[Any, ...]] = [
        (0, f"classifier {judge.identity}", "accuracy", accuracy(judge, images)),
        (0, "data", "frechet_distance", _distance(judge, images, images.test)),
    ]
    samples: list[tuple[Any, ...]] = []
    shown = {round(share * steps / every) * every for share in (0, 0.1, 0.25, 0.5, 1)}
    for step in range(steps + 1):
        if step:
            gan.step()
        if step % every:
            continue
        measures += [(step, *row) for row in gan.window.rows()] if step else []
        gan.window = Window()
        generated = gan.generated(GENERATED)
        measures.append(
            (step, "generator", "frechet_distance", _distance(judge, images, generated))
        )
        if step in shown:
            samples += [(step, *row) for row in _pixels(generated[:SHOWN])]
    return {"measures": measures, "samples": samples}


@dataclass
class Window:
    """What the steps between two rows gave."""

    values: dict[tuple[str, str], list[Tensor]] = field(default_factory=dict)

    def add(self, net: str, name: str, value: Tensor) -> None:
        """Note one step's value."""
        self.values.setdefault((net, name), []).append(value.detach())

    def rows(self) -> list[tuple[str, str, float]]:
        """The means over the steps, a row each."""
        return [
            (net, name, torch.stack(values).double().mean().item())
            for (net, name), values in self.values.items()
        ]


class Gan:
    """Both nets and their optimizers; `step` trains each once."""

    def __init__(
        self,
        seed: int,
        norm: str,
        images: Images,
        lr: float,
        batch_size: int,
        loss: Loss,
        certain: float,
    ) -> None:
        self.images, self.batch_size, self.loss, self.certain = images, batch_size, loss, certain
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = generator(images.shape)
            self.discriminator = discriminator(norm, images.train[0].numel())
        self.random = torch.Generator().manual_seed(seed)
        self.seed = seed
        self.optimizers = [
            torch.optim.Adam(net.parameters(), lr, BETAS)
            for net in (self.discriminator, self.generator)
        ]
        self.window = Window()

    def step(self) -> None:
        """One step of the discriminator, then one of the generator."""
        chosen = torch.randint(len(self.images.train), (self.batch_size,), generator=self.random)
        self._train_discriminator(self.images.train[chosen])
        self._train_generator()

    def _train_discriminator(self, real: Tensor) -> None:
        with torch.no_grad():
            fake = self.generator(self._latent())
        on_real, on_fake = self.discriminator(real), self.discriminator(fake)
        loss = (F.softplus(-on_real) + F.softplus(on_fake)).mean()
        self.optimizers[0].zero_grad()
        loss.backward()
        self.optimizers[0].step()
        right = (on_real.sigmoid().mean() + (-on_fake).sigmoid().mean()) / 2
        self.window.add("discriminator", "loss", loss)
        self.window.add("discriminator", "probability_of_right", right)
        self.window.add("discriminator", "certain", (right > self.certain).double())

    def _train_generator(self) -> None:
        images = self.generator(self._latent())
        images.retain_grad()
        loss = generator_loss(self.discriminator(images), self.loss)
        self.optimizers[1].zero_grad()
        loss.backward()
        self.optimizers[1].step()
        assert images.grad is not None
        reached = (images.grad * self.batch_size).flatten(1).norm(dim=1).mean()
        parameters = [p.grad.flatten() for p in self.generator.parameters() if p.grad is not None]
        self.window.add("generator", "loss", loss)
        self.window.add("generator", "output_gradient_norm", reached)
        self.window.add("generator", "gradient_norm", torch.cat(parameters).norm())

    def _latent(self) -> Tensor:
        return torch.randn(self.batch_size, LATENT, generator=self.random)

    @torch.no_grad()
    def generated(self, n: int) -> Tensor:
        """n images of latents that are the same at every call."""
        generator = torch.Generator().manual_seed(2**32 + self.seed)
        images: Tensor = self.generator(torch.randn(n, LATENT, generator=generator))
        return images


def generator_loss(logits: Tensor, kind: Loss) -> Tensor:
    """The mean of -log D (non-saturating) or of log(1 - D), D the sigmoid of the logits."""
    return F.softplus(-logits).mean() if kind == "non_saturating" else -F.softplus(logits).mean()


def generator(shape: tuple[int, ...]) -> nn.Sequential:
    """Latents (N, 32) to images (N, *shape) in [-1, 1]."""
    pixels = int(torch.Size(shape).numel())
    return nn.Sequential(
        nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
        nn.Linear(HIDDEN, pixels), nn.Tanh(), nn.Unflatten(1, shape),
    )  # fmt: skip


def discriminator(norm: str, pixels: int) -> nn.Sequential:
    """Images to logits (N, 1)."""
    sizes = [(pixels, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)]
    first, second, last = (nn.Linear(*size) for size in sizes)
    after: nn.Module = nn.Identity()
    if NORMS[norm].on_weights:
        for layer, (_, outputs) in zip((first, second, last), sizes, strict=True):
            attach_norm(layer, norm, outputs)
    else:
        _, after = attach_norm(second, norm, HIDDEN)
    return nn.Sequential(
        nn.Flatten(), first, nn.LeakyReLU(0.2), second, after, nn.LeakyReLU(0.2), last
    )


def _distance(judge: Classifier, images: Images, others: Tensor) -> float:
    with torch.no_grad():
        return distance(judge.features(images.train), judge.features(others))


def _pixels(images: Tensor) -> list[tuple[Any, ...]]:
    """Rows (index, channels, height, width, pixels 0 to 255) of images in [-1, 1]."""
    values = ((images + 1) * 127.5).round().int().flatten(1).tolist()
    return [
        (index, *images.shape[1:], " ".join(map(str, row)))
        for index, row in enumerate(values, start=1)
    ]


def _check(norm: str, steps: int, every: int, batch_size: int, loss: str) -> None:
    problems = []
    if norm not in NORMS or NORMS[norm].needs_space or NORMS[norm].recurrent_only:
        problems.append(f"norm={norm}: no normaliser of a fully connected discriminator")
    if every < 1 or steps < every or steps % every:
        problems.append(f"every={every}: must divide steps={steps}")
    if batch_size < 2:
        problems.append(f"batch_size={batch_size}: at least 2")
    if loss not in ("non_saturating", "saturating"):
        problems.append(f"loss={loss}: must be non_saturating or saturating")
    if problems:
        raise UserError(*(f"measurement gan: {problem}" for problem in problems))
