"""The end of a sweep on the terminal: counts, what failed or diverged."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bnexp.errors import UserError
from bnexp.sweep.jobs import Job, labels
from bnexp.sweep.result import Result


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the process here."""


SHOWN = 20  # rows of the table; the others are counted


def show_runs(jobs: Sequence[Job], results: Sequence[Result]) -> None:
    """Print how many runs ended how, and those in detail that failed or diverged."""
    told_apart = labels([job.overrides for job in jobs])
    unique = {
        result.identity: (own, result) for own, result in zip(told_apart, results, strict=True)
    }
    ends = [result for _, result in unique.values()]
    counts = Counter(result.outcome or result.status for result in ends)
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    before = sum(not result.new for result in ends)
    console = _Terminal(highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 160
    console.print(f"{len(ends)} runs: {told}" + (f" ({before} of them before)" if before else ""))
    bad = [pair for pair in unique.values() if pair[1].failed or pair[1].outcome == "diverged"]
    if bad:
        table = Table(box=SIMPLE_HEAD)
        for name in ("run", "status", "reason", "folder"):
            table.add_column(name, overflow="fold")
        for own, result in bad[:SHOWN]:
            status = result.outcome or result.status
            table.add_row(own, status, result.reason, str(result.folder or ""))
        console.print(table, soft_wrap=False)
    if len(bad) > SHOWN:
        console.print(f"  and {len(bad) - SHOWN} more: bnexp runs status=failed")
    if any(result.status == "failed" and not result.new for result in ends):
        console.print("What failed before is left as it is; retry=failed trains it again.")
    folders = [result.folder for result in ends if result.folder and result.status == "done"]
    if folders:
        from bnexp.report.table import results_table
        from bnexp.runs.tables import load_runs

        try:
            console.print(f"\n{results_table(load_runs(*folders))}")
        except UserError as error:  # records damaged since: the sweep is done all the same
            console.print(*error.lines, sep="\n")
