"""MNIST, Fashion-MNIST and KMNIST: four files of the idx format, packed with gzip or not."""

from bnexp.data.dataset import register

for name in ("mnist", "fashion_mnist", "kmnist"):
    register(name, "bnexp.data.idx.read.source", size=((1, 28, 28), 55_000))
