"""The `bnexp` command: finds the subcommand and hands the rest of the line to it.

Imports nothing heavy, so that help, lists and completion answer at once.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from bnexp import __version__
from bnexp.errors import UserError
from bnexp.showing import finish_streams, harmless, prepare_streams, printable

if TYPE_CHECKING:
    from bnexp.training.run import Finished


def main() -> None:
    """Entry point; exits with 0, 1 (a run failed), 2 (bad input) or 130 (interrupted)."""
    prepare_streams()
    os.environ["MPLBACKEND"] = "agg"  # figures go to files, whatever a notebook around us says
    code = run(sys.argv[1:])
    finish_streams()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; complaints go to stderr, a line each."""
    try:
        return _dispatch(arguments)
    except UserError as error:
        lines = (printable(line) for line in error.lines)
        print("\n".join(f"bnexp: {line}" for line in lines), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bnexp: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `bnexp list | head`
        return 141
    except OSError as error:  # a folder that cannot be read or written, a full disk
        if error.filename is None and error.errno is None:
            raise
        where = f"{error.filename}: " if error.filename is not None else ""
        print(f"bnexp: {where}{error.strerror or error}", file=sys.stderr)
        return 2


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_usage())
        return 0
    command, rest = arguments[0], arguments[1:]
    if command == "--version":
        print(f"bnexp {__version__}")
        return 0
    if command in ("-sc", "--shell_completion"):
        from bnexp.completion import complete

        return complete(rest, COMMANDS)
    if command not in COMMANDS:
        from difflib import get_close_matches

        near = get_close_matches(command, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(COMMANDS)}"
        raise UserError(f"{command}: no such command; {hint}")
    return COMMANDS[command][1](rest)


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, (text, _) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: bnexp COMMAND ...",
            "",
            "Runs what is documented about batch normalization, and says how much of it is true.",
            "",
            *lines,
            "",
            "`bnexp COMMAND --help` explains one.  Examples:",
            "  bnexp train +model=cnn_bn",
            "  bnexp train -m +model=mlp,mlp_bn optimizer.lr=0.01,0.1 seed=0,1,2",
            "  bnexp compare model=mlp model.norm=none,batch",
            "  bnexp reproduce B7 B13",
            'Tab completion for bash:  eval "$(bnexp -sc install=bash)"',
        ]
    )


def _train(arguments: list[str]) -> int:
    from bnexp.arguments import as_recorded, parse

    options = parse(arguments)
    if options.help and options.overrides:
        from bnexp.compose import compose
        from bnexp.keys import explanation

        print(explanation(options.overrides, compose([])[0]))
        return 0
    if (
        options.help
        or options.hydra_help
        or options.cfg
        or options.info
        or options.shell_completion
    ):
        return _shown_by_hydra(arguments)
    command = as_recorded("train", arguments)
    sweeps = options.multirun or "hydra.mode=MULTIRUN" in options.overrides
    return _sweep(arguments, command) if sweeps else _train_one(arguments, command)


def _shown_by_hydra(arguments: list[str]) -> int:
    from bnexp.compose import run_hydra

    text = io.StringIO()
    try:
        with contextlib.redirect_stdout(text):
            run_hydra("train", arguments, lambda config: None)
    except SystemExit as end:  # Hydra's end of --help
        if end.code:
            raise
    finally:
        lines = text.getvalue().splitlines()
        print("\n".join(line for line in lines if not line.startswith("comparison: ")))
    return 0


def _sweep(arguments: list[str], command: str) -> int:
    from bnexp.compose import run_hydra
    from bnexp.sweep.plugins import register
    from bnexp.sweep.run import Stopped
    from bnexp.sweep.sweep import Sweep

    register(arguments)
    sweep = Sweep(command)
    stopped = None
    try:
        with sweep.open:
            run_hydra("train", arguments, sweep)
    except Stopped as early:
        stopped = early
    except ValueError:  # of a search in which no trial succeeded
        if not (sweep.results or sweep.refused) or any(
            result.status == "done" for result in sweep.results
        ):
            raise
    return sweep.finish(stopped)


