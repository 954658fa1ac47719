"""Scale, shift and running statistics of every normaliser of a model."""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from bnexp.probes.recording import Recording, Row
from bnexp.probes.statistics import moments

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
TENSORS = {
    "gamma": "weight",
    "beta": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
}


def norm_measures(model: nn.Module) -> list[tuple[str, str, float]]:
    """Return rows (layer, name, value) of the table `measures`; waits for the device once.

    Names are `{gamma,beta,running_mean,running_var}_{mean,std,min,max}` over a normaliser's
    channels, as far as it has them; std is the population's. Normalisers are PyTorch's own, those
    of bnexp.norms, and any module with a running mean.
    """
    rows: list[Row] = []
    for path, module in model.named_modules():
        if _is_norm(module):
            layer = path.removesuffix(".norm") or "model"
            for name, attribute in TENSORS.items():
                x = getattr(module, attribute, None)
                if isinstance(x, torch.Tensor):
                    x = x.detach().float()
                    values = (*moments(x), *torch.aminmax(x))
                    for what, value in zip(("mean", "std", "min", "max"), values, strict=True):
                        rows.append((layer, f"{name}_{what}", value))
    return Recording({"measures": rows}).rows()["measures"]


def _is_norm(module: nn.Module) -> bool:
    return (
        isinstance(module, NORMS)
        or type(module).__module__.startswith("bnexp.norms.")
        or hasattr(module, "running_mean")
    )
