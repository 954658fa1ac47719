#!/usr/bin/env python3
"""How fast a training step is, beside a bare loop and beside the script people write first.

    python scripts/bench_train.py                 # the table; most of an hour
    python scripts/bench_train.py --case mlp --repetitions 3 --json speed.json
    python scripts/bench_train.py --device cuda

Four loops over the same model, data, batch size and optimizer: bnexp with its default probes,
bnexp without probes, a bare loop (resident tensors, fused optimizer, nothing recorded), and a
torchvision-style dataset with per-image transforms behind a DataLoader. They take turns;
evaluation is excluded; medians of the repetitions, and ratios within a repetition. The loop with
probes runs a whole epoch of the dataset whose shape it has, since recordings are denser at the
start; the others run fewer steps where those are long. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision.transforms import v2 as transforms

from bnexp.compose import compose
from bnexp.data import Dataset, epoch_order, load
from bnexp.models import build_model
from bnexp.plan import Plan, plan
from bnexp.runs.record import Record
from bnexp.training.clock import Clock
from bnexp.training.forward import DTYPES, autocast, laid_out, memory_format
from bnexp.training.loop import Training
from bnexp.training.optimizers import make_optimizer
from bnexp.training.progress import Progress


@dataclass(frozen=True)
class Case:
    name: str
    overrides: tuple[str, ...]
    epoch: int  # steps with probes: an epoch of Fashion-MNIST, or of CIFAR-10
    steps: int  # of the other loops
    samples: int


@dataclass(frozen=True)
class Setup:
    case: Case
    precision: str
    threads: int
    device: str

    def wait(self) -> None:
        """For the device, so that a clock read here counts all that it was given."""
        if self.device == "cuda":
            torch.cuda.synchronize()


IMAGE, COLOUR = "data.shape=[1,28,28]", "data.shape=[3,32,32]"
CASES = {
    case.name: case
    for case in (
        Case("mlp", ("model=mlp_bn", IMAGE, "data.batch_size=64"), 859, 859, 12_800),
        Case("cnn", ("model=cnn_bn", COLOUR, "data.batch_size=128"), 351, 40, 3_840),
        Case("rnn", ("model=rnn_ln", IMAGE, "data.batch_size=64"), 859, 200, 12_800),
    )
}


class Images(TorchDataset[tuple[torch.Tensor, int]]):
    """What torchvision's datasets do: an image by index, transformed one by one."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        low, high = x.min(), x.max()
        images = ((x - low) / (high - low) * 255).byte()
        to_image = transforms.ToPILImage()
        self.images = [to_image(image) for image in images]
        self.labels = y.tolist()
        channels = [0.5] * x.shape[1]
        self.transform = transforms.Compose(
            [
                transforms.ToImage(),
                transforms.ToDtype(torch.float32, scale=True),
                transforms.Normalize(channels, channels),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def planned(setup: Setup, probes: str, steps: int = 0) -> Plan:
    case = setup.case
    keys = [
        "data=synthetic", "data.classes=10", f"data.samples={case.samples}", "optimizer=momentum",
        f"probes={probes}", f"precision={setup.precision}", f"threads={setup.threads}",
        f"training.max_steps={steps or case.steps}", "training.epochs=1000",
        f"device={setup.device}", "training.checkpoint_seconds=1e9", "training.evaluate_every=1000",
    ]  # fmt: skip
    return plan(*compose([*keys, *case.overrides]))


def trained(job: Plan) -> tuple[float, Clock]:
    """Seconds of a run from its start to its end, and what it says of them; nothing is kept."""
    with tempfile.TemporaryDirectory() as folder:
        record = Record(Path(folder), {"identity": "", "preset": "", "provenance": {}})
        training = Training(job, record, Progress(None, quiet=True), lambda: False)
        start = perf_counter()
        training.run()
        return perf_counter() - start, training.clock


def with_bnexp(probes: str) -> Callable[[Setup], float]:
    def seconds(setup: Setup) -> float:
        steps = setup.case.steps if probes == "none" else setup.case.epoch
        spent, clock = trained(planned(setup, probes, steps))
        return (spent - clock.seconds["evaluation"]) / steps

    return seconds


def bare(
    job: Plan, data: Dataset, device: torch.device
) -> tuple[nn.Module, torch.optim.Optimizer, torch.memory_format]:
    """What a loop of one's own begins with: the net, its optimizer, and how images lie."""
    torch.manual_seed(0)
    model = build_model(job.config.model, data.shape, data.classes)
    layout = memory_format(model, data.shape, "channels_last")
    model.to(device, memory_format=layout)
    return model, make_optimizer(job.config.optimizer, model.parameters()), layout


def with_a_bare_loop(setup: Setup) -> float:
    case, job = setup.case, planned(setup, "none")
    data, device = load(job.config.data), torch.device(setup.device)
    model, optimizer, layout = bare(job, data, device)
    x_all, y_all = laid_out(data.train_x, device, layout), data.train_y.to(device)
    cast = autocast(device, setup.precision)
    setup.wait()
    start = perf_counter()
    step = epoch = 0
    while step < case.steps:
        for indices in epoch_order(job.config.data, len(x_all), 0, epoch):
            indices = indices.to(device)
            x, y = x_all[indices], y_all[indices]
            with cast:
                loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            if step == case.steps:
                break
        epoch += 1
    setup.wait()
    return (perf_counter() - start) / case.steps


def with_a_data_loader(setup: Setup) -> float:
    case, job = setup.case, planned(setup, "none")
    data = load(job.config.data)
    torch.manual_seed(0)
    model = build_model(job.config.model, data.shape, data.classes).to(setup.device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    size = job.config.data.batch_size
    loader = DataLoader(Images(data.train_x, data.train_y), size, shuffle=True, drop_last=True)
    cast = autocast(torch.device(setup.device), setup.precision)
    start = perf_counter()
    step = 0
    while step < case.steps:
        for x, y in loader:
            x, y = x.to(setup.device), y.to(setup.device)
            optimizer.zero_grad()
            with cast:
                loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            loss.item()
            step += 1
            if step == case.steps:
                break
    return (perf_counter() - start) / case.steps


LOOPS: dict[str, Callable[[Setup], float]] = {
    "default probes": with_bnexp("default"),
    "no probes": with_bnexp("none"),
    "bare loop": with_a_bare_loop,
    "DataLoader": with_a_data_loader,
}


def measure(setup: Setup, repetitions: int) -> dict[str, object]:
    case = setup.case
    torch.set_num_threads(setup.threads)
    times: dict[str, list[float]] = {name: [] for name in LOOPS}
    with_a_bare_loop(setup)  # warms up
    for _ in range(repetitions):
        for name, loop in LOOPS.items():
            times[name].append(loop(setup))
    ratios = {
        name: statistics.median(
            mine / bare for mine, bare in zip(times[name], times["bare loop"], strict=True)
        )
        for name in LOOPS
    }
    milliseconds = {name: 1e3 * statistics.median(seconds) for name, seconds in times.items()}
    return {
        "case": case.name, "precision": setup.precision, "threads": setup.threads,
        "device": setup.device, "steps": case.steps,
        "steps_with_probes": case.epoch, "repetitions": repetitions,
        "ms_per_step": milliseconds, "ratio_to_bare_loop": ratios,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--case", choices=CASES, action="append", help="default: all")
    parser.add_argument("--precision", choices=DTYPES, action="append", help="default: fp32 bf16")
    parser.add_argument("--threads", type=int, action="append", help="default: 1 and all cores")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    every = {1} if options.device == "cuda" else {1, len(os.sched_getaffinity(0))}
    threads = options.threads or sorted(every)
    rows = []
    print("time of a step over that of the bare loop (and the bare loop's milliseconds)")
    print(f"{'case':<6}{'prec.':<7}{'threads':<9}" + "".join(f"{name:>16}" for name in LOOPS))
    for name in options.case or CASES:
        for precision in options.precision or ("fp32", "bf16"):
            for count in threads:
                row = measure(
                    Setup(CASES[name], precision, count, options.device), options.repetitions
                )
                rows.append(row)
                ratios, bare = row["ratio_to_bare_loop"], row["ms_per_step"]["bare loop"]  # type: ignore[index]
                shown = "".join(f"{ratio:>16.2f}" for ratio in ratios.values())  # type: ignore[attr-defined]
                print(f"{name:<6}{precision:<7}{count:<9}{shown}   ({bare:.2f} ms)", flush=True)
                if options.json:
                    write(options.json, options.device, rows)


def write(path: Path, device: str, rows: list[dict[str, object]]) -> None:
    """After every row, so that an end before the last one loses nothing."""
    name = torch.cuda.get_device_name() if device == "cuda" else device
    about = {"torch": torch.__version__, "device": name, "results": rows}
    path.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
