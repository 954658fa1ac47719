"""Runs what is documented about batch normalization, and says how much of it is true.

Everything is imported when it is first asked for, so that the command line answers at once.
"""

from typing import TYPE_CHECKING

from bnexp.lazy import names_from

if TYPE_CHECKING:
    from bnexp.api import train as train
    from bnexp.models import build_model as build_model
    from bnexp.norms import make_norm as make_norm
    from bnexp.norms import swap_norms as swap_norms
    from bnexp.runs.tables import load_runs as load_runs
    from bnexp.versus import compare as compare

__version__ = "0.2.0"
__all__ = ["build_model", "compare", "load_runs", "make_norm", "swap_norms", "train"]
__getattr__ = names_from(
    __name__,
    {
        "train": "bnexp.api",
        "compare": "bnexp.versus",
        "build_model": "bnexp.models",
        "make_norm": "bnexp.norms",
        "swap_norms": "bnexp.norms",
        "load_runs": "bnexp.runs.tables",
    },
)
