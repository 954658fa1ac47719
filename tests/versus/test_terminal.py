"""`bnexp compare` on a terminal, and Ctrl-C there."""

import os
import pty
import select
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

CALL = (
    "compare", "model=mlp", "model.norm=none,batch", "model.widths=[8]", "optimizer.lr=0.1",
    "device=cpu", "data.train_size=200", "training.epochs=2", "seeds=7", "workers=1",
)  # fmt: skip


def on_a_terminal(folder: Path, stop_after: int | None = None) -> tuple[int, str]:
    """Exit code and output of CALL; after so many runs Ctrl-C is typed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "COLUMNS": "120"}
        os.execve(sys.executable, [sys.executable, "-m", "bnexp", *CALL], environment)
    shown = b""
    while True:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:  # its end
                break
        if stop_after is not None and len(done(folder)) >= stop_after:
            os.write(terminal, b"\x03")
            stop_after = None
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def done(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/epochs.csv")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*forkpty.*:DeprecationWarning")
def test_ctrl_c_prints_the_answer_so_far_and_the_same_command_goes_on(tmp_path: Path) -> None:
    code, shown = on_a_terminal(tmp_path, stop_after=6)
    assert code == 130, shown
    assert "Traceback" not in shown
    assert " is undecided: " in shown
    assert "bnexp: interrupted; the same command goes on from there" in shown
    before = done(tmp_path)
    assert 6 <= len(before) < 14
    code, shown = on_a_terminal(tmp_path)
    assert (code, "interrupted" in shown) == (0, False), shown
    assert len(done(tmp_path)) == 14
    assert before.items() <= done(tmp_path).items()
