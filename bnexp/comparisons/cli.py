"""`bnexp reproduce` and `bnexp rejudge`: their command lines."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bnexp.comparisons.config import load, names
from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.setting import Setting, read_setting
from bnexp.errors import UserError

if TYPE_CHECKING:
    from bnexp.comparisons.course import Course
    from bnexp.comparisons.entry import Entry
    from bnexp.sweep import Job
    from bnexp.sweep.engine import OtherLauncher

FLAGS = ("--list", "--dry-run", "--live", "--verbose", "-h", "--help")
HELP = """usage: bnexp reproduce [ID | WORDS ...] [key=value ...] [--list] [--dry-run] [--live]
                       [--verbose]

Run the documented comparisons, and print the documented figure, the measured one and a verdict.

  bnexp reproduce                       the core: a dozen claims, in minutes
  bnexp reproduce all                   all comparisons; A, B or I is a whole part
  bnexp reproduce B7 B13                two of them
  bnexp reproduce recurrent             the one that these words fit
  bnexp reproduce A6 --verbose          a calculation step by step; of B12 every seed's reading
  bnexp reproduce --list                every comparison in a line
  bnexp reproduce all data=fashion_mnist --dry-run     what would run, and how long

Pilot seeds choose what each arm is given, such as its best learning rate; judged seeds speak, and
are counted. More of them run until a claim is decided or max_seeds is reached.

keys:
  data=NAME      {data}
  preset=NAME    quick (does everything run?), default (7 judged seeds), full (up to 20)
  seeds=N        exactly N judged seeds; auto (as many as decide)
  max_seeds=N    at most so many      minutes=M    begin no further seeds after that
  evidence=FOLDER        go on from published seeds, with the published choices
  design=true    seeds for trying out a definition, which are never published
  out=FOLDER     where the ledger and its evidence go (default: ledger)
  comparisons=FOLDER     comparisons of your own, beside the documented ones
  live=FOLDER    keep a page up to date while runs are trained; --live is live=live
  hydra/launcher=ray     and any other launcher of `bnexp train -m`
  anything else goes to every run: model=..., device=..., runs_dir=..., workers=..., retry=failed

Runs are those of `bnexp train`: what is done is not trained again, and an interrupted command
goes on where it was. What is compared is in conf/comparison/, one file each."""
REJUDGE = """usage: bnexp rejudge FOLDER

Recompute every verdict of a ledger from its evidence.csv and choices.csv alone.

  bnexp rejudge results/digits"""


def main(arguments: list[str]) -> int:
    """Run `bnexp reproduce`; return the exit code."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print(HELP.format(data=", ".join(ledger_config()["datasets"])))
        return 0
    if "--list" in arguments:
        print(_listing())
        return 0
    live = ["live=live"] if "--live" in arguments else []
    setting, flags = read_setting([*arguments, *live])
    if unknown := flags - set(FLAGS):
        raise UserError(
            *(f"{flag}: no such flag; known are {', '.join(FLAGS)}" for flag in unknown)
        )
    return _reproduce(setting, flags, arguments)


def rejudge(arguments: list[str]) -> int:
    """Run `bnexp rejudge`; return the exit code."""
    if not arguments or any(argument in ("-h", "--help") for argument in arguments):
        print(REJUDGE)
        return 0 if arguments else 2
    if len(arguments) > 1:
        raise UserError(f"{arguments[1]}: rejudge takes one folder")
    from bnexp.comparisons import ledger
    from bnexp.comparisons.rejudge import again

    entries, told = again(Path(arguments[0]))
    ledger.show(entries, verbose=False)
    for line in told:
        print(f"bnexp: {line}", file=sys.stderr)
    return 0


def _listing() -> str:
    width = max(map(len, names()))
    return "\n".join(f"{name:<{width}}  {load(name).title}" for name in names())


