"""A comparison of one's own whose runs are made up instead of trained."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bnexp.comparisons.course import Course
from bnexp.comparisons.entry import Entry, entry_of
from bnexp.comparisons.records import Records
from bnexp.comparisons.run import courses_of, run_courses
from bnexp.comparisons.setting import Setting
from bnexp.runs.identity import flatten
from bnexp.sweep import Job

YAML = """# Made up
section: "9"
kind: training
question: Is it?
documented: it is
judge: made_up_judge.gains
base: [probes=none, device=cpu]
sweep:
  - {model: mlp, model.norm: "none,batch", optimizer: sgd, optimizer.lr: "0.01,0.1,1,10"}
choose:
  - {name: best, per: [model.norm]}
assertions:
  - {quantity: gain, says: "it gains", above: 0}
"""
SEARCH = """search:
  - {name: stable, than: best, until: 1.16}
"""
JUDGE = """
from bnexp.comparisons import Finding, Quantity
from bnexp.comparisons.accuracies import lead
from bnexp.comparisons.measure import ratios, searched

NORMS = ("none", "batch")
SEEN = []

def gains(runs, choices):
    SEEN.append(sorted(set(runs.runs["seed"])))
    none, batch = (choices.chosen(runs.runs, "best", model__norm=norm) for norm in NORMS)
    found = {"gain": lead(batch, none)}
    if choices.of_kind("bracket"):
        ends = [searched(runs.runs, choices, "stable", model__norm=norm) for norm in NORMS]
        found["rate"] = Quantity(ratios(ends[1], ends[0]), "ratio", "x")
    return Finding("it was measured", found)
"""
Accuracy = Callable[[str, float, int], float]


def better(norm: str, lr: float, seed: int) -> float:
    """Batch norm gains 3 points in every seed; rates above 1 (with it 3) fail."""
    best = 0.93 if norm == "batch" else 0.9
    return best - 0.01 * (lr < 0.05) if lr <= (3 if norm == "batch" else 1) else 0.1


class Trainer:
    """Makes runs up instead of training them."""

    def __init__(self, tmp_path: Path, accuracy: Accuracy = better) -> None:
        self.records = Records(tmp_path / "runs", "bnexp reproduce")
        self.accuracy, self.rounds = accuracy, []  # type: ignore[var-annotated]
        self.failing: set[int] = set()

    def __call__(self, jobs: Sequence[Job]) -> list[Any]:
        self.rounds.append(list(jobs))
        for job in jobs:
            keys = flatten(job.plan.config.model_dump())
            norm, lr, seed = (keys[key] for key in ("model.norm", "optimizer.lr", "seed"))
            identity = job.plan.identity
            if seed in self.failing:
                self.records.silent.add(identity)
                continue
            accuracy = self.accuracy(norm, lr, seed)
            self.records.rows[identity] = {
                "run": identity, "folder": "", "preset": "mlp", "status": "done", "reason": None,
                "outcome": "trained" if accuracy > 0.2 else "not trained",
                "val_accuracy": accuracy, "test_accuracy": accuracy, **keys,
            }  # fmt: skip
        return []

    @property
    def trained(self) -> list[tuple[str, float, int]]:
        flat = [flatten(j.plan.config.model_dump()) for jobs in self.rounds for j in jobs]
        return [(k["model.norm"], k["optimizer.lr"], k["seed"]) for k in flat]


def setting(*ids: str, **more: Any) -> Setting:
    return Setting(ids or ("C1",), "digits", "full", **more)


def judge(trainer: Trainer, asked: Setting, published: Any = None) -> tuple[list[Course], Entry]:
    courses = courses_of(asked, published)
    run_courses(courses, trainer.records, trainer)
    return courses, entry_of(courses[0])
