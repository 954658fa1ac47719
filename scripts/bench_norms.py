#!/usr/bin/env python3
"""Time and memory of every normaliser, forward and backward, beside PyTorch's batch norm.

    python scripts/bench_norms.py                 # three shapes on a CPU; a minute
    python scripts/bench_norms.py --shape 64,32,16,16 --json norms.json
    python scripts/bench_norms.py --device cuda   # peak memory too

Images are measured with channels first and last. All layers take turns; a ratio is the median of
the ratios within a turn, so that a busy machine slows both sides. `kept` is what autograd holds
for the backward pass, in units of the input (the formula of every normaliser needs the input
once, and vectors). Weight and spectral norm are measured on a layer from C to C channels, beside
that layer bare.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from time import perf_counter

import torch
from torch import Tensor, nn

from bnexp.norms import attach_norm, make_norm
from bnexp.norms.catalogue import NORMS

SHAPES = [(128, 256), (64, 32, 28, 28), (32, 128, 16, 16)]
REFERENCE = "torch batch"


def layers(shape: tuple[int, ...]) -> dict[str, nn.Module]:
    """PyTorch's own and ours; then a bare linear or convolutional layer, and its weight norms."""
    channels, space = shape[1], len(shape) - 2
    made: dict[str, nn.Module] = {
        REFERENCE: (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[space](
            channels
        ),
        "torch group": nn.GroupNorm(8, channels),
    }
    if space:
        instance = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)[space - 1]
        made["torch instance"] = instance(channels, affine=True)
    else:
        made["torch layer"] = nn.LayerNorm(channels)
        made["torch rms"] = nn.RMSNorm(channels)
    for name, info in NORMS.items():
        if not (
            info.on_weights or (info.needs_space and not space) or (info.recurrent_only and space)
        ):
            made[name] = make_norm(name, channels)
    for name in ("bare layer", "weight", "spectral"):
        layer: nn.Module = nn.Linear(channels, channels)
        if space:
            layer = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[space - 1](channels, channels, 3, padding=1)
        made[name] = layer if name == "bare layer" else attach_norm(layer, name, channels)[0]
    return made


def kept(layer: nn.Module, x: Tensor) -> float:
    """Bytes held for the backward pass, parameters and buffers apart, over those of x."""
    own = {t.untyped_storage().data_ptr() for t in [*layer.parameters(), *layer.buffers()]}
    held: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        layer(x)
    return sum(held.values()) / x.nbytes


def timed(run: Callable[[], object], device: str, repeat: int) -> float:
    """Milliseconds of one run, after one that brings everything into the caches."""
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    start = perf_counter()
    for _ in range(repeat):
        run()
    if device == "cuda":
        torch.cuda.synchronize()
    return (perf_counter() - start) * 1e3 / repeat


def peak(layer: nn.Module, x: Tensor, gradient: Tensor) -> float:
    """Peak memory of forward and backward beyond what was there, over the bytes of x."""
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    layer(x).backward(gradient)
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / x.nbytes


def measure(
    shape: tuple[int, ...], memory: torch.memory_format, args: argparse.Namespace
) -> list[dict[str, object]]:
    torch.manual_seed(0)
    x = torch.randn(shape, device=args.device).to(memory_format=memory).requires_grad_()
    gradient = torch.randn_like(x)
    made = {name: layer.to(args.device) for name, layer in layers(shape).items()}
    repeat = max(1, 2_000_000 // x.numel())
    forward: dict[str, list[float]] = {name: [] for name in made}
    both: dict[str, list[float]] = {name: [] for name in made}

    def step(layer: nn.Module) -> None:
        layer(x).backward(gradient)
        x.grad = None

    for turn in range(args.turns + 1):
        for name, layer in made.items():
            forward[name].append(timed(lambda layer=layer: layer(x), args.device, repeat))
            both[name].append(timed(lambda layer=layer: step(layer), args.device, repeat))
        if turn == 0:  # warm-up
            forward, both = ({name: [] for name in made} for _ in range(2))
    rows = []
    for name, layer in made.items():
        beside = REFERENCE if name not in ("weight", "spectral") else "bare layer"
        row: dict[str, object] = {
            "shape": "x".join(map(str, shape)),
            "channels_last": memory == torch.channels_last,
            "norm": name,
            "forward_ms": statistics.median(forward[name]),
            "both_ms": statistics.median(both[name]),
            "forward_ratio": ratio(forward[name], forward[beside]),
            "both_ratio": ratio(both[name], both[beside]),
            "kept": kept(layer, x),
        }
        if args.device == "cuda":
            row["peak"] = peak(layer, x, gradient)
        rows.append(row)
    return rows


def ratio(times: list[float], beside: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(times, beside, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", action="append", help="N,C[,D[,H[,W]]]; may be repeated")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--json", help="write the rows to this file too")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    shapes = [tuple(map(int, s.split(","))) for s in args.shape] if args.shape else SHAPES
    rows = []
    measured = [
        (shape, memory)
        for shape in shapes
        for memory in (torch.contiguous_format, torch.channels_last)
        if len(shape) == 4 or memory == torch.contiguous_format
    ]
    for shape, memory in measured:
        found = measure(shape, memory, args)
        columns = list(found[0])[2:]
        layout = ", channels last" if memory == torch.channels_last else ""
        print(f"\n{found[0]['shape']}{layout}, {args.device}, {args.threads} thread(s)")
        print(f"{columns[0]:<16}" + "".join(f"{column:>15}" for column in columns[1:]))
        for row in found:
            print(f"{row['norm']:<16}" + "".join(f"{row[c]:>15.3f}" for c in columns[1:]))
        rows += found
    if args.json:
        with open(args.json, "w") as file:  # noqa: PTH123
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
