import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.norms import make_norm
from bnexp.probes import Moment
from bnexp.probes.companions import companions


def measured(
    model: nn.Module, x: Tensor, y: Tensor, pool: Tensor, batch_size: int, seed: int = 0
) -> dict[tuple[str, str], float]:
    moment = Moment(
        model, x, y, F.cross_entropy, batch_size=batch_size, seed=seed, examples=(x, y), pool=pool
    )
    found = companions(moment).rows()["measures"]
    return {(layer, name): value for layer, name, value in found}


def by_sign(norm: nn.Module) -> nn.Sequential:
    """Class 0 where the normalised value is positive, else 1."""
    model = nn.Sequential(norm, nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0], [-1.0]]))
    return model


def pool(samples: int = 2_000, channels: int = 1) -> Tensor:
    return torch.randn(samples, channels, generator=torch.Generator().manual_seed(1))


def test_only_the_middle_example_changes_sides() -> None:
    x = torch.tensor([[9.0], [0.0], [-9.0]])
    found = measured(by_sign(nn.BatchNorm1d(1)), x, torch.tensor([0, 0, 0]), pool(), 64)
    assert found["model", "agreement_batch_2"] == pytest.approx(2 / 3)
    assert 1 / 3 < found["model", "accuracy_batch_2"] < 2 / 3
    assert found["model", "agreement_eval"] == 1
    assert found["model", "accuracy_eval"] == pytest.approx(2 / 3)  # a tie: the first class
    names = {f"{what}_batch_{n}" for what in ("agreement", "accuracy") for n in (2, 8, 32, 64, 128)}
    assert {name for layer, name in found if layer == "model"} == {
        *names, "agreement_eval", "accuracy_eval",
    }  # fmt: skip


@pytest.mark.parametrize("norm", ["none", "layer"])
def test_without_batch_statistics_companions_do_nothing(norm: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), make_norm(norm, 8), nn.Linear(8, 3))
    x, y = pool(64, 5), torch.zeros(64).long()
    found = measured(model, x, y, pool(channels=5), 64)
    assert all(value == 1 for (_, name), value in found.items() if name.startswith("agreement"))
    right = (model(x).argmax(1) == 0).float().mean().item()
    assert all(
        value == pytest.approx(right)
        for (_, name), value in found.items()
        if name.startswith("accuracy")
    )
    assert not any(name.startswith("xhat") for _, name in found)


@pytest.mark.parametrize("size", [16, 100])
def test_jitter_of_gaussian_values_is_as_predicted(size: int) -> None:
    norm = make_norm("batch", 500)
    nn.init.constant_(norm.weight, -3)
    nn.init.constant_(norm.bias, 7)
    model = nn.Sequential(nn.Sequential(norm), nn.Linear(500, 3))
    x, y = pool(64, 500), torch.zeros(64).long()
    found = measured(model, 5 + 2 * x, y, 5 + 2 * pool(channels=500).flip(0), size)
    assert found["0.0", "xhat_jitter_predicted"] == pytest.approx(1.5 / size, rel=0.03)
    # by its own share 1/B in the statistics an example's value varies less: order 1/B
    assert found["0.0", "xhat_jitter"] == pytest.approx(1.5 / size, rel=0.03 + 2 / size)


def test_convolutions_have_no_jitter_rows() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2 * 4, 4),
        nn.BatchNorm1d(4), nn.Linear(4, 3),
    )  # fmt: skip
    found = measured(model, torch.randn(9, 1, 4, 4), torch.zeros(9).long(),
                     torch.randn(99, 1, 4, 4), 8)  # fmt: skip
    assert {layer for layer, _ in found} == {"model"}


def test_without_running_statistics_one_sample_cannot_be_evaluated() -> None:
    model = by_sign(nn.BatchNorm1d(1, track_running_stats=False))
    found = measured(model, pool(20), torch.zeros(20).long(), pool(), 8)
    assert ("model", "agreement_eval") not in found
    assert ("model", "accuracy_eval") in found


def test_the_seed_alone_chooses_the_companions() -> None:
    batch = (by_sign(nn.BatchNorm1d(1)), pool(64), torch.zeros(64).long(), pool(), 8)
    torch.manual_seed(0)
    first = measured(*batch, 1)
    torch.manual_seed(5)
    assert measured(*batch, 1) == first != measured(*batch, 2)
