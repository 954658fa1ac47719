"""One run with its record: started, resumed, or found done."""

import hashlib
import math
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from filelock import Timeout
from torch import nn

from bnexp.config import Config
from bnexp.cores import cores
from bnexp.errors import UserError
from bnexp.models.families import FAMILIES
from bnexp.plan import Plan
from bnexp.runs.header import Damaged, Missing, Unreadable, load_header, read_header
from bnexp.runs.identity import flatten, revisions
from bnexp.runs.places import find_run, run_lock
from bnexp.runs.record import BEST, Record
from bnexp.runs.replace import discard, recover, restore, set_aside
from bnexp.training.checkpoint import save_weights
from bnexp.training.loop import Diverged, Interrupted, Training
from bnexp.training.progress import Progress
from bnexp.training.provenance import provenance

if TYPE_CHECKING:
    from bnexp.loggers import Ending


class Busy(Exception):
    """Another process is training this very run."""


@dataclass(frozen=True)
class Finished:
    """A done run: its folder, its outcome and the results of `run.json`.

    `new` is false where the run had been done before.
    """

    folder: Path
    outcome: str
    reason: str | None
    results: dict[str, Any]
    new: bool


def run(
    plan: Plan, command: str, quiet: bool = False, stop: Callable[[], bool] = lambda: False
) -> Finished:
    """Train the planned run, go on with it, or return it if it is done.

    Raises Busy where another process holds it, Interrupted after SIGINT or SIGTERM or once `stop`
    says so, and whatever training raised, which the record then holds as `failed`.
    """
    try:
        lock = run_lock(plan.runs_dir, plan.identity).acquire()
    except Timeout:
        raise Busy(f"{plan.preset}-{plan.identity} is being trained by another process") from None
    except OSError as error:
        if done := _done_before(plan):
            return done
        why = error.strerror or error
        raise UserError(f"runs_dir={plan.runs_dir}: cannot be written: {why}") from error
    with lock:
        return _run_locked(plan, command, quiet, stop)


def _done_before(plan: Plan) -> Finished | None:
    """The run if it is done and need not be trained again."""
    folder = find_run(plan.runs_dir, plan.identity, plan.preset)
    header = read_header(folder)
    if plan.config.rerun or header is None or header["status"] != "done":
        return None
    return Finished(folder, header["outcome"], header["reason"], header["results"], new=False)


def _run_locked(plan: Plan, command: str, quiet: bool, stop: Callable[[], bool]) -> Finished:
    folder = find_run(plan.runs_dir, plan.identity, plan.preset)
    recover(folder)
    if done := _done_before(plan):
        with suppress(OSError):  # a folder that may not be written to
            if plan.config.logger.name != "none":
                from bnexp.loggers import feed

                feed(plan.config.logger, done.folder, plan.recorded)
            (done.folder / "checkpoint.pt").unlink(missing_ok=True)  # killed between the two
        return done
    _make_way(folder)
    (folder / "error.txt").unlink(missing_ok=True)

    config = plan.config
    prepare_torch(config)
    record = Record(
        folder,
        {
            "identity": plan.identity,
            "preset": plan.preset,
            "content": plan.facts.content,
            "revisions": revisions(flatten(config.model_dump()), plan.traits),
            "source": plan.traits.source,
            "weights": plan.traits.weights,
            "provenance": provenance(torch.device(config.device), command),
        },
    )
    if plan.notes:
        record.header["notes"] = list(plan.notes)
    record.start(plan.recorded)
    progress = Progress(config.progress, quiet)
    for note in plan.notes:
        progress.say(note)
    logger = reason = training = None
    ending: Ending = "failed"
    with _stop_signals() as asked:
        try:
            if config.logger.name != "none":
                from bnexp.loggers import make_logger  # few runs have one

                logger = make_logger(config.logger, folder, plan.recorded)
            training = Training(plan, record, progress, lambda: bool(asked) or stop(), logger)
            training.run()
            outcome, reason = _outcome(training, record)
            ending = "done"
        except Diverged as end:
            outcome, reason, ending = "diverged", str(end), "done"
        except Interrupted as end:
            ending = "interrupted"
            record.mark("interrupted", reason=str(end))
            raise
        except KeyboardInterrupt:
            ending = "interrupted"
            record.mark("interrupted", reason="at once; goes on from the last checkpoint, if any")
            raise
        except (Exception, SystemExit) as error:
            (folder / "error.txt").write_text(traceback.format_exc())
            record.mark("failed", reason=_reason(error))
            restore(folder)
            raise
        finally:
            progress.close()
            if logger is not None:
                logger.send(record.tables)
                if ending == "done":
                    logger.end(record.tables, _best(record, finished=outcome != "diverged"))
                logger.close(ending)
        assert training is not None
        results = _results(training, record, finished=outcome != "diverged")
        if config.training.save_weights:
            save_weights(training.evaluated, folder / "weights.pt")
        record.flush()
        record.mark("done", outcome=outcome, reason=reason, results=results)
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    discard(folder)
    return Finished(folder, outcome, reason, results, new=True)


