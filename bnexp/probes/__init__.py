"""Instruments: gradient norms, activation statistics and the state of normalisers.

An instrument turns a model and a batch into rows of a run's tables. None changes training.
"""

from bnexp.probes.memory import saved_bytes as saved_bytes
from bnexp.probes.norms import norm_measures as norm_measures
from bnexp.probes.probe import record as record
from bnexp.probes.recording import Recording as Recording
from bnexp.probes.schedule import due as due
