import random
from pathlib import Path

import pytest
import torch

from bnexp.training.checkpoint import Damaged, read_checkpoint, set_damaged_aside, write_checkpoint
from bnexp.training.loop import Interrupted
from bnexp.training.run import run
from tests.training.conftest import Planner

CPU = torch.device("cpu")
SHORT = ("model=mlp_bn", "model.dropout=0.2", "training.max_steps=8", "threads=1", "probes=none")


def damage(content: bytes, seed: int) -> bytes:
    """A bit flipped, bytes lost, doubled or overwritten, a truncation; anywhere."""
    chance = random.Random(seed)
    at = chance.randrange(len(content))
    match seed % 5:
        case 0:
            return (
                content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]
            )
        case 1:
            return content[:at]
        case 2:
            return content[:at] + content[at + chance.randrange(1, 100) :]
        case 3:
            return content[:at] + content[at : at + 64] + content[at:]
    return content[:at] + chance.randbytes(16) + content[at + 16 :]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    state = {"a": torch.arange(3), "b": (1, "c", None)}
    write_checkpoint(tmp_path / "x.pt", state)
    found = read_checkpoint(tmp_path / "x.pt", CPU)
    assert torch.equal(found["a"], state["a"])
    assert found["b"] == state["b"]


@pytest.mark.parametrize("seed", range(40))
def test_any_damage_is_seen(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "x.pt"
    write_checkpoint(path, {"a": torch.randn(50), "b": list(range(50))})
    path.write_bytes(damage(path.read_bytes(), seed))
    with pytest.raises(Damaged):
        read_checkpoint(path, CPU)


def test_files_that_are_none_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({"model": {}}, path)  # as the first edition wrote it
    for content in (b"", b"\n", path.read_bytes()):
        path.write_bytes(content)
        with pytest.raises(Damaged):
            read_checkpoint(path, CPU)


def test_nothing_is_overwritten_by_setting_aside(tmp_path: Path) -> None:
    for content in (b"1", b"2"):
        (tmp_path / "x.pt").write_bytes(content)
        set_damaged_aside(tmp_path / "x.pt")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        "x.damaged-1.pt": b"1",
        "x.damaged-2.pt": b"2",
    }


@pytest.mark.parametrize(
    "seed", [pytest.param(n, marks=pytest.mark.slow if n > 4 else ()) for n in range(40)]
)
def test_a_run_with_a_damaged_checkpoint_starts_over(
    planned: Planner, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = run(planned(*SHORT, runs="whole"), "", quiet=True).results["weights_sha256"]
    plan = planned(*SHORT)
    asked = iter([False] * 4 + [True])
    with pytest.raises(Interrupted):
        run(plan, "", quiet=True, stop=lambda: next(asked))
    [path] = plan.runs_dir.glob("*/checkpoint.pt")
    path.write_bytes(damage(path.read_bytes(), seed))
    damaged = path.read_bytes()
    done = run(plan, "")
    assert done.results["weights_sha256"] == expected
    assert "set aside as checkpoint.damaged-1.pt" in capsys.readouterr().out
    assert (done.folder / "checkpoint.damaged-1.pt").read_bytes() == damaged
    assert not path.exists()
