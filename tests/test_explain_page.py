"""The worked page: its numbers are PyTorch's, all positions are in it, and it needs no script."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bnexp.errors import UserError
from bnexp.explain import main
from bnexp.explain_page import BATCHES, FLAT, SHOWN, Panel, _shown, arriving, batch_of, page
from bnexp.norms.catalogue import NORMS


def values(panel: Panel, title: str) -> Tensor:
    [step] = [step for step in panel.steps if step.title.startswith(title)]
    return torch.tensor([[v.number for v in row] for row in step.rows], dtype=torch.float64)


def affine(layer: nn.Module) -> nn.Module:
    """The layer with the page's gamma and beta, written down again."""
    layer.double()
    layer.weight.data = torch.tensor([1, 1.5, 2, 2.5, 3, 3.5], dtype=torch.float64)  # type: ignore[union-attr]
    if layer.bias is not None:
        layer.bias.data = torch.tensor([0, 0.5, 1, 1.5, 2, 2.5], dtype=torch.float64)  # type: ignore[union-attr]
    return layer


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(
    ("norm", "make"),
    [
        ("batch", lambda: nn.BatchNorm1d(6)),
        ("layer", lambda: nn.LayerNorm(6)),
        ("group", lambda: nn.GroupNorm(2, 6)),
    ],
)
def test_the_numbers_are_those_of_pytorchs_layers(norm: str, make: Any, batch: int) -> None:
    [panel] = [p for p in page(norm, {}).panels if (p.batch, p.mode) == (batch, "training")]
    layer, x = affine(make()), batch_of(batch, FLAT).requires_grad_()
    if norm == "batch" and batch == 1:
        assert "more than 1 value per channel" in panel.refusal
        return
    y = layer(x)
    y.backward(arriving(batch, FLAT))
    assert x.grad is not None
    torch.testing.assert_close(values(panel, "input x"), x.detach())
    torch.testing.assert_close(values(panel, "output y"), y.detach())
    torch.testing.assert_close(values(panel, "gradient that goes on to x"), x.grad)
    plain = (values(panel, "output y") - layer.bias) / layer.weight
    torch.testing.assert_close(values(panel, "normalised"), plain.detach())
    if norm == "batch":
        mean, var = panel.vectors["running_mean after"], panel.vectors["running_var after"]
        torch.testing.assert_close(torch.tensor(mean).double(), layer.running_mean)
        torch.testing.assert_close(torch.tensor(var).double(), layer.running_var)
        means = [one.mean for one in panel.statistics]
        torch.testing.assert_close(torch.tensor(means).double(), x.detach().mean(0))


def test_evaluation_maps_each_value_by_the_stored_statistics() -> None:
    [panel] = [p for p in page("batch", {}).panels if (p.batch, p.mode) == (1, "evaluation")]
    stored = {name: torch.tensor(vector).double() for name, vector in panel.vectors.items()}
    scale = stored["weight"] / (stored["running_var"] + 1e-5).sqrt()
    expected = (batch_of(1, FLAT) - stored["running_mean"]) * scale + stored["bias"]
    torch.testing.assert_close(values(panel, "output y"), expected)
    torch.testing.assert_close(values(panel, "gradient that goes on"), arriving(1, FLAT) * scale)
    assert not panel.statistics


@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_has_a_page_that_is_whole_without_script(norm: str) -> None:
    made = page(norm, {})
    html = made.html()
    assert "http" not in html  # nothing is fetched
    panels = re.findall(r'<section class="panel" data-batch="(\d+)"( hidden)?>', html)
    assert len(panels) == len(made.panels)
    open_ones = {batch for batch, hidden in panels if not hidden}
    assert open_ones == ({str(SHOWN)} if len(panels) > 1 else {panels[0][0]})
    for panel in made.panels:
        for step in panel.steps:
            assert all(f">{_shown(v.number)}<" in html or f">{_shown(v.number)} <sup>" in html
                       for row in step.rows for v in row)  # fmt: skip


def test_group_norm_shares_by_sample_and_group() -> None:
    [panel] = [p for p in page("group", {}).panels if (p.batch, p.mode) == (2, "training")]
    letters = [[value.letter for value in row] for row in panel.steps[0].rows]
    assert letters == [[*"aaabbb"], [*"cccddd"]]
    assert [one.values for one in panel.statistics] == [3] * 4


def test_groups_that_do_not_divide_the_usual_channels_have_channels_of_their_own() -> None:
    made = page("group", {"groups": 4})
    assert len(made.columns) == 8
    assert not any(panel.refusal for panel in made.panels)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "batch.html"
    assert main(["batch", "--out", str(file), "eps=0.1"]) == 0
    assert "16 statistics" in (said := capsys.readouterr().out)
    assert said.endswith(f"{file}\n")
    assert file.read_text() == page("batch", {"eps": 0.1}).html()
    for line, words in (
        (["batch", "--pdf"], "--pdf: no such flag"),
        (["batch", "--out"], "--out: expected a file"),
        (["group", "groups=5", f"--out={file}"], "group norm: 5 groups do not divide"),
    ):
        with pytest.raises(UserError, match=re.escape(words)):
            main(line)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        main(["batch", "--out", str(tmp_path / "file" / "x.html")])
