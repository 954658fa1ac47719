"""What of a `data` section cannot work together, found before anything is decoded."""

from pathlib import Path

from bnexp.config import AnyData, ImageFolder, Synthetic
from bnexp.data.catalogue import DATASETS
from bnexp.data.facts import too_large
from bnexp.data.image_folder import listing, validation_size
from bnexp.errors import UserError


def check(data: AnyData) -> list[str]:
    """One line for every problem, none if there is none."""
    try:
        shape, train = _shape_and_size(data)
    except UserError as error:
        return error.lines
    lines = []
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
    if isinstance(data, Synthetic) and data.samples // 5 < data.classes:
        lines.append(
            f"data.samples={data.samples}: too few for {data.classes} classes; "
            f"at least {5 * data.classes}"
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


def _shape_and_size(data: AnyData) -> tuple[tuple[int, ...], int]:
    """Shape of one sample and number of training samples, as far as can be known cheaply."""
    if isinstance(data, Synthetic):
        return tuple(data.shape), data.samples
    if isinstance(data, ImageFolder):
        train = listing(Path(data.root).expanduser())["train"]
        samples = sum(len(files) for files in train.values())
        return (data.channels, data.image_size, data.image_size), samples - validation_size(samples)
    if data.name != "digits" and data.root and not Path(data.root).expanduser().is_dir():
        raise UserError(f"data.root={data.root}: no such folder; null looks in the usual places")
    info = DATASETS[data.name]
    assert info.shape is not None
    assert info.train is not None
    return info.shape, info.train
