import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from bnexp.errors import UserError
from bnexp.models import build_model
from tests.models.configure import configure

SHAPE = (1, 8, 8)


def built(preset: str, seed: int, **keys: Any) -> Any:
    torch.manual_seed(seed)
    return build_model(configure(preset, **keys), SHAPE, 5)


@pytest.mark.parametrize(
    ("preset", "keys"),
    [
        ("mlp_bn", {}),
        ("mlp", {"norm": "weight"}),
        ("cnn_small", {}),
        ("lstm_rbn", {"widths": [6]}),
        ("transformer", {"pooling": "cls"}),
        ("resnet_bn", {}),
        ("torchvision", {"name": "shufflenet_v2_x0_5"}),
        ("torchvision", {"norm": "group"}),  # resnet18
    ],
)
def test_a_net_starts_from_the_weights_of_another(
    preset: str, keys: dict[str, Any], tmp_path: Path
) -> None:
    net = built(preset, 0, **keys)
    if preset == "lstm_rbn":
        net(torch.randn(3, *SHAPE))  # statistics of eight steps
    torch.save(net.state_dict(), tmp_path / "w.pt")
    same = built(preset, 1, weights=str(tmp_path / "w.pt"), **keys)
    assert all(torch.equal(same.state_dict()[k], v) for k, v in net.state_dict().items())


def test_weights_may_be_of_the_net_before_its_norms_are_swapped(tmp_path: Path) -> None:
    from torchvision.models import resnet18

    theirs = resnet18(num_classes=5)
    torch.nn.init.normal_(theirs.bn1.weight)
    torch.save({"state_dict": theirs.state_dict(), "epoch": 3}, tmp_path / "w.pt")
    net = built("torchvision", 0, norm="group", weights=str(tmp_path / "w.pt")).model
    assert torch.equal(net.conv1.weight, theirs.conv1.weight)
    assert torch.equal(net.bn1.weight, theirs.bn1.weight)
    assert isinstance(net.bn1, torch.nn.GroupNorm)


class Evil:
    def __reduce__(self) -> Any:
        return (Path("evil").touch, ())


def test_what_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    torch.save(built("mlp", 0, widths=[8, 4]).state_dict(), tmp_path / "w.pt")
    torch.save({"a": Evil()}, tmp_path / "evil.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps({"a": Evil()}))
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "empty.pt").write_text("")
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({}, tmp_path / "nothing.pt")
    for name, keys, line in [
        ("w.pt", {"widths": [8, 5]}, "of another net: layers.1.linear.weight is [4, 8] there and "),
        ("w.pt", {"widths": [8]}, "of another net: head.linear.weight is [5, 4] there and [5, 8]"),
        ("w.pt", {"widths": [8, 4, 2]}, "of another net: layers.2.linear.weight is missing there"),
        ("evil.pt", {}, "holds no weights that are safe to load"),
        ("plain.pt", {}, "holds no weights that are safe to load"),
        ("text.pt", {}, "holds no weights that are safe to load"),
        ("empty.pt", {}, "holds no weights that are safe to load"),
        ("list.pt", {}, "holds no state dict"),
        ("nothing.pt", {}, "holds no state dict"),
    ]:
        with pytest.raises(UserError) as error:
            built("mlp", 0, weights=str(tmp_path / name), **keys)
        [found] = error.value.lines
        assert found.startswith(f"model.weights={tmp_path / name}: {line}")
        assert "\n" not in found
    assert not Path("evil").exists()


def test_the_content_of_the_file_is_part_of_the_run_and_its_path_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bnexp

    short = ["training.max_steps=1", "probes=none", "model=mlp", "progress=false"]
    plain = bnexp.train(*short)
    torch.save(built("mlp", 0), tmp_path / "whole.pt")
    net = torch.load(plain.folder / "weights.pt", weights_only=True)
    torch.save(net, tmp_path / "a.pt")
    first = bnexp.train(*short, "model.weights=a.pt")
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.pt").rename(tmp_path / "sub" / "b.pt")
    moved = bnexp.train(*short, f"model.weights={tmp_path}/sub/b.pt")
    assert first.folder != plain.folder
    assert (moved.folder, moved.new) == (first.folder, False)
    net["head.linear.bias"] += 1
    torch.save(net, tmp_path / "sub" / "b.pt")
    assert bnexp.train(*short, "model.weights=sub/b.pt").new
    assert str(tmp_path) not in (first.folder / "run.json").read_text()
    for given, line in [
        ("model.weights=nowhere.pt", "model.weights=nowhere.pt: cannot be read: No such file"),
        ("model.weights=sub", "model.weights=sub: cannot be read: Is a directory"),
        ("model.weights=whole.pt", "model.weights=whole.pt: holds no weights that are safe"),
        ("model=mlp_bn", "model.weights=sub/b.pt: of another net: layers.0.norm.weight is missing"),
    ]:
        with pytest.raises(UserError) as error:
            bnexp.train(*short, "model.weights=sub/b.pt", given)
        [found] = error.value.lines
        assert found.startswith(line)
