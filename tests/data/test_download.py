import socket
import sys

import pytest
import torchvision.datasets

from bnexp.data import describe
from bnexp.data.download import download, downloads
from bnexp.data.idx import read as idx
from bnexp.errors import UserError
from tests.data.builders import config, write_idx


@pytest.fixture
def no_network(empty_cache, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def publisher(empty_cache, monkeypatch):
    """Stands in for torchvision's MNIST; counts the downloads."""
    calls = []

    def fetch(root, download):
        calls.append(socket.getdefaulttimeout())
        print("a progress bar", file=sys.stderr)
        sums = write_idx(root / "MNIST" / "raw", packed=True)
        monkeypatch.setitem(idx._MD5, "mnist", sums)

    monkeypatch.setattr(torchvision.datasets, "MNIST", fetch)
    return calls


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar100", "kmnist"])
def test_without_network_one_line_says_what_to_do(no_network, name):
    with pytest.raises(UserError) as error:
        describe(config(name, download=True))
    (line,) = error.value.lines
    assert "\n" not in line
    assert line.startswith(f"data.root=null: no {name} found (downloading failed: ")
    assert "Network is unreachable" in line
    assert line.endswith("set data.root to it; data=digits works without network")
    assert not downloads(name).exists()


def test_downloading_can_be_switched_off(no_network):
    with pytest.raises(UserError) as error:
        describe(config("mnist", download=False))
    assert error.value.lines == [
        "data.root=null: no mnist found (data.download is off); put train-images-idx3-ubyte.gz "
        "train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz into a "
        "folder and set data.root to it; data=digits works without network"
    ]


def test_downloads_once_with_a_timeout_and_in_silence(publisher, capfd):
    before = socket.getdefaulttimeout()
    assert describe(config("mnist", download=True)).train == 1000
    assert describe(config("mnist", download=False)).train == 1000
    download("mnist")
    assert len(publisher) == 1
    assert 0 < publisher[0] <= 60
    assert socket.getdefaulttimeout() == before
    assert capfd.readouterr() == ("", "")


def test_a_broken_download_leaves_nothing_behind(empty_cache, monkeypatch):
    def fetch(root, download):
        write_idx(root / "MNIST" / "raw", packed=True)
        raise TimeoutError("timed out")

    monkeypatch.setattr(torchvision.datasets, "MNIST", fetch)
    with pytest.raises(UserError, match="timed out"):
        download("mnist")
    assert [path.name for path in downloads("mnist").parent.iterdir()] == ["mnist.lock"]


def test_an_incomplete_copy_is_named(publisher):
    download("mnist")
    (downloads("mnist") / "MNIST/raw/t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(UserError) as error:
        describe(config("mnist", download=True))
    assert f"({downloads('mnist')} is incomplete: delete it)" in str(error.value)


def test_a_cache_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"downloading failed: .*Not a directory"):
        describe(config("mnist", download=True))
