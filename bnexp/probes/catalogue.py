"""Every instrument by name: what it measures, and the function that does it. Imports no torch.

All that bnexp knows of an instrument is its entry here and the function that the entry names. A
package of your own adds one with `register`; `probes.<name>=package.function` needs no entry.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeInfo:
    """A line for people, and the import path of the instrument: see bnexp/probes/moment.py."""

    summary: str
    instrument: str


PROBES: dict[str, ProbeInfo] = {}


def register(name: str, summary: str, instrument: str) -> None:
    """Add an instrument for the rest of the process. ValueError where the name is taken."""
    if name in PROBES or name == "norms":
        raise ValueError(f"there is a probe {name!r} already")
    PROBES[name] = ProbeInfo(summary, instrument)


register(
    "gradients", "norms by layer, of weights and pre-activations", "bnexp.probes.layers.gradients"
)
register(
    "activations", "mean, std, percentiles, dead and saturated", "bnexp.probes.layers.activations"
)
register("histograms", "of the same tensors, 64 bins", "bnexp.probes.layers.histograms")
register("updates", "by layer, the relative size of the update", "bnexp.probes.updates.updates")
register(
    "shift", "of gradients, when the layers below take a step", "bnexp.probes.shift.gradient_shift"
)
register("smoothness", "loss and gradient along the gradient", "bnexp.probes.smoothness.smoothness")
register(
    "companions",
    "what other samples do to one's prediction",
    "bnexp.probes.companions.companions",
)
