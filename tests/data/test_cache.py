from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnexp.data.cache import Cached
from bnexp.data.splits import Splits


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    parts = []
    for n in (30, 5, 7):
        parts += [rng.integers(0, 256, (n, 1, 4, 4), dtype=np.uint8), rng.integers(0, 3, n)]
    return Splits(*parts)


class Decoder:
    """Counts how often it is asked."""

    calls = 0

    def __call__(self):
        self.calls += 1
        return arrays()


def equal(a, b):
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture
def decoder(empty_cache):
    return Decoder()


@pytest.fixture
def source(decoder):
    return Cached("some", 3, "here", [("file", 10, 20)], decoder)


def cache_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def test_decodes_once(source, decoder):
    first, second = source.facts(), source.facts()
    assert first == second
    assert (first.shape, first.classes, first.train, first.val, first.test) == (
        (1, 4, 4),
        3,
        30,
        5,
        7,
    )
    assert equal(source.splits(), arrays())
    assert decoder.calls == 1


@pytest.mark.parametrize("change", [{"stamp": [("file", 10, 21)]}, {"place": "there"}])
def test_decodes_anew_what_has_changed(source, decoder, change):
    source.facts()
    replace(source, **change).facts()
    assert decoder.calls == 2


def test_a_changed_copy_takes_the_place_of_the_old_one(source, empty_cache):
    source.facts()
    replace(source, stamp="new").facts()
    assert len(list(empty_cache.iterdir())) == 1


def test_any_damage_is_seen_and_repaired(source, decoder, empty_cache):
    truth = source.facts()
    whole = cache_file(empty_cache).read_bytes()
    rng = np.random.default_rng(0)
    damaged = [whole[:length] for length in (0, 1, 100, len(whole) // 2, len(whole) - 1)]
    for position in rng.integers(0, len(whole), 300):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << rng.integers(8)
        damaged.append(bytes(flipped))
    for data in damaged:
        cache_file(empty_cache).write_bytes(data)
        assert source.facts() == truth
        assert equal(source.splits(), arrays())
    assert decoder.calls > 200  # the rest hit bytes without meaning, such as times in the zip

    cache_file(empty_cache).write_bytes(b"no zip")
    source.facts()
    assert cache_file(empty_cache).read_bytes() == whole


def test_a_damaged_array_behind_good_facts_is_decoded_anew(source, decoder, empty_cache):
    truth = source.facts()
    whole = cache_file(empty_cache).read_bytes()
    pixels = arrays().train_x.tobytes()
    cache_file(empty_cache).write_bytes(whole.replace(pixels, pixels[::-1]))
    assert source.facts() == truth
    assert decoder.calls == 1
    assert equal(source.splits(), arrays())
    assert decoder.calls == 2


def test_an_unwritable_cache_is_ignored(source, decoder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert source.facts().train == 30
    assert equal(source.splits(), arrays())
    assert decoder.calls == 2


def test_a_failed_write_leaves_nothing(source, empty_cache, monkeypatch):
    def full(file, **arrays):
        file.write(b"PK")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    assert source.facts().train == 30
    assert list(empty_cache.iterdir()) == []


def test_writers_side_by_side(source, empty_cache):
    with ThreadPoolExecutor(8) as pool:
        everything = list(pool.map(lambda _: source.splits(), range(32)))
    assert all(equal(splits, arrays()) for splits in everything)
    assert cache_file(empty_cache).suffix == ".npz"


def test_content_depends_on_every_array():
    hashes = {arrays().content(), arrays(1).content()}
    for name, array in arrays()._asdict().items():
        changed = array.copy()
        changed.flat[-1] ^= 1
        hashes.add(arrays()._replace(**{name: changed}).content())
    assert len(hashes) == 8
    assert arrays().content() == arrays().content()


def test_content_does_not_depend_on_the_memory_layout():
    strided = Splits(*(np.asfortranarray(array) for array in arrays()))
    assert strided.content() == arrays().content()