def _make_way(folder: Path) -> None:
    """Set a done or damaged record aside; what was begun and not ended stays, to go on.

    Raises UserError for a record that may be good and can't be read, and for a broken link.
    """
    if folder.is_symlink() and not folder.exists():
        raise UserError(f"{folder}: is a link to nowhere")
    try:
        header = load_header(folder)
        if header["status"] == "done":
            set_aside(folder)
    except Missing:
        pass
    except Damaged:
        set_aside(folder)
    except Unreadable as error:
        raise UserError(f"{folder}: {error}; move it away or use another runs_dir") from None


def default_threads(config: Config) -> int:
    """One thread for nets that are faster with one; for others four fewer than there are cores.

    Threads wait for each other at every operation. Where other processes want the same cores, each
    operation waits for the last of them: with two threads on two cores a CNN takes 13 times as long
    beside four busy processes, with one thread no longer than its share. So some cores are left.
    """
    return 1 if FAMILIES[config.model.kind].small else max(1, cores() - 4)


def prepare_torch(config: Config) -> None:
    """Set threads and determinism, which are the process's, not the model's."""
    torch.set_num_threads(config.threads or default_threads(config))
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if config.deterministic != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(config.deterministic)  # imports the compiler: a second


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list; a second one raises KeyboardInterrupt at once."""
    asked: list[int] = []

    def ask(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    try:
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: signals are somebody else's business
        yield asked
        return
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _outcome(training: Training, record: Record) -> tuple[str, str | None]:
    """`trained`, unless the final validation accuracy is no better than chance (FORMAT.md).

    With the reason, where the validation split is too small to tell.
    """
    y = training.splits["val"][1]
    share = y.bincount().max().item() / len(y)
    chance = share + 3 * math.sqrt(share * (1 - share) / len(y))
    if chance >= 1:
        return "not trained", f"{len(y)} validation samples are too few to tell it from chance"
    final = record.column("epochs", "val_accuracy")[-1]
    return "trained" if final > chance else "not trained", None


def _results(training: Training, record: Record, finished: bool) -> dict[str, Any]:
    """The numbers of `run.json`. A run that did not finish has no accuracy: null."""
    names = [f"{split}_{what}" for split in training.splits for what in ("loss", "accuracy")]
    epochs = {name: record.column("epochs", name) for name in ("epoch", *names)}
    final = {name: epochs[name][-1] for name in names}
    results = {
        name: value if finished and value is not None and math.isfinite(value) else None
        for name, value in final.items()
    }
    results |= _best(record, finished)
    seconds = training.clock.seconds
    kept = zip(record.column("measures", "name"), record.column("measures", "value"), strict=True)
    return results | {
        "steps": len(record.tables["steps"]),
        "epochs": epochs["epoch"][-1],
        "parameters": sum(p.numel() for p in training.model.parameters()),
        "weights_sha256": weights_hash(training.evaluated),
        **{f"seconds_{name}": spent for name, spent in seconds.items()},
        "seconds_total": sum(seconds.values()),
        "samples_per_second": training.images / seconds["training"],
        "saved_for_backward_bytes": dict(kept)["saved_for_backward_bytes"],
        "peak_memory_bytes": _peak_memory(training.device),
        "threads": torch.get_num_threads(),
    }


def _best(record: Record, finished: bool) -> dict[str, Any]:
    """What is known of the earliest evaluation with the best validation accuracy."""
    known = ("epoch", "val_accuracy", "test_accuracy")
    epoch, val, test = (record.column("epochs", name) for name in known)
    best = max(range(len(val)), key=lambda row: -1.0 if val[row] is None else val[row])
    values = (epoch[best], val[best], test[best]) if finished else (None, None, None)
    return dict(zip(BEST, values, strict=True))


def weights_hash(model: nn.Module) -> str:
    """SHA-256 over names and bytes of the state dict."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _peak_memory(device: torch.device) -> int:
    """Bytes: of the device's allocator on CUDA, else of the whole process so far."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _reason(error: BaseException) -> str:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return "out of memory"
    return f"{type(error).__name__}: {error}".splitlines()[0]
