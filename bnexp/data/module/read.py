"""Call a user's function for a dataset, and check what it returns."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bnexp.data.cache import Facts
from bnexp.data.dataset import MOST_VALUES
from bnexp.data.module import Returned
from bnexp.data.splits import Splits, with_validation
from bnexp.errors import UserError
from bnexp.importing import import_object

_SIX = Splits._fields
_FOUR = tuple(name for name in _SIX if not name.startswith("val"))
_MOST_CLASSES = 2**16
_latest: dict[str, Splits] = {}  # one: the function is called once, not again for every run


class Function:
    """The dataset that a function returns. UserError where it fails or returns something else.

    It is called with `data.kwargs` and returns train_x, train_y, test_x, test_y, or with val_x and
    val_y before the last two, as a tuple or as a mapping of these names: arrays or tensors. x is
    (N, F), (N, C, T), (N, C, H, W) or (N, C, D, H, W), y integer (N,), counted from 0. Where no
    validation part is returned, a tenth of the training part becomes it.
    """

    def __init__(self, data: Returned) -> None:
        self.data, self.start = data, f"data.name={data.name}"

    def facts(self) -> Facts:  # noqa: D102
        splits = self.splits()
        return Facts.of(splits, int(splits.train_y.max()) + 1)

    def splits(self) -> Splits:  # noqa: D102
        key = self.data.model_dump_json(include={"name", "kwargs"})
        if key not in _latest:
            _latest.clear()
            _latest[key] = self._checked(self._call())
        return _latest[key]

    def _call(self) -> Any:
        try:
            function = import_object(self.data.name)
        except Exception as error:
            raise self._wrong(f"cannot be imported: {_line(error)}") from error
        try:
            return function(**self.data.kwargs)
        except UserError:
            raise
        except Exception as error:
            raise self._wrong(f"fails with {self.data.kwargs}: {_line(error)}") from error

    def _checked(self, returned: Any) -> Splits:
        named = self._named(returned)
        inputs = {name: self._inputs(name, x) for name, x in named.items() if name.endswith("x")}
        labels = {name: self._labels(name, y) for name, y in named.items() if name.endswith("y")}
        shape = inputs["train_x"].shape[1:]
        for name, x in inputs.items():
            y = labels[f"{name[:-1]}y"]
            if len(x) != len(y):
                raise self._wrong(f"{name} has {len(x)} samples, and {name[:-1]}y {len(y)} labels")
            if x.shape[1:] != shape:
                raise self._wrong(f"{name} has samples of {list(x.shape[1:])}, not {list(shape)}")
        classes = max(y.max() for y in labels.values()) + 1
        train, test = (np.bincount(labels[f"{part}_y"], minlength=classes) for part in _PARTS)
        least = 1 if "val_y" in labels else 2  # one may go to the validation part
        for part, counts, needed in (("train", train, least), ("test", test, 1)):
            if counts.min() < needed:
                raise self._wrong(
                    f"{part}_y has {counts.min()} samples of class {counts.argmin()} of "
                    f"{classes}; at least {needed}"
                )
        if classes < 2:
            raise self._wrong("has one class; at least two")
        arrays = {name: (inputs | labels)[name] for name in named}
        if "val_y" in labels:
            return Splits(**arrays)
        return with_validation(**arrays, val=max(1, len(labels["train_y"]) // 10))

    def _named(self, returned: Any) -> dict[str, Any]:
        if not isinstance(returned, Mapping):
            if not isinstance(returned, tuple | list) or len(returned) not in (4, 6):
                raise self._wrong(f"returns {type(returned).__name__}, {_EXPECTED}")
            returned = dict(zip(_FOUR if len(returned) == 4 else _SIX, returned, strict=True))
        if set(returned) not in ({*_FOUR}, {*_SIX}):
            raise self._wrong(f"returns {', '.join(map(str, returned))}, {_EXPECTED}")
        return {name: returned[name] for name in _SIX if name in returned}

    def _inputs(self, name: str, value: Any) -> np.ndarray:
        array = self._array(name, value)
        if not 2 <= array.ndim <= 5 or array.size == 0:
            raise self._wrong(f"{name} has the shape {list(array.shape)}, not (N, C, H, W) or such")
        if array.size > MOST_VALUES:
            raise self._wrong(f"{name} has {array.size:,} values; at most {MOST_VALUES:,}")
        if array.dtype == np.uint8:
            return array.copy()
        if array.dtype.kind not in "biuf":
            raise self._wrong(f"{name} holds {array.dtype}, not numbers")
        array = array.astype(np.float32)
        if not np.isfinite(array).all():
            raise self._wrong(f"{name} holds values that are not finite")
        return array

    def _labels(self, name: str, value: Any) -> np.ndarray:
        array = self._array(name, value)
        if array.ndim != 1 or array.dtype.kind not in "iu" or array.size == 0:
            raise self._wrong(f"{name} is {array.dtype} {list(array.shape)}, not integer (N,)")
        if array.min() < 0 or array.max() >= _MOST_CLASSES:
            raise self._wrong(
                f"{name} holds {array.min()} to {array.max()}; classes are counted from 0, and at "
                f"most {_MOST_CLASSES}"
            )
        return array.astype(np.int64)

    def _array(self, name: str, value: Any) -> np.ndarray:
        try:
            return np.ascontiguousarray(value)
        except Exception as error:
            raise self._wrong(f"{name} is no array: {_line(error)}") from error

    def _wrong(self, text: str) -> UserError:
        return UserError(f"{self.start}: {text}")


_PARTS = ("train", "test")
_EXPECTED = (
    f"not {', '.join(_FOUR)}, or {', '.join(_SIX)}, as a tuple or a mapping with these names"
)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().partition("\n")[0]
