"""Read the digits of scikit-learn."""

from importlib.metadata import version

import numpy as np

from bnexp.data.cache import Cached
from bnexp.data.dataset import Files
from bnexp.data.splits import Splits, hold_out, with_validation


def source(data: Files) -> Cached:
    """The digits in the installed scikit-learn."""
    return Cached("digits", 10, None, version("scikit-learn"), _decode)


def _decode() -> Splits:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = bunch.images[:, None].astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    rest, test = hold_out(labels, 300, stream=1)
    return with_validation(images[rest], labels[rest], images[test], labels[test], val=217)
