"""Tab completion: Hydra's for `bnexp train`, ours for the other commands."""

import contextlib
import io
import os
from collections.abc import Iterable

from bnexp.probes.catalogue import PROBES


def complete(arguments: list[str], commands: Iterable[str]) -> int:
    """Answer `bnexp -sc ...`; what was typed so far is in the variable COMP_LINE."""
    from bnexp.compose import run_hydra

    if not any(argument.startswith("query=") for argument in arguments):
        run_hydra("train", ["-sc", *arguments], lambda config: None)
        return 0
    words = os.environ.get("COMP_LINE", "").split(" ")
    if len(words) < 3:
        print(" ".join(commands))
    elif words[1] == "train":
        print(" ".join(_train(words, arguments)))
    else:
        print(" ".join(word for word in _others(words[1], words[-1]) if word.startswith(words[-1])))
    return 0


def _train(words: list[str], arguments: list[str]) -> list[str]:
    """Hydra's suggestions, the last of several values completed as a first one would be."""
    from bnexp.compose import run_hydra

    plus = "+" if words[-1].startswith("+") else ""
    overrides = [word.lstrip("+") for word in words[2:] if not word.startswith("-")] or [""]
    key, equals, value = overrides[-1].partition("=")
    before, comma, last = value.rpartition(",")
    if key == "model.norm":
        found = [f"{key}={name}" for name in _norms() if name.startswith(last)]
    else:
        overrides[-1] = f"{key}{equals}{last}"
        os.environ["COMP_LINE"] = " ".join([words[0], *overrides])
        suggestions = io.StringIO()
        with contextlib.redirect_stdout(suggestions):
            run_hydra("train", ["-sc", *arguments], lambda config: None)
        found = suggestions.getvalue().split()
    if key.startswith("probes.") and not equals:  # a plugin's instrument is in no preset of ours
        names = [f"probes.{name}" for name in PROBES if f"probes.{name}".startswith(key)]
        found += [f"{name}=" for name in names if not {f"{name}=", f"{name}."} & {*found}]
    if comma:
        found = [f"{key}={before},{one.removeprefix(f'{key}=')}" for one in found]
    return [plus + one for one in found]


def _others(command: str, word: str) -> list[str]:
    """What may stand in the place of `word`."""
    if command in ("report", "plot", "table"):
        from bnexp.report.cli import completions

        return completions(command)
    if command == "compare":
        from bnexp.versus.cli import completions as of_compare

        return of_compare(word)
    if command == "explain":
        return [*_norms(), *(f"norm={name}" for name in _norms()), "shape=", "--open", "--out"]
    if command == "list":
        from bnexp.listing import SECTIONS

        return list(SECTIONS)
    if command == "reproduce":
        from bnexp.comparisons.config import names
        from bnexp.comparisons.datasets import ledger_config

        config = ledger_config()
        values = {"data": config["datasets"], "preset": config["presets"]}
        key, equals, _ = word.partition("=")
        if equals:
            return [f"{key}={value}" for value in values.get(key, ())]
        keys = ("data", "preset", "seeds", "max_seeds", "minutes", "evidence", "out", "live")
        return ["all", *names(), *(f"{key}=" for key in keys)]
    return []


def _norms() -> list[str]:
    """Every normaliser, those of plugins too."""
    from bnexp.norms.catalogue import NORMS
    from bnexp.plugins import load_plugins

    load_plugins()
    return list(NORMS)
