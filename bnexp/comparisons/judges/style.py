"""Instance norm where every image has its own contrast, brightness and colour (B29)."""

import pandas as pd

from bnexp.comparisons.accuracies import lead, lost
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.judges.leads import at_chosen_rates, leads, table_of, told
from bnexp.comparisons.measure import differences
from bnexp.runs.tables import Runs

NORMS = ("none", "batch", "layer", "instance")
PAIRS = {f"instance_over_{rival}": ("instance", rival) for rival in ("none", "batch", "layer")}
STRENGTH = 1.0


def jittered(runs: Runs, choices: Choices) -> Finding:
    """B29: test accuracy of instance norm over each rival on jittered images, and how much less it
    loses to the jitter than batch norm.
    """
    arms, plain = (
        at_chosen_rates(runs.runs, choices, NORMS, data__jitter=strength)
        for strength in (STRENGTH, 0.0)
    )
    lost_by = {norm: lead(plain[norm], arms[norm]).readings for norm in ("batch", "instance")}
    quantities = leads(arms, PAIRS)
    quantities["less_lost"] = Quantity(
        differences(lost_by["batch"], lost_by["instance"]), unit="points"
    )
    return Finding(
        f"On images of random contrast and brightness mean test accuracy is {told(arms)}; "
        f"on the images as they are {told(plain)}",
        quantities,
        pd.DataFrame([*table_of(arms, jitter=STRENGTH), *table_of(plain, jitter=0.0)]),
        notes=lost(runs.runs),
    )
