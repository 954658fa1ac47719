"""Every arm against the control: paired by seed, with effect size, corrected for their number."""

import pandas as pd

from bnexp.report.arms import Arm, Arms
from bnexp.report.statistics import difference, holm


def control(arms: Arms) -> Arm:
    """The arm that others are held against: the one without a norm, else the first."""
    plain = [arm for arm in arms if set(arm.runs.get("model.norm", [])) == {"none"}]
    return plain[0] if plain else arms.arms[0]


def contrasts(arms: Arms, result: str) -> pd.DataFrame:
    """One row for each other arm: its mean minus the control's, for a result of trained runs.

    Columns: n, difference, low, high (95%), effect_size (`pairing` says which), p, p_holm. Empty
    below two arms.
    """
    base = control(arms)
    others = [arm for arm in arms if arm is not base]
    found = [difference(base.by_seed(result), arm.by_seed(result)) for arm in others]
    adjusted = holm([one.p for one in found])
    return pd.DataFrame(
        [
            {
                "arm": arm.label,
                "minus": base.label,
                "result": result,
                "pairing": "by seed (d_z)" if one.paired else "none (Hedges' g)",
                "n": one.n,
                "difference": one.mean,
                "low": one.low,
                "high": one.high,
                "effect_size": one.effect,
                "p": one.p,
                "p_holm": p,
            }
            for arm, one, p in zip(others, found, adjusted, strict=True)
        ]
    )
