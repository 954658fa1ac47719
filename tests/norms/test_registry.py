"""A normaliser in a package of the user's is known everywhere after one call of `register`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bnexp.cli import run as bnexp
from bnexp.compose import compose
from bnexp.errors import UserError
from bnexp.norms import make_norm
from bnexp.norms.catalogue import NORMS, NormInfo, register
from bnexp.plan import plan
from bnexp.report.labels import norm_name
from bnexp.report.style import look, norm_order

PACKAGE = """
from pydantic import Field
from bnexp.norms.catalogue import NormInfo, Options, register


class Clip(Options):
    limit: float = Field(2.0, gt=0, description="largest value")


register("clip", NormInfo("clipping: no statistics", Clip, "clipping_norms.layers.Clip",
                          label="clipping", color="#123456", marker="8", dash="dotted"))
"""
LAYERS = """
from torch import nn


class Clip(nn.Module):
    def __init__(self, channels, limit=2.0):
        super().__init__()
        self.limit = limit

    def forward(self, x):
        return x.clamp(-self.limit, self.limit)
"""


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "clipping_norms"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "layers.py").write_text(LAYERS)
    monkeypatch.syspath_prepend(tmp_path)
    import clipping_norms  # type: ignore[import-not-found]  # noqa: F401

    assert "clipping_norms.layers" not in sys.modules  # its layer waits until it is built
    yield
    del NORMS["clip"]
    for name in [name for name in sys.modules if name.startswith("clipping_norms")]:
        del sys.modules[name]


@pytest.mark.usefixtures("clip")
def test_an_added_norm_is_known_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ["model=mlp", "model.norm=clip", "data.train_size=100", "training.epochs=1"]
    config = plan(*compose(typed)).config
    assert config.model.norm_options == {"limit": 2.0}
    with pytest.raises(UserError, match=r"limit=-1: must be greater than 0"):
        plan(*compose([*typed, "+model.norm_options.limit=-1"]))
    assert make_norm("clip", 8, limit=3.0).limit == 3
    assert bnexp(["list", "norms"]) == 0
    assert "  clip             clipping: no statistics\n" in capsys.readouterr().out
    assert bnexp(["explain", "norm=clip", "shape=4,6", "limit=9.0"]) == 0
    assert "clip: clipping: no statistics\ninput (N, C)" in capsys.readouterr().out
    assert norm_name("clip") == "clipping"
    assert (look("clip").color, look("clip").marker) == ("#123456", "8")
    assert norm_order("batch") < norm_order("clip") < norm_order("mine.Norm")
    assert bnexp(["train", *typed, f"runs_dir={tmp_path}"]) == 0


def test_a_name_that_is_taken() -> None:
    for name in ("batch", "keep"):
        with pytest.raises(ValueError, match=f"a normaliser '{name}' already"):
            register(name, NormInfo("another"))
