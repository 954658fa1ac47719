import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bnexp.cli import COMMANDS, run
from bnexp.compose import compose
from bnexp.keys import explanation, keys
from bnexp.norms.catalogue import NORMS
from tests.conftest import REPOSITORY, Cli

SHORT = ("training.epochs=2", "training.max_steps=8", "device=cpu", "threads=1")


def headers(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("runs/*/run.json"))]


# ------------------------------------------------------------------------- what answers at once


@pytest.mark.parametrize(
    "arguments", ["", "--help", "list", "train --help", "train --cfg job", "-sc query=bash"]
)
def test_nothing_heavy_is_imported_to_answer(arguments: str) -> None:
    code = (
        "import sys; from bnexp.cli import run\n"
        "try: run(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'torchvision', 'pandas', 'matplotlib', 'sklearn', 'scipy', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments.split()],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "COMP_LINE": "bnexp train model="},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in COMMANDS)


def test_list_names_everything_with_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in [*NORMS, "cnn_bn", "rnn_ln", "digits", "fashion_mnist", "adamw", "default"]:
        assert any(line.split()[:1] == [name] and len(line.split()) > 2 for line in lines), name


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("bnexp tr", "train"),
        ("bnexp train model=cnn_b", "model=cnn_bn"),
        ("bnexp train +model=cnn_b", "+model=cnn_bn"),
        ("bnexp train -m model=mlp optimizer.l", "optimizer.lr="),
        ("bnexp train optimizer=", "optimizer=adamw"),
        ("bnexp train -m model=mlp,ml", "model=mlp,mlp_bn"),
        ("bnexp train -m +model=mlp,cnn_bn,ml", "+model=mlp,cnn_bn,mlp_bn"),
        ("bnexp reproduce data=fas", "data=fashion_mnist"),
        ("bnexp reproduce B", "B13"),
        ("bnexp report --b", "--by"),
        ("bnexp plot con", "convergence"),
        ("bnexp explain norm=", "norm=batch"),
        ("bnexp explain ba", "batch"),
        ("bnexp list no", "norms"),
    ],
)
def test_completion(
    line: str,
    suggestion: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    assert run(["-sc", "query=bash"]) == 0
    assert suggestion in capsys.readouterr().out.split()


def test_completion_leaves_out_what_does_not_begin_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMP_LINE", "bnexp explain norm=la")
    assert run(["-sc", "query=bash"]) == 0
    assert capsys.readouterr().out.split() == ["norm=layer"]


def test_packages_tell_what_is_in_them() -> None:
    import bnexp
    import bnexp.report

    assert {"convergence", "find_arms", "write_report"} <= set(dir(bnexp.report))
    assert {"train", "load_runs", "swap_norms"} <= set(dir(bnexp))


def test_completion_installs_for_bash(cli: Cli) -> None:
    assert "complete -o nospace" in cli("-sc", "install=bash").stdout


# ----------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ("trian", ["trian: no such command; did you mean train?"]),
        ("list colours", ["list colours: known are models, datasets"]),
        ("train model=nonsense", ["In 'train': Could not find 'model/nonsense'"]),
        ("train seed=[", ["no viable alternative"]),
        (
            "train +typo=1 optimizer.lrr=1 seed=x",
            ["seed=x: must be a valid integer", "optimizer.lrr=1: unknown key", "typo=1: unknown"],
        ),
        ("train -m optimizer.lr=-1 seed=0,1", ["optimizer.lr=-1: must be greater than or equal"]),
        ("train model=mlp_bn data.batch_size=1", ["data.batch_size=1: "]),
        (
            "train model=mlp_bn data.batch_size=3 data.drop_last=false data.train_size=100",
            ["data.batch_size=3: "],
        ),
        ("train model=mlp_gn model.norm_options.groups=7", ["model.norm_options.groups=7: "]),
        ("train data.train_size=5000", ["data.train_size=5000: digits has 1280"]),
        (
            "train model=mlp_bn data.batch_size=1 data.train_size=5000 optimizer.lr=-1",
            ["optimizer.lr=-1: ", "data.train_size=5000: "],
        ),
        (
            "train model=mlp_gn model.norm_options.groups=7 data=cifar10 data.root=nowhere",
            ["model.norm_options.groups=7: ", "data.root=nowhere: no such folder"],
        ),
        (
            "train model=mlp_gn model.norm_options.groups=7 data.train_size=5000",
            ["model.norm_options.groups=7: ", "data.train_size=5000: "],
        ),
        ("train device=cuda:99", ["device=cuda:99: not on this machine"]),
        (
            "train runs_dir=file/runs model=mlp",
            ["runs_dir=file/runs: cannot be written: Not a dir"],
        ),
        ("train --cfg job -m", ["Only one of --run"]),
        ("train --nonsense", ["train: unrecognized arguments: --nonsense; see"]),
        ("train -cn", ["argument --config-name/-cn: expected one argument"]),
        ("train seed", ["seed: is no key=value"]),
        ("train =3", ["=3: has no key"]),
        ("train -m sweep=3", ["sweep=3: must be a list of grids"]),
        ("train -m sweep={}", ["sweep={}: must be a list, such as [a, b]"]),
        ("train model.norm_options=[1]", ["model.norm_options=[1]: must be a mapping, such as "]),
        ("train --config-dir=mine -cn broken", ["broken.yaml, line 2: is no YAML"]),
        ("train --config-dir=bombs -cn bomb", ["bomb.yaml: more than 100,000 values"]),
        ("train --config-dir=/nowhere", ["--config-dir=/nowhere: no such folder"]),
        ("train hydra.searchpath=[nowhere]", ["hydra.searchpath=nowhere: no such folder"]),
        ("train model.kwargs={}", ["model.kwargs={}: unknown key"]),
        ("train foo={}", ["foo={}: unknown key"]),
        ("train training={} +optimizer={}", ["training={}: sets nothing", "optimizer={}: must"]),
        ("train probes.gradients={}", ["probes.gradients={}: sets nothing"]),
        ("train -m seed=0,1 training={}", ["training={}: sets nothing"]),
        ("train -m sweep=[{training:{}}]", ["training={}: sets nothing"]),
        ("train -m training={},{epochs:1}", ["training={}: sets nothing"]),
        ("compare model=mlp,cnn training={}", ["training={}: sets nothing"]),
        ("train model=[mlp]", ["model=[mlp]: must name one preset"]),
        ("train model=null seed=[", ["model=null: must name one preset", "seed=["]),
        ("train data.root=/größe/x", ["""needs quotes: 'data.root="/größe/x"'"""]),
        ("train runs_dir=a=b", ["""needs quotes: 'runs_dir="a=b"'"""]),
        ("train optimizer.learning_rate=1", ["unknown key; nearest known key: optimizer.lr"]),
        ("train seed=0,1", ["seed=0,1: several values are a sweep, with train -m"]),
        ("train -m seed=range(5,0)", ["seed=range(5,0): there is no value in it"]),
        ("train -m model=glob(zzz*)", ["model=glob(zzz*): there is no value in it"]),
        ("train -m seed=choice()", ["seed=choice(): "]),
        ("train -m seed=range(1000000000)", ["the sweep has 100,001 jobs or more"]),
        ("train -m seed=range(1000) data.batch_size=range(1000)", ["1,000,000 jobs or more"]),
        ("train -m sweep=[{seed:'range(5,0)'},{seed:1}]", ["seed=range(5,0): there is no value"]),
        ("train -m sweep=[{sweep:[{seed:1}]}]", ["sweep[0].sweep: a grid holds no grids"]),
        ("train -m sweep=[{zip:{zip:{seed:1}}}]", ["sweep[0].zip.zip: "]),
        ("train threads=100000 workers=100000", ["threads=100000: must", "workers=100000: must"]),
    ],
)
def test_bad_input_is_a_line_each_and_exit_code_2(
    arguments: str, lines: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "mine").mkdir()
    (tmp_path / "bombs").mkdir()
    (tmp_path / "mine" / "broken.yaml").write_text("a: [1\nb: }")
    layers = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (tmp_path / "bombs" / "bomb.yaml").write_text("\n".join(["a0: &a0 [1, 2]", *layers]))
    assert run(arguments.split()) == 2
    said = capsys.readouterr().err.splitlines()
    for line in lines:
        assert any(line in text for text in said), said
    assert all(text.startswith("bnexp: ") for text in said)
    assert len(said) >= len(lines)
    assert not list(tmp_path.glob("runs/*/run.json"))


