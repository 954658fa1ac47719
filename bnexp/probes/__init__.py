"""Instruments: gradients, activations, the state of normalisers, and what companions change.

An instrument turns a Moment, a model and a batch, into rows of a run's tables. None changes
training. Imported when first asked for: the catalogue beside the instruments is free of torch.
"""

from typing import TYPE_CHECKING

from bnexp.lazy import names_from

if TYPE_CHECKING:
    from bnexp.probes.memory import saved_bytes as saved_bytes
    from bnexp.probes.moment import Instrument as Instrument
    from bnexp.probes.moment import Moment as Moment
    from bnexp.probes.moment import find_instrument as find_instrument
    from bnexp.probes.moment import measure as measure
    from bnexp.probes.norms import norm_measures as norm_measures
    from bnexp.probes.recording import Recording as Recording
    from bnexp.probes.schedule import due as due

_NAMES = {
    "memory": ["saved_bytes"],
    "moment": ["Instrument", "Moment", "find_instrument", "measure"],
    "norms": ["norm_measures"],
    "recording": ["Recording"],
    "schedule": ["due"],
}
_HOMES = {name: f"{__name__}.{home}" for home, names in _NAMES.items() for name in names}

__all__ = sorted(_HOMES)
__getattr__ = names_from(__name__, _HOMES)
