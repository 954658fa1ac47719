import sys
from pathlib import Path

import pytest

from bnexp.importing import import_object, source_hash
from tests.conftest import Cli

NET = """
from torch import nn

class MyNet(nn.Sequential):
    def __init__(self, shape, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(64, num_classes))
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in the working folder: net -> parts -> sub.deep, and a module beside it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    folder = tmp_path / "somebodys"
    (folder / "sub").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "net.py").write_text("import json\nfrom .parts import part\nimport beside\n" + NET)
    (folder / "parts.py").write_text("def part():\n    from somebodys.sub import deep\n")
    (folder / "sub" / "__init__.py").write_text("")
    (folder / "sub" / "deep.py").write_text("DEPTH = 3\n")
    (folder / "sub" / "unused.py").write_text("")
    (tmp_path / "beside.py").write_text("X = 1\n")
    return tmp_path


def hashed(name: str = "somebodys.net.MyNet") -> str | None:
    from bnexp import importing

    importing._hash.cache_clear()  # as another process
    return source_hash([name])


@pytest.mark.parametrize(
    "file", ["net.py", "parts.py", "sub/deep.py", "sub/__init__.py", "__init__.py", "../beside.py"]
)
def test_what_the_module_is_made_of_changes_the_hash(package: Path, file: str) -> None:
    before = hashed()
    path = package / "somebodys" / file
    text = path.read_text()
    path.write_text(f"# a comment\n\n{text}\n\n")
    assert hashed() == before
    path.write_text(f"{text}\nY = 2\n")
    assert hashed() != before


def test_what_it_does_not_import_does_not(package: Path) -> None:
    before = hashed()
    (package / "somebodys" / "sub" / "unused.py").write_text("Z = 1")
    (package / "other.py").write_text("Z = 1")
    assert hashed() == before


def test_nothing_is_imported_for_it(package: Path) -> None:
    (package / "loud.py").write_text("raise SystemExit('imported')")
    assert hashed("loud.Net") is not None


@pytest.mark.parametrize("name", ["torch.nn.Linear", "bnexp.norms.rms.RMSNorm", "nowhere.Net"])
def test_what_has_no_source_of_its_own_has_no_hash(name: str) -> None:
    assert hashed(name) is None


def test_of_an_installed_module_the_file_alone(package: Path) -> None:
    assert hashed("hydra.utils.call") is not None


def test_a_module_that_is_loaded_is_known_as_it_was_loaded(package: Path) -> None:
    import_object("somebodys.net.MyNet")
    before = source_hash(["somebodys.net.MyNet"])
    (package / "somebodys" / "net.py").write_text(NET)
    assert source_hash(["somebodys.net.MyNet"]) == before


def test_an_edited_net_is_another_run_found_in_the_working_folder(cli: Cli, tmp_path: Path) -> None:
    def train() -> str:
        done = cli(
            "train", "model=module", "model.name=mynet.MyNet", "model.norm=mynorm.Norm",
            "training.max_steps=2", "probes=none",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "mynet.py").write_text(
        NET.replace("nn.Flatten()", "nn.Flatten(), nn.BatchNorm1d(64)")
    )
    (tmp_path / "mynorm.py").write_text("from torch.nn import BatchNorm1d as Norm\n")
    assert "before" not in train()
    (tmp_path / "mynorm.py").write_text("from torch.nn import BatchNorm1d as Norm  # batch\n")
    assert "before" in train()
    (tmp_path / "mynorm.py").write_text("from torch.nn import BatchNorm1d\nNorm = BatchNorm1d\n")
    assert "before" not in train()
    assert len(list(tmp_path.glob("runs/module-*"))) == 2


def test_a_plugin_has_a_source_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder `bnexp_plugins` is a namespace: it has no file of its own."""
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    folder = tmp_path / "elsewhere" / "bnexp_plugins"
    folder.mkdir(parents=True)
    (folder / "tiny_source.py").write_text("X = 1")
    before = hashed("bnexp_plugins.tiny_source.Tiny")
    (folder / "tiny_source.py").write_text("X = 2")
    assert None not in (before, hashed("bnexp_plugins.tiny_source.Tiny"))
    assert hashed("bnexp_plugins.tiny_source.Tiny") != before
