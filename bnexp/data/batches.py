"""The order of batches, and augmentation."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from bnexp.data.batch_sizes import batch_sizes
from bnexp.data.dataset import Data
from bnexp.data.splits import permutation


def epoch_order(data: Data, n: int, seed: int, epoch: int) -> list[Tensor]:
    """The indices into `n` samples of each batch of an epoch, int64 on the CPU.

    A function of its arguments alone: no generator is drawn from.
    """
    sizes = batch_sizes(data, n, seed, epoch)
    order = torch.from_numpy(permutation(n, seed, epoch))
    return list(torch.split(order[: sum(sizes)], sizes))


def augment(x: Tensor, flip: bool, crop: int, generator: Generator) -> Tensor:
    """Random crops and horizontal flips of a batch (N, C, H, W), each sample its own.

    Padded by `crop` zeros on every side, cut back to (H, W), and flipped in half of the cases.
    Zero is the training mean, as images are normalised. `generator` is on the CPU whatever the
    device of x.
    """
    if not flip and not crop:
        return x
    n, channels, height, width = x.shape
    corners = torch.randint(2 * crop + 1, (2, n), generator=generator)
    mirrored = torch.randint(2, (1, n), generator=generator) * flip
    # one small copy to the device; every index is then made there
    top, left, mirror = torch.cat([corners, mirrored]).to(x.device, non_blocking=True)[..., None]
    rows = top + torch.arange(height, device=x.device)
    columns = torch.arange(width, device=x.device)
    columns = left + torch.where(mirror.bool(), columns.flip(0), columns)
    pixels = rows[:, :, None] * (width + 2 * crop) + columns[:, None, :]
    padded = F.pad(x, [crop] * 4).flatten(2)
    return padded.gather(2, pixels.view(n, 1, -1).expand(-1, channels, -1)).view(x.shape)
