from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.models import build_model
from tests.models.configure import configure

SHAPE = (2, 4, 6)  # with patches of two: six tokens of eight values
KEYS = {"width": 12, "heads": 3, "depth": 1}


def built(preset: str = "transformer", **keys: Any) -> Any:
    torch.manual_seed(0)
    return build_model(configure(preset, **(KEYS | keys)), SHAPE, 4)


def patches(x: Tensor) -> Tensor:
    """The values of each patch by channel, row and column, patches row by row."""
    rows = [x[:, :, i : i + 2, j : j + 2].flatten(1) for i in (0, 2) for j in (0, 2, 4)]
    return torch.stack(rows, 1)


def copy_block(block: Any, reference: nn.TransformerEncoderLayer) -> dict[str, Tensor]:
    """Give the reference the block's weights; return its gradients' places by our names."""
    attention, mlp = block.attention, block.mlp
    pairs = {
        "self_attn.out_proj": attention.out,
        "linear1": mlp.expand,
        "linear2": mlp.contract,
        "norm1": attention.norm,
        "norm2": mlp.norm,
    }
    state = {
        f"{theirs}.{name}": value
        for theirs, module in pairs.items()
        for name, value in module.state_dict().items()
    }
    projections = (attention.query, attention.key, attention.value)
    state["self_attn.in_proj_weight"] = torch.cat([m.weight for m in projections])
    state["self_attn.in_proj_bias"] = torch.cat([m.bias for m in projections])
    reference.load_state_dict(state)
    return state


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("placement", ["pre", "post"])
def test_a_block_is_pytorchs_encoder_layer(placement: str, activation: str) -> None:
    block = built(placement=placement, activation=activation).layers[0]
    for norm in (block.attention.norm, block.mlp.norm):
        nn.init.normal_(norm.weight), nn.init.normal_(norm.bias)
    reference = nn.TransformerEncoderLayer(
        12, 3, 24, 0.0, activation, batch_first=True, norm_first=placement == "pre"
    )
    copy_block(block, reference)
    x = torch.randn(5, 6, 12, requires_grad=True)
    same = x.detach().clone().requires_grad_()
    found, expected = block(x), reference(same)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    direction = torch.randn_like(found)
    found.backward(direction), expected.backward(direction)
    torch.testing.assert_close(x.grad, same.grad, rtol=1e-4, atol=1e-5)
    attention = block.attention
    projections = (attention.query, attention.key, attention.value)
    gradients = torch.cat([m.weight.grad for m in projections])
    expected_gradient = reference.self_attn.in_proj_weight.grad
    torch.testing.assert_close(gradients, expected_gradient, rtol=1e-4, atol=1e-5)
    for ours, theirs in [
        (attention.out, reference.self_attn.out_proj),
        (block.mlp.expand, reference.linear1),
        (block.mlp.contract, reference.linear2),
        (attention.norm, reference.norm1),
        (block.mlp.norm, reference.norm2),
    ]:
        torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("placement", ["pre", "post"])
def test_the_whole_is_an_embedding_the_blocks_and_a_head(placement: str) -> None:
    net = built(placement=placement, depth=2)
    x = torch.randn(3, *SHAPE)
    tokens = patches(x) @ net.embedding.weight.T + net.embedding.bias + net.positions
    for block in net.layers:
        tokens = block(tokens)
    if placement == "pre":
        tokens = F.layer_norm(tokens, (12,))
    expected = tokens.mean(1) @ net.head.linear.weight.T + net.head.linear.bias
    torch.testing.assert_close(net(x), expected)


def test_a_token_of_its_own_is_classified() -> None:
    net = built(pooling="cls")
    assert net.positions.shape == (7, 12)
    assert net.token.shape == (12,)
    last: list[Tensor] = []
    net.layers.register_forward_hook(lambda m, args, y: last.append(y))
    logits = net(torch.randn(3, *SHAPE))
    torch.testing.assert_close(logits, net.head(net.norm(last[0][:, 0])))


@pytest.mark.parametrize(
    ("norm", "dims"), [("layer", (2,)), ("batch", (0, 1)), ("instance", (1,)), ("rms", (2,))]
)
def test_what_a_norm_is_taken_over(norm: str, dims: tuple[int, ...]) -> None:
    net = built(norm=norm)
    seen: dict[str, Tensor] = {}
    net.layers[0].attention.query.register_forward_pre_hook(lambda m, a: seen.update(y=a[0]))
    net.layers[0].register_forward_pre_hook(lambda m, a: seen.update(x=a[0]))
    net(torch.randn(5, *SHAPE))
    x = seen["x"]
    mean = x.mean(dims, keepdim=True) if norm != "rms" else 0
    expected = (x - mean) / ((x - mean).square().mean(dims, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(seen["y"], expected, rtol=1e-4, atol=1e-4)


def test_a_ghost_is_made_of_whole_images() -> None:
    ghost = built(norm="ghost", norm_options={"ghost_size": 2})
    batch = built(norm="batch")
    x = torch.randn(4, *SHAPE)
    torch.testing.assert_close(ghost(x), torch.cat([batch(x[:2]), batch(x[2:])]))


def test_dropout_is_where_pytorch_has_it() -> None:
    block = built(dropout=0.5).layers[0].train()
    torch.manual_seed(1)
    x = torch.randn(50, 6, 12)
    added = (block.attention(x) - x).flatten()
    assert (added == 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    torch.testing.assert_close(block.eval()(x), block(x))
