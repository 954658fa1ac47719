from pathlib import Path

import pytest

from tests.report.records import write_run


@pytest.fixture(scope="session")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three norms x three learning rates x three seeds; without a norm the highest is too high."""
    runs = tmp_path_factory.mktemp("sweep") / "runs"
    for norm in ("none", "batch", "layer"):
        for lr in (0.01, 0.1, 1.0):
            for seed in range(3):
                lost = ("diverged", "not trained", "diverged")[seed]
                outcome = lost if norm == "none" and lr == 1.0 else "trained"
                write_run(runs, norm, seed, outcome=outcome, optimizer__lr=lr)
    return runs


@pytest.fixture(scope="session")
def two_arms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Batch norm with seven seeds, no norm with seven of which one diverged."""
    runs = tmp_path_factory.mktemp("arms") / "runs"
    for seed in range(7):
        write_run(runs, "batch", seed)
        write_run(runs, "none", seed, outcome="diverged" if seed == 6 else "trained")
    return runs