def _reproduce(setting: Setting, flags: set[str], arguments: list[str]) -> int:
    from bnexp.comparisons import evidence
    from bnexp.comparisons.entry import entry_of
    from bnexp.comparisons.estimate import announcement
    from bnexp.comparisons.records import Records
    from bnexp.comparisons.run import courses_of, run_courses
    from bnexp.report.export import expect_folder
    from bnexp.sweep import Result, Stopped, run_all
    from bnexp.sweep.live import live_page
    from bnexp.sweep.table import show_runs

    published: dict[str, evidence.Published] = {}
    told: list[str] = []
    if setting.evidence:
        editions = {name: setting.edition_of(load(name)) for name in setting.ids}
        published, told = evidence.of_editions(evidence.read(Path(setting.evidence)), editions)
    for line in told:
        print(f"bnexp: {line}", file=sys.stderr)
    if "--dry-run" not in flags:
        expect_folder(Path(setting.out), says="out=")
    courses = courses_of(setting, published)
    jobs = list(courses[0].planner.known.values()) if courses else []
    config = jobs[0].plan.config if jobs else None
    records = Records(Path(config.runs_dir if config else "runs"), _command(arguments))
    print(announcement(courses, config.workers if config else None))
    if "--dry-run" in flags:
        for one in courses:
            print("\n".join(_plan_of(one)))
        return 0
    results: dict[str, Result] = {}

    def train(due: Sequence["Job"]) -> list[Result]:
        assert config is not None
        new = run_all(
            due,
            records.command,
            workers=config.workers,
            retry=config.retry,
            on_error=config.on_error,
            engine=engine,
            show=config.progress,
            live=page,
        )
        results.update({result.identity: result for result in new})
        if failed := [result for result in new if result.failed]:
            show_runs(
                [job for job in due if job.plan.identity in {r.identity for r in failed}], failed
            )
        return new

    engine = _engine(setting, arguments)
    try:
        with live_page(config.live if config else None, records.command) as page:
            run_courses(courses, records, train, setting.minutes, _tell)
    except Stopped as stopped:
        if stopped.by_signal:
            print("bnexp: interrupted; the same command goes on from there", file=sys.stderr)
            return 130
        print("bnexp: stopped at the first failure", file=sys.stderr)
        return 1
    entries = [entry_of(one) for one in courses]
    _write(entries, courses, setting, flags)
    failed = any(result.failed for result in results.values())
    return int(failed or any(one.problem for one in entries))


def _write(
    entries: Sequence["Entry"], courses: Sequence["Course"], setting: Setting, flags: set[str]
) -> None:
    from bnexp.comparisons import evidence, ledger
    from bnexp.comparisons.cards.ending import ending
    from bnexp.comparisons.page import write_page
    from bnexp.report.export import writing

    out = Path(setting.out)
    ledger.show(entries, "--verbose" in flags)
    with writing(out, says="out="):
        ledger.write(entries, setting, out)
        evidence.write(courses, out)
        page = write_page(entries, setting, out)
    print("\n".join(ending(entries, setting, page)))


def _tell(going: Sequence["Course"]) -> None:
    """Print, between two rounds, what is decided and what is open of each unfinished comparison."""
    for one in going:
        counted = [verdict for verdict in one.verdicts if verdict.counts]
        decided = sum(verdict.decided for verdict in counted)
        still = [verdict for verdict in counted if not verdict.decided]
        why = f"; {still[0].assertion.says}: {still[0].reason}" if still else ""
        print(
            f"  {one.comparison.id}: {len(one.counted)} seeds, {decided} of {len(counted)} decided"
            f"{why}; on to {one.count} seeds"
        )


def _plan_of(course: "Course") -> list[str]:
    """A comparison's runs in words, nothing trained."""
    one, setting = course.comparison, course.setting
    if not one.sweep and not one.fixed:
        return []
    seeds, most = setting.first(one), setting.most(one)
    shown = f"{seeds} to {most}" if most > seeds else str(seeds)
    pilots = f"{len(course.pilots)} pilot seeds choose, " if one.has_pilots else ""
    lines = [f"{one.id}: {pilots}{shown} judged seeds, {setting.epochs_of(one)} epochs"]
    for name, cells in (("sweep", course.sweep), ("fixed", course.fixed)):
        for cell in cells:
            lines.append(f"    {name}  {' '.join(line.lstrip('+') for line in cell.overrides)}")
    return lines


def _command(arguments: Sequence[str]) -> str:
    from bnexp.arguments import as_recorded

    return as_recorded("reproduce", arguments)


def _engine(setting: Setting, arguments: Sequence[str]) -> "OtherLauncher | None":
    """The launcher that the command line chooses, if it is not our own."""
    if not setting.launcher:
        return None
    from bnexp.compose import compose_launcher
    from bnexp.sweep.engine import OtherLauncher
    from bnexp.sweep.plugins import register

    register(arguments)
    return OtherLauncher.of(compose_launcher(setting.launcher), _command(arguments))
