"""Seeds counted for and against: how strong k of n is, for any distribution and any stopping.

The evidence of k of n seeds for a side is the wealth of a bet on fair coins, the mixture over a
coin's bias of Krichevsky and Trofimov (1981). While the chance to speak for the side is at most
one half, its one-sided version is a supermartingale, so that the probability ever to see
E >= 1 / alpha is at most alpha, at any number of looks.
"""

import math
from collections.abc import Iterable, Sequence
from functools import cache

from bnexp.comparisons.readings import Reading

ALONE = 20.0  # 1 / alpha for alpha = 5%
LEDGER = 168  # at most so many quantities share the ledger's alpha, whatever is run
LEAST_SEEDS = 7  # the fewest that decide anything by itself
POWER = 0.8


def evidence(n: int, k: int) -> float:
    """E(n, k) = 2^n B(k + 1/2, n - k + 1/2) / B(1/2, 1/2); 0 unless most seeds speak for it."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} seeds")
    if 2 * k <= n:
        return 0.0
    log = n * math.log(2) + math.lgamma(k + 0.5) + math.lgamma(n - k + 0.5)
    return math.exp(log - math.lgamma(n + 1) - math.log(math.pi))


@cache
def needed(n: int, family: int = 1) -> int | None:
    """The smallest k of n that decides; None where n are too few."""
    found = (k for k in range(n // 2 + 1, n + 1) if evidence(n, k) >= ALONE * family)
    return next(found, None)


def prefix(seeds: Iterable[int], ended: Iterable[int]) -> list[int]:
    """The seeds before the first that has not ended; later ones wait."""
    ended = set(ended)
    counted = []
    for seed in seeds:
        if seed not in ended:
            break
        counted.append(seed)
    return counted


def undecided(readings: Sequence[Reading], family: int = 1) -> tuple[float, float] | None:
    """The interval of lines that the readings decide neither way, as order statistics.

    None for fewer seeds than can decide at all: 7 where `family` is 1."""
    k = needed(len(readings), family)
    if k is None:
        return None
    lows = sorted((reading.low for reading in readings), reverse=True)
    highs = sorted(reading.high for reading in readings)
    return lows[k - 1], highs[k - 1]


@cache
def power(p: float, n: int, family: int = LEDGER) -> float:
    """Chance that n seeds decide, each speaking for the side with probability p."""
    k = needed(n, family)
    if k is None:
        return 0.0
    return math.fsum(math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1))


def seeds_for(p: float, family: int = LEDGER, most: int = 100) -> int | None:
    """The fewest seeds that decide with a power of 80%; None above `most`."""
    if p <= 0.5:
        return None
    return next((n for n in range(LEAST_SEEDS, most + 1) if power(p, n, family) >= POWER), None)


def soonest(n: int, k: int, family: int = LEDGER, most: int = 100) -> int | None:
    """How many seeds it takes at least: k of n so far, and every further one for the side."""
    return next(
        (m for m in range(max(n, 1), most + 1) if evidence(m, min(k + m - n, m)) >= ALONE * family),
        None,
    )
