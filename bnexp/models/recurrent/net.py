"""The recurrent nets."""

from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bnexp.data.lengths import lengths_of
from bnexp.models.family import Plain, hidden_widths, norm_info
from bnexp.models.layer import ACTIVATIONS, Head, initialised
from bnexp.models.recurrent import GATES, step_size
from bnexp.norms import attach_norm, is_batch_norm, make_norm

State = tuple[Tensor, ...]  # of (N, width) each; the first is what the layer hands on


class RecurrentLayer(nn.Module):
    """States h_t of z_t = norm(W x_t + U h_{t-1} + b), from (N, T, inputs) to (N, T, width).

    Norms of one sample act on the sum, as written (arXiv:1607.06450). Batch-statistics norms act
    on the input transform W x_t + b only, over all samples and steps at once (arXiv:1510.01378),
    except `recurrent_batch`, which acts on both transforms with statistics per step
    (arXiv:1603.09025). Norms of weights act on W and U. Dropout is on what the layer hands on,
    not on what it remembers (arXiv:1409.2329). All states start at 0.

    `data` says which steps of which samples are data, (N, T); None is all. At the others a sample
    keeps its state, and no statistic is taken of them; a sample alone at a step is normalised by
    the running statistics.
    """

    def __init__(self, linear: nn.Linear, recurrent: nn.Linear, model: Plain) -> None:
        super().__init__()
        info, options = norm_info(model), model.norm_options
        units, self.width = recurrent.weight.shape
        self.linear: nn.Module = linear
        self.recurrent: nn.Module = recurrent
        self.norm: nn.Module = nn.Identity()
        self.recurrent_norm: nn.Module = nn.Identity()
        if info.on_weights:
            self.linear, _ = attach_norm(linear, model.norm, units, **options)
            self.recurrent, _ = attach_norm(recurrent, model.norm, units, **options)
        else:
            self.norm = self.norm_of_sum(model)
        self.per_step = info.recurrent_only
        self.on_inputs = any(map(is_batch_norm, self.norm.modules())) and not self.per_step
        if self.per_step:
            self.recurrent_norm = make_norm(model.norm, units, **options)
        self.dropout = nn.Dropout(model.dropout) if model.dropout else nn.Identity()
        self.cached = info.on_weights

    def norm_of_sum(self, model: Plain) -> nn.Module:
        """The norm of z."""
        return make_norm(model.norm, self.width, **model.norm_options)

    def start(self, zeros: Tensor) -> State:
        """The state before the first step, of zeros (N, width)."""
        return (zeros,)

    def advance(self, z: Tensor, state: State, step: int, data: Tensor | None) -> State:
        """The next state."""
        raise NotImplementedError

    def forward(self, x: Tensor, data: Tensor | None = None) -> Tensor:  # noqa: D102
        with parametrize.cached() if self.cached else nullcontext():
            inputs = self.linear(x)
            if self.on_inputs:
                inputs = _over_steps(self.norm, inputs, data)
            state = self.start(inputs.new_zeros(len(x), self.width))
            states = []
            for step, z in enumerate(inputs.unbind(1)):
                here = None if data is None else data[:, step]
                recurrent = self.recurrent(state[0])
                if self.per_step:
                    z = _at_step(self.norm, z, step, here)
                    z = z + _at_step(self.recurrent_norm, recurrent, step, here)
                elif self.on_inputs:
                    z = z + recurrent
                else:
                    z = self.norm(z + recurrent)
                new = self.advance(z, state, step, here)
                if here is not None:
                    new = tuple(
                        torch.where(here[:, None], a, b) for a, b in zip(new, state, strict=True)
                    )
                state = new
                states.append(state[0])
        y: Tensor = self.dropout(torch.stack(states, 1))
        return y


def _over_steps(norm: nn.Module, x: Tensor, data: Tensor | None) -> Tensor:
    """The norm with statistics of all samples and steps that are data; x is (N, T, C)."""
    if data is not None:
        return _scattered(norm(x[data]), x, data)
    y: Tensor = norm(x.mT)  # to (N, C, T) and back
    return y.mT


def _at_step(norm: nn.Module, x: Tensor, step: int, data: Tensor | None) -> Tensor:
    """The norm with statistics of the samples that have data at this step; x is (N, C)."""
    if data is None:
        y: Tensor = norm(x, step)
        return y
    samples, training = int(data.sum()), norm.training
    if samples == 0:
        return torch.zeros_like(x)
    try:
        norm.train(training and samples > 1)
        return _scattered(norm(x[data], step), x, data)
    finally:
        norm.train(training)


def _scattered(values: Tensor, x: Tensor, data: Tensor) -> Tensor:
    """A tensor like x with the values where there are data, and 0 elsewhere."""
    return torch.zeros_like(x).masked_scatter(data.unsqueeze(-1), values.to(x.dtype))


