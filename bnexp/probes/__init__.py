"""Instruments: gradients, activations, the state of normalisers, and what companions change.

An instrument turns a model and a batch into rows of a run's tables. None changes training.
"""

from bnexp.probes.apart import evaluating as evaluating
from bnexp.probes.companions import companions as companions
from bnexp.probes.memory import saved_bytes as saved_bytes
from bnexp.probes.norms import norm_measures as norm_measures
from bnexp.probes.probe import record as record
from bnexp.probes.recording import Recording as Recording
from bnexp.probes.schedule import due as due
from bnexp.probes.shift import gradient_shift as gradient_shift
from bnexp.probes.smoothness import smoothness as smoothness
