"""What a dataset is: its keys, where it comes from, and what is known of it beforehand.

A dataset is one module that calls `register`; from that the schema, the checks and the tensors
follow. Imports neither numpy nor torch, so that help, lists and completion answer at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from pydantic import AfterValidator, Field

from bnexp.lazy import Registry
from bnexp.section import Section

if TYPE_CHECKING:
    from bnexp.data.cache import Facts
    from bnexp.data.splits import Splits

Shape = tuple[int, ...]  # of one sample
Size = Annotated[int, Field(ge=1, lt=2**31)]
ShapeAndSize = tuple[Shape, int]  # of one sample; samples in the whole training part

MOST_VALUES = 2**32  # of the images of a dataset: 16 GB as tensors


def _rising(bounds: list[int]) -> list[int]:
    if bounds[0] > bounds[1]:
        raise ValueError("the first bound must not be above the second")
    return bounds


def _folder(name: str) -> str:
    if "\0" in name:
        raise ValueError("no folder has such a name")
    return name


Bounds = Annotated[list[Size], Field(min_length=2, max_length=2), AfterValidator(_rising)]
Folder = Annotated[str, AfterValidator(_folder)]


class Data(Section):
    """The keys of every dataset."""

    name: str = Field(description="a name of `bnexp list datasets`, or package.function")
    batch_size: Size = Field(description="samples per forward pass: the batch that BN sees")
    batch_sizes: Bounds | None = Field(
        description="[least, most]: every training batch its own size, drawn by the seed; "
        "batch_size is then of train-mode evaluation and of probes only"
    )
    drop_last: bool = Field(description="leave out the last batch of an epoch when it is smaller")
    train_size: Size | None = Field(description="class-balanced subset; null is everything")
    test_rest: bool = Field(
        description="test on what train_size leaves over, too; an official test part stays"
    )
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] | None = Field(
        description="draws training and validation part, and the subset; null is the fixed split"
    )
    flip: bool = Field(description="random horizontal flip")
    crop: int = Field(ge=0, le=64, description="random crop after padding by this many pixels")
    lengths: Bounds | None = Field(
        description="[least, most] rows that a sample keeps, drawn once by split_seed; null is all"
    )
    jitter: float = Field(
        ge=0,
        le=1,
        description="random contrast, brightness and colour cast of every image, "
        "drawn once by split_seed; the strength",
    )


class Files(Data):
    """The keys of a dataset that is a fixed set of files."""

    root: Folder | None = Field(description="folder of the dataset's files; null: usual places")
    download: bool = Field(description="download when the files are found nowhere")


class Source(Protocol):
    """A dataset on this machine. Both methods raise UserError where it is missing or damaged."""

    def facts(self) -> "Facts":
        """Its shape, sizes and content hash, without decoding it if possible."""

    def splits(self) -> "Splits":
        """The arrays of its parts."""


@dataclass(frozen=True)
class DatasetInfo:
    """One dataset. The functions take its options; a string is imported when first needed."""

    options: type[Data]
    source: str | Callable[[Any], Source]
    size: ShapeAndSize | Callable[[Any], ShapeAndSize] | None  # known before decoding
    check: Callable[[Any], list[str]] | None  # a line for each problem of its own options
    official_test: bool  # its publisher says which samples are for testing

    def open(self, data: Data) -> Source:
        """The dataset as `data` describes it; UserError where it is found nowhere."""
        source = self.source
        if isinstance(source, str):
            home, _, name = source.rpartition(".")
            source = getattr(import_module(home), name)
        assert callable(source)
        return source(data)


DATASETS: Registry[DatasetInfo] = Registry(
    "a dataset",
    {
        "cifar10": "bnexp.data.cifar",
        "cifar100": "bnexp.data.cifar",
        "digits": "bnexp.data.digits",
        "mnist": "bnexp.data.idx",
        "fashion_mnist": "bnexp.data.idx",
        "kmnist": "bnexp.data.idx",
        "image_folder": "bnexp.data.image_folder",
        "module": "bnexp.data.module",
        "synthetic": "bnexp.data.synthetic",
    },
)


def register(
    name: str,
    source: str | Callable[[Any], Source],
    *,
    options: type[Data] = Files,
    size: ShapeAndSize | Callable[[Any], ShapeAndSize] | None = None,
    check: Callable[[Any], list[str]] | None = None,
    official_test: bool = True,
) -> None:
    """Make a dataset known: to the schema, the checks, `describe` and `load`.

    `size` is the shape of one sample and the number of training samples, where they are known
    without reading all of the data. A preset `conf/data/<name>.yaml`, or `plugins.add_preset`,
    gives the values of its options and puts it on `bnexp list`.
    """
    DATASETS.add(name, DatasetInfo(options, source, size, check, official_test))


def info(data: Data) -> DatasetInfo:
    """What is registered of the dataset that these options name."""
    return DATASETS[str(which(data))]


def which(data: Any) -> str | None:
    """The registered name of a `data` section, checked or not; `package.function` is `module`."""
    name = data.get("name") if isinstance(data, dict) else getattr(data, "name", None)
    if isinstance(name, str) and name not in DATASETS and "." in name:
        return "module"
    return None if name is None else str(name)
