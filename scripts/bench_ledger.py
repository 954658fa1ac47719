#!/usr/bin/env python3
"""Where the time of a ledger goes, row by row: training, evaluation, probes, judging, drawing.

    python scripts/bench_ledger.py                               # the core: some minutes
    python scripts/bench_ledger.py all preset=full --json results/performance/ledger-all-full.json
    python scripts/bench_ledger.py preset=quick --again          # and once more, with all runs done

What follows is given to `bnexp reproduce`, which runs here, in a new folder, with clocks around its
parts. Seconds of runs are their own, added up over workers; `waiting` is what workers spent on
anything else: starting, importing, reading data, and having nothing to do. A run that several rows
share counts for the first. Run it on a machine that does nothing else.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

PARTS = ("training", "evaluation", "probing")


class Clocks:
    """Seconds by part, and by row and part where a row is at work."""

    def __init__(self) -> None:
        self.parts: Counter[str] = Counter()
        self.rows: dict[str, Counter[str]] = {}
        self.inside = 0.0  # seconds that clocks within this one have counted

    @contextmanager
    def timed(self, part: str, row: str | None = None) -> Iterator[None]:
        before, self.inside, start = self.inside, 0.0, perf_counter()
        try:
            yield
        finally:
            whole = perf_counter() - start
            self.parts[part] += whole - self.inside
            if row is not None:
                self.rows.setdefault(row, Counter())[part] += whole - self.inside
            self.inside = before + whole

    def around(self, function: Callable[..., Any], part: str, of_row: bool = False) -> Any:
        def clocked(*arguments: Any, **keywords: Any) -> Any:
            row = arguments[0].comparison.id if of_row else None
            with self.timed(part, row):
                return function(*arguments, **keywords)

        return clocked


def reproduce(arguments: list[str], runs: Path, out: Path) -> dict[str, Any]:
    """Run the command once; seconds of the whole, its parts, and its rows."""
    before = {path.name for path in runs.glob("*")}
    from bnexp import sweep
    from bnexp.comparisons import cli, course, evidence, ledger, page, records, run

    clocks, kept = Clocks(), []
    plan = run.courses_of

    def planned(*given: Any) -> Any:
        with clocks.timed("planning"):
            kept.extend(plan(*given))
        return list(kept)

    Course = course.Course
    patches = [
        patch.object(run, "courses_of", planned),
        patch.object(sweep, "run_all", clocks.around(sweep.run_all, "runs")),
        patch.object(Course, "_settle", clocks.around(Course._settle, "judging", True)),
        patch.object(Course, "_judge", clocks.around(Course._judge, "judging", True)),
        patch.object(
            records.Records, "measure", clocks.around(records.Records.measure, "measuring")
        ),
        patch.object(page, "write_page", clocks.around(page.write_page, "drawing")),
        patch.object(ledger, "write", clocks.around(ledger.write, "writing")),
        patch.object(evidence, "write", clocks.around(evidence.write, "writing")),
    ]
    start = perf_counter()
    with contextlib.ExitStack() as stack, contextlib.redirect_stdout(io.StringIO()):
        for one in patches:
            stack.enter_context(one)
        code = cli.main([*arguments, f"runs_dir={runs}", f"out={out}", "progress=false"])
    if code == 2:
        sys.exit(f"bnexp reproduce ended with {code}")
    whole = perf_counter() - start
    workers = next((job.plan.config.workers for job in kept[0].planner.known.values()), None)
    workers = workers or len(os.sched_getaffinity(0))
    rows = rows_of(kept, clocks, runs, before)
    own = sum(sum(row[part] for part in PARTS) for row in rows)
    parts = dict(clocks.parts) | {"waiting": workers * clocks.parts["runs"] - own}
    parts["other"] = whole - sum(clocks.parts.values())
    return {"seconds": whole, "workers": workers, "parts": parts, "rows": rows}


def rows_of(
    courses: list[Any], clocks: Clocks, runs: Path, before: set[str]
) -> list[dict[str, Any]]:
    counted: set[str] = set()
    found = []
    for one in courses:
        mine, counted = one.asked - counted, counted | one.asked
        row: dict[str, Any] = {"row": one.comparison.id, "runs": 0}
        row |= dict.fromkeys(PARTS, 0.0)
        for identity in mine:
            [path] = list(runs.glob(f"*-{identity}/run.json")) or [None]
            if path is None or path.parent.name in before:
                continue
            results = json.loads(path.read_text())["results"]
            row["runs"] += 1
            for part in PARTS:
                row[part] += results.get(f"seconds_{part}", 0.0)
        row["judging"] = clocks.rows.get(one.comparison.id, Counter())["judging"]
        found.append(row)
    return found


def show(title: str, found: dict[str, Any]) -> None:
    parts = "  ".join(f"{name} {seconds:.1f}" for name, seconds in found["parts"].items())
    print(f"{title}: {found['seconds']:.1f} s on {found['workers']} workers; {parts}")
    for row in sorted(found["rows"], key=lambda row: -sum(row[part] for part in PARTS)):
        print("  ".join(f"{x:>9.1f}" if isinstance(x, float) else f"{x:>6}" for x in row.values()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="of bnexp reproduce")
    parser.add_argument("--again", action="store_true", help="also when all runs are done")
    parser.add_argument("--json", type=Path, help="write the results here too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs, out = Path(folder, "runs"), Path(folder, "out")
        told = {"arguments": options.arguments, "first": reproduce(options.arguments, runs, out)}
        show("from nothing", told["first"])
        if options.again:
            told["again"] = reproduce(options.arguments, runs, out)
            show("all runs done", told["again"])
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
