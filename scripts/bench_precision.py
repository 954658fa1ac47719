#!/usr/bin/env python3
"""What bf16 saves and costs: the 64-128-256 CNN with batch norm.

    python scripts/bench_precision.py --json precision.json

The time of a training step at batch size 128 on 3 x 32 x 32, runs in fp32 and bf16 taking turns;
and the final test accuracy on digits with the 95% t interval, and the difference paired by seed.
"""

import argparse
import json
import statistics
from pathlib import Path

import pandas as pd

from bnexp import train
from bnexp.report.statistics import mean_t, paired_difference


def step_seconds(precision: str, runs_dir: str) -> float:
    """Seconds of a training step on all cores, nothing recorded."""
    keys = ["model=cnn_bn", "data=synthetic", "data.shape=[3,32,32]", "data.classes=10",
            "data.samples=2560", "data.batch_size=128", "probes=none", "training.max_steps=20",
            "rerun=true", f"precision={precision}", f"runs_dir={runs_dir}"]  # fmt: skip
    results = train(*keys).results
    return float(results["seconds_training"] / results["steps"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--runs-dir", default="runs")
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    pairs = [
        [step_seconds(precision, options.runs_dir) for precision in ("fp32", "bf16")]
        for _ in range(4)
    ][1:]  # the first pair warms up
    ratio = statistics.median(full / half for full, half in pairs)
    full, half = (1e3 * statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"a step takes {full:.0f} ms in fp32, {half:.0f} ms in bf16: {ratio:.2f} times as fast")
    arms = {}
    for precision in ("fp32", "bf16"):
        keys = ["model=cnn_bn", "training.epochs=10", "probes=none", f"precision={precision}"]
        arms[precision] = pd.Series(
            {
                seed: train(*keys, f"seed={seed}", f"runs_dir={options.runs_dir}").results[
                    "test_accuracy"
                ]
                for seed in range(options.seeds)
            }
        )
    rows = []
    for name, found in (
        *((precision, mean_t(values, 0, 1)) for precision, values in arms.items()),
        ("bf16 minus fp32", mean_t(paired_difference(arms["bf16"], arms["fp32"]))),
    ):
        rows.append(
            {"arm": name, "n": found.n, "mean": found.centre, "low": found.low, "high": found.high}
        )
        print(
            f"{name:<16} {100 * found.centre:.2f}% [{100 * found.low:.2f}, {100 * found.high:.2f}]"
        )
    if options.json:
        speed = {"fp32_ms": full, "bf16_ms": half, "ratio": ratio, "pairs": len(pairs)}
        options.json.write_text(json.dumps({"speed": speed, "results": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
