"""What became of one run of a sweep, and training it so that nothing is ever raised."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from filelock import Timeout

from bnexp.plan import Plan
from bnexp.runs.header import read_header
from bnexp.runs.places import find_run, run_lock
from bnexp.runs.record import Record

Status = Literal["done", "failed", "killed", "interrupted", "running elsewhere", "not started"]


@dataclass(frozen=True)
class Result:
    """How one run ended: its status, why, and if it is done its outcome and results.

    `new` is false for what an earlier command did.
    """

    identity: str
    preset: str
    status: Status
    reason: str | None = None
    outcome: str | None = None
    folder: Path | None = None
    results: dict[str, Any] = field(default_factory=dict)
    new: bool = True

    @property
    def failed(self) -> bool:
        """Whether it was begun and did not get to its end; diverging is an end."""
        return self.status not in ("done", "not started")

    @property
    def objective(self) -> float:
        """The final validation loss; infinite unless the run is done and the loss finite."""
        loss = self.results.get("val_loss")
        return float("inf") if loss is None else loss


def train_quietly(plan: Plan, command: str, stop: Callable[[], bool] = lambda: False) -> Result:
    """Train one run, printing nothing and raising nothing; whatever happens is in the result."""
    from bnexp.training.loop import Interrupted
    from bnexp.training.run import Busy, run

    def result(status: Status, **more: Any) -> Result:
        return Result(plan.identity, plan.preset, status, **more)

    try:
        done = run(plan, command, quiet=True, stop=stop)
    except Busy:
        return result("running elsewhere", reason="another process trains it")
    except (Interrupted, KeyboardInterrupt) as end:
        return result("interrupted", reason=str(end))
    except (Exception, SystemExit) as error:
        folder = find_run(plan.runs_dir, plan.identity, plan.preset)
        header = read_header(folder) or {"reason": None}
        reason = header["reason"] or f"{type(error).__name__}: {error}"
        return result("failed", reason=reason, folder=folder)
    return result(
        "done",
        outcome=done.outcome,
        reason=done.reason,
        folder=done.folder,
        results=done.results,
        new=done.new,
    )


def from_record(plan: Plan, folder: Path, new: bool) -> Result | None:
    """The result of a run that is done or failed, as its record tells it; else None."""
    header = read_header(folder)
    if header is None or header["status"] not in ("done", "failed"):
        return None
    return Result(
        plan.identity,
        plan.preset,
        header["status"],
        reason=header["reason"],
        outcome=header["outcome"],
        folder=folder,
        results=header["results"],
        new=new,
    )


def left_behind(plan: Plan) -> Result:
    """The result of a run that nobody reported on."""
    folder = find_run(plan.runs_dir, plan.identity, plan.preset)
    status: Status = "interrupted" if folder.exists() else "not started"
    return from_record(plan, folder, new=True) or Result(plan.identity, plan.preset, status)


def killed(plan: Plan, reason: str) -> Result:
    """The result of a run whose process died; its record says why, and that it can go on."""
    folder = find_run(plan.runs_dir, plan.identity, plan.preset)
    if finished := from_record(plan, folder, new=True):
        return finished  # it died after its last word
    header = read_header(folder)
    if header is None:
        return Result(plan.identity, plan.preset, "failed", reason=reason)
    with suppress(Timeout), run_lock(plan.runs_dir, plan.identity):
        Record(folder, header).mark("interrupted", reason=reason)
        (folder / "error.txt").write_text(reason + "\n")
    return Result(plan.identity, plan.preset, "killed", reason=reason, folder=folder)
