from typing import Any

import pytest

from bnexp.models import build_model
from bnexp.models.check import check_model
from bnexp.models.families import FAMILIES
from tests.models.configure import configure


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 8)])
@pytest.mark.parametrize(
    ("preset", "keys"),
    [
        ("mlp", {"depth": 5}),
        ("cnn", {"fc_widths": [7, 9]}),
        ("rnn", {"widths": [5, 6]}),
        ("lstm", {"widths": [5, 6]}),
        ("resnet", {}),
        ("resnet", {"residual": False, "depth": 14}),
        ("transformer_none", {}),
        ("transformer_none", {"pooling": "cls", "patch": 4, "mlp_ratio": 0.3}),
    ],
)
def test_parameters_are_counted_without_building(
    preset: str, keys: dict[str, Any], shape: tuple[int, ...]
) -> None:
    model = configure(preset, **keys)
    net = build_model(model, shape, 5)
    count = FAMILIES[model.kind].parameters
    assert count is not None
    assert count(model, shape, 5) == sum(p.numel() for p in net.parameters())


def test_every_family_of_ours_counts_its_own() -> None:
    counted = {kind for kind, family in FAMILIES.items() if family.parameters is not None}
    assert counted == set(FAMILIES) - {"torchvision", "module"}


@pytest.mark.parametrize(
    ("preset", "keys", "line"),
    [
        (
            "mlp",
            {"widths": [40_000], "depth": 3},
            "model.kind=mlp: would have 3,203,080,010 parameters; at most 1,000,000,000",
        ),
        ("transformer", {"width": 2**16}, "model.kind=transformer: would have 68,7"),
    ],
)
def test_nets_too_large_to_build_are_refused_at_once(
    preset: str, keys: dict[str, Any], line: str
) -> None:
    [found] = check_model(configure(preset, **keys), (1, 8, 8), 10, 64, 64)
    assert found.startswith(line)
