"""An instrument is a function and an entry, or a function that is named."""

import json
import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import bnexp
from bnexp.errors import UserError
from bnexp.probes import Moment
from bnexp.probes.catalogue import register
from bnexp.probes.updates import updates
from bnexp.training.run import run
from tests.conftest import REPOSITORY, Cli
from tests.training.conftest import Planner, planned  # noqa: F401

MINE = '''
import torch
from bnexp.probes import Recording

def samples(moment):
    """How many samples the batch has, and after the update the sum of the weights' squares."""
    def after():
        with torch.no_grad():
            total = sum(p.square().sum() for p in moment.model.parameters())
        return Recording({"measures": [("model", "squares", total)]})
    return after

def count(moment):
    return Recording({"measures": [("model", "samples", len(moment.y))]})

def nothing_to_it():
    pass
'''


@pytest.fixture(autouse=True)
def _package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "my_probes"
    package.mkdir()
    (package / "__init__.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_function_is_named(planned: Planner) -> None:  # noqa: F811
    plan = planned("model=mlp", "probes.count=my_probes.count", "training.max_steps=3")
    done = run(plan, "", quiet=True)
    found = bnexp.load_runs(done.folder).measures
    found = found[found["name"] == "samples"]
    assert list(found["step"]) == [0, 3]
    assert set(found["value"]) == {64}
    plain = run(planned("model=mlp", "training.max_steps=3"), "", quiet=True)
    assert plain.results["weights_sha256"] == done.results["weights_sha256"]
    header = json.loads((done.folder / "run.json").read_text())
    assert header["config"]["probes"]["count"]["function"] == "my_probes.count"


def test_a_schedule_of_its_own(planned: Planner) -> None:  # noqa: F811
    mine = "probes.mine={function: my_probes.samples, every: 2, at: [], end: false}"
    done = run(planned("model=mlp", mine, "training.max_steps=5"), "", quiet=True)
    found = bnexp.load_runs(done.folder).measures
    assert list(found[found["name"] == "squares"]["step"]) == [0, 2, 4]


ENTRY = """
from bnexp.probes.catalogue import register

register("count", "samples of the batch", "my_probes.count")
"""


def test_an_entry_in_a_plugin_is_all_that_a_new_one_needs(cli: Cli, tmp_path: Path) -> None:
    """In the schema, the list, the completion and the help, without touching ours."""
    folder = tmp_path / "bnexp_plugins"
    folder.mkdir()
    (folder / "counting.py").write_text(ENTRY)
    path = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(tmp_path)])}
    assert "samples of the batch" in cli("list", "instruments", **path).stdout
    typed = {"COMP_LINE": "bnexp train probes.co", "COMP_POINT": "21"}
    found = cli("-sc", "query=bash", **path, **typed).stdout.split()
    assert found == ["probes.companions=", "probes.count="]
    told = cli("train", "--help", "probes.count.every", **path).stdout
    assert told.startswith("probes.count.every: steps between two recordings (of count: samples")
    keys = ("model=mlp", "training.max_steps=13", "device=cpu", "probes=none")
    done = cli("train", *keys, "probes.count={every: 1, at: [], end: false}", **path)
    assert done.returncode == 0, done.stderr
    found = bnexp.load_runs(tmp_path / "runs").measures
    assert (found["name"] == "samples").sum() == 14  # the end too
    wrong = cli("train", *keys, "probes.count={every: 0, at: [], end: false}", **path)
    assert wrong.returncode == 2
    assert "probes.count.every=0: must be greater than or equal to 1" in wrong.stderr


def test_a_name_that_is_taken() -> None:
    for name in ("gradients", "norms"):
        with pytest.raises(ValueError, match="already"):
            register(name, "", "")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("probes.gradient=null", "probes.gradient=null: unknown key; nearest known key: probes."),
        ("probes.mine=nowhere.at_all", "probes.mine=nowhere.at_all: cannot be imported: Module"),
        ("probes.mine=my_probes.not_there", "probes.mine=my_probes.not_there: cannot be imported"),
        ("probes.mine=my_probes.nothing_to_it", "probes.mine=my_probes.nothing_to_it: is c"),
        ("probes.mine=justaname", "probes.mine.function=justaname: must name a function as pack"),
    ],
)
def test_what_is_no_instrument_is_refused(planned: Planner, key: str, line: str) -> None:  # noqa: F811
    with pytest.raises(UserError) as error:
        planned("model=mlp", key)
    assert error.value.lines[0].startswith(line)


def test_relative_updates_by_hand() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    before = [model[at].weight.detach().clone() for at in (0, 2)]
    moment = Moment(model, torch.randn(5, 4), torch.zeros(5).long(), F.cross_entropy)
    after = updates(moment)
    assert callable(after)
    with torch.no_grad():
        model[0].weight += 0.1
        model[2].bias += 5
    rows = after().rows()["measures"]
    expected = (0.1 * before[0].numel() ** 0.5) / before[0].norm().item()
    assert rows[0] == ("0", "relative_update", pytest.approx(expected, rel=1e-5))
    assert rows[1] == ("2", "relative_update", 0.0)
    moment.last = True
    assert updates(moment).rows() == {"measures": []}  # type: ignore[union-attr]
