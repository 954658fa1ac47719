"""One odd record never stops a command for all the others.

Every file of a record is damaged in every way, and every command that reads records is run: on all
of them at once, and with `-m slow` on each.
"""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bnexp
from bnexp.cli import run
from bnexp.report.catalogue import FIGURES

SHORT = ["data.train_size=200", "data.name=digits", "training.epochs=1", "training.max_steps=4",
         "device=cpu", "optimizer.lr=0.05"]  # fmt: skip
TABLES = ("steps", "epochs", "gradients", "activations", "histograms", "measures")
NET = "model=mlp_bn"
PROBES = ["probes=default"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three runs, the first of which is for damaging."""
    runs = tmp_path_factory.mktemp("trained") / "runs"
    for seed in range(3):
        assert run(["train", NET, *SHORT, f"seed={seed}", f"runs_dir={runs}"]) == 0
    return runs


def header(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """A damage that rewrites run.json, which is otherwise whole."""

    def damage(folder: Path) -> None:
        path = folder / "run.json"
        loaded = json.loads(path.read_text())
        changed = change(loaded)
        path.write_text(json.dumps(loaded if changed is None else changed))

    return damage


def raw(name: str, data: bytes | Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """A damage that replaces a file's bytes."""

    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(data(path.read_bytes()) if callable(data) else data)

    return damage


def instead(name: str, kind: str) -> Callable[[Path], None]:
    """A damage that puts a folder, a broken link, or nothing in a file's place."""

    def damage(folder: Path) -> None:
        (folder / name).unlink()
        if kind == "folder":
            (folder / name).mkdir()
        elif kind == "link":
            (folder / name).symlink_to("nowhere")

    return damage


def put(key: str, value: Any) -> Callable[[Path], None]:
    """A damage that gives a dotted key of run.json another value."""

    def change(loaded: dict[str, Any]) -> None:
        *sections, name = key.split(".")
        for section in sections:
            loaded = loaded[section]
        loaded[name] = value

    return header(change)


def drop(key: str) -> Callable[[Path], None]:
    """A damage that takes a dotted key out of run.json."""

    def change(loaded: dict[str, Any]) -> None:
        *sections, name = key.split(".")
        for section in sections:
            loaded = loaded[section]
        del loaded[name]

    return header(change)


DEEP = b'{"format": 1, "config": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
FIELDS = ("identity", "preset", "status", "outcome", "reason", "config", "results", "provenance")
KEYS = ("config.model", "config.model.kind", "config.model.norm", "config.optimizer.lr",
        "config.data", "config.data.batch_size", "config.seed", "config.training.epochs",
        "results.steps", "results.test_accuracy", "results.seconds_total", "results.val_loss",
        "results.best_epoch", "results.samples_per_second")  # fmt: skip
ODD: dict[str, Any] = {"number": 7, "text": "x", "null": None, "list": [1, "a"], "map": {"a": {}}}

DAMAGE: dict[str, Callable[[Path], None]] = {
    "json deep": raw("run.json", DEEP),
    "json deep within": raw(
        "run.json", lambda data: data.replace(b'"reason": null', b'"reason": ' + b"[" * 9000, 1)
    ),
    "json nan": put("results.steps", math.nan),
    "json huge": put("results.steps", math.inf),
    "json long": put("results.steps", 10**400),
    "later format": put("format", 2),
    "false status": put("status", "fine"),
    "false outcome": put("outcome", "excellent"),
    "false identity": put("identity", "../../../x"),
    "own columns": header(lambda h: h["results"].update(folder="/", run="x", status="failed")),
    "own columns in config": header(lambda h: h["config"].update(folder="/", run=1, status={})),
    "markup": put("preset", "[/red]=1|$x^{$<b>\x1b[31m\n"),
}
for name in ("run.json", "config.yaml", *(f"{table}.csv" for table in TABLES), "weights.pt"):
    DAMAGE |= {
        f"{name} empty": raw(name, b""),
        f"{name} binary": raw(name, bytes(range(256)) * 20),
        f"{name} half": raw(name, lambda data: data[: len(data) // 2]),
        **{f"{name} is {kind}": instead(name, kind) for kind in ("folder", "link", "gone")},
    }
for table in TABLES:
    DAMAGE |= {
        f"{table} other columns": raw(f"{table}.csv", lambda data: data.replace(b"step", b"s", 1)),
        f"{table} text": raw(f"{table}.csv", lambda data: data.replace(b"\n0,", b"\nzero,", 1)),
        f"{table} ends": raw(f"{table}.csv", lambda data: data + b"1,2,3\n"),
        f"{table} header": raw(f"{table}.csv", lambda data: data[: data.index(b"\n") + 1]),
    }
for key in (*FIELDS, *KEYS):
    DAMAGE[f"{key} missing"] = drop(key)
    DAMAGE |= {f"{key} is {what}": put(key, value) for what, value in ODD.items()}

COMMANDS = [
    ["runs"],
    ["runs", "--each", "status=done"],
    ["runs", "seed=0,1", "--each", "--format", "csv"],
    ["report"],
    ["plot", "convergence"],
    ["runs", "gc", "--yes"],
    ["runs", "rm", "status=done", "--yes"],
]


def all_at_once(trained: Path) -> None:
    """Every damage to a record of its own, beside three whole ones."""
    shutil.copytree(trained, "runs", ignore=shutil.ignore_patterns(".locks"))
    whole = next(path for path in Path("runs").iterdir() if path.name.startswith("mlp_bn-"))
    for number, damage in enumerate(DAMAGE.values()):
        folder = Path("runs") / f"mlp_bn-{number:012x}"
        shutil.copytree(whole, folder)
        put("identity", folder.name[-12:])(folder)
        damage(folder)


@pytest.mark.ci
def test_no_command_stops_at_damaged_records(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    all_at_once(trained)
    loaded = bnexp.load_runs()
    for table in TABLES:
        assert getattr(loaded, table)["run"].nunique() >= 3
    every = {str(path) for path in Path("runs").glob("[!.]*")}
    assert set(loaded.runs["folder"]) | set(loaded.skipped["folder"]) == every
    assert all(loaded.skipped["reason"])
    for arguments in COMMANDS:
        assert run(arguments) == 0, arguments
        assert "Traceback" not in capsys.readouterr().err
    assert Path("report/index.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_is_drawn_of_what_is_whole(figure: str, trained: Path) -> None:
    all_at_once(trained)
    more = ["--key", "data.batch_size"] if figure in ("sensitivity", "by_value") else []
    assert run(["plot", figure, *more]) == 0


@pytest.mark.slow
def test_the_ledger_is_made_beside_damaged_records(trained: Path) -> None:
    all_at_once(trained)
    assert run(["reproduce", "B7", "preset=quick", "device=cpu", "progress=false"]) == 0
    assert Path("ledger/index.html").exists()


def damaged(name: str, trained: Path) -> Path:
    """Copy the runs here, and damage the first."""
    shutil.copytree(trained, "runs", ignore=shutil.ignore_patterns(".locks"))
    folder = min(path for path in Path("runs").iterdir() if not path.name.startswith("."))
    DAMAGE[name](folder)
    return folder


SOME = ("json deep", "later format", "false identity", "steps.csv is folder", "run.json half",
        "weights.pt binary", "results.steps missing", "config.yaml is link")  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in SOME else pytest.mark.slow) for n in DAMAGE]
)
def test_one_damaged_record(name: str, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What lists and compares reads the others; training ends in the run, or in a line."""
    folder = damaged(name, trained)
    seed = json.loads((trained / folder.name / "run.json").read_text())["config"]["seed"]
    others = [path.name[-12:] for path in Path("runs").glob("[!.]*") if path.name != folder.name]
    assert run(["runs"]) == 0
    assert run(["runs", "diff", *others]) == 0
    assert run(["runs", "diff", folder.name, others[0]]) in (0, 2)
    capsys.readouterr()
    code = run(["train", NET, *SHORT, f"seed={seed}"])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert code == 0 or (code == 2 and str(folder) in said.err)
    assert run(["runs", "rm", folder.name, "--yes"]) in (0, 2)
