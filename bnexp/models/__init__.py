"""The nets: our own families, torchvision's and the user's. Checking one needs no torch."""

from typing import TYPE_CHECKING

from bnexp.lazy import names_from

if TYPE_CHECKING:
    from bnexp.models.build import build_model as build_model

__getattr__ = names_from(__name__, {"build_model": "bnexp.models.build"})
