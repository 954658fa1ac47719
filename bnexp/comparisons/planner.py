"""Cells of comparisons as checked runs; a cell is checked once, whatever its seeds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bnexp.comparisons.setting import Cell
from bnexp.compose import Composer
from bnexp.errors import UserError
from bnexp.runs.identity import flatten
from bnexp.sweep import Job, plan_jobs


@dataclass
class Planner:
    """Plans cells; a cell that cannot run is kept as a row of the runs' table, with its reason."""

    composer: Composer = field(default_factory=Composer)
    known: dict[Cell, Job] = field(default_factory=dict)
    refused: dict[Cell, dict[str, Any]] = field(default_factory=dict)
    flat: dict[Cell, dict[str, Any]] = field(default_factory=dict)
    seeded: dict[tuple[Cell, int], Job] = field(default_factory=dict)

    def plan(self, cells: Sequence[Cell], may_refuse: bool = False) -> None:
        """Check cells. Raises UserError for an impossible one, unless `may_refuse`."""
        new = [one for one in cells if one not in self.known and one not in self.refused]
        if not new:
            return
        if not may_refuse:
            jobs = plan_jobs([one.overrides for one in new], self.composer)
            self.known |= dict(zip(new, jobs, strict=True))
            return
        for one in new:
            try:
                [self.known[one]] = plan_jobs([one.overrides], self.composer)
            except UserError as error:
                tree, preset = self.composer(one.overrides)
                ended = {"status": "refused", "outcome": "refused", "reason": error.lines[0]}
                row = {"run": None, "folder": "", "preset": preset, **ended, **flatten(tree)}
                self.refused[one] = row

    def keys(self, cell: Cell) -> dict[str, Any]:
        """Every key of a cell with its value."""
        if cell in self.refused:
            return self.refused[cell]
        if cell not in self.flat:
            self.flat[cell] = flatten(self.known[cell].plan.config.model_dump())
        return self.flat[cell]

    def job(self, cell: Cell, seed: int) -> Job:
        """The run of a cell with a seed, which draws the split of the data too."""
        if (cell, seed) not in self.seeded:
            self.seeded[cell, seed] = self._with_seed(cell, seed)
        return self.seeded[cell, seed]

    def _with_seed(self, cell: Cell, seed: int) -> Job:
        job = self.known[cell]
        plan = job.plan.with_seed(seed)
        overrides = [*job.overrides, f"++seed={seed}"]
        if plan.config.data.split_seed is None:
            data = plan.config.data.model_copy(update={"split_seed": seed})
            plan = replace(plan, config=plan.config.model_copy(update={"data": data}))
            overrides.append(f"++data.split_seed={seed}")
        return Job(tuple(overrides), plan)

    def jobs(self, cells: Sequence[Cell], seeds: Sequence[int]) -> list[Job]:
        """The runs of all cells that are possible, seed by seed."""
        return [self.job(one, seed) for seed in seeds for one in cells if one in self.known]

    def rows(self, cells: Sequence[Cell], seeds: Sequence[int]) -> list[dict[str, Any]]:
        """A row of the runs' table for each cell that is refused, and each seed."""
        rows = [self.refused[one] for one in cells if one in self.refused]
        return [row | {"seed": seed} for row in rows for seed in seeds]
