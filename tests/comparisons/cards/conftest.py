from collections.abc import Callable
from pathlib import Path

import pytest

from bnexp.comparisons import evidence, ledger
from bnexp.comparisons.entry import entry_of
from bnexp.comparisons.run import courses_of, run_courses
from tests.comparisons.made_up import Accuracy, Trainer, better, setting

Publish = Callable[..., Path]


@pytest.fixture
def publish(folder: Path, tmp_path: Path) -> Publish:
    """Write a folder of results whose runs are made up; return it."""

    def made(accuracy: Accuracy = better, name: str = "digits") -> Path:
        results = tmp_path / "results"
        trainer, asked = Trainer(folder, accuracy), setting("A7", "C1")
        courses = courses_of(asked)
        run_courses(courses, trainer.records, trainer)
        ledger.write([entry_of(one) for one in courses], asked, results / name)
        evidence.write(courses, results / name)
        figures = results / name / "figures"
        figures.mkdir()
        for figure in ("C1-verdicts.svg", "A7-printed.svg", "B12-convergence-1.svg"):
            (figures / figure).write_text("<svg/>")
        return results

    return made
