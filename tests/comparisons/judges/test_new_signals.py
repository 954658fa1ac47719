"""Rows on GANs, shifting inputs, update sizes and weight norm, on made-up runs."""

import numpy as np
import pytest

from bnexp.comparisons.choices import Choices
from bnexp.comparisons.judges import adversarial, shifting, update_sizes, weight_norm
from bnexp.comparisons.readings import Reading
from tests.comparisons.judges.measured import measured
from tests.comparisons.judges.tables import arm, choices, make


def test_a_gan_by_the_norm_of_its_discriminator() -> None:
    rows, measures = [], []
    for norm, certain, gradient, distance in (
        ("none", (0.2, 0.6), 1.0, 8.0), ("spectral", (0.0, 0.1), 3.0, 2.0),
        ("batch", (0.1, 0.3), 2.0, 4.0),
    ):  # fmt: skip
        rows += arm(f"gan {norm}", "measured", check__name="gan", check__options__norm=norm)
        for seed in range(4):
            run = f"gan {norm} {seed}"
            for step, share in zip((100, 200), certain, strict=True):
                measures += measured(run, "discriminator", step, certain=share)
                measures += measured(run, "generator", step, output_gradient_norm=gradient,
                                     frechet_distance=distance * 300 / step)  # fmt: skip
            measures += measured(run, "data", 0, frechet_distance=0.1)
    found = adversarial.discriminators(make(rows, measures=measures), Choices())
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx(
        {"less_certain": 35, "gradient": 3, "distance": 4, "distance_over_batch": 2}
    )
    assert "40.0% of steps (no norm)" in found.summary


def test_noisy_batch_norm_lies_between() -> None:
    rows, epochs = [], []
    for norm, at in (("none", 8), ("noisy_batch", 4), ("batch", 2)):
        rows += arm(norm, seeds=2, model__norm=norm, test_accuracy=0.9)
        epochs += [
            {"run": f"{norm} {seed}", "epoch": epoch, "step": epoch,
             "val_accuracy": 0.95 if epoch >= at else 0.2}
            for seed in range(2)
            for epoch in range(11)
        ]  # fmt: skip
    fastest = {f"model.norm={norm}": 0.1 for norm in shifting.NORMS}
    found = shifting.despite_noise(
        make(rows, epochs=epochs), choices(target=0.95, fastest=fastest)
    ).quantities
    assert found["over_none"].readings[0] == Reading(7 / 4, 8 / 3)
    assert found["slowed"].readings[1] == Reading(3 / 2, 4 / 1)


def test_updates_of_hidden_layers_and_not_of_the_output() -> None:
    rows, measures = [], []
    for norm, ratio in (("none", 4.0), ("batch", 1.1), ("layer", 2.0)):
        rows += arm(norm, model__norm=norm)
        for seed in range(4):
            for step in (10, 20):
                for layer in range(5):
                    size = 99.0 if layer == 4 else ratio**layer * step / 1000
                    measures += measured(f"{norm} {seed}", f"layers.{layer}", step,
                                         relative_update=size)  # fmt: skip
    found = update_sizes.by_layer(make(rows, measures=measures), Choices())
    spread = np.std(range(4), ddof=1)
    assert found.quantities["more_alike"].centre == pytest.approx((4 / 1.1) ** spread)
    assert found.quantities["first_over_last"].centre == pytest.approx(1.1**-3)
    assert found.table["layer_2"].iloc[0] == pytest.approx(4 * 0.01 * 2**0.5)


def test_weight_norm_by_batch_size_and_its_drift() -> None:
    rows = arm("w2", model__norm="weight", data__batch_size=2, test_accuracy=0.9,
               training__max_steps=None)  # fmt: skip
    rows += arm("w32", model__norm="weight", data__batch_size=32, test_accuracy=0.92,
                training__max_steps=None)  # fmt: skip
    activations = []
    for norm, moved in (("none", 2.0), ("batch", 0.5), ("weight", 1.5)):
        rows += arm(f"drift {norm}", model__norm=norm, data__batch_size=64, test_accuracy=0.9,
                    training__max_steps=101)  # fmt: skip
        activations += [
            {"run": f"drift {norm} {seed}", "step": step, "layer": "layers.1", "index": 2,
             "tensor": "input", "mean": moved * (step == 100), "std": 1.0}
            for seed in range(4)
            for step in (1, 100)
        ]  # fmt: skip
    found = weight_norm.of_weights(make(rows, activations=activations), Choices())
    centre = {name: quantity.centre for name, quantity in found.quantities.items()}
    assert centre == pytest.approx({"at_2": -2, "drift_over_batch": 3, "drift_over_none": 0.75})