class ElmanLayer(RecurrentLayer):
    """h_t = f(z_t)."""

    def __init__(self, linear: nn.Linear, recurrent: nn.Linear, model: Plain) -> None:
        super().__init__(linear, recurrent, model)
        self.activation = ACTIVATIONS[model.activation]()

    def advance(self, z: Tensor, state: State, step: int, data: Tensor | None) -> State:  # noqa: D102
        return (self.activation(z),)


class LSTMLayer(RecurrentLayer):
    """i, f, g, o = z_t;  c_t = s(f) c_{t-1} + s(i) a(g);  h_t = s(o) a(norm(c_t)).

    s is the logistic function, a the activation. Norms of one sample act on each gate by itself;
    they and `recurrent_batch` act on the cell too, where it leaves the layer (arXiv:1607.06450,
    arXiv:1603.09025).
    """

    def __init__(self, linear: nn.Linear, recurrent: nn.Linear, model: Plain) -> None:
        super().__init__(linear, recurrent, model)
        self.cell_norm: nn.Module = nn.Identity()
        if not (norm_info(model).on_weights or self.on_inputs):
            self.cell_norm = make_norm(model.norm, self.width, **model.norm_options)
        self.activation = Gates(ACTIVATIONS[model.activation]())
        self.squash = ACTIVATIONS[model.activation]()

    def norm_of_sum(self, model: Plain) -> nn.Module:  # noqa: D102
        norms = {gate: make_norm(model.norm, self.width, **model.norm_options) for gate in GATES}
        if model.norm == "none" or is_batch_norm(norms["input"]):  # channel by channel anyway
            return make_norm(model.norm, len(GATES) * self.width, **model.norm_options)
        return NormOfGates(norms)

    def start(self, zeros: Tensor) -> State:  # noqa: D102
        return zeros, zeros

    def advance(self, z: Tensor, state: State, step: int, data: Tensor | None) -> State:  # noqa: D102
        into, keep, new, out = self.activation(z).chunk(4, 1)
        cell = keep * state[1] + into * new
        norm = self.cell_norm
        seen = _at_step(norm, cell, step, data) if self.per_step else norm(cell)
        return out * self.squash(seen), cell


class NormOfGates(nn.ModuleDict):
    """A norm for each quarter of (N, 4 width)."""

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        parts = zip(self.values(), z.chunk(len(self), 1), strict=True)
        return torch.cat([norm(part) for norm, part in parts], 1)


class Gates(nn.Module):
    """The activations of an LSTM's gates: sigmoids, and `activation` for the new cell values."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.parts = (nn.Sigmoid(), nn.Sigmoid(), activation, nn.Sigmoid())  # no modules of ours

    def forward(self, z: Tensor) -> Tensor:  # noqa: D102
        gates = zip(self.parts, z.chunk(4, 1), strict=True)
        return torch.cat([activation(gate) for activation, gate in gates], 1)


class Recurrent(nn.Module):
    """Reads an image row by row: (N, C, H, W) -> logits (N, classes).

    A step's input is one row of all channels, C * W values; (N, C, T) is read as T steps of C.
    Rows of padding (bnexp.data.lengths) are passed over. The last state of the last layer goes to
    the output layer. All weights are drawn before any norm is attached, so that they depend on
    the seed alone.
    """

    gates: int
    layer: type[RecurrentLayer]

    def __init__(self, model: Plain, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        sizes = [step_size(shape), *hidden_widths(model)]
        pairs = [
            (
                _drawn(inputs, width, self.gates, model, bias=True),
                _drawn(width, width, self.gates, model, bias=False),
            )
            for inputs, width in pairwise(sizes)
        ]
        head = initialised(nn.Linear(sizes[-1], classes), model)
        self.layers = nn.ModuleList(self.layer(*pair, model) for pair in pairs)
        self.head = Head(head, model)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        data, steps = None, x.shape[2]
        lengths = lengths_of(x)
        if (lengths < steps).any():  # waits for the device
            data = torch.arange(steps, device=x.device) < lengths[:, None]
            x = x.masked_fill(~data.view(len(x), 1, steps, *[1] * (x.dim() - 3)), 0)
        x = x.movedim(2, 1).flatten(2)
        for layer in self.layers:
            x = layer(x, data)
        logits: Tensor = self.head(x[:, -1])
        return logits


@torch.no_grad()
def _drawn(inputs: int, width: int, gates: int, model: Plain, bias: bool) -> nn.Linear:
    """The linear layers of all gates in one, each drawn by itself."""
    drawn = [initialised(nn.Linear(inputs, width, bias), model) for _ in range(gates)]
    if gates == 1:
        return drawn[0]
    state = {
        name: torch.cat([x.state_dict()[name] for x in drawn]) for name in drawn[0].state_dict()
    }
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, gates * width, bias=bias)
    linear.load_state_dict(state)
    parts: Any = tuple(f"{gate}_gate" for gate in GATES)
    linear.parts = parts  # for probes
    return linear


class RNN(Recurrent):
    """An Elman network."""

    gates, layer = 1, ElmanLayer


class LSTM(Recurrent):
    """Long short-term memory (arXiv:1402.1128), the gates as in torch.nn.LSTM."""

    gates, layer = len(GATES), LSTMLayer
