"""What a ledger is made on: dataset, preset, seeds, and what the command line adds."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bnexp.comparisons.config import Comparison, names, use
from bnexp.comparisons.datasets import ledger_config
from bnexp.errors import UserError
from bnexp.runs.identity import excluded
from bnexp.sweep import expand

OWN = ("data", "preset", "seeds", "out", "comparisons")


@dataclass(frozen=True)
class Setting:
    """One `bnexp reproduce`: which comparisons, on what, with how many seeds.

    `typed` are the overrides of the command line that go to every run; `launcher` those that
    choose another launcher. `seeds` is None where the preset decides.
    """

    ids: tuple[str, ...]
    data: str
    preset: str
    seeds: int | None = None
    out: str = "ledger"
    typed: tuple[str, ...] = ()
    launcher: tuple[str, ...] = ()

    def seeds_of(self, comparison: Comparison) -> int:
        """How many seeds this comparison gets; the smoke preset keeps to its own number."""
        if self.seeds is None and self.preset == "quick":
            return self.seeds_of_most
        return max(self.seeds_of_most, comparison.seeds or 1)

    @property
    def seeds_of_most(self) -> int:
        """Seeds of a comparison that does not ask for more."""
        return self.seeds or int(ledger_config()["presets"][self.preset]["seeds"])

    @property
    def budget(self) -> str:
        """Images and epochs in words."""
        dataset = ledger_config()["datasets"][self.data]
        lines = _mapping([*dataset.get("overrides", {}).get(self.preset, []), *self.typed])
        images = lines.get("data.train_size", "all")
        epochs = dataset["epochs"][self.preset]
        return f"{images} training images, {epochs} epochs times each comparison's factor"

    @property
    def shown(self) -> list[str]:
        """The overrides of the command line that can change a result, for people."""
        return [line.lstrip("+") for line in self.typed if not excluded(_key(line))]

    def epochs_of(self, comparison: Comparison) -> int:
        """Epochs of its runs, unless a grid says otherwise."""
        dataset = ledger_config()["datasets"][self.data]
        factor = dataset.get("factors", {}).get(comparison.id, comparison.epochs)
        return max(1, round(dataset["epochs"][self.preset] * factor))

    def arms_of(self, comparison: Comparison) -> list[list[str]]:
        """The overrides of every arm of a comparison, the seed left out."""
        if not comparison.sweep:
            return []
        grids = [self._grid(comparison, grid) for grid in self.grids_of(comparison)]
        return expand([line for line in self.typed if not _key(line).startswith("data.")], grids)

    def grids_of(self, comparison: Comparison) -> list[dict[str, Any]]:
        """The grids of a comparison, with the dataset's net in place of `model: net`."""
        net = ledger_config()["datasets"][self.data].get("net", "mlp")
        return [
            grid | {"model": net} if grid.get("model") == "net" else grid
            for grid in comparison.sweep
        ]

    def _grid(self, comparison: Comparison, grid: dict[str, Any]) -> dict[str, Any]:
        """A grid of the YAML with what the dataset, the preset and the command line add.

        A grid's own keys win over the defaults, the command line over both. Where a grid names a
        dataset of its own, nothing that is meant for the ledger's dataset applies.
        """
        budget = ledger_config()["datasets"][self.data].get("overrides", {}).get(self.preset, [])
        mine: dict[str, Any] = {"training.epochs": self.epochs_of(comparison)}
        data: dict[str, Any] = {"data": self.data, **_mapping(budget)}
        typed = _mapping(line for line in self.typed if _key(line).startswith("data."))
        if "data" in grid:
            data, typed = {}, {}
        whole = data | mine | _mapping(comparison.base) | grid | typed
        cap = ledger_config()["presets"][self.preset].get("max_steps")
        if cap is not None:
            whole["training.max_steps"] = min(cap, int(grid.get("training.max_steps", cap)))
        return whole


def read_setting(arguments: Iterable[str]) -> tuple[Setting, set[str]]:
    """The setting that a command line asks for, and its flags. Raises UserError."""
    config = ledger_config()
    own: dict[str, Any] = {"data": config["data"], "preset": config["preset"]}
    ids: list[str] = []
    typed: list[str] = []
    launcher: list[str] = []
    flags: set[str] = set()
    problems = []
    for argument in arguments:
        key, equals, value = argument.lstrip("+").partition("=")
        if argument.startswith("-"):
            flags.add(argument)
        elif not equals:
            ids.append(argument)
        elif key in OWN:
            own[key] = value
        elif key.startswith(("hydra/", "hydra.")):
            launcher.append(argument)
        elif key in ("seed", "training.epochs"):
            problems.append(f"{key}={value}: the ledger sets it; seeds=N says how many seeds")
        else:
            typed.append(argument)
    if own["data"] not in config["datasets"]:
        known = ", ".join(config["datasets"])
        problems.append(f"data={own['data']}: the ledger has budgets for {known}")
    if own["preset"] not in config["presets"]:
        problems.append(f"preset={own['preset']}: known are {', '.join(config['presets'])}")
    if "seeds" in own:
        if str(own["seeds"]).isdecimal() and int(own["seeds"]) > 0:
            own["seeds"] = int(own["seeds"])
        else:
            problems.append(f"seeds={own['seeds']}: must be a number of seeds, 1 or more")
    try:
        if "comparisons" in own:
            use(Path(own.pop("comparisons")))
        chosen = _chosen(ids)
    except UserError as error:
        problems += error.lines
    if problems:
        raise UserError(*problems)
    return Setting(tuple(chosen), typed=tuple(typed), launcher=tuple(launcher), **own), flags


def _chosen(ids: list[str]) -> list[str]:
    """The comparisons named by id or by the letter of their part; all where none is named."""
    known = names()
    chosen: list[str] = []
    problems: list[str] = []
    for name in ids:
        found = [one for one in known if one == name.upper() or one[0] == name.upper()]
        if not found:
            problems.append(f"{name}: no such comparison; `bnexp reproduce --list` shows them")
        chosen += found
    if problems:
        raise UserError(*problems)
    return [name for name in known if name in chosen] if ids else list(known)


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+")


def _mapping(overrides: Iterable[str]) -> dict[str, Any]:
    return {_key(line): line.partition("=")[2] for line in overrides}
