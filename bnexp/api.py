"""`bnexp.train`: the command line's `train`, from Python."""

from bnexp.arguments import as_recorded
from bnexp.compose import compose
from bnexp.plan import plan
from bnexp.training.run import Finished, run


def train(*overrides: str, quiet: bool = True) -> Finished:
    """Train one run and return its folder, outcome and results.

    `overrides` are those of the command line: `train("model=cnn_bn", "optimizer.lr=0.1")`. A run
    that is done already is not trained again. Raises UserError for bad input, and what training
    raised when it failed.
    """
    tree, preset = compose(overrides)
    return run(plan(tree, preset), as_recorded("train", overrides), quiet=quiet)
