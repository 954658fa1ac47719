#!/usr/bin/env python3
"""How time grows: of a training step, of a recording, of a sweep, of a ledger.

    python scripts/bench_growth.py --json growth.json
    python scripts/bench_growth.py --of ledger --json growth-ledger.json

One factor at a time. Steps, recordings and sweeps: around an MLP of 4 layers of 128 units at batch
size 64 on 1 x 28 x 28, one thread. Ledgers: around one row, 4 judged seeds after 2 pilots, a small
CNN with and without batch norm on 1 x 16 x 16, one worker; every row has nets of its own. The slope
is that of the least-squares line through the upper half of the points on logarithmic axes: 1 means
that the time doubles with the factor, 0 that it does not grow. Medians of alternating repetitions.
Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from bench_train import trained

from bnexp.compose import compose
from bnexp.plan import plan
from bnexp.sweep import expand, plan_jobs, run_all

REPOSITORY = Path(__file__).resolve().parents[1]
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
    _, clock = trained(plan(*compose(overrides)))
    return clock.seconds["training" if probes == "none" else "probing"] / STEPS


def sweep_seconds(runs: int) -> float:
    """Wall-clock seconds of a sweep of so many runs of 20 steps, one worker."""
    keys = ["model=mlp", "probes=none", "training.epochs=1", "device=cpu", f"seed=range({runs})"]
    with tempfile.TemporaryDirectory() as folder:
        jobs = plan_jobs(expand([*keys, f"runs_dir={folder}"]))
        start = perf_counter()
        run_all(jobs, "bench", workers=1, show=False)
        return perf_counter() - start


ROW = """section: "0"
kind: training
question: Does batch norm gain?
documented: it does
judge: growth_judge.gain
pilots: 2
base: [probes=none, device=cpu, threads=1, training.max_steps=60]
sweep:
  - data: synthetic
    data.samples: 1000
    data.classes: 4
    data.shape: "[1,{size},{size}]"
    model: cnn_small
    model.widths: "[8,{width}]"
    model.norm: "none,batch"
    optimizer: sgd
    optimizer.lr: "0.03,0.1,0.3"
choose:
  - {{name: best, per: [model.norm]}}
assertions:
  - {{quantity: gain, says: it gains, above: 0}}
"""
JUDGE = """from bnexp.comparisons import Finding
from bnexp.comparisons.accuracies import lead

def gain(runs, choices):
    none, batch = (choices.chosen(runs.runs, "best", model__norm=n) for n in ("none", "batch"))
    return Finding("it was measured", {"gain": lead(batch, none)})
"""
LEDGER = {"seeds": 4, "rows": 1, "image side": 16, "cores": 1}
LEDGER_FACTORS = {
    "seeds": (1, 2, 4, 8, 16, 32),
    "rows": (1, 2, 4, 8, 16),
    "image side": (8, 16, 32, 64),
    "cores": (1, 2),
}


def ledger_seconds(**factors: int) -> float:
    """Wall-clock seconds of `bnexp reproduce` from nothing, in a process of its own."""
    keys = LEDGER | factors
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "growth_judge.py").write_text(JUDGE)
        rows = [f"G{place}" for place in range(keys["rows"])]
        for place, row in enumerate(rows):
            text = ROW.format(size=keys["image side"], width=16 + place)
            (folder / f"{row}.yaml").write_text(f"# Row {place}\n{text}")
        line = [sys.executable, "-m", "bnexp", "reproduce", *rows, f"comparisons={folder}"]
        line += [f"seeds={keys['seeds']}", f"workers={keys['cores']}"]
        line += [f"runs_dir={folder}/runs", f"out={folder}/out"]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        start = perf_counter()
        subprocess.run(line, env=environment, check=True, stdout=subprocess.DEVNULL)
        return perf_counter() - start


def slope(x: list[int], y: list[float]) -> float:
    """Of the upper half of the points, on logarithmic axes."""
    half = min(len(x) // 2, len(x) - 2)
    return float(np.polyfit(np.log(x[half:]), np.log(y[half:]), 1)[0])


def _by(factor: str, measure: Callable[..., float]) -> Callable[[int], float]:
    return lambda value: measure(**{factor: value})


Measure = tuple[str, tuple[int, ...], str, Callable[[int], float]]
STEP_MEASURES: list[Measure] = [
    *((key, values, "step", _by(key, seconds)) for key, values in FACTORS.items()),
    ("probed layers", PROBED, "recording", lambda depth: seconds("all", **{"model.depth": depth})),
    ("runs", RUNS, "sweep", sweep_seconds),
]
LEDGER_MEASURES: list[Measure] = [
    (name, values, "ledger", _by(name, ledger_seconds)) for name, values in LEDGER_FACTORS.items()
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--of", choices=["step", "ledger"], default="step")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    measures = STEP_MEASURES if options.of == "step" else LEDGER_MEASURES
    rows = []
    for name, values, what, measure in measures:
        if what != "ledger":
            measure(values[0])  # warms up
        times: dict[int, list[float]] = {value: [] for value in values}
        for _ in range(options.repetitions if what not in ("sweep", "ledger") else 1):
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
