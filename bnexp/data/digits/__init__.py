"""The digits of scikit-learn: 1,797 images, 8x8, 17 grey levels; no network needed."""

from bnexp.data.dataset import register

register("digits", "bnexp.data.digits.read.source", size=((1, 8, 8), 1280), official_test=False)
