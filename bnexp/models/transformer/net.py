"""The transformer encoder."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.models.family import norm_info
from bnexp.models.layer import ACTIVATIONS, Head, initialised, weight_normed
from bnexp.models.transformer import Transformer as Config
from bnexp.models.transformer import hidden_units, tokens
from bnexp.norms import is_batch_norm, make_norm


class Sublayer(nn.Module):
    """A function of the tokens (N, T, width), the norm that goes with it, and the residual sum.

    Statistics over the batch or over space are taken of all tokens; other norms see one token at
    a time. Norms of weights act on the sublayer's linear layers.
    """

    def __init__(self, model: Config) -> None:
        super().__init__()
        self.norm = token_norm(model)
        self.pre = model.placement == "pre"
        self.over_tokens = norm_info(model).needs_space or is_batch_norm(self.norm)

    def function(self, x: Tensor) -> Tensor:
        """What is added to the tokens."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        if self.pre:
            return x + self.function(norm_tokens(self.norm, x, self.over_tokens))
        return norm_tokens(self.norm, x + self.function(x), self.over_tokens)


def token_norm(model: Config) -> nn.Module:
    """The model's norm for one token's channels."""
    if norm_info(model).on_weights:
        return nn.Identity()
    return make_norm(model.norm, model.width, **model.norm_options)


def norm_tokens(norm: nn.Module, x: Tensor, over_tokens: bool) -> Tensor:
    """The tokens (N, T, C) through the norm: as (N, C, T), or each token by itself."""
    # contiguous, as torch.compile takes it to be
    y: Tensor = norm(x.mT.contiguous() if over_tokens else x.flatten(0, 1))
    return y.mT if over_tokens else y.view_as(x)


class Attention(Sublayer):
    """Self-attention of several heads (arXiv:1706.03762)."""

    def __init__(self, model: Config, linears: list[nn.Linear]) -> None:
        super().__init__(model)
        self.query, self.key, self.value, self.out = (weight_normed(x, model) for x in linears)
        self.heads, self.dropout = model.heads, nn.Dropout(model.dropout)
        heads: Any = tuple(f"head{n}" for n in range(1, model.heads + 1))
        for linear in linears[:3]:
            linear.parts = heads  # for probes

    def function(self, x: Tensor) -> Tensor:  # noqa: D102
        q, k, v = (
            linear(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        p = self.dropout.p if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=p)
        y: Tensor = self.dropout(self.out(mixed.transpose(1, 2).flatten(2)))
        return y


class FeedForward(Sublayer):
    """Two linear layers, the same for every token."""

    def __init__(self, model: Config, linears: list[nn.Linear]) -> None:
        super().__init__(model)
        self.expand, self.contract = (weight_normed(linear, model) for linear in linears)
        self.activation = ACTIVATIONS[model.activation]()
        self.dropout = nn.Dropout(model.dropout)

    def function(self, x: Tensor) -> Tensor:  # noqa: D102
        hidden = self.dropout(self.activation(self.expand(x)))
        y: Tensor = self.dropout(self.contract(hidden))
        return y


class Block(nn.Module):
    """Attention, then the two linear layers: the same as torch.nn.TransformerEncoderLayer."""

    def __init__(self, model: Config, linears: list[nn.Linear]) -> None:
        super().__init__()
        self.attention = Attention(model, linears[:4])
        self.mlp = FeedForward(model, linears[4:])

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        y: Tensor = self.mlp(self.attention(x))
        return y


class Transformer(nn.Module):
    """A transformer encoder on the patches of an image: (N, C, H, W) -> logits (N, classes).

    Positions are learned. All weights are drawn before any norm is attached, so that they depend
    on the seed alone.
    """

    def __init__(self, model: Config, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        width, hidden, self.patch = model.width, hidden_units(model), model.patch
        embedding = initialised(nn.Linear(shape[0] * model.patch**2, width), model)
        sizes = [(width, width)] * 4 + [(width, hidden), (hidden, width)]
        blocks = [
            [initialised(nn.Linear(*size), model) for size in sizes] for _ in range(model.depth)
        ]
        head = initialised(nn.Linear(width, classes), model)
        self.positions = nn.Parameter(0.02 * torch.randn(tokens(model, shape), width))
        self.token = nn.Parameter(torch.zeros(width)) if model.pooling == "cls" else None
        self.embedding = weight_normed(embedding, model)
        self.layers = nn.Sequential(*(Block(model, linears) for linears in blocks))
        self.norm = token_norm(model) if model.placement == "pre" else nn.Identity()
        self.over_tokens = norm_info(model).needs_space or is_batch_norm(self.norm)
        self.head = Head(head, model)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self.embedding(F.unfold(x, self.patch, stride=self.patch).mT)
        if self.token is not None:
            x = torch.cat([self.token.expand(len(x), 1, -1), x], 1)
        x = self.layers(x + self.positions)
        x = norm_tokens(self.norm, x, self.over_tokens)
        logits: Tensor = self.head(x.mean(1) if self.token is None else x[:, 0])
        return logits
