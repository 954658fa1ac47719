"""Every dataset by name: what it is, its shape and its sizes. Imports no torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetInfo:
    """One dataset; None is what the files or the configuration decide."""

    summary: str
    shape: tuple[int, ...] | None = None  # of one sample: channels, height, width
    classes: int | None = None
    train: int | None = None
    val: int | None = None
    test: int | None = None
    official_test: bool = True  # its publisher says which samples are for testing


DATASETS: dict[str, DatasetInfo] = {
    "digits": DatasetInfo(
        "8x8 handwritten digits, embedded", (1, 8, 8), 10, 1280, 217, 300, official_test=False
    ),
    "fashion_mnist": DatasetInfo("28x28 clothes", (1, 28, 28), 10, 55_000, 5_000, 10_000),
    "mnist": DatasetInfo("28x28 handwritten digits", (1, 28, 28), 10, 55_000, 5_000, 10_000),
    "kmnist": DatasetInfo("28x28 cursive Japanese", (1, 28, 28), 10, 55_000, 5_000, 10_000),
    "cifar10": DatasetInfo("32x32 colour photographs", (3, 32, 32), 10, 45_000, 5_000, 10_000),
    "cifar100": DatasetInfo("32x32 colour photographs", (3, 32, 32), 100, 45_000, 5_000, 10_000),
    "image_folder": DatasetInfo("your own images: train/<class>/*, test/<class>/*"),
    "synthetic": DatasetInfo("Gaussian classes of any shape, learnable"),
}
