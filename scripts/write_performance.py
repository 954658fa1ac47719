#!/usr/bin/env python3
"""Fill the tables of results/performance.md, and draw its figure, from results/performance/*.json.

    python scripts/bench_train.py --case mlp --json results/performance/train-mlp.json   # and so on
    python scripts/write_performance.py

The benchmarks write the JSON files; a table stands between its two marks in the page.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from bnexp.report.chart import style
from bnexp.report.figures.drawing import plain_log
from bnexp.report.style import INK, MUTED

RESULTS = Path(__file__).resolve().parents[1] / "results"
SOURCES = RESULTS / "performance"
Rows = list[list[str]]


def read(pattern: str) -> list[dict[str, Any]]:
    """Every file of a benchmark."""
    return [json.loads(path.read_text()) for path in sorted(SOURCES.glob(pattern))]


def markdown(head: list[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def train() -> str:
    rows = []
    for row in (row for file in read("train-*.json") for row in file["results"]):
        ratios = row["ratio_to_bare_loop"]
        device = row.get("device", "cpu")
        rows.append(
            [
                row["case"].upper(), row["precision"],
                str(row["threads"]) if device == "cpu" else "GPU",
                f"{row['ms_per_step']['bare loop']:.2f}",
                *(f"{ratios[name]:.2f}" for name in ("default probes", "no probes", "DataLoader")),
                f"{ratios['DataLoader'] / ratios['default probes']:.1f}", str(row["repetitions"]),
            ]
        )  # fmt: skip
    head = [
        "model", "precision", "threads", "bare loop, ms a step", "bnexp, default probes",
        "bnexp, no probes", "DataLoader script", "images/s over the script", "repetitions",
    ]  # fmt: skip
    return markdown(head, rows)


def step() -> str:
    rows = [
        ["-".join(map(str, file["sizes"])), str(file["threads"]), row["way"],
         f"{row['ms_per_step']:.2f}", f"{row['ratio_to_eager']:.2f}",
         f"{row['first_epoch_seconds']:.1f}",
         _pays(row)]
        for file in read("step-*.json")
        for row in file["results"]
    ]  # fmt: skip
    head = ["layers", "threads", "way", "ms a step", "over eager", "first epoch, s",
            "steps until it pays"]  # fmt: skip
    return markdown(head, rows)


def _pays(row: dict[str, Any]) -> str:
    if row["way"] == "eager":
        return ""
    return f"{row['steps_to_pay']:,.0f}" if row["steps_to_pay"] else "never"


def parts() -> str:
    files = [file for file in read("step-*.json") if file["sizes"][0] == 784]
    names = list(files[0]["microseconds"]) if files else []
    rows = [[str(f["threads"]), *(f"{f['microseconds'][n]:.0f}" for n in names)] for f in files]
    return markdown(["threads", *names], rows)


def startup() -> str:
    rows = [
        [f"{row['model']} on {row['data']}",
         *(f"{row['seconds'][name]:.2f}" for name in ("import", "read", "first step")),
         f"{row['ratio']:.2f}", f"{row['megabytes_over']:.0f}"]
        for file in read("startup*.json")
        for row in file["results"]
    ]  # fmt: skip
    head = ["run", "import torch, s", "and read the data, s", "`bnexp train` to its first step, s",
            "ratio", "memory over torch, data and model, MB"]  # fmt: skip
    return markdown(head, rows)


def growth() -> str:
    rows = []
    for row in (row for file in read("growth*.json") for row in file["results"]):
        least, most = row["values"][0], row["values"][-1]
        unit, scale = _unit(row)
        first, last = (scale * seconds for seconds in (row["seconds"][0], row["seconds"][-1]))
        rows.append(
            [row["factor"], f"a {row['of']}", f"{least} to {most}",
             f"{first:.2f} to {last:.2f} {unit}", f"{row['slope']:.2f}"]
        )  # fmt: skip
    return markdown(["factor", "time of", "from, to", "time", "slope"], rows)


def _unit(row: dict[str, Any]) -> tuple[str, float]:
    """Seconds of a ledger, milliseconds of the rest."""
    return ("s", 1.0) if row["of"] == "ledger" else ("ms", 1e3)


def precision() -> str:
    [file] = read("precision*.json")
    speed = file["speed"]
    rows = [
        [row["arm"], *(f"{100 * row[name]:.2f}" for name in ("mean", "low", "high")), str(row["n"])]
        for row in file["results"]
    ]
    return (
        f"A step takes {speed['fp32_ms']:.0f} ms in fp32 and {speed['bf16_ms']:.0f} ms in bf16: "
        f"{speed['ratio']:.2f} times as fast, median of {speed['pairs']} pairs of runs.\n\n"
        + markdown(["", "test accuracy, %", "low", "high", "n"], rows)
    )


def report() -> str:
    rows = [
        [f"{file['runs']:,}", f"{file['records_mb']:.0f}", f"{file['seconds']:.0f}",
         f"{file['peak_mb']:.0f}"]
        for file in read("report*.json")
    ]  # fmt: skip
    return markdown(["runs", "records, MB", "`bnexp report`, s", "peak memory, MB"], rows)


def gpu() -> str:
    """Steps a second of every way, nets of one kind below each other."""
    parts = []
    for file in read("gpu*.json"):
        rows = [
            [row["net"], row["way"], f"{row['ms']:.2f}", f"{row['steps_per_second']:,.0f}",
             f"{row['ratio_to_eager']:.2f}", f"{row['first_seconds']:.1f}"]
            if "ms" in row
            else [row["net"], row["way"], "does not run", "", "", ""]
            for row in file["ways"]
        ]  # fmt: skip
        head = ["net", "way", "ms a step", "steps a second, all nets", "times eager",
                "first step, s"]  # fmt: skip
        about = (
            f"{file['device']}, PyTorch {file['torch']}, medians of {file['repetitions']} turns."
        )
        parts += [about, markdown(head, rows)]
        parts += [
            f"A sweep of an MLP on digits, 10 epochs a run, {row['workers']} at a time on "
            f"{row['device']}: {row['runs']} runs in {row['seconds']:.0f} s, start-up with "
            f"it; a run alone {row['median_run_seconds']:.2f} s."
            for row in file["sweep"]
            if "runs" in row
        ]
    return "\n\n".join(parts)


def norms_on_gpu() -> str:
    """Every normaliser beside PyTorch's batch norm, contiguous."""
    [rows] = read("norms-gpu*.json")
    shown = [
        [row["norm"], f"{row['both_ms']:.2f}", f"{row['both_ratio']:.2f}", f"{row['kept']:.1f}",
         f"{row['peak']:.1f}"]
        for row in rows
        if not row["channels_last"]
    ]  # fmt: skip
    head = ["norm", "forward and backward, ms", "times PyTorch's batch norm",
            "kept for backward, inputs", "peak memory, inputs"]  # fmt: skip
    return markdown(head, shown)


