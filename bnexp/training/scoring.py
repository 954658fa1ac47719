"""Which splits are scored when, and which evaluation was the best."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from bnexp.config import Training
from bnexp.norms import is_batch_norm
from bnexp.training.evaluation import Split, evaluate, evaluate_train_mode, subset

When = Literal["start", "between", "end"]
Scores = dict[str, float]  # by column of the table `epochs`


class Scoring:
    """Scores a model on all splits at the start and the end, in between on `training.evaluate`.

    Before the end only `training.evaluate_samples` of each split are scored. `best` is the
    earliest evaluation with the best validation accuracy; its weights are kept unless the whole
    test split was scored there.
    """

    def __init__(
        self,
        training: Training,
        splits: dict[str, Split],
        batch_size: int,
        autocast: torch.autocast,
    ) -> None:
        self.training, self.whole, self.parts = training, splits, splits
        self.batch_size, self.autocast = batch_size, autocast
        self.best: dict[str, Any] | None = None
        if training.evaluate_samples is not None:
            self.parts = {n: subset(s, training.evaluate_samples) for n, s in splits.items()}

    def score(self, model: nn.Module, when: When) -> Scores:
        """Loss and accuracy by column; waits for the device once."""
        splits = self.whole if when == "end" else self.parts
        if when == "between":
            splits = {name: splits[name] for name in self.training.evaluate}
        found = {"": {n: evaluate(model, split, self.autocast) for n, split in splits.items()}}
        wanted = self.training.evaluate_train_mode in ("always", when)
        if wanted and any(is_batch_norm(module) for module in model.modules()):
            found["_train_mode"] = {
                name: evaluate_train_mode(model, split, self.batch_size, self.autocast)
                for name, split in splits.items()
            }
        names = [
            f"{split}_{what}{mode}"
            for mode, by_split in found.items()
            for split in by_split
            for what in ("loss", "accuracy")
        ]
        values = [pair for by_split in found.values() for pair in by_split.values()]
        return dict(zip(names, torch.cat(values).tolist(), strict=True)) if values else {}

    def remember(self, row: int, scores: Scores, model: nn.Module, when: When) -> None:
        """Keep the evaluation in this row of `epochs`, with the weights, if it is the best."""
        accuracy = scores.get("val_accuracy")
        if accuracy is None or (self.best is not None and accuracy <= self.best["accuracy"]):
            return
        whole = when == "end" or self.parts is self.whole
        known = whole and "test_accuracy" in scores
        weights = None if known else _copy(model)
        self.best = {"accuracy": accuracy, "row": row, "weights": weights}

    def test_best(self, model: nn.Module) -> tuple[int, Scores]:
        """Row of the best evaluation, and its test scores; empty where the row has them already."""
        if self.best is None or self.best["weights"] is None:
            return 0, {}
        final = _copy(model)
        model.load_state_dict(self.best["weights"])
        loss, accuracy = evaluate(model, self.whole["test"], self.autocast).tolist()
        model.load_state_dict(final)
        return self.best["row"], {"test_loss": loss, "test_accuracy": accuracy}


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}
