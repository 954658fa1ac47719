"""The results table: its numbers, and that every format keeps what users name harmless."""

import csv
import io
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from bnexp.errors import UserError
from bnexp.report.arms import find_arms
from bnexp.report.cli import table as command
from bnexp.report.formats import FORMATS, latex, text
from bnexp.report.statistics import mean_t
from bnexp.report.table import duration, interval, results_table
from bnexp.runs.show import with_formulas, without_formulas
from tests.report.records import write_run

ODD = '=cmd|x_1 & 50% $x^{$ <b>[red]"#~\\'


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms by hand: gains of 1, 2 and 0 points; a run of each end."""
    folder = tmp_path_factory.mktemp("table") / "runs"
    for seed, (plain, normed) in enumerate([(0.90, 0.91), (0.92, 0.94), (0.93, 0.93)]):
        write_run(folder, "none", seed, layers=False, final=plain)
        write_run(folder, "batch", seed, layers=False, final=normed)
    write_run(folder, "none", 3, layers=False, outcome="not trained", final=0.11)
    write_run(folder, "none", 4, layers=False, outcome="diverged")
    write_run(folder, "batch", 3, layers=False, status="failed")
    return folder


def test_the_numbers_of_an_arm(runs: Path) -> None:
    none, batch = results_table(runs).frame.to_dict("records")
    assert (none["trained"], none["started"], none["absent"]) == (3, 5, 0)
    assert (batch["trained"], batch["started"], batch["absent"]) == (3, 4, 1)
    assert (none["untrained"], none["untrained_mean"], none["diverged"]) == (1, 0.11, 1)
    mean = mean_t([0.90, 0.92, 0.93])
    assert (none["mean"], none["low"], none["high"], none["median"]) == pytest.approx(
        (mean.centre, mean.low, mean.high, 0.92)
    )
    gain = mean_t([0.01, 0.02, 0.0])
    assert (batch["difference"], batch["difference_low"], batch["difference_high"]) == (
        pytest.approx((gain.centre, gain.low, gain.high), abs=1e-9)
    )
    assert (batch["seeds_for"], batch["seeds_shared"], batch["minus"]) == (2, 3, "no norm")
    assert none["minus"] == ""


def test_the_text_of_an_arm(runs: Path) -> None:
    none, batch = results_table(runs).cells.to_dict("records")
    assert none["trained"] == "3 of 5"
    assert none["untrained"] == "1 at 11.0%, 1 diverged"
    assert (none["difference"], none["seeds"]) == ("", "")
    assert batch["arm"] == "batch norm (1 seed fewer)"
    assert batch["difference"] == "+1.0 (\N{MINUS SIGN}1.5 to +3.5)"
    assert batch["seeds"] == "2 of 3"


def test_another_control(runs: Path) -> None:
    none, batch = results_table(runs, against="batch norm").frame.to_dict("records")
    assert (none["minus"], none["difference"]) == ("batch norm", pytest.approx(-0.01))
    assert batch["minus"] == ""
    with pytest.raises(UserError, match="no such arm; there are no norm, batch norm"):
        results_table(runs, against="layer norm")


def test_datasets_and_optimizers_have_controls_of_their_own(tmp_path: Path) -> None:
    for data in ("digits", "mnist"):
        for norm in ("none", "batch"):
            write_run(tmp_path, norm, 0, layers=False, data__name=data)
    frame = results_table(tmp_path).frame.set_index("arm")
    assert frame.loc["batch norm, mnist", "minus"] == "no norm, mnist"
    assert frame.loc["batch norm, digits", "minus"] == "no norm, digits"


def test_the_terminal_has_eighty_columns(runs: Path, sweep: Path) -> None:
    for source in (runs, sweep):
        lines = text(results_table(source)).splitlines()
        assert max(map(len, lines)) <= 80
    shown = text(results_table(runs))
    assert "batch norm" in shown
    assert "time" in shown.splitlines()[0]


def odd_runs(folder: Path) -> Path:
    for seed in range(2):
        write_run(folder, "none", seed, layers=False, preset="plain")
        write_run(folder, ODD, seed, layers=False, preset="odd")
    return folder


def test_markdown_has_one_row_an_arm_whatever_its_name(tmp_path: Path) -> None:
    lines = FORMATS["md"](results_table(odd_runs(tmp_path))).splitlines()
    cells = [line.replace(r"\|", "").count("|") for line in lines[:4]]
    assert len(set(cells)) == 1
    assert r"\=" not in lines[3]
    assert r"\<b\>\[red\]" in lines[3]


def test_csv_cells_are_no_formulas(tmp_path: Path) -> None:
    found = list(csv.DictReader(io.StringIO(FORMATS["csv"](results_table(odd_runs(tmp_path))))))
    assert {row["arm"][0] for row in found} <= {"n", "'"}
    assert ODD.rpartition(".")[2] in found[1]["arm"]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=cmd|x", "'=cmd|x"), ("+model=x", "'+model=x"), ("-2+3", "'-2+3"), ("@x", "'@x"),
        ("-0.5", "-0.5"), ("+1e-3", "+1e-3"), ("-inf", "-inf"), ("'=x", "''=x"), ("a=b", "a=b"),
    ],
)  # fmt: skip
def test_formulas_are_made_harmless_and_numbers_left(text: str, safe: str) -> None:
    made = without_formulas(pd.DataFrame({"x": [text]}))
    assert made["x"][0] == safe
    assert with_formulas(made)["x"][0] == text


def test_html_is_text_only(tmp_path: Path) -> None:
    tags = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

    Parser().feed(FORMATS["html"](results_table(odd_runs(tmp_path))))
    assert set(tags) == {"table", "caption", "thead", "tbody", "tr", "th", "td"}


def test_latex_escapes_and_is_whole(tmp_path: Path) -> None:
    table = FORMATS["latex"](results_table(odd_runs(tmp_path)))
    assert r"x\_1 \& 50\% \$x\textasciicircum{}\{\$ \textless{}b\textgreater{}{[}red]" in table
    for part in (r"\caption{", r"\label{tab:results}", r"\toprule", r"\bottomrule"):
        assert part in table
    body = [line for line in table.splitlines() if line.endswith(r"\\")]
    assert len({line.replace(r"\&", "").count("&") for line in body}) == 1


LATEX_ROWS = ["[1] first", "* second", 'a "name" `x` [y]', "größe β Λ ∞ → ≤ ≥ ±"]


def shown(rows: list[str]) -> Any:
    cells = pd.DataFrame({"arm": rows, "mean": ["97.1 (96.0 to 98.0)"] * len(rows)})
    return SimpleNamespace(cells=cells, heads={"arm": "arm", "mean": "test, %"}, caption=rows[0])


def test_no_row_of_latex_begins_with_what_a_line_break_would_take() -> None:
    lines = latex(shown(LATEX_ROWS)).splitlines()
    rows = [line.partition(" & ")[0] for line in lines if "97.1" in line]
    assert rows == [
        "{[}1] first", "{*} second", "a ''name'' `x` {[}y]",
        r"größe $\beta$ $\Lambda$ $\infty$ $\to$ $\le$ $\ge$ $\pm$",
    ]  # fmt: skip


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.slow
def test_latex_compiles(tmp_path: Path) -> None:
    tables = [
        FORMATS["latex"](results_table(odd_runs(tmp_path / "runs"))),
        latex(shown(LATEX_ROWS)),
    ]
    head = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}"
    (tmp_path / "t.tex").write_text("\n".join([head, *tables, "\\end{document}"]))
    options = ["-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(["pdflatex", *options], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_from_the_command_line(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command([str(runs), "format=latex", f"--out={tmp_path / 'a' / 't.tex'}"]) == 0
    assert (tmp_path / "a" / "t.tex").read_text().startswith(r"% \usepackage{booktabs}")
    assert command([str(runs), "model.norm=batch"]) == 0
    assert "no norm" not in capsys.readouterr().out


def test_times_and_intervals_in_words() -> None:
    assert [duration(x) for x in (0.32, 4.2, 80, 7600)] == ["320 ms", "4.2 s", "1.3 min", "2.1 h"]
    assert interval(0.5, float("nan"), float("nan")) == "50.0"
    assert interval(-0.00001, -0.01, 0.01, "+") == "+0.0 (\N{MINUS SIGN}1.0 to +1.0)"


def test_it_shows_itself_in_a_notebook(runs: Path) -> None:
    assert results_table(find_arms(runs))._repr_html_().startswith("<table>")
