"""The alternatives of section 11: batch renormalisation, weight and spectral norm (B16)."""

import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.cost import time_ratio
from bnexp.comparisons.measure import best, cell, measurements, measures
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

SMALL = (2, 4)  # batch sizes
KEYS = ["model.kind", "data.batch_size", "model.norm"]  # of the table


def of_section_11(runs: Runs) -> Finding:
    """B16: batch renorm at small batches, weight norm's time and score, spectral norm's bound."""
    rows = runs.runs[runs.runs["model.norm"].notna()]
    small = rows[rows["data.batch_size"].isin(SMALL)]
    short, long = by_length(rows.drop(small.index))
    quantities = {
        f"renorm_at_{size}": over_batch(cell(small, data__batch_size=size), "batch_renorm")
        for size in SMALL
    }
    quantities["weight_time"] = time_ratio(
        runs, cell(short, model__norm="weight"), cell(short, model__norm="batch")
    )
    for model in ("mlp", "cnn"):
        quantities[f"weight_{model}"] = over_batch(cell(long, model__kind=model), "weight")
    for norm in ("spectral", "none"):
        quantities[f"bound_{norm}"] = lipschitz(runs, norm, "bound")
        quantities[f"slope_{norm}"] = lipschitz(runs, norm, "slope")
    quantities = {name: quantity for name, quantity in quantities.items() if quantity.n}
    table = [
        {key.rpartition(".")[2]: arm[key].iloc[0] for key in KEYS} | accuracy_row(best(arm))
        for _, arm in pd.concat([small, long]).groupby(KEYS)
    ]
    return Finding(_summary(quantities), quantities, pd.DataFrame(table), notes=lost(rows))


def by_length(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The runs that were cut short to be timed, and those that went on to the end.

    Where every run is cut short, all of them are both.
    """
    cut = rows["training.max_steps"].notna()
    return rows[cut], rows if cut.all() else rows[~cut]


def over_batch(rows: pd.DataFrame, norm: str) -> Quantity:
    """Test accuracy of a norm minus batch norm's, each at its best rate, in points."""
    return lead(*(best(cell(rows, model__norm=name)) for name in (norm, "batch")))


def lipschitz(runs: Runs, norm: str, name: str) -> Quantity:
    """A value of the check `lipschitz` for the discriminator with this norm, by seed."""
    found = measures(runs, measurements(runs, "lipschitz"), name)
    return Quantity(found[found["layer"] == norm].set_index("seed")["value"])


def _summary(quantities: dict[str, Quantity]) -> str:
    words = [
        f"batch renorm has {points(quantities[f'renorm_at_{size}'].centre)} on batch norm at "
        f"batch size {size}"
        for size in SMALL
        if f"renorm_at_{size}" in quantities
    ]
    if "weight_time" in quantities:
        time = number(quantities["weight_time"].centre)
        words.append(f"a step with weight norm takes {time} times as long as with batch norm")
    if {"bound_spectral", "bound_none"} <= quantities.keys():
        bounds = [number(quantities[f"bound_{norm}"].centre) for norm in ("spectral", "none")]
        words.append(
            f"spectral norm bounds a discriminator's slope by {bounds[0]}, not {bounds[1]}"
        )
    text = "; ".join(words) or "nothing of it was measured"
    return text[0].upper() + text[1:]
