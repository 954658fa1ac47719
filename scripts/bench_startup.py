#!/usr/bin/env python3
"""How long `bnexp train` takes to its first step, and how much memory a run holds.

    python scripts/bench_startup.py --json startup.json

Three processes take turns: one imports torch, one imports torch and reads the dataset, one is
`bnexp train`, stopped when its first step begins. Memory is the peak resident size of a whole run,
less that of importing torch and the size of data and weights. Run it on a machine that does
nothing else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

IMPORT = "import torch"
READ = """
import torch
from bnexp.compose import compose
from bnexp.plan import plan
from bnexp.data import load
load(plan(*compose(sys.argv[1:])).config.data)
"""
FIRST_STEP = """
from bnexp.cli import run


class StopAtFirstStep:  # torch is imported when bnexp wants it, not before
    def find_spec(self, name, path=None, target=None):
        if name == "bnexp.training.run":
            sys.meta_path.remove(self)
            from bnexp.training.loop import Training

            Training._probe = lambda *_, **__: os._exit(0)


sys.meta_path.insert(0, StopAtFirstStep())
run(["train", *sys.argv[1:]])
"""
WHOLE = """
from bnexp.cli import run
code = run(["train", *sys.argv[1:]])
sys.exit(code)
"""


def process(code: str, keys: list[str]) -> tuple[float, int]:
    """Seconds and peak resident bytes of a Python process."""
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-c", f"import os, sys\n{code}", *keys],
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
        spent = perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"a process failed: {keys}")
    return spent, usage.ru_maxrss * 1024


def bytes_of_data_and_model(keys: list[str]) -> int:
    """Tensors of the dataset and weights, gradients and momentum of the model."""
    from bnexp.compose import compose
    from bnexp.data import load
    from bnexp.models import build_model
    from bnexp.plan import plan

    config = plan(*compose(keys)).config
    data = load(config.data)
    model = build_model(config.model, data.shape, data.classes)
    weights = sum(p.numel() * p.element_size() for p in model.parameters())
    tensors = [data.train_x, data.train_y, data.val_x, data.val_y, data.test_x, data.test_y]
    return 3 * weights + sum(t.numel() * t.element_size() for t in tensors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    rows = []
    for model, data in (("mlp_bn", "digits"), ("cnn_bn", "digits"), ("mlp_bn", "fashion_mnist")):
        keys = [f"model={model}", f"data={data}"]
        times: dict[str, list[float]] = {"import": [], "read": [], "first step": []}
        for repetition in range(options.repetitions + 1):
            for name, code in (("import", IMPORT), ("read", READ), ("first step", FIRST_STEP)):
                spent, peak = process(code, keys)
                if repetition:
                    times[name].append(spent)
                if name == "import":
                    imported = peak
        short = [*keys, "training.epochs=1", "progress=false", "training.max_steps=60"]
        over = process(WHOLE, short)[1] - imported - bytes_of_data_and_model(keys)
        ratio = statistics.median(
            b / a for a, b in zip(times["read"], times["first step"], strict=True)
        )
        medians = {name: statistics.median(found) for name, found in times.items()}
        rows.append(
            {
                "model": model,
                "data": data,
                "seconds": medians,
                "ratio": ratio,
                "megabytes_over": over / 1e6,
            }
        )
        shown = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in medians.items())
        print(
            f"{model} on {data}: {shown}; ratio {ratio:.2f}; {over / 1e6:.0f} MB over", flush=True
        )
    if options.json:
        options.json.write_text(json.dumps({"results": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
