"""All assertions of a comparison, held against its readings."""

from collections.abc import Mapping, Sequence

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.config import Comparison
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.verdict import Spread, Verdict, judge


def verdicts_of(
    comparison: Comparison,
    quantities: Mapping[str, Quantity],
    seeds: Sequence[int],
    choices: Choices,
) -> tuple[Verdict, ...]:
    """A verdict for each assertion, from the readings of the seeds that count."""
    spreads = {one.name: Spread(one.score, float(one.value)) for one in choices.of_kind("spread")}
    ceilings = {ceiling.name: ceiling.says for ceiling in comparison.ceilings}
    return tuple(
        judge(
            one,
            quantities.get(one.quantity),
            seeds,
            spreads.get(one.quantity),
            ceilings[one.unless] if one.unless and choices.hit(one.unless) else "",
            comparison.family,
        )
        for one in comparison.assertions
    )
