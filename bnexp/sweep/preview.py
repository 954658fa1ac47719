"""`--dry-run`: how many runs, how many done, and about how long the others will take."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from bnexp.runs.header import read_header
from bnexp.sweep.jobs import Job, labels, notes
from bnexp.sweep.run import default_workers, finished_before, unique

SHOWN = 40  # runs listed


def preview(jobs: Sequence[Job], workers: int | None, retry: str | None) -> str:
    """The sweep in words, nothing trained."""
    runs = unique(jobs)
    before = {result.identity: result for result in finished_before(runs, retry)}
    due = [job for job in runs if job.plan.identity not in before]
    lines = []
    told_apart = labels([job.overrides for job in runs])
    for job, own in list(zip(runs, told_apart, strict=True))[:SHOWN]:
        result = before.get(job.plan.identity)
        status = "to train" if result is None else result.outcome or result.status
        lines.append(f"  {status:<11}  {job.plan.preset}-{job.plan.identity}  {own}")
    if len(runs) > SHOWN:
        lines.append(f"  and {len(runs) - SHOWN} more")
    failed = sum(result.failed for result in before.values())
    lines.append(
        f"{len(runs)} runs: {len(before) - failed} done, {len(due)} to train"
        + (f", {failed} failed before (retry=failed trains them again)" if failed else "")
        + (f"; {len(jobs) - len(runs)} duplicates run once" if len(jobs) > len(runs) else "")
    )
    lines += notes(runs)
    if due:
        lines.append(_time(due, workers or default_workers([job.plan for job in due])))
    return "\n".join(lines)


def _time(due: Sequence[Job], workers: int) -> str:
    """The time of the due runs, from runs of the same preset, on the same dataset if possible."""
    seconds_per_step = defaultdict(list)
    for runs_dir in {job.plan.runs_dir for job in due}:
        for header in map(read_header, runs_dir.glob("[!.]*-*")):
            if header is not None and header["status"] == "done" and header["results"]["steps"]:
                pace = header["results"]["seconds_total"] / header["results"]["steps"]
                seconds_per_step[header["preset"], header["config"]["data"]["name"]].append(pace)
                seconds_per_step[header["preset"], None].append(pace)
    total, unknown = 0.0, 0
    for plan in (job.plan for job in due):
        paces = (
            seconds_per_step.get((plan.preset, plan.config.data.name))
            or seconds_per_step.get((plan.preset, None))
        )  # fmt: skip
        if paces:
            total += median(paces) * plan.steps
        else:
            unknown += 1
    if unknown == len(due):
        return "No estimate of the time: no run of these presets is done yet."
    rest = f", without {unknown} runs of presets never run so far" if unknown else ""
    return f"About {_readable(total / min(workers, len(due)))} on {workers} workers{rest}."


def _readable(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