# -------------------------------------------------------------------------------------- training


def test_a_run_from_the_command_line(cli: Cli, tmp_path: Path) -> None:
    first = cli("train", "+model=mlp_bn", *SHORT)
    assert first.returncode == 0, first.stderr
    assert "mlp_bn on digits: " in first.stdout
    assert "test accuracy" in first.stdout
    assert "epoch 1/2" in first.stdout
    [folder] = tmp_path.glob("runs/mlp_bn-*")
    assert str(folder.relative_to(tmp_path)) in first.stdout
    [header] = headers(tmp_path)
    assert header["status"] == "done"
    again = cli("train", "model=mlp", "model.norm=batch", *SHORT)
    assert "done before" in again.stdout
    assert headers(tmp_path) == [header]
    rerun = cli("train", "model=mlp_bn", "rerun=true", *SHORT)
    assert "done before" not in rerun.stdout
    [fresh] = headers(tmp_path)
    assert fresh["identity"] == header["identity"]
    assert not list(tmp_path.glob("runs/.replaced/*"))


def test_flags_may_stand_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train model=mlp -m seed=0,1 --dry-run".split()) == 0
    assert "2 runs: 0 done, 2 to train" in capsys.readouterr().out


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert run(["train", "model=mlp", "training.max_steps=2", "runs_dir=~/mine"]) == 0
    assert len(list(tmp_path.glob("home/mine/mlp-*"))) == 1
    assert not list(tmp_path.glob("~"))


