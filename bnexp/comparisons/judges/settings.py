"""The options of batch norm: momentum, eps, affine; and what a sigmoid then receives (B17)."""

from typing import Any

import numpy as np
import pandas as pd

from bnexp.comparisons.accuracies import accuracy_row, lead, lost, points
from bnexp.comparisons.choices import Choices
from bnexp.comparisons.finding import Finding, Quantity
from bnexp.comparisons.measure import cell, differences, readings
from bnexp.report.labels import number
from bnexp.runs.tables import Runs

DEFAULT: dict[str, Any] = {
    "model__activation": "relu",
    "model__norm_options__momentum": 0.1,
    "model__norm_options__eps": 1e-5,
    "model__norm_options__affine": True,
    "precision": "fp32",
}
CHANGES: dict[str, dict[str, Any]] = {
    "default": {},
    "momentum 0.01": {"model__norm_options__momentum": 0.01},
    "momentum 0.2": {"model__norm_options__momentum": 0.2},
    "eps 0.001": {"model__norm_options__eps": 1e-3},
    "bf16": {"precision": "bf16"},
    "bf16, eps 0.001": {"precision": "bf16", "model__norm_options__eps": 1e-3},
    "affine off": {"model__norm_options__affine": False},
    "sigmoid": {"model__activation": "sigmoid"},
}


LAST = 2  # the MLP's last hidden layer, whose sigmoids the output reads


def options(runs: Runs, choices: Choices) -> Finding:
    """B17: what each option costs in test accuracy, how far running statistics lag behind after
    one epoch, and the root mean square of what the last layer's sigmoids receive after training.
    """
    arms = {name: cell(runs.runs, **DEFAULT | change) for name, change in CHANGES.items()}
    inputs = sigmoid_inputs(runs, arms["sigmoid"])
    last = inputs[inputs["index"] == LAST].set_index("seed")["rms"]
    lags = {name: readings(lag(runs, arms[name])) for name in ("momentum 0.01", "default")}
    quantities = {
        "default_over_001": lead(arms["default"], arms["momentum 0.01"]),
        "default_over_02": lead(arms["default"], arms["momentum 0.2"]),
        "lag": Quantity(differences(lags["momentum 0.01"], lags["default"]), unit="points"),
        "eps_fp32": lead(arms["eps 0.001"], arms["default"]),
        "eps_bf16": lead(arms["bf16, eps 0.001"], arms["bf16"]),
        "affine": lead(arms["default"], arms["affine off"]),
        "sigmoid_input": Quantity(readings(last), "ratio"),
    }
    table = [
        {"arm": name, **accuracy_row(arm), "lag_after_one_epoch": lag(runs, arm).mean()}
        for name, arm in arms.items()
        if len(arm)
    ]
    gains = {
        name: points(quantity.centre) if quantity.n else "what was not measured"
        for name, quantity in quantities.items()
    }
    rms = number(quantities["sigmoid_input"].centre) if len(last) else "unknown"
    told = (
        f"Batch norm's default momentum of 0.1 gains {gains['default_over_001']} over 0.01 and "
        f"{gains['default_over_02']} over 0.2; an eps of 0.001 gains {gains['eps_bf16']} in bf16; "
        f"gamma and beta gain {gains['affine']}; the last layer's sigmoids end with inputs of root "
        f"mean square {rms}"
    )
    return Finding(
        told, quantities, pd.DataFrame(table), notes=(*_by_layer(inputs), *lost(runs.runs))
    )


def lag(runs: Runs, rows: pd.DataFrame) -> pd.Series:
    """By seed, points of test accuracy after the first epoch with batch statistics over those with
    running ones.
    """
    epochs = runs.epochs[runs.epochs["epoch"] == 1].set_index("run")
    gap = 100 * (epochs["test_accuracy_train_mode"] - epochs["test_accuracy"])
    return pd.Series(rows["run"].map(gap).to_numpy(float), index=rows["seed"].to_numpy())


def sigmoid_inputs(runs: Runs, rows: pd.DataFrame) -> pd.DataFrame:
    """What the sigmoids receive at each run's last recorded step: mean, std, percentiles and root
    mean square, one row a run and layer.
    """
    table = runs.activations
    table = table[(table["tensor"] == "pre_activation") & table["run"].isin(rows["run"])]
    table = table[table["step"] == table.groupby("run")["step"].transform("max")]
    seeds = table["run"].map(rows.set_index("run")["seed"])
    return table.assign(seed=seeds, rms=np.hypot(table["mean"], table["std"]))


def _by_layer(inputs: pd.DataFrame) -> tuple[str, ...]:
    means = inputs.groupby("index")[["mean", "std", "p15", "p85"]].mean()
    return tuple(
        f"Sigmoids of layer {layer}: mean {number(row['mean'])}, std {number(row['std'])}, "
        f"15th to 85th percentile {number(row['p15'])} to {number(row['p85'])}."
        for layer, row in means.iterrows()
    )
