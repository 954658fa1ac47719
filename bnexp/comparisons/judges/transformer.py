"""Normalisers in a Transformer's encoder (B25)."""

import pandas as pd

from bnexp.comparisons.accuracies import lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.leads import at_chosen_rates, leads, table_of, told
from bnexp.comparisons.measure import ratios, searched
from bnexp.comparisons.words import shown
from bnexp.runs.tables import Runs

NORMS = ("none", "layer", "batch", "rms")
PAIRS = {f"layer_over_{rival}": ("layer", rival) for rival in ("none", "batch", "rms")}


def norms(runs: Runs, choices: Choices) -> Finding:
    """B25: test accuracy of layer norm over each rival, and its largest stable rate over none's."""
    arms = at_chosen_rates(runs.runs, choices, NORMS)
    stable = {
        norm: searched(runs.runs, choices, "stable", model__norm=norm) for norm in ("none", "layer")
    }
    rate = Quantity(ratios(stable["layer"], stable["none"]), "ratio", "x")
    quantities = leads(arms, PAIRS) | {"stable_rate": rate}
    summary = f"Mean test accuracy of the encoder is {told(arms)}"
    if rate.n:
        summary += f"; with layer norm it stands {shown(rate)} times the learning rate of none"
    return Finding(summary, quantities, pd.DataFrame(table_of(arms)), notes=lost(runs.runs))
