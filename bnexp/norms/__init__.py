"""Every normaliser; all take (N, C, *space) with 0 to 3 spatial dimensions."""

from bnexp.norms.ghost import GhostBatchNorm as GhostBatchNorm
from bnexp.norms.layers import BatchNorm as BatchNorm
from bnexp.norms.layers import GroupNorm as GroupNorm
from bnexp.norms.layers import InstanceNorm as InstanceNorm
from bnexp.norms.layers import LayerNorm as LayerNorm
from bnexp.norms.make import attach_norm as attach_norm
from bnexp.norms.make import is_batch_norm as is_batch_norm
from bnexp.norms.make import make_norm as make_norm
from bnexp.norms.manual import ManualBatchNorm as ManualBatchNorm
from bnexp.norms.precise import PreciseBatchNorm as PreciseBatchNorm
from bnexp.norms.precise import (
    estimate_population_statistics as estimate_population_statistics,
)
from bnexp.norms.recurrent import RecurrentBatchNorm as RecurrentBatchNorm
from bnexp.norms.renorm import BatchRenorm as BatchRenorm
from bnexp.norms.rms import RMSNorm as RMSNorm
from bnexp.norms.swap import Swap as Swap
from bnexp.norms.swap import swap_norms as swap_norms
