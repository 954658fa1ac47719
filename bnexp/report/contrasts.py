"""Every arm against the control, paired by seed, with a count of the seeds that agree."""

from collections.abc import Iterable

import pandas as pd

from bnexp.report.arms import Arm, Arms
from bnexp.report.statistics import contrast


def control(arms: Iterable[Arm]) -> Arm:
    """The arm that others are compared with: the one without a norm, else the first."""
    arms = list(arms)
    plain = [arm for arm in arms if set(arm.runs.get("model.norm", [])) == {"none"}]
    return (plain or arms)[0]


def contrasts(arms: Arms, result: str) -> pd.DataFrame:
    """One row for each other arm: its mean minus the control's, for a result of trained runs.

    Columns: n, difference, low, high (95%), seeds ("4 of 5 seeds" have the sign of the mean).
    Empty below two arms.
    """
    base = control(arms)
    others = [arm for arm in arms if arm is not base]
    found = [contrast(arm.by_seed(result), base.by_seed(result)) for arm in others]
    return pd.DataFrame(
        [
            {
                "arm": arm.label,
                "minus": base.label,
                "result": result,
                "n": one.n,
                "difference": one.mean,
                "low": one.low,
                "high": one.high,
                "seeds": one.seeds,
            }
            for arm, one in zip(others, found, strict=True)
        ]
    )
