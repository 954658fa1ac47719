"""What a ledger is made with: dataset, preset, seeds, and what the command line adds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnexp.comparisons import edition
from bnexp.comparisons.config import Comparison, Measurement, use
from bnexp.comparisons.datasets import ledger_config
from bnexp.comparisons.find import find
from bnexp.errors import UserError
from bnexp.runs.identity import excluded

OWN = (
    "data",
    "preset",
    "seeds",
    "max_seeds",
    "minutes",
    "design",
    "evidence",
    "out",
    "comparisons",
)


@dataclass(frozen=True)
class Cell:
    """An arm's overrides, seed left out; `at` names the choice whose value it still lacks."""

    overrides: tuple[str, ...]
    at: str | None = None

    def with_value(self, key: str, value: Any) -> "Cell":
        """The same arm with another value of one key."""
        others = [line for line in self.overrides if _key(line) != key]
        return Cell((*others, f"{key}={value}"))


@dataclass(frozen=True)
class Setting:
    """One `bnexp reproduce`: which comparisons, on what, with how many seeds.

    `typed` are the overrides of the command line that go to every run; `launcher` those that
    choose another launcher. `seeds` is None where as many run as decide, `most` of them at most;
    `design` takes seeds that are never published.
    """

    ids: tuple[str, ...]
    data: str
    preset: str
    seeds: int | None = None
    max_seeds: int | None = None
    minutes: float | None = None
    design: bool = False
    evidence: str = ""
    out: str = "ledger"
    typed: tuple[str, ...] = ()
    launcher: tuple[str, ...] = ()

    @property
    def dataset(self) -> dict[str, Any]:
        """What conf/reproduce.yaml says of the dataset."""
        found: dict[str, Any] = ledger_config()["datasets"][self.data]
        return found

    @property
    def _preset(self) -> dict[str, Any]:
        found: dict[str, Any] = ledger_config()["presets"][self.preset]
        return found

    @property
    def max_steps(self) -> int | None:
        """The steps after which the preset ends every run."""
        return self._preset.get("max_steps")

    def first(self, comparison: Comparison) -> int:
        """The judged seeds that a comparison begins with."""
        if self.preset == "quick" or comparison.seeds is None:
            return self.seeds or int(self._preset["first"])
        return self.seeds or comparison.seeds

    def most(self, comparison: Comparison) -> int:
        """The judged seeds that it ends with if it is not decided before."""
        if (
            self.seeds is not None
            or comparison.seeds is not None
            or comparison.kind == "arithmetic"
        ):
            return self.first(comparison)
        own = comparison.max_seeds if self.preset != "quick" else None
        return max(self.max_seeds or own or int(self._preset["most"]), 1)

    def pilots(self, comparison: Comparison) -> int:
        """How many seeds choose."""
        own = comparison.pilots if self.preset != "quick" else None
        return own or int(self._preset["pilots"])

    def judged(self, comparison: Comparison, count: int) -> list[int]:
        """The first `count` judged seeds; facts without scatter are measured with seed 0."""
        if comparison.kind == "arithmetic":
            return list(range(count))
        return edition.judged_seeds(comparison.edition, count, self.design)

    def edition_of(self, comparison: Comparison) -> str:
        """The edition of its definition on this dataset, with these overrides."""
        typed = [line for line in self.shown if _key(line) != "device"]  # that is the machine's
        given = edition.conditions(self.data, self.dataset, self.max_steps, typed)
        return edition.fingerprint(comparison, given)

    @property
    def budget(self) -> str:
        """Images and epochs, or steps, in words."""
        lines = _mapping([*self.dataset.get("overrides", []), *self.typed])
        images = f"{lines.get('data.train_size', 'all')} training images"
        if self.max_steps is not None:
            return f"{images}, {self.max_steps} steps"
        return f"{images}, {self.dataset['epochs']} epochs times each comparison's factor"

    @property
    def shown(self) -> list[str]:
        """The overrides of the command line that can change a result, for people."""
        return [line.lstrip("+") for line in self.typed if not excluded(_key(line))]

    def epochs_of(self, comparison: Comparison) -> int:
        """Epochs of its runs, unless a grid says otherwise."""
        epochs: float = self.dataset["epochs"]
        factor: float = self.dataset.get("factors", {}).get(comparison.id, comparison.epochs)
        return max(1, round(epochs * factor))

    def options_of(self, measurement: Measurement) -> dict[str, Any]:
        """The options of a measurement, with the ledger's dataset in place of `data: ledger`."""
        options = dict(measurement.options)
        return options | {"data": self.data} if options.get("data") == "ledger" else options

    def cells(self, comparison: Comparison, grids: list[dict[str, Any]]) -> list[Cell]:
        """The arms of some of its grids."""
        from bnexp.sweep import expand

        others = [line for line in self.typed if not _key(line).startswith("data.")]
        found = []
        for grid in grids:
            whole = self._grid(comparison, {key: x for key, x in grid.items() if key != "at"})
            found += [Cell(tuple(arm), grid.get("at")) for arm in expand(others, [whole])]
        return list(dict.fromkeys(found))

    def _grid(self, comparison: Comparison, grid: Mapping[str, Any]) -> dict[str, Any]:
        """A grid of the YAML with what the dataset, the preset and the command line add.

        A grid's own keys win over the defaults, the command line over both. Where a grid names a
        dataset of its own, nothing that is meant for the ledger's dataset applies, and where it
        trains on fewer images than the ledger's batches have, their size does not.
        """
        grid = dict(grid)
        if grid.get("model") == "net":
            grid["model"] = self.dataset.get("net", "mlp")
        mine: dict[str, Any] = {
            "training.epochs": self.epochs_of(comparison), "training.save_weights": "false"
        }  # fmt: skip
        data: dict[str, Any] = {"data": self.data, **_mapping(self.dataset.get("overrides", []))}
        typed = _mapping(line for line in self.typed if _key(line).startswith("data."))
        if "data" in grid:
            data, typed = {}, {}
        own = mine | _mapping(comparison.base) | grid | typed
        batch, images = data.get("data.batch_size"), str(own.get("data.train_size"))
        if batch and images.isdecimal() and int(images) < int(batch):
            del data["data.batch_size"]
        whole = data | own
        if (cap := self.max_steps) is not None:
            whole["training.max_steps"] = min(cap, int(grid.get("training.max_steps", cap)))
        return whole


