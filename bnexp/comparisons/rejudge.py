"""Every verdict of a published ledger, recomputed from its evidence and choices alone."""

from pathlib import Path

from bnexp.comparisons import evidence
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.config import load, names
from bnexp.comparisons.edition import told_apart
from bnexp.comparisons.entry import Entry
from bnexp.comparisons.judging import verdicts_of
from bnexp.comparisons.setting import Setting


def again(folder: Path) -> tuple[list[Entry], list[str]]:
    """The rows, and a line for each comparison whose definition has changed since."""
    entries, told = [], []
    for name, one in evidence.read(folder).items():
        if name not in names():
            told.append(f"{name}: there is no such comparison now")
            continue
        comparison = load(name)
        setting = Setting((name,), one.data, one.preset, typed=one.typed)
        if why := told_apart(setting.edition_of(comparison), one.edition):
            told.append(f"{name}: {why}")
        choices = one.choices or Choices()
        verdicts = verdicts_of(comparison, one.quantities, one.seeds, choices)
        entries.append(
            Entry(
                comparison,
                verdicts=verdicts,
                edition=one.edition,
                seeds=tuple(one.seeds),
                choices=choices,
            )
        )
    return entries, told
