"""How often the protocol decides where there is nothing to find, and how soon where there is.

python scripts/simulate_protocol.py           writes results/protocol/, in a few minutes
python scripts/simulate_protocol.py --quick   fewer trials, prints only
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bnexp.comparisons.counting import ALONE, LEDGER, evidence, needed
from bnexp.runs.files import write_text

OUT = Path(__file__).parent.parent / "results" / "protocol"
Floats = NDArray[np.floating]
Ends = tuple[Floats, Floats]  # lower and upper ends of readings, of shape (trials, seeds)
Law = Callable[[np.random.Generator, tuple[int, int]], Ends]


def _numbers(draw: Callable[[np.random.Generator, tuple[int, int]], Floats]) -> Law:
    """Readings without width."""

    def law(generator: np.random.Generator, shape: tuple[int, int]) -> Ends:
        values = draw(generator, shape)
        return values, values

    return law


def _times(generator: np.random.Generator, shape: tuple[int, int], budget: float) -> Ends:
    """The logarithm of a ratio of two equally distributed times, each missed beyond a budget."""
    a, b = (generator.exponential(1.0, shape) for _ in range(2))
    (a_low, a_high), (b_low, b_high) = (
        (np.minimum(x, budget), np.where(x < budget, x, np.inf)) for x in (a, b)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(np.isinf(b_high), -np.inf, np.log(a_low) - np.log(b_high))
        high = np.where(np.isinf(a_high), np.inf, np.log(a_high) - np.log(b_low))
    return low, high


def _searched(generator: np.random.Generator, shape: tuple[int, int]) -> Ends:
    """The logarithm of a ratio of two ends, each known between neighbours of one grid."""
    step = np.log(1.16)
    a, b = (np.floor(generator.normal(0, 0.3, shape) / step) * step for _ in range(2))
    return a - (b + step), a + step - b


def _accuracies(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return np.round(generator.normal(0, 1 / 300, shape) * 300) / 300


def _flat(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return generator.choice([-1.0, 0.0, 1.0], shape, p=[0.1, 0.8, 0.1])


# Laws of readings of arms that do not differ: neither side of 0 is likelier than one half.
LAWS: dict[str, Law] = {
    "normal": _numbers(lambda g, shape: g.normal(0, 1, shape)),
    "exponential": _numbers(lambda g, shape: g.exponential(1, shape) - np.log(2)),
    "lognormal": _numbers(lambda g, shape: g.lognormal(0, 1, shape) - 1),
    "t(3)": _numbers(lambda g, shape: g.standard_t(3, shape)),
    "rounded to 1/300": _numbers(_accuracies),
    "flat": _numbers(_flat),
    "censored on either side": lambda g, shape: _times(g, shape, 1.5),
    "read off a search": _searched,
}


def wealth(k: NDArray[np.integer]) -> Floats:
    """The evidence along the last axis, where k[..., n - 1] of n seeds speak for a side."""
    table = np.array(
        [
            [evidence(n, min(j, n)) for j in range(k.shape[-1] + 1)]
            for n in range(1, k.shape[-1] + 1)
        ]
    )
    return table[np.arange(k.shape[-1]), k]


def strongest(low: Floats, high: Floats, line: float = 0.0) -> Floats:
    """The largest evidence for either side at any look, by trial."""
    sides = (np.cumsum(low > line, -1), np.cumsum(high < line, -1))
    return np.maximum(*(wealth(k).max(-1) for k in sides))


def any_look(
    law: Law, trials: int, seeds: int, generator: np.random.Generator
) -> tuple[float, float]:
    """Share of trials that are ever decided, by themselves and in the ledger."""
    found = strongest(*law(generator, (trials, seeds)))
    return float((found >= ALONE).mean()), float((found >= ALONE * LEDGER).mean())


def ledgers(law: Law, trials: int, seeds: int, generator: np.random.Generator) -> float:
    """Share of whole ledgers of independent quantities with any false decision at any look."""
    wrong = 0
    for _ in range(trials):
        wrong += bool((strongest(*law(generator, (LEDGER, seeds))) >= ALONE * LEDGER).any())
    return wrong / trials


def out_of_order(
    trials: int, seeds: int, workers: int, generator: np.random.Generator
) -> tuple[float, float]:
    """Share ever decided alone for the side that ends soon: counted in order, and as seeds end.

    Seeds begin in order as workers become free; the larger its reading the sooner one ends.
    """
    in_order = as_they_end = 0
    for _ in range(trials):
        values = generator.normal(0, 1, seeds)
        ends = _ends(np.exp(-2 * values), workers)
        by_end = np.argsort(ends)
        naive = np.cumsum(values[by_end] > 0)
        as_they_end += bool((wealth(naive) >= ALONE).any())
        ready = np.maximum.accumulate(ends)  # a prefix counts once its slowest seed has ended
        assert (np.diff(ready) >= 0).all()
        in_order += bool((wealth(np.cumsum(values > 0)) >= ALONE).any())
    return in_order / trials, as_they_end / trials


def _ends(durations: Floats, workers: int) -> Floats:
    free = np.zeros(workers)
    ends = np.empty(len(durations))
    for seed, duration in enumerate(durations):
        worker = int(free.argmin())
        free[worker] += duration
        ends[seed] = free[worker]
    return ends


def holm(law: Law, trials: int, looks: tuple[int, ...], generator: np.random.Generator) -> float:
    """Share of ledgers in which t-tests with Holm's correction find anything at any of the looks.

    A censored reading is filled in with its known end, as the first edition did.
    """
    wrong = 0
    for _ in range(trials):
        low, high = law(generator, (LEDGER, max(looks)))
        known_low = np.where(np.isfinite(low), low, np.where(np.isfinite(high), high, 0.0))
        known_high = np.where(np.isfinite(high), high, known_low)
        values = (known_low + known_high) / 2
        smallest = [_least_p(values[:, :n]) for n in looks]
        wrong += min(smallest) < 0.05 / LEDGER
    return wrong / trials


def _least_p(values: Floats) -> float:
    spread = values.std(-1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(values.mean(-1)) / (spread / np.sqrt(values.shape[-1]))
    p = 2 * stats.t.sf(t, values.shape[-1] - 1)
    return float(np.nanmin(np.where(spread > 0, p, 1.0)))


def powers(effects: tuple[float, ...], trials: int, generator: np.random.Generator) -> pd.DataFrame:
    """By effect, in standard deviations: chance to be decided, and the seeds that it took."""
    rows = []
    for effect in effects:
        values = generator.normal(effect, 1, (trials, 20))
        e = wealth(np.cumsum(values > 0, -1))
        decided = e >= ALONE * LEDGER
        first = np.where(decided.any(-1), decided.argmax(-1) + 1, 20)
        t = values.mean(-1) / (values.std(-1, ddof=1) / np.sqrt(20))
        rows.append(
            {
                "effect": effect,
                "speaks": float(stats.norm.cdf(effect)),
                "likely_at_7": float((e[:, 6] >= ALONE).mean()),
                "decided_by_15": float(decided[:, :15].any(-1).mean()),
                "decided_by_20": float(decided.any(-1).mean()),
                "mean_seeds": float(first.mean()),
                "t_with_bonferroni_at_20": float((2 * stats.t.sf(t, 19) < 0.05 / LEDGER).mean()),
            }
        )
    return pd.DataFrame(rows)


def simulate(trials: int) -> dict[str, pd.DataFrame]:
    """The tables, by name."""
    generator = np.random.default_rng(20)
    rows = []
    for name, law in LAWS.items():
        alone, ledger = any_look(law, 20 * trials, 40, generator)
        rows.append(
            {
                "law": name,
                "alone_any_look_to_40": alone,
                "in_ledger_any_look_to_40": ledger,
                "ledgers_any_look_to_40": ledgers(law, trials, 40, generator),
                "ledgers_t_holm_at_5": holm(law, trials, (5,), generator),
                "ledgers_t_holm_at_5_10_20": holm(law, trials, (5, 10, 20), generator),
            }
        )
    orders = [
        dict(
            zip(
                ("workers", "in_order", "as_they_end"),
                (w, *out_of_order(4 * trials, 40, w, generator)),
                strict=True,
            )
        )
        for w in (1, 2, 8, 16)
    ]
    effects = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    return {
        "false_decisions": pd.DataFrame(rows),
        "out_of_order": pd.DataFrame(orders),
        "power": powers(effects, 20 * trials, generator),
    }


def page(tables: dict[str, pd.DataFrame], trials: int) -> str:
    """The results in a page."""
    enough = [(n, needed(n), needed(n, LEDGER)) for n in (7, 10, 12, 15, 16, 20, 25, 30)]
    shown = pd.DataFrame(enough, columns=["seeds", "alone", "in_ledger"]).astype("Int64")
    parts = [
        "# The protocol, simulated",
        "Seeds are counted on either side of a line. What follows is how often that decides where "
        "arms do not differ, and how soon where they do; `python scripts/simulate_protocol.py` "
        f"writes it ({trials} ledgers of {LEDGER} quantities a law, and 20 times as many single "
        "quantities).",
        "## How many seeds decide",
        _markdown(shown),
        "## False decisions at any look",
        "Share of single quantities, and of whole ledgers of independent ones, that are ever "
        "decided while seeds are added one by one up to 40. Beside it the share of ledgers in "
        "which t-tests with Holm's correction find something on readings of the same laws, once "
        "at 5 seeds and at looks after 5, 10 and 20; a censored reading is filled in there with "
        "its known end.",
        _markdown(tables["false_decisions"]),
        "## Seeds that end in the order of their readings",
        "Share of single quantities ever decided by themselves for the side that ends soon, "
        "counted in the order of seeds, and counted as they end.",
        _markdown(tables["out_of_order"]),
        "## Power",
        "Normal readings, the effect in standard deviations: how likely a seed speaks for it, how "
        "likely 7 seeds say so by themselves, how likely the ledger decides by 15 and by 20 seeds, "
        "and the seeds that it takes (20 where it does not). Beside it a t-test of 20 seeds "
        "corrected for as many quantities, which the normal law favours.",
        _markdown(tables["power"]),
    ]
    return "\n\n".join(parts) + "\n"


def _markdown(table: pd.DataFrame) -> str:
    head = [column.replace("_", " ") for column in table.columns]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in table.itertuples(index=False):
        cells = ["" if pd.isna(x) else f"{x:.3g}" if isinstance(x, float) else str(x) for x in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer trials, print only")
    options = parser.parse_args()
    trials = 100 if options.quick else 1000
    tables = simulate(trials)
    text = page(tables, trials)
    if options.quick:
        print(text)
        return 0
    OUT.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_text(OUT / f"{name}.csv", table.round(6).to_csv(index=False, lineterminator="\n"))
    write_text(OUT / "README.md", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
