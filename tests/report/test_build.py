"""The report as a whole: its files, its page, its command lines."""

import re
import shutil
import time
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

import bnexp.report.drawn
import bnexp.report.forked
from bnexp.cli import run
from bnexp.errors import UserError
from bnexp.report.build import write_report
from bnexp.report.cli import main, plot
from tests.conftest import Cli
from tests.report.records import write_run

VOID = {"meta", "link", "br", "img", "input", "hr", "use", "path", "rect", "image"}


class Outline(HTMLParser):
    """Checks nesting, and keeps what the tests ask about."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.append((tag, found))
        self.ids += [found["id"]] if found.get("id") else []
        self.links += [found["href"]] if found.get("href") else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def outline(path: Path) -> Outline:
    parser = Outline()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    assert not parser.open
    return parser


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".drawn" not in path.parts
    }


@pytest.fixture
def unprobed(tmp_path: Path) -> Path:
    """Two arms of runs without probes: a report on them has few figures."""
    for norm in ("none", "batch"):
        for seed in range(2):
            write_run(tmp_path / "runs", norm, seed, layers=False)
    return tmp_path / "runs"


@pytest.fixture(scope="module")
def report(sweep: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on the sweep, with a failed run, a broken one, and names that need escaping."""
    folder = tmp_path_factory.mktemp("report")
    runs = folder / "runs"
    shutil.copytree(sweep, runs)
    write_run(runs, "batch", 9, status="failed", preset="<b>bold")
    write_run(runs, "my.<script>alert(1)", 0, command="bnexp train '<img src=x>'")
    (runs / "empty").mkdir()
    write_report([runs], folder / "out", records=True)
    return folder / "out"


def test_the_page_is_well_formed_and_complete(report: Path) -> None:
    page = outline(report / "index.html")
    assert len(page.ids) == len(set(page.ids))
    svgs = [attributes for tag, attributes in page.tags if tag == "svg"]
    figures = [tag for tag, _ in page.tags if tag == "figure"]
    assert len(svgs) == len(figures) == len(list((report / "figures").glob("*.svg"))) >= 8
    for attributes in svgs:
        assert attributes["role"] == "img"
        assert set(str(attributes["aria-labelledby"]).split()) <= set(page.ids)
    headers = [attributes.get("scope") for tag, attributes in page.tags if tag == "th"]
    assert set(headers) == {"col", "row"}
    tables = [tag for tag, _ in page.tags if tag == "table"]
    assert len(tables) == len([tag for tag, _ in page.tags if tag == "caption"])
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert ("html", {"lang": "en"}) in page.tags


def test_the_page_needs_nothing_from_outside(report: Path) -> None:
    text = (report / "index.html").read_text()
    page = outline(report / "index.html")
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "object")]
    assert not [told for tag, told in page.tags if tag == "script" and "src" in dict(told)]
    assert "http" not in re.sub(r"arXiv:[\d.]+", "", text)
    assert "@import" not in text
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        elif not link.startswith("data:image/png;base64,"):
            assert (report / link).is_file()
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {f"#{name}" for name in page.ids}


def test_what_comes_from_configurations_is_text(report: Path) -> None:
    page = outline(report / "index.html")
    assert not [tag for tag, _ in page.tags if tag in ("img", "b")]
    assert [tag for tag, _ in page.tags].count("script") == 1  # the page's own
    text = "".join(page.text)
    assert "bnexp train '<img src=x>'" in text
    assert "<script>alert(1)" in text
    assert "<b>bold-" in text


def test_failed_and_lost_runs_are_listed(report: Path) -> None:
    text = "".join(outline(report / "index.html").text)
    assert "no run.json" in text
    assert "failed: RuntimeError: no luck" in text
    assert "diverged at step 30" in text
    assert "28 finished runs in 10 arms, 2 diverged, 1 did not train, 2 folders left out" in text