def ledger() -> str:
    """The time of each preset by part, and of its rows, the dearest first."""
    parts = []
    for file in read("ledger-*.json"):
        name = " ".join(["bnexp reproduce", *file["arguments"]])
        first, again = file["first"], file.get("again")
        told = ", ".join(f"{part} {spent:.1f}" for part, spent in first["parts"].items())
        text = f"`{name}` from nothing: {first['seconds']:.0f} s on {first['workers']} workers "
        text += f"(seconds: {told}; waiting adds up over workers)."
        if again is not None:
            text += f" With all runs done: {again['seconds']:.1f} s."
        rows = [
            [row["row"], str(row["runs"]),
             *(f"{row[part]:.1f}" for part in ("training", "evaluation", "probing", "judging"))]
            for row in sorted(first["rows"], key=lambda row: -row["training"] - row["evaluation"])
            if row["runs"]
        ]  # fmt: skip
        head = ["row", "runs", "training, s", "evaluation, s", "probes, s", "judging, s"]
        parts += [text, markdown(head, rows)]
    return "\n\n".join(parts)


def epoch() -> str:
    rows = [
        [str(row["threads"]), f"{row['first_epoch']:.2f}", f"{row['later_epoch']:.2f}",
         str(row["repetitions"])]
        for row in read("epoch.json")[0]["results"]
    ]  # fmt: skip
    return markdown(["threads", "a run of one epoch", "an epoch after it", "repetitions"], rows)


def busy() -> str:
    rows = [
        [str(row["threads"]), str(row["busy"]), f"{row['seconds']:.1f}",
         f"{row['seconds'] / quiet['seconds']:.2f}"]
        for file in read("busy*.json")
        for row in file["results"]
        for quiet in file["results"]
        if quiet["threads"] == row["threads"] and not quiet["busy"]
    ]  # fmt: skip
    return markdown(["threads", "busy processes beside it", "s", "times as long as alone"], rows)


def sweep() -> str:
    rows = [
        [row["name"], str(file["runs"]), f"{row['runs_per_second']:.2f}",
         f"{row['efficiency']:.2f}", f"{row['training_ms']:.0f}",
         f"{row['beyond_training_ms']:.0f}", f"{row['done_ms']:.1f}"]
        for file in read("sweep*.json")
        for row in file["results"]
    ]  # fmt: skip
    head = ["sweep", "runs", "runs a second", "of one worker's, by worker", "training, ms a run",
            "beyond training, ms a run and worker", "a done run, ms"]  # fmt: skip
    return markdown(head, rows)


def draw_growth() -> None:
    """One panel a factor, logarithmic, with the slope in its title."""
    found = [row for file in read("growth*.json") for row in file["results"]]
    if not found:
        return
    with style():
        figure = Figure(figsize=(9, 2.6 * -(-len(found) // 3)), layout="constrained")
        for ax, row in zip(figure.subplots(-(-len(found) // 3), 3).flat, found, strict=False):
            unit, scale = _unit(row)
            ax.plot(row["values"], [scale * s for s in row["seconds"]], "o-", color=INK)
            plain_log(ax, "x")
            plain_log(ax, "y")
            ax.set(xlabel=row["factor"].rpartition(".")[2].replace("_", " "),
                   ylabel=f"{unit} a {row['of']}",
                   title=f"slope {row['slope']:.2f} in the upper half")  # fmt: skip
            ax.tick_params(colors=MUTED)
        for ax in figure.axes[len(found) :]:
            ax.set_visible(False)
        figure.savefig(RESULTS / "figures" / "growth.svg", metadata={"Date": None})


TABLES: dict[str, Callable[[], str]] = {
    "train": train, "step": step, "parts": parts, "startup": startup, "growth": growth,
    "bf16": precision, "report": report, "gpu": gpu, "gpu norms": norms_on_gpu,
    "ledger": ledger, "sweep": sweep, "busy": busy, "epoch": epoch,
}  # fmt: skip


def main() -> None:
    page = RESULTS / "performance.md"
    text = page.read_text()
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->", f"<!-- end {name} -->"
        block = f"{start}\n{table()}\n{end}"
        text = re.sub(f"{start}.*?{end}", lambda _, block=block: block, text, flags=re.DOTALL)
    page.write_text(text)
    draw_growth()


if __name__ == "__main__":
    main()
