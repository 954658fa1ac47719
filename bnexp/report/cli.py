"""`bnexp report` and `bnexp plot`: their command lines. Heavy imports wait until there is work."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from bnexp.errors import UserError
from bnexp.report.catalogue import FIGURES
from bnexp.runs.select import HELP, is_condition

OPTIONS = ("by", "where", "title", "out")


class _Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.prog.removeprefix('bnexp ')}: {message}; see {self.prog} --help")


def main(arguments: list[str]) -> int:
    """Run `bnexp report`; return the exit code."""
    parser = _Parser(
        prog="bnexp report",
        description="Turn records of runs into figures, tables and one HTML page.",
        epilog="Examples:\n  bnexp report\n  bnexp report runs data.name=digits --by model.norm\n"
        f"  bnexp report runs other/runs 'optimizer.lr<=0.1' --out lr-report\n\n{HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_common(parser)
    parser.add_argument("--out", default="report", help="folder to write (default: report)")
    parser.add_argument("--parquet", action="store_true", help="every table as Parquet too")
    parser.add_argument(
        "--records",
        action="store_true",
        help="also the runs' own tables (steps, epochs, ...), merged",
    )
    if _help(parser, arguments):
        return 0
    given = parser.parse_args(_options(arguments))
    folders, where = _folders_and_conditions(given)
    from bnexp.report.build import write_report

    path = write_report(
        folders, given.out, by=_keys(given.by), where=where, title=given.title,
        parquet=given.parquet, records=given.records,
    )  # fmt: skip
    print(path)
    return 0


def plot(arguments: list[str]) -> int:
    """Run `bnexp plot`; return the exit code."""
    width = max(map(len, FIGURES))
    parser = _Parser(
        prog="bnexp plot",
        description="Draw one figure from records of runs.",
        epilog="Figures:\n"
        + "\n".join(f"  {name:<{width}}  {figure.summary}" for name, figure in FIGURES.items())
        + "\n\nExample:  bnexp plot convergence runs --by model.norm --out convergence.svg\n\n"
        + HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("figure", metavar="FIGURE", choices=FIGURES, help="one of those below")
    _add_common(parser)
    parser.add_argument("--out", help="file to write: .svg, .png or .pdf (default: FIGURE.svg)")
    parser.add_argument("--target", type=float, help="convergence: validation accuracy to reach")
    parser.add_argument("--key", help="sensitivity: the number on the x-axis, e.g. model.depth")
    parser.add_argument(
        "--tensor", help="histograms, percentiles: pre_activation, activation, input"
    )
    if _help(parser, arguments):
        return 0
    given = parser.parse_args(_options(arguments))
    folders, where = _folders_and_conditions(given)
    out = Path(given.out or f"{given.figure}.svg")
    if out.suffix not in (".svg", ".png", ".pdf"):
        raise UserError(f"out={out}: must end in .svg, .png or .pdf")
    options = _figure_options(given)
    from bnexp.report.arms import group
    from bnexp.report.catalogue import draw
    from bnexp.report.reading import read

    arms = group(read(*folders), by=_keys(given.by), where=where)
    chart = draw(given.figure, arms, **options).retitle(given.title)
    out.parent.mkdir(parents=True, exist_ok=True)
    chart.save(out)
    print(chart.finding)
    print(out)
    return 0


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folders", nargs="*", metavar="FOLDER",
        help="folders of records (default: runs), and conditions",
    )  # fmt: skip
    parser.add_argument("--by", help="keys that tell arms apart, e.g. model.norm,optimizer.lr")
    parser.add_argument(
        "--where", action="append", default=[], metavar="CONDITION",
        help="a condition, as among the folders; may be repeated",
    )  # fmt: skip
    parser.add_argument("--title", help="in place of the computed one")


def _help(parser: argparse.ArgumentParser, arguments: list[str]) -> bool:
    """Print the help where it is asked for: argparse would exit the process."""
    asked = any(argument in ("-h", "--help") for argument in arguments)
    if asked:
        parser.print_help()
    return asked


def _options(arguments: list[str]) -> list[str]:
    """`out=x` is `--out=x`, as on the other command lines of bnexp."""
    return [
        f"--{argument}" if argument.partition("=")[0] in OPTIONS and "=" in argument else argument
        for argument in arguments
    ]


def _folders_and_conditions(given: argparse.Namespace) -> tuple[list[str], list[str]]:
    conditions = [text for text in given.folders if is_condition(text)]
    folders = [text for text in given.folders if text not in conditions]
    return folders or ["runs"], [*given.where, *conditions]


def _keys(by: str | None) -> list[str] | None:
    return [key.strip() for key in by.split(",")] if by else None


def _figure_options(given: argparse.Namespace) -> dict[str, Any]:
    options = {}
    for name in ("target", "key", "tensor"):
        value = getattr(given, name)
        if value is not None and name not in FIGURES[given.figure].options:
            raise UserError(f"--{name}: {given.figure} does not take it")
        if value is not None:
            options[name] = value
    if given.figure == "sensitivity" and "key" not in options:
        raise UserError("sensitivity: say which number, e.g. --key data.batch_size")
    return options
