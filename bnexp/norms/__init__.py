"""Every normaliser; all take (N, C, *space) with 0 to 3 spatial dimensions.

Imported when first asked for: the catalogue beside the layers stays free of torch.
"""

from typing import TYPE_CHECKING

from bnexp.lazy import names_from
from bnexp.norms.catalogue import NORMS

if TYPE_CHECKING:
    from bnexp.norms.dyt import DyT as DyT
    from bnexp.norms.ghost import GhostBatchNorm as GhostBatchNorm
    from bnexp.norms.layers import BatchNorm as BatchNorm
    from bnexp.norms.layers import GroupNorm as GroupNorm
    from bnexp.norms.layers import InstanceNorm as InstanceNorm
    from bnexp.norms.layers import LayerNorm as LayerNorm
    from bnexp.norms.make import attach_norm as attach_norm
    from bnexp.norms.make import is_batch_norm as is_batch_norm
    from bnexp.norms.make import make_norm as make_norm
    from bnexp.norms.make import wants_population_statistics as wants_population_statistics
    from bnexp.norms.manual import ManualBatchNorm as ManualBatchNorm
    from bnexp.norms.mean_only import MeanOnlyBatchNorm as MeanOnlyBatchNorm
    from bnexp.norms.modes import batch_statistics as batch_statistics
    from bnexp.norms.modes import evaluating as evaluating
    from bnexp.norms.noisy import NoisyBatchNorm as NoisyBatchNorm
    from bnexp.norms.precise import PreciseBatchNorm as PreciseBatchNorm
    from bnexp.norms.precise import estimate_population_statistics as estimate_population_statistics
    from bnexp.norms.recurrent import RecurrentBatchNorm as RecurrentBatchNorm
    from bnexp.norms.renorm import BatchRenorm as BatchRenorm
    from bnexp.norms.rms import RMSNorm as RMSNorm
    from bnexp.norms.swap import Swap as Swap
    from bnexp.norms.swap import swap_norms as swap_norms

_NAMES = {
    "make": ["attach_norm", "is_batch_norm", "make_norm", "wants_population_statistics"],
    "modes": ["batch_statistics", "evaluating"],
    "precise": ["estimate_population_statistics"],
    "swap": ["Swap", "swap_norms"],
}
_HOMES = {name: f"{__name__}.{home}" for home, names in _NAMES.items() for name in names}
for _layer in (info.layer for info in NORMS.values()):
    if _layer.startswith(__name__):
        _HOMES[_layer.rpartition(".")[2]] = _layer.rpartition(".")[0]

__all__ = sorted(_HOMES)
__getattr__ = names_from(__name__, _HOMES)
