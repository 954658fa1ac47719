"""The samples of a run, on its device: splits, and the batches of an epoch."""

import torch
from torch import Generator, Tensor

from bnexp.config import Config
from bnexp.data import Dataset, augment, epoch_order
from bnexp.training.evaluation import Split
from bnexp.training.forward import laid_out


class Samples:
    """`splits` by name; `noise` is what augmentation draws from, on the CPU."""

    def __init__(self, data: Dataset, config: Config, layout: torch.memory_format) -> None:
        self.device, self.data, self.seed = torch.device(config.device), config.data, config.seed
        splits = {
            "train": (data.train_x, data.train_y),
            "val": (data.val_x, data.val_y),
            "test": (data.test_x, data.test_y),
        }
        self.splits: dict[str, Split] = {
            name: (laid_out(x, self.device, layout), y.to(self.device))
            for name, (x, y) in splits.items()
        }
        self.noise = Generator()

    def order(self, epoch: int) -> list[Tensor]:
        """The indices of every training batch of an epoch, counted from 0."""
        order = epoch_order(self.data, len(self.splits["train"][1]), self.seed, epoch)
        return [indices.to(self.device, non_blocking=True) for indices in order]

    def begin(self, epoch: int) -> None:
        """Seed the noise of an epoch."""
        self.noise.manual_seed(self.seed * 1_000_003 + epoch)

    def inputs(self, indices: Tensor) -> Tensor:
        """Training inputs as they are."""
        return self.splits["train"][0].index_select(0, indices)

    def take(self, indices: Tensor) -> Split:
        """A training batch, augmented."""
        x, y = self.inputs(indices), self.splits["train"][1].index_select(0, indices)
        if self.data.flip or self.data.crop:
            x = augment(x, self.data.flip, self.data.crop, self.noise)
        return x, y
