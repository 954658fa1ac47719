"""The results table for the terminal, Markdown, LaTeX, CSV and HTML, everything escaped."""

import re
import shutil
from collections.abc import Callable, Iterator
from html import escape

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bnexp.report.labels import MINUS, listed
from bnexp.report.table import HEADS, ResultsTable, Shown, compact
from bnexp.runs.show import without_formulas
from bnexp.showing import printable

SHOWN = 40  # arms on the terminal
LEFT = ("arm", "untrained", "lost", "verdict")  # columns of words
_NARROW = {
    "mean": "test, %", "untrained": "lost", "difference": "difference", "parameters": "params",
}  # fmt: skip
_ENDS = (("mean", "low", "high"), ("difference", "difference_low", "difference_high"))
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$",
    "#": r"\#", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", '"': "''", "|": r"\textbar{}",
    "[": "{[}", "*": "{*}",  # which mean something after \\
    "\N{INFINITY}": r"$\infty$", "\N{RIGHTWARDS ARROW}": r"$\to$",
    "\N{LESS-THAN OR EQUAL TO}": r"$\le$", "\N{GREATER-THAN OR EQUAL TO}": r"$\ge$",
    MINUS: "$-$", "\N{PLUS-MINUS SIGN}": r"$\pm$", "\N{MIDDLE DOT}": r"\textperiodcentered{}",
}  # fmt: skip
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        (
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
            "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
        ).split(),
        strict=True,
    )
)
_LATEX |= {letter: rf"$\{name}$" for letter, name in _GREEK.items()}


def text(table: ResultsTable, width: int | None = None) -> str:
    """For a terminal of so many columns: intervals as half their width, long labels folded."""
    width = width or shutil.get_terminal_size((80, 24)).columns
    cells = table.cells
    out = Table(box=SIMPLE_HEAD, pad_edge=False, padding=0, show_edge=False)
    for name in map(str, cells):
        folds = name in ("arm", "untrained")
        out.add_column(
            Text(_NARROW.get(name, HEADS[name])), justify="left" if folds else "right",
            overflow="fold", no_wrap=name != "arm",
        )  # fmt: skip
    for shown, row in zip(cells.head(SHOWN).to_dict("records"), _narrow(table), strict=False):
        out.add_row(*(Text(row.get(str(name), printable(cell))) for name, cell in shown.items()))
    console = Console(width=width, highlight=False, no_color=True)
    with console.capture() as captured:
        console.print(out)
    lines = [line.rstrip() for line in captured.get().splitlines() if line.strip()]
    if len(cells) > SHOWN:
        lines.append(f"and {len(cells) - SHOWN} more arms; bnexp table --format csv has all")
    bases = sorted(set(table.frame["minus"]) - {""})
    return "\n".join([*lines, *([f"difference from {listed(bases)}"] if bases else [])])


def _narrow(table: ResultsTable) -> Iterator[dict[str, str]]:
    """What is shorter on a terminal: "97.1 ± 0.6", "4/5", "58.9k".

    Of an interval that is cut at 100 the wider half is given.
    """
    for row, cells in zip(
        table.frame.to_dict("records"), table.cells.to_dict("records"), strict=True
    ):
        found: dict[str, str] = {
            name: str(cells[name]).replace(" of ", "/")
            for name in ("trained", "seeds")
            if name in cells
        }
        if "untrained" in cells:
            found["untrained"] = (
                str(cells["untrained"]).replace(" at ", " at\n").replace(", ", "\n")
            )
        if row["parameters"] >= 1e4:
            found["parameters"] = compact(row["parameters"])
        for name, low, high in _ENDS:
            half = max(row[name] - row[low], row[high] - row[name])
            if half == half:
                centre = str(cells[name]).partition(" ")[0]
                found[name] = f"{centre} ± {100 * half:.1f}"
        yield found


def markdown(table: Shown) -> str:
    """A table of GitHub's Markdown."""
    cells = table.cells
    rows = [[table.heads[str(name)] for name in cells], *cells.itertuples(index=False, name=None)]
    lines = [f"| {' | '.join(map(_markdown, row))} |" for row in rows]
    lines.insert(1, f"|{'|'.join('---' if name == 'arm' else '--:' for name in cells)}|")
    return "\n".join([*lines, "", _markdown(table.caption)])


def latex(table: Shown, label: str = "tab:results") -> str:
    """A floating table with booktabs rules, caption and label.

    Alphabets other than Latin and Greek need XeLaTeX or LuaLaTeX.
    """
    cells = table.cells
    rows = [
        " & ".join(map(_latex, row)) + r" \\" for row in cells.itertuples(index=False, name=None)
    ]
    heads = " & ".join(_latex(table.heads[str(name)]) for name in cells) + r" \\"
    columns = "".join("l" if name in LEFT else "r" for name in cells)
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(table.caption)}}}",
            rf"\label{{{label}}}",
            r"\small",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            heads,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def csv(table: Shown) -> str:
    """The numbers in full, accuracies as fractions."""
    return str(without_formulas(table.frame).to_csv(index=False, lineterminator="\n")).rstrip("\n")


def html(table: Shown) -> str:
    """A table element with a caption."""
    cells = table.cells
    heads = "".join(f'<th scope="col">{escape(table.heads[str(name)])}</th>' for name in cells)
    body = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in cells.itertuples(index=False, name=None)
    )
    return (
        f"<table>\n<caption>{escape(table.caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>"
    )


FORMATS: dict[str, Callable[[ResultsTable], str]] = {
    "text": text, "md": markdown, "latex": latex, "csv": csv, "html": html,
}  # fmt: skip


def _markdown(cell: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|$~])", r"\\\1", cell.replace("\n", " "))


def _latex(cell: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in cell.replace("\n", " "))
