#!/usr/bin/env python3
"""How long a run takes beside busy processes, by the number of threads.

    python scripts/bench_busy.py                       # README's first command; some minutes
    python scripts/bench_busy.py --busy 0 4 --threads 1 --repetitions 1 model=mlp_bn

Each run is `bnexp train` in a process of its own, with what is typed, after as many endless loops
in Python were started as `--busy` says. Beside the default number of threads, which must not
collapse, are those that `--threads` names. Medians of the repetitions, in seconds, and the ratio to
the quiet time of the same number of threads. The conditions: beside four loops the default takes at
most twice its quiet time, and its quiet time is at most one and a half times the least.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

from bnexp.cores import cores

FIRST = ["+model=cnn_bn"]  # README's first command


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """As many processes that never rest."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def seconds(overrides: list[str], threads: int | None) -> float:
    """The time of one run that has not been done before."""
    typed = overrides if threads is None else [*overrides, f"threads={threads}"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bnexp", "train", *typed, f"runs_dir={folder}/runs"]
        start = perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("overrides", nargs="*", default=FIRST)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 4])
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cores()}))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    print(f"{cores()} cores; seconds of `bnexp train {' '.join(options.overrides)}`")
    print("threads  " + "  ".join(f"{f'{loops} busy':>14}" for loops in options.busy))
    rows: list[dict[str, object]] = []
    for threads in (None, *options.threads):
        cells, quiet = [], None
        for loops in options.busy:
            with busy(loops):
                times = [seconds(options.overrides, threads) for _ in range(options.repetitions)]
            median = statistics.median(times)
            quiet = median if loops == 0 else quiet
            ratio = "" if quiet is None else f" ({median / quiet:.2f}x)"
            cells.append(f"{f'{median:.1f}{ratio}':>14}")
            rows.append({"threads": threads or "default", "busy": loops, "seconds": median})
        print(f"{threads or 'default':>7}  " + "  ".join(cells), flush=True)
        if options.json:
            about = {"command": options.overrides, "cores": cores(), "results": rows}
            options.json.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
