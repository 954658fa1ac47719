import pytest

from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.judges.transformer import norms
from bnexp.comparisons.readings import Reading
from bnexp.comparisons.search import grid
from tests.comparisons.judges.tables import arm, choices, make

BEST = {"none": 0.001, "layer": 0.003, "batch": 0.003, "rms": 0.003}
HOW = {"until": 1.16, "end": "largest", "whole": False}
RATES = grid(0.01, 0.02, 1.16)
CHOSEN = Choices(
    choices(best={f"model.norm={norm}": lr for norm, lr in BEST.items()}).entries
    + tuple(
        Chosen("bracket", "stable", {"model.norm": n}, "optimizer.lr", HOW, 0.8, 0.01, 0.02)
        for n in ("none", "layer")
    )
)


def net(norm, lr, test, val=0.9):
    return arm(f"{norm} {lr}", seeds=2, model__norm=norm, optimizer__lr=lr, val_accuracy=val,
               test_accuracy=(test, test + 0.02))  # fmt: skip


def test_layer_norm_against_each_rival_at_the_chosen_rates():
    rows = [*net("none", 0.001, 0.5), *net("layer", 0.003, 0.8), *net("rms", 0.003, 0.79)]
    found = norms(make(rows), CHOSEN)  # the searches have not come to their ends
    assert found.quantities["layer_over_none"].centre == pytest.approx(30)
    assert found.quantities["layer_over_rms"].centre == pytest.approx(1)
    assert found.quantities["layer_over_batch"].n == 0
    assert found.quantities["stable_rate"].n == 0
    assert "81.0% (layer norm)" in found.summary


def test_the_largest_stable_rates_are_searched_apart():
    rows = []
    for norm, last in (("none", RATES[1]), ("layer", RATES[-2])):
        for lr in RATES:
            rows += net(norm, lr, 0.9, val=0.9 if lr <= last else 0.1)
    found = norms(make(rows), CHOSEN).quantities["stable_rate"]
    low, high = RATES[-2] / RATES[2], RATES[-1] / RATES[1]
    assert found.readings[0] == Reading(low, high)
