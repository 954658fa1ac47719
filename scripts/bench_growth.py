#!/usr/bin/env python3
"""How the time of a training step grows: with depth, width, batch size, probed layers and runs.

    python scripts/bench_growth.py --json growth.json

One factor at a time around an MLP of 4 layers of 128 units at batch size 64 on 1 x 28 x 28, one
thread. The slope is that of the least-squares line through the upper half of the points on
logarithmic axes: 1 means that the time doubles with the factor, 0 that it does not grow. Medians
of alternating repetitions. Run it on a machine that does nothing else.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from bnexp.compose import compose
from bnexp.plan import plan
from bnexp.runs.record import Record
from bnexp.sweep import expand, plan_jobs, run_all
from bnexp.training.loop import Training
from bnexp.training.progress import Progress

STEPS = 60
BASE = {"model.depth": 4, "model.widths": 128, "data.batch_size": 64}
FACTORS = {
    "model.depth": (1, 2, 4, 8, 16, 32, 64),
    "model.widths": (16, 32, 64, 128, 256, 512, 1024),
    "data.batch_size": (8, 16, 32, 64, 128, 256, 512),
}
PROBED = (1, 2, 4, 8, 16, 32)
RUNS = (1, 2, 4, 8, 16, 32)


def seconds(probes: str = "none", **factors: int) -> float:
    """Seconds of a step; of a recording of all layers with `probes=all`."""
    keys = BASE | factors
    overrides = [
        "model=mlp_bn", "data=synthetic", "data.shape=[1,28,28]", "data.classes=10",
        "data.samples=2048", "optimizer=momentum", "optimizer.lr=0.001", f"probes={probes}",
        f"training.max_steps={STEPS}", "training.epochs=1000", "training.evaluate_every=1000",
        "device=cpu", f"model.depth={keys['model.depth']}",
        f"model.widths=[{keys['model.widths']}]", f"data.batch_size={keys['data.batch_size']}",
    ]  # fmt: skip
    job = plan(*compose(overrides))
    with tempfile.TemporaryDirectory() as folder:
        record = Record(Path(folder), {"identity": "", "preset": "", "provenance": {}})
        training = Training(job, record, Progress(None, quiet=True), lambda: False)
        training.run()
        spent = training.seconds["training" if probes == "none" else "probing"]
    return spent / STEPS


def sweep_seconds(runs: int) -> float:
    """Wall-clock seconds of a sweep of so many runs of 20 steps, one worker."""
    keys = ["model=mlp", "probes=none", "training.epochs=1", "device=cpu", f"seed=range({runs})"]
    with tempfile.TemporaryDirectory() as folder:
        jobs = plan_jobs(expand([*keys, f"runs_dir={folder}"]))
        start = perf_counter()
        run_all(jobs, "bench", workers=1, show=False)
        return perf_counter() - start


def slope(x: list[int], y: list[float]) -> float:
    """Of the upper half of the points, on logarithmic axes."""
    half = len(x) // 2
    return float(np.polyfit(np.log(x[half:]), np.log(y[half:]), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    measures = [
        *((key, values, "step", lambda value, key=key: seconds(**{key: value}))
          for key, values in FACTORS.items()),
        ("probed layers", PROBED, "recording",
         lambda value: seconds("all", **{"model.depth": value})),
        ("runs", RUNS, "sweep", sweep_seconds),
    ]  # fmt: skip
    rows = []
    for name, values, what, measure in measures:
        measure(values[0])  # warms up
        times: dict[int, list[float]] = {value: [] for value in values}
        for _ in range(options.repetitions if name != "runs" else 1):
            for value in values:
                times[value].append(measure(value))
        medians = [statistics.median(times[value]) for value in values]
        found = slope(list(values), medians)
        rows.append(
            {"factor": name, "of": what, "values": values, "seconds": medians, "slope": found}
        )
        shown = ", ".join(
            f"{value}: {1e3 * time:.2f}" for value, time in zip(values, medians, strict=True)
        )
        print(f"{name:<16} ms a {what}: {shown}   slope {found:.2f}", flush=True)
    if options.json:
        about = {"torch": torch.__version__, "results": rows}
        options.json.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
