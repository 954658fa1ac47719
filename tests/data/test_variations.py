"""What chance does to every sample once: `data.lengths` and `data.jitter`."""

import pytest
import torch

from bnexp import schema
from bnexp.compose import compose
from bnexp.data import check_data, describe, lengths_of, load
from bnexp.data.lengths import cut
from bnexp.errors import UserError
from bnexp.plan import plan
from tests.data.builders import config


@pytest.mark.parametrize("shape", [(5, 2, 6, 3), (5, 2, 6)])
def test_rows_from_the_length_on_are_no_numbers(shape):
    x, lengths = torch.randn(shape), torch.tensor([1, 6, 3, 2, 4])
    rows = cut(x.clone(), lengths)
    assert lengths_of(x).tolist() == [6] * 5
    assert lengths_of(rows).tolist() == lengths.tolist()
    for sample, row, length in zip(x, rows, lengths, strict=True):
        assert torch.equal(row[:, :length], sample[:, :length])
        assert row[:, length:].isnan().all()


def test_lengths_are_drawn_within_bounds_and_each_as_often():
    data = load(config("digits", lengths=[3, 6]))
    counts = lengths_of(data.train_x).bincount(minlength=9)
    assert counts[:3].sum() == counts[7:].sum() == 0
    assert (counts[3:7] - 320).abs().max() < 5 * 320**0.5
    whole = load(config("digits"))
    assert torch.equal(data.train_x[:, :, :3], whole.train_x[:, :, :3])
    assert torch.equal(data.test_y, whole.test_y)


def test_the_split_seed_draws_them_and_each_sample_keeps_its_own():
    def lengths(**keys):
        return lengths_of(load(config("synthetic", shape=[2, 9], lengths=[1, 9], **keys)).train_x)

    assert torch.equal(lengths(split_seed=1), lengths(split_seed=1))
    assert not torch.equal(lengths(split_seed=1), lengths(split_seed=2))
    assert not torch.equal(lengths(), lengths(split_seed=2))
    assert torch.equal(lengths(split_seed=1, train_size=50), lengths(split_seed=1)[:50])
    test = [
        load(config("digits", lengths=[1, 8], train_size=size)).test_x.nan_to_num(9)
        for size in (10, 1280)
    ]
    assert torch.equal(*test)


def test_jitter_is_another_affine_map_for_each_image():
    plain = load(config("synthetic", shape=[3, 6, 6]))
    data = load(config("synthetic", shape=[3, 6, 6], jitter=0.5))
    for x, changed in zip(plain.val_x[:20], data.val_x[:20], strict=True):
        slopes = []
        for channel, out in zip(x.flatten(1), changed.flatten(1), strict=True):
            design = torch.stack([channel, torch.ones(36)], 1)
            slope, shift = torch.linalg.lstsq(design, out).solution
            torch.testing.assert_close(out, slope * channel + shift, rtol=1e-4, atol=1e-4)
            slopes.append(slope)
            assert 0.5 <= slope <= 2  # 4^0.5
            assert abs(shift) <= 1.5
        torch.testing.assert_close(slopes[0].expand(2), torch.stack(slopes[1:]))
    means = data.train_x.mean((2, 3)) - plain.train_x.mean((2, 3))
    assert means[:, 0].std() > 0.5
    assert torch.corrcoef(means.T)[0, 1] < 0.99  # the cast: each channel its own


def test_one_channel_has_no_colour_cast():
    plain, data = load(config("digits")), load(config("digits", jitter=1.0))
    scale = data.train_x.std((1, 2, 3)) / plain.train_x.std((1, 2, 3))
    assert 0.25 <= scale.min() < 0.3
    assert 3.5 < scale.max() <= 4


def test_facts_do_not_change():
    keys = {"lengths": [2, 4], "jitter": 0.3, "batch_sizes": [2, 9]}
    assert describe(config("digits", **keys)) == describe(config("digits"))


@pytest.mark.parametrize(
    ("name", "keys", "line"),
    [
        ("digits", {"lengths": [2, 9]}, "data.lengths=[2, 9]: samples have 8 rows"),
        ("synthetic", {"lengths": [2, 9]}, "data.lengths=[2, 9]: needs rows; samples have the "
         "shape [1000]"),
        ("digits", {"lengths": [2, 8], "crop": 1}, "data.crop=1: would move the ends that "
         "data.lengths cuts"),
        ("digits", {"batch_sizes": [1281, 1300]}, "data.batch_sizes=1281: there are 1280 training "
         "samples, and without the last, smaller batch none is left; at most 1280, or "
         "data.drop_last=false"),
    ],
)  # fmt: skip
def test_one_line_for_one_problem(name, keys, line):
    assert check_data(config(name, **keys)) == [line]


def test_norms_that_need_two_samples_are_told_of_batches_of_one():
    keys = ["model=mlp_bn", "data.drop_last=true"]
    with pytest.raises(UserError, match="norm batch needs more than one value"):
        plan(*compose([*keys, "data.batch_sizes=[1,64]"]))
    assert plan(*compose([*keys, "data.batch_sizes=[2,64]"])).notes == ()
    plan(*compose(["model=mlp_ln", "data.batch_sizes=[1,64]"]))


def test_bounds_must_rise():
    tree, _ = compose(["data.lengths=[4,2]", "data.batch_sizes=[0,2]", "data.jitter=2"])
    assert schema.problems(tree) == [
        "data.batch_sizes.0=0: must be greater than or equal to 1",
        "data.lengths=[4, 2]: the first bound must not be above the second",
        "data.jitter=2: must be less than or equal to 1",
    ]


@pytest.mark.parametrize("key", ["batch_size", "train_size", "shape", "samples", "classes"])
def test_no_number_is_too_large_to_be_refused(key):
    value = f"[{10**31}]" if key == "shape" else 10**31
    tree, _ = compose(["data=synthetic", f"data.{key}={value}"])
    (line,) = schema.problems(tree)
    assert line.startswith(f"data.{key}")
    assert "must be less than" in line
