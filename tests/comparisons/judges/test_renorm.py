import numpy as np
import pytest
import torch

from bnexp.comparisons.judges.renorm import renormalised
from bnexp.norms.renorm import BatchRenorm
from tests.comparisons.judges.rows import judged, value, words

X = np.array([0.5, 2.0, -1.0, 4.5])


def test_the_printed_formula_is_an_erratum() -> None:
    working = judged("A16")
    assert words(working) == ["erratum"]
    std = np.sqrt(1.05)
    assert value(working, "r") == pytest.approx(np.sqrt(1.15266) / std)
    assert value(working, "d") == pytest.approx(0.82 / std)
    # neither is clipped, so that the published value is (x - mu) / s
    assert value(working, "y_1, gamma 1 and beta 0") == pytest.approx((0.56 - 0.23) / std)


def test_clipped_to_1_and_0_it_is_batch_norm() -> None:
    found, r, d = renormalised(X, 7.0, 0.1, r_max=1.0, d_max=0.0)
    assert (r, d) == (1, 0)
    assert found == pytest.approx((X - X.mean()) / np.sqrt(X.var() + 1e-5))


def test_without_clipping_it_normalises_by_the_running_statistics() -> None:
    found, _, _ = renormalised(X, 7.0, 0.1, r_max=np.inf, d_max=np.inf)
    assert found == pytest.approx((X - 7.0) / 0.1)


def test_the_layer_of_bnexp_computes_the_same() -> None:
    layer = BatchRenorm(1, r_max=1.5, d_max=0.5, warmup_steps=0, ramp_steps=0).double()
    layer.running_mean.fill_(0.3)
    layer.running_std.fill_(0.8)
    y = layer(torch.from_numpy(X)[:, None])[:, 0].detach().numpy()
    found, r, d = renormalised(X, 0.3, 0.8, r_max=1.5, d_max=0.5)
    assert (r, d) == (1.5, 0.5)
    assert found == pytest.approx(y)
