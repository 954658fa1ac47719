#!/usr/bin/env python3
"""What a sweep costs beyond training, on one core, on two, and on a cluster of one-core nodes.

    scripts/bench_sweep.py                    some minutes on two idle cores
    scripts/bench_sweep.py --runs 100 --ray 2 --json results/performance/sweep.json

Times are wall clock, of the whole command for sweeps. `beyond training` is what remains of a run's
share of it after the time that its own record states as training, evaluation and probing. `--ray N`
adds a Ray cluster of N simulated nodes of one core each on this machine (needs bnexp[ray]); its
start is not counted. Efficiency is the runs a second over those of one worker, by worker.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
LOOP = """
import sys, time
from bnexp.sweep import expand, plan_jobs
from bnexp.training.run import run
plans = [job.plan for job in plan_jobs(expand(sys.argv[1:]))]
run(plans.pop(), "", quiet=True)  # imports what the first run imports
start = time.perf_counter()
for plan in plans:
    run(plan, "", quiet=True)
print((time.perf_counter() - start) / len(plans))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--loop-runs", type=int, default=100, help="runs of the plain loop")
    parser.add_argument("--workers", type=int, action="append", help="default: 1 and 2")
    parser.add_argument("--ray", type=int, default=0, help="nodes of a simulated cluster")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    line = ["model=mlp", f"training.epochs={options.epochs}", "device=cpu", "threads=1"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        seeds = f"seed=range({options.loop_runs + 1})"
        loop = float(python("-c", LOOP, *line, seeds, f"runs_dir={folder}/loop"))
        line += [f"seed=range({options.runs})"]
        for workers in options.workers or (1, 2):
            own = [*line, f"workers={workers}", f"runs_dir={folder}/workers-{workers}"]
            rows.append(sweep(f"{workers} at a time", own, workers))
        if options.ray:
            with cluster(options.ray) as address:
                own = [*line, "hydra/launcher=ray", f"hydra.launcher.ray.init.address={address}"]
                own += [f"runs_dir={folder}/ray"]
                rows.append(sweep(f"Ray, {options.ray} nodes of one core", own, options.ray))
    print(f"plain loop: {1 / loop:.2f} runs/s; sweeps of {options.runs} runs:")
    alone = next((row["runs_per_second"] for row in rows if row["workers"] == 1), 1 / loop)
    for row in rows:
        row["efficiency"] = row["runs_per_second"] / alone / row["workers"]
        print("  ".join(f"{k} {v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items()))
    if options.json:
        about = {"runs": options.runs, "loop_runs_per_second": 1 / loop, "results": rows}
        options.json.write_text(json.dumps(about, indent=1) + "\n")


def sweep(name: str, line: list[str], workers: int) -> dict[str, Any]:
    """The sweep from nothing, and once more when all is done."""
    command = ["-m", "bnexp", "train", "-m", *line]
    seconds, again = (timed(*command) for _ in range(2))
    folder = Path(next(key for key in line if key.startswith("runs_dir=")).partition("=")[2])
    records = [json.loads(path.read_text()) for path in folder.glob("*/run.json")]
    training = sum(record["results"]["seconds_total"] for record in records)
    return {
        "name": name, "workers": workers, "runs_per_second": len(records) / seconds,
        "training_ms": 1e3 * training / len(records),
        "beyond_training_ms": 1e3 * (seconds * workers - training) / len(records),
        "done_ms": 1e3 * again / len(records),
    }  # fmt: skip


@contextmanager
def cluster(nodes: int) -> Iterator[str]:
    os.environ |= {"RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(REPOSITORY)}
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        for _ in range(nodes):
            found.add_node(num_cpus=1)
        yield found.address
    finally:
        found.shutdown()


def python(*arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


def timed(*arguments: str) -> float:
    start = time.perf_counter()
    python(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