def _train_one(arguments: list[str], command: str) -> int:
    from bnexp.compose import compose
    from bnexp.plan import plan

    tree, preset = compose(arguments)
    if tree.get("sweep"):
        raise UserError("sweep=...: its grids are for `bnexp train -m`")
    planned = plan(tree, preset)
    if planned.config.live:
        raise UserError(f"live={planned.config.live}: shows a sweep, `bnexp train -m`")
    if planned.config.dry_run:
        from bnexp.sweep.jobs import Job
        from bnexp.sweep.preview import preview

        print(preview([Job((), planned)], workers=1, retry="failed"))
        return 0
    from bnexp.training.loop import Interrupted
    from bnexp.training.run import Busy
    from bnexp.training.run import run as train

    try:
        done = train(planned, command)
    except UserError:
        raise
    except Busy as busy:
        print(f"bnexp: {busy}", file=sys.stderr)
        return 1
    except Interrupted as stop:
        print(f"bnexp: interrupted {stop}; the same command goes on from there", file=sys.stderr)
        return 130
    except Exception as error:
        from bnexp.runs.places import find_run

        folder = find_run(planned.runs_dir, planned.identity, planned.preset)
        text = (str(error) or "no message").splitlines()[0]
        where = folder / "error.txt"
        print(f"bnexp: failed: {type(error).__name__}: {text}; see {where}", file=sys.stderr)
        return 1
    harmless(print)(summary(done, preset, str(tree["data"]["name"])))
    return 0


def summary(done: "Finished", preset: str, dataset: str) -> str:
    """The lines that a run ends with: accuracy, best epoch, time, folder."""
    results = done.results
    again = "" if done.new else " (done before; rerun=true trains again)"
    lines = [f"{preset} on {dataset}: {done.reason or done.outcome}{again}"]
    if done.outcome != "diverged":
        lines.append(
            f"  test accuracy {results['test_accuracy']:.1%}, validation "
            f"{results['val_accuracy']:.1%} (best {results['best_val_accuracy']:.1%} "
            f"at epoch {results['best_epoch']})"
        )
    rate = results["samples_per_second"] or 0
    lines += [
        f"  {results['steps']} steps in {results['seconds_total']:.1f} s, {rate:,.0f} images/s",
        f"  {done.folder}",
    ]
    return "\n".join(lines)


def _list(arguments: list[str]) -> int:
    from bnexp.listing import listing

    print(listing(arguments))
    return 0


def _explain(arguments: list[str]) -> int:
    from bnexp.explain import main as explain

    return explain(arguments)


def _reproduce(arguments: list[str]) -> int:
    from bnexp.comparisons.cli import main as reproduce

    return reproduce(arguments)


def _compare(arguments: list[str]) -> int:
    from bnexp.versus.cli import main as compare

    return compare(arguments)


def _rejudge(arguments: list[str]) -> int:
    from bnexp.comparisons.cli import rejudge

    return rejudge(arguments)


def _report(arguments: list[str]) -> int:
    from bnexp.report.cli import main as report

    return report(arguments)


def _plot(arguments: list[str]) -> int:
    from bnexp.report.cli import plot

    return plot(arguments)


def _table(arguments: list[str]) -> int:
    from bnexp.report.cli import table

    return table(arguments)


def _runs(arguments: list[str]) -> int:
    from bnexp.runs.cli import main as runs

    return runs(arguments)


COMMANDS: dict[str, tuple[str, Callable[[list[str]], int]]] = {
    "train": ("train one model, or with -m a sweep", _train),
    "compare": ("which arm is better, and is it sure: seeds until each pair is decided", _compare),
    "reproduce": ("run the documented comparisons and judge them", _reproduce),
    "rejudge": ("recompute every verdict from published readings", _rejudge),
    "list": ("models, norms, datasets, optimizers, probes: a line each", _list),
    "explain": ("what a normaliser computes: axes, statistics, parameters", _explain),
    "runs": ("runs so far: list, diff, rm, gc", _runs),
    "report": ("runs -> figures, tables and one HTML page", _report),
    "plot": ("runs -> one figure", _plot),
    "table": ("runs -> a table of results, also for LaTeX", _table),
}
