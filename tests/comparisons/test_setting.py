"""Which cells and seeds a command line asks for."""

import re
from collections.abc import Iterable

import pytest

from bnexp.comparisons import edition
from bnexp.comparisons.config import Comparison, load, names
from bnexp.comparisons.counting import LEDGER
from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.entry import distinct_quantities
from bnexp.comparisons.planner import Planner
from bnexp.comparisons.setting import Setting, read_setting
from bnexp.compose import compose
from bnexp.errors import UserError
from bnexp.plan import plan


def comparison(**more: object) -> Comparison:
    plain = {
        "id": "B99", "title": "t", "section": "1", "question": "q", "documented": "d",
        "kind": "training", "judge": "m.f", "base": ["probes=none"],
        "fixed": [{"model": "mlp", "model.norm": "none,batch"}],
    }  # fmt: skip
    return Comparison(**(plain | more))  # type: ignore[arg-type]


def read(overrides: Iterable[str]) -> dict[str, str]:
    return {line.lstrip("+").partition("=")[0]: line.partition("=")[2] for line in overrides}


def arms(setting: Setting, **more: object) -> list[dict[str, str]]:
    one = comparison(**more)
    return [read(cell.overrides) for cell in setting.cells(one, one.fixed)]


SETTING = Setting((), "digits", "default")


def test_every_arm_has_the_datasets_epochs_and_its_own_split() -> None:
    found = arms(SETTING)
    assert [job["model.norm"] for job in found] == ["none", "batch"]
    assert {(job["data"], job["training.epochs"], job["probes"]) for job in found} == {
        ("digits", "16", "none")
    }
    assert {job["training.epochs"] for job in arms(SETTING, epochs=0.5)} == {"8"}
    planner, one = Planner(), comparison()
    cells = SETTING.cells(one, one.fixed)
    planner.plan(cells)
    for job in planner.jobs(cells, [3, 4]):
        assert job.plan.config.data.split_seed == job.plan.config.seed
        assert not job.plan.config.training.save_weights


def test_a_grid_wins_over_the_budget_and_the_command_line_over_both() -> None:
    setting = Setting((), "fashion_mnist", "default", typed=("data.train_size=99", "model=cnn"))
    grid = {"model": "mlp", "data.batch_size": "2,4", "data.train_size": 50}
    found = arms(setting, fixed=[grid])
    assert {(j["data.train_size"], j["model"]) for j in found} == {("99", "cnn")}
    assert {j["data.train_size"] for j in arms(SETTING, fixed=[grid])} == {"50"}


def test_a_comparison_may_take_the_net_of_the_dataset() -> None:
    fixed = [{"model": "net", "model.norm": "none"}, {"model": "rnn"}]
    for data, net in (("digits", "mlp"), ("cifar10", "cnn_small")):
        found = arms(Setting((), data, "default"), fixed=fixed)
        assert [job["model"] for job in found] == [net, "rnn"]
    typed = Setting((), "cifar10", "default", typed=("model=cnn",))
    assert {job["model"] for job in arms(typed, fixed=fixed)} == {"cnn"}


def test_a_grid_with_its_own_dataset_gets_nothing_meant_for_another() -> None:
    setting = Setting((), "image_folder", "default", typed=("data.root=photos", "workers=2"))
    found = arms(setting, fixed=[{"model": "mlp", "data": "synthetic"}])
    assert all("data.root" not in job and "data.train_size" not in job for job in found)
    assert {job["workers"] for job in found} == {"2"}
    assert {job["data.root"] for job in arms(setting)} == {"photos"}


def test_batches_are_never_larger_than_a_comparisons_training_set() -> None:
    setting = Setting((), "cifar10", "default")
    few, enough = ({"model": "mlp", "data.train_size": images} for images in (100, 128))
    found = arms(setting, fixed=[few, enough])
    assert [job.get("data.batch_size") for job in found] == [None, "128"]
    typed = Setting((), "cifar10", "default", typed=("data.batch_size=128",))
    assert {job["data.batch_size"] for job in arms(typed, base=["data.train_size=100"])} == {"128"}


@pytest.mark.parametrize("data", ledger_config()["datasets"])
def test_every_comparison_has_a_whole_batch_on_every_dataset(data: str) -> None:
    setting = Setting((), data, "full")
    for name in names():
        one = load(name)
        for cell in setting.cells(one, [*one.sweep, *one.fixed]):
            job = read(cell.overrides)
            images, batch = job.get("data.train_size", "null"), job.get("data.batch_size", "64")
            assert images == "null" or int(images) >= int(batch), (name, job)


def test_the_smoke_preset_is_short_whatever_a_comparison_asks_for() -> None:
    quick = Setting((), "digits", "quick")
    assert {job["training.max_steps"] for job in arms(quick)} == {"12"}
    assert {j["training.max_steps"] for j in arms(quick, base=["training.max_steps=900"])} == {"12"}
    grid = {"model": "mlp", "training.max_steps": 1}
    assert {job["training.max_steps"] for job in arms(quick, fixed=[grid])} == {"1"}
    assert quick.first(comparison(seeds=40)) == quick.most(comparison(seeds=40)) == 1
    assert quick.pilots(comparison(pilots=5)) == 2


def test_a_plan_made_for_another_seed_is_that_of_its_command_line() -> None:
    planner, one = Planner(), comparison()
    cells = SETTING.cells(one, one.fixed)
    planner.plan(cells)
    for job in planner.jobs(cells, [20_000, 1_000_000]):
        assert job.plan == plan(*compose(job.overrides))


