"""PyTorch's parametrizations of a weight, with the options of our catalogue."""

from torch import nn
from torch.nn.utils import parametrizations


def weight_norm(layer: nn.Module) -> nn.Module:
    """Weight norm (arXiv:1602.07868) of the layer, in place: w = g v / |v| per output."""
    attached: nn.Module = parametrizations.weight_norm(layer)
    return attached


def spectral_norm(layer: nn.Module, power_iterations: int = 1, eps: float = 1e-12) -> nn.Module:
    """Spectral norm (arXiv:1802.05957) of the layer, in place: w / sigma(w)."""
    return parametrizations.spectral_norm(layer, n_power_iterations=power_iterations, eps=eps)
