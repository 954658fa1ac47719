"""Batch statistics of real layers against closed forms (I2)."""

import pandas as pd

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import measurements, measures, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

CLOSED_FORMS = (
    "mean_variance", "variance_spread", "kurtosis", "relu_excess", "running_mean_spread"
)  # fmt: skip


def closed_forms(runs: Runs, choices: Choices) -> Finding:
    """I2: measured over predicted, by closed form.

    Each is the geometric mean of the ratio over batch sizes, by seed; `largest_B` is |x_hat| over
    its bound in batches of B; the table has every batch size.
    """
    rows = measurements(runs, "batch_noise")
    table = pd.concat(
        [compared(runs, rows, name) for name in (*CLOSED_FORMS, "largest")], ignore_index=True
    )
    quantities = {}
    for name in CLOSED_FORMS:
        found = table[table["name"] == name].pivot_table("ratio", "seed", "batch_size")
        mean = found.prod(axis=1) ** (1 / max(1, found.shape[1]))
        quantities[name] = Quantity(readings(mean), "ratio", "x")
        for size in found.columns if name == "relu_excess" else ():
            quantities[f"relu_excess_{size}"] = Quantity(readings(found[size]), "ratio", "x")
    bounds = table[table["name"] == "largest"].pivot_table("ratio", "seed", "batch_size")
    for size in bounds.columns:
        quantities[f"largest_{size}"] = Quantity(readings(bounds[size]), "ratio", "x")
    means = table.groupby(["name", "batch_size"], sort=False)[["measured", "predicted", "ratio"]]
    off = max(abs(quantities[name].centre - 1) for name in CLOSED_FORMS)
    return Finding(
        f"Averaged over batch sizes, the {len(CLOSED_FORMS)} closed forms hold to within "
        f"{number(100 * off)}%",
        quantities,
        means.mean().reset_index(),
    )


def compared(runs: Runs, rows: pd.DataFrame, name: str) -> pd.DataFrame:
    """Measured, predicted and their ratio by seed and batch size."""
    keys = ["seed", "layer"]
    found = measures(runs, rows, name).set_index(keys)["value"]
    predicted = measures(runs, rows, f"{name}_predicted").set_index(keys)["value"]
    table = pd.DataFrame({"measured": found, "predicted": predicted}).reset_index()
    table["batch_size"] = table.pop("layer").str.removeprefix("batch_").astype(int)
    return table.assign(name=name, ratio=table["measured"] / table["predicted"])
