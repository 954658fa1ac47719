#!/usr/bin/env python3
"""What a sweep costs beyond training, and what it gains over a plain loop.

    scripts/bench_sweep.py                 1,000 runs, two workers: some minutes on two idle cores
    scripts/bench_sweep.py --runs 100

Times are wall clock, of the whole command for the sweeps. `beyond training` is what remains of a
run's share of it after the time that its own record states as training, evaluation and probing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    line = ["model=mlp", f"training.epochs={options.epochs}", "device=cpu", "threads=1"]
    with tempfile.TemporaryDirectory() as folder:
        seeds = f"seed=range({options.loop_runs + 1})"
        loop = float(python("-c", LOOP, *line, seeds, f"runs_dir={folder}/loop"))
        sweep = ["-m", "bnexp", "train", "-m", *line, f"seed=range({options.runs})"]
        sweep += [f"workers={options.workers}", f"runs_dir={folder}/sweep"]
        new, done = (timed(*sweep) / options.runs for _ in range(2))
        records = [json.loads(path.read_text()) for path in Path(folder).glob("sweep/*/run.json")]
    assert len(records) == options.runs
    training = sum(record["results"]["seconds_total"] for record in records) / len(records)
    beyond = new - training / options.workers
    print(f"runs                              {options.runs}, {options.workers} workers")
    print(f"training, evaluation, probing     {1e3 * training:8.1f} ms a run")
    print(f"plain loop                        {1 / loop:8.2f} runs/s")
    print(f"sweep                             {1 / new:8.2f} runs/s, {loop / new:.2f} x the loop")
    print(f"new run, beyond training          {1e3 * beyond:8.1f} ms of the sweep's time")
    print(f"done run                          {1e3 * done:8.1f} ms of the sweep's time")


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
