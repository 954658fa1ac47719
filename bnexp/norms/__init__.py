"""Every normaliser; all take (N, C, *space) with 0 to 3 spatial dimensions."""

from bnexp.norms.layers import BatchNorm as BatchNorm
from bnexp.norms.layers import GroupNorm as GroupNorm
from bnexp.norms.layers import InstanceNorm as InstanceNorm
from bnexp.norms.layers import LayerNorm as LayerNorm
from bnexp.norms.make import attach_norm as attach_norm
from bnexp.norms.make import is_batch_norm as is_batch_norm
from bnexp.norms.make import make_norm as make_norm
from bnexp.norms.recurrent import RecurrentBatchNorm as RecurrentBatchNorm
