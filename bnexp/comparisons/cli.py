"""`bnexp reproduce`: its command line."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnexp.comparisons.config import load, names
from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.setting import Setting, read_setting
from bnexp.errors import UserError

if TYPE_CHECKING:
    from bnexp.sweep.engine import OtherLauncher

FLAGS = ("--list", "--dry-run", "--verbose", "-h", "--help")
HELP = """usage: bnexp reproduce [ID ...] [key=value ...] [--list] [--dry-run] [--verbose]

Run the documented comparisons, and print the documented figure, the measured one and a verdict.

  bnexp reproduce                       all of them
  bnexp reproduce B7 B13                two of them; A, B or I is a whole part
  bnexp reproduce A6 --verbose          a calculation step by step
  bnexp reproduce --list                every comparison in a line
  bnexp reproduce data=fashion_mnist seeds=10 --dry-run    what would run, and how long

keys:
  data=NAME      {data}
  preset=NAME    quick (does everything run?), default, full
  seeds=N        seeds of every arm (default: the preset's)
  out=FOLDER     where ledger.csv, .json, .md and index.html go (default: ledger)
  comparisons=FOLDER     comparisons of your own, beside the documented ones
  hydra/launcher=ray     and any other launcher of `bnexp train -m`
  anything else goes to every run: model=..., device=..., runs_dir=..., workers=..., retry=failed

Runs are those of `bnexp train`: what is done is not trained again, and an interrupted command
goes on where it was. What is compared is in conf/comparison/, one file each."""


def main(arguments: list[str]) -> int:
    """Run `bnexp reproduce`; return the exit code."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print(HELP.format(data=", ".join(ledger_config()["datasets"])))
        return 0
    if "--list" in arguments:
        print(_listing())
        return 0
    setting, flags = read_setting(arguments)
    if unknown := flags - set(FLAGS):
        raise UserError(
            *(f"{flag}: no such flag; known are {', '.join(FLAGS)}" for flag in unknown)
        )
    return _reproduce(setting, flags, arguments)


def _listing() -> str:
    width = max(map(len, names()))
    return "\n".join(f"{name:<{width}}  {load(name).title}" for name in names())


def _reproduce(setting: Setting, flags: set[str], arguments: list[str]) -> int:
    from bnexp.comparisons.measurements import measure_due
    from bnexp.comparisons.run import judge_all, plan_all
    from bnexp.sweep import Stopped, run_all
    from bnexp.sweep.preview import preview
    from bnexp.sweep.table import show as show_runs

    due = plan_all(setting)
    jobs = [job for one in due for job in one.jobs]
    config = jobs[0].plan.config if jobs else None
    runs_dir = Path(config.runs_dir if config is not None else "runs")
    print(_announcement(setting, len(due), len({job.plan.identity for job in jobs})))
    if "--dry-run" in flags:
        for one in due:
            if one.jobs:
                epochs = setting.epochs_of(one.comparison)
                print(f"{one.comparison.id}: {len(one.jobs)} runs of {epochs} epochs")
                print("\n".join(f"    {_line(grid)}" for grid in setting.grids_of(one.comparison)))
        if jobs:
            print(preview(jobs, config.workers if config else None, None).splitlines()[-1])
        return 0
    results = []
    if config is not None:
        try:
            results = run_all(
                jobs,
                _command(arguments),
                workers=config.workers,
                retry=config.retry,
                on_error=config.on_error,
                engine=_engine(setting, arguments),
                show=config.progress,
            )
        except Stopped as stopped:
            show_runs(jobs, stopped.results)
            if stopped.by_signal:
                print("bnexp: interrupted; the same command goes on from there", file=sys.stderr)
                return 130
            return 1
        if any(result.failed for result in results):
            show_runs(jobs, results)
    measure_due((m for one in due for m in one.measurements), runs_dir, _command(arguments))
    entries = judge_all(due, results, runs_dir)

    from bnexp.comparisons import ledger
    from bnexp.comparisons.page import write_page

    out = Path(setting.out)
    ledger.write(entries, setting, out)
    page = write_page(entries, setting, out)
    ledger.show(entries, "--verbose" in flags)
    print(page)
    return int(any(result.failed for result in results) or any(one.problem for one in entries))


def _announcement(setting: Setting, comparisons: int, runs: int) -> str:
    minutes = ledger_config()["datasets"][setting.data].get("minutes", {}).get(setting.preset)
    expected = ""
    if minutes and runs:
        time = f"{minutes} minutes" if minutes < 100 else f"{minutes / 60:.0f} hours"
        expected = f"; all comparisons take about {time} on two cores"
    return (
        f"{comparisons} comparisons on {setting.data}, preset {setting.preset}: {setting.budget}, "
        f"{setting.seeds_of_most} seeds; {runs} runs{expected}"
    )


def _line(grid: Mapping[str, Any]) -> str:
    """A grid in a line, as on the command line."""
    flat = {key: value for key, value in grid.items() if key != "zip"} | grid.get("zip", {})
    return " ".join(f"{key}={str(value).replace(' ', '')}" for key, value in flat.items())


def _command(arguments: Sequence[str]) -> str:
    import shlex

    from bnexp.cli import without_folders

    return shlex.join(["bnexp", "reproduce", *map(without_folders, arguments)])


def _engine(setting: Setting, arguments: Sequence[str]) -> "OtherLauncher | None":
    """The launcher that the command line chooses, if it is not our own."""
    if not setting.launcher:
        return None
    from bnexp.compose import compose_launcher
    from bnexp.sweep.engine import OtherLauncher
    from bnexp.sweep.plugins import register

    register(arguments)
    return OtherLauncher.of(compose_launcher(setting.launcher), _command(arguments))
