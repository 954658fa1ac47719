"""Registries import what they are asked for."""

import sys
from pathlib import Path

import pytest

from bnexp.lazy import Registry

HOME = """
from registry_of_this_test import REGISTRY

REGISTRY.add("far", 2)
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[int]:
    found: Registry[int] = Registry("a thing", {"far": "home_of_this_test"})
    (tmp_path / "home_of_this_test.py").write_text(HOME)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = type(sys)("registry_of_this_test")
    module.REGISTRY = found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "registry_of_this_test", module)
    monkeypatch.delitem(sys.modules, "home_of_this_test", raising=False)
    return found


def test_a_module_is_imported_for_its_entry(registry: Registry[int]) -> None:
    registry.add("near", 1)
    assert (list(registry), len(registry)) == (["far", "near"], 2)
    assert registry["near"] == 1
    assert "far" in registry
    assert "home_of_this_test" not in sys.modules
    assert registry["far"] == 2
    assert dict(registry) == {"far": 2, "near": 1}
    assert registry.get("nowhere") is None


def test_names_are_taken_before_their_module_is_imported(registry: Registry[int]) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="there is a thing 'far' already"):
            registry.add("far", 3)
        assert registry["far"] == 2
