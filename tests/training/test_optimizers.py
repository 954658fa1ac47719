import pytest
import torch
from pydantic import TypeAdapter

from bnexp.compose import compose
from bnexp.config import AnyOptimizer
from bnexp.training.optimizers import make_optimizer

REFERENCES = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.01),
    "momentum": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.1, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.01),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_each_takes_the_same_steps_as_torchs_plain_one(name: str) -> None:
    tree, _ = compose([f"optimizer={name}", "optimizer.lr=0.1", "optimizer.weight_decay=0.01"])
    config = TypeAdapter(AnyOptimizer).validate_python(tree["optimizer"])
    start = torch.randn(7, 3, dtype=torch.float64, generator=torch.manual_seed(0))
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    optimizer, reference = make_optimizer(config, [ours]), REFERENCES[name]([theirs])
    for step in range(5):
        for parameter, one in ((ours, optimizer), (theirs, reference)):
            one.zero_grad()
            ((parameter - step) ** 2).sum().backward()
            one.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
