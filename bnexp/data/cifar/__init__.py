"""CIFAR-10 and CIFAR-100: the publisher's python batches, unpacked from the .tar.gz."""

from bnexp.data.dataset import register

for name in ("cifar10", "cifar100"):
    register(name, "bnexp.data.cifar.read.source", size=((3, 32, 32), 45_000))
