"""Weight norm and spectral norm by hand and in PyTorch (A15)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bnexp.comparisons.judges.board import Numbers, numbers, shown
from bnexp.comparisons.measure import measurements, measures
from bnexp.comparisons.working import Step, Working
from bnexp.runs.tables import Runs


def both_norms(inputs: Mapping[str, Any], runs: Runs) -> Working:
    """A15: the two formulas on a small example, and PyTorch's layers held against them.

    The source prints no numbers here; the example is the YAML's. The power
    iteration is compared with NumPy's singular value decomposition.
    """
    steps = [*_weight_norm(inputs), *_spectral_norm(inputs)]
    rows = measurements(runs, "weights")
    error = float(measures(runs, rows, "largest_error")["value"].max())
    steps.append(Step("PyTorch's weight norm: largest difference from g v / norm(v)", error))
    found = runs.measures[runs.measures["run"].isin(rows["run"])]
    after = found[found["name"].str.startswith("sigma_after_")]
    missing = {}
    for name, values in after.groupby("name", sort=False)["value"]:
        k = int(str(name).rpartition("_")[2])
        missing[k] = float(1 - values.min())
        label = f"PyTorch's sigma after {k} power iterations, over the true one"
        formula = f"the least of {len(values)} random weights"
        steps.append(Step(label, float(values.min()), None, formula))
    attached = measures(runs, rows, "sigma_as_attached")["value"]
    steps.append(Step("the same as PyTorch attaches it", float(attached.min()), None, formula))
    largest = measures(runs, rows, "largest_singular_value")["value"]
    steps.append(
        Step(f"largest singular value of W / sigma after {max(missing)}", float(largest.max()))
    )
    return Working(
        f"PyTorch's weight norm is g v / norm(v) to {error:.1g}; its spectral norm misses "
        f"{missing[min(missing)]:.2g} of sigma after {min(missing)} iteration and "
        f"{missing[max(missing)]:.2g} after {max(missing)}",
        tuple(steps),
        (
            "An estimate below the true sigma leaves the layer's Lipschitz constant above 1 by the "
            "same share.",
            "The source prints formulas and no numbers here; the example is ours.",
        ),
    )


def _weight_norm(inputs: Mapping[str, Any]) -> list[Step]:
    v, g = numbers(inputs["v"]), float(inputs["g"])
    norm = float(np.linalg.norm(v))
    squares = " + ".join(f"{shown(x)}^2" for x in v)
    w = g * v / norm
    return [
        Step("norm(v)", norm, None, "sqrt(sum of v_i^2)", f"sqrt({squares}) = {shown(norm)}"),
        *(
            Step(
                f"weight norm: w_{i}",
                float(w_i),
                None,
                "g v_i / norm(v)",
                f"{shown(g)} x {shown(v_i)} / {shown(norm)} = {shown(w_i)}",
            )
            for i, (v_i, w_i) in enumerate(zip(v, w, strict=True), 1)
        ),
        Step("norm(w) = g", float(np.linalg.norm(w)), None, "norm(g v / norm(v))"),
    ]


def _spectral_norm(inputs: Mapping[str, Any]) -> list[Step]:
    w = np.array([numbers(row) for row in inputs["w"]])
    sigma = float(np.linalg.svd(w, compute_uv=False)[0])
    steps = [
        Step("sigma(W), by singular value decomposition", sigma, None, "max norm(W x)/norm(x)")
    ]
    for k in (1, 2, 5, 20):
        steps.append(
            Step(f"sigma(W) after {k} power iterations", power_iteration(w, k), None, "u' W v")
        )
    left = float(np.linalg.svd(w / sigma, compute_uv=False)[0])
    return [
        *steps,
        Step("largest singular value of W / sigma(W)", left, None, "sigma(W / sigma(W))"),
    ]


def power_iteration(w: Numbers, k: int) -> float:
    """The estimate of the largest singular value after k iterations from equal entries."""
    u = np.ones(len(w)) / np.sqrt(len(w))
    v = np.zeros(w.shape[1])
    for _ in range(k):
        v = w.T @ u / np.linalg.norm(w.T @ u)
        u = w @ v / np.linalg.norm(w @ v)
    return float(u @ w @ v)