def test_train_inside_a_users_own_hydra_program(cli: Cli, tmp_path: Path) -> None:
    """https://github.com/facebookresearch/hydra/issues/3399"""
    (tmp_path / "app.yaml").write_text("runs: 2\n")
    (tmp_path / "app.py").write_text(
        "import bnexp, hydra\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from hydra.core.hydra_config import HydraConfig\n"
        "@hydra.main(version_base=None, config_path='.', config_name='app')\n"
        "def app(cfg):\n"
        "    def one(seed):\n"
        "        return bnexp.train('model=mlp', 'training.max_steps=2', f'seed={seed}').outcome\n"
        "    with ThreadPoolExecutor(4) as pool:\n"
        "        print(list(pool.map(one, range(4))), HydraConfig.get().job.name)\n"
        "app()\n"
    )
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("] app")
    assert len(headers(tmp_path)) == 4
    assert {header["status"] for header in headers(tmp_path)} == {"done"}


def test_help_tells_of_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--help", "optimizer.lr", "training.max_steps"]) == 0
    said = capsys.readouterr().out
    assert "optimizer.lr: learning rate\n    number, at least 0; default: 0.05\n" in said
    assert "integer, at least 1 or null; default: null" in said
    assert run(["train", "--help", "model.norm_options"]) == 0
    assert "model.norm_options" in capsys.readouterr().out
    assert run(["train", "--help", "probes.shift", "model.depth", "model.norm_options.eps"]) == 0
    said = capsys.readouterr().out
    assert "probes.shift.every: steps between two recordings (of shift: of gradients, when" in said
    assert "integer, at least 1, at most 2000 or null; default: null\n" in said
    assert "integer, at least 1, at most 2000; of: Stages of residual blocks" in said
    assert "number, above 0; default: 1e-12; of: norm spectral" in said
    assert run(["train", "--help", "optimizer.lrr"]) == 2
    assert "nearest known key: optimizer.lr" in capsys.readouterr().err


def test_every_key_can_be_asked_for() -> None:
    names = sorted({key.name for key in keys()})
    said = explanation(names, compose([])[0])
    assert all(f"\n{name}" in f"\n{said}" for name in names)


