"""How much a normalised value varies with its batch (B10)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.modes import measured
from bnexp.comparisons.measure import cell, ratio, trained
from bnexp.report.labels import number
from bnexp.runs.tables import Runs


def jitter(runs: Runs) -> Finding:
    """B10: variance of x_hat over companions against (1 + x^2 / 2) / B, by batch size B.

    `jitter_B` is the variance, `ratio_B` it over the prediction, and `scaling` the ratio of the
    variances times B at the smallest and the largest batch: 1 where it falls as 1 / B.
    """
    rows = trained(runs.runs)
    sizes = sorted(int(size) for size in rows["data.batch_size"].unique())
    found, quantities, table = {}, {}, []
    for size in sizes:
        arm = cell(rows, data__batch_size=size)
        found[size] = measured(runs, arm, "xhat_jitter")
        predicted = measured(runs, arm, "xhat_jitter_predicted")
        quantities[f"jitter_{size}"] = Quantity(found[size])
        quantities[f"ratio_{size}"] = ratio(found[size], predicted)
        table.append(
            {"batch_size": size, "n": len(found[size]), "jitter": found[size].mean(),
             "predicted": predicted.mean(), "ratio": quantities[f"ratio_{size}"].centre}
        )  # fmt: skip
    if len(sizes) > 1:
        small, large = sizes[0], sizes[-1]
        quantities["scaling"] = ratio(small * found[small], large * found[large])
    return Finding(
        _summary(pd.DataFrame(table)),
        {name: quantity for name, quantity in quantities.items() if quantity.n},
        pd.DataFrame(table),
        notes=lost(runs.runs),
    )


def _summary(table: pd.DataFrame) -> str:
    table = table.dropna() if len(table) else table
    if not len(table):
        return "No net trained"
    words = [
        f"{number(row['jitter'] ** 0.5)} at batch size {row['batch_size']:g}"
        for _, row in table.iloc[[0, -1]].iterrows()
    ]
    low, high = table["ratio"].min(), table["ratio"].max()
    return (
        f"A normalised value varies with its batch by a std of {' and '.join(words)}; its "
        f"variance is {number(low)} to {number(high)} times the prediction for Gaussian values"
    )
