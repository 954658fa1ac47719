"""`bnexp runs`: list, compare and remove records."""

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from filelock import Timeout

from bnexp.errors import UserError
from bnexp.runs.garbage import garbage
from bnexp.runs.record import run_lock
from bnexp.runs.select import find_one, select
from bnexp.runs.show import FORMATS, differences, listing
from bnexp.runs.tables import load_runs

_USAGE = """\
bnexp runs [KEY=VALUE ...]           list runs
       bnexp runs diff A B                  what differs between two runs, in settings and results
       bnexp runs rm RUN|KEY=VALUE ...      remove runs, after asking
       bnexp runs gc                        remove what is of no use any more, after asking
"""
_MORE = """\
RUN is a folder, or the beginning of an identity. KEY is one of the configuration or the results,
or run, preset, status, outcome; VALUE may hold * and, after commas, alternatives.
gc finds failed runs, killed ones without a checkpoint, unreadable folders, and leftovers.

  bnexp runs 'preset=mlp*' status=done
  bnexp runs model.norm=batch,layer --format csv > runs.csv
  bnexp runs diff 1a2b 3c4d
  bnexp runs rm status=failed
"""
SHOWN = 20  # paths named before they are removed


def main(arguments: Sequence[str]) -> int:
    """Run `bnexp runs ...` and return its exit code. Raises UserError."""
    parser = argparse.ArgumentParser(
        usage=_USAGE, epilog=_MORE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"), help="default: runs")
    parser.add_argument("--format", choices=FORMATS, default="table", help="of lists and diffs")
    parser.add_argument("-y", "--yes", action="store_true", help="remove without asking")
    options = parser.parse_intermixed_args(arguments)
    command, rest = (options.what[0], options.what[1:]) if options.what else ("", [])
    if command == "gc":
        return _remove(garbage(options.runs_dir), options.yes)
    loaded = load_runs(options.runs_dir)
    if command == "diff":
        if len(rest) != 2:
            raise UserError("runs diff: name two runs, by folder or beginning of the identity")
        a, b = (find_one(loaded.runs, name) for name in rest)
        print(differences(a, b, options.format))
        return 0
    if command == "rm":
        if not rest:
            raise UserError("runs rm: name runs, or filters such as status=failed")
        named = [Path(find_one(loaded.runs, name)["folder"]) for name in rest if "=" not in name]
        filters = [name for name in rest if "=" in name]
        if filters:
            named += map(Path, select(loaded.runs, filters)["folder"])
        return _remove(named, options.yes)
    print(listing(select(loaded.runs, options.what), options.format))
    for folder, reason in zip(loaded.skipped["folder"], loaded.skipped["reason"], strict=True):
        print(f"bnexp: skipped {folder}: {reason}", file=sys.stderr)
    return 0


def _remove(paths: Iterable[Path], yes: bool) -> int:
    """Remove files and folders, but for runs that are being trained; 1 if told not to."""
    paths = list(dict.fromkeys(paths))
    if not paths:
        print("nothing to remove")
        return 0
    print("\n".join(str(path) for path in paths[:SHOWN]))
    if len(paths) > SHOWN:
        print(f"and {len(paths) - SHOWN} more")
    if not yes and not _agreed(len(paths)):
        print("nothing removed")
        return 1
    for path in paths:
        if not path.is_dir():
            path.unlink(missing_ok=True)
        elif not (path / "run.json").exists():
            shutil.rmtree(path)
        else:
            try:
                with run_lock(path.parent, path.name.rpartition("-")[2]):
                    shutil.rmtree(path)
            except Timeout:
                print(f"bnexp: {path} is being trained: left alone", file=sys.stderr)
    return 0


def _agreed(count: int) -> bool:
    try:
        return input(f"remove these {count}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print("nobody to ask: --yes removes without asking")
        return False
