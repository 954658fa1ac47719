"""Rows that hold norms against each other at the rates that pilots chose, on made-up runs."""

import pytest

from bnexp.comparisons.choices import Choices, Chosen
from bnexp.comparisons.judges import centring, defaults, residual, sequences, style, varying
from bnexp.comparisons.readings import Reading
from bnexp.comparisons.search import grid
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, choices, make


def test_layer_norm_in_recurrent_nets_by_net() -> None:
    norms = {"none": 0.8, "batch": 0.85, "layer": 0.9, "recurrent_batch": 0.95}
    rows = []
    for net, bonus in (("lstm", 0.0), ("rnn", -0.1)):
        for norm, accuracy in norms.items():
            gain = bonus if norm == "layer" else 0.0
            rows += arm(f"{net} {norm}", model__kind=net, model__norm=norm,
                        test_accuracy=accuracy + gain)  # fmt: skip
    rows += arm("steps", "measured", check__name="timesteps")
    steps = [
        row
        for n in range(4)
        for at, layer, share in ((0, "layers.0", 0.9), (9, "layers.0", 0.1 + 0.1 * n))
        for row in measured(f"steps {n}", layer, at, between_steps=share)
    ]
    steps += measured("steps 0", "layers.1", 9, between_steps=0.99)
    best = {f"model.kind={k} model.norm={n}": 0.1 for k in ("lstm", "rnn") for n in norms}
    found = sequences.norms(make(rows, measures=steps), choices(best=best))
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {
            "lstm_layer_over_none": 10, "lstm_layer_over_batch": 5, "lstm_layer_over_recurrent": -5,
            "rnn_layer_over_none": 0, "rnn_layer_over_batch": -5, "rnn_layer_over_recurrent": -15,
            "timesteps": 25,
        }
    )  # fmt: skip
    assert "of the LSTM 80.0% (no norm)" in found.summary


def test_residual_nets_by_placement_and_norm() -> None:
    rows, best = [], {}
    accuracy = {"before": 0.9, "after": 0.89, "pre": 0.92, "group": 0.88, "none": 0.7}
    for name, (norm, placement) in residual.ARMS.items():
        rows += arm(name, model__norm=norm, model__placement=placement,
                    test_accuracy=accuracy[name])  # fmt: skip
        best[f"model.norm={norm} model.placement={placement}"] = 0.1
    how = {"until": 1.3, "end": "largest", "whole": True, "lattice": [6, 2]}
    found_by_pilots = tuple(
        Chosen("bracket", "deepest", {"model.norm": norm}, "model.depth", how, 0.8, 20, 50)
        for norm in ("none", "batch")
    )
    depths = grid(20, 50, 1.3, True, (6, 2))
    assert depths == [20, 26, 32, 38, 50]
    for norm, last in (("none", 20), ("batch", 38)):
        for depth in depths:
            rows += arm(f"{norm} {depth}", model__norm=norm, model__placement="before",
                        model__widths=[8, 8, 8], model__depth=depth, test_accuracy=0.1,
                        val_accuracy=0.9 if depth <= last else 0.1)  # fmt: skip
    chosen = Choices(choices(best=best).entries + found_by_pilots)
    found = residual.placements(make(rows), chosen)
    assert found.quantities["deeper"].readings[0] == Reading(38 / 26, 50 / 20)
    centre = {name: q.centre for name, q in found.quantities.items() if name != "deeper"}
    assert centre == pytest.approx(
        {
            "after_over_before": -1,
            "pre_over_before": 2,
            "batch_over_none": 20,
            "batch_over_group": 2,
        }
    )


def test_instance_norm_on_jittered_images() -> None:
    rows, best = [], {}
    for jitter, accuracies in ((0.0, (0.9, 0.95, 0.93, 0.94)), (1.0, (0.5, 0.8, 0.85, 0.93))):
        for norm, accuracy in zip(style.NORMS, accuracies, strict=True):
            rows += arm(f"{norm} {jitter}", model__norm=norm, data__jitter=jitter,
                        test_accuracy=accuracy)  # fmt: skip
            best[f"model.norm={norm} data.jitter={jitter}"] = 0.1
    found = style.jittered(make(rows), choices(best=best)).quantities
    assert found["instance_over_batch"].centre == pytest.approx(13)
    assert found["instance_over_none"].centre == pytest.approx(43)
    assert found["less_lost"].centre == pytest.approx(15 - 1)


def test_varying_batch_sizes_cost_batch_norm_more() -> None:
    rows = []
    for norm, one, many in (("batch", 0.95, 0.9), ("layer", 0.94, 0.93), ("group", 0.93, 0.93)):
        rows += arm(f"{norm} one", model__norm=norm, data__batch_sizes=None, test_accuracy=one)
        rows += arm(f"{norm} many", model__norm=norm, test_accuracy=many)
        for row in rows[-4:]:
            row["data.batch_sizes"] = [2, 62]
    found = varying.batch_sizes(make(rows), choices())
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx({"more_than_layer": 4, "more_than_group": 5, "batch_cost": 5})


def test_centring_alone_is_read_between_evaluations() -> None:
    rows, epochs = [], []
    for norm, at in (("none", 8), ("mean_only", 4), ("batch", 2)):
        rows += arm(norm, seeds=2, model__norm=norm, test_accuracy=0.9)
        epochs += [
            {"run": f"{norm} {seed}", "epoch": epoch, "step": epoch,
             "val_accuracy": 0.95 if epoch >= at else 0.2}
            for seed in range(2)
            for epoch in range(11)
        ]  # fmt: skip
    best = {f"model.norm={norm}": 0.1 for norm in centring.NORMS}
    found = centring.alone(
        make(rows, epochs=epochs), choices(target=0.95, best=best, fastest=best)
    ).quantities
    assert found["faster"].readings[0] == Reading(7 / 4, 8 / 3)
    assert found["batch_faster"].readings[1] == Reading(3 / 2, 4 / 1)
    assert found["accuracy"].centre == 0


def test_each_default_is_held_against_its_neighbours() -> None:
    rows = arm("default", test_accuracy=0.9, **defaults.DEFAULT)
    for place, (name, (_, change)) in enumerate(defaults.CHANGES.items()):
        rows += arm(name, test_accuracy=0.9 - place / 100, **defaults.DEFAULT | change)
    found = defaults.flatness(make(rows), choices())
    centre = [found.quantities[name].centre for name in defaults.CHANGES]
    assert centre == pytest.approx(list(range(len(defaults.CHANGES))))
    assert "with eps 1e-7" in found.summary
