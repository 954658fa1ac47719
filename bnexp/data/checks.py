"""Keys of a `data` section that cannot work together, found before anything is decoded."""

from math import prod
from pathlib import Path

from bnexp.data.dataset import MOST_VALUES, Data, Files, Shape, info
from bnexp.data.facts import describe, readable, too_large
from bnexp.errors import UserError


def check_data(data: Data) -> list[str]:
    """One line for every problem; empty if there is none."""
    try:
        with readable(data):
            return _check(data)
    except UserError as error:
        return error.lines


def _check(data: Data) -> list[str]:
    own = info(data).check
    lines = own(data) if own is not None else []
    if isinstance(data, Files) and data.root and not Path(data.root).is_dir():
        lines.append(f"data.root={data.root}: no such folder; null looks in the usual places")
    try:
        shape, train = _shape_and_size(data)
    except UserError as error:
        return lines + error.lines
    if train * prod(shape) > MOST_VALUES:
        lines.append(
            f"data.name={data.name}: {train:,} training samples of {prod(shape):,} values; "
            f"at most {MOST_VALUES:,} values"
        )
    if data.train_size is not None and data.train_size > train:
        lines.append(too_large(data, train))
    used = min(train, data.train_size or train)
    key, size = "batch_size", data.batch_size
    if data.batch_sizes is not None:
        key, size = "batch_sizes", data.batch_sizes[0]
    if data.drop_last and size > used:
        lines.append(
            f"data.{key}={size}: there are {used} training samples, and without "
            f"the last, smaller batch none is left; at most {used}, or data.drop_last=false"
        )
    if data.lengths is not None and len(shape) not in (2, 3):
        lines.append(
            f"data.lengths={data.lengths}: needs rows; samples have the shape {list(shape)}"
        )
    elif data.lengths is not None and data.lengths[1] > shape[1]:
        lines.append(f"data.lengths={data.lengths}: samples have {shape[1]} rows")
    if data.lengths is not None and data.crop:
        lines.append(f"data.crop={data.crop}: would move the ends that data.lengths cuts")
    image = len(shape) == 3
    if data.flip and not image:
        lines.append(f"data.flip=true: needs images; samples have the shape {list(shape)}")
    if data.crop and not image:
        lines.append(f"data.crop={data.crop}: needs images; samples have the shape {list(shape)}")
    if image and data.crop >= min(shape[1:]):
        side = min(shape[1:])
        lines.append(f"data.crop={data.crop}: images are {side} pixels wide; at most {side - 1}")
    return lines


def _shape_and_size(data: Data) -> tuple[Shape, int]:
    """Shape of one sample and number of training samples, as cheaply as they can be known."""
    size = info(data).size
    if size is None:
        facts = describe(data.model_copy(update={"train_size": None}))
        return facts.shape, facts.train
    return size(data) if callable(size) else size
