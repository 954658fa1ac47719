"""Which arms a figure shows when there are keys to choose from."""

from pathlib import Path

from bnexp.report.arms import find_arms
from bnexp.report.shortlist import shortlist
from tests.report.records import write_run


def test_a_rate_that_follows_from_the_batch_size_is_not_chosen(tmp_path: Path) -> None:
    for size in (32, 64):
        write_run(tmp_path, data__batch_size=size, optimizer__lr=size / 1000, layers=False)
    arms = find_arms(tmp_path, by=["model.norm", "data.batch_size"])
    assert shortlist(arms, keep="data.batch_size").keys == ("model.norm", "data.batch_size")


def test_a_pooled_rate_is_put_at_its_best(tmp_path: Path) -> None:
    for rate in (0.01, 0.1):
        write_run(tmp_path, optimizer__lr=rate, layers=False)
    [arm] = shortlist(find_arms(tmp_path, by=["model.norm"]))
    assert arm.runs["optimizer.lr"].nunique() == 1
