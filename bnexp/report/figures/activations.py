"""What the three figures of activations share: their layers, steps and the tensor drawn."""

import pandas as pd

from bnexp.errors import UserError
from bnexp.report.arms import Arm, Arms

TENSORS = {
    "pre_activation": "what the activation receives",
    "activation": "what the activation returns",
    "input": "what the layer receives",
}
PANELS = 6  # arms side by side


def tensor_rows(arms: Arms, table: str, tensor: str) -> pd.DataFrame:
    """Rows of the table `activations` or `histograms` for one tensor; UserError without any."""
    if tensor not in TENSORS:
        raise UserError(f"tensor={tensor}: must be one of {', '.join(TENSORS)}")
    rows: pd.DataFrame = getattr(arms.runs, table)
    rows = rows[rows["tensor"] == tensor]
    if rows.empty:
        raise UserError(f"{table}: these runs recorded none; train with probes=default")
    return rows


def side_by_side(arms: Arms) -> list[Arm]:
    """The arms that get a panel."""
    return list(arms)[:PANELS]


def panels_words(arms: Arms) -> str:
    """Say which arms have no panel."""
    rest = [arm.label for arm in list(arms)[PANELS:]]
    return f"Not drawn for want of room: {', '.join(rest)}." if rest else ""
