#!/usr/bin/env python3
"""How many training steps a second a GPU sustains, by how the nets are run on it.

    python scripts/bench_gpu.py                      # some four minutes on one GPU
    python scripts/bench_gpu.py --json gpu.json
    python scripts/bench_gpu.py --device cpu         # the same ways on one core, less those of CUDA

A step is forward, loss, backward and SGD with momentum on a batch that lies on the device. The
ways: eager; model compiled; the whole step as one CUDA graph; K nets in one step with
`torch.func.vmap` (an experiment: bnexp trains one net at a time); P processes side by side, each
eager. Steps a second count those of every net. Ways take turns; medians of the repetitions. Sweeps
are of bnexp itself, with more and more workers on the one device, and on as many cores. Run it on a
machine that does nothing else.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.compose import compose
from bnexp.models import build_model
from bnexp.plan import plan
from bnexp.training.forward import laid_out, memory_format

REPOSITORY = Path(__file__).resolve().parents[1]
Step = Callable[[], object]


@dataclass(frozen=True)
class Net:
    model: str
    shape: tuple[int, ...]
    batch: int
    overrides: tuple[str, ...] = ()


NETS = {
    "mlp": Net("mlp_bn", (1, 8, 8), 64),
    "cnn_small": Net("cnn_small", (1, 28, 28), 64, ("model.norm=batch",)),
    "cnn": Net("cnn_bn", (3, 32, 32), 128),
}
TOGETHER = (8, 64)  # nets in one vmapped step
PROCESSES = (4, 16)
WORKERS = (1, 4, 16)


def built(net: Net, device: str) -> tuple[nn.Module, Tensor, Tensor]:
    shape = ",".join(map(str, net.shape))
    keys = [f"model={net.model}", "data=synthetic", f"data.shape=[{shape}]"]
    job = plan(*compose([*keys, *net.overrides, "data.classes=10", "device=cpu"]))
    torch.manual_seed(0)
    model = build_model(job.config.model, net.shape, 10)
    layout = memory_format(model, net.shape, "channels_last")
    model.to(device, memory_format=layout)
    x = laid_out(torch.randn(net.batch, *net.shape), torch.device(device), layout)
    return model, x, torch.randint(0, 10, (net.batch,), device=device)


def eager(net: Net, device: str, precision: str = "fp32", compiled: bool = False) -> Step:
    model, x, y = built(net, device)
    forward = torch.compile(model) if compiled else model
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, fused=True)

    def step() -> None:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=precision == "bf16"):
            loss = F.cross_entropy(forward(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def graph(net: Net, device: str, precision: str = "fp32") -> Step:
    step = eager(net, device, precision)
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # as PyTorch asks: before capture some steps on another stream
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        step()

    def replay(kept: Step = step) -> None:  # the graph reads the tensors of `kept`
        captured.replay()

    return replay


def together(net: Net, device: str, count: int) -> Step:
    """One step of `count` nets that differ in their weights and see the same batch."""
    models = [built(net, device)[0] for _ in range(count)]
    _, x, y = built(net, device)
    params, buffers = torch.func.stack_module_state(models)
    momentum = {name: torch.zeros_like(value) for name, value in params.items()}

    def loss(one: dict[str, Tensor], state: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(torch.func.functional_call(models[0], (one, state), (x,)), y)

    gradient = torch.func.vmap(torch.func.grad(loss), randomness="different")

    def step() -> None:
        found = gradient(params, buffers)
        with torch.no_grad():
            names = list(params)
            torch._foreach_mul_([momentum[name] for name in names], 0.9)
            torch._foreach_add_([momentum[name] for name in names], [found[n] for n in names])
            torch._foreach_add_(list(params.values()), list(momentum.values()), alpha=-0.01)

    return step


def milliseconds(step: Step, device: str, seconds: float) -> float:
    """Of one step, over about so many seconds."""

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    for _ in range(5):
        step()
    wait()
    start, steps = perf_counter(), 0
    while perf_counter() - start < seconds:
        for _ in range(20):
            step()
        wait()
        steps += 20
    return 1e3 * (perf_counter() - start) / steps


def ways(name: str, device: str, repetitions: int, seconds: float) -> list[dict[str, Any]]:
    net = NETS[name]
    made: dict[str, Callable[[], Step]] = {
        "eager": lambda: eager(net, device),
        "eager, bf16": lambda: eager(net, device, "bf16"),
        "compiled": lambda: eager(net, device, compiled=True),
    }
    if device == "cuda":
        made["CUDA graph"] = lambda: graph(net, device)
        made["CUDA graph, bf16"] = lambda: graph(net, device, "bf16")
    made |= {f"vmap of {count}": lambda n=count: together(net, device, n) for count in TOGETHER}  # type: ignore[misc]
    steps: dict[str, Step] = {}
    begun = {}
    rows = []
    for way, make in made.items():
        start = perf_counter()
        try:
            steps[way] = make()
            steps[way]()
        except Exception as error:  # what a net or a machine cannot do is a finding
            steps.pop(way, None)
            rows.append({"net": name, "way": way, "failed": str(error).splitlines()[0][:200]})
        begun[way] = perf_counter() - start
    turns: dict[str, list[float]] = {way: [] for way in steps}
    for _ in range(repetitions):
        for way, step in steps.items():
            turns[way].append(milliseconds(step, device, seconds))
    for way, times in turns.items():
        nets = int(way.rpartition(" ")[2]) if way.startswith("vmap") else 1
        middle = statistics.median(times)
        rows.append(
            {
                "net": name, "way": way, "ms": middle, "steps_per_second": 1e3 * nets / middle,
                "first_seconds": begun[way],
                "ratio_to_eager": statistics.median(
                    nets * bare / mine for mine, bare in zip(times, turns["eager"], strict=True)
                ),
            }
        )  # fmt: skip
    return rows


CHILD = """
import sys
import torch
torch.set_num_threads(1)
from scripts.bench_gpu import NETS, eager, milliseconds
step = eager(NETS[sys.argv[1]], sys.argv[2])
step()
print("ready", flush=True)
sys.stdin.readline()
print(milliseconds(step, sys.argv[2], float(sys.argv[3])), flush=True)
"""


def side_by_side(name: str, device: str, count: int, seconds: float) -> dict[str, Any]:
    """Steps a second of `count` processes that begin together."""
    line = [sys.executable, "-c", CHILD, name, device, str(seconds)]
    environment = os.environ | {"PYTHONPATH": python_path(), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    started = [
        subprocess.Popen(line, env=environment, text=True, **pipes)  # type: ignore[call-overload]
        for _ in range(count)
    ]
    for process in started:
        process.stdout.readline()
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    times = [float(process.communicate()[0]) for process in started]
    return {
        "net": name, "processes": count, "ms": statistics.median(times),
        "steps_per_second": sum(1e3 / time for time in times),
    }  # fmt: skip


def python_path() -> str:
    return os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])


def sweep(device: str, workers: int, runs: int) -> dict[str, Any]:
    """Runs a second of one command of bnexp: an MLP on digits, 10 epochs, no probes."""
    with tempfile.TemporaryDirectory() as folder:
        line = ["train", "-m", "model=mlp_bn", "training.epochs=10", "probes=none"]
        line += [f"device={device}", "threads=1", f"workers={workers}", f"runs_dir={folder}"]
        start = perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "bnexp", *line, f"seed=range({runs})"],
            env=os.environ | {"PYTHONPATH": python_path()}, capture_output=True, text=True,
        )  # fmt: skip
        seconds = perf_counter() - start
        if done.returncode:
            return {"device": device, "workers": workers, "failed": done.stderr[-200:]}
        records = [json.loads(path.read_text()) for path in Path(folder).glob("*/run.json")]
        own = statistics.median(record["results"]["seconds_total"] for record in records)
    return {
        "device": device, "workers": workers, "runs": runs, "seconds": seconds,
        "runs_per_second": runs / seconds, "median_run_seconds": own,
    }  # fmt: skip


def show(row: dict[str, Any]) -> None:
    cells = (f"{x:.4g}" if isinstance(x, float) else str(x) for x in row.values())
    print("  ".join(f"{cell:<18}" for cell in cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cuda", choices=["cpu", "cuda"])
    parser.add_argument("--net", choices=NETS, action="append", help="default: all")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of one measurement")
    parser.add_argument("--runs", type=int, default=8, help="of a sweep's worker; 0: no sweeps")
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device here; --device cpu measures one core")
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    found: dict[str, Any] = {
        "device": name, "torch": torch.__version__, "cores": len(os.sched_getaffinity(0)),
        "repetitions": options.repetitions, "ways": [], "side_by_side": [], "sweep": [],
    }  # fmt: skip

    def note(kind: str, row: dict[str, Any]) -> None:
        found[kind].append(row)
        show(row)
        if options.json:  # as far as it has come, so that an end by a time limit loses nothing
            options.json.write_text(json.dumps(found, indent=1) + "\n")

    cores = found["cores"]
    for net in options.net or NETS:
        for row in ways(net, options.device, options.repetitions, options.seconds):
            note("ways", row)
    sweeps = [(options.device, workers) for workers in WORKERS if workers <= cores]
    for device, workers in dict.fromkeys([*sweeps, ("cpu", sweeps[-1][1])]):
        if options.runs:
            note("sweep", sweep(device, workers, options.runs * workers))
    for net in options.net or ("mlp", "cnn_small"):
        for count in PROCESSES:
            if count <= cores:
                note("side_by_side", side_by_side(net, options.device, count, options.seconds))


if __name__ == "__main__":
    main()