REFUSED = dict.fromkeys(
    ("seed", "training.epochs", "data.split_seed"),
    "the ledger sets it; seeds=N says how many seeds",
) | {
    "exclusive": "a comparison lets runs be alone where a clock is read",
    "dry_run": "--dry-run shows what would run",
    "sweep": "a comparison says what is swept; comparisons=FOLDER adds your own",
}


def read_setting(arguments: Iterable[str]) -> tuple[Setting, set[str]]:
    """The setting that a command line asks for, and its flags. Raises UserError."""
    config = ledger_config()
    own: dict[str, str] = {"data": config["data"], "preset": config["preset"]}
    words: list[str] = []
    typed: list[str] = []
    launcher: list[str] = []
    flags: set[str] = set()
    problems = []
    for argument in arguments:
        key, equals, value = argument.lstrip("+").partition("=")
        if argument.startswith("-"):
            flags.add(argument)
        elif not equals:
            words.append(argument)
        elif key in OWN:
            own[key] = value
        elif key.startswith(("hydra/", "hydra.")):
            launcher.append(argument)
        elif key in REFUSED:
            problems.append(f"{key}={value}: {REFUSED[key]}")
        else:
            typed.append(argument)
    if own["data"] not in config["datasets"]:
        known = ", ".join(config["datasets"])
        problems.append(f"data={own['data']}: the ledger has budgets for {known}")
    if own["preset"] not in config["presets"]:
        problems.append(f"preset={own['preset']}: known are {', '.join(config['presets'])}")
    values: dict[str, Any] = dict(own)
    for key, read, right in READ:
        if key in own:
            try:
                values[key] = read(own[key])
            except ValueError:
                problems.append(f"{key}={own[key]}: must be {right}")
    chosen: list[str] = []
    try:
        if "comparisons" in values:
            use(Path(values.pop("comparisons")))
        chosen = find(words)
    except UserError as error:
        problems += error.lines
    if problems:
        raise UserError(*problems)
    setting = Setting(tuple(chosen), typed=tuple(typed), launcher=tuple(launcher), **values)
    return setting, flags


def _count(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise ValueError(text)
    return value


def positive(text: str) -> float:
    """A number above 0 and below a million, as typed. Raises ValueError."""
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError(text)
    return value


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


READ: tuple[tuple[str, Any, str], ...] = (
    ("seeds", lambda text: None if text == "auto" else _count(text), "auto, or a number of seeds"),
    ("max_seeds", _count, "a number of seeds, 1 or more"),
    ("minutes", positive, "a number of minutes, above 0"),
    ("design", _switch, "true or false"),
)


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+")


def _mapping(overrides: Iterable[str]) -> dict[str, Any]:
    return {_key(line): line.partition("=")[2] for line in overrides}
