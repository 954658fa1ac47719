"""Which runs are due, how they are launched, what failed.

`expand` gives the jobs' overrides, `plan_jobs` checks them all, `run_all` trains what is not done.
"""

from bnexp.sweep.grids import expand as expand
from bnexp.sweep.jobs import Job as Job
from bnexp.sweep.jobs import plan_jobs as plan_jobs
from bnexp.sweep.result import Result as Result
from bnexp.sweep.run import Stopped as Stopped
from bnexp.sweep.run import run_all as run_all
