"""`bnexp runs`: list, compare and remove records."""

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from filelock import Timeout

from bnexp.errors import UserError
from bnexp.runs.garbage import garbage, why_not_ours
from bnexp.runs.places import named_identity, run_lock
from bnexp.runs.select import HELP, find_one, is_condition, select
from bnexp.runs.show import FORMATS, arms_table, diff_table, runs_table
from bnexp.runs.tables import as_table, expect_runs, load_runs, read_all
from bnexp.showing import printable

_USAGE = """\
bnexp runs [CONDITION ...]           list arms: runs that differ only in their seed
       bnexp runs --each [CONDITION ...]    list runs
       bnexp runs diff RUN RUN              what differs between two, in settings and results
       bnexp runs rm RUN|CONDITION ...      remove runs, after asking
       bnexp runs gc                        remove what is of no use any more, after asking
"""
_MORE = f"""\
RUN is a folder, or the beginning of an identity.
{HELP}
gc finds failed runs, killed ones without a checkpoint, and leftovers. What is not surely ours,
or cannot be read, it only names.
"""
SHOWN = 20  # paths named before they are removed
DEFAULT = Path("runs")


def main(arguments: Sequence[str]) -> int:
    """Run `bnexp runs ...` and return its exit code. Raises UserError."""
    parser = argparse.ArgumentParser(
        usage=_USAGE, epilog=_MORE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--each", action="store_true", help="a row for each run, not each arm")
    parser.add_argument("--runs-dir", type=Path, help="default: runs")
    parser.add_argument("--format", choices=FORMATS, default="table", help="of lists and diffs")
    parser.add_argument("-y", "--yes", action="store_true", help="remove without asking")
    options = parser.parse_intermixed_args(arguments)
    command, rest = (options.what[0], options.what[1:]) if options.what else ("", [])
    runs_dir = options.runs_dir or DEFAULT
    if options.runs_dir is None and not DEFAULT.exists():
        print("no runs here yet; `bnexp train` writes the first")
        return 0
    if not runs_dir.is_dir():
        raise UserError(f"runs-dir={runs_dir}: no such folder; `bnexp train` writes runs to runs/")
    if command == "gc":
        if rest:
            raise UserError(f"runs gc {rest[0]}: gc takes no names; rm removes what is named")
        found = garbage(runs_dir)
        for folder, reason in found.left:
            _say(f"left alone {folder}: {reason}")
        return _remove(found.remove, runs_dir, options.yes)
    if command == "rm":
        return _remove(_named(runs_dir, rest), runs_dir, options.yes)
    loaded = load_runs(runs_dir)
    if command == "diff":
        if len(rest) != 2:
            raise UserError("runs diff: name two runs, by folder or beginning of the identity")
        a, b = (find_one(loaded.runs, name, runs_dir) for name in rest)
        print(diff_table(a, b, options.format))
        return 0
    if command and not is_condition(command):
        raise UserError(
            f"runs {command}: must be a condition such as status=failed, or diff, rm, gc"
        )
    table = runs_table if options.each else arms_table
    print(table(select(loaded.runs, options.what), options.format))
    for folder, reason in zip(loaded.skipped["folder"], loaded.skipped["reason"], strict=True):
        _say(f"skipped {folder}: {reason}")
    return 0


def _named(runs_dir: Path, names: Sequence[str]) -> list[Path]:
    """The folders of the runs that are to be removed."""
    if not names:
        raise UserError("runs rm: name runs, or conditions such as status=failed")
    expect_runs([runs_dir])
    runs = as_table(read_all([runs_dir])[0])
    conditions = [name for name in names if is_condition(name)]
    found = [Path(find_one(runs, name, runs_dir)["folder"]) for name in names
             if name not in conditions]  # fmt: skip
    if conditions:
        found += map(Path, select(runs, conditions)["folder"])
    kept = []
    for folder in found:
        if reason := why_not_ours(folder):
            _say(f"left alone {folder}: {reason}")
        elif folder.resolve().parent != runs_dir.resolve():
            _say(f"left alone {folder}: it is not directly in {runs_dir}")
        else:
            kept.append(folder)
    return kept


def _remove(paths: Iterable[Path], runs_dir: Path, yes: bool) -> int:
    """Remove files and folders, but for runs that are being trained; 1 if anything is left."""
    paths = list(dict.fromkeys(paths))
    if not paths:
        print("nothing to remove")
        return 0
    print("\n".join(printable(str(path)) for path in paths[:SHOWN]))
    if len(paths) > SHOWN:
        print(f"and {len(paths) - SHOWN} more")
    if not yes and not _agreed(len(paths)):
        print("nothing removed")
        return 1
    code = 0
    for path in paths:
        try:
            _remove_one(path, runs_dir)
        except Timeout:
            _say(f"{path} is being trained: left alone")
        except OSError as error:
            _say(f"{path}: cannot be removed: {error.strerror}")
            code = 1
    return code


def _remove_one(path: Path, runs_dir: Path) -> None:
    identity = named_identity(path)
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    elif identity is None:
        shutil.rmtree(path)
    else:
        with run_lock(runs_dir, identity):
            shutil.rmtree(path)


def _say(text: str) -> None:
    print(f"bnexp: {printable(text)}", file=sys.stderr)


def _agreed(count: int) -> bool:
    try:
        return input(f"remove these {count}? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print("nobody to ask: --yes removes without asking")
        return False
