"""Few enough arms for one figure: tuned keys at their best, other numbers held."""

from collections import Counter
from dataclasses import replace

import pandas as pd

from bnexp.report import statistics
from bnexp.report.arms import Arms, group_names
from bnexp.report.labels import differs, is_unset, key_name, value_name

# Keys that are tuned: an arm may be shown at its best value, chosen on the validation split.
TUNED = ("optimizer.lr", "optimizer.weight_decay", "optimizer.momentum")
MOST = 8  # arms that a figure of curves takes; beyond, tuned keys are at their best, others held


def shortlist(arms: Arms, keep: str | None = None) -> Arms:
    """Few enough arms for one figure, with notes on how they were chosen.

    More than eight arms are cut down: tuned keys (the learning rate first) to each arm's best by
    validation accuracy, other numbers to the value that most runs have. `keep` is the key of the
    x-axis. Tuned keys that `by` would pool are put at their best too.
    """
    pooled = [key for key in TUNED if key in arms.varying and key not in arms.keys and key != keep]
    for key in pooled:
        if any(differs(arm.runs[key]) for arm in arms):
            arms = at_best(arms, key)
    for key in TUNED:
        if _lines(arms, keep) > MOST and key != keep and is_swept(arms, key):
            arms = at_best(arms, key)
    for key in arms.keys:
        if _lines(arms, keep) > MOST and key != keep and is_swept(arms, key):
            arms = at_usual(arms, key)
    pooled = [
        key
        for key in arms.varying
        if key not in arms.keys and key != keep and any(differs(arm.runs[key]) for arm in arms)
    ]
    if pooled and not any(note.startswith("Pooled") for note in arms.notes):
        names = ", ".join(map(key_name, pooled))
        arms = replace(arms, notes=(*arms.notes, f"Pooled over {names}: n counts runs, not seeds."))
    return arms


def _lines(arms: Arms, keep: str | None) -> int:
    keys = tuple(key for key in arms.keys if key != keep)
    return len(set(group_names(arms.runs.runs, keys)))


def is_number(arms: Arms, key: str) -> bool:
    """Whether all values of a key are numbers or empty."""
    values = [value for value in arms.runs.runs[key] if not is_unset(value)]
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def is_swept(arms: Arms, key: str) -> bool:
    """Whether some arms differ in the number `key` alone."""
    return key in arms.keys and is_number(arms, key) and _lines(arms, key) < len(arms)


def at_best(arms: Arms, key: str) -> Arms:
    """Each arm at its best value of `key` by validation accuracy, as `statistics.best_rate`.

    An arm of which no run trained is shown at its smallest value. Where the chosen values
    differ, they are part of the labels.
    """
    chosen = []
    for arm in arms.without(key):
        rows = arm.runs
        if differs(rows[key]):
            best = statistics.at_best(rows, key)
            rows = best if len(best) else rows[rows[key] == rows[key].min()]
        chosen.append(rows)
    rows = pd.concat(chosen).sort_values("run", ignore_index=True)
    note = f"Each arm at its best {key_name(key)} by validation accuracy."
    keys = (*(name for name in arms.keys if name != key), key)
    return replace(arms, keys=keys).subset(rows, note)


def at_usual(arms: Arms, key: str) -> Arms:
    """All arms at the value of `key` that most runs have, the middle one where several do."""
    counts = Counter(sorted(arms.runs.runs[key].dropna()))
    most = [value for value, count in counts.items() if count == max(counts.values())]
    usual = most[len(most) // 2]
    rows = arms.runs.runs[arms.runs.runs[key] == usual].reset_index(drop=True)
    others = ", ".join(value_name(value) for value in counts if value != usual)
    note = f"Drawn at {key_name(key)} {value_name(usual)} (not {others})."
    return arms.subset(rows, note)