def test_help_lists_no_comparisons(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--help"]) == 0
    said = capsys.readouterr().out
    assert "model: cnn" in said
    assert "comparison" not in said


def test_the_record_names_no_folder_of_the_user(tmp_path: Path) -> None:
    assert run(["train", "model=mlp", "training.max_steps=2", f"runs_dir={tmp_path}/mine"]) == 0
    [path] = tmp_path.glob("mine/*/run.json")
    header = json.loads(path.read_text())
    assert str(tmp_path) not in json.dumps(header)
    assert header["provenance"]["command"].startswith("bnexp train model=mlp")


def test_a_sweep_takes_both_spellings(tmp_path: Path) -> None:
    assert run(["train", "-m", "+model=mlp,mlp_bn", "training.max_steps=2", "seed=0,1"]) == 0
    assert run(["train", "-m", "model=mlp,mlp_bn", "training.max_steps=2", "seed=0,1"]) == 0
    assert (
        sorted(str(header["preset"]) for header in headers(tmp_path))
        == ["mlp"] * 2 + ["mlp_bn"] * 2
    )


def test_user_configs_outside_the_package(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "model").mkdir(parents=True)
    (mine / "experiment").mkdir()
    (mine / "model" / "tiny.yaml").write_text("defaults: [mlp_bn]\nwidths: [8]\n")
    (mine / "experiment" / "quick.yaml").write_text(
        "# @package _global_\ndefaults: [{override /model: tiny}]\ntraining: {max_steps: 2}\n"
    )
    (mine / "own.yaml").write_text("defaults: [train, {override model: tiny}, _self_]\nseed: 5\n")
    path = f"hydra.searchpath=[file://{mine}]"
    steps = "training.max_steps=2"
    assert run(["train", path, "+model=tiny", steps]) == 0
    assert run(["train", path, "+experiment=quick", "seed=1"]) == 0
    assert run(["train", "--config-dir", str(mine), "--config-name", "own", steps]) == 0
    assert run(["train", f"--config-dir={mine}", "-cn", "own", "+model=mlp", steps]) == 0
    found = sorted((str(h["preset"]), h["config"]["seed"]) for h in headers(tmp_path))  # type: ignore[index]
    assert found == [("mlp", 5), ("tiny", 0), ("tiny", 1), ("tiny", 5)]


def test_a_failed_run_says_where_to_look(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.fc, self.step = nn.Linear(64, 10), 0\n"
        "    def forward(self, x):\n"
        "        self.step += self.training and torch.is_grad_enabled()\n"
        "        if self.step > 5: raise RuntimeError('on purpose')\n"
        "        return self.fc(x.flatten(1))\n"
    )
    path = f"{REPOSITORY}{os.pathsep}{tmp_path}"
    done = cli("train", "model=module", "model.name=broken.Net", *SHORT, PYTHONPATH=path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "RuntimeError: on purpose" in done.stderr
    [error] = tmp_path.glob("runs/*/error.txt")
    assert "on purpose" in error.read_text()
    assert headers(tmp_path)[0]["status"] == "failed"


def test_it_runs_with_the_network_cut_off(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import socket\n"
        "def refuse(*_, **__): raise OSError('no network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
    )
    path = f"{tmp_path}{os.pathsep}{REPOSITORY}"
    done = cli("train", "+model=mlp", *SHORT, PYTHONPATH=path, XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    missing = cli("train", "data=kmnist", *SHORT, PYTHONPATH=path, XDG_CACHE_HOME=str(tmp_path))
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr
    assert "data=digits" in missing.stderr


def test_ctrl_c_ends_in_a_line_and_the_same_command_goes_on(cli: Cli, tmp_path: Path) -> None:
    long = ("train", "model=mlp", "training.epochs=2000", "device=cpu", "probes=none")
    process = subprocess.Popen(
        [sys.executable, "-m", "bnexp", *long],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # training has begun
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    [header] = headers(tmp_path)
    assert header["status"] == "interrupted"
    [folder] = tmp_path.glob("runs/mlp-*")
    assert (folder / "checkpoint.pt").exists()


def test_a_reader_that_has_gone_fails_no_run(cli: Cli, tmp_path: Path) -> None:
    """https://github.com/wandb/wandb/issues/6449"""
    for flags in (["train"], ["train", "-m"]):
        line = shlex.join(
            [sys.executable, "-m", "bnexp", *flags, f"seed={len(flags)}", "model=mlp", *SHORT]
        )
        done = subprocess.run(
            ["bash", "-c", f"{line} | true; exit ${{PIPESTATUS[0]}}"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert [header["status"] for header in headers(tmp_path)] == ["done", "done"]


def test_a_console_without_some_signs_fails_nothing(cli: Cli, tmp_path: Path) -> None:
    narrow = {"PYTHONIOENCODING": "ascii", "MPLBACKEND": "module://nowhere.backend"}
    assert cli("train", "model=mlp", *SHORT, **narrow).returncode == 0
    explained = cli("explain", "norm=batch", "shape=2,3", **narrow)
    assert (explained.returncode, explained.stderr) == (0, "")
    assert cli("report", **narrow).returncode == 0


@pytest.mark.parametrize(
    "line",
    [
        "report --out file/x",
        "plot convergence --out file/x.svg",
        "train model=mlp runs_dir=file/x",
        "train -m model=mlp runs_dir=file/x",
        "reproduce A1 out=file/x",
        "runs --runs-dir file",
    ],
)
def test_a_folder_that_cannot_be_used_is_a_line(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "model=mlp", "runs_dir=runs", *SHORT]) == 0
    (tmp_path / "file").touch()
    capsys.readouterr()
    assert run(line.split()) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("bnexp: ")
    assert "file" in said[0]


def test_a_full_disk_is_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("bnexp.runs.record.write_texts", full)
    assert run(["train", "model=mlp", *SHORT]) in (1, 2)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "No space left on device" in said[0]


def test_two_processes_do_not_train_the_same_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bnexp", "train", "model=mlp", "training.epochs=30"]
    processes = [
        subprocess.Popen(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=100) for process in processes]
    one = [err for (_, err), p in zip(said, processes, strict=True) if p.returncode]
    assert all("is being trained by another process" in err for err in one)
    assert all("Traceback" not in err for _, err in said)
    [header] = headers(tmp_path)
    assert header["status"] == "done"
