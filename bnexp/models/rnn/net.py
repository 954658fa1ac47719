"""The recurrent net."""

from contextlib import nullcontext
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bnexp.models.family import hidden_widths
from bnexp.models.layer import ACTIVATIONS, Head, initialised
from bnexp.models.rnn import RNN as Config
from bnexp.models.rnn.sequence import step_size
from bnexp.norms import attach_norm, is_batch_norm, make_norm
from bnexp.norms.catalogue import NORMS, NormInfo


class RecurrentLayer(nn.Module):
    """h_t = f(norm(W x_t + U h_{t-1} + b)), h_0 = 0, from (N, T, inputs) to (N, T, width).

    Norms of one sample act on the sum, as written (arXiv:1607.06450). Batch-statistics norms act
    on the input transform W x_t + b only, over all samples and steps at once (arXiv:1510.01378),
    except `recurrent_batch`, which acts on both transforms with statistics per step
    (arXiv:1603.09025). Norms of weights act on W and U. Dropout is on what the layer hands on,
    not on what it remembers (arXiv:1409.2329).
    """

    def __init__(self, linear: nn.Linear, recurrent: nn.Linear, model: Config) -> None:
        super().__init__()
        info = NORMS.get(model.norm, NormInfo("someone else's"))
        width, options = linear.out_features, model.norm_options
        self.linear, self.norm = attach_norm(linear, model.norm, width, **options)
        self.recurrent: nn.Module = recurrent
        self.recurrent_norm: nn.Module = nn.Identity()
        self.per_step = info.recurrent_only
        self.on_inputs = is_batch_norm(self.norm) and not self.per_step
        if info.on_weights:
            self.recurrent, _ = attach_norm(recurrent, model.norm, width, **options)
        if self.per_step:
            self.recurrent_norm = make_norm(model.norm, width, **options)
        self.activation = ACTIVATIONS[model.activation]()
        self.dropout = nn.Dropout(model.dropout) if model.dropout else nn.Identity()
        self.cached = info.on_weights

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        with parametrize.cached() if self.cached else nullcontext():
            inputs = self.linear(x)
            if self.on_inputs:
                inputs = self.norm(inputs.mT).mT  # to (N, C, T) and back
            h = inputs.new_zeros(len(x), inputs.shape[2])
            states = []
            for step, z in enumerate(inputs.unbind(1)):
                recurrent = self.recurrent(h)
                if self.per_step:
                    z = self.norm(z, step) + self.recurrent_norm(recurrent, step)
                elif self.on_inputs:
                    z = z + recurrent
                else:
                    z = self.norm(z + recurrent)
                h = self.activation(z)
                states.append(h)
        return self.dropout(torch.stack(states, 1))


class RNN(nn.Module):
    """An Elman network that reads an image row by row: (N, C, H, W) -> logits (N, classes).

    A step's input is one row of all channels, C * W values; (N, C, T) is read as T steps of C.
    The last state of the last layer goes to the output layer. All weights are drawn before any
    norm is attached, so that they depend on the seed alone.
    """

    def __init__(self, model: Config, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        sizes = [step_size(shape), *hidden_widths(model)]
        pairs = [
            (
                initialised(nn.Linear(inputs, width), model),
                initialised(nn.Linear(width, width, bias=False), model),
            )
            for inputs, width in pairwise(sizes)
        ]
        head = initialised(nn.Linear(sizes[-1], classes), model)
        self.layers = nn.ModuleList(RecurrentLayer(*pair, model) for pair in pairs)
        self.head = Head(head, model)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = x.movedim(2, 1).flatten(2)
        for layer in self.layers:
            x = layer(x)
        return self.head(x[:, -1])
