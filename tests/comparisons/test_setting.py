"""Which runs a command line asks for."""

from collections.abc import Iterable

import pytest

from bnexp.comparisons.config import Comparison, load, names
from bnexp.comparisons.run import Plans
from bnexp.comparisons.setting import Setting, read_setting
from bnexp.compose import compose
from bnexp.errors import UserError
from bnexp.plan import plan


def comparison(**more: object) -> Comparison:
    plain = {
        "id": "B99", "title": "t", "section": "1", "question": "q", "documented": "d",
        "kind": "training", "judge": "m.f", "base": ["probes=none"],
        "sweep": [{"model": "mlp", "model.norm": "none,batch"}],
    }  # fmt: skip
    return Comparison(**(plain | more))  # type: ignore[arg-type]


def read(overrides: Iterable[str]) -> dict[str, str]:
    return {line.lstrip("+").partition("=")[0]: line.partition("=")[2] for line in overrides}


def arms(setting: Setting, **more: object) -> list[dict[str, str]]:
    return [read(arm) for arm in setting.arms_of(comparison(**more))]


def jobs(setting: Setting, **more: object) -> list[dict[str, str]]:
    return [read(job.overrides) for job in Plans(setting)(comparison(**more)).jobs]


SETTING = Setting((), "digits", "default")


def test_every_arm_has_every_seed_and_the_datasets_epochs() -> None:
    found = jobs(SETTING)
    assert [(job["model.norm"], job["seed"]) for job in found] == [
        (norm, str(seed)) for norm in ("none", "batch") for seed in range(5)
    ]
    assert {(job["data"], job["training.epochs"], job["probes"]) for job in found} == {
        ("digits", "16", "none")
    }
    assert {job["training.epochs"] for job in jobs(SETTING, epochs=0.5)} == {"8"}


def test_a_grid_wins_over_the_budget_and_the_command_line_over_both() -> None:
    setting = Setting((), "fashion_mnist", "default", typed=("data.train_size=99", "model=cnn"))
    grid = {"model": "mlp", "data.batch_size": "2,4", "data.train_size": 50}
    found = arms(setting, sweep=[grid])
    assert {(j["data.train_size"], j["model"]) for j in found} == {("99", "cnn")}
    assert {j["data.train_size"] for j in arms(SETTING, sweep=[grid])} == {"50"}


def test_a_comparison_may_take_the_net_of_the_dataset() -> None:
    sweep = [{"model": "net", "model.norm": "none"}, {"model": "rnn"}]
    for data, net in (("digits", "mlp"), ("cifar10", "cnn_small")):
        assert [job["model"] for job in arms(Setting((), data, "default"), sweep=sweep)] == [
            net,
            "rnn",
        ]
    typed = Setting((), "cifar10", "default", typed=("model=cnn",))
    assert {job["model"] for job in arms(typed, sweep=sweep)} == {"cnn"}


def test_a_grid_with_its_own_dataset_gets_nothing_meant_for_another() -> None:
    setting = Setting((), "image_folder", "default", typed=("data.root=photos", "workers=2"))
    found = arms(setting, sweep=[{"model": "mlp", "data": "synthetic"}])
    assert all("data.root" not in job and "data.train_size" not in job for job in found)
    assert {job["workers"] for job in found} == {"2"}
    assert {job["data.root"] for job in arms(setting)} == {"photos"}


def test_the_smoke_preset_is_short_whatever_a_comparison_asks_for() -> None:
    found = jobs(Setting((), "digits", "quick"), seeds=40)
    assert {(job["seed"], job["training.max_steps"]) for job in found} == {("0", "12")}
    grid = {"model": "mlp", "training.max_steps": 1}
    found = arms(Setting((), "digits", "quick"), sweep=[grid])
    assert {job["training.max_steps"] for job in found} == {"1"}


def test_a_plan_made_for_another_seed_is_that_of_its_command_line() -> None:
    for job in Plans(SETTING)(comparison()).jobs:
        assert job.plan == plan(*compose(job.overrides))


def test_cells_that_cannot_run_are_told_or_refused() -> None:
    grid = {"model": "mlp", "model.norm": "none,batch", "data.batch_size": 1}
    due = Plans(SETTING)(comparison(sweep=[grid], may_refuse=True))
    assert {job.plan.config.model.norm for job in due.jobs} == {"none"}
    assert list(due.refused["model.norm"]) == ["batch"] * 5
    assert sorted(due.refused["seed"]) == [0, 1, 2, 3, 4]
    assert set(due.refused["outcome"]) == {"refused"}
    with pytest.raises(UserError, match="batch"):
        Plans(SETTING)(comparison(sweep=[grid]))


def test_seeds_are_at_least_what_a_comparison_needs() -> None:
    assert len({job["seed"] for job in jobs(SETTING, seeds=20)}) == 20
    assert len({job["seed"] for job in jobs(Setting((), "digits", "default", 10))}) == 10


def test_reading_a_command_line() -> None:
    setting, flags = read_setting(
        [
            "b8",
            "I",
            "data=fashion_mnist",
            "seeds=3",
            "--dry-run",
            "device=cpu",
            "hydra/launcher=ray",
        ]
    )
    assert setting.ids[-1] == "B8" or "B8" in setting.ids
    assert all(name[0] == "I" or name == "B8" for name in setting.ids)
    assert (setting.data, setting.seeds, flags) == ("fashion_mnist", 3, {"--dry-run"})
    assert (setting.typed, setting.launcher) == (("device=cpu",), ("hydra/launcher=ray",))
    assert read_setting([])[0].ids == names()


def test_mistakes_are_told_all_at_once() -> None:
    with pytest.raises(UserError) as error:
        read_setting(["B0", "data=dogs", "preset=slow", "seeds=none", "seed=3"])
    assert len(error.value.lines) == 5
    assert "--list" in error.value.lines[-1]


@pytest.mark.parametrize("name", names())
def test_every_comparison_is_whole(name: str) -> None:
    one = load(name)
    assert one.title
    assert one.kind == "arithmetic" or one.assertions
    assert one.sweep or one.measurements or one.inputs
