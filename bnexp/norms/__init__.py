"""Every normaliser; all take (N, C, *space) with 0 to 3 spatial dimensions.

Names are imported when they are first asked for: `bnexp.norms.catalogue` needs no torch.
"""

from typing import TYPE_CHECKING

from bnexp.lazy import names_from

if TYPE_CHECKING:
    from bnexp.norms.layers import BatchNorm as BatchNorm
    from bnexp.norms.layers import GroupNorm as GroupNorm
    from bnexp.norms.layers import InstanceNorm as InstanceNorm
    from bnexp.norms.layers import LayerNorm as LayerNorm
    from bnexp.norms.make import attach_norm as attach_norm
    from bnexp.norms.make import is_batch_norm as is_batch_norm
    from bnexp.norms.make import make_norm as make_norm
    from bnexp.norms.recurrent import RecurrentBatchNorm as RecurrentBatchNorm

# Add every public name here and above.
__getattr__ = names_from(
    __name__,
    {
        "BatchNorm": "bnexp.norms.layers",
        "GroupNorm": "bnexp.norms.layers",
        "InstanceNorm": "bnexp.norms.layers",
        "LayerNorm": "bnexp.norms.layers",
        "attach_norm": "bnexp.norms.make",
        "is_batch_norm": "bnexp.norms.make",
        "make_norm": "bnexp.norms.make",
        "RecurrentBatchNorm": "bnexp.norms.recurrent",
    },
)
