"""What spectral and batch norm do to a small GAN (B28)."""

import pandas as pd

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import differences, measurements, measures, ratios, readings
from bnexp.comparisons.readings import Readings
from bnexp.report.labels import listed, norm_name, number, percent
from bnexp.runs.tables import Runs

NORMS = ("none", "spectral", "batch")


def discriminators(runs: Runs, choices: Choices) -> Finding:
    """B28: by the norm of the discriminator, the share of steps at which it is certain, the
    gradient that reaches the generator's images, and the Frechet distance of these at the end.
    """
    certain = {norm: averaged(runs, norm, "discriminator", "certain") for norm in NORMS}
    gradient = {norm: averaged(runs, norm, "generator", "output_gradient_norm") for norm in NORMS}
    distance = {norm: final(runs, norm, "frechet_distance") for norm in NORMS}
    points = differences(_scaled(certain["none"]), _scaled(certain["spectral"]))
    quantities = {
        "less_certain": Quantity(points, unit="points"),
        "gradient": Quantity(ratios(gradient["spectral"], gradient["none"]), "ratio", "x"),
        "distance": Quantity(ratios(distance["none"], distance["spectral"]), "ratio", "x"),
        "distance_over_batch": Quantity(
            ratios(distance["batch"], distance["spectral"]), "ratio", "x"
        ),
    }
    table = [
        {"norm": norm_name(norm), "runs": len(distance[norm]),
         "certain": Quantity(certain[norm]).mean,
         "output_gradient_norm": Quantity(gradient[norm]).mean,
         "frechet_distance": Quantity(distance[norm]).mean}
        for norm in NORMS
        if distance[norm]
    ]  # fmt: skip
    told = [
        f"{percent(Quantity(certain[norm]).centre)} of steps ({norm_name(norm)})"
        for norm in NORMS
        if certain[norm]
    ]
    summary = f"The discriminator is certain in {listed(told)}" if told else "Nothing was measured"
    if quantities["distance"].n:
        summary += (
            f"; without spectral norm the images end {number(quantities['distance'].centre)} times "
            "as far from real ones"
        )
    return Finding(summary, quantities, pd.DataFrame(table))


def averaged(runs: Runs, norm: str, net: str, name: str) -> Readings:
    """The mean of a measure over all steps, by seed."""
    found = _of(runs, norm, name)
    return readings(found[found["layer"] == net].groupby("seed")["value"].mean())


def final(runs: Runs, norm: str, name: str) -> Readings:
    """A measure of the generator at the last step, by seed."""
    found = _of(runs, norm, name)
    found = found[found["layer"] == "generator"].sort_values("step")
    return readings(found.groupby("seed")["value"].last())


def _of(runs: Runs, norm: str, name: str) -> pd.DataFrame:
    return measures(runs, measurements(runs, "gan", norm=norm), name)


def _scaled(shares: Readings) -> Readings:
    return readings({seed: 100 * share.low for seed, share in shares.items()})
