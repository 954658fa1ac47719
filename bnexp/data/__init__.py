"""A dataset becomes tensors in memory and an order of batches.

Names are imported when first used: `describe` and `check_data` need no torch.
"""

from typing import TYPE_CHECKING

from bnexp.lazy import names_from

if TYPE_CHECKING:
    from bnexp.data.batch_sizes import smallest_batch as smallest_batch
    from bnexp.data.batches import augment as augment
    from bnexp.data.batches import epoch_order as epoch_order
    from bnexp.data.cache import Facts as Facts
    from bnexp.data.checks import check_data as check_data
    from bnexp.data.facts import describe as describe
    from bnexp.data.lengths import lengths_of as lengths_of
    from bnexp.data.splits import permutation as permutation
    from bnexp.data.tensors import Dataset as Dataset
    from bnexp.data.tensors import load as load

__getattr__ = names_from(
    __name__,
    {
        "augment": "bnexp.data.batches",
        "epoch_order": "bnexp.data.batches",
        "smallest_batch": "bnexp.data.batch_sizes",
        "check_data": "bnexp.data.checks",
        "Facts": "bnexp.data.cache",
        "describe": "bnexp.data.facts",
        "lengths_of": "bnexp.data.lengths",
        "permutation": "bnexp.data.splits",
        "Dataset": "bnexp.data.tensors",
        "load": "bnexp.data.tensors",
    },
)