def test_every_finding_has_its_command(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = "".join(outline(report / "index.html").text)
    commands = re.findall(r"^bnexp plot .*$", page, re.MULTILINE)
    assert len(commands) == len(list((report / "figures").glob("*.svg")))
    monkeypatch.chdir(report.parent)
    for command in (line for line in commands if "convergence" in line or "learning_rate" in line):
        _, _, *arguments = command.split()
        assert plot(arguments) == 0
        name = arguments[-1]
        assert Path(name).read_bytes() == (report / "figures" / name).read_bytes()


def test_the_same_runs_give_the_same_bytes_elsewhere(
    unprobed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report([unprobed], tmp_path / "first", records=True)
    shutil.copytree(unprobed, tmp_path / "other" / "runs", copy_function=shutil.copy)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.chdir(tmp_path / "other")
    write_report(["runs"], "second", records=True)
    assert contents(tmp_path / "other" / "second") == contents(tmp_path / "first")


def test_only_figures_whose_runs_changed_are_drawn_again(
    unprobed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report([unprobed], tmp_path / "out")
    first = contents(tmp_path / "out")
    drawn: list[str] = []
    monkeypatch.setattr(bnexp.report.forked, "cores", lambda: 1)
    real = bnexp.report.drawn.draw
    monkeypatch.setattr(
        bnexp.report.drawn, "draw",
        lambda name, *rest, **options: (drawn.append(name), real(name, *rest, **options))[1],
    )  # fmt: skip
    write_report([unprobed], tmp_path / "out")
    assert contents(tmp_path / "out") == first
    assert drawn == []
    kept = sorted((tmp_path / "out" / ".drawn").iterdir())
    kept[0].write_text("damaged")
    write_report([unprobed], tmp_path / "out")
    assert len(drawn) == 1
    write_run(unprobed, "batch", 7, layers=False)
    write_report([unprobed], tmp_path / "out")
    assert set(drawn) >= {"convergence", "gap", "cost"}
    assert len(list((tmp_path / "out" / ".drawn").iterdir())) == len(kept)


def test_tables_are_tidy_files(report: Path) -> None:
    runs = pd.read_csv(report / "tables" / "runs.csv")
    assert len(runs) == 28
    assert not runs["folder"].str.contains("/").any()
    steps = pd.read_csv(report / "tables" / "steps.csv")
    assert list(steps.columns[:2]) == ["run", "step"]
    assert set(steps["run"]) == set(runs["run"])
    gap = pd.read_csv(report / "tables" / "gap.csv")
    assert {"arm", "n", "diverged", "not_trained", "missing", "gap_mean"} <= set(gap)


def test_parquet_holds_what_csv_holds(unprobed: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write_report([unprobed], tmp_path / "out", parquet=True)
    for path in (tmp_path / "out" / "tables").glob("*.csv"):
        assert len(pd.read_parquet(path.with_suffix(".parquet"))) == len(pd.read_csv(path))


def test_parquet_without_pyarrow_is_explained(
    unprobed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*arguments: object, **options: object) -> None:
        raise ImportError

    monkeypatch.setattr(pd.DataFrame, "to_parquet", missing)
    with pytest.raises(UserError, match=r"pip install 'bnexp\[parquet\]'"):
        write_report([unprobed], tmp_path / "out", parquet=True)


def test_datasets_never_share_a_figure(tmp_path: Path) -> None:
    for name in ("digits", "mnist"):
        for norm in ("none", "batch"):
            write_run(tmp_path / "runs", norm, 0, layers=False, data__name=name)
    write_report([tmp_path / "runs"], tmp_path / "out")
    names = {path.name for path in (tmp_path / "out" / "figures").glob("*.svg")}
    assert {"digits-convergence.svg", "mnist-convergence.svg"} <= names
    page = (tmp_path / "out" / "index.html").read_text()
    assert "bnexp plot convergence runs --where data.name=mnist" in page


def test_report_from_the_command_line(
    unprobed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(unprobed), "model.norm=batch", "out=mine", "--title", "Only <batch>"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == "mine/index.html\n"
    page = (tmp_path / "mine" / "index.html").read_text()
    assert "train with probes=default" in page  # why the figures of layers are not there
    assert "<h1>Only &lt;batch&gt;</h1>" in page
    assert "no norm" not in page


def test_plot_from_the_command_line(
    two_arms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot(["cost", str(two_arms), "--by", "model.norm", "--out", "f/cost.png", "--title", "Mine"])
    assert capsys.readouterr().out.splitlines() == ["Mine", "f/cost.png"]
    assert (tmp_path / "f" / "cost.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cost", "nowhere"], "no such folder"),
        (["costs"], "costs: no such figure; did you mean cost"),
        ([], "say which figure; there are convergence, "),
        (["model.norm=batch"], "say which figure"),
        (["cost", "--style", "poster"], "invalid choice: 'poster'"),
        (["cost", "--width", "0"], "must be 1 to 50 inches"),
        (["cost", "--out", "file/x.svg"], "file: cannot be written: File exists"),
        (["cost", "--out", "x.gif"], "must end in .svg"),
        (["cost", "--target", "0.9"], "cost does not take it"),
        (["sensitivity"], "say --key, the number on the x-axis"),
        (["convergence", "--target", "high"], "invalid float value"),
        (["cost", "--colour"], "unrecognized arguments"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], message: str, unprobed: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=message) as error:
        plot(arguments)
    assert len(error.value.lines) == 1


def test_help_and_report_import_no_torch(cli: Cli, unprobed: Path) -> None:
    for command in ("report", "plot"):
        done = cli(command, "--help", PYTHONPROFILEIMPORTTIME="1")
        assert done.returncode == 0
        assert f"usage: bnexp {command}" in done.stdout
        for heavy in ("pandas", "matplotlib", "torch"):
            assert f"| {heavy}\n" not in done.stderr
    done = cli("report", str(unprobed), PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert re.search(r"\|\s+matplotlib\n", done.stderr)
    assert not re.search(r"\|\s+torch\n", done.stderr)


def test_no_runs_is_exit_code_two(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    done = cli("report")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bnexp: runs: holds no run")
    assert "Traceback" not in done.stderr


def test_names_for_notebooks_stay_functions() -> None:
    import bnexp.report

    for _ in range(2):  # a submodule of the same name would take a name's place once imported
        for name in ("write_report", "find_arms", "convergence", "learning_rate", "sensitivity"):
            assert callable(getattr(bnexp.report, name))


ODD = ["$x^{$", '"', "<b>", "[red]x[/]", "a\nb", "%n & #_~\\", "=cmd|"]


@pytest.mark.parametrize(
    "odd", [pytest.param(odd, marks=pytest.mark.slow if n > 2 else ()) for n, odd in enumerate(ODD)]
)
def test_odd_names_are_drawn_as_they_are(odd: str, tmp_path: Path) -> None:
    for norm in ("none", odd):
        write_run(tmp_path / "runs", norm, 0, layers=False, preset="p")
    path = write_report([tmp_path / "runs"], tmp_path / "out", title=odd)
    for svg in (tmp_path / "out" / "figures").glob("*.svg"):
        ElementTree.parse(svg)
    assert odd.split()[0] in "".join(outline(path).text)


def test_a_notebooks_backend_and_a_place_that_cannot_be_written_are_no_tracebacks(
    cli: Cli, unprobed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = "module://matplotlib_inline.backend_inline"
    for name in (backend, "nonsense"):
        done = cli("plot", "cost", str(unprobed), "out=a.svg", MPLBACKEND=name)
        assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "file").touch()
    for command in (("report", "out=file"), ("plot", "cost", "out=file/x.svg"), ("table", "out=/")):
        assert run(list(command)) == 2
        assert re.fullmatch(r"bnexp: .*: cannot be written: .*\n", capsys.readouterr().err)
