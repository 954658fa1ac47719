"""The documented comparisons: each a YAML in conf/comparison/ and one small judge.

`plan_all` checks their runs, `judge_all` holds the records against what is documented.
"""

from bnexp.comparisons.config import Comparison as Comparison
from bnexp.comparisons.config import load as load
from bnexp.comparisons.config import names as names
from bnexp.comparisons.finding import Finding as Finding
from bnexp.comparisons.finding import Quantity as Quantity
from bnexp.comparisons.working import Step as Step
from bnexp.comparisons.working import Working as Working
