"""The training loop: one run from the first step to the last evaluation.

Within an epoch nothing waits for the device: losses and probe recordings stay on it until
`flush`, at the epoch's end or at a checkpoint, brings them over. Divergence is found there too,
and the record is cut at the step where it began.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from bnexp import norms, probes  # whose modules come with the first use
from bnexp.data import load
from bnexp.models import build_model
from bnexp.plan import Plan
from bnexp.random_state import (
    random_state,
    random_state_kept,
    seed_everything,
    set_random_state,
)
from bnexp.runs.record import Record
from bnexp.training.average import Average
from bnexp.training.checkpoint import Damaged, read_checkpoint, set_damaged_aside, write_checkpoint
from bnexp.training.clock import Clock
from bnexp.training.evaluation import Split
from bnexp.training.forward import autocast, cross_entropy, memory_format
from bnexp.training.optimizers import make_optimizer
from bnexp.training.pending import Pending
from bnexp.training.progress import Progress
from bnexp.training.samples import Samples
from bnexp.training.schedule import learning_rate, midway
from bnexp.training.scoring import Scoring, When

if TYPE_CHECKING:
    from bnexp.loggers import RunLog

DIVERGED = 1000.0  # a loss above this many times the first one


class Interrupted(Exception):
    """Training was asked to stop; the checkpoint holds its state."""

    def __init__(self, step: int) -> None:
        super().__init__(f"at step {step}")


class Diverged(Exception):
    """The loss left all bounds."""

    def __init__(self, step: int) -> None:
        super().__init__(f"diverged at step {step}")


class Training:
    """One run: the model, its data on the device, and the loop over them.

    `stop` is asked before every step; once it says yes, the state is saved and `run` raises
    Interrupted. `logger` gets what the tables `steps` and `epochs` get. A checkpoint in the
    record's folder is resumed, on a CPU to the same bits; a damaged one is set aside.
    """

    def __init__(
        self,
        plan: Plan,
        record: Record,
        progress: Progress,
        stop: Callable[[], bool],
        logger: RunLog | None = None,
    ) -> None:
        self.record, self.progress, self.stop, self.logger = record, progress, stop, logger
        self.config = config = plan.config
        self.device = torch.device(config.device)
        self.checkpoint = record.folder / "checkpoint.pt"
        data = load(config.data, plan.facts.content)
        seed_everything(config.seed)
        self.model = build_model(config.model, data.shape, data.classes)
        layout = memory_format(self.model, data.shape, plan.layout)
        self.model.to(self.device).to(memory_format=layout)
        self.samples = Samples(data, config, layout)
        self.splits = self.samples.splits
        self.average = Average(self.model, config.training.ema)
        self.evaluated = self.average.model
        self.forward = torch.compile(self.model) if config.compile else self.model
        self.optimizer = make_optimizer(config.optimizer, self.model.parameters())
        self.autocast = autocast(self.device, config.precision)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=config.precision == "fp16")
        self.scoring = Scoring(config.training, self.splits, config.data.batch_size, self.autocast)
        self.instruments = {
            name: (schedule, probes.find_instrument(name, schedule.function))
            for name, schedule in config.probes.schedules().items()
        }
        self.steps_per_epoch, self.steps = plan.steps_per_epoch, plan.steps
        self.midway = midway(config.training.evaluate_every, self.steps_per_epoch)

        self.epoch = self.step = self.images = 0  # images seen in training so far
        self.next_in_epoch = 0  # optimizer steps of this epoch already taken
        self.clock, self.pending = Clock(), Pending()

    def run(self) -> None:
        """Train to the end. Raises Interrupted or Diverged."""
        training = self.config.training
        self.progress.begin(self.steps, training.epochs)
        if not self._resumed():
            self._evaluate("start")
            self._measure_memory()
        saved = perf_counter()

        while self.step < self.steps:
            order = self.samples.order(self.epoch)
            if not self.next_in_epoch:
                self.samples.begin(self.epoch)
            self.model.train()
            for position in range(self.next_in_epoch, self.steps_per_epoch):
                if self.step == self.steps:
                    break
                stopping = self.stop()
                if stopping or perf_counter() - saved > training.checkpoint_seconds:
                    self._save()
                    saved = perf_counter()
                    if stopping:
                        raise Interrupted(self.step)

                before = self.clock.seconds["training"]
                with self.clock.timed("training"):
                    group = order[position * training.accumulate :][: training.accumulate]
                    batches = [self.samples.take(indices) for indices in group]
                    lr = self._set_learning_rate()
                    after_update = self._probe(*batches[0])
                    loss = self._update(batches)
                    self._probe_after(after_update)
                spent = self.clock.seconds["training"] - before
                self.pending.step(loss, step=self.step, epoch=self.epoch + 1, lr=lr, seconds=spent)
                self.step += 1
                self.next_in_epoch = position + 1
                images = sum(len(y) for _, y in batches)
                self.images += images
                self.progress.step(self.step, images, loss)
                if self.next_in_epoch in self.midway and self.step < self.steps:
                    self._flush()
                    self._evaluate("between")
                    self.model.train()

            self.epoch += 1
            self.next_in_epoch = 0
            self._flush()
            if self.step == self.steps:
                self._probe(*self.samples.take(self.samples.order(self.epoch)[0]), last=True)
                self._flush()
                self._evaluate("end")
            elif training.evaluate_every < 1 or self.epoch % training.evaluate_every == 0:
                self._evaluate("between")
        if not math.isfinite(self.record.column("epochs", "train_loss")[-1]):
            raise Diverged(self.step)  # the last update did it, and no step came to show it

    def _set_learning_rate(self) -> float:
        base, schedule = self.config.optimizer.lr, self.config.training
        lr = learning_rate(base, schedule, self.step, self.steps_per_epoch)
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = lr
        return lr

    def _loss(self, logits: Tensor, y: Tensor) -> Tensor:
        return cross_entropy(logits, y, self.config.training.label_smoothing)

    def _update(self, batches: list[Split]) -> Tensor:
        """One optimizer step on the mean gradient of all samples; returns their mean loss."""
        samples = sum(len(y) for _, y in batches)
        loss = torch.zeros((), device=self.device)
        for x, y in batches:
            with self.autocast:
                part = self._loss(self.forward(x), y) / (samples / len(y))
            self.scaler.scale(part).backward()
            loss += part.detach()
        if (clip := self.config.training.clip_grad_norm) is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        self.average.update(self.step)
        return loss

    def _probe(
        self, x: Tensor, y: Tensor, last: bool = False
    ) -> list[Callable[[], probes.Recording]]:
        """Record what is due at this step; returns what is to be recorded after the update."""
        wanted = {
            name: instrument
            for name, (schedule, instrument) in self.instruments.items()
            if probes.due(schedule, self.step, last)
        }
        if not wanted:
            return []
        with self.clock.timed("probing"):
            moment = probes.Moment(
                self.model, x, y, self._loss, self.optimizer.param_groups[0]["lr"], self.autocast,
                self.scaler.scale(torch.ones((), device=self.device)),  # 1 but in fp16
                due=frozenset(wanted), last=last,
                batch_size=self.config.data.batch_size, seed=self.config.seed,
                examples=self.splits["val"], pool=self.splits["train"][0],
            )  # fmt: skip
            found, after_update = probes.measure(moment, wanted)
            self.pending.record(self.step, found)
        return after_update

    def _probe_after(self, functions: list[Callable[[], probes.Recording]]) -> None:
        if functions:
            with self.clock.timed("probing"):
                self.pending.record(self.step, [function() for function in functions])

    def _measure_memory(self) -> None:
        with self.clock.timed("probing"):
            self.model.train()
            x = self.samples.inputs(self.samples.order(0)[0])
            kept = probes.saved_bytes(self.model, x, self.autocast)
        self.record.add(
            "measures", step=0, layer="model", name="saved_for_backward_bytes", value=kept
        )

    def _flush(self) -> None:
        """Bring over what the device holds; this is where the device is waited for."""
        new = self.pending.flush(self.record, self.clock)
        self.progress.trained([loss for _, loss in new])
        first = next(iter(self.record.column("steps", "loss")), math.nan)
        for step, loss in new:
            if not math.isfinite(loss) or loss > DIVERGED * first:
                self.record.cut(step)
                raise Diverged(step)

    def _evaluate(self, when: When) -> None:
        with self.clock.timed("evaluation"), random_state_kept(self.device):
            if norms.wants_population_statistics(self.evaluated):
                batches = (self.samples.inputs(indices) for indices in self.samples.order(0))
                norms.estimate_population_statistics(self.evaluated, batches)
            scores = self.scoring.score(self.evaluated, when)
            row = len(self.record.tables["epochs"])
            self.scoring.remember(row, scores, self.evaluated, when)
        if self.config.probes.norms:
            with self.clock.timed("probing"):
                for layer, name, value in probes.norm_measures(self.evaluated):
                    self.record.add("measures", step=self.step, layer=layer, name=name, value=value)
        spent = {f"seconds_{kind}": seconds for kind, seconds in self.clock.seconds.items()}
        part = self.next_in_epoch / self.steps_per_epoch if self.next_in_epoch else 0
        self.record.add("epochs", epoch=self.epoch + part, step=self.step, **scores, **spent)
        if when == "end":
            with self.clock.timed("evaluation"):
                row, at_best = self.scoring.test_best(self.evaluated)
            self.record.amend("epochs", row, **at_best)
        if self.logger is not None:
            self.logger.send(self.record.tables)
        self.progress.evaluated(self.epoch, self.step, scores.get("val_accuracy"))

    def _save(self) -> None:
        self._flush()
        state = {
            "model": self.model.state_dict(),
            "evaluated": self.evaluated.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": random_state(self.device),
            "noise": self.samples.noise.get_state(),
            "position": (self.epoch, self.next_in_epoch, self.step, self.images),
            "seconds": self.clock.seconds,
            "tables": self.record.tables,
            "best": self.scoring.best,
            "threads": torch.get_num_threads(),
        }
        write_checkpoint(self.checkpoint, state)
        self.record.flush()

    def _resumed(self) -> bool:
        """Go on from the checkpoint, if there is a sound one."""
        if not self.checkpoint.exists():
            return False
        try:
            state = read_checkpoint(self.checkpoint, self.device)
        except Damaged as why:
            aside = set_damaged_aside(self.checkpoint)
            self.progress.say(f"{self.checkpoint}: {why}; set aside as {aside.name}, starts over")
            return False
        self.model.load_state_dict(state["model"])
        self.evaluated.load_state_dict(state.get("evaluated", state["model"]))  # older ones lack it
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        set_random_state(state["random"], self.device)
        self.samples.noise.set_state(state["noise"].cpu())
        self.epoch, self.next_in_epoch, self.step, self.images = state["position"]
        self.clock.seconds, self.record.tables = state["seconds"], state["tables"]
        self.scoring.best = state["best"]
        torch.set_num_threads(state["threads"])
        self.progress.resume(self.step)
        return True
