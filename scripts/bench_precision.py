#!/usr/bin/env python3
"""Whether bf16 costs accuracy: the 64-128-256 CNN with batch norm on digits, over seeds.

    python scripts/bench_precision.py --json precision.json

Final test accuracy in fp32 and in bf16 with the 95% t interval, and the difference paired by seed.
"""

import argparse
import json
from pathlib import Path

import pandas as pd

from bnexp import train
from bnexp.report.statistics import difference, mean_t


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--runs-dir", default="runs")
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
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
        ("bf16 minus fp32", difference(arms["fp32"], arms["bf16"])),
    ):
        centre = found.mean if hasattr(found, "mean") else found.centre
        rows.append(
            {"arm": name, "n": found.n, "mean": centre, "low": found.low, "high": found.high}
        )
        print(f"{name:<16} {100 * centre:.2f}% [{100 * found.low:.2f}, {100 * found.high:.2f}]")
    if options.json:
        options.json.write_text(json.dumps({"results": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
