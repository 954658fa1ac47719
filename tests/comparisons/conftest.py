import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bnexp.comparisons import config
from tests.comparisons.made_up import JUDGE, SEARCH, YAML


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    before, path = list(config.FOLDERS), list(sys.path)
    (tmp_path / "C1.yaml").write_text(YAML)
    (tmp_path / "C2.yaml").write_text(YAML + SEARCH)
    (tmp_path / "made_up_judge.py").write_text(JUDGE)
    config.use(tmp_path)
    yield tmp_path
    config.FOLDERS[:], sys.path[:] = before, path
    config._paths.cache_clear()
    sys.modules.pop("made_up_judge", None)
