#!/usr/bin/env python3
"""How long `bnexp report` takes on many runs, and how much memory.

    python scripts/bench_report.py        # 10,000 runs: some minutes, 1 GB of disk
    python scripts/bench_report.py --runs 1000 --json report.json

The runs are copies of a few real ones (four norms, five learning rates, two seeds; digits, default
probes), each with a seed of its own; beyond `--seeds` an arm, with a batch size of its own.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bnexp.runs.identity import identity

REPOSITORY = Path(__file__).resolve().parents[1]
BNEXP = (sys.executable, "-m", "bnexp")
NORMS, RATES, SEEDS = "none,batch,layer,group", "0.01,0.03,0.1,0.3,1.0", 2
EXAMPLES = (
    "train", "-m", "model=mlp", f"model.norm={NORMS}", f"optimizer.lr={RATES}",
    f"seed=range({SEEDS})", "device=cpu", "threads=1", "training.save_weights=false",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=500, help="runs of an arm")
    parser.add_argument("--json", help="file to write the numbers to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, examples = Path(folder, "runs"), Path(folder, "examples")
        subprocess.run(
            [*BNEXP, *EXAMPLES, f"runs_dir={examples}"],
            env=environment(), check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        copy(sorted(examples.glob("*-*")), runs, options.runs, options.seeds // SEEDS)
        size = sum(path.stat().st_size for path in runs.glob("*/*"))
        cost = report(runs, Path(folder, "out"))
    numbers = {"runs": options.runs, "seeds": options.seeds, "records_mb": size / 1e6}
    numbers |= cost
    print("  ".join(f"{name} {value:,.4g}" for name, value in numbers.items()))
    if options.json:
        Path(options.json).write_text(json.dumps(numbers, indent=1) + "\n")


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(REPOSITORY)}


def copy(examples: list[Path], runs: Path, count: int, rounds: int) -> None:
    """Fill `runs` with copies of the examples; every `rounds` of them have a batch size more."""
    for number in range(count):
        turn, place = divmod(number, len(examples))
        header = json.loads((examples[place] / "run.json").read_text())
        config = header["config"]
        config["seed"] += SEEDS * (turn % rounds)
        config["data"]["batch_size"] += turn // rounds
        header["identity"] = identity(config, header["content"])
        folder = runs / f"{header['preset']}-{header['identity']}"
        shutil.copytree(examples[place], folder, copy_function=shutil.copyfile)
        (folder / "run.json").write_text(json.dumps(header, indent=1, sort_keys=True) + "\n")


def report(runs: Path, out: Path) -> dict[str, float]:
    """What the whole command takes."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [*BNEXP, "report", runs, "--out", out], env=environment(), stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"bnexp report ended with status {status}")
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss * 1024 / 1e6,
    }


if __name__ == "__main__":
    main()
