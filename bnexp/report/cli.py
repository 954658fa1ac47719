"""`bnexp report`, `plot` and `table`: their command lines. Heavy imports wait for the work."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bnexp.errors import UserError
from bnexp.report.catalogue import Figure, Option, figures
from bnexp.runs.select import HELP, is_condition

if TYPE_CHECKING:
    from bnexp.report.arms import Arms

ENDINGS = (".svg", ".png", ".pdf")
STYLES = ("screen", "paper", "slide")
TABLES = ("text", "md", "latex", "csv", "html")


class _Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.prog.removeprefix('bnexp ')}: {message}; see {self.prog} --help")


def main(arguments: list[str]) -> int:
    """Run `bnexp report`; return the exit code."""
    parser = _report_parser()
    if _help(parser, arguments):
        return 0
    given = _parsed(parser, arguments)
    from bnexp.report.build import write_report

    path = write_report(
        given.folders, given.out, by=_keys(given.by), where=given.where,
        sweep=None if given.all else given.sweep, title=given.title, parquet=given.parquet,
        records=given.records,
    )  # fmt: skip
    print(path)
    return 0


def plot(arguments: list[str]) -> int:
    """Run `bnexp plot`; return the exit code."""
    parser = _plot_parser()
    if _help(parser, arguments):
        return 0
    given = _parsed(parser, arguments)
    known = figures()
    if given.figure not in known:
        near = get_close_matches(given.figure or "", known, n=1)
        what = f"{given.figure}: no such figure" if given.figure else "say which figure"
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UserError(f"plot: {what}; {hint}")
    out = Path(given.out or f"{given.figure}.svg")
    if out.suffix not in ENDINGS:
        raise UserError(f"out={out}: must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    if given.width is not None and not 1 <= given.width <= 50:
        raise UserError(f"width={given.width:g}: must be 1 to 50 inches")
    options = _figure_options(given, known)
    from bnexp.report.catalogue import draw
    from bnexp.report.chart import formatted
    from bnexp.report.export import writing
    from bnexp.report.style import figure_format

    with formatted(figure_format(given.style, given.width)):
        chart = draw(given.figure, _arms(given), **options).retitle(given.title)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        chart.save(out)
    print(chart.caption if given.style == "paper" else chart.finding)
    print(out)
    return 0


def table(arguments: list[str]) -> int:
    """Run `bnexp table`; return the exit code."""
    parser = _table_parser()
    if _help(parser, arguments):
        return 0
    given = _parsed(parser, arguments)
    from bnexp.report.export import writing
    from bnexp.report.formats import FORMATS
    from bnexp.report.table import results_table

    found = results_table(_arms(given), against=given.against)
    text = FORMATS[given.format](found)
    if given.out is None:
        print(text)
        return 0
    out = Path(given.out)
    with writing(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")
    print(out)
    return 0


def completions(command: str) -> list[str]:
    """What may follow `bnexp report`, `bnexp plot` or `bnexp table`."""
    parsers = {"report": _report_parser, "plot": _plot_parser, "table": _table_parser}
    parser = parsers[command]()
    flags = [flag for action in parser._actions for flag in action.option_strings]
    return [*(figures() if command == "plot" else ()), *flags]


# ---------------------------------------------------------------------------------- the parsers


def _report_parser() -> _Parser:
    parser = _parser(
        "report",
        "Turn records of runs into figures, tables and one HTML page.",
        "bnexp report\n  bnexp report runs data.name=digits --by model.norm\n"
        "  bnexp report runs other/runs 'optimizer.lr<=0.1' --out lr-report",
    )
    parser.add_argument("--title", help="in place of the computed one")
    parser.add_argument("--out", default="report", help="folder to write (default: report)")
    parser.add_argument("--parquet", action="store_true", help="every table as Parquet too")
    parser.add_argument(
        "--records", action="store_true",
        help="also the runs' own tables (steps, epochs, ...), merged",
    )  # fmt: skip
    return parser


def _plot_parser() -> _Parser:
    known = figures()
    width = max(map(len, known))
    listed = "\n".join(f"  {name:<{width}}  {figure.summary}" for name, figure in known.items())
    parser = _parser(
        "plot",
        "Draw one figure from records of runs.",
        "bnexp plot convergence runs --by model.norm --out convergence.svg\n"
        "  bnexp plot learning_rate --style paper --width 5.5 --out rates.pdf",
        f"Figures:\n{listed}",
    )
    parser.add_argument("--title", help='in place of the computed one; "" for none')
    parser.add_argument("--out", help="file to write: .svg, .png or .pdf (default: FIGURE.svg)")
    parser.add_argument(
        "--style", choices=STYLES, default="screen",
        help="paper: no title, the caption is printed; slide: 16:9, large type",
    )  # fmt: skip
    parser.add_argument("--width", type=float, metavar="INCHES", help="of a screen or a paper")
    for option in _figure_option(known.values()):
        users = ", ".join(name for name, figure in known.items() if option in figure.options)
        parser.add_argument(f"--{option.name}", type=option.kind, help=f"{users}: {option.help}")
    return parser


def _table_parser() -> _Parser:
    parser = _parser(
        "table",
        "A line an arm: how many runs trained, mean test accuracy with its 95% interval, median,\n"
        "the difference from a control paired by seed, parameters, time.",
        "bnexp table\n  bnexp table runs data.name=digits --by model.norm --format latex\n"
        "  bnexp table --against 'group norm' --format csv --out results.csv",
    )
    parser.add_argument("--format", choices=TABLES, default="text", help="(default: text)")
    parser.add_argument(
        "--against", metavar="ARM", help="the control, by its label (default: no norm)"
    )
    parser.add_argument("--out", help="file to write, in place of the terminal")
    return parser


def _parser(command: str, what: str, examples: str, more: str = "") -> _Parser:
    parser = _Parser(
        prog=f"bnexp {command}",
        description=what,
        epilog="\n\n".join(filter(None, [more, f"Examples:\n  {examples}", HELP])),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if command == "plot":
        parser.add_argument("figure", metavar="FIGURE", nargs="?", help="one of those below")
    parser.add_argument(
        "folders", nargs="*", metavar="FOLDER",
        help="folders of records (default: runs), and conditions",
    )  # fmt: skip
    parser.add_argument("--by", help="keys that tell arms apart, e.g. model.norm,optimizer.lr")
    parser.add_argument(
        "--where", action="append", default=[], metavar="CONDITION",
        help="a condition, as among the folders; may be repeated",
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--sweep", type=int, default=1, metavar="N",
        help="runs of the N-th last sweep (default: 1, the last; all where there was none)",
    )  # fmt: skip
    which.add_argument("--all", action="store_true", help="all runs, of whatever sweep")
    return parser


def _help(parser: argparse.ArgumentParser, arguments: list[str]) -> bool:
    """Print the help where it is asked for: argparse would exit the process."""
    asked = any(argument in ("-h", "--help") for argument in arguments)
    if asked:
        parser.print_help()
    return asked


def _parsed(parser: _Parser, arguments: list[str]) -> argparse.Namespace:
    """The arguments, conditions moved from the folders to `where`.

    `out=x` is `--out=x`, as on the other command lines of bnexp.
    """
    flags = {flag for action in parser._actions for flag in action.option_strings}
    words = [
        f"--{word}" if f"--{word.partition('=')[0]}" in flags and "=" in word else word
        for word in arguments
    ]
    given = parser.parse_args(words)
    if getattr(given, "figure", None) and is_condition(given.figure):
        given.folders, given.figure = [given.figure, *given.folders], None
    given.where += [text for text in given.folders if is_condition(text)]
    given.folders = [text for text in given.folders if not is_condition(text)] or ["runs"]
    return given


# ----------------------------------------------------------------------------------- what is said


def _arms(given: argparse.Namespace) -> Arms:
    """The arms that a command line asks for; what was left aside is said on stderr."""
    from bnexp.report.arms import group
    from bnexp.report.reading import read_records
    from bnexp.report.sweeps import of_sweep

    runs, said = of_sweep(
        read_records(*given.folders), given.folders, None if given.all else given.sweep
    )
    if said:
        print(f"bnexp: {said}", file=sys.stderr)
    return group(runs, by=_keys(given.by), where=given.where)


def _keys(by: str | None) -> list[str] | None:
    return [key.strip() for key in by.split(",")] if by else None


def _figure_option(known: Iterable[Figure]) -> list[Option]:
    return list(dict.fromkeys(option for figure in known for option in figure.options))


def _figure_options(given: argparse.Namespace, known: dict[str, Figure]) -> dict[str, Any]:
    taken = known[given.figure].options
    options = {}
    for option in _figure_option(known.values()):
        value = getattr(given, option.name)
        if value is not None and option not in taken:
            raise UserError(f"--{option.name}: {given.figure} does not take it")
        if value is not None:
            options[option.name] = value
        elif option in taken and option.required:
            raise UserError(f"{given.figure}: say --{option.name}, {option.help}")
    return options
