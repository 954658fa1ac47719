"""Calls whose runs are made up instead of trained."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bnexp.runs.identity import flatten
from bnexp.sweep import Job, Stopped
from bnexp.versus import run
from bnexp.versus.answer import Answer
from bnexp.versus.call import read_call
from bnexp.versus.run import Going, begin

Accuracy = Callable[[str, float, int], float]
NORMS = ("model=mlp", "model.norm=none,batch", "device=cpu")


class MadeUp:
    """In place of the sweep; `stop_after` so many runs a signal comes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, accuracy: Accuracy) -> None:
        self.accuracy, self.rows = accuracy, {}  # type: ignore[var-annotated]
        self.stop_after: int | None = None
        self.trained: list[tuple[str, float, int]] = []
        self.going: Going | None = None
        monkeypatch.setattr(run, "run_all", self._run_all)

    def begin(self, *words: str, plan: bool = False) -> Going:
        self.going = begin(read_call(words or NORMS), "bnexp compare", plan=plan)
        self.going.quiet = True
        return self.going

    def answer(self, *words: str) -> Answer:
        return self.begin(*words).until_decided()

    def _run_all(self, jobs: Sequence[Job], command: str, **_: Any) -> list[Any]:
        assert self.going is not None
        for job in jobs:
            identity = job.plan.identity
            if identity not in self.rows:
                if self.stop_after is not None and len(self.trained) >= self.stop_after:
                    raise Stopped([], by_signal=True)
                self._train(job)
            self.going.records.rows[identity] = self.rows[identity]
        return []

    def _train(self, job: Job) -> None:
        keys = flatten(job.plan.config.model_dump())
        norm, lr, seed = (keys[key] for key in ("model.norm", "optimizer.lr", "seed"))
        self.trained.append((norm, lr, seed))
        accuracy = self.accuracy(norm, lr, seed)
        identity = job.plan.identity
        self.rows[identity] = {
            "run": identity, "folder": "", "preset": "mlp", "status": "done", "reason": None,
            "outcome": "trained" if accuracy > 0.2 else "not trained", "val_accuracy": accuracy,
            "test_accuracy": accuracy, "parameters": 100, "seconds_training": 1.0,
            "seconds_total": 6.0, **keys,
        }  # fmt: skip
