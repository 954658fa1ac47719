"""The training loop: one run from the first step to the last evaluation.

Within an epoch nothing waits for the device: losses and probe recordings stay on it until
`flush`, at the epoch's end or at a checkpoint, brings them over. Divergence is found there too,
and the record is cut at the step where it began.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnexp.data import augment, epoch_order, load
from bnexp.loggers import ScalarLog
from bnexp.models import build_model
from bnexp.norms import estimate_population_statistics, is_batch_norm, wants_population_statistics
from bnexp.plan import Plan
from bnexp.probes import (
    Recording,
    companions,
    due,
    gradient_shift,
    norm_measures,
    saved_bytes,
    smoothness,
)
from bnexp.probes import record as probe
from bnexp.runs.files import write_whole
from bnexp.runs.record import COLUMNS, Record
from bnexp.training.evaluation import evaluate, evaluate_train_mode
from bnexp.training.optimizer import make_optimizer
from bnexp.training.progress import Progress
from bnexp.training.schedule import learning_rate

DIVERGED = 1000.0  # a loss above this many times the first one
AUTOCAST = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


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
    record's folder is resumed, bit by bit on a CPU.
    """

    def __init__(
        self,
        plan: Plan,
        record: Record,
        progress: Progress,
        stop: Callable[[], bool],
        logger: ScalarLog | None = None,
    ) -> None:
        self.record, self.progress, self.stop, self.logger = record, progress, stop, logger
        self.config = plan.config
        self.device = torch.device(self.config.device)
        self.checkpoint = record.folder / "checkpoint.pt"
        data = load(self.config.data)
        self.splits: dict[str, tuple[Tensor, Tensor]] = {
            "train": (data.train_x, data.train_y),
            "val": (data.val_x, data.val_y),
            "test": (data.test_x, data.test_y),
        }
        torch.manual_seed(self.config.seed)
        self.model = build_model(self.config.model, data.shape, data.classes)
        layout = torch.preserve_format
        if len(data.shape) == 3 and any(isinstance(m, nn.Conv2d) for m in self.model.modules()):
            layout = torch.channels_last
        self.model.to(self.device).to(memory_format=layout)
        for name, (x, y) in self.splits.items():
            x = x.to(self.device, memory_format=layout if x.dim() == 4 else torch.preserve_format)
            self.splits[name] = (x, y.to(self.device))
        self.forward = torch.compile(self.model) if self.config.compile else self.model
        self.optimizer = make_optimizer(self.config.optimizer, self.model.parameters())
        self.autocast = torch.autocast(
            self.device.type,
            dtype=AUTOCAST[self.config.precision],
            enabled=self.config.precision != "fp32",
        )
        self.scaler = torch.amp.GradScaler(
            self.device.type, enabled=self.config.precision == "fp16"
        )
        self.batch_statistics = any(is_batch_norm(module) for module in self.model.modules())
        self.epoch = self.step = 0
        self.images = 0  # seen in training so far
        self.next_in_epoch = 0  # optimizer steps of this epoch already taken
        self.seconds = {"training": 0.0, "evaluation": 0.0, "probing": 0.0}
        self.noise_state = torch.Generator().get_state()  # of the augmentation
        self.losses: list[Tensor] = []  # on the device, with what the host knows of each step:
        self.pending: list[tuple[int, int, float, float]] = []  # step, epoch, lr, seconds
        self.recordings: list[tuple[int, Recording]] = []

    def run(self) -> None:
        """Train to the end. Raises Interrupted or Diverged."""
        config, training = self.config, self.config.training
        batches = len(self._order(0))
        steps_per_epoch = math.ceil(batches / training.accumulate)
        total = training.epochs * steps_per_epoch
        total = total if training.max_steps is None else min(total, training.max_steps)
        self.progress.begin(total, training.epochs)
        if self.checkpoint.exists():
            self._load()
            self.progress.resume(self.step)
        else:
            self._evaluate()
            self._measure_memory()
        saved = perf_counter()

        while self.step < total:
            order = self._order(self.epoch)
            noise = torch.Generator().manual_seed(config.seed * 1_000_003 + self.epoch)
            if self.next_in_epoch:
                noise.set_state(self.noise_state)
            self.model.train()
            for position in range(self.next_in_epoch, steps_per_epoch):
                if self.step == total:
                    break
                stopping = self.stop()
                if stopping or perf_counter() - saved > training.checkpoint_seconds:
                    self.noise_state = noise.get_state()
                    self._save()
                    saved = perf_counter()
                    if stopping:
                        raise Interrupted(self.step)

                start = perf_counter()
                group = order[position * training.accumulate : (position + 1) * training.accumulate]
                micro_batches = [self._take(indices, noise) for indices in group]
                lr = learning_rate(config.optimizer.lr, training, self.step, steps_per_epoch)
                for parameters in self.optimizer.param_groups:
                    parameters["lr"] = lr
                probing = self._probe(*micro_batches[0])

                loss = torch.zeros((), device=self.device)
                for x, y in micro_batches:
                    with self.autocast:
                        part = self._loss(self.forward(x), y) / len(micro_batches)
                    self.scaler.scale(part).backward()
                    loss += part.detach()
                if training.clip_grad_norm is not None:
                    self.scaler.unscale_(self.optimizer)
                    nn.utils.clip_grad_norm_(self.model.parameters(), training.clip_grad_norm)
                self.scaler.step(self.optimizer)
                self.scaler.update()
                self.optimizer.zero_grad()

                spent = perf_counter() - start - probing
                self.seconds["training"] += spent
                self.losses.append(loss)
                self.pending.append((self.step, self.epoch + 1, lr, spent))
                self.step += 1
                self.next_in_epoch = position + 1
                images = sum(len(y) for _, y in micro_batches)
                self.images += images
                self.progress.step(self.step, images, loss)

            self.epoch += 1
            self.next_in_epoch = 0
            self._flush()
            last = self.step == total
            if last:
                self._probe(*self._take(self._order(self.epoch)[0], noise), last=True)
                self._flush()
            if last or self.epoch % training.evaluate_every == 0:
                self._evaluate()
        final_loss = self.record.tables["epochs"][-1][COLUMNS["epochs"].index("train_loss")]
        if not math.isfinite(final_loss):  # the last update did it, and no step came to show it
            raise Diverged(self.step)

    def _order(self, epoch: int) -> list[Tensor]:
        data = self.config.data
        samples = len(self.splits["train"][1])
        order = epoch_order(data, samples, self.config.seed, epoch)
        return [indices.to(self.device, non_blocking=True) for indices in order]

    def _take(self, indices: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        x, y = self.splits["train"]
        x, y = x.index_select(0, indices), y.index_select(0, indices)
        data = self.config.data
        if data.flip or data.crop:
            x = augment(x, data.flip, data.crop, noise)
        return x, y

    def _loss(self, logits: Tensor, y: Tensor) -> Tensor:
        smoothing = self.config.training.label_smoothing
        return F.cross_entropy(logits.float(), y, label_smoothing=smoothing)

    def _probe(self, x: Tensor, y: Tensor, last: bool = False) -> float:
        """Record what is due at this step; returns the seconds that it took."""
        start = perf_counter()
        self.recordings += [(self.step, found) for found in self._instruments(x, y, last)]
        spent = perf_counter() - start
        self.seconds["probing"] += spent
        return spent

    def _instruments(self, x: Tensor, y: Tensor, last: bool) -> Iterator[Recording]:
        probes = self.config.probes
        wanted = {
            "gradients": due(probes.gradients, self.step, last),
            "activations": due(probes.activations, self.step, last),
            "histograms": due(probes.histograms, self.step, last),
        }
        batch = (self.model, x, y, self._loss)
        lr = self.optimizer.param_groups[0]["lr"]  # after the last update, that update's
        if any(wanted.values()):
            scale = self._loss_scale()
            yield probe(
                self.model, x, y, self._loss, autocast=self.autocast, loss_scale=scale, **wanted
            )
        if due(probes.shift, self.step, last):
            scale = self._loss_scale()
            yield gradient_shift(*batch, lr, autocast=self.autocast, loss_scale=scale)
        if due(probes.smoothness, self.step, last):
            scale = self._loss_scale()
            yield smoothness(*batch, lr, autocast=self.autocast, loss_scale=scale)
        if due(probes.companions, self.step, last):
            examples, pool = self.splits["val"], self.splits["train"][0]
            size, seed = self.config.data.batch_size, self.config.seed
            yield companions(self.model, *examples, pool, size, seed, autocast=self.autocast)

    def _loss_scale(self) -> Tensor:
        scale: Tensor = self.scaler.scale(torch.ones((), device=self.device))  # 1 but in fp16
        return scale

    def _measure_memory(self) -> None:
        start = perf_counter()
        self.model.train()
        x = self.splits["train"][0].index_select(0, self._order(0)[0])
        measure = (
            0,
            "model",
            "saved_for_backward_bytes",
            saved_bytes(self.model, x, self.autocast),
        )
        self.record.tables["measures"].append(measure)
        self.seconds["probing"] += perf_counter() - start

    def _flush(self) -> None:
        """Bring over what the device holds; this is where the device is waited for."""
        start = perf_counter()
        losses = torch.stack(self.losses).tolist() if self.losses else []
        self.seconds["training"] += perf_counter() - start
        steps = self.record.tables["steps"]
        for loss, (step, epoch, lr, spent) in zip(losses, self.pending, strict=True):
            steps.append((step, epoch, loss, lr, spent))
            if self.logger is not None:
                self.logger.log(step, {"loss": loss, "lr": lr})
        start = perf_counter()
        for step, recording in self.recordings:
            for table, rows in recording.rows().items():
                self.record.tables[table] += [(step, *row) for row in rows]
        self.seconds["probing"] += perf_counter() - start
        self.losses, self.pending, self.recordings = [], [], []
        for step, _, loss, _, _ in steps[len(steps) - len(losses) :]:
            if not math.isfinite(loss) or loss > DIVERGED * steps[0][2]:
                self.record.cut(step)
                raise Diverged(step)

    def _evaluate(self) -> None:
        start = perf_counter()
        if wants_population_statistics(self.model):
            order = self._order(0)
            x = self.splits["train"][0]
            estimate_population_statistics(self.model, (x.index_select(0, i) for i in order))
        splits = self.splits.values()
        parts = [evaluate(self.model, splits, self.autocast)]
        if self.batch_statistics:
            size = self.config.data.batch_size
            parts.append(evaluate_train_mode(self.model, splits, size, self.autocast))
        values: list[Any] = torch.cat(parts).tolist()
        values += [None] * (12 - len(values))
        self.seconds["evaluation"] += perf_counter() - start
        if self.config.probes.norms:
            start = perf_counter()
            measures = [(self.step, *measure) for measure in norm_measures(self.model)]
            self.record.tables["measures"] += measures
            self.seconds["probing"] += perf_counter() - start
        row = (self.epoch, self.step, *values, *self.seconds.values())
        self.record.tables["epochs"].append(row)
        if self.logger is not None:
            named = zip(COLUMNS["epochs"], row, strict=True)
            self.logger.log(self.step, {name: v for name, v in named if v is not None})
        self.progress.evaluated(self.epoch, self.step, values)

    def _save(self) -> None:
        self._flush()
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": torch.get_rng_state(),
            "noise": self.noise_state,
            "position": (self.epoch, self.next_in_epoch, self.step, self.images),
            "seconds": self.seconds,
            "tables": self.record.tables,
            "threads": torch.get_num_threads(),
        }
        if self.device.type == "cuda":
            state["device_random"] = torch.cuda.get_rng_state(self.device)
        write_whole(self.checkpoint, lambda file: torch.save(state, file))
        self.record.flush()

    def _load(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["random"].cpu())
        if "device_random" in state:
            torch.cuda.set_rng_state(state["device_random"].cpu(), self.device)
        self.noise_state = state["noise"].cpu()
        self.epoch, self.next_in_epoch, self.step, self.images = state["position"]
        self.seconds, self.record.tables = state["seconds"], state["tables"]
        torch.set_num_threads(state["threads"])


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the state dict, for `torch.load(path, weights_only=True)`."""
    write_whole(path, lambda file: torch.save(model.state_dict(), file))
