"""Which runs a report is about: those of one sweep, unless all are asked for."""

from collections.abc import Sequence
from pathlib import Path

from bnexp.errors import UserError
from bnexp.report.labels import plural
from bnexp.runs.manifest import manifests
from bnexp.runs.tables import Runs


def of_sweep(runs: Runs, folders: Sequence[str | Path], back: int | None) -> tuple[Runs, str]:
    """The runs of the sweep that is the `back`-th last into `folders`, and a line that says so.

    All runs if `back` is None, or if it is 1 and no sweep left a manifest.
    """
    known = sorted(
        (one for folder in folders for one in manifests(Path(folder))), key=lambda one: one.when
    )
    if back is None or (not known and back == 1):
        return runs, ""
    if not 1 <= back <= len(known):
        raise UserError(f"sweep={back}: there are {plural(len(known), 'sweep')} in these folders")
    sweep = known[-back]
    wanted = set(sweep.identities)
    kept = runs.runs[runs.runs["run"].isin(wanted)]
    if len(kept) == len(runs.runs):
        return runs, ""
    skipped = runs.skipped
    if "run" in skipped:
        skipped = skipped[skipped["run"].isna() | skipped["run"].isin(wanted)]
    words = f"{len(kept):,} of {plural(len(runs.runs), 'run')}, those of `{sweep.command}`"
    found = Runs(kept.reset_index(drop=True), skipped.reset_index(drop=True))
    return found, f"{words}; --all takes all"
