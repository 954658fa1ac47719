"""`bnexp compare`: its command line. Heavy imports wait for the work."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bnexp.errors import UserError

if TYPE_CHECKING:
    from bnexp.versus.answer import Answer
    from bnexp.versus.call import Call
    from bnexp.versus.run import Going

FORMATS = ("text", "md", "csv", "latex", "json")
HELP = """usage: bnexp compare key=value,value ... [--plan] [--save C1.yaml] [--format FORMAT]
       bnexp compare FOLDER ... [CONDITION ...] --by KEYS
       bnexp compare FILE.csv [--by COLUMNS]

Which arm is better, and is it sure? Pilot seeds choose each arm's learning rate, judged seeds are
added until each pair is decided.

  bnexp compare model.norm=batch,group,layer model=module model.name=mynet.MyNet
  bnexp compare 'sweep=[{model: mlp}, {model: mlp_bn, model.placement: "before,after"}]'
  bnexp compare model=mlp model.norm=none,batch metric=epochs_to:0.9 max_seeds=30
  bnexp compare runs --by model.norm          of runs that are there
  bnexp compare seeds.csv                     a column `seed`, and one for each arm; metric=loss
                                              or accuracy says which side is better
  bnexp compare seeds.csv --by arm            a column `seed`, one of arms, one of numbers

Arms are whatever a sweep can say; the first is the control. Every other key goes to every run.

keys:
  metric=NAME     accuracy (default), loss, epochs_to:A, seconds_to:A, largest_lr, or a column of
                  the records, such as best_val_accuracy
  margin=X        also tell "as good as": within X, in the metric's unit; of a factor, 0.1 is
                  from 0.9x to 1.1x
  control=ARM     the arm that the others are held against: its label, or a value of its own
  lr=auto         the default: pilots choose each arm's rate; a number is every arm's rate.
                  An arm whose optimizer.lr is typed keeps it
  max_seeds=N     judged seeds at most (default 20)      seeds=N    exactly so many
  minutes=M       begin nothing after that; the same command goes on from there
  pilots=N        pilot seeds (default 5)
  difference=X    with --plan: the difference asked about (default 0.5 points, 0.01 or 1.1x)
  out=FOLDER      where the page goes (default: compare)
  hydra/launcher=ray     and any other launcher of `bnexp train -m`

flags:
  --plan          train the pilots, and say how many seeds and minutes a difference would take
  --dry-run       what would run; trains nothing
  --live          keep a page up to date meanwhile: live/index.html, or live=FOLDER
  --save C1.yaml  write the comparison, for `bnexp reproduce C1 comparisons=.`
  --format NAME   text (default), md, csv, latex or json, on stdout
  --by KEYS       what tells the arms of runs apart, or the column of a CSV that names the arm

Pilots have the seeds 1,000,000, ..., judged ones 0, 1, 2, ...; what is done is not trained again,
and an interrupted command goes on where it was."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"compare: {message}; see bnexp compare --help")


