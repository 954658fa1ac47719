"""Evidence by seed as a small picture: a dot for each judged seed, and the line of the claim.

Filled: the seed speaks for the claim; a cross: against it; a ring: for neither. A reading that is
an interval is a bar, open at a side where no end is known. Drawn in the page's own ink, so that
it is read in grey, in the dark and on paper.
"""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from bnexp.comparisons.config import Assertion
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.readings import SILENT, Reading
from bnexp.comparisons.verdict import Verdict
from bnexp.comparisons.words import each, rule, speaks_for
from bnexp.report.labels import number, plural

WIDTH, LEFT, RIGHT, STEP, TOP, FOOT = 360, 12, 348, 8, 8, 20
STRIP = {"for": "\N{BLACK CIRCLE}", "against": "\N{MULTIPLICATION X}", "-": "\N{WHITE CIRCLE}"}


def strip(quantity: Quantity, verdict: Verdict, seeds: Sequence[int]) -> str:
    """The seeds as signs in a line of text."""
    speaks = (speaks_for(verdict.assertion, quantity.readings.get(seed)) for seed in seeds)
    return "".join(STRIP[side] for side in speaks)


def svg(quantity: Quantity, verdicts: Sequence[Verdict], seeds: Sequence[int]) -> str:
    """The picture of one quantity; the first verdict's assertion says what a seed speaks for."""
    claim = verdicts[0].assertion
    lines = sorted({line for one in verdicts for line in _lines(one.assertion)})
    scale = _Scale(quantity, [quantity.readings.get(seed, SILENT) for seed in seeds], lines)
    height = TOP + STEP * len(seeds) + FOOT
    floor = height - FOOT + 4
    speaks = [speaks_for(claim, quantity.readings.get(seed)) for seed in seeds]
    title = (
        f"{claim.says}: {speaks.count('for')} of {plural(len(seeds), 'seed')} for it, "
        f"{speaks.count('against')} against; the claim is {rule(claim)}"
    )
    parts = [
        f'<svg class="dots" viewBox="0 0 {WIDTH} {height}" role="img" '
        f"aria-label={quoteattr(title)}>",
        *_claimed(claim, scale, floor),
        f'<path class="axis" d="M{LEFT} {floor}H{RIGHT}"/>',
    ]
    parts += [f'<path class="line" d="M{scale(x):.1f} 2V{floor}"/>' for x in lines]
    for place, (seed, side) in enumerate(zip(seeds, speaks, strict=True)):
        reading = quantity.readings.get(seed, SILENT)
        told = "says nothing" if reading == SILENT else each(reading, quantity)
        parts.append(f"<g><title>seed {seed}: {escape(told)}</title>")
        parts += [*_seed(reading, quantity, side, scale, TOP + STEP * place), "</g>"]
    for x, anchor in scale.labels(lines):
        parts.append(
            f'<text x="{scale(x):.1f}" y="{height - 3}" text-anchor="{anchor}">'
            f"{escape(number(x, 2))}</text>"
        )
    return "".join([*parts, "</svg>"])


class _Scale:
    """From values to places; logarithmic for ratios."""

    def __init__(self, quantity: Quantity, readings: Sequence[Reading], lines: Sequence[float]):
        self.log = quantity.kind == "ratio"
        ends = [end for one in readings for end in (one.low, one.high)]
        known = [self.at(x) for x in (*ends, *lines) if math.isfinite(self.at(x))] or [0.0, 1.0]
        pad = 0.06 * (max(known) - min(known)) or 0.5 * abs(known[0]) or 1.0
        self.low, self.high = min(known) - pad, max(known) + pad

    def at(self, value: float) -> float:
        if not self.log:
            return value
        return math.log(value) if 0 < value < math.inf else math.inf * (1 if value > 0 else -1)

    def __call__(self, value: float) -> float:
        share = (self.at(value) - self.low) / (self.high - self.low)
        return LEFT + (RIGHT - LEFT) * min(1.0, max(0.0, share))

    def labels(self, lines: Sequence[float]) -> list[tuple[float, str]]:
        """The lines, and the ends of the axis where there is room beside them."""
        ends = [math.exp(x) if self.log else x for x in (self.low, self.high)]
        shown: list[tuple[float, str]] = []
        for value, anchor in [
            *((x, "middle") for x in lines),
            (ends[0], "start"),
            (ends[1], "end"),
        ]:
            if all(abs(self(value) - self(other)) > 44 for other, _ in shown):
                shown.append((value, anchor))
        return shown


def _lines(assertion: Assertion) -> list[float]:
    return list(assertion.within) if assertion.within is not None else [assertion.line]


def _claimed(claim: Assertion, scale: _Scale, floor: int) -> list[str]:
    """The side of the line that is claimed, shaded."""
    if claim.equals is not None:
        return []
    low, high = claim.within or (claim.above, claim.below)
    left = LEFT if low is None else scale(low)
    right = RIGHT if high is None else scale(high)
    size = f'width="{right - left:.1f}" height="{floor - 2}"'
    return [f'<rect class="claimed" x="{left:.1f}" y="2" {size}/>']


def _seed(reading: Reading, quantity: Quantity, side: str, scale: _Scale, y: int) -> list[str]:
    low, high = scale(reading.low), scale(reading.high)
    parts = []
    if high - low > 1:
        parts.append(f'<path class="bar" d="M{low:.1f} {y}H{high:.1f}"/>')
    middle = quantity.middle(reading)
    x = (low + high) / 2 if math.isnan(middle) else scale(middle)
    if side == "against":
        parts.append(f'<path class="cross" d="M{x - 3:.1f} {y - 3}l6 6m0 -6l-6 6"/>')
    else:
        parts.append(
            f'<circle class="{"dot" if side == "for" else "ring"}" cx="{x:.1f}" cy="{y}" r="3"/>'
        )
    return parts
