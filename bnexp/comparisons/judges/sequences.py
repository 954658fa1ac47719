"""Normalisers in recurrent nets on sequences of varying length (B26)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.leads import at_chosen_rates, leads, table_of, told
from bnexp.comparisons.measure import measurements, measures, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

NORMS = ("none", "batch", "layer", "recurrent_batch")
RIVALS = {"none": "none", "batch": "batch", "recurrent": "recurrent_batch"}
NETS = {"lstm": "LSTM", "rnn": "RNN"}


def norms(runs: Runs, choices: Choices) -> Finding:
    """B26: by net, test accuracy of layer norm over each rival; how batch norm's statistics differ
    by timestep.
    """
    quantities: dict[str, Quantity] = {}
    table: list[dict[str, object]] = []
    words: list[str] = []
    for net, name in NETS.items():
        arms = at_chosen_rates(runs.runs, choices, NORMS, model__kind=net)
        pairs = {f"{net}_layer_over_{name}": ("layer", norm) for name, norm in RIVALS.items()}
        quantities |= leads(arms, pairs)
        table += table_of(arms, net=net)
        if any(len(arm) for arm in arms.values()):
            words.append(f"of the {name} {told(arms)}")
    quantities["timesteps"] = Quantity(readings(100 * between_steps(runs)), unit="%")
    summary = f"Mean test accuracy {'; '.join(words)}" if words else "No net was trained"
    if quantities["timesteps"].n:
        summary += (
            f"; {number(quantities['timesteps'].centre)}% of the variance that a norm sees is "
            "between timesteps"
        )
    return Finding(summary, quantities, pd.DataFrame(table), notes=lost(runs.runs))


def between_steps(runs: Runs) -> pd.Series:
    """By seed, the share of the variance of what the first layer's norm would receive that lies
    between timesteps, after training.
    """
    found = measures(runs, measurements(runs, "timesteps"), "between_steps")
    found = found[found["layer"] == found["layer"].min()].sort_values("step")
    return found.groupby("seed")["value"].last()
