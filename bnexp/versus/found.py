"""The same question, put to runs that are there already, or to a CSV of numbers by seed."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.config import Assertion
from bnexp.comparisons.edition import PILOTS
from bnexp.comparisons.finding import Quantity
from bnexp.comparisons.measure import readings as by_number
from bnexp.comparisons.verdict import Verdict, judge
from bnexp.errors import UserError
from bnexp.report.arms import SEEDS, Arm, group, varying
from bnexp.report.context import context, dataset
from bnexp.report.labels import listed, plural
from bnexp.report.reading import read_records
from bnexp.runs.select import known, select
from bnexp.runs.tables import Runs
from bnexp.versus.answer import Answer, Line
from bnexp.versus.arms import RATE, find_control
from bnexp.versus.call import Call
from bnexp.versus.definition import assertion
from bnexp.versus.metrics import Metric
from bnexp.versus.warnings import warnings

NUMBER = Metric("value", "value", 0)  # of a CSV of which nothing else is said
UNPLANNED = "how the learning rates of these runs were chosen is not known here"


def compare_found(call: Call, command: str) -> Answer:
    """The answer from runs or numbers that are there; nothing is trained. Raises UserError."""
    files = [source for source in call.sources if Path(source).is_file()]
    if not files:
        return _of_runs(call, command)
    if len(call.sources) > 1:
        raise UserError(f"{files[0]}: compare takes one CSV file, or folders of runs")
    return _of_csv(call, Path(files[0]), command)


# ------------------------------------------------------------------------------------------- runs


def _of_runs(call: Call, command: str) -> Answer:
    runs = read_records(*call.sources)
    table = select(runs.runs, call.words)
    pilots = int((table["seed"] >= PILOTS).sum())
    table = table[table["seed"] < PILOTS].reset_index(drop=True)
    keys = [known(key, table) for key in call.by] or _own_keys(table)
    arms = list(group(Runs(table, runs.skipped), by=keys))
    if len(arms) < 2:
        raise UserError(f"compare: these runs are one arm by {', '.join(keys) or 'any key'}")
    _expect_one_run_a_seed(arms, keys)
    control = find_control([(arm.label, arm.values) for arm in arms], call.control)
    arms.sort(key=lambda arm: arm.label != control)
    failed = _failed(runs.skipped, call)
    seeds, alone = _shared([{*map(int, arm.runs["seed"])} for arm in arms], failed)
    lines = [_line(call.metric, arm, Runs(table, runs.skipped), seeds) for arm in arms]
    counted = table[table["seed"].isin(set(seeds))]
    notes = [UNPLANNED, *_left_out(alone)]
    notes += [f"left out: {plural(pilots, 'run')} of pilot seeds"] * bool(pilots)
    others = [key for key in varying(table) if key not in keys and not _follows(table[key])]
    if others:
        notes.append(f"the arms differ in {listed(others)} too")
    names = {
        dataset(run.get("data.name"), run.get("data.root")) for run in table.to_dict("records")
    }
    where = listed(sorted(names))
    return _answered(
        call, control, lines, seeds, where, context(table), notes,
        Runs(counted.reset_index(drop=True), runs.skipped.iloc[:0]), command,
    )  # fmt: skip


def _own_keys(table: pd.DataFrame) -> list[str]:
    """All keys that differ, except the learning rate, which is not what is asked about."""
    found = [key for key in varying(table) if key != RATE]
    return found or list(varying(table))


def _follows(column: pd.Series) -> bool:
    """Whether only some arms have the key, as with an option of their norm."""
    return bool(column.isna().any())


def _expect_one_run_a_seed(arms: Sequence[Arm], keys: Sequence[str]) -> None:
    """Refuse arms of which a seed has several runs: what is judged must not choose."""
    for arm in arms:
        if arm.runs["seed"].duplicated().any():
            inside = [key for key in varying(arm.runs) if key not in (*keys, *SEEDS)]
            how = ", ".join(dict.fromkeys([*keys, *inside]))
            raise UserError(
                f"compare: the runs of {arm.label} differ in {listed(inside) or 'nothing'}: "
                f"say --by {how}, or which ones, such as {inside[0] if inside else RATE}=VALUE"
            )


def _failed(skipped: pd.DataFrame, call: Call) -> set[int]:
    """Seeds with a run that failed: silent, and counted."""
    if "status" not in skipped:
        return set()
    rows = skipped[skipped["status"] == "failed"]
    if call.words:
        rows = select(rows, call.words)
    return {int(seed) for seed in rows["seed"].dropna() if seed < PILOTS}


def _shared(arms: Sequence[set[int]], failed: set[int]) -> tuple[list[int], int]:
    """The seeds that every arm has, or failed at, in order; and how many only some have."""
    everyone = set.union(*arms)
    shared = {seed for seed in everyone if all(seed in arm or seed in failed for arm in arms)}
    return sorted(shared), len(everyone - shared)


def _line(metric: Metric, arm: Arm, runs: Runs, seeds: Sequence[int]) -> Line:
    rows = arm.runs[arm.runs["seed"].isin(set(seeds))]
    rates = set(rows[RATE]) if RATE in rows else set()
    rate = float(rates.pop()) if len(rates) == 1 else math.nan
    found = metric.read(runs, rows, Choices(), arm.values)
    return Line(arm.label, found, arm.values, rate, False, len(rows), len(arm.runs), rows)


# -------------------------------------------------------------------------------------------- CSV


def _of_csv(call: Call, path: Path, command: str) -> Answer:
    """A column `seed`, and one for each arm; with --by the arm in one, the number in another."""
    try:
        table = pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is no CSV file: {' '.join(str(error).split())}") from None
    if "seed" not in table or table.empty:
        raise UserError(f"{path}: needs a column `seed`, and rows")
    table = select(table, call.words)
    if not call.by and "metric" not in call.typed:
        call = replace(call, metric=NUMBER)
    metric = call.metric
    if call.by:
        keys = [known(key, table) for key in call.by]
        if "metric" not in call.typed and metric.column not in table:
            metric = _only_number(path, table, keys)
            call = replace(call, metric=metric)
        column = known(metric.column, table)
        parts = {
            ", ".join(map(str, names)): rows for names, rows in table.groupby(keys, sort=False)
        }
        own = {name: _numbers(path, rows, column) for name, rows in parts.items()}
    else:
        names = [str(name) for name in table if name != "seed"]
        own = {name: _numbers(path, table, name) for name in names}
    if metric.is_accuracy and not any((numbers > 1).any() for numbers in own.values()):
        own = {name: 100 * numbers for name, numbers in own.items()}
    if len(own) < 2:
        raise UserError(f"{path}: needs two arms: a column for each, or --by COLUMN")
    found = {name: by_number(numbers) for name, numbers in own.items()}
    lines = [Line(name, readings, {}, ended=len(readings)) for name, readings in found.items()]
    control = find_control([(line.label, {}) for line in lines], call.control)
    lines.sort(key=lambda line: line.label != control)
    seeds, alone = _shared([set(line.readings) for line in lines], set())
    lines = [
        Line(one.label, {seed: one.readings[seed] for seed in seeds}, {}, ended=len(seeds))
        for one in lines
    ]
    return _answered(call, control, lines, seeds, "", "", _left_out(alone), None, command)


def _only_number(path: Path, table: pd.DataFrame, keys: Sequence[str]) -> Metric:
    """The column that is compared if none is named: the only one left. Raises UserError."""
    left = [str(name) for name in table if name != "seed" and name not in keys]
    if len(left) != 1:
        found = f"there are {listed(left)}" if left else "there is none"
        raise UserError(f"{path}: say which column is compared, as metric=COLUMN: {found}")
    return replace(Metric.of(left[0], of_csv=True), column=left[0])


def _left_out(alone: int) -> list[str]:
    return [f"left out: {plural(alone, 'seed')} that not every arm has"] * bool(alone)


def _numbers(path: Path, rows: pd.DataFrame, column: str) -> pd.Series:
    """A column's numbers by seed. Raises UserError."""
    numbers = pd.to_numeric(rows[column], errors="coerce")
    wrong = rows[column][numbers.isna() & rows[column].notna()]
    seeds = pd.to_numeric(rows["seed"], errors="coerce")
    if len(wrong):
        raise UserError(f"{path}: column {column}: {wrong.iloc[0]!r} is no number")
    if seeds.isna().any() or seeds.duplicated().any():
        raise UserError(f"{path}: column {column}: needs one row for each seed of an arm")
    return numbers.set_axis(seeds.astype(int))


# ----------------------------------------------------------------------------------------- shared


def _answered(
    call: Call,
    control: str,
    lines: Sequence[Line],
    seeds: Sequence[int],
    where: str,
    held: str,
    notes: Sequence[str],
    runs: Runs | None,
    command: str,
) -> Answer:
    metric, base = call.metric, lines[0].readings
    verdicts = [
        _verdict(call, control, line, metric.against(line.readings, base), seeds, len(lines) - 1)
        for line in lines[1:]
    ]
    told = warnings(metric, control, lines, verdicts, seeds, {}, None, None)
    stopped = "" if seeds else "the arms have no seed in common"
    return Answer(
        metric, control, lines, verdicts if seeds else [], seeds, where, held, "",
        [*told, *notes], call.margin, runs, stopped, command,
    )  # fmt: skip


def _verdict(
    call: Call, control: str, line: Line, quantity: Quantity, seeds: Sequence[int], family: int
) -> Verdict:
    rule = assertion(call.metric, line.label, control, call.margin)
    return judge(Assertion.model_validate(rule), quantity, seeds, family=family)