def _parser() -> _Parser:
    parser = _Parser(prog="bnexp compare", add_help=False, allow_abbrev=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--save")
    parser.add_argument("--by")
    parser.add_argument("--format", choices=FORMATS, default="text")
    return parser


def main(arguments: list[str]) -> int:
    """Run `bnexp compare`; return the exit code."""
    if not arguments or any(argument in ("-h", "--help") for argument in arguments):
        print(HELP)
        return 0 if arguments else 2
    given = _parser().parse_intermixed_args(arguments)
    from bnexp.arguments import as_recorded
    from bnexp.versus.call import read_call

    call = read_call([*given.words, *(["live=live"] if given.live else [])], given.by)
    command = as_recorded("compare", arguments)
    if call.sources:
        for flag in ("plan", "dry_run", "live", "save"):
            if getattr(given, flag):
                raise UserError(f"--{flag.replace('_', '-')}: trains, or says what would be")
        from bnexp.versus.found import compare_found

        _finish(compare_found(call, command), call, given.format)
        return 0
    return _train(call, given, command)


def completions(word: str) -> list[str]:
    """What may stand in the place of `word`."""
    from bnexp.versus.call import OWN
    from bnexp.versus.metrics import RESULTS

    key, equals, _ = word.partition("=")
    if equals:
        metrics = ("accuracy", "loss", "epochs_to:", "seconds_to:", "largest_lr", *RESULTS)
        values = {"metric": metrics, "lr": ("auto",), "seeds": ("auto",)}
        return [f"{key}={value}" for value in values.get(key, ())]
    flags = [flag for action in _parser()._actions for flag in action.option_strings]
    return [*flags, *(f"{key}=" for key in OWN)]


def engine_of(call: Call, command: str, arguments: list[str]) -> Any:
    """The launcher that a command line chooses, if it is not our own."""
    if not call.launcher:
        return None
    from bnexp.compose import compose_launcher
    from bnexp.sweep.engine import OtherLauncher
    from bnexp.sweep.plugins import register

    register(arguments)
    return OtherLauncher.of(compose_launcher(call.launcher), command)


def _train(call: Call, given: argparse.Namespace, command: str) -> int:
    from bnexp.report.export import expect_folder
    from bnexp.versus.definition import save
    from bnexp.versus.run import begin

    plan = given.plan or given.dry_run
    if not plan:
        expect_folder(Path(call.out), says="out=")
    engine = None if given.dry_run else engine_of(call, command, list(call.launcher))
    going = begin(call, command, engine, plan=plan)
    going.quiet = given.format != "text"
    if given.save:
        whole = begin(call, command).comparison if plan else going.comparison
        save(whole, Path(given.save))
        print(f"bnexp: wrote {given.save}", file=sys.stderr)
    if given.dry_run:
        print("\n".join(_would_run(going)))
        return 0
    if given.plan:
        return _plan(going)
    answer = going.until_decided()
    _finish(answer, call, given.format)
    if going.interrupted:
        print("bnexp: interrupted; the same command goes on from there", file=sys.stderr)
        return 130
    if answer.stopped:
        print(f"bnexp: {answer.stopped}; the same command goes on from there", file=sys.stderr)
    if going.failed:
        _show_failed(going)
    return int(bool(going.failed) or bool(going.course.problem and not answer.seeds))


def _show_failed(going: Going) -> None:
    from bnexp.sweep.table import show_runs

    wanted = {result.identity for result in going.failed}
    jobs = {job.plan.identity: job for job in going.jobs if job.plan.identity in wanted}
    show_runs([jobs[result.identity] for result in going.failed], going.failed)


def _finish(answer: Answer, call: Call, form: str) -> None:
    """Print the answer, and write its page."""
    import json

    if form == "json":
        print(json.dumps(answer.as_json(), indent=1, allow_nan=False))
    elif form == "text":
        print(answer)
    else:
        from bnexp.report import formats

        print({"md": formats.markdown, "csv": formats.csv, "latex": formats.latex}[form](answer))
    if answer.seeds:
        page = answer.page(call.out)
        print(page, file=sys.stdout if form == "text" else sys.stderr)


def _would_run(going: Going) -> list[str]:
    """The call in words, nothing trained."""
    call, most = going.call, going.call.seeds or going.call.max_seeds
    tuned = sum(arm.tuned for arm in going.arms)
    lines = [f"{len(going.arms)} arms, the control is {going.control}; {going.answer().held}"]
    for arm in going.arms:
        from bnexp.versus.arms import half_decades

        rates = ", ".join(f"{rate:g}" for rate in half_decades(arm.rate))
        how = f"learning rate of {rates} by pilots, and wider if need be"
        typed = " ".join(line.lstrip("+") for line in arm.overrides)
        lines.append(f"  {arm.label}: {how if arm.tuned else f'learning rate {arm.rate:g}'}")
        lines.append(f"    {typed}")
    pilots = f"{call.pilots} pilot seeds, then " if tuned else ""
    lines.append(f"{pilots}{'up to ' if not call.seeds else ''}{most} judged seeds for each arm")
    return lines


def _plan(going: Going) -> int:
    """Train the pilots and say what a difference would take."""
    from bnexp.report.labels import number
    from bnexp.versus.run import asked_difference, forecasts

    going.until_chosen()
    if going.interrupted:
        print("bnexp: interrupted; the same command goes on from there", file=sys.stderr)
        return 130
    if going.course.choices is None:
        raise UserError(f"compare: {going.course.problem or 'its pilots have not ended'}")
    call, unit = going.call, going.call.metric.unit
    wanted = number(asked_difference(call)) + (unit if unit == "x" else f" {unit}".rstrip())
    scale = " of its logarithm" if call.metric.kind == "ratio" else ""
    if chosen := going.answer().chosen:
        print(f"Chosen: {chosen}")
    for one in forecasts(going):
        spread = (
            "an unknown spread"
            if one.spread != one.spread
            else f"a spread{scale} of {one.spread:.2g}"
        )
        head = f"{one.label} against {going.control}: with {spread} over {call.pilots} pilots"
        if one.seeds is None:
            print(f"{head}, a difference of {wanted} takes more than 1,000 seeds")
        else:
            minutes = f"{one.minutes:.0f} min" if one.minutes >= 1 else f"{60 * one.minutes:.0f} s"
            print(f"{head}, a difference of {wanted} takes about {one.seeds} seeds, {minutes}")
    return 0
