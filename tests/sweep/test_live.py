"""The page that is kept up to date while a sweep runs."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bnexp.cli import run
from bnexp.sweep import live
from bnexp.sweep.live import LivePage
from tests.conftest import REPOSITORY
from tests.sweep.conftest import Jobs

SHORT = ("device=cpu", "training.epochs=2", "training.max_steps=8", "probes=none", "workers=2")
PAGE = Path("live/index.html")
REFRESH = '<meta http-equiv="refresh" content="10">'


def heading(page: str) -> str:
    [found] = re.findall("<h1>(.*)</h1>", page)
    return str(found)


def cells(page: str) -> list[list[str]]:
    """The rows of the table, without tags."""
    rows = re.findall("<tr>(<th scope=.row.*)</tr>", page)
    return [
        [re.sub("<[^>]*>|&#9632;", "", cell).strip() for cell in re.split("</t[hd]>", row)[:-1]]
        for row in rows
    ]


def test_during_a_sweep_and_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live, "PAUSE", 0.0)
    monkeypatch.setattr(live, "SHARE", 0)
    pages: dict[str, str] = {}
    write = LivePage._write

    def kept(self: LivePage, over: bool) -> None:
        ended = len(self.results)
        write(self, over)
        page = PAGE.read_text()
        assert heading(page).startswith(f"{ended} of 4 runs done, ")
        assert page.endswith("</html>")
        pages[heading(page)] = page

    monkeypatch.setattr(LivePage, "_write", kept)
    line = ["train", "-m", *SHORT, "model=mlp,mlp_bn"]
    line += ["training.epochs=60", "training.max_steps=900"]  # seconds, of several looks
    assert run([*line, "seed=0"]) == 0
    assert not PAGE.exists()
    assert run([*line, "seed=0,1", "--live"]) == 0
    assert capsys.readouterr().err.count("live: live/index.html\n") == 1
    *during, last = pages.values()
    assert all('http-equiv="refresh"' in page for page in during)
    assert any(re.fullmatch("2 of 4 runs done, [12] running, 0 failed", one) for one in pages)
    assert heading(last) == "4 of 4 runs done, 0 running, 0 failed"
    assert "refresh" not in last
    table = cells(last)
    assert [row[:2] for row in table] == [["no norm", "2 of 2"], ["batch norm", "2 of 2"]]
    assert all(re.fullmatch(r"\d+\.\d%", cell) for row in table for cell in row[5:])
    assert last.count("<polyline") == 4
    assert "training.max_steps=900" in last


def test_what_failed_and_names_are_escaped(net: str) -> None:
    Path("<b>x<").mkdir()  # where the net logs, to a file `b>`
    line = ["train", "-m", *net.split(), *SHORT, "seed=0", "live=page"]
    assert run([*line, "model.kwargs.how=nothing,error", "+model.kwargs.log='<b>x</b>',null"]) == 1
    page = Path("page/index.html").read_text()
    assert heading(page) == "2 of 4 runs done, 0 running, 2 failed"
    assert "<b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in "".join(row[0] for row in cells(page))
    assert page.count("RuntimeError: first line") == 2
    assert sorted(row[1] + row[4] for row in cells(page)) == ["0 of 11"] * 2 + ["1 of 1"] * 2


def test_a_folder_that_cannot_be_written_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live, "PAUSE", 0.0)
    monkeypatch.setattr(live, "SHARE", 0)
    Path("live").touch()
    assert run(["train", "-m", *SHORT, "model=mlp", "seed=0,1", "--live"]) == 0
    err = capsys.readouterr().err
    assert err.splitlines() == [
        "live: live/index.html",
        "bnexp: live=live: no page is written: File exists",
    ]


def test_writing_takes_little_of_the_time(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    page = LivePage(Path("live"), "bnexp train")
    page.expect([job.plan for job in jobs("model=mlp")], {})
    monkeypatch.setattr(LivePage, "_html", lambda self: time.sleep(0.3) or "")
    page.renew()
    assert page.due - time.monotonic() > 14
    PAGE.unlink()
    page.renew()
    assert not PAGE.exists()
    page.end()
    assert PAGE.exists()


def test_what_is_no_sweep_has_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", *SHORT, "model=mlp", "--live"]) == 2
    assert capsys.readouterr().err == "bnexp: live=live: shows a sweep, `bnexp train -m`\n"
    assert run(["train", "-m", *SHORT, "model=mlp", "--live", "--dry-run"]) == 0
    assert run(["compare", "runs", "--by", "model.norm", "--live"]) == 2
    assert run(["reproduce", "A6", "--live", "device=cpu"]) == 0
    assert not PAGE.exists()


def test_of_compare_and_reproduce() -> None:
    line = ["compare", *SHORT, "model=mlp,mlp_bn", "lr=0.1", "seeds=2", "live=one"]
    assert run(line) == 0
    one = Path("one/index.html").read_text()
    assert [row[:2] for row in cells(one)] == [["no norm", "2 of 2"], ["batch norm", "2 of 2"]]
    assert run(["reproduce", "B3", "preset=quick", "device=cpu", "--live", "workers=2"]) == 0
    page = PAGE.read_text()
    done, of = re.findall(r"\d+", heading(page))[:2]
    assert done == of
    assert "refresh" not in page + one


def test_a_process_of_its_own_that_is_interrupted(net: str, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "bnexp", "train", "-m", *net.split(), *SHORT, "--live"]
    more = ["seed=0", "model.kwargs.how=nothing,sleep", "workers=1", "training.max_steps=null"]
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY}:{tmp_path}"}
    slow = ["training.epochs=1000", "+model.kwargs.at=3"]
    process = subprocess.Popen([*line, *more, *slow], env=environment, stderr=subprocess.PIPE)
    until = time.monotonic() + 300
    begun = Path("runs")
    while not (PAGE.exists() and [*begun.glob("*/run.json")]) and time.monotonic() < until:
        time.sleep(0.1)
    assert REFRESH in PAGE.read_text()
    process.terminate()
    _, err = process.communicate(timeout=100)
    assert process.returncode == 130
    assert err.decode().startswith("live: live/index.html\n")
    assert heading(PAGE.read_text()).startswith("0 of 2 runs done, 0 running, ")
    assert "refresh" not in PAGE.read_text()
