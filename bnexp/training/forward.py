"""What a training step is made of, for the loop and for the trial before it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.training.trial import Layout

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of a forward pass in this precision; of fp32 it does nothing."""
    return torch.autocast(device.type, dtype=DTYPES[precision], enabled=precision != "fp32")


def memory_format(model: nn.Module, shape: tuple[int, ...], layout: Layout) -> torch.memory_format:
    """How images lie in memory: convolutions are faster with channels last."""
    images = len(shape) == 3 and any(isinstance(m, nn.Conv2d) for m in model.modules())
    if layout == "contiguous":
        return torch.contiguous_format
    return torch.channels_last if images else torch.preserve_format


def laid_out(x: Tensor, device: torch.device, layout: torch.memory_format) -> Tensor:
    """Samples on the device, images in this layout."""
    return x.to(device, memory_format=layout if x.dim() == 4 else torch.preserve_format)


def cross_entropy(logits: Tensor, y: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """The loss of a batch: mean cross-entropy in nats, in single precision."""
    return F.cross_entropy(logits.float(), y, label_smoothing=label_smoothing)