def test_cells_that_cannot_run_are_told_or_refused() -> None:
    grid = {"model": "mlp", "model.norm": "none,batch", "data.batch_size": 1}
    one = comparison(fixed=[grid])
    cells = SETTING.cells(one, one.fixed)
    planner = Planner()
    planner.plan(cells, may_refuse=True)
    assert {job.plan.config.model.norm for job in planner.jobs(cells, [1])} == {"none"}
    rows = planner.rows(cells, [1, 2])
    assert [(row["model.norm"], row["seed"], row["outcome"]) for row in rows] == [
        ("batch", 1, "refused"), ("batch", 2, "refused"),
    ]  # fmt: skip
    with pytest.raises(UserError, match="batch"):
        Planner().plan(cells)


def test_how_many_seeds_run() -> None:
    default, full = Setting((), "digits", "default"), Setting((), "digits", "full")
    assert (default.first(comparison()), default.most(comparison())) == (7, 7)
    assert (full.first(comparison()), full.most(comparison())) == (7, 20)
    assert Setting((), "digits", "full", max_seeds=40).most(comparison()) == 40
    assert Setting((), "digits", "full", seeds=5).most(comparison()) == 5
    assert full.first(comparison(seeds=40)) == full.most(comparison(seeds=40)) == 40
    assert full.judged(comparison(), 2) == [20_000, 20_001]
    assert full.judged(comparison(edition=3), 2) == [30_000, 30_001]


def test_the_three_kinds_of_seeds_never_meet() -> None:
    kinds = [
        edition.pilot_seeds(5), edition.judged_seeds(99, 10_000),
        edition.judged_seeds(1, 10_000), edition.judged_seeds(1, 10_000, design=True),
    ]  # fmt: skip
    assert len(set().union(*kinds)) == sum(map(len, kinds))


def test_reading_a_command_line() -> None:
    line = (
        "b8 I data=fashion_mnist seeds=3 max_seeds=9 minutes=2.5 design=true --dry-run device=cpu"
    )
    setting, flags = read_setting([*line.split(), "hydra/launcher=ray"])
    assert "B8" in setting.ids
    assert all(name[0] == "I" or name == "B8" for name in setting.ids)
    assert (setting.data, setting.seeds, flags) == ("fashion_mnist", 3, {"--dry-run"})
    assert (setting.max_seeds, setting.minutes, setting.design) == (9, 2.5, True)
    assert (setting.typed, setting.launcher) == (("device=cpu",), ("hydra/launcher=ray",))
    assert read_setting(["seeds=auto"])[0].seeds is None


def test_nothing_named_is_the_core_and_all_is_all() -> None:
    core = read_setting([])[0].ids
    assert set(core) == set(ledger_config()["core"]) <= set(names())
    assert 10 <= len(core) <= 14
    assert read_setting(["all"])[0].ids == names()


def test_words_find_a_comparison_or_list_those_that_they_fit() -> None:
    assert read_setting(["planted"])[0].ids == ("I4",)
    assert read_setting(["Dropout"])[0].ids == ("B11",)
    assert read_setting(["A", "planted", "effect"])[0].ids[-1] == "I4"
    with pytest.raises(UserError, match=r"batch: fits \d+ comparisons, name one: .*B\d+ \("):
        read_setting(["batch"])
    with pytest.raises(UserError, match="zebra: no such comparison"):
        read_setting(["zebra"])


def test_mistakes_are_told_all_at_once() -> None:
    line = "B0 data=dogs preset=slow seeds=none seed=3 minutes=-1 max_seeds=0 design=maybe"
    with pytest.raises(UserError) as error:
        read_setting(line.split())
    assert len(error.value.lines) == 8
    assert "--list" in error.value.lines[-1]


@pytest.mark.parametrize("word", ["dry_run=true", "exclusive=true", "sweep=[{seed: 1}]"])
def test_keys_of_a_sweep_that_the_ledger_decides_are_refused(word: str) -> None:
    """`dry_run=true` went to every run, which trained all the same."""
    with pytest.raises(UserError, match=re.escape(word)):
        read_setting(["B8", word])


@pytest.mark.parametrize("name", names())
def test_every_comparison_is_whole(name: str) -> None:
    one = load(name)
    assert one.title
    assert one.kind == "arithmetic" or one.assertions
    assert one.sweep or one.fixed or one.measurements or one.inputs
    assert one.kind != "training" or one.cost is not None


def test_the_ledger_holds_no_more_quantities_than_share_its_alpha() -> None:
    ledger = [load(name) for name in names() if name[0] in "AB"]
    assert distinct_quantities(ledger) <= LEDGER
    assert distinct_quantities([load(name) for name in names() if name[0] == "I"]) <= LEDGER


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"sweep": [{"model": "mlp"}]}, "nothing is chosen from it"),
        ({"choose": [{"name": "best"}]}, "needs a sweep"),
        ({"search": [{"name": "s", "than": "best", "until": 2}]}, "best is none of"),
        ({"fixed": [{"model": "mlp", "at": "best"}]}, "best is none of"),
        (
            {"sweep": [{}], "choose": [{"name": "b", "by": "speed"}]},
            "choose b: to: target is none of",
        ),
        ({"assertions": [{"quantity": "q", "says": "s", "above": 1, "unless": "x"}]}, "x is none"),
        ({"assertions": [{"quantity": "q", "says": "s", "within": [2, 1]}]}, "lower bound first"),
        ({"assertions": [{"quantity": "q", "says": "s", "equals": 1, "margin": 1}]}, "a margin"),
    ],
)
def test_a_wrong_definition_says_what_is_wrong(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        comparison(**change)


def test_a_comparison_says_how_many_seeds_it_takes_at_most() -> None:
    one = load("B3").model_copy(update={"max_seeds": 12})
    assert Setting(("B3",), "digits", "full").most(one) == 12
    assert Setting(("B3",), "digits", "full", max_seeds=30).most(one) == 30
    assert Setting(("B3",), "digits", "quick").most(one) == 1
